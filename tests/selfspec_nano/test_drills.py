"""Drills: every answer stands in its text, beside something it could be mistaken for."""

from itertools import islice
from random import Random

import pytest

from selfspec_nano import corpus, drills, drillsheets, marks


@pytest.mark.parametrize("sort", [sort for sort, _ in drillsheets.SORTS])
def test_every_answer_stands_in_the_text(sort):
    for seed in range(60):
        maker = drills.Maker(Random(seed))
        for _ in range(4):
            drill = sort(maker)
            for question, answer in drill.asked:
                assert question and answer in drill.text, drill


@pytest.mark.parametrize("sort", [drills.Maker.register, drills.Maker.counts, drills.Maker.deal])
def test_what_is_asked_decides_between_two_answers(sort):
    for seed in range(60):
        asked = sort(drills.Maker(Random(seed))).asked
        assert len({question for question, _ in asked}) == len(asked) >= 2


def test_sheets_mark_their_answers():
    for seed in range(60):
        text = drillsheets.sheet(Random(seed))
        answers = [marks.plain(text)[start : end - 1] for start, end in marks.spans(text)]
        assert answers and all(marks.plain(text).count(answer) >= 2 for answer in answers)


def test_the_share_of_drills_is_what_it_says(monkeypatch):
    monkeypatch.setattr(drillsheets, "sheet", lambda rng: "drill")
    for share in (0.0, 0.5, 1.0):
        texts = list(islice(corpus.stream(3, 1.0, share), 400))
        assert texts.count("drill") / len(texts) == pytest.approx(share, abs=0.1)


def test_the_copy_test_has_frames_of_its_own():
    text = "\n".join(drillsheets.sheet(Random(seed)) for seed in range(2000))
    for frame in (
        "A notice said",
        "will share",
        "Which firm is named?",
        "sold its",
        "What was bought?",
    ):
        assert frame not in text
