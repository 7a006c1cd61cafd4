"""Rules about what a package brings: seeds, tasks with items, knowledge passages."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from math import ceil

from selfspec_core.checks.outcome import Outcome, skipped, verdict_on
from selfspec_core.checks.package import Package
from selfspec_core.packages import PASSAGES
from selfspec_core.similarity.text import Vocabulary, compared_text
from selfspec_core.types import CLOSED_KINDS, Item, Seed, Task

LEAST = {"seeds": 12, "seeds of a task": 5, "tasks": 2, "dev items": 8, "test items of a task": 4}
"""Below these a run has nothing to choose or to measure on."""

RECOMMENDED = {
    "seeds": 80,
    "seeds of a task": 5,
    "tasks": 8,
    "items": 320,
    "dev items": 80,
    "test items of a task": 30,
    "passages": 150,
}
"""What the domains that come with selfspec hold at least."""

NEAR = 0.7
"""ROUGE-L F1 from which two seeds are copies of each other, as the novelty filter has it."""

_UNEVEN = 1.5


def seeds(package: Package) -> Outcome:
    """Parses the seeds; over all files ids are unique, a task keeps its kind and choices."""
    found = package.seeds
    ids = Counter(seed.id for seed in found)
    faults = [f"id '{id}' is used {count} times" for id, count in ids.items() if count > 1]
    first: dict[str, Seed] = {}
    for seed in found:
        other = first.setdefault(seed.task, seed)
        if seed.kind != other.kind:
            faults.append(
                f"{seed.id}: kind {seed.kind}, but {other.id} of the same task {other.kind}"
            )
        elif seed.kind in CLOSED_KINDS and set(seed.choices) != set(other.choices):
            faults.append(f"{seed.id}: other choices than {other.id} of the same task")
    if not found:
        faults.append(f"no plugin offers seeds for '{package.name}'")
    return verdict_on(faults, f"{len(found)} seeds over {len(first)} tasks")


def licences(package: Package) -> Outcome:
    """Looks for the source and the licence of each seed."""
    faults = [
        f"{seed.id}: '{key}' is missing"
        for seed in package.seeds
        for key in ("source", "licence")
        if not getattr(seed, key).strip()
    ]
    kinds = Counter(seed.licence for seed in package.seeds)
    return verdict_on(faults, ", ".join(f"{name}: {count}" for name, count in kinds.items()))


def tasks(package: Package) -> Outcome:
    """Parses the task files; each has seeds of the same kind and choices."""
    by_task: dict[str, Seed] = {}
    for seed in package.seeds:
        by_task.setdefault(seed.task, seed)
    faults = list(_task_faults(package.tasks, by_task))
    ids = Counter(item.id for item in package.items)
    faults += [f"item id '{id}' is used {count} times" for id, count in ids.items() if count > 1]
    count = len(package.items)
    return verdict_on(faults, f"{count} items over {len(package.tasks)} tasks")


def _task_faults(found: Iterable[Task], by_task: dict[str, Seed]) -> Iterator[str]:
    for task in found:
        seed = by_task.get(task.name)
        if seed is None:
            what = f"write some, or remove tasks/{task.name}.*"
            yield f"task '{task.name}' has items and no seed; {what}"
        elif seed.kind != task.kind:
            yield f"task '{task.name}' is {task.kind}, its seeds are {seed.kind}"
        elif task.choices and set(seed.choices) != set(task.choices):
            yield f"task '{task.name}': the choices differ from those of its seeds"


def counts(package: Package) -> Outcome:
    """Counts seeds, tasks and items; what is only below the recommended is told as advice."""
    there = counted(package)
    faults = [
        f"{there[what]} {what}, at least {least} needed"
        for what, least in LEAST.items()
        if there[what] < least
    ]
    missing = [
        f"{there[what]} of {wanted} {what}"
        for what, wanted in RECOMMENDED.items()
        if there[what] < wanted
    ]
    advice = f"below what is recommended: {', '.join(missing)}" if missing else ""
    return verdict_on(faults, ", ".join(f"{n} {what}" for what, n in there.items()), advice)


def counted(package: Package) -> dict[str, int]:
    """Returns how many there are of everything that is counted, the smallest task's included."""
    of_task = Counter(seed.task for seed in package.seeds)
    tests = {task.name: sum(i.split == "test" for i in task.items) for task in package.tasks}
    return {
        "seeds": len(package.seeds),
        "seeds of a task": min(of_task.values(), default=0),
        "tasks": len(package.tasks),
        "items": len(package.items),
        "dev items": sum(item.split == "dev" for item in package.items),
        "test items of a task": min(tests.values(), default=0),
        "passages": len(package.passages),
    }


def labels(package: Package) -> Outcome:
    """Counts the labels of closed tasks, among the seeds and in each split of the items."""
    groups: dict[tuple[str, str], list[str]] = defaultdict(list)
    choices: dict[str, tuple[str, ...]] = {}
    for row in package.rows:
        if row.kind in CLOSED_KINDS:
            part = "seeds" if isinstance(row, Seed) else f"{row.split} items"
            choices.setdefault(row.task, row.choices)
            groups[row.task, part].append(_label(row))
    if not groups:
        return skipped("no task has a fixed set of labels")
    faults = [
        f"{part} of '{task}': {fault}"
        for (task, part), found in groups.items()
        if (fault := uneven(found, choices[task]))
    ]
    return verdict_on(faults, f"closed tasks: {len(choices)}, all even")


def _label(row: Seed | Item) -> str:
    return str(row.output if isinstance(row, Seed) else row.output[0]).lower()


def uneven(found: list[str], choices: tuple[str, ...]) -> str | None:
    """Says what is out of balance: a label half as common again as an even share, or one missing.

    A label may be missing where there are fewer than two rows for each.
    """
    count = Counter(found)
    label, most = count.most_common(1)[0]
    if most > ceil(_UNEVEN * len(found) / len(choices)):
        return f"{most} of {len(found)} are '{label}', with {len(choices)} choices"
    missing = [choice for choice in choices if choice.lower() not in count]
    if missing and len(found) >= 2 * len(choices):
        return f"none of {len(found)} is '{missing[0]}'"
    return None


def seeds_apart(package: Package) -> Outcome:
    """Compares each seed with those before it, as the novelty filter compares proposals."""
    from selfspec_core.similarity.copies import Pool  # numpy

    vocabulary, pool = Vocabulary(), Pool(NEAR)
    fixed = {row.instruction.strip() for row in package.rows if row.input}
    texts = (compared_text(seed.instruction, seed.input, fixed) for seed in package.seeds)
    places = [
        pool.add(seed.id, vocabulary.encode(text))
        for seed, text in zip(package.seeds, texts, strict=True)
    ]
    near = pool.nearest(places)
    faults = [
        f"{package.seeds[place].id} is near {other} (ROUGE-L {score:.2f})"
        for place, (other, score) in sorted(near.items())
    ]
    return verdict_on(faults, f"no two of {len(places)} have ROUGE-L {NEAR} or more")


def items_apart(package: Package) -> Outcome:
    """Screens the seeds against the items, as the firewall of a run does."""
    from selfspec_core.firewall import Firewall  # numpy

    fixed = {row.instruction for row in package.rows}
    firewall = Firewall(package.items, fixed)
    faults = [
        f"{seed.id} {verdict.reason}: {verdict.evidence}"
        for seed, verdict in zip(package.seeds, firewall.screen(package.seeds), strict=True)
        if not verdict.keep
    ]
    return verdict_on(faults, f"{len(package.seeds)} seeds screened against {len(package.items)}")


def passages(package: Package) -> Outcome:
    """Reads the knowledge passages: each has a text, a source, an id of its own."""
    if not package.passages:
        return skipped(f"the package has no {PASSAGES}")
    faults = []
    seen: dict[str, set[str]] = {"id": set(), "text": set(), "source": set()}
    for where, row in package.passages:
        for key, values in seen.items():
            value = row.get(key)
            if not isinstance(value, str) or not value.strip():
                faults.append(f"{where}: '{key}' is missing")
                continue
            if key == "id" and value in values:
                faults.append(f"{where}: id '{value}' is used twice")
            values.add(value)
    sources = seen["source"]
    return verdict_on(faults, f"passages: {len(package.passages)}, sources: {len(sources)}")
