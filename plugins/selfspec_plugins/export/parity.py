"""Golden prompts: what the trained model says to them, and whether an artefact says the same.

The trained model (base in fp32, adapter beside it) continues each prompt greedily. An artefact is
shown prompt and continuation; at every place its logits may differ from the trained model's by at
most a tolerance, counted in standard deviations of the trained model's logits there, and its most
probable token must be the trained model's. That is so at every place if and only if both say the
same when decoded greedily. Tokens may differ only at a near-tie: where the trained model's own two
best logits are closer together than twice the tolerance.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from selfspec_core import Progress, SelfspecError
from selfspec_plugins.local.batches import Ids

if TYPE_CHECKING:
    import torch

PROMPTS = 20
NEW_TOKENS = 16
"""Tokens of each continuation, unless it ends before."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """A question of the run, and the text that asks it in the layout of the tuning."""

    instruction: str
    input: str
    text: str


@dataclass(frozen=True, slots=True)
class Golden:
    """What the trained model does with a prompt.

    Attributes:
        tokens: of the prompt.
        said: its greedy continuation, the token that ends it included.
        logits: (len(said), vocabulary), fp32: those from which each token of `said` was chosen.
    """

    prompt: Prompt
    tokens: Ids
    said: Ids
    logits: torch.Tensor


def record(
    model: Any,
    read: Callable[[str], Ids],
    prompts: Sequence[Prompt],
    ends: set[int],
    context: int | None,
    progress: Progress,
) -> list[Golden]:
    """Lets the trained model continue the prompts.

    Args:
        model: a transformers model, its adapter in use.
        read: turns text into tokens.
        ends: tokens that end a text.
        context: most tokens a prompt and its continuation may have; longer prompts are left out.

    Raises:
        SelfspecError: if every prompt is longer than the context.
    """
    golden = []
    with progress.stage("replay: trained model", len(prompts), "prompts"):
        for prompt in prompts:
            tokens = read(prompt.text)
            if context is None or len(tokens) + NEW_TOKENS <= context:
                said = _continued(model, tokens, ends)
                golden.append(Golden(prompt, tokens, said, logits_after(model, tokens, said)))
            progress.advance()
    if not golden:
        raise SelfspecError("replay: no prompt of the run fits into the model's context")
    return golden


def _continued(model: Any, tokens: Ids, ends: set[int]) -> Ids:
    import torch

    said: Ids = []
    with torch.inference_mode():
        while len(said) < NEW_TOKENS:
            ids = torch.tensor([[*tokens, *said]], device=model.device)
            said.append(int(model(input_ids=ids, use_cache=False).logits[0, -1].argmax()))
            if said[-1] in ends:
                break
    return said


def logits_after(model: Any, tokens: Ids, said: Ids) -> torch.Tensor:
    """Returns the logits from which each token of `said` would be chosen: (len(said), vocabulary).

    They are fp32 and on the CPU.
    """
    import torch

    ids = torch.tensor([[*tokens, *said[:-1]]], device=model.device)
    with torch.inference_mode():
        logits = model(input_ids=ids, use_cache=False).logits[0, len(tokens) - 1 :]
    return logits.float().cpu()  # type: ignore[no-any-return]


def compare(
    what: str,
    model: Any,
    read: Callable[[Prompt], Ids],
    golden: Sequence[Golden],
    tolerance: float,
    progress: Progress,
) -> dict[str, Any]:
    """Replays the prompts through what was read back, and returns how closely it agrees.

    Args:
        what: the artefact, for errors and the display.
        read: turns a prompt into tokens by the artefact's own means.
        tolerance: in standard deviations of the trained model's logits at each place.

    Raises:
        SelfspecError: at the first prompt that is read otherwise or goes on otherwise.
    """
    largest, ties = 0.0, 0
    with progress.stage(f"replay: {what}", len(golden), "prompts"):
        for number, one in enumerate(golden, 1):
            where = f"{what}: prompt {number} of {len(golden)} ({_short(one.prompt)})"
            tokens = read(one.prompt)
            if tokens != one.tokens:
                at = next(
                    (i for i, (a, b) in enumerate(zip(tokens, one.tokens, strict=False)) if a != b),
                    min(len(tokens), len(one.tokens)),
                )
                raise SelfspecError(
                    f"{where}: read as other tokens from place {at}: "
                    f"{tokens[at : at + 4]} instead of {one.tokens[at : at + 4]}"
                )
            gap, other = _differ(model, one, tolerance, where)
            largest, ties = max(largest, gap), ties + other
            progress.advance()
    return {
        "prompts": len(golden),
        "tokens": sum(len(one.said) for one in golden),
        "largest_difference": float(f"{largest:.3g}"),
        "tolerance": tolerance,
        "unit": "standard deviations of the trained model's logits at the same place",
        "near_ties": ties,
        "near_tie": "the trained model's two best logits are within twice the tolerance",
    }


def _differ(model: Any, one: Golden, tolerance: float, where: str) -> tuple[float, int]:
    """Returns the largest difference at any place, and how many near-ties went the other way."""
    found = logits_after(model, one.tokens, one.said)
    width = min(found.shape[-1], one.logits.shape[-1])  # rows of padding may have been cut off
    found, expected = found[:, :width], one.logits[:, :width]
    spread = expected.std(-1, keepdim=True)
    gaps = ((found - expected).abs() / spread).amax(-1)
    best = expected.topk(2).values
    margins = (best[:, 0] - best[:, 1]) / spread[:, 0]
    other = found.argmax(-1) != expected.argmax(-1)
    for place in range(len(one.said)):
        gap, tie = float(gaps[place]), float(margins[place]) <= 2 * tolerance
        if gap <= tolerance and (tie or not other[place]):  # so written that NaN fails
            continue
        said = f"token {int(found[place].argmax())} instead of {int(expected[place].argmax())}, "
        raise SelfspecError(
            f"{where}: token {place + 1} of the answer: {said if other[place] else ''}logits "
            f"differ by {gap:.2g} of their standard deviation, {tolerance:g} is allowed"
        )
    return float(gaps.max()), int(other.sum())


def _short(prompt: Prompt) -> str:
    text = " ".join(f"{prompt.instruction} {prompt.input}".split())
    return f"'{text[:60]}…'" if len(text) > 60 else f"'{text}'"
