"""A domain's tasks as lm-eval YAML and JSON lines, scored there as here.

Each task is asked without demonstrations, in the layout of the run or recipe; tasks with closed
choices also stand by likelihood, as `…_likelihood`. The tasks call
`selfspec_core.interchange.lm_eval_scoring`, so the environment of lm-eval needs selfspec, without
its extras.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from selfspec_core.assembly.assemble import load_host, read_sets
from selfspec_core.assembly.request import Request, resolve_settings
from selfspec_core.errors import UsageError
from selfspec_core.interchange.trainer_configs import as_yaml
from selfspec_core.layouts import LAYOUTS, Layout
from selfspec_core.plugins import PluginHost
from selfspec_core.runs import Run, find_run
from selfspec_core.types import CLOSED_KINDS, Item

MODULE = "selfspec_tasks"
_SPLITS = {"dev": "validation", "test": "test"}
_CODE = '''\
"""What lm-eval calls for the tasks of this folder."""

from pathlib import Path

from selfspec_core.interchange import lm_eval_scoring as scoring


def rows(file, **_):
    return scoring.rows(Path(__file__).parent / file)


written, likeliest = scoring.written, scoring.likeliest
'''


@dataclass(frozen=True, slots=True)
class Tasks:
    """What is to be asked, and how.

    Attributes:
        group: name of the group of all tasks whose answers are written.
        max_new_tokens: of a written answer.
    """

    group: str
    items: Sequence[Item]
    layout: Layout
    max_new_tokens: int


def tasks_of(target: str) -> Tasks:
    """Returns what a run asked, its benchmarks too, or all items of a domain.

    Raises:
        UsageError: if `target` is neither a run nor a domain, or there are no items.
    """
    try:
        path = find_run(target)
    except UsageError:
        if target == "latest" or not _is_domain(target):
            raise
        request = Request(target, "full")
    else:
        manifest = Run.open(path).manifest
        request = Request.from_dict(manifest["request"], path / "manifest.json", works=False)
        request = replace(request, model=None)  # it may be gone
    host = load_host(request.domain, "DOMAIN")
    if not request.domain:
        raise UsageError(f"{target}: a run on seeds alone has no tasks to measure on")
    domain = host.build("domains", request.domain)
    settings = resolve_settings(request, domain, host)
    first = {"evaluation": {"evaluators": settings.evaluation.evaluators[:1]}}  # it asks benchmarks
    sets = read_sets(replace(request, set=(*request.set, first)))
    items = [item for one in sets for item in one.items]
    if not items:
        raise UsageError(f"{target}: has no items")
    layout = LAYOUTS[settings.training.layout]
    return Tasks(_name(domain.name), items, layout, settings.evaluation.max_new_tokens)


def _is_domain(name: str) -> bool:
    host = PluginHost()
    host.load_defaults("domains")
    try:
        host.load_domain(name, "RUN|DOMAIN")
    except UsageError:
        return False
    return True


def write_tasks(tasks: Tasks, folder: Path) -> list[str]:
    """Writes a YAML file and a file of documents for each task; returns the tasks' names."""
    by_task: dict[str, list[Item]] = {}
    for item in tasks.items:
        by_task.setdefault(item.task, []).append(item)
    names: dict[str, list[str]] = {tasks.group: [], f"{tasks.group}_likelihood": []}
    taken: set[str] = set()
    for task, items in by_task.items():
        name = _free(_name(f"{tasks.group}_{task}".removeprefix("selfspec_")), taken)
        _write_docs(items, tasks.layout, folder / f"{name}.jsonl")
        _write(folder, name, _written(name, items, tasks))
        names[tasks.group].append(name)
        if all(item.kind in CLOSED_KINDS and item.choices for item in items):
            closed = f"{name}_likelihood"
            _write(folder, closed, _likeliest(name, closed, items, tasks))
            names[f"{tasks.group}_likelihood"].append(closed)
    metrics = sorted({item.metric for item in tasks.items})
    made = "".join(f'{_aggregate(m)} = scoring.aggregate("{m}")\n' for m in metrics)
    (folder / f"{MODULE}.py").write_text(_CODE + made, encoding="utf-8")
    for group, members in names.items():
        if members:
            _write(folder, f"_{group}", as_yaml({"group": group, "task": members}))
    return [name for members in names.values() for name in members]


def _write(folder: Path, name: str, text: str) -> None:
    (folder / f"{name}.yaml").write_text(text, encoding="utf-8")


def _write_docs(items: Sequence[Item], layout: Layout, file: Path) -> None:
    with file.open("w", encoding="utf-8") as lines:
        for item in items:
            accepted = next(iter(item.output), "none")
            first = accepted if isinstance(accepted, str) else accepted[0]
            choices = [*item.choices]
            folded = [choice.lower() for choice in choices]
            doc = {
                "id": item.id,
                "split": _SPLITS[item.split],
                "prompt": layout.prompt(item.instruction, item.input),
                "target": layout.response(str(first)).lstrip(" "),
                "choices": choices,
                "right": folded.index(first.lower()) if first.lower() in folded else -1,
                "item": json.dumps(item.to_dict(), ensure_ascii=False),
            }
            lines.write(json.dumps(doc, ensure_ascii=True) + "\n")


def _common(name: str, file: str, items: Sequence[Item], layout: Layout) -> dict[str, Any]:
    splits = {item.split for item in items}
    named = {"dev": "validation_split", "test": "test_split"}
    return {
        "task": name,
        "dataset_kwargs": {"file": f"{file}.jsonl"},
        **{named[split]: _SPLITS[split] for split in ("dev", "test") if split in splits},
        "doc_to_text": "prompt",
        "target_delimiter": layout.response("x").removesuffix("x"),
        "fewshot_delimiter": layout.end,
        "num_fewshot": 0,
        "metadata": {"version": 1.0},
    }


def _written(name: str, items: Sequence[Item], tasks: Tasks) -> str:
    layout = tasks.layout
    table = _common(name, name, items, layout) | {
        "output_type": "generate_until",
        "doc_to_target": "target",
        "generation_kwargs": {
            "until": list(layout.stops(items[0].kind)),
            "max_gen_toks": tasks.max_new_tokens,
            "do_sample": False,
        },
    }
    return as_yaml(table) + _functions("written", items)


def _likeliest(file: str, name: str, items: Sequence[Item], tasks: Tasks) -> str:
    table = _common(name, file, items, tasks.layout) | {
        "output_type": "multiple_choice",
        "doc_to_choice": "choices",
        "doc_to_target": "right",
    }
    return as_yaml(table) + _functions("likeliest", items)


def _functions(score: str, items: Sequence[Item]) -> str:
    """Returns the lines that name functions, which are no plain values of YAML."""
    metric = items[0].metric
    return f"""\
custom_dataset: !function {MODULE}.rows
process_results: !function {MODULE}.{score}
metric_list:
  - metric: {json.dumps(metric)}
    aggregation: !function {MODULE}.{_aggregate(metric)}
    higher_is_better: true
  - metric: parsable
    aggregation: mean
    higher_is_better: true
"""


def _aggregate(metric: str) -> str:
    return "aggregate_" + re.sub(r"\W", "_", metric)


def _free(name: str, taken: set[str]) -> str:
    """Returns a name for the files of a task: `a b` and `a_b` would be written to the same."""
    tried, number = name, 1
    while not taken.isdisjoint(both := (tried, f"{tried}_likelihood")):
        number += 1
        tried = f"{name}_{number}"
    taken.update(both)
    return tried


def _name(text: str) -> str:
    return "selfspec_" + re.sub(r"[^\w]+", "_", text).strip("_")
