"""What a component need not be able to do is refused in one line that names it."""

import pytest

from selfspec_core import Generator, Model, Retriever, UsageError
from selfspec_core.progress import Silent


class Quiet(Generator):
    name, summary = "quiet", "neither proposes nor answers"


class Mute(Model):
    name, summary = "mute", "has neither likelihoods nor adapters"


class Shut(Retriever):
    name, summary = "shut", "takes no files"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda path: Quiet().propose(0, None), "propose.generator: 'quiet' does not propose"),
        (lambda path: Quiet().answer([], 0, None), "answer.generator: 'quiet' does not answer"),
        (lambda path: Mute().loglikelihood([]), "model 'mute' has no likelihoods; set"),
        (lambda path: Mute().use_adapter(path), "model 'mute' takes no adapter; set"),
        (lambda path: Shut().add([], Silent()), "retrieval.retriever: 'shut' takes no files"),
        (lambda path: Shut().contents(), "retrieval.retriever: 'shut' takes no files"),
        (lambda path: Shut().remove([path]), "retrieval.retriever: 'shut' takes no files"),
    ],
)
def test_what_it_cannot_do_is_said(call, message, tmp_path):
    with pytest.raises(UsageError) as caught:
        call(tmp_path)
    assert str(caught.value).startswith(message)


def test_every_model_can_go_back_to_its_base():
    assert Mute().use_adapter(None) is None
