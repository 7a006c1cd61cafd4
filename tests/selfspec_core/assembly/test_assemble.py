"""What a run is put together from, and what whoever reads its result is told."""

import json
from dataclasses import replace

import pytest

from selfspec_core import UsageError
from selfspec_core.assembly.assemble import assemble
from selfspec_core.assembly.request import Request
from selfspec_core.progress import Silent
from selfspec_core.stages.systems import systems
from selfspec_core.types import Adapter

SCRIPTED = {"model": {"name": "scripted"}}


def seed(number, text):
    return {
        "id": f"s-{number}",
        "task": "tone",
        "kind": "classification",
        "instruction": "What is the tone?",
        "input": text,
        "output": "good",
        "choices": ["good", "bad"],
    }


SEEDS = [
    seed(1, "The orchard that my neighbour planted has carried sweet pears since the summer."),
    seed(2, "A new ferry now crosses the sound every hour, even on stormy winter evenings."),
]


@pytest.fixture
def written(tmp_path):
    def write(name, rows):
        path = tmp_path / name
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        return str(path)

    return write


def item(row, **more):
    return {**row, "id": f"i-{row['id']}", "output": [row["output"]], **more}


def test_a_seed_that_is_an_item_is_no_demonstration_either(written):
    benchmark = written("bench.jsonl", [item(SEEDS[0])])
    request = Request(seeds=written("s.jsonl", SEEDS), benchmarks=(benchmark,), set=(SCRIPTED,))
    found = assemble(request, Silent())
    assert [one.id for one in found.context.seeds] == ["s-2"]
    [note] = [note for note in found.notes if "left out" in note]
    assert note.startswith("seed s-1 is left out: ")


def test_seeds_that_are_all_items_are_an_error(written):
    benchmark = written("bench.jsonl", [item(one) for one in SEEDS])
    request = Request(seeds=written("s.jsonl", SEEDS), benchmarks=(benchmark,), set=(SCRIPTED,))
    with pytest.raises(UsageError, match="every seed shares text with an item; for example seed"):
        assemble(request, Silent())


def test_notes_say_what_a_reader_has_to_know(written):
    other = seed(3, "Nobody at the harbour could explain why the lamps went out.")
    benchmark = written("bench.jsonl", [item(other, split="dev")])
    request = Request(
        "finance", seeds=written("s.jsonl", SEEDS), benchmarks=(benchmark,), set=(SCRIPTED,)
    )
    notes = assemble(request, Silent()).notes
    assert any(note.endswith("s.jsonl, not the domain's own") for note in notes)
    assert "benchmark bench: its dev items are not used to choose; only a domain's own are" in notes
    assert any(note.startswith("scripted has no weights") for note in notes)


def test_nearly_a_model_s_name_is_a_mistake_and_not_a_hub_id(written):
    request = Request(seeds=written("s.jsonl", SEEDS), model="scriptd")
    with pytest.raises(UsageError, match="no such model; did you mean 'scripted'"):
        assemble(request, Silent())


def test_without_dev_items_no_layout_is_chosen_and_a_note_says_so(written):
    other = seed(3, "Nobody at the harbour could explain why the lamps went out.")
    benchmark = written("bench.jsonl", [item(other)])
    request = Request(seeds=written("s.jsonl", SEEDS), benchmarks=(benchmark,), set=(SCRIPTED,))
    notes = assemble(request, Silent()).notes
    assert any(note.startswith("no dev items to choose a layout by") for note in notes)


def test_without_items_a_note_says_how_to_give_some_and_nothing_of_layouts(written):
    request = Request(seeds=written("s.jsonl", SEEDS), set=(SCRIPTED,))
    first, *others = assemble(request, Silent()).notes
    assert first == "no test items to measure on, so no scores; --benchmark FILE gives some"
    assert not any("layout" in note for note in others)


@pytest.mark.parametrize("table", ["model", "training"])
def test_an_unknown_layout_is_refused_with_the_nearest(written, table):
    wrong = {table: {"layout": "lnes"}}
    request = Request(None, seeds=written("s.jsonl", SEEDS), set=(SCRIPTED, wrong))
    with pytest.raises(UsageError, match=f"{table}.layout = 'lnes'.*'lines'"):
        assemble(request, Silent())


def test_a_model_may_be_pinned_where_it_is_named(written):
    request = Request(seeds=written("s.jsonl", SEEDS), model="meta/Llama@v1")
    tuned = {"training": {"model": "meta/Llama-big@v2"}}
    found = assemble(replace(request, set=(tuned,)), Silent())
    assert [(m.settings.name, m.settings.revision) for m in found.models] == [
        ("meta/Llama", "v1"),
        ("meta/Llama-big", "v2"),
    ]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"processes": 64}, "training.processes = 64: a step has 32 examples to share"),
        ({"accelerate": "a.yaml"}, "training.accelerate: goes with training.processes above 1"),
    ],
)
def test_processes_that_cannot_be_are_refused(written, wrong, said):
    request = Request(seeds=written("s.jsonl", SEEDS), recipe="full", set=({"training": wrong},))
    with pytest.raises(UsageError) as caught:
        assemble(request, Silent())
    assert str(caught.value) == said


def test_a_trainer_of_one_process_refuses_more(written):
    more = {"training": {"processes": 2}}
    made = assemble(Request(seeds=written("s.jsonl", SEEDS), set=(SCRIPTED, more)), Silent())
    with pytest.raises(UsageError, match="training.processes: trainer 'remember' tunes in one pr"):
        made.parts.trainer.check(made.context)


def test_tuned_systems_are_asked_in_the_layout_of_the_recipe(written, tmp_path):
    recipe = {"training": {"layout": "task"}}
    request = Request(None, seeds=written("s.jsonl", SEEDS), set=(SCRIPTED, recipe))
    context = assemble(request, Silent()).context
    adapters = {"specialized": Adapter(tmp_path)}
    layouts = {system.name: system.layout.name for system in systems(adapters, "plain", context)}
    assert layouts["base@0"] == layouts["specialized@0"] == "task"
    assert layouts["base-best@0"] == "plain"
