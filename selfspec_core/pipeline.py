"""A run, readable from top to bottom: collect examples, specialize, evaluate, round by round."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from selfspec_core.components import Context, Filter, Generator, Model, Trainer
from selfspec_core.errors import SelfspecError
from selfspec_core.firewall import Firewall
from selfspec_core.runs import RoundFolder, Run
from selfspec_core.stages.asking import EvaluationSet
from selfspec_core.stages.baselines import Baseline
from selfspec_core.stages.collect import collect
from selfspec_core.stages.evaluate import evaluate
from selfspec_core.stages.generic import collect_generic
from selfspec_core.stages.specialize import specialize, trained


@dataclass(frozen=True, slots=True)
class Parts:
    """The components a run is made of, built from the settings.

    Attributes:
        collateral: items of other fields.
        baselines: other models to ask the same items.
    """

    proposer: Generator
    answerer: Generator
    filters: Callable[[], Sequence[Filter]]
    trainer: Trainer
    training_model: Model | None
    sets: Sequence[EvaluationSet]
    firewall: Firewall
    collateral: Sequence[EvaluationSet] = ()
    baselines: Sequence[Baseline] = ()


def run_rounds(run: Run, parts: Parts, context: Context) -> int:
    """Does every round that is not done yet; each step starts where its journal ends.

    Returns:
        The round that does best on dev.
    """
    on_dev: dict[int, float] = {}
    for number in range(1, context.settings.rounds.max + 1):
        earlier = [run.round(before) for before in range(1, number)]
        scores = run_round(run.round(number), earlier, parts, replace(context, round=number))
        on_dev[number] = scores.get("dev") or 0.0
    return max(on_dev, key=lambda number: on_dev[number])


def run_round(
    folder: RoundFolder, earlier: Sequence[RoundFolder], parts: Parts, context: Context
) -> dict[str, Any]:
    """Proposes, answers, filters, specializes and evaluates once; returns the scores.

    Args:
        earlier: the rounds before, whose proposals are not novel any more.
    """
    if not trained(folder) and context.settings.data.size > 0:
        _load(folder, context)
        filters = parts.filters()
        collect(folder, earlier, parts.proposer, parts.answerer, filters, parts.firewall, context)
        _check_accepted(folder)
        if context.general_seeds:
            context.progress.say("control generic: the same on general seeds")
            made = (parts.proposer, parts.answerer, parts.filters(), parts.firewall)
            collect_generic(folder, earlier, *made, context)

    if parts.training_model is not None:
        context.model.unload()
        context.model = parts.training_model
    _load(folder, context)
    if not context.model.capabilities.trains:
        context.progress.say(
            f"{context.model.name} cannot be tuned: stopping after the filters; "
            "--set training.model=PATH names a local model that can"
        )
        return {}
    with context.timed("train"):
        adapters = specialize(folder, parts.trainer, parts.firewall, context)
    with context.timed("evaluate"):
        others = (parts.collateral, parts.baselines)
        return evaluate(folder, adapters, parts.sets, context, *others)


def _load(folder: RoundFolder, context: Context) -> None:
    """Loads the model; what an interrupted run had to decide holds for the rest of it.

    Raises:
        SelfspecError: if it is not the model that the round began with.
    """
    with context.timed("load"):
        context.model.load()
    name, details = context.model.name, context.model.describe()
    for commit in (c for c in folder.commits if "baseline" not in c):
        context.decisions.update(commit.get("decisions", {}))
        if commit["stage"] == "load" and commit["model"] == name and commit["is"] != details:
            raise SelfspecError(f"cannot resume: model '{name}' is not the one the run began with")
    if not any(c["stage"] == "load" and c["model"] == name for c in folder.commits):
        folder.commit("load", folder.done("load"), {}, model=name, **{"is": details})


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
