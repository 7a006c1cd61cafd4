"""A generator that writes instructions from passages of domain knowledge (SimRAG)."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

from pydantic import BaseModel, ConfigDict, Field

from selfspec_core import Context, Generator, Instruction, Passage, Sampling, Seed, hookimpl
from selfspec_plugins.candidates import as_instruction, proposal_id
from selfspec_plugins.prompts import open_entry, proposal_entry, proposal_stops, read_proposal

_LABEL = "Passage: "


class FromPassageSettings(BaseModel):
    """Settings `components.from_passage.*`."""

    model_config = ConfigDict(extra="forbid", defer_build=True)
    near: int = Field(10, ge=1, description="passages nearest to a seed, of which one is drawn")
    words: int = Field(60, ge=10, description="of a passage so many words are shown")


class FromPassage(Generator):
    """Shows a passage and has an instruction and its input written about it.

    Each demonstration stands after the passage that retrieval finds for it. The new passages are
    drawn among those near to a seed of the task whose turn it is, so that they are on its subject.
    The passage's id is kept with the instruction, and `round_trip` tells whether it leads back.
    """

    name = "from_passage"
    summary = "writes an instruction and its input about a passage of domain knowledge"
    Settings = FromPassageSettings
    retrieves = True

    def propose(self, batch: int, context: Context) -> list[Instruction]:
        """Returns `propose.batch` candidates of the task whose turn it is."""
        settings, layout = context.settings.propose, context.layout
        rng = random.Random(context.random_seed_of("propose", batch))
        tasks = [t for t in dict.fromkeys(s.task for s in context.seeds) if _open(t, context)]
        kin = context.seeds_of(tasks[batch % len(tasks)])
        shown = rng.sample(kin, min(settings.demonstrations, len(kin)))
        drawn = self._drawn(rng, kin, settings.batch, context)
        opening = settings.preface + "".join(
            self._passage(passage) + proposal_entry(layout, seed.instruction, seed.input)
            for seed, passage in zip(shown, self._own(shown, context), strict=True)
        )
        label = open_entry(layout, chat=context.model.capabilities.chat)
        prompts = [opening + self._passage(passage) + label for passage in drawn]
        stops = (*proposal_stops(layout), f"{layout.end}{_LABEL.strip()}")
        sampling = Sampling(
            settings.max_new_tokens,
            settings.temperature,
            settings.top_p,
            stops,
            context.random_seed_of("propose", batch),
        )
        texts = context.model.generate(prompts, sampling)
        made = []
        for row, (text, passage) in enumerate(zip(texts, drawn, strict=True)):
            read = read_proposal(layout, text)
            one = as_instruction(read, text, kin, proposal_id(context, batch, row), shown)
            made.append(replace(one, written_from=passage.id if passage else None))
        return made

    def _drawn(
        self, rng: random.Random, kin: Sequence[Seed], count: int, context: Context
    ) -> list[Passage | None]:
        """Draws a passage for each candidate, near to one of the task's seeds."""
        assert context.retriever is not None  # `retrieves`
        likes = [rng.choice(kin) for _ in range(count)]
        queries = [f"{seed.instruction} {seed.input}" for seed in likes]
        found = context.retriever.retrieve(queries, self.settings.near)
        return [rng.choice(passages) if passages else None for passages in found]

    def _own(self, shown: Sequence[Seed], context: Context) -> list[Passage | None]:
        """Returns the passage that each demonstration might have been written from."""
        assert context.retriever is not None  # `retrieves`
        queries = [f"{seed.instruction} {seed.input}" for seed in shown]
        return [next(iter(found), None) for found in context.retriever.retrieve(queries, 1)]

    def _passage(self, passage: Passage | None) -> str:
        """Returns a passage as a prompt shows it: one line."""
        if passage is None:
            return ""
        return f"{_LABEL}{' '.join(passage.text.split()[: self.settings.words])}\n"


def _open(task: str, context: Context) -> bool:
    """Says whether the task still has room."""
    return not context.wanted or task in context.wanted


@hookimpl
def selfspec_generators() -> list[type[Generator]]:
    """Offers the generator."""
    return [FromPassage]
