"""`python tests/fuzz_coverage.py output|journal [libFuzzer's flags]`: fuzzing led by coverage.

Needs atheris, in an environment of its own (`pip install atheris`), for instance with
`-max_total_time=600 -max_len=400 corpus/`. An input that ends in anything but a result or one line
for people is a crash: it becomes a test.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["selfspec_core"]):
    from selfspec_core.errors import SelfspecError
    from selfspec_core.journals import RoundFolder
    from selfspec_core.measures import metrics, parsing, scoring
    from selfspec_core.types import CLOSED_KINDS, KINDS, Example, Item

FOLDER = Path(tempfile.mkdtemp())


def output(data: bytes) -> None:
    """Parses a model's answer and scores it."""
    source = atheris.FuzzedDataProvider(data)
    kind = KINDS[source.ConsumeIntInRange(0, len(KINDS) - 1)]
    words = [source.ConsumeUnicodeNoSurrogates(8) for _ in range(source.ConsumeIntInRange(1, 4))]
    gold = source.ConsumeUnicodeNoSurrogates(12)
    parsed = parsing.parse(kind, source.ConsumeUnicodeNoSurrogates(400), words)
    json.dumps(parsed, allow_nan=False)
    accepted = words if kind in CLOSED_KINDS else [*words, gold]  # of choices, as items are read
    item = Item("i", "t", kind, "x", "y", tuple(accepted), metrics.PRIMARY[kind], tuple(words))
    for text in (parsed, gold):
        scoring.folded(text)
    metrics.METRICS[item.metric].counts(item, parsed)


def journal(data: bytes) -> None:
    """Opens a round, to read and to write, whose commits and rows are any bytes."""
    commits, _, rows = data.partition(b"\xff")
    folder = FOLDER / "round-1"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    (folder / "commits.jsonl").write_bytes(commits)
    (folder / "examples.jsonl").write_bytes(rows)
    for write in (False, True):
        try:
            found = RoundFolder(folder, write=write)
            found.count("examples")
            for row in found.read("examples"):
                assert isinstance(row, dict)
                if {"id", "task", "kind", "instruction", "input", "output"} <= row.keys():
                    Example.from_dict({"round": 1, "batch": 0, **row})
        except SelfspecError as error:
            assert str(error)


if __name__ == "__main__":
    target = {"output": output, "journal": journal}[sys.argv.pop(1)]
    atheris.Setup(sys.argv, target)
    atheris.Fuzz()
