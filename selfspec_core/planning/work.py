"""What a run would take: the work that its settings add up to, times what each piece costs.

All of it is arithmetic. What pieces cost on a machine is measured by `calibration`; what they would
cost on one that is not there is worked out by `paper`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil
from pathlib import Path
from typing import Any, NamedTuple

from selfspec_core.components import Context, Trainer
from selfspec_core.journals import RoundFolder
from selfspec_core.layouts import LAYOUTS
from selfspec_core.pipeline import Parts
from selfspec_core.stages.collect import MOST
from selfspec_core.stages.names import GENERIC, PREFERRED, SPECIALIST
from selfspec_core.stages.quotas import propose_room
from selfspec_core.stages.systems import systems
from selfspec_core.types import Adapter, System

REPORT = 300_000
"""Bytes of report.html, cards, scores and manifest of a usual run."""

QUOTAS = ("task_share", "size")
"""What `stages.chain.quota` rejects by."""


class Way(NamedTuple):
    """A way of asking an item that has a cost of its own.

    Attributes:
        elsewhere: items of other fields, which are not asked by likelihood.
    """

    tuned: bool
    shots: int = 0
    passages: int = 0
    elsewhere: bool = False


@dataclass(frozen=True, slots=True)
class Acceptance:
    """What filters keep, quotas aside.

    Attributes:
        instructions: share of the proposals.
        examples: share of the answered instructions.
    """

    instructions: float
    examples: float


@dataclass(frozen=True, slots=True)
class Work:
    """How much a run does of everything.

    Attributes:
        steps: optimizer steps of each tuning.
        asked: items asked, by way.
        short: examples that are missing in the end, because proposals run out.
    """

    proposals: int
    answered: int
    steps: Mapping[str, int]
    asked: Mapping[Way, int]
    short: int = 0


@dataclass(frozen=True, slots=True)
class Costs:
    """What the pieces cost.

    Attributes:
        begin: seconds to import libraries, read seeds and items, and load the model.
        proposal: seconds a proposal, filters included.
        answer: seconds an instruction that is answered, filters included.
        tuning: seconds that a tuning takes beside its steps.
        step: seconds an optimizer step.
        item: seconds an item, by way of asking, with all lanes at work.
        end: seconds for statistics and report.
        memory: bytes at most, of a process and on the device.
        adapter: bytes of an adapter's folder.
        row: bytes of a journal row of a proposal, and of one with its answer.
        prediction: bytes of what is said to an item.
        lanes: processes that share the model's work; seconds a proposal, an answer and a step are
            those of one.
        together: a tuning takes several processes, so that one comes after another.
    """

    begin: float
    proposal: float
    answer: float
    tuning: float
    step: float
    item: Mapping[Way, float]
    end: float
    memory: int
    device_memory: int = 0
    adapter: int = 0
    row: float = 0.0
    prediction: float = 0.0
    lanes: int = 1
    together: bool = False


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a run would take.

    Attributes:
        seconds: by step, as `selfspec show` breaks a run down.
        memory: bytes at most, of each process.
        device_memory: bytes at most, on the device.
        disk: bytes of the run folder.
    """

    seconds: Mapping[str, float]
    memory: int
    device_memory: int
    disk: int

    @property
    def total(self) -> float:
        """Seconds of the whole run."""
        return sum(self.seconds.values())


def with_settings(context: Context, table: str, **values: Any) -> Context:
    """Returns the context with other settings in one table."""
    settings = context.settings
    own = getattr(settings, table).model_copy(update=values)
    return replace(context, settings=settings.model_copy(update={table: own}))


def acceptance_of(folder: RoundFolder) -> Acceptance | None:
    """Returns what filters kept in a round that was made, quotas aside; None if it is empty."""
    counts, judged = Counter[str](), ("proposed", "answered")
    for row in folder.read("rejected"):
        if row["filter"] not in QUOTAS:
            counts[judged["output" in row]] += 1
        elif "output" not in row:
            counts["kept"] += 1
    kept, examples = folder.count("instructions") + counts["kept"], folder.count("examples")
    if not kept or not examples:
        return None
    return Acceptance(
        kept / (kept + counts["proposed"]), examples / (examples + counts["answered"])
    )


def work(context: Context, parts: Parts, acceptance: Acceptance, *, in_turns: bool) -> Work:
    """Returns how much a run does, by its settings and what filters keep.

    Args:
        in_turns: a batch of proposals is for one task, and tasks take turns; else it is for all.
    """
    settings = context.settings
    rounds, controls = settings.rounds.max, settings.evaluation.controls
    generic = GENERIC in controls and bool(context.general_seeds)
    proposals, answered, examples = _collected(context, acceptance, in_turns=in_turns)
    steps = {SPECIALIST: _steps(context, parts.trainer, examples) * rounds}
    for control in controls:
        if control == "seeds-only":
            steps[control] = parts.trainer.steps_of(len(context.seeds), context)
        elif control == "seeds-only-long":
            steps[control] = _steps(context, parts.trainer, examples)
        elif generic:
            steps[control] = _steps(context, parts.trainer, examples)
    proposing = 1 if settings.rounds.instructions == "keep" else rounds
    return Work(
        proposals=proposals * (proposing + generic),
        answered=answered * (rounds + generic),
        steps=steps,
        asked=_asked(context, parts, tuple(steps)),
        short=settings.data.size - examples,
    )


def _collected(context: Context, acceptance: Acceptance, *, in_turns: bool) -> tuple[int, int, int]:
    """Returns proposals, answered instructions and examples of a round.

    Goes through the waves as `stages.propose` does, with every batch keeping what is expected: a
    batch for one task brings no more than that task has room for.
    """
    settings, size = context.settings.propose, context.settings.data.size
    tasks = list(dict.fromkeys(seed.task for seed in context.seeds))
    have: dict[str, float] = dict.fromkeys(tasks, 0.0)
    limit, batch, answered, examples = ceil(size * settings.limit), 0, 0.0, 0.0
    target = ceil(size * max(1.0, settings.surplus))
    in_pool = dict(have)
    while size:
        before = sum(have.values())
        while sum(have.values()) < target - 1e-6 and batch * settings.batch < limit:
            if batch % settings.wave == 0:
                in_pool = dict(have)
            room = propose_room(context, target, batch // settings.wave)
            wanted = [task for task in tasks if in_pool[task] < room[task]] or tasks
            lucky = [wanted[batch % len(wanted)]] if in_turns else wanted
            for task in lucky:
                kept = settings.batch * acceptance.instructions / len(lucky)
                left = min(room[task] - have[task], target - sum(have.values()))
                have[task] += max(min(kept, left), 0.0)
            batch += 1
        new = sum(have.values()) - before
        needed = (size - examples) / acceptance.examples if acceptance.examples else new
        answered += min(new, needed)
        examples = min(size, examples + new * acceptance.examples)
        if new < 0.5 or size - examples < 0.5:
            break
        per_example = min(MOST, sum(have.values()) / examples) if examples else 1.0
        target = ceil(sum(have.values()) + (size - examples) * max(per_example, settings.surplus))
    return batch * settings.batch, round(answered), round(examples)


def _steps(context: Context, trainer: Trainer, examples: int) -> int:
    """Returns the optimizer steps of a specialist, with seeds and replay as they are set."""
    data, seeds = context.settings.data, len(context.seeds)
    rows = examples + seeds * data.seeds
    there = seeds * (data.seeds and data.replay_from == "seeds")
    missing = ceil((data.replay * rows - there) / (1 - data.replay) - 1e-9)
    return trainer.steps_of(rows + max(missing, 0), context)


def _asked(context: Context, parts: Parts, tuned: tuple[str, ...]) -> dict[Way, int]:
    """Returns how many items are asked in which way."""
    settings, asked = context.settings, Counter[Way]()
    pairs = (PREFERRED,) if settings.preference.enabled else ()
    dev = len(parts.sets[0].split("dev")) if parts.sets else 0
    asked[Way(False)] += len(LAYOUTS) * dev
    asked[Way(True)] += dev * settings.rounds.max * (1 + len(pairs))
    adapters = {name: Adapter(Path()) for name in (*tuned, *pairs)}
    tests = sum(len(one.split("test")) for one in parts.sets)
    for system in systems(adapters, context.layout.name, context):
        asked[way(system)] += tests * system.demo_sets
    elsewhere = sum(len(one.split("test")) for one in parts.collateral)
    for tuned_too in (False, True):
        asked[Way(tuned_too, elsewhere=True)] += elsewhere
    return {one: count for one, count in asked.items() if count}


def way(system: System) -> Way:
    """Returns the way in which a system is asked."""
    return Way(system.adapter is not None, system.shots, system.passages)


def estimate(amount: Work, costs: Costs) -> Estimate:
    """Returns what the work takes at these costs."""
    tuned = {name: costs.tuning + steps * costs.step for name, steps in amount.steps.items()}
    specialist = tuned.pop(SPECIALIST, 0.0)
    at_once = 1 if costs.together else costs.lanes
    all_tuned = _side_by_side([specialist, *tuned.values()], at_once)
    seconds = {
        "begin": costs.begin,
        "propose": amount.proposals * costs.proposal / costs.lanes,
        "answer": amount.answered * costs.answer / costs.lanes,
        "train": specialist,
        "controls": max(all_tuned - specialist, 0.0),
        "evaluate": sum(costs.item[one] * n for one, n in amount.asked.items()),
        "end": costs.end,
    }
    rows = costs.row * (amount.proposals + 2 * amount.answered)  # an instruction, then an example
    disk = (
        rows
        + costs.adapter * len(amount.steps)
        + costs.prediction * sum(amount.asked.values())
        + REPORT
    )
    return Estimate(seconds, costs.memory, costs.device_memory, round(disk))


def _side_by_side(seconds: Sequence[float], lanes: int) -> float:
    """Returns how long trainings take that each free lane takes the next of."""
    busy = [0.0] * lanes
    for one in seconds:
        busy[busy.index(min(busy))] += one
    return max(busy)
