"""After stage 3, where it is set: pairs of answers the model made itself, and a tuning on them.

Every example is answered again several times. Where the answers differ, one of them is the better:
the one most agree on (self-consistency as a preference, ScPO, arXiv 2411.04109), or one that a
filter keeps over one that it rejects. No person and no other model judges.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from math import ceil

from selfspec_core.components import Context, Filter, Generator, Trainer
from selfspec_core.contracts import made_in
from selfspec_core.firewall import Firewall
from selfspec_core.measures.parsing import parse
from selfspec_core.runs import RoundFolder
from selfspec_core.stages.chain import decided
from selfspec_core.stages.names import PREFERRED
from selfspec_core.stages.tuning import PROBE, finished, put_in_place
from selfspec_core.types import Adapter, Example, Instruction, Pair

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
    settings = context.settings.preference
    steps = ceil(settings.epochs * ceil(len(clean) / settings.batch))
    with context.progress.stage(f"train {PREFERRED}", steps, "steps"):
        return put_in_place(
            folder,
            PREFERRED,
            lambda out: made_in(
                out, trainer.prefer(clean, adapter.path, out, context), trainer, "prefer"
            ),
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
        readable = {key: one for one in reversed(own) if (key := _key(one)) is not None}
        votes = Counter(key for one in own if (key := _key(one)) is not None)
        picked = (
            majority(votes, len(own), context.settings.preference.min_share)
            if judge is None
            else _judged(votes, readable, judge, context)
        )
        if picked is None:
            continue
        chosen, rejected, evidence = picked
        pairs.append(
            Pair(
                example.id,
                example.task,
                example.kind,
                example.instruction,
                example.input,
                readable[chosen].output,
                readable[rejected].output,
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


def majority(votes: Counter[str], samples: int, min_share: float) -> tuple[str, str, str] | None:
    """Returns the commonest answer, the rarest, and no evidence; None where neither is plain.

    Plain is an answer that at least `min_share` of the samples agree on and no other equals; the
    rarest is the first of equals.
    """
    ranked = votes.most_common()
    if len(ranked) < 2 or ranked[0][1] == ranked[1][1] or ranked[0][1] < min_share * samples:
        return None
    return ranked[0][0], min(votes, key=lambda key: votes[key]), ""


def _judged(
    votes: Counter[str], answers: dict[str, Example], judge: Filter, context: Context
) -> tuple[str, str, str] | None:
    """Returns the commonest answer the filter keeps, the commonest it rejects, and its evidence."""
    keys = [key for key, _ in votes.most_common()]
    verdicts = dict(zip(keys, judge.judge([answers[key] for key in keys], context), strict=True))
    kept = next((key for key in keys if verdicts[key].keep), None)
    rejected = next((key for key in keys if not verdicts[key].keep), None)
    if kept is None or rejected is None:
        return None
    return kept, rejected, verdicts[rejected].evidence


def _key(answer: Example) -> str | None:
    """Returns what two answers must share to count as the same; None if it cannot be read."""
    parsed = parse(answer.kind, answer.output, answer.choices)
    if parsed is None or not answer.output.strip():
        return None
    members = sorted(map(str, parsed)) if isinstance(parsed, tuple | list) else [str(parsed)]
    return "\n".join(members).casefold()


def _screened(pairs: Sequence[Pair], firewall: Firewall) -> tuple[list[Pair], list[dict[str, str]]]:
    """Returns the pairs of which neither side is contaminated, and what was found in the others."""
    rows = [
        Example.from_dict({**pair.to_dict(), "output": output})
        for pair in pairs
        for output in (pair.chosen, pair.rejected)
    ]
    verdicts = firewall.screen(rows)
    clean, screened = [], []
    for pair, chosen, rejected in zip(pairs, verdicts[::2], verdicts[1::2], strict=True):
        if chosen.keep and rejected.keep:
            clean.append(pair)
        else:
            screened.append({"row": pair.id, "evidence": chosen.evidence or rejected.evidence})
    return clean, screened
