"""nano-world: its items follow the field, and finance's never change."""

from collections import Counter

import pytest

from selfspec_core import Domain
from selfspec_core.measures.metrics import PRIMARY
from selfspec_core.packages import load_tasks
from selfspec_nano import world
from selfspec_nano.content import load_domains
from selfspec_nano.evaluator import NanoWorld


def domain(name: str) -> Domain:
    return type("Field", (Domain,), {"name": name})()


def test_finance_is_complete_and_short() -> None:
    made = world.items()
    for task in world.FIELDS["finance"]:
        own = [item for item in made if item.task == task.name]
        assert sum(item.split == "test" for item in own) == world.TEST
        assert sum(item.split == "dev" for item in own) == world.DEV
        assert all(len(f"{i.instruction} {i.input}".split()) <= world.WORDS for i in own)
    assert all(len(shown) == world.DEMONSTRATIONS for shown in world.demonstrations().values())


def test_a_random_seed_fixes_the_items() -> None:
    assert world.items() == world.items()
    assert world.items() != world.items(12)


@pytest.mark.parametrize("name", ["biomedicine", "law"])
def test_another_field_has_items_of_its_own(name: str) -> None:
    made = world.items(name=name)
    assert {item.task for item in made} == {task.name for task in world.FIELDS[name]}
    assert not {item.input for item in made} & {item.input for item in world.items()}
    assert len({item.id for item in made}) == len(made)
    for item in made:
        assert len(f"{item.instruction} {item.input}".split()) <= world.WORDS
        assert not item.choices or item.output[0] in item.choices
        if item.kind in ("extractive_qa", "ner"):
            assert all(answer in item.input for answer in item.output[0].split(", "))


@pytest.mark.parametrize("name", sorted(world.FIELDS))
def test_labels_are_even_and_the_domains(name: str) -> None:
    tasks = {task.name: task for task in load_tasks(f"selfspec_{name}")}
    made = world.items(name=name)
    for task in world.FIELDS[name]:
        own = [item for item in made if item.task == task.name]
        if not own[0].choices:
            continue
        counts = Counter(item.output[0] for item in own)
        assert max(counts.values()) <= world.UNEVEN * min(counts.values())
        if task.name in tasks:
            assert own[0].choices == list(tasks[task.name].choices)
            assert own[0].kind == tasks[task.name].kind


def test_renamed_labels_leave_no_hint_of_the_old_ones() -> None:
    own = [item for item in world.items(name="law") if item.task == "contract_entailment"]
    said = " ".join(item.instruction.lower() for item in own)
    assert "entailed" in said
    assert not any(word in said for word in ("support", "refute", "unknown"))


def test_the_evaluator_follows_the_domain(capsys: pytest.CaptureFixture[str]) -> None:
    found = NanoWorld().items(domain("law"))
    assert {"clause_type", "legal_ner"} <= {item.task for item in found}
    assert all(item.metric == PRIMARY[item.kind] for item in found)
    assert capsys.readouterr().err == ""


def test_a_domain_without_content_has_none_and_hears_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert NanoWorld().items(domain("chemistry")) == []
    said = "nano-world: no items for chemistry; it has some of biomedicine, finance, law\n"
    assert capsys.readouterr().err == said


def test_a_field_whose_content_is_gone_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    others = tuple(one for one in load_domains() if one.name != "law")
    monkeypatch.setattr(world, "load_domains", lambda: others)
    assert world.items(name="law") == []
