"""Training data in the forms that other tools read: Alpaca, ShareGPT, messages, Parquet."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

from selfspec_core.assembly.resolve import resolve
from selfspec_core.config import Settings
from selfspec_core.errors import UsageError
from selfspec_core.journals import RoundFolder
from selfspec_core.layouts import LAYOUTS, Layout
from selfspec_core.report.keep import read_seeds
from selfspec_core.runs import Run
from selfspec_core.stages.names import SPECIALIST
from selfspec_core.stages.tuning import STAGE, examples_of
from selfspec_core.types import Example, Seed

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Export:
    """What a run has to give away.

    Attributes:
        rows: seeds first, where they were asked for, then the accepted examples of the kept round.
        settings: of the run.
        left_out: rows that the firewall kept from training; they are kept from others too.
    """

    domain: str
    rows: Sequence[Seed | Example]
    settings: Settings
    left_out: int
    licences: Sequence[str] = field(default=())

    @property
    def layout(self) -> Layout:
        """The layout that the specialist was tuned in."""
        return LAYOUTS[self.settings.training.layout]


def read_export(path: Path, *, with_seeds: bool = False) -> Export:
    """Reads what a run accepted in the round that it kept, or in its last one.

    Raises:
        UsageError: if it has no examples yet, or its manifest is damaged.
    """
    run = Run.open(path)
    numbers = run.round_numbers()
    chosen = run.manifest.get("chosen_round")
    if not numbers:
        raise UsageError(f"{path}: no round has begun yet; there are no examples")
    number = chosen if chosen in numbers else numbers[-1]
    settings = settings_of(run)
    seeds = read_seeds(path)
    if with_seeds and not seeds:
        raise UsageError(f"{path}: --with-seeds: the run kept no seeds")
    rows: list[Seed | Example] = [*seeds] if with_seeds else []
    rows += examples_of(path, number, settings)
    if len(rows) == len(seeds) * with_seeds:
        raise UsageError(f"{path}: no example has been accepted yet")
    screened = _screened(run.round(number))
    kept = [row for row in rows if row.id not in screened]
    licences = sorted({seed.licence for seed in seeds if seed.licence})
    return Export(run.manifest["domain"], kept, settings, len(rows) - len(kept), licences)


def settings_of(run: Run) -> Settings:
    """Returns the settings that a run began with.

    Raises:
        UsageError: naming the manifest and the key.
    """
    file = run.path / "manifest.json"
    table = run.manifest["conditions"].get("settings")
    if not isinstance(table, dict):
        raise UsageError(f"{file}: damaged: key 'conditions.settings' is missing")
    return resolve([(str(file), table)])


def _screened(folder: RoundFolder) -> set[str]:
    """Returns the ids of the rows that the firewall kept from the specialist's training."""
    return {
        row["row"]
        for commit in folder.commits
        if commit["stage"] == STAGE and commit["trained"]["system"] == SPECIALIST
        for row in commit["trained"]["screened"]
    }


def _head(row: Seed | Example) -> Row:
    origin = "seed" if isinstance(row, Seed) else "example"
    return {"id": row.id, "task": row.task, "kind": row.kind, "origin": origin}


def alpaca(row: Seed | Example, layout: Layout) -> Row:
    """Returns instruction, input and output, and both sides as the specialist saw them."""
    return {
        **_head(row),
        "instruction": row.instruction,
        "input": row.input,
        "output": row.output,
        "prompt": layout.prompt(row.instruction, row.input),
        "completion": layout.response(row.output),
    }


def _turn(row: Seed | Example) -> str:
    return f"{row.instruction}\n\n{row.input}" if row.input else row.instruction


def sharegpt(row: Seed | Example, layout: Layout) -> Row:
    """Returns a conversation of a human's turn and a model's."""
    turns = (("human", _turn(row)), ("gpt", row.output))
    return {**_head(row), "conversations": [{"from": who, "value": text} for who, text in turns]}


def messages(row: Seed | Example, layout: Layout) -> Row:
    """Returns a user's message and an assistant's, as chat templates take them."""
    turns = (("user", _turn(row)), ("assistant", row.output))
    return {**_head(row), "messages": [{"role": who, "content": text} for who, text in turns]}


def everything(row: Seed | Example, layout: Layout) -> Row:
    """Returns all that is known of a row; what a seed does not have is null."""
    known = {
        key: getattr(row, key, None)
        for key in ("round", "batch", "label", "votes", "written_from", "source", "licence")
    }
    lists = {key: list(getattr(row, key, ())) for key in ("choices", "shown", "passages")}
    return {**alpaca(row, layout), **known, **lists}


FORMATS: dict[str, Callable[[Seed | Example, Layout], Row]] = {
    "alpaca": alpaca,
    "sharegpt": sharegpt,
    "messages": messages,
    "parquet": everything,
}
"""Format -> what it makes of a row."""


def file_of(name: str) -> str:
    """Returns the file that a format is written to."""
    return "train.parquet" if name == "parquet" else "train.jsonl"


def write_rows(export: Export, name: str, folder: Path) -> Path:
    """Writes the rows in a format of `FORMATS`; returns the file.

    Raises:
        UsageError: if Parquet is asked for and pyarrow is not installed.
    """
    file = folder / file_of(name)
    rows = [FORMATS[name](row, export.layout) for row in export.rows]
    if name == "parquet":
        _write_parquet(rows, file)
    else:
        lines = (json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        file.write_text("".join(lines), encoding="utf-8")
    return file


def _write_parquet(rows: Sequence[Row], file: Path) -> None:
    try:
        arrow: Any = import_module("pyarrow")
        parquet: Any = import_module("pyarrow.parquet")
    except ImportError:
        raise UsageError("--format parquet: needs pyarrow; pip install 'selfspec[local]'") from None
    types = {"round": arrow.int64(), "batch": arrow.int64(), "votes": arrow.float64()}
    types |= dict.fromkeys(("choices", "shown", "passages"), arrow.list_(arrow.string()))
    schema = arrow.schema([(key, types.get(key, arrow.string())) for key in rows[0]])
    with file.open("wb") as out:  # by itself pyarrow names no file when the disk is full
        parquet.write_table(arrow.Table.from_pylist(rows, schema=schema), out)
