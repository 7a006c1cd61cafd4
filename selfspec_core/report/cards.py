"""The cards of a run: README.md in each adapter's folder, and one beside the examples.

They are made of what the journals, scores.json and the settings say, so that a resumed run ends
with the same bytes; times, names of runs and paths are not in them.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from selfspec_core.components import Context
from selfspec_core.files import write_atomically
from selfspec_core.journals import RoundFolder
from selfspec_core.report.result import gain_rows, table
from selfspec_core.report.systems import explained, family, ours
from selfspec_core.report.words import counted, markdown, percent, quoted
from selfspec_core.stages.summary import funnel
from selfspec_core.stages.tuning import adapter_path, trained
from selfspec_core.types import Seed

README = "README.md"
_SOURCES = 20
"""Sources of passages that are named; those most shown."""

_LICENCES = {"apache-2.0", "mit", "cc-by-4.0", "cc-by-sa-4.0", "cc0-1.0", "bsd-3-clause"}
"""Licences that the hub has a short name for, as far as seeds are likely to have them."""


def write_cards(folder: RoundFolder, context: Context) -> None:
    """Writes the data card of a round and a card into each of its adapters, each in one step."""
    scores = _scores(folder)
    about = _about(folder, scores, context)
    if next(folder.read("examples"), None) is not None:
        write_atomically(folder.path / README, _render("data_card.md.jinja", about))
    for system, adapter in trained(folder).items():
        place = adapter_path(folder, system)
        if place.is_dir():
            mine = {"system": system, "family": family(system), "what": explained(system)}
            mine["lora"] = "yes" if (place / "adapter_config.json").exists() else ""
            card = {**about, **mine, "adapter": adapter, "card_results": system == _chosen(scores)}
            card |= _measured(f"{system}@0", about)
            write_atomically(place / README, _render("model_card.md.jinja", card))


def _scores(folder: RoundFolder) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(
            (folder.path / "scores.json").read_text(encoding="utf-8")
        )
    except FileNotFoundError:
        return {}
    return found


def _chosen(scores: Mapping[str, Any]) -> str:
    """Returns the adapter that the results of the domain's own items are results of."""
    own: dict[str, Any] = next(iter(scores.get("sets", {}).values()), {})
    return ours(own).partition("@")[0]


def _measured(system: str, about: Mapping[str, Any]) -> dict[str, Any]:
    """Returns of what was measured what is said of one system, and of no other."""
    return {
        "results": [{**one, "gains": gain_rows(one["scores"], system)} for one in about["results"]],
        "collateral": {
            field: gain for field, gain in about["collateral"].items() if system in gain["systems"]
        },
    }


def _about(folder: RoundFolder, scores: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """Returns what all cards of a round say."""
    settings, counts = context.settings, funnel(folder)
    model = settings.training.model or settings.model.path or settings.model.name
    base = Path(model).name if _is_path(str(model)) else str(model)
    sources = _passages(folder, context)
    licences = sorted({seed.licence for seed in context.seeds if seed.licence})
    return {
        "domain": context.domain,
        "base": base,
        "round": context.round,
        "settings": settings,
        "filters": settings.filters.order,
        "counts": counts,
        "seeds": _seeds(context.seeds),
        "seed_count": len(context.seeds),
        "licences": licences,
        "licence": _licence(licences, sources),
        "passages": sources[:_SOURCES],
        "more_sources": max(len(sources) - _SOURCES, 0),
        "layout": context.tuned_layout,
        "prompt": context.tuned_layout.prompt("{instruction}", "{input}"),
        "results": [
            {"name": name, "table": table(one), "scores": one}
            for name, one in scores.get("sets", {}).items()
            if one.get("systems")
        ],
        "tasks": {seed.task: seed.kind for seed in context.seeds},
        "collateral": {
            field: splits["test"]
            for field, splits in (scores.get("collateral") or {}).items()
            if "test" in splits
        },
    }


def _is_path(model: str) -> bool:
    """Says whether it is a path, whose folders are nobody else's business, and not a hub id."""
    return model.startswith((".", "/", "~"))


def _seeds(seeds: Iterable[Seed]) -> list[tuple[str, str, int]]:
    """Returns how many seeds come from where under which licence."""
    counts = Counter((seed.source, seed.licence) for seed in seeds)
    return [(source, licence, n) for (source, licence), n in counts.most_common()]


def _passages(folder: RoundFolder, context: Context) -> list[tuple[str, int, int]]:
    """Returns how many passages of each source were shown, and to how many examples."""
    shown_to = Counter[str]()
    for row in folder.read("examples"):
        shown_to.update(set(row.get("passages", ())))
    ids = list(shown_to)
    if not ids or context.retriever is None:
        return []
    passages, examples = Counter[str](), Counter[str]()
    for id_, passage in zip(ids, context.retriever.passages(ids), strict=True):
        source = Path(passage.source).name if _is_path(passage.source) else passage.source
        passages[source] += 1
        examples[source] += shown_to[id_]
    return [(source, n, examples[source]) for source, n in passages.most_common()]


def _licence(licences: Sequence[str], passages: Sequence[Any]) -> str:
    """Returns the licence of the front matter: the seeds' where there is one and nothing else."""
    only = licences[0].lower() if len(licences) == 1 else ""
    return only if only in _LICENCES and not passages else "other"


def _render(name: str, about: Mapping[str, Any]) -> str:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    # Markdown comes out: what is not ours goes through `md` or `yaml`.
    environment = Environment(  # noqa: S701
        loader=PackageLoader("selfspec_core.report", "template"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(
        md=markdown, yaml=quoted, percent=percent, count=counted, literal=json.dumps
    )
    return environment.get_template(name).render(about)
