"""The lowest versions that pyproject.toml allows, as constraints for pip or uv: `make test-min`.

torch is left to constraints.txt: the older ones are to be had from the registry only as builds for
CUDA, which with what they require are three gigabytes to download.
"""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.version import Version


def lowest(extras: list[str]) -> list[str]:
    """`name==version` for each of selfspec's own requirements; the highest bound, if of several."""
    text = (Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8")
    project = tomllib.loads(text)["project"]
    named = [line for extra in extras for line in project["optional-dependencies"][extra]]
    wanted = [Requirement(line) for line in project["dependencies"] + named]
    bounds: dict[str, str] = {}
    for each in wanted:
        (bound,) = each.specifier
        bounds[each.name] = max(bounds.get(each.name, "0"), bound.version, key=Version)
    return [f"{name}=={version}" for name, version in sorted(bounds.items()) if name != "torch"]


if __name__ == "__main__":
    print("\n".join(lowest(sys.argv[1:])))
