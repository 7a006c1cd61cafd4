"""A conversation with a specialist and its base, each asked in the layout that suits it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from selfspec_core.components import Retriever
from selfspec_core.layouts import Layout
from selfspec_core.model_types import Sampling
from selfspec_core.specialists import Specialist
from selfspec_core.types import Passage

BASE, SPECIALIZED, BOTH = "base", "specialized", "both"
SYSTEMS = (BASE, SPECIALIZED, BOTH)
REMEMBERED = 6
"""Earlier turns that a chat model is shown; older ones are forgotten."""


@dataclass(frozen=True, slots=True)
class Turn:
    """A question and what was said to it: written into a prompt as a demonstration is."""

    instruction: str
    input: str
    output: str


@dataclass(frozen=True, slots=True)
class Voice:
    """Who answers: the base or the specialist."""

    name: str
    layout: Layout
    stops: tuple[str, ...]
    adapter: Path | None


class Talk:
    """Puts questions to the one model in memory, with and without the adapter.

    Base models are asked each question by itself: they were tuned on lone instructions, and one
    that stands above would be taken for a pattern to go on with. Models with a chat template are
    shown the turns before.

    Attributes:
        voices: those that can answer, the base first.
        remembers: whether earlier turns are shown.
        count: passages to show with a question, once `retrieve` has been switched on.
    """

    def __init__(self, specialist: Specialist) -> None:
        self._specialist = specialist
        self._model = specialist.model()
        self._model.check()
        self._model.load()
        specialist.check_base(self._model)
        self._history: dict[str, list[Turn]] = {}
        self._retriever: Retriever | None = None
        self.remembers = self._model.capabilities.chat
        self.count = specialist.settings.retrieval.k or 3
        layout, tuned = specialist.base_layout(self._model), specialist.layout
        self.voices = (
            Voice(BASE, layout, specialist.stops(layout), None),
            Voice(SPECIALIZED, tuned, specialist.stops(tuned), specialist.adapter),
        )

    def of(self, system: str) -> list[Voice]:
        """Returns the voices that `base`, `specialized` or `both` names."""
        return [voice for voice in self.voices if system in (voice.name, BOTH)]

    def retrieve(self, on: bool) -> None:
        """Switches passages on or off.

        Raises:
            UsageError: if there is no retriever.
        """
        self._retriever = self._specialist.retriever() if on else None

    def passages(self, instruction: str, input: str) -> list[Passage]:
        """Returns what is shown with a question: nothing unless `retrieve` is on."""
        if self._retriever is None:
            return []
        return self._retriever.retrieve([f"{instruction} {input}".strip()], self.count)[0]

    def ask(
        self, voice: Voice, instruction: str, input: str = "", passages: Sequence[Passage] = ()
    ) -> Iterator[str]:
        """Yields an answer piece by piece; one that is heard to its end is remembered."""
        shown = "\n".join(text for text in (*(p.line for p in passages), input) if text)
        earlier = self._history.setdefault(voice.name, [])
        prompt = voice.layout.few_shot(
            earlier[-REMEMBERED:] if self.remembers else (), instruction, shown
        )
        most = self._specialist.settings.answer.max_new_tokens
        sampling = replace(Sampling(stop=voice.stops), max_new_tokens=most)
        self._model.use_adapter(voice.adapter)
        said = []
        for piece in self._model.stream(prompt, sampling):
            said.append(piece)
            yield piece
        earlier.append(Turn(instruction, input, "".join(said).strip()))
