"""The systems that answer the same items, and which of them a gain is counted against."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise

from selfspec_core.components import Context
from selfspec_core.layouts import LAYOUTS
from selfspec_core.stages.names import (
    BASE,
    BASE_BEST,
    BASE_NAMES,
    BASES,
    CONTROLS,
    OURS,
    PREFERRED,
    READS,
    SPECIALIST,
    TUNED,
    TUNED_NAMES,
)
from selfspec_core.types import Adapter, System


def systems(adapters: Mapping[str, Adapter], best: str, context: Context) -> Iterator[System]:
    """Yields what is compared, base first; tuned systems are asked in the layout they know.

    Passages are shown to the base in its best layout too, or reading would count as knowing.
    """
    settings, tuned = context.settings.evaluation, context.tuned_layout
    passages = shown_passages(context)
    yield System(BASE, tuned)
    yield System(BASE_BEST, LAYOUTS[best])
    if passages:
        yield System(f"base-best{READS}@0", LAYOUTS[best], passages=passages)
    if settings.shots:
        name = f"base@{settings.shots}"
        yield System(name, context.layout, None, settings.shots, settings.demo_sets)
    for control in (name for name in adapters if name not in TUNED):
        yield System(f"{control}@0", tuned, adapters[control].path)
    if SPECIALIST not in adapters:
        return
    path = adapters[SPECIALIST].path
    yield System(OURS, tuned, path)
    for shots in settings.specialist_shots:
        yield System(f"{SPECIALIST}@{shots}", tuned, path, shots, settings.demo_sets)
    if passages:
        yield System(f"{SPECIALIST}{READS}@0", tuned, path, passages=passages)
    if PREFERRED in adapters:
        yield System(f"{PREFERRED}@0", tuned, adapters[PREFERRED].path)


def shown_passages(context: Context) -> int:
    """Returns how many passages `…+retrieval@0` are shown; 0 without a retriever."""
    settings = context.settings
    if context.retriever is None:
        return 0
    return settings.evaluation.passages or settings.retrieval.k


def pairs(names: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yields (system, opponent) of every gain that is reported.

    The specialist against everything that is none; what it becomes with demonstrations or passages
    against itself and against the base that is shown as much. Without a specialist the base stands
    in its place, against other models.
    """
    there = list(names)
    ours = [f"{name}@0" for name in TUNED if f"{name}@0" in there]
    variants = [name for name in there if name.partition("@")[0] in TUNED_NAMES]
    if not ours:
        others = [name for name in there if name.partition("@")[0] not in BASE_NAMES]
        yield from ((BASE_BEST, name) for name in others if BASE_BEST in there)
        return
    yield from ((one, name) for one in ours for name in there if name not in variants)
    yield from ((later, earlier) for earlier, later in pairwise(ours))
    for variant in (name for name in variants if name not in ours):
        same = variant.replace(SPECIALIST, "base-best" if READS in variant else "base")
        yield from ((variant, name) for name in (OURS, same) if name in there)


def better(macros: Mapping[str, float]) -> dict[str, str]:
    """Returns the better base and the better control: those a claim has to hold against.

    They are picked by the very score they are compared on, which favours them: a gain over the
    better is, if anything, too small.
    """
    groups = {"base": BASES, "control": [f"{name}@0" for name in CONTROLS]}
    there = {what: [name for name in names if name in macros] for what, names in groups.items()}
    return {
        what: max(names, key=lambda name: macros[name]) for what, names in there.items() if names
    }
