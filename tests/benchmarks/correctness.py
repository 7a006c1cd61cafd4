"""How many examples are truly right, with and without each filter and strategy, on nano.

    python tests/benchmarks/correctness.py oracle                     # how well the oracle knows
    python tests/benchmarks/correctness.py pool NAME [--set K=V]...     # examples, not filtered
    python tests/benchmarks/correctness.py filters POOL... [--set K=V]... # each filter over pools
    python tests/benchmarks/correctness.py answers POOL POOL...         # ways to answer the same
    python tests/benchmarks/correctness.py runs RUN...                  # accepted, and rejected

A pool is a run folder without training: proposals answered, and nothing rejected but what the
firewall found. Intervals are Wilson's at 95 %. An example is right, wrong, or has no right answer:
its text is no item of the task, or does not tell what is asked. What the oracle does not know is
counted beside and is in no share.
"""

from __future__ import annotations

import argparse
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from math import sqrt
from random import Random

import oracle

from selfspec_core.assembly.assemble import Assembly, assemble, load_host
from selfspec_core.assembly.request import Request
from selfspec_core.assembly.resolve import parse_flag, resolve
from selfspec_core.journals import RoundFolder
from selfspec_core.manifest import new_manifest
from selfspec_core.measures.votes import read
from selfspec_core.measures.votes import same as same_answer
from selfspec_core.progress import Silent
from selfspec_core.runs import RUNS, Run, find_run
from selfspec_core.stages.chain import Chain
from selfspec_core.stages.collect import collect
from selfspec_core.types import Example, Instruction
from selfspec_nano import world
from selfspec_nano.source import Source

RIGHT, WRONG, NO_ANSWER, UNKNOWN = "right", "wrong", "no right answer", "not known"
ADDED = ("length_outliers",)
"""Filters that need nothing but the examples and are in no recipe: judged after the recipe's."""


def verdict(row: Example, output: str | None = None) -> str:
    """Returns what the oracle says of an example, with another answer if one is given."""
    truth = oracle.right_answer(row.task, row.kind, row.input)
    if truth is None:
        return UNKNOWN
    if truth is oracle.NONE:
        return NO_ANSWER
    said = row.output if output is None else output
    right = oracle.is_right(row.task, row.kind, row.input, said, row.choices)
    return RIGHT if right else WRONG


def wilson(hits: int, n: int) -> tuple[float, float]:
    """Returns Wilson's 95 % interval of a share (Wilson 1927)."""
    if not n:
        return 0.0, 1.0
    z, share = 1.959964, hits / n
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return max(middle - half, 0.0), min(middle + half, 1.0)


def shown(hits: int, n: int) -> str:
    """Returns a share with its interval."""
    low, high = wilson(hits, n)
    return f"{hits / n:.0%} [{low:.0%}, {high:.0%}]" if n else "-"


def table(title: str, rows: Iterable[tuple[str, Iterable[str]]]) -> None:
    """Prints counts of verdicts, the share right of all known, and of those that can be right."""
    print(f"\n{title}\n")
    print("| | examples | known | right | wrong | no right answer | right | right of answerable |")
    print("|---|---|---|---|---|---|---|---|")
    for name, verdicts in rows:
        counts = Counter(verdicts)
        known = counts.total() - counts[UNKNOWN]
        right, wrong, without = (counts[one] for one in (RIGHT, WRONG, NO_ANSWER))
        shares = f"{shown(right, known)} | {shown(right, right + wrong)}"
        print(f"| {name} | {counts.total()} | {known} | {right} | {wrong} | {without} | {shares} |")


def check_oracle(per_task: int = 60) -> None:
    """Prints how much the oracle knows of items whose answer is known, and how often it is right.

    Those of nano-world are made from frames that nano has not read, the others from those it has;
    the oracle knows both sorts of frames, and nothing of how an item was made.
    """
    rows: dict[tuple[str, str], list[str]] = defaultdict(list)
    for item in world.items():
        answer = str(item.output[0])
        rows[item.task, "held out"].append(_known(item, item.input, answer, item.choices))
    for task in world.tasks_in("finance"):
        domain = world.content("finance")
        assert domain is not None
        choices = world.choices_of(domain, task)
        source = Source(Random(f"correctness {task.name}"), domain)
        for item in world._short_items(source, task, per_task):
            rows[task.name, "read"].append(_known(task, item.input, item.output, choices))
    print("\n| task | frames | items | known | oracle agrees |\n|---|---|---|---|---|")
    for (task, frames), found in rows.items():
        known = len(found) - found.count(UNKNOWN)
        agrees = f"{found.count(RIGHT)} of {known}"
        print(f"| {getattr(task, 'name', task)} | {frames} | {len(found)} | {known} | {agrees} |")
    every = Counter(one for found in rows.values() for one in found)
    print(f"\nknown {1 - every[UNKNOWN] / every.total():.1%} of {every.total()}; {dict(every)}")


def _known(task: object, input: str, output: str, choices: Sequence[str]) -> str:
    name = getattr(task, "task", None) or getattr(task, "name", "")
    row = Example("", name, getattr(task, "kind"), "", input, output, 1, 0, tuple(choices))  # noqa: B009
    return verdict(row)


def assembled(flags: Sequence[str]) -> Assembly:
    """Builds what a run of finance on nano would have."""
    return assemble(Request("finance", set=tuple(map(parse_flag, flags))), Silent())


def make_pool(name: str, flags: Sequence[str]) -> None:
    """Collects `data.size` examples without a filter."""
    asked = ("filters.order=[]", *flags)
    assembly = assembled(asked)
    request = asdict(Request("finance", set=tuple(map(parse_flag, asked))))
    run = Run.create(RUNS / name, new_manifest(assembly, request))
    parts, context = assembly.parts, assembly.context
    context.model.load()
    generators, tuning = (parts.proposer, parts.answerer), (parts.trainer, parts.firewall)
    collect(run.round(1), [], *generators, parts.filters(), *tuning, context)
    run.close()
    print(f"{run.path}: {context.watch.seconds}")


Pool = list[tuple[Instruction, Example]]


def read_pool(name: str) -> Pool:
    """Returns the examples of a run with the instructions they answer, in order of arrival."""
    folder = RoundFolder(find_run(name) / "round-1", write=False)
    asked = {row["id"]: Instruction.from_dict(row) for row in folder.read("instructions")}
    examples = [Example.from_dict(row) for row in folder.read("examples")]
    return [(asked[row.id], row) for row in sorted(examples, key=lambda row: row.id)]


class Judge:
    """Filters over pools, each pool from fresh; what was asked is not asked again.

    Args:
        names: of the pools.
        flags: settings of the filters.
    """

    def __init__(self, names: Sequence[str], flags: Sequence[str]) -> None:
        self.pools = [read_pool(name) for name in names]
        self.host = load_host("finance")
        self.assembly = assembled([flag for flag in flags if not flag.startswith("filters.")])
        self.tables = resolve([("", {}), *(("--set", parse_flag(f)) for f in flags)]).filters
        self.said = [verdict(row) for pool in self.pools for _, row in pool]
        self.tasks = [row.task for pool in self.pools for _, row in pool]

    def reasons(self, order: Sequence[str]) -> list[str]:
        """Returns what each example was rejected for by filters in order, "" if it was kept."""
        return [reason for pool in self.pools for reason in self._reasons(pool, order)]

    def kept(self, order: Sequence[str]) -> list[str]:
        """Returns the verdicts on what filters in order keep."""
        pairs = zip(self.said, self.reasons(order), strict=True)
        return [one for one, reason in pairs if not reason]

    def _reasons(self, pool: Pool, order: Sequence[str]) -> list[str]:
        filters = [self.host.build("filters", one, self.tables.of(one)) for one in order]
        context = self.assembly.context
        first = Chain(filters, "instruction").judge([asked for asked, _ in pool], context)
        reasons = [f"{by}: {said.reason}" if by else "" for _, said, by in first]
        standing = [at for at, reason in enumerate(reasons) if not reason]
        last = Chain(filters, "example").judge([pool[at][1] for at in standing], context)
        for at, (_, said, by) in zip(standing, last, strict=True):
            reasons[at] = f"{by}: {said.reason}" if by else ""
        return reasons


def compare_filters(names: Sequence[str], flags: Sequence[str]) -> None:
    """Prints pools without filters, with the recipe's, without each of them, and with more."""
    judge = Judge(names, flags)
    recipe = list(judge.assembly.settings.filters.order)
    rows = [("no filter", judge.said), ("the recipe's", judge.kept(recipe))]
    rows += [(f"without {one}", judge.kept([o for o in recipe if o != one])) for one in recipe]
    rows += [(f"with {one}", judge.kept([*recipe, one])) for one in ADDED]
    table("The recipe's filters, and one less or more", rows)
    alone: dict[str, list[str]] = defaultdict(list)
    for one in (*recipe, *ADDED):
        for was, reason in zip(judge.said, judge.reasons([one]), strict=True):
            if reason:
                alone[reason].append(was)
    table("What each filter alone rejects", sorted(alone.items()))
    by_task: dict[str, list[str]] = defaultdict(list)
    for task, was, reason in zip(judge.tasks, judge.said, judge.reasons(recipe), strict=True):
        by_task[f"{task}, all"].append(was)
        if not reason:
            by_task[f"{task}, kept"].append(was)
    table("By task", sorted(by_task.items()))


def compare_answers(names: Sequence[str]) -> None:
    """Prints ways to answer beside one another, on the proposals that all of the pools have."""
    pools = {name: {row.id: row for _, row in read_pool(name)} for name in names}
    first = pools[names[0]]
    ids = sorted(set.intersection(*(set(pool) for pool in pools.values())))
    same = [id for id in ids if len({pool[id].input for pool in pools.values()}) == 1]
    labelled = [first[id] for id in same if first[id].label]
    rows = [
        ("the label fixed before the input", [verdict(row, row.label) for row in labelled]),
        ("the first pool's answers to those", [verdict(row) for row in labelled]),
        ("of these, label and answer alike", [verdict(r) for r in labelled if _alike(r)]),
    ]
    for name, pool in pools.items():
        answered = [pool[id] for id in same]
        rows.append((name, [verdict(row) for row in answered]))
        shares = [row.votes for row in answered if row.votes is not None]
        for least in sorted({share for share in shares if share > 0.5}):
            agreed = [row for row in answered if (row.votes or 0.0) >= least]
            rows.append((f"{name}, {least:.0%} agree", [verdict(row) for row in agreed]))
    table(f"Ways to answer {len(same)} proposals", rows)


def _alike(row: Example) -> bool:
    said, label = (read(row.kind, text, row.choices) for text in (row.output, row.label or ""))
    return same_answer(row.kind, said, label)


def report_runs(names: Sequence[str]) -> None:
    """Prints what runs accepted and what their example filters rejected, by reason."""
    for name in names:
        folder = RoundFolder(find_run(name) / "round-1", write=False)
        said = [verdict(Example.from_dict(row)) for row in folder.read("examples")]
        rows = {"accepted": said}
        for commit in folder.commits:  # what was accepted after the probe had been tuned
            if commit["stage"] == "probe":
                size = commit["sizes"]["examples.jsonl"]
                first = (folder.path / "examples.jsonl").read_bytes()[:size].count(b"\n")
                rows |= {"of these, before the probe": said[:first], "with it": said[first:]}
        for row in folder.read("rejected"):
            if "output" in row:
                reason = f"rejected by {row['filter']}: {row['reason']}"
                rows.setdefault(reason, []).append(verdict(Example.from_dict(row)))
        table(name, rows.items())


def main() -> None:
    """Runs the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("what", choices=["oracle", "pool", "filters", "answers", "runs"])
    parser.add_argument("names", nargs="*")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    options = parser.parse_args()
    if options.what == "oracle":
        check_oracle()
    elif options.what == "pool":
        make_pool(options.names[0], options.set)
    elif options.what == "filters":
        compare_filters(options.names, options.set)
    elif options.what == "answers":
        compare_answers(options.names)
    else:
        report_runs(options.names)


if __name__ == "__main__":
    main()
