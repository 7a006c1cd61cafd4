"""The rules a domain package must pass: `selfspec check` and `DomainSuite` run this table."""

from __future__ import annotations

from collections.abc import Iterator

from selfspec_core.checks import code, data
from selfspec_core.checks.outcome import Outcome, Rule, skipped
from selfspec_core.checks.package import Package, opened
from selfspec_core.errors import SelfspecError

__all__ = ["RULES", "Outcome", "Package", "Rule", "apply", "check", "opened"]

_SHORT = f"importing it takes less than {code.SECONDS} s"

RULES = (
    Rule("names", "entry point, distribution, folder and recipe agree", code.names),
    Rule("import_light", "importing it loads no heavy library", code.import_light),
    Rule("import_time", _SHORT, code.import_time, ("import_light",), True),
    Rule("loads", "its hooks are known, well formed and offer the domain", code.loads),
    Rule("recipes", "recipes quick and full hold known settings", code.recipes, ("loads",)),
    Rule("components", "every component in them exists", code.components, ("recipes",)),
    Rule("seeds", "the seeds parse, with unique ids", data.seeds, ("loads",)),
    Rule("licences", "each seed has a source and a licence", data.licences, ("seeds",)),
    Rule("tasks", "the task files parse and fit the seeds", data.tasks, ("seeds",)),
    Rule("counts", "there are enough of everything", data.counts, ("seeds", "tasks")),
    Rule("labels", "closed labels are balanced", data.labels, ("seeds", "tasks")),
    Rule("seeds_apart", "no seed is near another", data.seeds_apart, ("seeds", "tasks")),
    Rule("items_apart", "no seed is near an item", data.items_apart, ("seeds", "tasks")),
    Rule("passages", "knowledge passages have sources", data.passages, ("loads",)),
    Rule("run", "a run with the scripted model completes", code.run, ("components", "counts")),
)
"""In the order in which they are run; a rule stands behind those it needs."""


def check(package: Package) -> Iterator[tuple[Rule, Outcome]]:
    """Yields each rule with its outcome; a rule that needs a failed one is skipped."""
    done: dict[str, Outcome] = {}
    for rule in RULES:
        outcome = done[rule.name] = apply(rule, package, done)
        yield rule, outcome


def apply(rule: Rule, package: Package, done: dict[str, Outcome]) -> Outcome:
    """Returns a rule's outcome; whatever the package raises is a failure, never raised.

    Args:
        done: outcomes of the rules before, by name.
    """
    lacking = [name for name in rule.needs if name in done and done[name].verdict != "pass"]
    if lacking:
        return skipped(f"needs '{lacking[0]}'")
    try:
        return rule.judge(package)
    except (Exception, SystemExit) as error:  # any: the package is somebody else's
        said = " ".join(str(error).split())
        known = isinstance(error, SelfspecError)
        return Outcome("fail", said if known else f"{type(error).__name__}: {said}")
