"""A run, readable from top to bottom: propose, answer, specialize, evaluate, round by round."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from selfspec_core.components import Context, Filter, Generator, Model, Trainer
from selfspec_core.errors import SelfspecError
from selfspec_core.firewall import Firewall
from selfspec_core.runs import RoundFolder, Run
from selfspec_core.stages.answer import answer
from selfspec_core.stages.chain import Chain
from selfspec_core.stages.evaluate import EvaluationSet, evaluate
from selfspec_core.stages.propose import propose
from selfspec_core.stages.specialize import specialize, trained


@dataclass(frozen=True, slots=True)
class Parts:
    """The components a run is made of, built from the settings."""

    proposer: Generator
    answerer: Generator
    filters: Sequence[Filter]
    trainer: Trainer | None
    training_model: Model | None
    sets: Sequence[EvaluationSet]
    firewall: Firewall


def run_rounds(run: Run, parts: Parts, context: Context) -> None:
    """Does every round that is not done yet. Each step starts where its journal ends."""
    for number in range(1, context.settings.rounds.max + 1):
        run_round(run, run.round(number), parts, replace(context, round=number))


def run_round(run: Run, folder: RoundFolder, parts: Parts, context: Context) -> None:
    """Proposes, answers, filters, specializes and evaluates once."""
    _replay_decisions(folder, context)
    settings = context.settings

    if not trained(folder) and settings.data.size > 0:
        _timed(run, "load", context.model.load)
        instructions = Chain(parts.filters, "instruction")
        _timed(run, "propose", propose, folder, parts.proposer, instructions, context)
        examples = Chain(parts.filters, "example")
        _timed(run, "answer", answer, folder, parts.answerer, examples, parts.firewall, context)
        _check_accepted(folder)

    model = parts.training_model or context.model
    _timed(run, "load", model.load)
    if parts.trainer is None or not model.capabilities.trains:
        context.progress.say(
            f"{context.model.name} cannot be tuned: stopping after the filters; "
            "--set training.model=PATH names a local model that can"
        )
        return
    context = replace(context, model=model)
    adapters = _timed(run, "train", specialize, folder, parts.trainer, parts.firewall, context)
    _timed(run, "evaluate", evaluate, folder, adapters, parts.sets, context)


def _check_accepted(folder: RoundFolder) -> None:
    """Fails loudly when every candidate was rejected: the three top reasons, a sample of each."""
    if next(folder.read("examples"), None) is not None:
        return
    rejected = list(folder.read("rejected"))
    counts = Counter(f"{row['filter']}: {row['reason']}" for row in rejected)
    lines = [f"0 of {len(rejected)} accepted"]
    for reason, count in counts.most_common(3):
        sample = next(r for r in rejected if f"{r['filter']}: {r['reason']}" == reason)
        text = sample.get("text") or f"{sample['instruction']} | {sample['input']}"
        lines.append(f"  {count} x {reason}; for example {text[:160]!r}")
    raise SelfspecError("\n".join(lines))


def _replay_decisions(folder: RoundFolder, context: Context) -> None:
    """Takes over what an interrupted run had to decide, so that the rest is done alike."""
    for commit in folder.commits:
        context.decisions.update(commit.get("decisions", {}))


def _timed(run: Run, step: str, function, *arguments):  # type: ignore[no-untyped-def]
    """Calls a step and adds its wall time to the manifest."""
    start = time.perf_counter()
    try:
        return function(*arguments)
    finally:
        timings = run.manifest.setdefault("timings", {})
        timings[step] = round(timings.get(step, 0.0) + time.perf_counter() - start, 2)
        run.save_manifest()
