"""A run, readable from top to bottom: collect examples, specialize, evaluate, round by round."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from selfspec_core.components import Context, Filter, Generator, Model, Trainer
from selfspec_core.firewall import Firewall
from selfspec_core.journals import RoundFolder
from selfspec_core.runs import Run
from selfspec_core.similarity.diversity import diversity
from selfspec_core.stages.asking import EvaluationSet
from selfspec_core.stages.baselines import Baseline
from selfspec_core.stages.by_specialist import BySpecialist
from selfspec_core.stages.collect import collect, collect_again
from selfspec_core.stages.develop import Developed, develop, gain
from selfspec_core.stages.evaluate import evaluate, write_scores
from selfspec_core.stages.generic import collect_generic
from selfspec_core.stages.loading import load_model, resident
from selfspec_core.stages.names import GENERIC, PREFERRED, SPECIALIST
from selfspec_core.stages.prefer import make_pairs, prefer
from selfspec_core.stages.specialize import specialize, train_controls
from selfspec_core.stages.summary import check_accepted
from selfspec_core.stages.tuning import trained
from selfspec_core.stopping import RoundResult, best, on_dev, why_stop
from selfspec_core.types import Adapter, Example


@dataclass(frozen=True, slots=True)
class Parts:
    """The components a run is made of, built from the settings.

    Attributes:
        preferrer: what tunes on pairs.
        judge: builds the filter that tells answers of a pair apart; None: the majority does.
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
    preferrer: Trainer | None = None
    judge: Callable[[], Filter | None] = lambda: None


@dataclass(frozen=True, slots=True)
class Round:
    """A round that is done but for its test items.

    Attributes:
        context: with the model that was tuned.
    """

    folder: RoundFolder
    context: Context
    adapters: dict[str, Adapter]
    developed: Developed
    result: RoundResult

    @property
    def specialist(self) -> Adapter:
        """The adapter of the system that stands for the round."""
        return self.adapters[self.result.system.partition("@")[0]]


def run_rounds(run: Run, parts: Parts, context: Context) -> int:
    """Does every round that is not done yet, until dev items say to stop; then asks test items.

    Each step starts where its journal ends, and every decision is taken again from the journals,
    so a resumed run decides as it would have.

    Returns:
        The round that does best on dev: the only one that is asked test items.
    """
    parts.trainer.check(context)
    done: list[Round] = []
    stopped = None
    while stopped is None:
        number = len(done) + 1
        one = run_round(run.round(number), done, parts, replace(context, round=number))
        if one is None:
            return number
        done.append(one)
        results = [one.result for one in done]
        stopped = why_stop(results, context.settings.rounds)
        run.manifest.update(rounds=[result.to_dict() for result in results], stopped=stopped)
        run.save_manifest()
    chosen = done[best(results, context.settings.rounds).round - 1]
    if len(done) > 1:
        context.progress.say(f"stopped {stopped}; round {chosen.context.round} is kept")
    evaluate_round(chosen, parts, context)
    return chosen.context.round


def run_round(
    folder: RoundFolder, done: Sequence[Round], parts: Parts, context: Context
) -> Round | None:
    """Proposes, answers, filters, specializes and asks the dev items once.

    Args:
        done: the rounds before.

    Returns:
        None if the model cannot be tuned.
    """
    settings = context.settings
    proposer, answerer = _at_work(done, parts, context)
    if not trained(folder) and settings.data.size > 0:
        load_model(folder, context, parts.training_model)
        filters, earlier = parts.filters(), [one.folder for one in done]
        tuning = parts.trainer, parts.firewall
        if done and settings.rounds.instructions == "keep":
            collect_again(folder, earlier, answerer, filters, *tuning, context)
        else:
            collect(folder, earlier, proposer, answerer, filters, *tuning, context)
        check_accepted(folder)

    local = context
    if parts.training_model is not None:
        local = replace(context, model=parts.training_model)
    load_model(folder, local, context.model)
    if not local.model.capabilities.trains:
        context.progress.say(
            f"{local.model.name} cannot be tuned: stopping after the filters; "
            "--set training.model=PATH names a local model that can"
        )
        return None
    with context.timed("train"):
        alone = settings.rounds.max == 1  # so this round will be measured
        adapter = specialize(folder, parts.trainer, parts.firewall, local, with_controls=alone)
    adapters = {SPECIALIST: adapter}
    if parts.preferrer is not None:
        adapters |= _preferred(folder, adapter, answerer, parts, context, local)
    with context.timed("evaluate"):
        return _developed(folder, done, adapters, parts, local)


def evaluate_round(chosen: Round, parts: Parts, context: Context) -> None:
    """Makes the controls and asks every system the test items, for one round alone.

    Args:
        context: with the model that writes, for the control `generic`.
    """
    folder, local = chosen.folder, chosen.context
    load_model(folder, local, context.model)  # a later round may have decided otherwise
    if GENERIC in context.settings.evaluation.controls and context.general_seeds:
        context.progress.say("control generic: the same on general seeds")
        made = (parts.proposer, parts.answerer, parts.filters(), parts.trainer, parts.firewall)
        resident(context.model, parts.training_model)
        collect_generic(folder, *made, replace(context, round=local.round))
        resident(local.model, context.model)
    with context.timed("controls"):
        controls = train_controls(folder, parts.trainer, parts.firewall, local)
    with context.timed("evaluate"):
        evaluate(
            folder,
            chosen.adapters | controls,
            parts.sets,
            chosen.developed,
            local,
            parts.collateral,
            parts.baselines,
        )


def _at_work(done: Sequence[Round], parts: Parts, context: Context) -> tuple[Generator, Generator]:
    """Returns who proposes and who answers: from round 2 on, maybe the specialist before.

    The last and not the best one: that would answer kept instructions as it did once already.
    """
    settings = context.settings.rounds
    if not done:
        return parts.proposer, parts.answerer
    adapter = done[-1].specialist.path

    def worker(generator: Generator, who: str) -> Generator:
        if who == "base":
            return generator
        return BySpecialist(generator, adapter, parts.training_model)

    return worker(parts.proposer, settings.proposer), worker(parts.answerer, settings.answerer)


def _preferred(
    folder: RoundFolder,
    adapter: Adapter,
    answerer: Generator,
    parts: Parts,
    context: Context,
    local: Context,
) -> dict[str, Adapter]:
    """Samples pairs and tunes on them; returns nothing where there are none."""
    assert parts.preferrer is not None
    if context.settings.preference.sampler == "specialist":
        answerer = BySpecialist(parts.answerer, adapter.path, parts.training_model)
    with context.timed("pairs"):
        resident(context.model, parts.training_model)
        pairs = make_pairs(folder, answerer, parts.judge, parts.firewall, context)
    with context.timed("train"):
        resident(local.model, context.model)
        preferred = prefer(folder, parts.preferrer, pairs, adapter, parts.firewall, local)
    return {PREFERRED: preferred} if preferred is not None else {}


def _developed(
    folder: RoundFolder,
    done: Sequence[Round],
    adapters: dict[str, Adapter],
    parts: Parts,
    context: Context,
) -> Round:
    """Asks the dev items, compares with the best round before, and writes what came out so far."""
    own = parts.sets[0]
    first = done[0].folder if done else folder
    others = parts.collateral if context.settings.rounds.max > 1 else ()
    developed = develop(folder, adapters, own, context, first, others)
    if done:
        before = best([one.result for one in done], context.settings.rounds)
        baseline = done[before.round - 1].developed.said.get(before.system, ())
        over = f"round {before.round}"
        paired = gain(developed, over, baseline, own.split("dev"), context)
        developed = replace(developed, gain=paired)
    developed = replace(developed, diversity=_diversity(folder, done, context))
    write_scores(folder, adapters, developed, context)
    result = RoundResult(
        context.round,
        developed.system,
        developed.score,
        developed.gain,
        developed.diversity,
        on_dev(developed.collateral),
    )
    return Round(folder, context, adapters, developed, result)


def _diversity(folder: RoundFolder, done: Sequence[Round], context: Context) -> dict[str, float]:
    rows = [Example.from_dict(row) for row in folder.read("examples")]
    before = [Example.from_dict(row) for one in done for row in one.folder.read("examples")]
    return diversity(rows, [*context.seeds, *before])
