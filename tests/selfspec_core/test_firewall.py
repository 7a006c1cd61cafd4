"""The firewall: no item, and no near-copy of one, reaches a trainer."""

from __future__ import annotations

import random
import time

import pytest

from selfspec_core.firewall import Firewall
from selfspec_core.layouts import LAYOUTS
from selfspec_core.similarity.text import words
from selfspec_core.types import Example, Item


def item(id, input, instruction="Is the news good or bad?"):
    return Item(id, "news", "classification", instruction, input, ("good",), "accuracy")


def row(input, instruction="Judge the news item.", output="good"):
    return Example("r", "t", "classification", instruction, input, output, 1, 0)


LONG = (
    "Harbor Steel said on Monday that it had raised its dividend to twelve cents after profit "
    "rose in all of its mills."
)
SHORT = "Harbor Steel cut its dividend after a weak third quarter."
WALL = Firewall([item("long", LONG), item("short", SHORT)])


def reason(candidate, wall=WALL):
    (verdict,) = wall.screen([candidate])
    return verdict.reason


def test_a_shared_run_of_thirteen_words():
    thirteen = " ".join(LONG.split()[3:16])
    twelve = " ".join(LONG.split()[3:15])
    (verdict,) = WALL.screen([row(f"Reports say: {thirteen.upper()}, and more.")])
    assert not verdict.keep
    assert verdict.reason == "shares 13 words with an evaluation item"
    assert verdict.evidence == f"long: {thirteen.lower()}"
    longer = Firewall([item("longer", f"{LONG} Trading in its shares opened late.")])
    assert reason(row(f"Reports say {twelve} and nothing else of it."), longer) == ""


def test_an_answer_is_screened_too():
    assert reason(row("Write a news item.", output=LONG)) != ""


def test_a_near_copy_of_a_short_item():
    (verdict,) = WALL.screen([row(SHORT.replace("weak", "poor"), "Is the news good or bad?")])
    assert verdict.reason == "near-copy of an evaluation item"
    assert verdict.evidence.startswith("short: harbor steel cut its dividend")
    assert reason(row("Harbor Steel opened a mill after a mild winter.")) == ""


def test_a_fixed_wording_is_no_contamination():
    wording = (
        "Say whether the following piece of company news is good or bad for somebody who holds "
        "shares in that company."
    )
    wall = Firewall([item("1", SHORT, wording)])
    assert reason(row("Profit doubled at the bank.", wording), wall) == ""
    quoting = item("2", f"{wording} {SHORT}", "Answer.")
    assert reason(row("Profit doubled at the bank.", wording), Firewall([quoting])) != ""
    assert reason(row("Profit doubled.", wording), Firewall([quoting], [wording])) == ""


def test_items_without_input_are_compared_by_their_instruction():
    question = "What do we call the part of a firm's profit that is paid out to its holders?"
    for fixed in ((), (question,)):
        wall = Firewall([item("q", "", question), item("s", "", "What is a bond?")], fixed)
        assert reason(row("", question), wall) != ""
        assert reason(row("", "What is a bond?"), wall) != ""
        assert reason(row("", "What is a share?"), Firewall([item("q", "", question)])) == ""


def test_an_item_split_over_instruction_and_input_is_found():
    wall = Firewall([item("1", "", LONG)])
    tokens = LONG.split()
    assert reason(row(" ".join(tokens[8:]), " ".join(tokens[:8])), wall) != ""


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_a_run_across_the_labels_of_any_layout_counts(layout):
    [*first, last] = LONG.split()[:13]
    label = "".join(words(layout.input))
    wall = Firewall([item("1", f"{' '.join(first[:6])} {label} {' '.join(first[6:])} {last}")])
    assert reason(row(" ".join([*first[6:], last]), " ".join(first[:6])), wall) != ""


def test_no_items_and_no_rows():
    assert Firewall([]).screen([row(LONG)])[0].keep
    assert WALL.screen([]) == []
    assert reason(row("", "")) == ""


def test_the_digest_tells_what_was_screened_against():
    reordered = Firewall([item("b", SHORT), item("a", LONG)])
    assert reordered.digest() == WALL.digest()
    assert WALL.digest()["news"]["items"] == 2
    other = Firewall([item("long", LONG), item("short", SHORT + " Again.")])
    assert other.digest()["news"]["sha256"] != WALL.digest()["news"]["sha256"]


def test_planted_copies_are_found_among_thousands():
    draw = random.Random(0)
    vocabulary = [f"w{i}" for i in range(5000)]

    def text(count):
        return " ".join(draw.choices(vocabulary, k=count))

    items = [item(f"l{i}", text(60)) for i in range(1000)]
    items += [item(f"s{i}", text(10)) for i in range(1000)]
    rows = [row(text(40)) for _ in range(1000)]
    planted = {50: items[7], 300: items[1500], 999: items[999]}
    for at, source in planted.items():
        rows[at] = row(source.input, source.instruction)
    start = time.perf_counter()
    verdicts = Firewall(items).screen(rows)
    assert {i for i, verdict in enumerate(verdicts) if not verdict.keep} == set(planted)
    assert all(verdicts[i].evidence.startswith(f"{planted[i].id}: ") for i in planted)
    assert time.perf_counter() - start < 20  # about half a second on an idle core


@pytest.mark.parametrize("mark", ["### Input:", "…", "\n\n"])
def test_punctuation_does_not_hide_a_run(mark):
    tokens = LONG.split()
    assert (
        reason(row(" ".join(tokens[:10]) + f" {mark.strip('#: Input')} " + " ".join(tokens[10:])))
        != ""
    )
