"""A generator at work with a specialist: whose model, which adapter, which layout."""

from __future__ import annotations

from pathlib import Path

import pytest

from selfspec_core import LAYOUTS, Context, Generator, Model
from selfspec_core.config import Settings
from selfspec_core.stages.by_specialist import BySpecialist


class Noted(Model):
    name, summary = "noted", ""

    def __init__(self):
        super().__init__()
        self.adapters = []

    def use_adapter(self, path):
        self.adapters.append(path)


class Looks(Generator):
    name, summary = "looks", ""

    def propose(self, batch, context):
        self.saw = context
        context.decisions["batch_tokens"] = 64
        if batch:
            raise ValueError
        return []


def context(model):
    table = {"answer": {"demonstrations": 5}, "training": {"layout": "lines"}}
    return Context("d", model, Settings.model_validate(table), [], pool=("seen",), wanted=("t",))


@pytest.mark.parametrize("other", [False, True])
def test_the_specialist_works_in_its_own_layout_and_leaves(other):
    model, tuned = Noted(), Noted()
    given, generator = context(model), Looks()
    assert given.layout is LAYOUTS["task"]
    BySpecialist(generator, Path("adapter"), tuned if other else None).propose(0, given)
    saw = generator.saw
    assert saw.model is (tuned if other else model)
    assert saw.model.adapters == [Path("adapter"), None]
    assert saw.layout is LAYOUTS["lines"]
    assert saw.settings.answer.demonstrations == 0
    assert (saw.pool, saw.wanted) == (given.pool, given.wanted)
    assert given.decisions == {"batch_tokens": 64}  # what its stage journals
    assert given.layout is LAYOUTS["task"] and given.settings.answer.demonstrations == 5


def test_it_leaves_after_an_error_too():
    model = Noted()
    with pytest.raises(ValueError):
        BySpecialist(Looks(), Path("adapter")).propose(1, context(model))
    assert model.adapters[-1] is None
