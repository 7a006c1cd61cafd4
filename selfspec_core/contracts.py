"""What a component returns is looked at before it is used, and what it is given is its own.

A plugin that returns the wrong thing is named at once, instead of failing somewhere else later. The
methods are wrapped on the object, which stays of its class, as `Stopwatch.observe` does.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import wraps
from pathlib import Path
from threading import Timer
from typing import Any, TypeVar

from selfspec_core.components import (
    Component,
    Composer,
    Context,
    Domain,
    Evaluator,
    Exporter,
    Filter,
    Generator,
    Model,
    Retriever,
    SeedSource,
    Trainer,
)
from selfspec_core.errors import SelfspecError
from selfspec_core.finite import is_finite
from selfspec_core.sources import installed, source_of
from selfspec_core.types import (
    Adapter,
    Example,
    Instruction,
    Item,
    Passage,
    Prediction,
    Seed,
    Task,
    Verdict,
)

C = TypeVar("C", bound=Component)
Check = Callable[[Any, Sequence[Any]], str]
"""Given what a method returned and its arguments: what is wrong with it, or nothing."""

PATIENCE = 60.0
"""Seconds after which a call of a third party's component is mentioned."""
_OWN = frozenset({"selfspec_core", "selfspec_plugins", "selfspec_nano"})
_KINDS = (
    *(Domain, SeedSource, Model, Generator, Retriever, Filter, Trainer, Evaluator),
    *(Exporter, Composer),
)


def _each(cls: type, *, of: int | None = None) -> Check:
    """Wants a sequence of `cls`; with `of`, as many as argument number `of` has."""

    def check(made: Any, given: Sequence[Any]) -> str:
        wanted = f"a list of {cls.__name__}"
        if not isinstance(made, list | tuple):
            return f"{_shown(made)} instead of {wanted}"
        if wrong := [one for one in made if not isinstance(one, cls)]:
            return f"a list with {_shown(wrong[0])} instead of {wanted}"
        if of is not None and len(given) > of and len(made) != len(given[of]):
            return f"{len(made)} for {len(given[of])}; every one needs its {cls.__name__}"
        return ""

    return check


def _passages(made: Any, given: Sequence[Any]) -> str:
    """Wants a list of passages for every query."""
    each = _each(Passage)
    wrong = _each(list, of=0)(made, given)
    return wrong or next((said for one in made if (said := each(one, ()))), "")


def _logs(made: Any, given: Sequence[Any]) -> str:
    """Wants a finite number for every pair: one that is none would win or lose every comparison."""
    wrong = [x for x in made if not is_finite(x)] if isinstance(made, list | tuple) else [made]
    if wrong:
        return f"{_shown(wrong[0])} instead of finite log-probabilities"
    same = not given or len(made) == len(given[0])
    return "" if same else f"{len(made)} numbers for {len(given[0])} pairs"


def _table(made: Any, given: Sequence[Any]) -> str:
    return "" if isinstance(made, dict) else f"{_shown(made)} instead of a table"


def _choices(made: Any, given: Sequence[Any]) -> str:
    """Wants something to try: the settings as they are, `[{}]`, if nothing else."""
    wrong = _each(Mapping)(made, given)
    return wrong or ("" if made else "[] instead of at least one table")


_RETURNS: dict[tuple[type[Component], str], Check] = {
    (Domain, "recipe"): _table,
    (Domain, "tasks"): _each(Task),
    (Model, "generate"): _each(str, of=0),
    (Model, "loglikelihood"): _logs,
    (Generator, "propose"): _each(Instruction),
    (Generator, "answer"): _each(Example, of=0),
    (Retriever, "retrieve"): _passages,
    (Retriever, "passages"): _each(Passage, of=0),
    (Filter, "judge"): _each(Verdict, of=0),
    (Evaluator, "items"): _each(Item),
    (Evaluator, "evaluate"): _each(Prediction),
    (Exporter, "export"): _table,
    (Composer, "choices"): _choices,
    (Composer, "describe"): _table,
}


def held(component: C) -> C:
    """Has a component held to its contract from now on: what its methods return, what they change.

    Each call is given a context of its own; one that is changed is nobody else's.
    """
    for (base, name), check in _RETURNS.items():
        if isinstance(component, base):
            setattr(component, name, _watched(component, name, check))
    return component


def _watched(component: Component, name: str, check: Check) -> Callable[..., Any]:
    method = getattr(component, name)

    @wraps(method)
    def watched(*arguments: Any, **named: Any) -> Any:
        own = [replace(one) if isinstance(one, Context) else one for one in arguments]
        named = {k: replace(v) if isinstance(v, Context) else v for k, v in named.items()}
        with _hint(component, name, (*own, *named.values())):
            made = method(*own, **named)
        if wrong := check(made, own):
            raise SelfspecError(f"{whose(component)}: `{name}` returned {wrong}")
        return made

    return watched


@contextmanager
def _hint(component: Component, method: str, given: Iterable[Any]) -> Iterator[None]:
    """Says once who has been at work for long, if it is somebody else's: it may hang."""
    progress = next((one.progress for one in given if isinstance(one, Context)), None)
    if progress is None or type(component).__module__.partition(".")[0] in _OWN:
        yield
        return

    def say() -> None:
        line = f"one call of `{method}` takes more than {PATIENCE:g} s; Ctrl-C stops it"
        progress.say(f"{whose(component)}: {line}, and nothing is lost")

    timer = Timer(PATIENCE, say)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def made_in(out: Path, adapter: Any, maker: Component, method: str) -> Adapter:
    """Returns what a component made, if it is an adapter where it was told to: it is moved next.

    Raises:
        SelfspecError: naming the component.
    """
    if not isinstance(adapter, Adapter) or adapter.path != out or not out.is_dir():
        wanted = f"an Adapter in {out.name}"
        raise SelfspecError(
            f"{whose(maker)}: `{method}` returned {_shown(adapter)} instead of {wanted}"
        )
    if adapter.loss is not None and not all(map(is_finite, adapter.loss)):
        first, last = adapter.loss
        raise SelfspecError(f"{whose(maker)}: the loss went from {first:.3g} to {last:.3g}")
    return adapter


def seeds_of(classes: Iterable[type[SeedSource]]) -> list[Seed]:
    """Returns the seeds of several sources, in order.

    Raises:
        SelfspecError: naming the source that yields something else.
    """
    found: list[Seed] = []
    for cls in classes:
        source = cls()
        own = list(source.seeds())
        if wrong := _each(Seed)(own, ()):
            raise SelfspecError(f"{whose(source)}: `seeds` returned {wrong}")
        found += own
    return found


def whose(component: Component) -> str:
    """Returns a component as an error names it: its kind, its name, where it comes from."""
    cls = type(component)
    kind = next((base.__name__ for base in _KINDS if isinstance(component, base)), "component")
    kind = {"SeedSource": "seed source"}.get(kind, kind.lower())
    package = cls.__module__.partition(".")[0]
    entries = [(entry, group) for group, found in installed().items() for entry in found]
    sources = [source_of(*one) for one in entries if one[0].module.partition(".")[0] == package]
    places = sorted({f"{source.dist} {source.version}" for source in sources}) or [package]
    return f"{kind} '{getattr(cls, 'name', cls.__name__)}' ({' or '.join(places)})"


def blamed(error: BaseException) -> str:
    """Returns the component in whose method an error arose, as an error names it; "": in none."""
    frames = traceback.walk_tb(error.__traceback__)
    at = [frame.f_locals.get("self") for frame, _ in frames]
    found = next((one for one in reversed(at) if isinstance(one, Component)), None)
    return whose(found) if found is not None else ""


def _shown(value: Any) -> str:
    try:
        text = repr(value)
    except Exception:  # somebody else's class
        text = f"a {type(value).__name__}"
    return text if len(text) <= 60 else f"{text[:59]}…"
