"""What is claimed, and against whom."""

import pytest

from selfspec_core.report.figures import markers
from selfspec_core.report.result import by_likelihood, carried_by, claims, gain_rows, in_words
from selfspec_core.report.sections import _STEPS
from selfspec_core.report.systems import explained, family, ordered
from selfspec_core.stages.systems import better as picked
from selfspec_core.stopwatch import STEPS


def scores(gains, sizes=30):
    macros = {"base@0": 0.1, "base-best@0": 0.3, "base@5": 0.9, "seeds-only@0": 0.4,
              "seeds-only-long@0": 0.2, "generic@0": 0.35, "specialized@0": 0.5}  # fmt: skip
    return {
        "systems": {
            name: {
                "macro": m,
                "low": m,
                "high": m,
                "n": 60,
                "parsable": 1,
                "tasks": {"a": m, "b": m},
            }
            for name, m in macros.items()
        },
        "gains": {
            f"specialized@0 - {name}": dict(zip(("mean", "low", "high"), gain, strict=True))
            for name, gain in gains.items()
        },
        "better": picked(macros),
        "sizes": {"a": sizes, "b": sizes},
    }


UP, FLAT, DOWN = (0.2, 0.1, 0.3), (0.01, -0.1, 0.1), (-0.2, -0.3, -0.1)


def test_a_claim_is_made_against_the_better_of_each_kind():
    given = scores(
        dict.fromkeys(("base@0", "base-best@0", "base@5", "seeds-only@0", "generic@0"), UP)
    )
    assert [claim["system"] for claim in claims(given)] == ["base-best@0", "seeds-only@0"]
    given["better"]["control"] = "generic@0"  # what the evaluation says, counts
    assert [claim["system"] for claim in claims(given)] == ["base-best@0", "generic@0"]


@pytest.mark.parametrize(
    ("base", "control", "sizes", "words"),
    [
        (UP, UP, 30, "The specialist does better than the untuned model in its better layout"),
        (UP, FLAT, 30, "against the better control (+0.010) the interval includes zero"),
        (FLAT, FLAT, 30, "No gain is shown: against"),
        (FLAT, DOWN, 30, "does worse than the better control (−0.200)"),
        (UP, UP, 3, "there is too little for a verdict"),
    ],
)
def test_the_result_in_words(base, control, sizes, words):
    said = in_words(scores({"base-best@0": base, "seeds-only@0": control}, sizes))
    assert words in said and said.endswith(".")


def test_nothing_is_claimed_without_gains():
    assert claims(scores({})) == [] and in_words(scores({})) == ""


def test_every_row_of_gains_is_about_the_system_that_stands():
    given = scores({"base@0": FLAT, "base-best@0": FLAT})
    gain = dict(zip(("mean", "low", "high"), UP, strict=True))
    given["gains"]["specialized@5 - base@0"] = given["gains"]["preferred@0 - base@0"] = gain
    assert [(row["other"], row["mean"]) for row in gain_rows(given)] == [
        ("base@0", "+0.010"),
        ("base-best@0", "+0.010"),
    ]
    given["ours"] = "preferred@0"
    given["systems"]["preferred@0"] = given["systems"]["specialized@0"]
    assert [(row["other"], row["mean"]) for row in gain_rows(given)] == [("base@0", "+0.200")]


def test_what_is_said_by_likelihood_is_about_the_same_system():
    likely = scores({"base-best@0": UP}) | {"ours": "preferred@0"}
    likely["systems"]["preferred@0"] = likely["systems"]["specialized@0"]
    assert "not scored by likelihood" in by_likelihood({"likelihood": likely})
    gain = dict(zip(("mean", "low", "high"), FLAT, strict=True))
    likely["gains"]["preferred@0 - base-best@0"] = gain
    said = by_likelihood({"likelihood": likely})
    assert "gain is +0.010 [−0.100 to 0.100] over base-best@0 (no clear difference)." in said


def test_a_gain_that_two_tasks_carry_is_said():
    gains = {t: {"mean": m, "low": m - 0.01, "high": m + 0.01}
             for t, m in {"a": 0.5, "b": 0.4, "c": 0.002, "d": -0.1}.items()}  # fmt: skip
    said = carried_by(gains, "base@0")
    assert "ahead in 3 of 4 tasks (2 with" in said and "behind in 1 (1 with" in said
    assert "Without a and b the mean gain would be −0.049." in said


def test_every_step_is_named_in_words():
    assert _STEPS.keys() == set(STEPS)


def test_systems_are_told_apart_and_ordered():
    names = ["specialized@0", "other-model@0", "generic@0", "base@5", "base@0", "specialized@1"]
    assert ordered(names) == [
        "base@5",
        "base@0",
        "other-model@0",
        "generic@0",
        "specialized@0",
        "specialized@1",
    ]
    assert family("preferred@0") == "ours" and family("seeds-only-long@0") == "control"
    assert family("base-best+retrieval@0") == "base"  # no other model: it is shown passages
    looks = [tuple(sorted(look.items())) for look in markers(names).values()]
    assert len(set(looks)) == len(names)
    assert explained("base@5") == "the untuned model, after 5 demonstrations"
    assert explained("specialized@1").endswith("after 1 demonstration")
