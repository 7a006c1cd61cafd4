"""The runs that are composed: opened, and held to what they have to have in common."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from selfspec_core.assembly.assemble import Assembly, assemble
from selfspec_core.assembly.screening import build_firewall, items_of_domains
from selfspec_core.components import Context, Expert
from selfspec_core.composing.folder import Ingredient, Ingredients
from selfspec_core.errors import UsageError
from selfspec_core.firewall import Firewall
from selfspec_core.progress import Progress
from selfspec_core.provenance import conditions
from selfspec_core.specialists import Specialist, open_specialist
from selfspec_core.stages.asking import EvaluationSet
from selfspec_core.stages.tuning import examples_of, rows_of
from selfspec_core.types import Example, Seed


@dataclass(frozen=True, slots=True)
class Member:
    """A run that is composed, with what it takes to tune and to ask as it did."""

    specialist: Specialist
    assembly: Assembly

    @property
    def name(self) -> str:
        """The run's name."""
        return self.specialist.name

    @property
    def context(self) -> Context:
        """The run's context, as in the round that was chosen."""
        return self.assembly.context

    @property
    def own(self) -> EvaluationSet:
        """The first of its sets with test items: those of its domain, if it has any."""
        sets = self.assembly.parts.sets
        return next((one for one in sets if one.split("test")), sets[0])

    def examples(self) -> list[Example]:
        """Returns what the specialist was tuned on and its run has written itself."""
        own = self.specialist
        return examples_of(own.run, own.number, own.settings)

    def rows(self) -> list[Seed | Example]:
        """Returns all that the specialist was tuned on: seeds, examples, replay."""
        return rows_of(self.examples(), self.context)

    def conditions(self) -> dict[str, Any]:
        """Returns what must stay the same for a composition to end with the same bytes."""
        return conditions(replace(self.assembly, knowledge=()))  # the run has an index of its own


def open_specialists(names: Sequence[str], flags: Sequence[dict[str, Any]]) -> list[Specialist]:
    """Opens the runs to compose; only reads.

    Args:
        flags: settings over those of the runs, as nested tables.

    Raises:
        UsageError: if there are fewer than two, one is not there or has no specialist, or they do
            not fit together, naming the run.
    """
    if len(names) < 2:
        given = f"{len(names)} run{'' if len(names) == 1 else 's'} given"
        raise UsageError(f"compose: {given}, expected two or more: selfspec compose RUN RUN")
    found = [open_specialist(name, flags) for name in names]
    first, seen = found[0], dict[str, Path]()
    for given, one in zip(names, found, strict=True):
        if one.name in seen:
            same = seen[one.name].resolve() == one.run.resolve()
            why = "is given twice" if same else f"has the same name as {seen[one.name]}"
            raise UsageError(f"{given}: {why}; expected runs of different names")
        seen[one.name] = one.run
        _check_base(one, first)
        layouts = [each.settings.training.layout for each in (one, first)]
        if layouts[0] != layouts[1]:
            raise UsageError(
                f"{one.name}: was tuned in the layout '{layouts[0]}', {first.name} in "
                f"'{layouts[1]}'; experts need the same training.layout"
            )
    return found


def _check_base(one: Specialist, first: Specialist) -> None:
    bases = [each.base for each in (one, first)]
    if bases[0] != bases[1]:
        raise UsageError(
            f"{one.name}: was tuned on {bases[0]}, {first.name} on {bases[1]}; "
            "adapters can be composed on one base only"
        )
    weights = [_weights(each) for each in (one, first)]
    if weights[0] != weights[1]:
        raise UsageError(
            f"{one.name}: was tuned on other weights of {bases[0]} than {first.name}; "
            "adapters can be composed on one base only"
        )


def _weights(specialist: Specialist) -> Any:
    """Returns what is known of the weights that a run was tuned on."""
    found = specialist.tuned_on(specialist.model().name)
    return found.get("weights") or found.get("revision"), found.get("parameters")


def assembled(specialists: Sequence[Specialist], progress: Progress) -> list[Member]:
    """Builds what it takes to tune and ask as each run did, all with the first one's model."""
    members: list[Member] = []
    for one in specialists:
        request = replace(one.request, baselines=())  # which are not asked again
        assembly = assemble(request, progress, one.host)
        context = assembly.context
        context.round = one.number
        if request.knowledge:
            context.retriever = one.retriever()
        if assembly.parts.training_model is not None:
            context.model = assembly.parts.training_model
        if members:
            context.model = members[0].context.model
        members.append(Member(one, assembly))
    return members


def firewall_of(members: Sequence[Member]) -> Firewall:
    """Builds one firewall over the items of all runs and all installed domains."""
    seeds = [seed for one in members for seed in (*one.context.seeds, *one.context.general_seeds)]
    sets = [each for one in members for each in one.assembly.parts.sets]
    return build_firewall(seeds, sets, items_of_domains(members[0].specialist.host)[0])


def experts_of(
    members: Sequence[Member], firewall: Firewall
) -> tuple[list[Expert], list[dict[str, str]]]:
    """Returns the adapters with the examples that share no text with an item of any run, and the
    evidence against the others."""
    experts, evidence = [], []
    for one in members:
        rows = one.examples()
        verdicts = list(zip(rows, firewall.screen(rows), strict=True))
        kept = [row for row, verdict in verdicts if verdict.keep]
        experts.append(Expert(one.name, one.specialist.adapter, kept))
        evidence += [
            {"run": one.name, "row": row.id, "evidence": verdict.evidence}
            for row, verdict in verdicts
            if not verdict.keep
        ]
    return experts, evidence


def ingredients(specialists: Sequence[Specialist], flags: Sequence[dict[str, Any]]) -> Ingredients:
    """Returns what is composed."""
    runs = [
        Ingredient(one.name, one.domain, one.number, one.system, _digest(one.adapter))
        for one in specialists
    ]
    return Ingredients(runs, specialists[0].base, list(flags))


def _digest(adapter: Path) -> str:
    """Returns what tells an adapter's files from others."""
    whole = hashlib.sha256()
    for file in sorted(path for path in adapter.rglob("*") if path.suffix != ".md"):
        if file.is_file():
            whole.update(file.read_bytes())
    return whole.hexdigest()[:16]
