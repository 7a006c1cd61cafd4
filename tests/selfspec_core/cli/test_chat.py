"""Talking to base and specialist, by script and line by line."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from selfspec_core.cli import answers
from selfspec_core.cli.main import selfspec as cli
from selfspec_core.errors import Interrupted, UsageError

CLUELESS = "I would have to think about that."


def ask(*words):
    return CliRunner().invoke(cli, ["ask", *words])


def chat(*lines):
    return CliRunner().invoke(cli, ["chat", "demo"], input="".join(f"{one}\n" for one in lines))


def test_ask_prints_the_answer_alone(scripted_run):
    result = ask("demo", "Name the tone", "--input", "harbour")
    assert (result.exit_code, result.stdout) == (0, "calm\n")
    assert ask("demo", "Name the tone", "--system", "base").stdout == f"{CLUELESS}\n"


def test_ask_both_names_who_answers(scripted_run):
    result = ask("demo", "Name the tone", "--input", "harbour", "--system", "both")
    assert result.stdout == f"base: {CLUELESS}\nspecialized: calm\n"


def test_ask_as_json(scripted_run):
    result = ask("demo", "Name the tone", "--input", "harbour", "--system", "both", "--json")
    assert json.loads(result.stdout) == {
        "run": "demo",
        "question": "Name the tone",
        "input": "harbour",
        "answers": {"base": CLUELESS, "specialized": "calm"},
        "passages": [],
    }


def test_an_answer_is_text_and_nothing_else(scripted_run):
    assert ask("demo", "Say it in red").stdout == "[red] [31mno[/red]\n"
    assert "\x1b" not in ask("demo", "Say it in red", "--json").stdout
    assert "[red] [31mno[/red]" in chat("Say it in red").stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("dmeo", "x"), "dmeo: no such run; did you mean 'demo'?"),
        (("demo", " "), "QUESTION: is empty"),
    ],
)
def test_ask_refuses_in_one_line(scripted_run, words, said):
    result = ask(*words)
    assert isinstance(result.exception, UsageError) and str(result.exception) == said


def test_a_run_without_a_specialist_says_so(scripted_run):
    (scripted_run / "round-1/commits.jsonl").write_text("")
    for command in (["ask", "demo", "x"], ["chat", "demo"], ["export", "demo", "--to", "merged"]):
        result = CliRunner().invoke(cli, command)
        assert "runs/demo: has no specialist yet" in str(result.exception)


@pytest.mark.parametrize(
    ("then", "now", "said"),
    [
        ({"weights": {"w": "a"}}, {"weights": {"w": "b"}}, "m: w is not what demo was tuned on"),
        ({"revision": "a"}, {"revision": "b"}, "m: is at commit b, but demo was tuned on a"),
        ({"weights": {}, "revision": "a"}, {"weights": {"w": "b"}}, None),  # a copy in a folder
        ({"revision": "a"}, {"revision": "a"}, None),
    ],
)
@pytest.mark.parametrize(
    "words",
    ["ask demo x", "chat demo", "evaluate demo --benchmark bench.jsonl"],
)
def test_another_base_than_was_tuned_on_is_refused(
    scripted_run, monkeypatch, words, then, now, said
):
    from selfspec_plugins.scripted import Scripted

    journal = scripted_run / "round-1/commits.jsonl"
    load = {"stage": "load", "batch": 0, "model": "scripted", "is": then, "sizes": {}}
    journal.write_text(json.dumps(load) + "\n" + journal.read_text())
    manifest = json.loads((scripted_run / "manifest.json").read_text())
    manifest["conditions"] = {"settings": {}}
    (scripted_run / "manifest.json").write_text(json.dumps(manifest))
    monkeypatch.setattr(Scripted, "describe", lambda self: {"name": "m", **now})
    error = CliRunner().invoke(cli, words.split()).exception
    assert str(error) == said if said else error is None


def test_the_system_is_the_one_that_stands_for_the_round(scripted_run):
    from selfspec_core.specialists import open_specialist

    (scripted_run / "round-1/preferred").mkdir()
    journal = scripted_run / "round-1/commits.jsonl"
    journal.write_text(
        journal.read_text() + journal.read_text().replace("specialized", "preferred")
    )
    file = scripted_run / "manifest.json"
    manifest = json.loads(file.read_text())
    for rounds, system in (
        ([], "specialized"),
        ([{"round": 1, "system": "specialized@0"}], "specialized"),
        ([{"round": 1, "system": "preferred@0"}], "preferred"),
    ):
        file.write_text(json.dumps({**manifest, "rounds": rounds}))
        assert open_specialist("demo").system == system


def test_weights_that_are_not_there_cannot_be_exported(scripted_run):
    for to in ("adapter", "merged", "gguf", "ollama"):
        result = CliRunner().invoke(cli, ["export", "demo", "--to", to])
        said = "export: model 'scripted' has no weights here that could be written"
        assert isinstance(result.exception, UsageError) and str(result.exception) == said
    assert not (scripted_run / "export").exists()


def test_chat_answers_twice_and_ends_with_the_input(scripted_run):
    result = chat("/input harbour", "Name the tone", "/input", "Name the tone")
    assert result.exit_code == 0
    shown = " ".join(result.stdout.split())
    assert "a base model is asked each question by itself" in shown
    assert f"> Name the tone base {CLUELESS} specialized calm" in shown
    assert "the next questions are about this text" in shown and "no text" in shown


def test_chat_commands(scripted_run):
    lines = ("/help", "/system specialized", "/input harbour", "Name the tone", "/system bsae")
    result = chat(*lines, "/retreive on", "/retrieve maybe", "/quit", "Name the tone")
    shown = result.stdout
    assert "/retrieve on|off" in shown and "specialized answers" in shown
    assert CLUELESS not in shown and shown.count("calm") == 1  # /quit ends it
    assert "/system bsae: expected base|specialized|both; did you mean 'base'?" in shown
    assert "/retreive: no such command; did you mean '/retrieve'?" in shown
    assert "/retrieve maybe: expected on or off" in shown
    assert max(map(len, shown.splitlines())) <= 100


@pytest.fixture
def passages(monkeypatch):
    """A retriever that finds what was asked; returns the prompts that the model is shown."""
    from selfspec_core import Passage, specialists
    from selfspec_plugins.scripted import Scripted

    class Echo:
        def retrieve(self, queries, k):
            return [[Passage(f"p{n}", f"NOTE {n}", "notes") for n in range(k)] for _ in queries]

    seen, generate = [], Scripted.generate

    def noted(self, prompts, sampling, progress=None):
        seen.extend(prompts)
        return generate(self, prompts, sampling, progress)

    monkeypatch.setattr(specialists, "find_retriever", lambda *_: Echo())
    monkeypatch.setattr(Scripted, "generate", noted)
    return seen


def test_passages_stand_before_the_input_and_are_named(scripted_run, passages):
    lines = ("/system specialized", "/retrieve on", "/input harbour", "Name it", "/retrieve off")
    result = chat(*lines, "Name it")
    with_passages, without = passages
    assert "NOTE 0\nNOTE 1\nNOTE 2\nharbour" in with_passages
    assert "NOTE" not in without and "harbour" in without
    assert "3 passages with each question" in result.stdout and "[p2] notes" in result.stdout
    asked = json.loads(ask("demo", "Name it", "--retrieve", "--json").stdout)
    assert asked["passages"] == ["p0", "p1", "p2"]


@pytest.mark.parametrize(
    ("kind", "stops"), [("classification", ("\n",)), ("summarization", ("\n\n",))]
)
def test_an_answer_ends_where_the_tasks_of_the_run_do(scripted_run, monkeypatch, kind, stops):
    from selfspec_core import Seed
    from selfspec_core.report.keep import keep_seeds
    from selfspec_plugins.scripted import Scripted

    asked, generate = [], Scripted.generate
    rows = (("tone", "open_qa"), ("other", kind))
    keep_seeds(scripted_run, [Seed(task, task, kind, "Do.", "x", "y") for task, kind in rows])

    def noted(self, prompts, sampling, progress=None):
        asked.append(sampling.stop)
        return generate(self, prompts, sampling, progress)

    monkeypatch.setattr(Scripted, "generate", noted)
    ask("demo", "Name the tone", "--system", "both")
    assert asked == [stops, stops]


def test_without_knowledge_retrieve_says_why(scripted_run, monkeypatch):
    from selfspec_core import specialists

    def none(*_):
        raise UsageError("retrieval.retriever: none takes files")

    monkeypatch.setattr(specialists, "find_retriever", none)
    result = chat("/retrieve on", "/quit")
    assert result.exit_code == 0 and "retrieval.retriever: none takes files" in result.stdout


def test_a_chat_model_is_shown_the_turns_before(scripted_run, passages, monkeypatch):
    from selfspec_core import Capabilities
    from selfspec_plugins.scripted import Scripted

    chat("/system specialized", "Name the tone", "And now?")
    assert all("And now?" not in p or "Name the tone" not in p for p in passages)
    passages.clear()
    able = property(lambda self: Capabilities(trains=True, chat=True))
    monkeypatch.setattr(Scripted, "capabilities", able)
    result = chat("/system specialized", "Name the tone", "And now?", "/system base", "Well?")
    assert "each is shown the turns before" in " ".join(result.stdout.split())
    first, second, other = passages
    assert "Name the tone" in second and second.endswith("And now?\nResponse:")
    assert "Name the tone" not in other  # the base was not asked that


def test_ctrl_c_stops_an_answer_and_not_the_chat(scripted_run, monkeypatch):
    from selfspec_core.cli.stop import Stopped
    from selfspec_plugins.scripted import Scripted

    for stop in (KeyboardInterrupt(), Stopped(15)):
        answers_left = iter([stop, None])

        def stream(self, prompt, sampling, left=answers_left):
            yield "half"
            if error := next(left):
                raise error
            yield " and whole"

        monkeypatch.setattr(Scripted, "stream", stream)
        result = chat("/system base", "first", "second")
        if isinstance(stop, Stopped):
            assert isinstance(result.exception, Interrupted) and result.exception.exit_code == 143
        else:
            assert result.exit_code == 0 and "half\nstopped" in result.stdout
            assert "half and whole" in result.stdout


@pytest.mark.parametrize(
    ("width", "together"), [(80, False), (99, False), (100, True), (160, True)]
)
def test_columns_where_there_is_room(monkeypatch, width, together):
    from io import StringIO

    from rich.console import Console

    def made():
        return Console(
            file=StringIO(), force_terminal=True, width=min(width, 100), color_system=None
        )

    monkeypatch.setattr(answers, "console", made)
    with answers.Answers(["base", "specialized"]) as shown:
        shown.add("base", "left answer " * 8)
        shown.add("specialized", "right [b]answer[/b]\x1b[2J")
        shown.end("base")
        shown.end("specialized")
        lines = _printed(shown, width)
    first = next(line for line in lines if "left answer" in line)
    assert ("right [b]answer[/b]" in first) == together
    assert max(map(len, lines)) <= min(width, 100) and "\x1b[2J" not in "".join(lines)


def _printed(shown, width):
    from io import StringIO

    from rich.console import Console

    out = Console(file=StringIO(), width=min(width, 100), color_system=None)
    out.print(shown.render())
    return out.file.getvalue().splitlines()


def test_an_empty_answer_is_shown_as_such(monkeypatch):
    shown = answers.Answers(["base"])
    assert "…" in "".join(_printed(shown, 80))
    shown.end("base")
    assert answers.NOTHING in "".join(_printed(shown, 80))
