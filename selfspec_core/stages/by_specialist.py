"""A generator at work with a specialist in place of the base: how a later round is made."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from selfspec_core.components import Context, Generator, Model
from selfspec_core.types import Example, Instruction


class BySpecialist(Generator):
    """Lets any generator work with an adapter: in the layout it was tuned in.

    A specialist answers after `rounds.demonstrations` demonstrations. It was tuned on lone
    instructions, so the default is none.

    Args:
        generator: what writes the prompts and reads the texts.
        adapter: the specialist's.
        model: the model it was tuned on, if that is not the one that generates; it works here,
            unless the one that generates takes adapters too.
    """

    name = "by_specialist"
    summary = "another generator, with a specialist in place of the base"

    def __init__(self, generator: Generator, adapter: Path, model: Model | None = None) -> None:
        super().__init__()
        self._generator, self._adapter, self._model = generator, adapter, model

    def propose(self, batch: int, context: Context) -> list[Instruction]:
        """Proposes as the generator does."""
        with self._at_work(context) as own:
            return self._generator.propose(batch, own)

    def answer(
        self, instructions: Sequence[Instruction], batch: int, context: Context
    ) -> list[Example]:
        """Answers as the generator does."""
        with self._at_work(context) as own:
            return self._generator.answer(instructions, batch, own)

    @contextmanager
    def _at_work(self, context: Context) -> Iterator[Context]:
        settings = context.settings
        shown = {"demonstrations": settings.rounds.demonstrations}
        answer = settings.answer.model_copy(update=shown)
        there = context.model.capabilities.adapters
        own = replace(
            context,
            model=context.model if there or self._model is None else self._model,
            settings=settings.model_copy(update={"answer": answer}),
            adapter=self._adapter,
        )
        own.model.load()
        own.model.use_adapter(self._adapter)
        try:
            yield own
        finally:
            own.model.use_adapter(None)
            context.decisions.update(own.decisions)  # a stage journals those of its own context
