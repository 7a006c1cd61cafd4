"""Measures what the pieces of a run cost here: each is done a little, as the run would do it.

Generator, filters, trainer and evaluator are the run's own, so whatever they share, cut short or
batch is in the figures. Nothing is kept.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import cycle, islice
from math import ceil
from pathlib import Path
from typing import Any

from selfspec_core.assembly.assemble import Assembly
from selfspec_core.components import Context
from selfspec_core.journals import dumps
from selfspec_core.layouts import LAYOUTS, Layout
from selfspec_core.pipeline import Parts
from selfspec_core.planning.memory import device_memory, process_memory
from selfspec_core.planning.work import Acceptance, Costs, Way, with_settings
from selfspec_core.stages.chain import Chain
from selfspec_core.types import Adapter, Example, Instruction, Item, Seed, System

END = 2.5
"""Seconds for statistics, report and cards: it hardly depends on the model."""

_STRETCH = 5.0
"""A piece may take so many times its part of the budget before it is made smaller."""

_GROWTH = 4
"""So many times as many items are asked at a time as before, while there is time."""

_SHARES = {"propose": 0.25, "answer": 0.1, "train": 0.25, "evaluate": 0.4}


class Calibration:
    """What was found out by doing a little of everything.

    Attributes:
        acceptance: what the filters kept.
        proposals: how many they were given.
        in_turns: batches of proposals are for one task each.
    """

    def __init__(self, assembly: Assembly, budget: float) -> None:
        """Makes ready to measure.

        Args:
            budget: seconds to spend, more or less: every piece is done at least once.
        """
        self.context: Context = assembly.context
        self.parts: Parts = assembly.parts
        self.budget = budget
        self.acceptance, self.proposals = Acceptance(0.0, 0.0), 0
        self.in_turns = True
        self._row = self._prediction = 0.0

    def measure(self, ways: Sequence[Way], begun: float) -> Costs:
        """Returns the costs.

        Args:
            ways: of asking, to be measured each.
            begun: seconds that passed since the process started.
        """
        started = time.perf_counter()
        self.context.model.load()
        begin = begun + time.perf_counter() - started
        lanes = self.context.model.at_once
        proposal, instructions = self._propose()
        answer, examples = self._answer(instructions)
        local = self.context
        if self.parts.training_model is not None:
            self.context.model.unload()
            local = replace(local, model=self.parts.training_model)
            local.model.load()
        with tempfile.TemporaryDirectory() as scratch:
            tuning, step, adapter = self._train(examples, local, Path(scratch))
            part = self.budget * _SHARES["evaluate"] / max(len(ways), 1)
            item = {way: self._ask(way, adapter, local, part) for way in ways}
            size = sum(f.stat().st_size for f in adapter.path.rglob("*") if f.is_file())
        return Costs(
            begin=begin,
            proposal=proposal,
            answer=answer,
            tuning=tuning,
            step=step,
            item=item,
            end=END,
            memory=process_memory(),
            device_memory=device_memory(),
            adapter=size,
            row=self._row,
            prediction=self._prediction,
            lanes=lanes,
            together=local.settings.training.processes > 1,
        )

    def _propose(self) -> tuple[float, list[Instruction]]:
        """Returns seconds a proposal, and the instructions that filters keep."""
        context, part = self.context, self.budget * _SHARES["propose"]
        chain, kept, made, spent, batch = Chain(self.parts.filters(), "instruction"), [], 0, 0.0, 1
        one = with_settings(context, "propose", batch=1)
        pilot = _seconds(self.parts.proposer.propose, 0, one)
        size = context.settings.propose.batch
        fits = (
            max(1, int(_STRETCH * part / pilot[0])) if pilot[0] * size > _STRETCH * part else size
        )
        own = with_settings(context, "propose", batch=min(size, fits))
        tasks = len({seed.task for seed in context.seeds})
        while not made or (spent < part and batch <= tasks):
            seconds, candidates = _seconds(self.parts.proposer.propose, batch, own)
            started = time.perf_counter()
            judged = chain.judge(candidates, own)
            spent += seconds + time.perf_counter() - started
            made += len(candidates)
            self.in_turns &= len({one.task for one in candidates}) == 1
            kept += [candidate for candidate, verdict, _ in judged if verdict.keep]
            self._row = sum(len(dumps(c.to_dict())) for c in candidates) / len(candidates)
            batch += 1
        self.acceptance, self.proposals = Acceptance(len(kept) / made, 0.0), made
        return spent / made, kept

    def _answer(self, instructions: Sequence[Instruction]) -> tuple[float, list[Example]]:
        """Returns seconds an answer, and the examples that filters keep.

        Where no proposal was kept, the seeds' own instructions are answered.
        """
        context, settings = self.context, self.context.settings
        asked = list(instructions) or [_as_instruction(seed) for seed in context.seeds]
        task = max({one.task for one in asked}, key=lambda t: sum(one.task == t for one in asked))
        own = [one for one in asked if one.task == task]
        tasks = len({seed.task for seed in context.seeds})
        usual = min(settings.answer.batch, ceil(settings.data.size * 1.1 / tasks))
        pilot, _ = _seconds(self.parts.answerer.answer, own[:1], 0, context)
        part = self.budget * _SHARES["answer"]
        fits = max(1, int(_STRETCH * part / pilot))
        batch = list(islice(cycle(own), min(usual, fits)))
        seconds, examples = _seconds(self.parts.answerer.answer, batch, 1, context)
        chain = Chain(self.parts.filters(), "example")
        distinct = examples[: len(own)]
        judged = chain.judge(distinct, context)
        kept = [candidate for candidate, verdict, _ in judged if verdict.keep]
        screened = zip(kept, self.parts.firewall.screen(kept), strict=True)  # some are tuned on
        kept = [candidate for candidate, verdict in screened if verdict.keep]
        share = len(kept) / len(distinct) if instructions else 0.0
        self.acceptance = replace(self.acceptance, examples=share)
        return seconds / len(batch), kept

    def _train(
        self, examples: Sequence[Example], context: Context, scratch: Path
    ) -> tuple[float, float, Adapter]:
        """Returns seconds of a tuning beside its steps, seconds a step, and an adapter."""
        rows: list[Seed | Example] = [*context.seeds, *examples]
        part, adapter = self.budget * _SHARES["train"], Adapter(scratch)
        found: dict[int, float] = {}
        steps, spent = 1, 0.0
        for attempt in range(5):  # the first imports what it needs, and does not count
            out = scratch / str(attempt)
            out.mkdir()
            took, adapter = _seconds(self.parts.trainer.train, rows, out, context, steps=steps)
            adapter, spent = replace(adapter, path=out), spent + took
            if attempt:
                found[steps] = min(took, found.get(steps, took))
            if found and (spent > _STRETCH * part or (len(found) > 1 and _mostly_steps(found))):
                break
            again = not attempt or len(found) > 1  # the short one was held up by something else
            steps = 2 if again else min(24, max(8, int(part / max(took / steps, 1e-3))))
        few, step = min(found), _step(found)
        return max(found[few] - few * step, 0.0), step, adapter

    def _ask(self, way: Way, adapter: Adapter, context: Context, part: float) -> float:
        """Returns seconds an item, of as many at a time as the budget allows: a run asks all."""
        sets = self.parts.collateral if way.elsewhere else self.parts.sets
        if way.elsewhere:
            context = with_settings(context, "evaluation", likelihood=False)
        tests = [(one, one.split("test")) for one in sets]
        [own, items] = next(((one, found) for one, found in tests if found), (None, []))
        if own is None:
            return 0.0
        layouts, order = cycle(_layouts(way, context)), cycle(_spread(items))

        def ask(count: int) -> float:
            system = System("plan", next(layouts), None, way.shots, 1, way.passages)
            some = list(islice(order, count))
            took, said = _seconds(own.evaluator.evaluate, some, system, context)
            rows = [{"set": own.name, **one.to_dict()} for one in said]
            self._prediction = sum(len(dumps(row)) for row in rows) / len(rows)
            return took

        context.model.use_adapter(adapter.path if way.tuned else None)
        pilot = ask(1)  # the first takes longer than its like, and is not counted
        taken: list[tuple[int, float]] = []
        count = max(2, int(part / pilot))
        while sum(took for _, took in taken) <= part:
            count = min(count, len(items))
            taken.append((count, ask(count)))
            count *= _GROWTH
        context.model.use_adapter(None)
        large = [one for one in taken if 2 * one[0] >= taken[-1][0]]
        return sum(took for _, took in large) / sum(asked for asked, _ in large)


def _step(found: Mapping[int, float]) -> float:
    """Returns seconds a step, of the times of tunings by their steps."""
    (few, least), (many, most) = min(found.items()), max(found.items())
    return max(most - least, 0.0) / (many - few) if many > few else least / few


def _mostly_steps(found: Mapping[int, float]) -> bool:
    """Says whether the steps of the longer tuning took half of its time, as steps should."""
    return _step(found) * max(found) >= max(found.items())[1] / 2


def _layouts(way: Way, context: Context) -> list[Layout]:
    """Returns the layouts in which such systems are asked: of the base, all are tried on dev."""
    if way.tuned or way.elsewhere:
        return [context.tuned_layout]
    return [context.layout] if way.shots else list(LAYOUTS.values())


def _spread(items: Sequence[Item]) -> list[Item]:
    """Returns the items task by task: those of middling length first, then nearer to the ends."""
    tasks: dict[str, list[Item]] = {}
    for item in items:
        tasks.setdefault(item.task, []).append(item)
    rows = sorted(tasks.values(), key=lambda own: sum(len(one.input) for one in own) / len(own))
    order: list[int] = []
    step = 1.0
    while len(order) < len(rows):
        step /= 2
        places = [int(n * step * len(rows)) for n in range(1, round(1 / step), 2)]
        places = places if step * len(rows) >= 1 else list(range(len(rows)))
        order += [place for place in places if place not in order]
    return [item for place in order for item in rows[place]]


def _as_instruction(seed: Seed) -> Instruction:
    return Instruction(
        seed.id, seed.task, seed.kind, seed.instruction, seed.input, 1, 0, seed.choices
    )


def _seconds(call: Callable[..., Any], *given: Any, **named: Any) -> tuple[float, Any]:
    """Returns how long a call took, and what it returned."""
    started = time.perf_counter()
    made = call(*given, **named)
    return max(time.perf_counter() - started, 1e-6), made
