"""After stage 3, where it is set: pairs of answers the model made itself, and a tuning on them.

Every example is answered again several times. Where the answers differ, one of them is the better:
the one most agree on (self-consistency as a preference, ScPO, arXiv 2411.04109), or one that a
filter keeps over one that it rejects. No person and no other model judges.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

from selfspec_core.components import Context, Filter, Generator, Trainer
from selfspec_core.firewall import Firewall
from selfspec_core.journals import RoundFolder
from selfspec_core.measures.votes import elected, read, same, support
from selfspec_core.stages.chain import decided
from selfspec_core.stages.names import PREFERRED
from selfspec_core.stages.tuning import PROBE, finished, put_in_place
from selfspec_core.types import Adapter, Example, Instruction, Kind, Pair

STAGE = "pairs"
MAJORITY = "majority"


def make_pairs(
    folder: RoundFolder,
    generator: Generator,
    judge: Callable[[], Filter | None],
    firewall: Firewall,
    context: Context,
) -> list[Pair]:
    """Fills pairs.jsonl; returns the pairs.

    Args:
        generator: what answers.
        judge: builds the filter that tells answers apart; None: the majority does.
    """
    probe = finished(folder, PROBE, PROBE)
    context.probe = probe.path if probe else None  # which a judge may ask, also after a resume
    batches = _batches(folder, context)
    with context.progress.stage("sample pairs", sum(map(len, batches)), "examples"):
        for number, examples in enumerate(batches):
            if number >= folder.done(STAGE):
                answers = _sampled(examples, number, generator, context)
                pairs = _paired(examples, answers, number, judge(), context)
                clean, screened = _screened(pairs, firewall)
                rows = {"pairs": [pair.to_dict() for pair in clean]}
                folder.commit(STAGE, number, rows, screened=screened, **decided(context))
            context.progress.advance(len(examples))
    return [Pair.from_dict(row) for row in folder.read("pairs")]


def prefer(
    folder: RoundFolder,
    trainer: Trainer,
    pairs: Sequence[Pair],
    adapter: Adapter,
    firewall: Firewall,
    context: Context,
) -> Adapter | None:
    """Tunes the specialist on the pairs; returns the new adapter, or None without any pair."""
    done = finished(folder, PREFERRED)
    if done is not None:
        return done
    clean, screened = _screened(pairs, firewall)
    if not clean:
        context.progress.say("no preference pairs: the sampled answers do not differ as they must")
        return None
    steps = trainer.pair_steps_of(len(clean), context)
    with context.progress.stage(f"train {PREFERRED}", steps, "steps"):
        return put_in_place(
            folder,
            PREFERRED,
            lambda out: trainer.prefer(clean, adapter.path, out, context),
            (trainer, "prefer"),
            screened,
            context,
        )


def _batches(folder: RoundFolder, context: Context) -> list[list[Example]]:
    """Returns the examples to sample for in batches of one task: they share demonstrations."""
    rows = [Example.from_dict(row) for row in folder.read("examples")]
    by_task: dict[str, list[Example]] = {}
    for example in rows[: context.settings.preference.size]:
        by_task.setdefault(example.task, []).append(example)
    size = context.settings.answer.batch
    return [own[at : at + size] for own in by_task.values() for at in range(0, len(own), size)]


def _sampled(
    examples: Sequence[Example], number: int, generator: Generator, context: Context
) -> list[list[Example]]:
    """Returns `preference.samples` answers to each example, whatever answer it has.

    Each draw is a batch of its own: other demonstrations, other random numbers. Their numbers are
    negative, so that none is one of the answering stage's. Closed kinds are written too: their
    weights hardly differ between draws, so there would be nothing to choose between.
    """
    settings = context.settings
    samples = settings.preference.samples
    drawn = {
        "votes": 1,
        "vote_draws": False,
        "closed": "write",
        "temperature": settings.answer.vote_temperature,
    }
    own = replace(
        context,
        settings=settings.model_copy(update={"answer": settings.answer.model_copy(update=drawn)}),
    )
    asked = [replace(Instruction.from_dict(e.to_dict()), label=None) for e in examples]
    draws = [generator.answer(asked, -1 - number * samples - draw, own) for draw in range(samples)]
    return [list(answers) for answers in zip(*draws, strict=True)]


def _paired(
    examples: Sequence[Example],
    answers: Sequence[Sequence[Example]],
    number: int,
    judge: Filter | None,
    context: Context,
) -> list[Pair]:
    pairs = []
    for example, own in zip(examples, answers, strict=True):
        said = [read(example.kind, one.output, example.choices) for one in own]
        picked = (
            by_majority(example.kind, said, context.settings.preference.min_share)
            if judge is None
            else _judged(example.kind, said, own, judge, context)
        )
        if picked is None:
            continue
        chosen, rejected, evidence = picked
        votes = support(example.kind, said)
        pairs.append(
            Pair(
                example.id,
                example.task,
                example.kind,
                example.instruction,
                example.input,
                own[chosen].output,
                own[rejected].output,
                MAJORITY if judge is None else judge.name,
                votes[chosen] / len(own),
                votes[rejected] / len(own),
                context.round,
                number,
                example.choices,
                evidence,
            )
        )
    return pairs


def by_majority(kind: Kind, said: Sequence[Any], min_share: float) -> tuple[int, int, str] | None:
    """Returns the places of the commonest answer and of the rarest that does not say the same, and
    no evidence; None where neither is plain.

    Plain is an answer that at least `min_share` of all agree with, and more than with any other;
    of equals the first is the rarest.

    Args:
        said: as `measures.votes.read` gives them, at least one.
    """
    (chosen, share), votes = elected(kind, said), support(kind, said)
    others = _others(kind, said, chosen)
    if not others or share < min_share or votes[chosen] == max(votes[at] for at in others):
        return None
    return chosen, min(others, key=lambda at: votes[at]), ""


def _judged(
    kind: Kind, said: Sequence[Any], answers: Sequence[Example], judge: Filter, context: Context
) -> tuple[int, int, str] | None:
    """Returns the place of the commonest answer the filter keeps, that of the commonest it rejects
    and that does not say the same, and its evidence."""
    votes = support(kind, said)
    first = [at for at, one in enumerate(said) if one is not None and said.index(one) == at]
    ranked = sorted(first, key=lambda at: -votes[at])
    verdicts = dict(zip(ranked, judge.judge([answers[at] for at in ranked], context), strict=True))
    chosen = next((at for at in ranked if verdicts[at].keep), None)
    if chosen is None:
        return None
    others = set(_others(kind, said, chosen))
    rejected = next((at for at in ranked if at in others and not verdicts[at].keep), None)
    return None if rejected is None else (chosen, rejected, verdicts[rejected].evidence)


def _others(kind: Kind, said: Sequence[Any], chosen: int) -> list[int]:
    """Returns the places of the readable answers that do not say the same as the chosen one."""
    return [
        at for at, one in enumerate(said) if one is not None and not same(kind, said[chosen], one)
    ]


def sides(pairs: Iterable[Pair]) -> list[Example]:
    """Returns each pair as two rows that the firewall can read: with the chosen, the rejected."""
    return [
        Example.from_dict({**pair.to_dict(), "output": output})
        for pair in pairs
        for output in (pair.chosen, pair.rejected)
    ]


def _screened(pairs: Sequence[Pair], firewall: Firewall) -> tuple[list[Pair], list[dict[str, str]]]:
    """Returns the pairs of which neither side is contaminated, and what was found in the others."""
    verdicts = firewall.screen(sides(pairs))
    clean, screened = [], []
    for pair, chosen, rejected in zip(pairs, verdicts[::2], verdicts[1::2], strict=True):
        if chosen.keep and rejected.keep:
            clean.append(pair)
        else:
            screened.append({"row": pair.id, "evidence": chosen.evidence or rejected.evidence})
    return clean, screened
