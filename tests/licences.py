"""Licences of all that selfspec stands on: `make licences` prints a row for each distribution.

What counts is what a distribution's own metadata says, in the environment that this runs in; of
what is not installed in it only the name is known.
"""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

# Permissive, or weak copyleft by the file (MPL-2.0) of files that are used as they are.
ALLOWED = set(
    "0BSD Apache-2.0 BSD BSD-2-Clause BSD-3-Clause BSL-1.0 CC0-1.0 CNRI-Python HPND ISC MIT "
    "MIT-CMU MPL-2.0 PSF-2.0 Unlicense Zlib".split()
) | {"Apache-2.0 WITH LLVM-exception"}

# Not of these, and still fine: why.
REASONS = {
    "chardet": "LGPL; what lm-eval writes tables with loads it as it is, and nobody ships it",
    "dirtyjson": "its licence file: MIT or AFL-2.1, as one likes",
}
CUDA = ("nvidia-", "cuda-toolkit")
"""Begin the names of what torch's build for CUDA brings, and nothing else here needs."""

# Spellings in the free field `License` and in classifiers, in lower case and without "license".
SPELLINGS = {
    "Apache-2.0": "apache|apache 2.0|apache-2.0|apache, version 2.0|apache version 2.0|"
    "apache software",
    "BSD": "bsd",
    "BSD-2-Clause": "bsd-2-clause|bsd 2-clause",
    "BSD-3-Clause": "new bsd|bsd-3-clause|bsd 3-clause|3-clause bsd",
    "HPND": "hpnd|historical permission notice and disclaimer (hpnd)",
    "ISC": "isc|isc (iscl)",
    "MIT": "mit|the mit|the mit (mit)",
    "MPL-2.0": "mpl-2.0|mozilla public 2.0 (mpl 2.0)",
    "PSF-2.0": "psf|psfl|psf-2.0|python software foundation",
    "Unlicense": "unlicense|the un (unlicense)",
    "Zlib": "zlib|zlib/libpng",
}
KNOWN = {spelling: name for name, all_ in SPELLINGS.items() for spelling in all_.split("|")}


@dataclass(frozen=True)
class Row:
    """A distribution of the closure; `version` is empty where it is not installed."""

    name: str
    version: str
    licence: str
    why: str

    @property
    def fine(self) -> bool:
        """Whether it may be used: by its licence, or for a reason that is given."""
        return not self.version or bool(reason(self.name)) or allowed(self.licence)


def reason(name: str) -> str:
    """Why a distribution is fine whatever its licence, or nothing."""
    cuda = "NVIDIA's, used where torch was chosen for its GPUs; selfspec passes it on to nobody"
    return REASONS.get(name, cuda if name.startswith(CUDA) else "")


def licence_of(found: Distribution) -> str:
    """An SPDX expression; where there is none, all that field and classifiers say, with AND."""
    said = found.metadata
    expression = said["License-Expression"]
    if expression:
        return str(expression)
    lines = (said["License"] or "").strip().splitlines()
    if lines == ["Dual License"]:  # which, the classifiers say
        lines = []
    # A field of many lines is the text of a licence: its first line may be the name, or anything.
    names = [known for line in lines[:1] if (known := _spdx(line)) in ALLOWED or len(lines) == 1]
    for classifier in said.get_all("Classifier") or []:
        kind, _, name = classifier.rpartition(" :: ")
        if kind.startswith("License") and name != "OSI Approved" and name != "DFSG approved":
            names.append(_spdx(name))
    joined = [f"({name})" if " OR " in name else name for name in dict.fromkeys(names)]
    return " AND ".join(joined) or "unknown"


def _spdx(spelling: str) -> str:
    bare = re.sub(r"\s*\blicense\b", "", spelling.strip().lower()).strip()
    return KNOWN.get(bare, spelling.strip())


def allowed(expression: str) -> bool:
    """Whether an SPDX expression can be met by licences of `ALLOWED`; AND binds before OR."""

    def met(part: str) -> bool:
        return any(
            all(name.strip() in ALLOWED for name in either.split(" AND "))
            for either in part.split(" OR ")
        )

    while inner := re.search(r"\(([^()]*)\)", expression):
        value = "MIT" if met(inner[1]) else "not allowed"
        expression = expression[: inner.start()] + value + expression[inner.end() :]
    return met(expression)


def closure(root: str = "selfspec") -> list[Row]:
    """All that `root` requires, with every extra, and all that those require; near ones first.

    `why` is the group of requirements that names it (`core`, or an extra), or `by` what needs it.
    """
    rows: dict[str, Row] = {}
    asked = set()
    extras = ["", *distribution(root).metadata.get_all("Provides-Extra")]
    queue = deque((each, extra or "core") for extra in extras for each in _requires(root, extra))
    while queue:
        wanted, why = queue.popleft()
        name = canonicalize_name(wanted.name)
        for extra in ("", *sorted(wanted.extras)):
            if (name, extra) in asked:
                continue
            asked.add((name, extra))
            try:
                found = distribution(name)
            except PackageNotFoundError:
                rows.setdefault(name, Row(name, "", "", why))
                continue
            rows.setdefault(name, Row(name, found.version, licence_of(found), why))
            queue.extend((each, f"by {name}") for each in _requires(name, extra))
    return list(rows.values())


def _requires(name: str, extra: str) -> list[Requirement]:
    """What it requires here; with an extra, what that adds."""
    wanted = [Requirement(line) for line in distribution(name).requires or []]
    here = [each for each in wanted if not each.marker or each.marker.evaluate({"extra": ""})]
    if not extra:
        return here
    return [each for each in wanted if each.marker and each.marker.evaluate({"extra": extra})]


def main() -> None:
    """Prints the table, and ends with 1 if a licence is not allowed."""
    rows = closure()
    for row in rows:
        licence = row.licence if row.version else "not installed here"
        note = f"  ({reason(row.name)})" if reason(row.name) else ""
        mark = " " if row.fine else "!"
        print(f"{mark} {row.name:41}{row.version:18}{row.why:42}{licence}{note}")
    refused = [row.name for row in rows if not row.fine]
    absent = sum(not row.version for row in rows)
    print(f"{len(rows)} distributions, {absent} of them not installed here")
    print("not allowed:", ", ".join(refused) or "none")
    raise SystemExit(bool(refused))


if __name__ == "__main__":
    main()
