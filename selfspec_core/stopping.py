"""When the loop stops and which round it keeps, from what dev items say: no file, no model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from selfspec_core.config import RoundsSettings


@dataclass(frozen=True, slots=True)
class DevGain:
    """A gain paired by dev item, with its 95 % interval.

    Attributes:
        over: what it is a gain over: `base-best@0`, or the best round before, as `round 1`.
    """

    over: str
    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class RoundResult:
    """What a round came to on dev.

    Attributes:
        system: the tuned system that does best on dev, and stands for the round.
        dev: its macro score there; None without dev items.
        diversity: see `selfspec_core.similarity.diversity`.
        collateral: gain over the base on dev items of other fields: name -> mean, low, high.
    """

    round: int
    system: str
    dev: float | None = None
    gain: DevGain | None = None
    diversity: Mapping[str, float] = field(default_factory=dict)
    collateral: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Returns it as the manifest holds it."""
        return asdict(self)


def on_dev(collateral: Mapping[str, Mapping[str, Any]]) -> dict[str, Mapping[str, float]]:
    """Returns the gains of scores.json's `collateral` that are on dev items: only those may stop.

    Args:
        collateral: by name of a field, its gains by split.
    """
    return {name: splits["dev"] for name, splits in collateral.items() if splits.get("dev")}


def best(results: Sequence[RoundResult], settings: RoundsSettings) -> RoundResult:
    """Returns the round to keep: the best on dev, the earlier of two that are equally good.

    One that does too much harm elsewhere is kept only if there is no other.
    """
    harmless = [result for result in results if not any(_collateral(result, settings))]
    return max(harmless or results, key=lambda result: result.dev or 0.0)


def why_stop(results: Sequence[RoundResult], settings: RoundsSettings) -> str | None:
    """Says in one sentence why there is no round after these, or None if there is one."""
    number = results[-1].round
    reasons = list(_reasons(results, settings))
    if not reasons and number >= settings.max:
        reasons = [f"rounds.max = {settings.max}"]
    return f"after round {number}: {'; '.join(reasons)}" if reasons else None


def _reasons(results: Sequence[RoundResult], settings: RoundsSettings) -> Iterator[str]:
    *before, last = results
    if last.dev is None and settings.max > 1:
        yield "no dev items to tell rounds apart by"
    yield from _collateral(last, settings)
    if not before:
        return
    if settings.instructions == "renew":
        yield from _collapse(last.diversity, before[0].diversity, settings)
    if last.gain is not None and last.gain.high < settings.margin:
        at_most = f"its dev gain over {last.gain.over} is at most {last.gain.high:+.3f}"
        yield f"{at_most}, under rounds.margin = {settings.margin:g}"


def _collateral(result: RoundResult, settings: RoundsSettings) -> Iterator[str]:
    for name, gain in result.collateral.items():
        if gain["high"] < -settings.collateral:
            loss = f"on {name} at least {-gain['high']:.3f} is lost"
            yield f"{loss}, over rounds.collateral = {settings.collateral:g}"


def _collapse(
    now: Mapping[str, float], first: Mapping[str, float], settings: RoundsSettings
) -> Iterator[str]:
    """Yields what has collapsed since the first round; kept instructions cannot."""
    if not now or not first:
        return
    if now["distinct_2"] < settings.distinct * first["distinct_2"]:
        fell = f"distinct-2 fell from {first['distinct_2']:.3f} to {now['distinct_2']:.3f}"
        yield f"{fell}, under rounds.distinct = {settings.distinct:g} of it"
    if now["new_ngrams"] < settings.new_ngrams:
        share = f"{100 * now['new_ngrams']:.0f} % of its three-word runs are new"
        yield f"{share}, under rounds.new_ngrams = {settings.new_ngrams:g}"
    drift = now["nearest_mean"] - first["nearest_mean"]
    if drift > settings.drift:
        nearer = f"nearest neighbours drew nearer by {drift:.3f}"
        yield f"{nearer}, over rounds.drift = {settings.drift:g}"
