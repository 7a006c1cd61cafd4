"""`python tests/benchmarks/composed.py`: one specialist a domain, composed and measured.

Makes the runs that are not there yet under `runs/` of the present folder (or goes on with them),
composes them with `selfspec compose`, and prints the tables that README carries. Killed, the same
command goes on. What nano is now is what counts: runs on another nano are refused, so use an empty
folder once it has changed.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

DOMAINS = ("finance", "biomedicine", "law")


def selfspec(*words: str) -> str:
    """Calls the command line; returns what it prints on stdout.

    Raises:
        SystemExit: with its exit code, if it fails.
    """
    command = [sys.executable, "-m", "selfspec_core", *words]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit(done.returncode)
    return done.stdout


def make_run(name: str, domain: str, settings: Sequence[str]) -> None:
    """Makes a run, or takes it to its end."""
    if (Path("runs") / name / "manifest.json").exists():
        selfspec("resume", name)
    else:
        selfspec("run", "--domain", domain, "--name", name, *settings)


def table(scores: Mapping[str, Any], title: str) -> None:
    """Prints every system's scores and what the mixture gains over it, as Markdown."""
    whole, fields = scores["all"], scores["fields"]
    heads = ["system", *fields, "all", "95 % interval", "mixture − this", "95 % interval"]
    items = sum(whole["sizes"].values())
    print(f"\n{title}, {items} test items\n\n| {' | '.join(heads)} |\n{'|---' * len(heads)}|")
    for system, one in whole["systems"].items():
        cells = [f"{field['systems'][system]['macro']:.3f}" for field in fields.values()]
        cells += [f"{one['macro']:.3f}", f"[{one['low']:.3f}, {one['high']:.3f}]"]
        gain = whole["gains"].get(f"mixture@0 - {system}")
        if gain is None:
            cells += ["-", "-"]
        else:
            cells += [f"{gain['mean']:+.3f}", f"[{gain['low']:+.3f}, {gain['high']:+.3f}]"]
        print(f"| {system} | {' | '.join(cells)} |")


def main() -> None:
    """Runs the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--domains", nargs="+", default=DOMAINS)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", dest="settings")
    parser.add_argument("--random-seed", type=int, default=0)
    options = parser.parse_args()
    settings = [word for one in options.settings for word in ("--set", one)]
    settings += ["--random-seed", str(options.random_seed)]
    names = [f"{domain}-{options.random_seed}" for domain in options.domains]
    for name, domain in zip(names, options.domains, strict=True):
        make_run(name, domain, settings)
    scores = json.loads(selfspec("compose", *names, "--json"))
    table(scores, "As written")
    if "likelihood" in scores:
        table(scores["likelihood"], "By likelihood of the choices")
    for name, about in scores["composed"].items():
        print(f"\n{name}: {json.dumps({k: v for k, v in about.items() if k != 'use'})}")


if __name__ == "__main__":
    main()
