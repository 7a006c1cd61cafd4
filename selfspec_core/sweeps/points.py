"""A sweep: runs over one setting, each an ordinary run folder inside the folder of the sweep.

`sweep.json` says what was asked for; which points there are follows from it alone.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from selfspec_core.errors import UsageError
from selfspec_core.files import make_folder, write_atomically
from selfspec_core.locks import Lock
from selfspec_core.places import check_own
from selfspec_core.runs import RUNS, check_free

if TYPE_CHECKING:
    from selfspec_core.assembly.request import Request

EACH = "each"
"""`--over seeds.without=each`: every task of the domain is left out in turn."""

LEFT_OUT = "seeds.without"
MOST = 1000
"""Runs of a sweep: what is more was not meant."""
_EXAMPLE = "for example --over data.size=0,100,500"
_FILE = "sweep.json"
_ABOUT = {"domain": str, "model": str, "notes": list, "failed": dict}


@dataclass(frozen=True, slots=True)
class Point:
    """One run of a sweep.

    Attributes:
        name: its folder within the sweep's.
        label: its value, as tables show it.
        draw: number of the draw, from 0.
    """

    name: str
    label: str
    value: Any = field(hash=False)  # may be a list
    draw: int


@dataclass(frozen=True, slots=True)
class Sweep:
    """What a sweep was asked to do.

    Attributes:
        over: key of the setting.
        values: the values it takes.
        draws: runs of each value; they differ in `seeds.draw` where the number of seeds is swept
            over, in `random_seed` otherwise.
        independent: collect at every size anew.
        first: number of the first draw.
    """

    request: Request
    over: str
    values: tuple[Any, ...]
    draws: int = 1
    independent: bool = False
    first: int = 0

    @property
    def drawn(self) -> str:
        """The setting in which the draws of a value differ."""
        return "seeds.draw" if self.over == "seeds.count" else "random_seed"

    def points(self) -> list[Point]:
        """Returns all points, in the order of the values, draws of a value together.

        Raises:
            UsageError: if two values are the same, or there are more runs than anybody can mean.
        """
        stem, points = self.over.rpartition(".")[2], []
        if (count := len(self.values) * self.draws) > MOST:
            raise UsageError(f"--over {self.over}: {count} runs, more than {MOST}")
        labels = [label(value) for value in self.values]
        if again := next((one for one in labels if labels.count(one) > 1), None):
            raise UsageError(f"--over {self.over}: {again} is given twice")
        names = [_slug(f"{stem}-{text}") for text in labels]
        for row, (text, value) in enumerate(zip(labels, self.values, strict=True)):
            name = names[row] if names.count(names[row]) == 1 else f"{names[row]}-{row + 1}"
            for draw in range(self.draws):
                points.append(Point(name + f"-draw-{draw}" * (self.draws > 1), text, value, draw))
        return points

    def request_of(self, point: Point) -> Request:
        """Returns the request of the run that a point is."""
        flags = [nested(self.over, point.value)]
        if self.draws > 1:
            flags.append(nested(self.drawn, self.first + point.draw))
        return replace(self.request, set=(*self.request.set, *flags))

    def donor(self, point: Point) -> Point | None:
        """Returns the point whose examples a point may take a part of: the largest of its draw."""
        if self.over != "data.size" or self.independent or not point.value:
            return None
        largest = max(self.points(), key=lambda one: (one.draw == point.draw, one.value))
        return largest if largest.value > point.value else None

    def order(self) -> list[Point]:
        """Returns the points in the order in which they are run: donors first."""
        if self.over == "data.size" and not self.independent:
            return sorted(self.points(), key=lambda one: (one.draw, -one.value))
        return self.points()


class SweepFolder:
    """The folder of a sweep, opened for reading, or for the one process that writes."""

    def __init__(self, path: Path, sweep: Sweep, about: dict[str, Any]) -> None:
        self.path, self.sweep, self.about = path, sweep, about
        self._lock = Lock(path)

    @classmethod
    def create(cls, path: Path, sweep: Sweep, about: dict[str, Any]) -> Self:
        """Makes a new folder.

        Raises:
            UsageError: if it exists already.
        """
        check_free(path, _FILE)
        make_folder(path)
        folder = cls(path, sweep, about)
        with folder._lock.taking():
            check_free(path, _FILE)  # may have been made since, by who held it
            folder.save()
        return folder

    @classmethod
    def open(cls, path: Path) -> Self:
        """Opens an existing sweep.

        Raises:
            UsageError: naming the file, and what is wrong with it.
        """
        from selfspec_core.assembly.request import Request

        check_own(path)
        file = path / _FILE
        try:
            row = json.loads(file.read_text(encoding="utf-8"))
            asked = row.pop("sweep")
            request = Request.from_dict(asked.pop("request"), file, works=False)
            sweep = Sweep(request, **(asked | {"values": tuple(asked["values"])}))
            sweep.points()
            for key, sort in _ABOUT.items():
                if not isinstance(row[key], sort):
                    raise TypeError(f"'{key}' is no {sort.__name__}")
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise UsageError(f"{file}: damaged: {type(error).__name__}: {error}") from None
        return cls(path, sweep, row)

    def acquire(self) -> None:
        """Keeps other processes out.

        Raises:
            SelfspecError: if one is at work here.
        """
        self._lock.acquire()

    def close(self) -> None:
        """Lets others in again."""
        self._lock.release()

    def check_trust(self) -> None:
        """Refuses to go on with what only the user may say; see `trust.check_trust`."""
        from selfspec_core.assembly.trust import check_trust

        for point in self.sweep.points():
            check_trust(self.sweep.request_of(point).set, self.path / _FILE)

    def save(self) -> None:
        """Writes sweep.json in one step."""
        row = {**self.about, "sweep": asdict(self.sweep)}
        write_atomically(self.path / _FILE, json.dumps(row, indent=1) + "\n")

    def of(self, point: Point) -> Path:
        """Returns the run folder of a point."""
        return self.path / point.name


def find_sweep(name: str) -> Path | None:
    """Finds a sweep by folder or by name under `runs/`; None if there is none of that name."""
    found = (path for path in (Path(name), RUNS / name) if (path / _FILE).is_file())
    return next(found, None)


def sweep_of(run: Path) -> Path | None:
    """Returns the folder of the sweep that a run is a point of."""
    return run.parent if (run.parent / _FILE).is_file() else None


def parse_over(flag: str) -> tuple[str, tuple[Any, ...]]:
    """Reads `KEY=a,b,c`: each value as `--set` would, lists in brackets.

    Raises:
        UsageError: if there is no key or no value.
    """
    key, equals, text = flag.partition("=")
    key = key.strip()
    if not equals or not key or not text.strip():
        raise UsageError(f"--over {flag}: expected KEY=a,b,c, {_EXAMPLE}")
    try:
        return key, tuple(tomllib.loads(f"v = [{text}]")["v"])
    except ValueError:
        words = [word.strip() for word in text.split(",")]
    except RecursionError:
        raise UsageError(f"--over {key}: a value is nested too deeply") from None
    if not all(words):
        raise UsageError(f"--over {flag}: a value is missing between two commas, {_EXAMPLE}")
    return key, tuple(_value(word) for word in words)


def nested(key: str, value: Any) -> dict[str, Any]:
    """Returns the tables in which `a.b` has a value."""
    *tables, last = key.split(".")
    table: dict[str, Any] = {last: value}
    for name in reversed(tables):
        table = {name: table}
    return table


def label(value: Any) -> str:
    """Returns a value as tables show it."""
    if isinstance(value, list | tuple):
        return ", ".join(map(label, value)) or "none"
    return str(value).lower() if isinstance(value, bool) else str(value)


def nested_part(rows: Sequence[dict[str, Any]], size: int) -> list[dict[str, Any]]:
    """Returns `size` of the rows, tasks in the proportions of the whole, first come first taken.

    The parts of one set of rows are nested: a larger one holds every smaller one. Within a task
    they are the first that were accepted, so what held of any beginning of a task (labels in
    balance, no near-copies) holds of the part.
    """
    totals: dict[str, int] = {}
    for row in rows:
        totals[row["task"]] = totals.get(row["task"], 0) + 1
    taken = sorted(_places(rows, totals))[:size]
    return [rows[at] for at in sorted(at for _, at in taken)]


def _places(rows: Sequence[dict[str, Any]], totals: dict[str, int]) -> Iterator[tuple[float, int]]:
    """Yields (where in its task a row stands, between 0 and 1; its number)."""
    seen = dict.fromkeys(totals, 0)
    for at, row in enumerate(rows):
        yield (seen[row["task"]] + 0.5) / totals[row["task"]], at
        seen[row["task"]] += 1


def _value(word: str) -> Any:
    from selfspec_core.assembly.resolve import parse_flag  # pydantic: only for who begins a sweep

    return parse_flag(f"v={word}")["v"]


def _slug(text: str) -> str:
    """Returns a text as part of a folder's name."""
    return re.sub(r"[^\w.-]+", "-", text, flags=re.ASCII).strip("-.")[:60] or "value"
