"""What dev items decide: the base's best layout, a round's tuned system, the gain of a round.

Test items are not asked here, so whatever is chosen by it can be reported on them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from selfspec_core.components import Context
from selfspec_core.layouts import LAYOUTS
from selfspec_core.runs import RoundFolder
from selfspec_core.stages.asking import EvaluationSet, ask, bootstrap
from selfspec_core.stages.specialize import TUNED
from selfspec_core.statistics import tabulate
from selfspec_core.stopping import DevGain
from selfspec_core.types import Adapter, Item, Prediction, System

BASE_BEST = "base-best@0"


@dataclass(frozen=True, slots=True)
class Developed:
    """What the dev items say about a round.

    Attributes:
        layout: the one in which the base does best.
        layouts: the base's dev score by layout.
        scores: dev score by tuned system (`specialized@0`, `preferred@0`).
        gain: of the system that stands for the round, over the base or an earlier round.
        diversity: of the round's instructions.
    """

    layout: str
    layouts: Mapping[str, float] = field(default_factory=dict)
    scores: Mapping[str, float] = field(default_factory=dict)
    said: Mapping[str, Sequence[Prediction]] = field(default_factory=dict)
    gain: DevGain | None = None
    diversity: Mapping[str, float] = field(default_factory=dict)

    @property
    def system(self) -> str:
        """The tuned system that does best on dev, the first of equals."""
        return max(self.scores, key=lambda name: self.scores[name], default=f"{TUNED[0]}@0")

    @property
    def score(self) -> float | None:
        """Its score there; None without dev items."""
        return self.scores.get(self.system)

    def as_scores(self) -> dict[str, Any]:
        """Returns what scores.json says of it, beside the layouts."""
        return {
            "dev": self.score,
            "dev_systems": dict(self.scores),
            "dev_gain": asdict(self.gain) if self.gain else None,
            "diversity": dict(self.diversity),
        }


def develop(
    folder: RoundFolder,
    adapters: Mapping[str, Adapter],
    own: EvaluationSet,
    context: Context,
    first: RoundFolder | None = None,
) -> Developed:
    """Asks the round's tuned systems the dev items, and the base in every layout.

    Args:
        own: the domain's own items; dev items of other sets choose nothing.
        first: folder of the first round, in whose journal the base's answers are.
    """
    dev = replace(own, items=tuple(own.split("dev")))
    if not dev.items:  # a note says so: `screening.about_items`
        return Developed(context.layout.name)
    weigh = bootstrap(dev.items, context)

    def score(said: Sequence[Prediction]) -> float:
        return weigh.score(tabulate(dev.items, said)).value

    base = _base(first or folder, dev, context)
    layouts = {name: round(score(rows), 4) for name, rows in base.items()}
    said = {
        f"{name}@0": ask(
            folder, System(f"{name}@0", context.tuned_layout, adapters[name].path), dev, context
        )
        for name in TUNED
        if name in adapters
    }
    scores = {system: score(rows) for system, rows in said.items()}
    best = max(layouts, key=lambda name: layouts[name])
    made = Developed(best, layouts, scores, {**said, BASE_BEST: base[best]})
    return replace(made, gain=gain(made, BASE_BEST, made.said[BASE_BEST], dev.items, context))


def gain(
    made: Developed,
    over: str,
    baseline: Sequence[Prediction],
    dev: Sequence[Item],
    context: Context,
) -> DevGain | None:
    """Returns the paired dev gain of a round's system; None if there is nothing to compare."""
    if not made.scores:
        return None
    table, other = (tabulate(dev, rows) for rows in (made.said[made.system], baseline))
    found = bootstrap(dev, context).gain(table, other)
    return DevGain(over, found.mean, found.low, found.high)


def _base(folder: RoundFolder, dev: EvaluationSet, context: Context) -> dict[str, list[Prediction]]:
    """Returns what the base says in each layout."""
    return {
        layout.name: ask(folder, System(f"base[{layout.name}]", layout), dev, context)
        for layout in LAYOUTS.values()
    }
