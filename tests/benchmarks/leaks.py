"""`python tests/benchmarks/leaks.py`: test items hidden among proposals; how many are found.

Every test item of the three domains, and 40 of each public set in the folder that
SELFSPEC_BENCHMARKS names, is planted once in each way of `planted.EDITS`. Prints

- the share that the firewall finds, by edit and by where the items come from;
- how much clean text it takes for an item: all seeds and, with `--text FILE` (JSON lines with a
  `text`, also as .xz; may be repeated), sentences that people wrote;
- with `--pipeline N`, what became of N items planted in each way in whole runs of the scripted
  model: proposed, filtered, answered, screened, trained on.
"""

from __future__ import annotations

import argparse
import json
import lzma
import os
import random
import re
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from planted import EDITS, SURE, Planted, plant

from selfspec_core.assembly.assemble import Assembly, assemble
from selfspec_core.assembly.request import Request
from selfspec_core.manifest import new_manifest
from selfspec_core.pipeline import run_rounds
from selfspec_core.progress import Silent
from selfspec_core.runs import Run
from selfspec_core.sets.items import read_items
from selfspec_core.types import Item

DOMAINS = ("finance", "biomedicine", "law")


def request(domain: str, *tables: dict[str, Any]) -> Request:
    return Request(domain, recipe="full", model="scripted", set=tables)


def found(assembly: Assembly, rows: Sequence[Any]) -> float:
    return 1 - sum(verdict.keep for verdict in assembly.parts.firewall.screen(rows)) / len(rows)


def by_edit(assembly: Assembly, items: dict[str, list[Item]]) -> None:
    """Prints the share found; fails if one is missed that must not be."""
    print("| edit | " + " | ".join(f"{name}: {len(own)}" for name, own in items.items()), "|")
    print("|---" * (len(items) + 1) + "|")
    for edit in EDITS:
        shares = [found(assembly, plant(own, edit)) for own in items.values()]
        print(f"| {edit} | " + " | ".join(f"{100 * share:.1f} %" for share in shares), "|")
        if edit in SURE and min(shares) < 1:
            raise SystemExit(f"{edit}: one was missed")


def sentences(file: Path, count: int) -> list[str]:
    """Returns sentences of 8 to 60 words, drawn from the first ones of each document."""
    drawn = []
    with lzma.open(file, "rt") if file.suffix == ".xz" else file.open() as lines:
        for line in lines:
            parts = re.split(r"(?<=[.!?])\s+", json.loads(line)["text"][:20_000])
            drawn += [part for part in parts if 8 <= len(part.split()) <= 60]
            if len(drawn) > 50 * count:
                break
    return random.Random(0).sample(drawn, min(count, len(drawn)))


def false_alarms(assembly: Assembly, texts: Sequence[Path], count: int) -> None:
    print("\n| clean text | rows | taken for an item |\n|---|---|---|")
    rows: dict[str, list[Any]] = {
        f"seeds of {domain}": list(assemble(request(domain), Silent()).seeds) for domain in DOMAINS
    }
    for file in texts:
        drawn = sentences(file, count)
        rows[f"sentences, {file.name}"] = [Planted("Read the text.", one, "none") for one in drawn]
    for name, own in rows.items():
        verdicts = assembly.parts.firewall.screen(own)
        print(f"| {name} | {len(own)} | {sum(not verdict.keep for verdict in verdicts)} |")
        for row, verdict in zip(own, verdicts, strict=True):
            if not verdict.keep:
                print(f"  {row.id}: {row.input[:90]!r}: {verdict.reason}: {verdict.evidence[:120]}")


def key(instruction: str, input: str) -> str:
    """Returns a proposal's text; spaces and line breaks may have been repaired on the way."""
    return " ".join(f"{instruction} {input}".split())


def fates(domain: str, count: int, clean: int, filtered: bool) -> Counter[tuple[str, str]]:
    """Runs the whole loop on a script of planted proposals and of clean ones.

    The clean ones are seeds of other domains, which the novelty filter has not met.

    Args:
        count: items to plant in each way.
        clean: clean proposals.
        filtered: with the filters of the recipe, or with none.

    Returns:
        How many planted proposals came to which end, by (edit, end).
    """
    first = assemble(request(domain), Silent())
    items = first.parts.sets[0].split("test")
    items = random.Random(1).sample(items, min(count, len(items)))
    hidden = [(edit, row) for edit in EDITS for row in plant(items, edit)]
    edit_of = {key(row.instruction, row.input): edit for edit, row in reversed(hidden)}
    other = [s for d in DOMAINS if d != domain for s in assemble(request(d), Silent()).seeds]
    script = [row for _, row in hidden] + random.Random(2).sample(other, clean)
    ends: Counter[tuple[str, str]] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "script.jsonl"
        lines = [{k: getattr(r, k) for k in ("instruction", "input", "output")} for r in script]
        file.write_text("".join(json.dumps(line) + "\n" for line in lines))
        tables = [
            {"model": {"path": str(file)}, "data": {"size": 4 * len(script), "task_share": 1}},
            {"propose": {"generator": "self_instruct", "limit": 1, "batch": 64}},
            {"evaluation": {"resamples": 100, "shots": 0, "controls": [], "dev_per_task": 1}},
        ]
        if not filtered:
            tables.append({"filters": {"order": []}})
        assembly = assemble(request(domain, *tables), Silent())
        run = Run.create(Path(folder) / "run", new_manifest(assembly, {"domain": domain}))
        run_rounds(run, assembly.parts, assembly.context)
        round_1 = run.round(1)
        for row in round_1.read("rejected"):
            edit = edit_of.get(key(row["instruction"], row["input"]), "clean")
            ends[edit, "firewall" if row["filter"] == "firewall" else "a filter"] += 1
        for row in json.loads((round_1.path / "adapter/memory.json").read_text()):
            if edit := edit_of.get(" ".join(row["asked"].split())):
                ends[edit, "trained on"] += 1
        for row in round_1.read("examples"):
            if key(row["instruction"], row["input"]) not in edit_of:
                ends["clean", "trained on"] += 1
        run.close()
    return ends


def through_the_pipeline(count: int) -> None:
    for filtered in (False, True):
        total: Counter[tuple[str, str]] = Counter()
        for domain in DOMAINS:
            total += fates(domain, count, 200, filtered)
        print(f"\nWhole runs, {'the filters of the recipe' if filtered else 'no filters'}:\n")
        print("| planted | proposed | a filter | firewall | trained on |\n|---|---|---|---|---|")
        for edit in (*EDITS, "clean"):
            ends = [total[edit, end] for end in ("a filter", "firewall", "trained on")]
            print(f"| {edit} | {sum(ends)} | " + " | ".join(map(str, ends)), "|")
            if edit in SURE and ends[-1]:
                raise SystemExit(f"{edit}: one was trained on")


def main() -> None:
    """Reads the command line and prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--text", type=Path, action="append", default=[])
    parser.add_argument("--sentences", type=int, default=2000, help="of each --text")
    parser.add_argument("--pipeline", type=int, default=0, metavar="N")
    options = parser.parse_args()
    folder = os.environ.get("SELFSPEC_BENCHMARKS")
    files = sorted(Path(folder).rglob("*.jsonl")) if folder else []
    asked = Request("finance", "full", "scripted", benchmarks=tuple(map(str, files)))
    start = time.perf_counter()
    assembly = assemble(asked, Silent())
    count = sum(entry["items"] for entry in assembly.parts.firewall.digest().values())
    print(f"{count} items to screen against, read in {time.perf_counter() - start:.0f} s\n")
    items = {d: assemble(request(d), Silent()).parts.sets[0].split("test") for d in DOMAINS}
    if files:
        read, rng = [read_items(file) for file in files], random.Random(0)
        items["public sets"] = [i for own in read for i in rng.sample(own, min(40, len(own)))]
    by_edit(assembly, items)
    false_alarms(assembly, options.text, options.sentences)
    if options.pipeline:
        through_the_pipeline(options.pipeline)


if __name__ == "__main__":
    main()
