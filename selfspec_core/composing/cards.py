"""README.md of a composition: what it is made of, how it is used, how it did."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from selfspec_core.composing.scores import ALL
from selfspec_core.files import write_atomically
from selfspec_core.similarity.text import unprintable
from selfspec_core.stages.names import MIXTURE


def write_card(folder: Path, scores: Mapping[str, Any]) -> None:
    """Writes README.md of a composition.

    Args:
        scores: what scores.json says.
    """
    experts = "\n".join(
        f"- `{_plain(run)}`, a specialist of {_plain(field)}"
        for run, field in scores["runs"].items()
    )
    card = f"""# A mixture of specialists of {_plain(scores["base"])}

{experts}

One linear router, shared by all LoRA layers, sends each token through one of them (Self-MoE,
[Kang et al., 2406.12034](https://arxiv.org/abs/2406.12034)). It was trained on the examples that
their runs accepted, with everything else frozen.

    selfspec ask {_plain(folder)} "question"

{scores["composed"][MIXTURE]["use"]}
{_table(scores)}
`adapter/` is the mixture, `controls/` what it was measured against, `predictions.jsonl` every
answer, `scores.json` all scores with their intervals.
"""
    write_atomically(folder / "README.md", card)


def _table(scores: Mapping[str, Any]) -> str:
    """Returns scores on the test items of all fields, if there are any."""
    if ALL not in scores:
        return "There were no test items to measure it on.\n"
    found = scores[ALL]
    lines = ["| system | score | 95 % interval |", "|---|---|---|"]
    lines += [
        f"| {_plain(name)} | {one['macro']:.3f} | [{one['low']:.3f}, {one['high']:.3f}] |"
        for name, one in found["systems"].items()
    ]
    return "\n".join(lines) + "\n"


def _plain(text: object) -> str:
    return "".join(" " if unprintable(c) or c in "`|\\" else c for c in str(text))
