import json

import pytest

from selfspec_core.cli.plan import parameters_of


def test_a_plan_measures_a_little_and_writes_nothing(selfspec, tmp_path):
    flags = ("--set", "data.size=40", "--seconds", "2")
    done = selfspec("plan", "--domain", "finance", "--model", "scripted", *flags, "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert {"seconds", "steps", "memory", "disk", "work", "notes"} <= found.keys()
    assert found["seconds"] == pytest.approx(sum(found["steps"].values()), abs=0.2)
    assert found["work"]["training_steps"]["specialized"] > 0
    assert list(tmp_path.iterdir()) == []


def test_on_paper_it_says_so(selfspec):
    asked = ("--hardware", "H100", "--parameters", "7e9", "--recipe", "full")
    done = selfspec("plan", "--domain", "finance", *asked)
    assert done.returncode == 0, done.stderr
    assert "on paper, not measured" in done.stdout
    assert "total" in done.stdout


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("--hardware", "H100"), "--hardware and --parameters go together"),
        (("--like", "a", "--acceptance", "0.5"), "give one of them"),
        (("--like", "nothing"), "nothing: no such run"),
        (("--hardware", "H100", "--parameters", "7 big"), "expected a number such as 7B"),
        (("--hardware", "H10", "--parameters", "1e9"), "did you mean 'H100'"),
    ],
)
def test_what_cannot_be_planned_is_said_in_one_line(selfspec, flags, said):
    done = selfspec("plan", "--domain", "finance", *flags)
    assert done.returncode == 2
    assert said in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize(("text", "number"), [("7B", 7e9), ("135m", 135e6), ("7e9", 7e9)])
def test_parameters_are_read_as_people_write_them(text, number):
    assert parameters_of(text) == number
