"""Rules about a package's code: its names, its import, its hooks, its recipes, a whole run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from selfspec_core.assembly.recipes import RECIPES
from selfspec_core.checks.outcome import Outcome, passed, verdict_on
from selfspec_core.checks.package import Package
from selfspec_core.config import Settings
from selfspec_core.errors import SelfspecError, UsageError
from selfspec_core.plugins import HOOKS

HEAVY = frozenset(
    "torch transformers peft trl accelerate bitsandbytes datasets chromadb llama_index bm25s "
    "sentence_transformers sklearn scipy pandas matplotlib tensorflow jax spacy nltk".split()
)
"""Libraries that take long to import; a package imports them inside functions."""

SECONDS = 0.3
"""What importing a package may add to the start of every command, in seconds of the processor: what
else the machine is doing does not count."""

_TRIES = 3
_IMPORT = """
import json, sys, time
import selfspec_core
start = time.process_time()
__import__(sys.argv[1])
print(json.dumps([time.process_time() - start, sorted(m.partition(".")[0] for m in sys.modules)]))
"""
_RUN = "run --domain {name} --model scripted --set data.size=16 --set evaluation.resamples=200"
_RUN_SECONDS = 600


def names(package: Package) -> Outcome:
    """Compares entry point, distribution, importable folder and the domain's own name."""
    name, folder = package.name, package.module.partition(".")[0]
    wanted = {
        f"the distribution is called '{package.dist}'": (
            package.dist.replace("_", "-"),
            f"selfspec-{name.replace('_', '-')}",
        ),
        f"the importable folder is called '{folder}'": (folder, f"selfspec_{name}"),
    }
    found = find_spec(folder)
    root = Path(found.origin).parent if found and found.origin else None
    faults = [f"{what}, not '{right}'" for what, (is_, right) in wanted.items() if is_ != right]
    if root is None or not (root / "domain.toml").is_file():
        faults.append(f"the recipe is missing: {folder}/domain.toml")
    return verdict_on(faults, f"{package.dist}, {folder}/, {folder}/domain.toml")


def import_light(package: Package) -> Outcome:
    """Imports the package in a process of its own and looks for heavy libraries."""
    _, modules = _imported(package)
    heavy = sorted(HEAVY & set(modules))
    faults = [f"import {package.module} imports {', '.join(heavy)}"] if heavy else []
    return verdict_on(faults, f"import {package.module}")


def import_time(package: Package) -> Outcome:
    """Measures what the import adds to importing selfspec_core: the best of three tries."""
    best = min(_imported(package)[0] for _ in range(_TRIES))
    slow = best >= SECONDS
    return verdict_on([f"{best:.2f} s"] if slow else [], f"{best:.3f} s")


def _imported(package: Package) -> tuple[float, list[str]]:
    done = subprocess.run(
        [sys.executable, "-c", _IMPORT, package.module],
        env=_environment(),
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise UsageError(f"import {package.module}: {_last_line(done.stderr)}")
    seconds, modules = json.loads(done.stdout.splitlines()[-1])
    return float(seconds), list(modules)


def _environment() -> dict[str, str]:
    """Returns an environment in which a process finds what this one finds."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}


def _last_line(text: str) -> str:
    return (text.strip().splitlines() or ["no message"])[-1]


def loads(package: Package) -> Outcome:
    """Loads the package as a run does and calls every hook of its own."""
    host, name = package.host, package.name
    offered = {what: host.offered(what, name) for what in HOOKS}
    faults = [str(source.error) for source in host.failures() if source.dist == package.dist]
    own = [
        f"{what.removesuffix('s').replace('_', ' ')} {cls.name}"
        for what, found in offered.items()
        for source, cls in found
        if source.dist == package.dist
    ]
    if not faults and f"domain {name}" not in own:
        offers = ", ".join(own) or "nothing"
        faults.append(f"its hooks offer no domain called '{name}' (they offer {offers})")
    return verdict_on(faults, ", ".join(own))


def recipes(package: Package) -> Outcome:
    """Reads both recipes: every key known, every value right, and those of domain.toml."""
    faults = []
    for size in RECIPES:
        written = package.written_recipe(size)
        if package.domain.recipe(size) != written:
            faults.append(f"recipe {size} is not what domain.toml says")
        package.settings(size)
    return verdict_on(faults, " and ".join(RECIPES))


def components(package: Package) -> Outcome:
    """Builds every component that a recipe names, with the settings the recipe gives it."""
    found: set[str] = set()
    faults = []
    for size, settings in package.every_settings():
        for key, what, name in _named(settings, package):
            own = settings.filters if what == "filters" else settings.components
            try:
                package.host.build(what, name, own.of(name), package.name)
                found.add(name)
            except SelfspecError as error:
                faults.append(f"recipe {size}: {key}: {error}")
    return verdict_on(faults, ", ".join(sorted(found)))


def _named(settings: Settings, package: Package) -> Iterator[tuple[str, str, str]]:
    """Yields (key, kind of component, name) of every component in the settings."""
    yield "propose.generator", "generators", settings.propose.generator
    yield "answer.generator", "generators", settings.answer.generator
    for name in settings.filters.order:
        yield "filters.order", "filters", name
    for name in settings.evaluation.evaluators:
        yield "evaluation.evaluators", "evaluators", name
    if settings.retrieval.retriever:
        yield "retrieval.retriever", "retrievers", settings.retrieval.retriever
    if settings.training.trainer:
        yield "training.trainer", "trainers", settings.training.trainer


def run(package: Package) -> Outcome:
    """Runs the whole loop with the scripted model, in a folder that is thrown away."""
    words = _RUN.format(name=package.name).split()
    if package.settings("quick").training.trainer:
        words += ["--set", "training.trainer=remember"]
    with tempfile.TemporaryDirectory(prefix="selfspec-check-") as folder:
        done = subprocess.run(
            [sys.executable, "-m", "selfspec_core", *words],
            cwd=folder,
            env=_environment(),
            capture_output=True,
            text=True,
            timeout=_RUN_SECONDS,
        )
    command = f"selfspec {' '.join(words)}"
    if done.returncode:
        raise UsageError(f"{command}: exit code {done.returncode}: {_last_line(done.stderr)}")
    return passed(command)
