import io
from types import SimpleNamespace

import pytest

from selfspec_core.cli import progress as module
from selfspec_core.cli.progress import LineProgress, LiveProgress, Stage, duration, make_progress


@pytest.fixture
def clock(monkeypatch):
    """A clock that goes only when told."""
    now = SimpleNamespace(time=1000.0)
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: now.time))
    return now


def test_lines_at_start_and_end_and_every_ten_seconds(clock):
    out = io.StringIO()
    progress = LineProgress(out)
    with progress.stage("propose", 560, "instructions"):
        for _ in range(24):
            clock.time += 0.5
            progress.advance(5)
        clock.time += 1
    assert out.getvalue().splitlines() == [
        "propose: 560 instructions",
        "propose 100/560 instructions, 10.0/s, ETA 46 s",
        "propose: done, 120 instructions, 13 s, 9.2/s",
    ]


def test_a_line_is_one_line_without_control_characters():
    out = io.StringIO()
    LineProgress(out).say("a\x1b[31m\nb.txt: is empty")
    assert out.getvalue() == "a [31m b.txt: is empty\n"


def test_nested_stages_speak_only_when_they_last(clock):
    out = io.StringIO()
    progress = LineProgress(out)
    with progress.stage("answer", 10, "examples"):
        with progress.stage("quick", 1, "rows"):
            progress.advance()
        with progress.stage("slow", 4, "rows"):
            clock.time += 20
            progress.advance()
        progress.advance(10)
    assert out.getvalue().splitlines() == [
        "answer: 10 examples",
        "answer > slow 1/4 rows, 20.0 s each, ETA 1 min 00 s",
        "answer: done, 10 examples, 20 s, 2.0 s each",
    ]


def test_what_was_done_before_an_interruption_is_not_speed(clock):
    stage = Stage("propose", 100, "instructions")
    stage.advance(90)
    clock.time += 5
    stage.advance(5)
    assert stage.speed() == "1.0/s"
    assert stage.left() == "ETA 5.0 s"


def test_a_stage_that_fails_says_nothing_of_being_done(clock):
    out = io.StringIO()
    progress = LineProgress(out)
    with pytest.raises(ValueError, match="x"), progress.stage("train", 3, "steps"):
        raise ValueError("x")
    assert out.getvalue() == "train: 3 steps\n"
    progress.advance()  # after the stage: counts nowhere, fails nowhere


def test_live_display_leaves_one_line_a_stage_and_takes_no_markup(monkeypatch):
    out = io.StringIO()
    progress = LiveProgress()
    progress._console.file = out
    with progress, progress.stage("train [bold]x", 3, "steps"), progress.stage("in", 2, "rows"):
        progress.advance(2)
        progress.say("[red]loss[/] 1.0")
        progress._console.print(progress)
    text = out.getvalue()
    assert "[red]loss[/] 1.0" in text
    assert "2/2 rows" in text
    assert text.rstrip().splitlines()[-1].startswith("✓ train [bold]x  0.")


def test_advance_writes_no_line_a_step():
    out = io.StringIO()
    progress = LineProgress(out)
    with progress.stage("count", 100_000, "rows"):
        for _ in range(100_000):
            progress.advance()
    assert out.getvalue().count("\n") < 50


def test_without_a_terminal_it_is_lines():
    assert isinstance(make_progress(), LineProgress)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.04, "0.0 s"),
        (9.9, "9.9 s"),
        (9.96, "10 s"),
        (59.4, "59 s"),
        (59.6, "1 min 00 s"),
        (3599, "59 min 59 s"),
        (11520, "3 h 12 min"),
    ],
)
def test_durations(seconds, text):
    assert duration(seconds) == text
