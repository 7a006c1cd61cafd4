"""Runs in forked processes: begun, stopped in whatever way, gone on with, and compared.

A fork of this process has everything imported, so a whole run of three rounds takes a second or
two and hundreds of them can be killed. What is forked calls the command line as a terminal would.
"""

from __future__ import annotations

import ctypes
import gc
import hashlib
import json
import os
import random
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import redirect_stdout
from ctypes import byref
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import pytest

HERE = Path(__file__).parent
SETTINGS = (
    "data.size=16",
    "propose.batch=8",
    "propose.wave=2",
    "answer.batch=8",
    "evaluation.resamples=100",
    "evaluation.shots=1",
    'evaluation.controls=["seeds-only","generic"]',
    "evaluation.collateral=none",
    "rounds.max=3",
    "rounds.margin=0",
    "rounds.instructions=renew",
    "rounds.drift=1",
    "rounds.new_ngrams=0",
    "rounds.distinct=0",
    "preference.enabled=true",
    "preference.samples=4",
)
RUN = (
    *("run", "--domain", "small", "--recipe", "full", "--model", "scripted"),
    *(word for one in SETTINGS for word in ("--set", one)),
    "--name",
)
NANO_SETTINGS = (
    "data.size=24",
    "data.replay=0",
    "model.processes=1",  # what is forked must have no threads and no processes of its own
    'evaluation.controls=["seeds-only"]',
    "evaluation.collateral=none",
    "evaluation.shots=0",
    "evaluation.resamples=100",
    "rounds.max=2",
    "rounds.margin=0",
    "filters.well_formed.shared_word=false",
    "propose.batch=16",
    "propose.wave=2",
    "answer.batch=8",
    "training.epochs=1",
)
NANO = (
    *("run", "--domain", "small", "--recipe", "quick", "--model", "nano"),
    *(word for one in NANO_SETTINGS for word in ("--set", one)),
    "--name",
)
SIGNALS = {signal.SIGINT: "interrupted", signal.SIGTERM: "stopped by SIGTERM"}


def trials(usual: int) -> int:
    """Returns how often to try; SELFSPEC_TRIALS says otherwise, as in 10 for ten times as often."""
    return max(1, round(usual * float(os.environ.get("SELFSPEC_TRIALS", "1"))))


def stride(dice: random.Random) -> int:
    """Returns how many operations on files to pass over: up to nine; none at SELFSPEC_TRIALS=10."""
    share = float(os.environ.get("SELFSPEC_TRIALS", "1"))
    return dice.randint(1, max(1, round(9 / share))) if share < 10 else 1


def chance(name: str) -> random.Random:
    """Returns the chance of a test: the same each time, unless SELFSPEC_CHANCE is another."""
    return random.Random(f"{name}/{os.environ.get('SELFSPEC_CHANCE', '0')}")


def prepare(folder: Path) -> Path:
    """Does a run in this process, so that all is imported; returns a path with the small domain."""
    site = folder / "site"
    info = site / "small_field-1.0.dist-info"
    info.mkdir(parents=True)
    shutil.copy(HERE / "small_field.py", site)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: small-field\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[selfspec.domains]\nsmall = small_field\n")
    _compile_templates_once()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(StringIO()):
        patch.chdir(folder)
        patch.syspath_prepend(site)
        from selfspec_core.cli import resume  # noqa: F401
        from selfspec_core.cli.main import main

        _leave_out(patch.setattr)
        with pytest.raises(SystemExit, match="^0$"):
            main([*RUN, "first"])
    gc.collect()
    gc.freeze()  # the garbage collector would touch, and so copy, all memory of a fork
    return site


def _compile_templates_once() -> None:
    from jinja2 import Environment

    really, known = Environment.compile, {}

    def compiled(self, source, *more, **also):
        key = (source, more, self.autoescape)
        if key not in known:
            known[key] = really(self, source, *more, **also)
        return known[key]

    Environment.compile = compiled


def _leave_out(put: Callable[[object, str, object], object]) -> None:
    """Leaves out what takes most of a small run's time and writes nothing of its own."""
    from markupsafe import Markup

    from selfspec_core.assembly import assemble
    from selfspec_core.cli import session
    from selfspec_core.report import charts, figures

    for module in (charts, figures):
        put(module, "figure", lambda *_: Markup(""))
    put(assemble, "items_of_domains", lambda host: ({}, ()))
    put(session, "_show", lambda run: None)


@dataclass(frozen=True)
class Ended:
    """How a process ended.

    Attributes:
        code: exit code, or minus the number of the signal that ended it.
        said: what it wrote to stderr.
        seconds: processor time it took.
        megabytes: of memory, at most.
    """

    code: int
    said: str
    seconds: float
    megabytes: float

    @property
    def last(self) -> str:
        return (self.said.splitlines() or [""])[-1]


class Place:
    """A working folder with the one run `cut`, and the processes that work in it."""

    def __init__(
        self, folder: Path, site: Path, name: str = "cut", asked: tuple[str, ...] = RUN
    ) -> None:
        self.folder, self.site, self.name, self.asked = folder, site, name, asked
        self.folder.mkdir(parents=True, exist_ok=True)
        self.run = folder / "runs" / name

    def begin(self, *words: str, first: Callable[[], None] = lambda: None) -> int:
        """Starts a command and returns its process; `first` is called in it before."""
        told = self.folder / "said"
        process = os.fork()
        if process:
            return process
        code = 70  # of this harness: nothing that selfspec returns
        try:
            os.chdir(self.folder)
            for number, file in ((0, os.devnull), (1, self.folder / "out"), (2, told)):
                os.dup2(os.open(file, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o644), number)
            sys.stdout, sys.stderr = open(1, "w"), open(2, "w", buffering=1)
            signal.signal(signal.SIGINT, signal.default_int_handler)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            gc.disable()
            sys.path.insert(0, str(self.site))
            _leave_out(setattr)
            first()
            from selfspec_core.cli.main import main

            main(words)
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 0
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(code)

    def end(self, process: int) -> Ended:
        """Waits for a process."""
        _, status, used = os.wait4(process, 0)
        said = (self.folder / "said").read_text(errors="replace")
        code, seconds = os.waitstatus_to_exitcode(status), used.ru_utime + used.ru_stime
        return Ended(code, said, seconds, used.ru_maxrss / 1024)

    def call(self, *words: str, first: Callable[[], None] = lambda: None) -> Ended:
        return self.end(self.begin(*words, first=first))

    def go_on(self, first: Callable[[], None] = lambda: None) -> Ended:
        """Does what a user does after a run was stopped: resumes it, or begins it if it never was.

        A run is there from its manifest on; before, nothing was lost, and its name is free.
        """
        return self.call(*self.again, first=first)

    @property
    def again(self) -> tuple[str, ...]:
        there = (self.run / "manifest.json").exists()
        return ("resume", self.name) if there else (*self.asked, self.name)

    def at(self) -> str:
        """Says where a run was stopped: `round-2 answer`."""
        rounds = sorted(self.run.glob("round-*"))
        stages = []
        for folder in rounds[-1:]:
            for file in (folder / "commits.jsonl", folder / "controls/generic/commits.jsonl"):
                if file.exists():
                    whole = file.read_bytes().rpartition(b"\n")[0].splitlines()
                    stages += [json.loads(line)["stage"] for line in whole[-1:]]
        if (self.run / "manifest.json").exists() and self.finished():
            return "finished"
        where = rounds[-1].name if rounds else "before"
        return f"{where} {stages[-1] if stages else 'start'}"

    def finished(self) -> bool:
        return json.loads((self.run / "manifest.json").read_text())["state"] == "finished"

    def again_whole(self, whole: dict[str, str], told: object) -> None:
        """Goes on to the end and checks that nothing is lacking; `told` says what was done."""
        ended = self.go_on()
        assert ended.code == 0, (told, ended.said[-2000:])
        self.check(whole, told)

    def check(self, whole: dict[str, str], told: object) -> None:
        found = fingerprint(self.run)
        differ = sorted(k for k in whole.keys() | found if whole.get(k) != found.get(k))
        assert not differ, (told, differ)
        shutil.rmtree(self.folder / "runs")


def fingerprint(run: Path) -> dict[str, str]:
    """Returns what a run promises: every file of its rounds, its seeds and what it decided."""
    files = [p for p in run.glob("round-*/**/*") if p.is_file()] + [run / "seeds.jsonl"]
    found = {str(p.relative_to(run)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}
    manifest = json.loads((run / "manifest.json").read_text())
    for key in ("state", "chosen_round", "rounds", "stopped", "notes", "conditions", "request"):
        found[key] = json.dumps(manifest.get(key))
    return found | {"report.html": str((run / "report.html").exists())}


def stopping(number: int, seconds: float) -> Callable[[], None]:
    """Returns what sends this process a signal when it has worked for some seconds.

    The kernel counts processor time and sends it: whatever runs beside, any instant is as likely
    as another.
    """

    class Event(ctypes.Structure):  # struct sigevent
        _fields_ = [
            ("value", ctypes.c_void_p),
            ("number", ctypes.c_int),
            ("notify", ctypes.c_int),
            ("rest", ctypes.c_char * 48),
        ]

    class Span(ctypes.Structure):  # struct itimerspec
        _fields_ = [(name, ctypes.c_long) for name in ("every_s", "every_ns", "s", "ns")]

    def first() -> None:
        libc, timer = ctypes.CDLL(None, use_errno=True), ctypes.c_void_p()
        event = Event(None, number, 0, b"")
        made = libc.timer_create(time.CLOCK_PROCESS_CPUTIME_ID, byref(event), byref(timer))
        span = Span(0, 0, int(seconds), max(1, int(seconds % 1 * 1e9)))
        if made or libc.timer_settime(timer, 0, byref(span), None):
            raise OSError(ctypes.get_errno(), "no timer")

    return first
