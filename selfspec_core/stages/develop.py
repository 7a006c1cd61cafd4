"""What dev items decide: the base's best layout, a round's tuned system, the gain of a round.

Test items are not asked here, so whatever is chosen by it can be reported on them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from selfspec_core.components import Context
from selfspec_core.journals import RoundFolder
from selfspec_core.layouts import LAYOUTS
from selfspec_core.measures.statistics import macro, tabulate
from selfspec_core.stages.asking import EvaluationSet, ask, bootstrap, choose_layout
from selfspec_core.stages.collateral import collateral
from selfspec_core.stages.names import BASE_BEST, TUNED
from selfspec_core.stopping import DevGain
from selfspec_core.types import Adapter, Item, Prediction, System


@dataclass(frozen=True, slots=True)
class Developed:
    """What the dev items say about a round.

    Attributes:
        layout: the one in which the base does best.
        layouts: the base's dev score by layout.
        scores: dev score by tuned system (`specialized@0`, `preferred@0`).
        gain: of the system that stands for the round, over the base or an earlier round.
        diversity: of the round's instructions.
        collateral: gains on the dev items of other fields, by field and split.
    """

    layout: str
    layouts: Mapping[str, float] = field(default_factory=dict)
    scores: Mapping[str, float] = field(default_factory=dict)
    said: Mapping[str, Sequence[Prediction]] = field(default_factory=dict)
    gain: DevGain | None = None
    diversity: Mapping[str, float] = field(default_factory=dict)
    collateral: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

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
    other_fields: Sequence[EvaluationSet] = (),
) -> Developed:
    """Asks the round's tuned systems the dev items, and the base in every layout.

    Args:
        own: the domain's own items; dev items of other sets choose nothing.
        first: folder of the first round, in whose journal the base's answers are.
        other_fields: sets whose dev items show what was lost elsewhere.
    """
    dev = replace(own, items=tuple(own.split("dev")))
    if not dev.items:  # a note says so: `screening.about_items`
        return Developed(context.layout.name)
    best, layouts = choose_layout(first or folder, "base", own, context)
    base = System(f"base[{best}]", LAYOUTS[best])
    tuned = {
        f"{name}@0": System(f"{name}@0", context.tuned_layout, adapters[name].path)
        for name in TUNED
        if name in adapters
    }
    said = {name: ask(folder, system, dev, context) for name, system in tuned.items()}
    scores = {name: macro(tabulate(dev.items, rows)) for name, rows in said.items()}
    said[BASE_BEST] = ask(first or folder, base, dev, context)  # out of the journal
    made = Developed(best, layouts, scores, said)
    if not tuned:
        return made
    lost = collateral(
        folder, replace(base, name=BASE_BEST), tuned[made.system], other_fields, context, ("dev",)
    )
    over_base = gain(made, BASE_BEST, said[BASE_BEST], dev.items, context)
    return replace(made, gain=over_base, collateral=lost)


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
