"""Passages in training rows: an example's own among others that do not help (RAFT)."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

from selfspec_core.components import Context
from selfspec_core.types import Example


def with_passages(examples: Sequence[Example], context: Context) -> list[Example]:
    """Returns the examples as they are trained on.

    With `retrieval.distractors` set, the passages that were shown while answering stand before the
    input again, in random order among so many passages of other examples; in a share of the rows
    (`1 - retrieval.own_share`) the distractors stand alone. A model so tuned learns to read
    passages and to pass over what does not help (RAFT, https://arxiv.org/abs/2403.10131).
    """
    settings, retriever = context.settings.retrieval, context.retriever
    if settings.distractors is None or retriever is None:
        return list(examples)
    known = list(dict.fromkeys(id_ for example in examples for id_ in example.passages))
    rng = random.Random(context.random_seed_of("distractors"))
    rows = []
    for example in examples:
        if not example.passages:
            rows.append(example)
            continue
        own = list(example.passages) if rng.random() < settings.own_share else []
        others = [id_ for id_ in known if id_ not in example.passages]
        shown = own + rng.sample(others, min(settings.distractors, len(others)))
        rng.shuffle(shown)
        texts = [passage.line for passage in retriever.passages(shown)]
        rows.append(replace(example, input="\n".join([*texts, example.input])))
    return rows
