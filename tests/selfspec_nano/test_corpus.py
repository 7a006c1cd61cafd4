"""The corpus: what it holds, what it must never hold, and that a seed fixes it."""

from itertools import islice
from random import Random

import pytest

from selfspec_nano import corpus, generic, marks, names, worksheets, world
from selfspec_nano.content import Domain, fields, load_domains
from selfspec_nano.instructions import instruction, load_wordings
from selfspec_nano.layouts import STANDARD
from selfspec_nano.slots import DRAW, ORGANISATIONS, Filler
from selfspec_nano.source import Source
from selfspec_nano.tasks import MAKERS, labels_of, make_item, tasks_of

SAMPLE = corpus.sample(3, 2_000_000)


def known_slots(domain: Domain) -> set[str]:
    return {*domain.slots, *DRAW, *ORGANISATIONS, *names.INVENTED, "X", "Y"}


@pytest.mark.parametrize("domain", load_domains(), ids=lambda domain: domain.name)
def test_every_slot_is_known(domain: Domain) -> None:
    frames = [text for event in domain.events for text in (*event.texts, *event.held_out)]
    frames += [part for event in domain.events for pair in event.ask for part in pair]
    frames += [text for event in domain.events for text in (*event.true, *event.yes, *event.no)]
    frames += [text for entry in domain.statements for text in (*entry.texts, *entry.held_out)]
    frames += [text for entry in domain.listings for text in (*entry.texts, *entry.held_out)]
    frames += domain.prose
    known = known_slots(domain)
    strange = {slot for frame in frames for slot in fields(frame)} - known
    assert not {slot for slot in strange if slot.rstrip("23456789") not in known}


@pytest.mark.parametrize("domain", load_domains(), ids=lambda domain: domain.name)
def test_held_out_frames_stay_out(domain: Domain) -> None:
    for event in domain.events:
        assert event.texts and not set(event.texts) & set(event.held_out)


def test_the_tuned_layout_never_occurs() -> None:
    text = "\n".join(SAMPLE)
    for marker in ("Instruction:", "Input:", "Response:", "### Instruction", "### Response"):
        assert marker not in text


def test_market_topic_is_never_labelled() -> None:
    for domain in load_domains():
        for task in tasks_of(domain):
            assert not {"stocks", "bonds", "currencies", "commodities"} & set(
                labels_of(domain, task)
            )


def test_marks_enclose_answers_and_vanish() -> None:
    text = f"Answer: {marks.marked('yes')}\nText"
    assert marks.plain(text) == "Answer: yes\nText"
    assert marks.spans(text) == [(8, 12)]
    assert not any(marks.OPEN in document for document in SAMPLE)


def test_a_seed_fixes_the_stream() -> None:
    first, again = (list(islice(corpus.stream(5), 50)) for _ in range(2))
    assert first == again
    assert first != list(islice(corpus.stream(6), 50))


def test_no_layout_is_the_corpus_s_own() -> None:
    standard = sum("Task: " in text and "\nText: " in text for text in SAMPLE)
    assert 0.005 * len(SAMPLE) < standard < 0.1 * len(SAMPLE)


@pytest.mark.parametrize("task", sorted(load_wordings().tasks))
def test_instructions_have_many_wordings(task: str) -> None:
    texts = load_wordings().tasks[task]
    assert len(set(texts)) == len(texts) >= 5
    assert {slot for text in texts for slot in fields(text)} <= set("sofc")
    assert "{" not in instruction(Random(1), task, "finance", ["a", "b"])


@pytest.mark.parametrize("task", sorted(MAKERS))
def test_items_are_single_lines_with_an_answer(task: str) -> None:
    source = Source(Random(2), world.finance())
    for _ in range(50):
        item = make_item(source, task)
        assert item.output and "\n" not in item.instruction + item.input + item.output
        if task in ("figure_lookup", "deal_roles"):
            assert item.output in item.input


def test_organisations_are_listed_in_order() -> None:
    source = Source(Random(4), world.finance())
    for _ in range(50):
        item = make_item(source, "company_ner")
        places = [item.input.index(name) for name in item.output.split(", ")]
        assert places == sorted(places)


@pytest.mark.parametrize("task", sorted(generic.MAKERS))
def test_generic_tasks_make_items(task: str) -> None:
    text, answer = generic.MAKERS[task](Random(1), world.finance())
    assert text and answer


def test_a_filler_keeps_its_values() -> None:
    fill = Filler(Random(0), world.finance())
    assert fill("{A} sued {B}.") == fill("{A} sued {B}.")
    assert fill["A"] != fill["B"]


def test_names_are_split_by_hash() -> None:
    rng = Random(0)
    assert all(names.is_held_out(names.person(rng, held_out=True)) for _ in range(20))
    assert not any(names.is_held_out(names.organisation(rng, "law")) for _ in range(20))


def test_standard_entries_read_as_documented() -> None:
    item = worksheets.mixed_items(Random(1), world.finance(), 1)[0]
    expected = f"Task: {item.instruction}\nText: {item.input}\nAnswer: {item.output}"
    assert STANDARD.entry(item) == expected
