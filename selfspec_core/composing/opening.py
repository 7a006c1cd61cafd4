"""A composition opened to be talked to, as the specialist that it is."""

from __future__ import annotations

from dataclasses import replace

from selfspec_core.assembly.trust import check_trust
from selfspec_core.composing.folder import FILE, find_composition, read_composition
from selfspec_core.errors import UsageError
from selfspec_core.specialists import Specialist, open_specialist
from selfspec_core.stages.names import MIXTURE


def open_to_ask(name: str) -> Specialist:
    """Opens a run for its specialist, or a composition for its mixture.

    Raises:
        UsageError: if there is neither, or no mixture yet, or it would let code of a model run.
    """
    path = find_composition(name)
    if path is None:
        return open_specialist(name)
    about, adapter = read_composition(path), path / "adapter"
    if not adapter.is_dir():
        raise UsageError(f"{path}: has no mixture yet; the same `selfspec compose` goes on with it")
    check_trust(about.of.set, path / FILE)
    domains = dict.fromkeys(run.domain for run in about.of.runs)
    first = open_specialist(about.paths[0], about.of.set)
    return replace(first, run=path, system=MIXTURE, adapter=adapter, domain=", ".join(domains))
