"""What is asked of a model backend, and what it can do."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sampling:
    """How to continue a prompt.

    Attributes:
        temperature: 0 is greedy.
        stop: the text ends before the first of these strings.
        random_seed: the whole call's randomness; a row's text does not depend on the batch size.
    """

    max_new_tokens: int = 64
    temperature: float = 0.0
    top_p: float = 1.0
    stop: tuple[str, ...] = ()
    random_seed: int = 0


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a model backend can do.

    Attributes:
        trains: its weights can be tuned here. Without it a run stops after filtering.
        likelihood: it can score a given continuation.
        chat: prompts are turns of a chat, so what is wanted has to be asked for.
        layout: name of the layout that suits the untuned model best.
        context: most tokens a prompt and its continuation may have together, or None.
        adapters: it takes adapters that were tuned elsewhere, on the same base.
    """

    trains: bool = False
    likelihood: bool = False
    chat: bool = False
    layout: str = "task"
    context: int | None = None
    adapters: bool = False
