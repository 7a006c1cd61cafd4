"""A streamed answer is the generated one, and no piece of it is ever taken back."""

from __future__ import annotations

import pytest
import tiny_models
from hypothesis import given
from hypothesis import strategies as st

from selfspec_core.model_types import Sampling
from selfspec_plugins.local.engine import cut, first_stop
from selfspec_plugins.local.streaming import pieces

SAMPLINGS = [
    Sampling(24),
    Sampling(24, stop=("\n", "###")),
    Sampling(24, temperature=1.3, top_p=0.9, stop=("e", " th"), random_seed=7),
    Sampling(1),
]


@pytest.mark.parametrize("architecture", tiny_models.ARCHITECTURES)
@pytest.mark.parametrize("sampling", SAMPLINGS)
def test_it_is_what_generate_returns(tiny, architecture, sampling):
    model = tiny(architecture)
    prompts = [*tiny_models.TEXTS, "", "x" * 700]  # the last is longer than the context
    for prompt in prompts:
        [whole] = model.generate([prompt], sampling)
        assert "".join(model.stream(prompt, sampling)) == whole


def test_it_comes_in_pieces(tiny):
    assert len(list(tiny("llama").stream(tiny_models.TEXTS[0], Sampling(24)))) > 3


def test_a_model_without_streaming_yields_the_whole():
    from selfspec_core import Model

    class Parrot(Model):
        name, summary = "parrot", "says it again"

        def generate(self, prompts, sampling, progress=None):
            return list(prompts)

    assert list(Parrot().stream("polly", Sampling())) == ["polly"]


@given(st.text("ab#\n ", max_size=20), st.lists(st.text("ab#\n", min_size=1, max_size=4)))
def test_pieces_add_up_to_the_cut_text_whatever_the_stops(text, stop):
    """Characters come one by one, until a stop string is complete."""
    grown = []
    for size in range(1, len(text) + 1):
        if first_stop(text[:size], stop) is not None:
            break
        grown.append(text[:size])
    whole = cut(text[: len(grown) + 1], stop)
    assert "".join(pieces([*grown, whole], stop)) == whole


def test_half_a_character_is_held_back():
    assert list(pieces(["a\ufffd", "a\ufffd", "aé", "aéb"], ())) == ["a", "é", "b"]
    assert list(pieces(["a", "a#", "a##", "a"], ("###",))) == ["a"]
    assert list(pieces(["a#", "a#b"], ("###",))) == ["a", "#b"]
