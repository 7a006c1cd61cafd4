"""What an export says of itself: a line on the screen, and README.md beside the weights."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from selfspec_core.files import write_atomically
from selfspec_core.similarity.text import unprintable

if TYPE_CHECKING:
    from selfspec_core.specialists import Specialist


def agreement(parity: Mapping[str, Any]) -> str:
    """Returns in a line how closely an artefact agrees with the trained model."""
    ties = parity["near_ties"]
    same = f"{parity['tokens'] - ties} of {parity['tokens']} tokens" if ties else "every token"
    others = f", the other {ties} at near-ties" if ties else ""
    return (
        f"{parity['prompts']} prompts replayed: {same} as the trained model's{others}; logits "
        f"differ by at most {parity['largest_difference']:.2g} of their standard deviation "
        f"(allowed: {parity['tolerance']:g})"
    )


def write_card(
    specialist: Specialist, out: Path, library: str, use: str, parity: Mapping[str, Any]
) -> None:
    """Writes README.md: what it is, how it is asked, and how it was compared.

    Args:
        library: the hub's name of what reads it.
        use: how it is read, in Markdown; may be empty.
    """
    layout = specialist.layout
    base, domain = _plain(specialist.base), _plain(specialist.domain)
    prompt = layout.prompt("{instruction}", "{input}")
    stops = ", ".join(f"`{stop!r}`" for stop in specialist.stops(layout))
    card = f"""---
base_model: "{base}"
library_name: {library}
pipeline_tag: text-generation
license: other
license_name: as-base-model-and-seeds
tags: [selfspec, self-specialization]
---
# {base}, specialized in {domain}

Tuned on what the same model wrote itself from a few hand-written seeds (Self-Specialization,
[Kang et al., 2310.00160](https://arxiv.org/abs/2310.00160)), with selfspec. It was tuned on lone
instructions, each in this layout; the part with the input is left out where there is none:

```
{prompt}
```

A response is over at one of {stops}.
{use}
{agreement(parity)}.
"""
    write_atomically(out / "README.md", card)


def _plain(text: str) -> str:
    return "".join(" " if unprintable(c) or c in '"\\' else c for c in text)
