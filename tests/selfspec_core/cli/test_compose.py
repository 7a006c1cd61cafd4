"""`selfspec compose`: scripted runs, by a composer that takes the first; and what it refuses."""

from __future__ import annotations

import contextlib
import json
import shutil
import time
from dataclasses import asdict

import pytest
from click.testing import CliRunner

from selfspec_core.assembly import assemble as assembling
from selfspec_core.assembly.assemble import assemble
from selfspec_core.assembly.request import Request
from selfspec_core.cli.main import selfspec as cli
from selfspec_core.composing import make as making
from selfspec_core.composing.folder import Composition, Ingredients
from selfspec_core.composing.opening import open_to_ask
from selfspec_core.errors import SelfspecError, UsageError
from selfspec_core.manifest import new_manifest
from selfspec_core.pipeline import run_rounds
from selfspec_core.progress import Silent
from selfspec_core.runs import Run
from selfspec_core.types import Adapter

SMALL = (
    {"data": {"size": 12}},
    {"propose": {"batch": 16}},
    {"evaluation": {"resamples": 100, "controls": [], "shots": 0}},
)
DOMAINS = ("finance", "law")


class Killed(BaseException):
    """Stands for a kill: nothing may catch it."""


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A folder with one finished run a domain, of the scripted model."""
    folder = tmp_path_factory.mktemp("home")
    for domain in DOMAINS:
        request = Request(domain, model="scripted", set=SMALL)
        assembly = assemble(request, Silent())
        run = Run.create(folder / "runs" / domain, new_manifest(assembly, asdict(request)))
        chosen = run_rounds(run, assembly.parts, assembly.context)
        run.manifest.update(state="finished", chosen_round=chosen)
        run.save_manifest()
        run.close()
    return folder


@pytest.fixture
def at(home, tmp_path, monkeypatch):
    """A copy of that folder, to work in."""
    shutil.copytree(home / "runs", tmp_path / "runs")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "runs"


@pytest.fixture
def first_alone(monkeypatch):
    """Lets `mixture` be the first adapter: the scripted model has no weights to mix."""
    from selfspec_plugins.compose.mixture import Mixture

    def compose(self, experts, out, context):
        shutil.copytree(experts[0].adapter, out, dirs_exist_ok=True)
        return Adapter(out, rows=sum(len(one.examples) for one in experts))

    monkeypatch.setattr(Mixture, "check", lambda self, experts, context: None)
    monkeypatch.setattr(Mixture, "compose", compose)
    monkeypatch.setattr(Mixture, "describe", lambda self, folder: {})


def call(*words):
    return CliRunner().invoke(cli, ["compose", *words])


def refused(*words):
    """Returns the one line that a call is refused with; nothing may be left behind."""
    result = call(*words)
    assert isinstance(result.exception, UsageError), result.exception
    assert result.exception.exit_code == 2
    line = str(result.exception)
    assert "\n" not in line
    return line


def test_every_system_is_measured_on_every_field_and_on_all(at, first_alone):
    result = call("finance", "law", "--json")
    assert result.exit_code == 0, result.exception
    scores = json.loads(result.stdout)
    assert scores["runs"] == {"finance": "finance", "law": "law"}
    systems = list(scores["all"]["systems"])
    assert systems == [
        *("base@0", "base-best@0", "finance@0", "law@0", "all-rows@0", "own-expert@0", "mixture@0")
    ]
    sizes = {field: sum(one["sizes"].values()) for field, one in scores["fields"].items()}
    assert sum(scores["all"]["sizes"].values()) == sum(sizes.values())
    assert set(scores["left_out"]) == {"ties", "dare"}
    finance, law = (scores["fields"][field]["systems"] for field in DOMAINS)
    assert finance["own-expert@0"] == finance["finance@0"] and law["own-expert@0"] == law["law@0"]
    gains = scores["all"]["gains"]
    assert list(gains) == [f"mixture@0 - {name}" for name in systems[:-1]]
    over_itself = gains["mixture@0 - finance@0"]  # it is the first adapter
    assert (over_itself["mean"], over_itself["low"], over_itself["high"]) == (0, 0, 0)
    folder = at / "finance+law"
    assert {"adapter", "controls", "compose.json", "scores.json", "README.md"} <= {
        path.name for path in folder.iterdir()
    }
    assert "selfspec ask runs/finance+law" in (folder / "README.md").read_text()
    journals = [at / domain / "round-1/examples.jsonl" for domain in DOMAINS]
    accepted = sum(len(file.read_text().splitlines()) for file in journals)
    rows = {name: one["rows"] for name, one in scores["composed"].items()}
    assert rows["all-rows"] > rows["mixture"] == accepted  # seeds too, and not examples alone


def test_what_was_killed_goes_on_and_ends_with_the_same_bytes(at, first_alone, monkeypatch):
    assert call("finance", "law", "--name", "whole").exit_code == 0
    ask, asked = making.ask, []

    def killed(folder, system, *rest):
        if system.name == "law@0":
            raise Killed
        return counted(folder, system, *rest)

    def counted(folder, system, *rest):
        asked.append(system.name)
        return ask(folder, system, *rest)

    monkeypatch.setattr(making, "ask", killed)
    with pytest.raises(Killed):
        call("finance", "law", "--name", "cut")
    assert json.loads((at / "cut/compose.json").read_text())["state"] == "unfinished"
    before = (at / "cut/predictions.jsonl").read_bytes()
    assert before
    monkeypatch.setattr(making, "ask", counted)
    again = call("finance", "law", "--name", "cut")
    assert again.exit_code == 0, again.exception
    assert (at / "cut/predictions.jsonl").read_bytes().startswith(before)
    for name in ("scores.json", "predictions.jsonl", "commits.jsonl"):
        assert (at / "cut" / name).read_bytes() == (at / "whole" / name).read_bytes(), name
    asked.clear()
    assert call("finance", "law", "--name", "cut").exit_code == 0
    assert asked == []  # a finished one is only shown


def test_a_composer_that_returns_a_folder_of_a_run_moves_nothing(at, first_alone, monkeypatch):
    from selfspec_plugins.compose.mixture import Mixture

    mine = (at / "finance/round-1/adapter").resolve()
    monkeypatch.setattr(Mixture, "compose", lambda *_, **__: Adapter(mine))
    error = call("finance", "law").exception
    assert type(error) is SelfspecError
    assert str(error).startswith("composer 'mixture' (")
    assert "`compose` returned Adapter(" in str(error) and "instead of an Adapter in" in str(error)
    assert mine.is_dir()


def cut(monkeypatch, before=lambda context: None):
    """Begins a composition that is killed while it asks the test items."""

    def killed(folder, system, one, context):
        if system.name == "law@0":
            raise Killed
        before(context)
        return ask(folder, system, one, context)

    ask = making.ask
    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(making, "ask", killed)
        call("finance", "law", "--name", "cut")


def test_what_was_decided_before_a_kill_holds_after_it(at, first_alone, monkeypatch):
    cut(monkeypatch, lambda context: context.decisions.update(rows=7))
    ask, seen = making.ask, []

    def noted(folder, system, one, context):
        seen.append(dict(context.decisions))
        return ask(folder, system, one, context)

    monkeypatch.setattr(making, "ask", noted)
    assert call("finance", "law", "--name", "cut").exit_code == 0
    assert seen and all(one == {"rows": 7} for one in seen)


def test_it_goes_on_with_the_items_it_began_with_alone(at, first_alone, monkeypatch):
    cut(monkeypatch)
    with monkeypatch.context() as patch:
        patch.setattr(assembling, "_fewer_dev", lambda items, most: tuple(items)[1:])
        error = call("finance", "law", "--name", "cut").exception
    assert type(error) is SelfspecError
    said = "cannot go on with runs/cut: finance.items.finance changed from "
    assert str(error).startswith(said) and "give another --name" in str(error)
    assert call("finance", "law", "--name", "cut").exit_code == 0


def test_a_composer_that_refuses_while_it_composes_leaves_nothing(at, first_alone, monkeypatch):
    from selfspec_plugins.compose.mixture import Mixture

    def refuses(*_, **__):
        raise UsageError("mixture: cannot be")

    monkeypatch.setattr(Mixture, "compose", refuses)
    assert refused("finance", "law") == "mixture: cannot be"
    assert not (at / "finance+law").exists()


def test_a_mixture_can_be_asked_like_a_specialist(at, first_alone):
    assert call("finance", "law", "--name", "both").exit_code == 0
    result = CliRunner().invoke(cli, ["ask", "both", "Is this about rates?", "--json"])
    assert result.exit_code == 0, result.exception
    assert json.loads(result.stdout)["run"] == "both"


def test_a_composition_does_not_speak_for_its_reader(at, first_alone, monkeypatch):
    assert call("finance", "law", "--name", "both").exit_code == 0
    file = at / "both/compose.json"
    about = json.loads(file.read_text())
    about["of"]["set"] = [{"model": {"trust_remote_code": True}}]
    file.write_text(json.dumps(about))
    with pytest.raises(UsageError, match=r"^runs/both/compose.json: has model.trust_remote_code"):
        open_to_ask("both")
    monkeypatch.setenv("SELFSPEC_TRUST_REMOTE_CODE", "1")
    assert open_to_ask("both").settings.model.trust_remote_code


def test_fewer_than_two_runs_are_refused(at):
    assert "1 run given, expected two or more" in refused("finance")
    assert "0 runs given" in refused()
    assert "finance: is given twice" in refused("finance", "finance")
    assert "fnance: no such run" in refused("finance", "fnance")


def test_runs_on_different_bases_are_refused(at):
    file = at / "law/manifest.json"
    manifest = json.loads(file.read_text())
    manifest["request"]["model"] = "nano"
    file.write_text(json.dumps(manifest))
    line = refused("finance", "law")
    assert line == (
        "law: was tuned on nano, finance on scripted; adapters can be composed on one base only"
    )


def test_a_base_whose_weights_were_others_is_refused(at):
    journal = at / "law/round-1/commits.jsonl"
    lines = [json.loads(line) for line in journal.read_text().splitlines()]
    for line in lines:
        if line["stage"] == "load":
            line["is"]["weights"] = {"model.safetensors": "0123456789abcdef"}
    journal.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert "law: was tuned on other weights of scripted than finance" in refused("finance", "law")


def test_runs_without_an_adapter_are_refused(at):
    shutil.rmtree(at / "law/round-1")
    assert "law: has no specialist yet" in refused("finance", "law")


def test_runs_tuned_in_different_layouts_are_refused(at):
    file = at / "law/manifest.json"
    manifest = json.loads(file.read_text())
    manifest["request"]["set"].append({"training": {"layout": "question"}})
    file.write_text(json.dumps(manifest))
    assert "experts need the same training.layout" in refused("finance", "law")


def test_what_a_model_without_weights_has_cannot_be_mixed(at):
    assert refused("finance", "law") == "compose: model 'scripted' has no weights here"
    assert not (at / "finance+law").exists()


def test_wrong_settings_are_named(at):
    line = refused("finance", "law", "--set", "components.mixture.lrr=1")
    assert "lrr" in line and "lr" in line
    assert "components.mixtur" in refused("finance", "law", "--set", "components.mixtur.lr=1")


def test_a_name_that_is_taken_by_something_else_is_refused(at, first_alone):
    assert "is no composition" in refused("finance", "law", "--name", "law")
    assert call("finance", "law", "--name", "one").exit_code == 0
    line = refused("law", "finance", "--name", "one")
    assert "is composed of finance, law" in line
    line = refused("finance", "law", "--name", "one", "--set", "evaluation.resamples=200")
    assert "set was" in line and "give another name" in line


def begin(path):
    return Composition.begin(path, Ingredients([], "nano", []), ["a", "b"])


def test_a_composition_that_was_given_up_at_once_keeps_no_name(tmp_path, monkeypatch):
    def killed(self):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(Composition, "save", killed)
        with pytest.raises(Killed):
            begin(tmp_path / "one")
    (tmp_path / "one/.lock").touch()  # which the system lets go of, and leaves
    (tmp_path / "one/.owner").touch()
    with contextlib.closing(begin(tmp_path / "one")) as made:
        assert not made.finished
        with pytest.raises(SelfspecError, match=r"one: in use by \S+, process \d+; wait for it"):
            begin(tmp_path / "one")


def test_who_waited_for_a_composition_sees_how_it_ended(tmp_path, monkeypatch):
    first = begin(tmp_path / "one")

    def end(seconds):
        first.about.state = "finished"
        first.save()
        first.close()

    monkeypatch.setattr(time, "sleep", end)
    with contextlib.closing(begin(tmp_path / "one")) as second:
        assert second.finished


WHOLE = {
    "state": "unfinished",
    "of": {
        "runs": [
            {"name": "a", "domain": "b", "round": 1, "system": "specialized", "adapter": "0123"}
        ],
        "base": "nano",
        "set": [],
    },
    "paths": ["runs/a"],
}
DAMAGED = [
    ("[", "not valid JSON: Expecting value: line 1 column 2 (char 1)"),
    ("[]", "input should be a dictionary or an instance of about"),
    (json.dumps(WHOLE | {"state": "x"}), "key 'state': input should be 'unfinished' or"),
    (json.dumps(WHOLE | {"paths": []}), "key 'paths': list should have at least 1 item"),
    (json.dumps(WHOLE | {"of": WHOLE["of"] | {"runs": [{"name": "a"}]}}), "key 'of.runs.0.domain'"),
    (json.dumps(WHOLE | {"of": WHOLE["of"] | {"set": [3]}}), "key 'of.set.0': input should be"),
    (json.dumps({k: v for k, v in WHOLE.items() if k != "of"}), "key 'of': field required"),
]


@pytest.mark.parametrize(("text", "message"), DAMAGED)
def test_a_damaged_composition_is_one_line_that_names_file_and_key(text, message, tmp_path):
    (tmp_path / "adapter").mkdir()
    (tmp_path / "compose.json").write_text(text)
    error = CliRunner().invoke(cli, ["ask", str(tmp_path), "Is it?"]).exception
    assert isinstance(error, UsageError), error
    assert str(error).startswith(f"{tmp_path}/compose.json: damaged: {message}")
    assert "\n" not in str(error)


def test_what_is_no_run_says_what_it_is(at, first_alone):
    assert call("finance", "law", "--name", "both").exit_code == 0
    line = refused("finance", "both")
    assert line.startswith("both: is a composition, not a run")
    shown = CliRunner().invoke(cli, ["show", "both"]).exception
    assert isinstance(shown, UsageError) and "is a composition" in str(shown)


def test_a_run_named_as_a_system_is_refused(at):
    (at / "law").rename(at / "mixture")
    assert "mixture: is the name of a system" in refused("finance", "mixture")
