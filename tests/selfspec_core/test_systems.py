"""All systems and controls in whole runs with the scripted model."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfspec_core import UsageError
from selfspec_core.assembly.assemble import assemble
from selfspec_core.assembly.request import Request
from selfspec_core.journals import RoundFolder
from selfspec_core.manifest import new_manifest
from selfspec_core.pipeline import run_rounds
from selfspec_core.progress import Silent
from selfspec_core.provenance import conditions
from selfspec_core.runs import Run
from selfspec_core.stages.systems import better, pairs

ALL = (
    {"data": {"size": 40}, "propose": {"batch": 16}},
    {"evaluation": {"resamples": 100, "demo_sets": 2, "dev_per_task": 2}},
    {"evaluation": {"controls": ["seeds-only", "seeds-only-long", "generic"]}},
    {"evaluation": {"specialist_shots": [1, 3], "collateral": "general"}},
    {"evaluation": {"collateral_per_task": 3}},
)
READING = {"retrieval": {"retriever": "knowledge"}, "evaluation": {"passages": 2}}


def request(*extra: dict, **more) -> Request:
    return Request("finance", model="scripted", set=(*ALL, *extra), **more)


def make(path: Path, asked: Request) -> dict:
    assembly = assemble(asked, Silent())
    run = Run.create(path, new_manifest(assembly, {"domain": asked.domain}))
    finish(run, assembly)
    return json.loads((path / "round-1/scores.json").read_text())


def finish(run: Run, assembly) -> None:
    try:
        run_rounds(run, assembly.parts, assembly.context)
    finally:
        run.close()


def fingerprint(run: Path) -> dict[str, str]:
    files = sorted(p for p in (run / "round-1").rglob("*") if p.is_file())
    return {str(p.relative_to(run)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


def rows(file: Path) -> list[dict]:
    return [json.loads(line) for line in file.open()]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("systems") / "whole"
    make(path, request(baselines=("scripted",)))
    return path


@pytest.fixture(scope="module")
def scores(whole: Path) -> dict:
    return json.loads((whole / "round-1/scores.json").read_text())


def test_every_system_is_asked_the_same_items(scores: dict) -> None:
    systems = scores["sets"]["finance"]["systems"]
    assert (
        list(systems)
        == (
            "base@0 base-best@0 base@5 seeds-only@0 seeds-only-long@0 generic@0 specialized@0 "
            "specialized@1 specialized@3 scripted@0 scripted@5"
        ).split()
    )
    assert len({one["n"] for one in systems.values()}) == 1
    assert systems["specialized@3"]["sd"] is not None  # several draws of demonstrations


def test_gains_are_counted_against_all_and_the_better_are_named(scores: dict) -> None:
    own = scores["sets"]["finance"]
    opponents = {
        pair.partition(" - ")[2] for pair in own["gains"] if pair.startswith("specialized@0 ")
    }
    assert opponents == {name for name in own["systems"] if not name.startswith("specialized")}
    macro = {name: one["macro"] for name, one in own["systems"].items()}
    assert macro[own["better"]["base"]] == max(macro["base@0"], macro["base-best@0"])
    assert macro[own["better"]["control"]] == max(
        macro[name] for name in ("seeds-only@0", "seeds-only-long@0", "generic@0")
    )
    assert "specialized@3 - specialized@0" in own["gains"]


def test_generic_is_made_of_general_seeds_in_a_folder_of_its_own(whole: Path, scores: dict) -> None:
    folder = whole / "round-1/controls/generic"
    examples = rows(folder / "examples.jsonl")
    assert examples and scores["generic"]["accepted"] == len(examples)
    tasks = {seed.task for seed in assemble(request(), Silent()).context.general_seeds}
    assert {row["task"] for row in examples} <= tasks
    assert all(id_.startswith("general-") for row in examples for id_ in row["shown"])
    assert not {row["task"] for row in rows(whole / "round-1/examples.jsonl")} & tasks
    assert (folder / "adapter/memory.json").is_file()
    trained = json.loads((folder / "adapter/memory.json").read_text())
    assert len(trained) == scores["training"]["generic"]["rows"] >= len(examples)


def test_generic_replays_as_much_as_the_run(tmp_path: Path) -> None:
    scores = make(tmp_path / "run", request({"data": {"replay": 0.75}}))
    for name, accepted in (("specialized", scores["accepted"]), ("generic", None)):
        made = accepted or scores["generic"]["accepted"]
        assert scores["training"][name]["rows"] >= 4 * made - 4  # three rows in four are seeds


def test_the_firewall_screens_generic_against_the_items_of_the_domain(tmp_path: Path) -> None:
    assembly = assemble(request(), Silent())
    planted = next(i for i in assembly.parts.sets[0].items if len(i.input.split()) > 15)
    harmless = "the old boat at the pier has {} red sails and a {} mast of oak beside it"
    lines = [{"instruction": "Name the mood.", "input": planted.input, "output": "positive"}]
    for n in range(40):
        text = harmless.format(n * 3, f"n{n}") + f" number {n * n} today"
        lines.append({"instruction": f"Mood {n}?", "input": text, "output": "positive"})
    script = tmp_path / "script.jsonl"
    script.write_text("\n".join(map(json.dumps, lines)))
    model = {"model": {"name": "scripted", "path": str(script)}}
    make(tmp_path / "run", request(model, {"filters": {"order": ["well_formed"]}}))
    folder = tmp_path / "run/round-1/controls/generic"
    found = [r for r in rows(folder / "rejected.jsonl") if r["filter"] == "firewall"]
    assert any(planted.id in row["evidence"] for row in found)
    kept = rows(folder / "examples.jsonl")
    assert kept and planted.input not in {row["input"] for row in kept}
    assert planted.input not in (folder / "adapter/memory.json").read_text()


def test_collateral_of_one_round_asks_test_items_alone(whole: Path, scores: dict) -> None:
    """Dev items of other fields decide when to stop; with one round there is nothing to decide."""
    assert scores["collateral"].keys() == {"general"}
    assert scores["collateral"]["general"].keys() == {"test"}
    general = {i.id: i for i in assemble(request(), Silent()).parts.collateral[0].items}
    said = [
        row
        for row in rows(whole / "round-1/predictions.jsonl")
        if row["set"] == "collateral/general"
    ]
    counted = Counter((row["system"], general[row["item"]].split) for row in said)
    for split, gain in scores["collateral"]["general"].items():
        assert gain["low"] <= gain["mean"] <= gain["high"]
        assert gain["n"] == 7 * 3
        assert counted["base-best@0", split] == counted["specialized@0", split] == 7 * 3
        ours, base = (gain["systems"][name] for name in ("specialized@0", "base-best@0"))
        assert gain["mean"] == pytest.approx(ours - base)


def test_collateral_of_all_has_every_other_domain(scores: dict) -> None:
    found = assemble(request({"evaluation": {"collateral": "all"}}), Silent()).parts.collateral
    names = [one.name for one in found]
    assert "collateral/general" in names and "collateral/finance" not in names
    most = Counter((i.task, i.split) for one in found for i in one.items)
    assert max(most.values()) == 3


def test_a_baseline_is_the_same_as_the_base_that_it_is(scores: dict) -> None:
    systems = scores["sets"]["finance"]["systems"]
    assert systems["scripted@0"]["tasks"] == systems["base-best@0"]["tasks"]
    assert systems["scripted@5"]["tasks"] == systems["base@5"]["tasks"]
    assert scores["baselines"]["scripted"]["layout"] == scores["layouts"]["best"]


def test_never_two_models_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from selfspec_plugins.scripted import Scripted

    held, most = set(), []
    load = Scripted.load

    def loaded(self) -> None:
        held.add(id(self))
        most.append(len(held))
        load(self)

    monkeypatch.setattr(Scripted, "load", loaded)
    monkeypatch.setattr(Scripted, "unload", lambda self: held.discard(id(self)), raising=False)
    script = tmp_path / "other.jsonl"
    script.write_text('{"instruction": "a", "input": "b", "output": "c"}')
    asked = request(baselines=("scripted",))
    make(tmp_path / "run", asked)
    assert max(most) == 1 and len(most) >= 2


class Killed(BaseException):
    """Stands for a kill: nothing may catch it."""


def test_killed_at_any_commit_and_resumed_gives_the_same_bytes(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, asked = RoundFolder.commit, request(baselines=("scripted",))
    total = sum(len(rows(file)) for file in (whole / "round-1").rglob("commits.jsonl"))
    inner = len(rows(whole / "round-1/controls/generic/commits.jsonl"))
    outer = len([c for c in rows(whole / "round-1/commits.jsonl") if c["stage"] != "evaluate"])
    first = outer - 4  # load, and what is trained: specialist and three controls
    stops = {first, first + 1, first + inner // 2, first + inner, *range(first + inner, total, 8)}
    for survive in sorted(stops | {total - 1}):
        path, done = tmp_path / f"killed-{survive}", Counter[str]()

        def commit(self, *args, survive=survive, done=done, **notes):
            if done.total() >= survive:
                if self.commits:  # the first of a folder holds no rows
                    with (self.path / "rejected.jsonl").open("ab") as file:
                        file.write(b'{"id": "torn')
                raise Killed
            done["commits"] += 1
            return real(self, *args, **notes)

        with monkeypatch.context() as patch:
            patch.setattr(RoundFolder, "commit", commit)
            with pytest.raises(Killed):
                make(path, asked)
        run = Run.open(path, write=True)
        finish(run, assemble(asked, Silent()))
        assert fingerprint(path) == fingerprint(whole), f"killed before commit {survive}"


def test_a_finished_baseline_is_not_loaded_again(
    whole: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assembly = assemble(request(baselines=("scripted",)), Silent())
    monkeypatch.setattr(assembly.parts.baselines[0].model, "load", pytest.fail)
    before = fingerprint(whole)
    finish(Run.open(whole, write=True), assembly)
    assert fingerprint(whole) == before


def test_passages_are_shown_to_the_base_and_the_specialist_alike(tmp_path: Path) -> None:
    seen: list[str] = []
    assembly = assemble(request(READING, {"data": {"size": 10}}), Silent())
    model = assembly.context.model
    generate = model.generate
    model.generate = lambda prompts, *rest: seen.extend(prompts) or generate(prompts, *rest)
    finish(Run.create(tmp_path / "run", new_manifest(assembly, {"domain": "finance"})), assembly)
    found = json.loads((tmp_path / "run/round-1/scores.json").read_text())["sets"]["finance"]
    assert {"base-best+retrieval@0", "specialized+retrieval@0"} < found["systems"].keys()
    assert "specialized+retrieval@0 - base-best+retrieval@0" in found["gains"]
    item = next(i for i in assembly.parts.sets[0].items if i.split == "test")
    query = f"{item.instruction} {item.input}"
    texts = [p.text for p in assembly.context.retriever.retrieve([query], 2)[0]]
    assert len(texts) == 2
    shown = "\n".join([*texts, item.input])
    assert sum(shown in prompt for prompt in seen) == 2


def test_without_a_retriever_nothing_reads() -> None:
    context = assemble(request({"evaluation": {"passages": 3}}), Silent()).context
    from selfspec_core.stages.systems import systems

    assert not any("retrieval" in one.name for one in systems({}, "lines", context))


def test_generic_of_the_general_domain_is_left_out_and_a_note_says_so() -> None:
    found = assemble(Request("general", model="scripted", set=ALL), Silent())
    assert not found.context.general_seeds
    assert any(note.startswith("control generic is left out") for note in found.notes)
    assert found.parts.collateral == []  # it has no other field to lose in


def test_general_seeds_and_other_items_are_conditions_of_a_run() -> None:
    found = conditions(assemble(request(), Silent()))
    assert "general seeds" in found and "collateral/general" in found["items"]
    assert "review_mood" in found["screened against"]  # whatever is asked


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ((), "other: no config.json in it, so it is not a model folder"),
        (("config.json",), "other: no weights: expected *.safetensors"),
        (("config.json", "a.bin"), "(only a.bin, which is not loaded for safety)"),
    ],
)
def test_a_baseline_that_is_no_model_is_refused(tmp_path: Path, files, message: str) -> None:
    (tmp_path / "other").mkdir()
    for name in files:
        (tmp_path / "other" / name).write_text("{}")
    with pytest.raises(UsageError) as caught:
        assemble(request(baselines=(str(tmp_path / "other"),)), Silent())
    assert str(caught.value).startswith("--baseline ") and message in str(caught.value)
    assert "\n" not in str(caught.value) and "--model" not in str(caught.value)


@pytest.mark.parametrize(
    ("models", "message"),
    [
        (("scripted", "scripted"), "'scripted' is the name of another baseline"),
        (("somebody/base",), "'base' is the name of one of the run's own systems"),
        (("scriptd",), "did you mean 'scripted'"),
    ],
)
def test_names_of_baselines(models, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        assemble(request(baselines=models), Silent())
    assert message in str(caught.value)


def test_general_names_a_domain_that_is_there() -> None:
    wrong = {"evaluation": {"general": "generl"}}
    with pytest.raises(UsageError, match=r"evaluation\.general: generl: .*did you mean 'general'"):
        assemble(request(wrong), Silent())


@given(
    st.dictionaries(
        st.sampled_from(
            "base@0 base-best@0 base@5 seeds-only@0 generic@0 specialized@0 x@0".split()
        ),
        st.floats(0, 1),
    )
)
def test_the_better_is_the_best_of_its_kind(macros: dict[str, float]) -> None:
    kinds = {
        "base": ("base@0", "base-best@0"),
        "control": ("seeds-only@0", "seeds-only-long@0", "generic@0"),
    }
    found = better(macros)
    for what, names in kinds.items():
        there = [macros[name] for name in names if name in macros]
        assert (what in found) is bool(there)
        if there:
            assert macros[found[what]] == max(there)


def test_without_a_specialist_the_base_is_held_against_other_models() -> None:
    found = list(pairs(["base@0", "base-best@0", "base@5", "baseline@0", "other@5"]))
    assert found == [("base-best@0", "baseline@0"), ("base-best@0", "other@5")]
