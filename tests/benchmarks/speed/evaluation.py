"""Asking items: ours beside lm-eval, same model, same prompts to the byte, items of finance.

Two kinds: closed choices weighed by their likelihood, and written answers that must equal the
accepted one, up to a line's end. Each without demonstrations and after five that all share. Loading
is counted for neither; every item must get the same score from both.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from rivals import ENVIRONMENTS, Session

from speed import Measured
from speed.models import THREADS, folder, quiet_threads
from speed.prompts import items, seeds

BATCHES = (8, 16, 32, 64)
TURNS = 5
NEW = 24
CLOSED = ("headline_sentiment", "event_type")
WRITTEN = ("figure_lookup", "company_ner", "glossary")
SHOTS = (0, 5)

CHOOSING = """\
task: {name}
dataset_path: json
dataset_kwargs:
  data_files:
    test: {file}
test_split: test
output_type: multiple_choice
doc_to_text: "{{{{prompt}}}}"
doc_to_choice: "{{{{choices}}}}"
doc_to_target: target
metric_list:
  - metric: acc
"""
WRITING = """\
task: {name}
dataset_path: json
dataset_kwargs:
  data_files:
    test: {file}
test_split: test
output_type: generate_until
doc_to_text: "{{{{prompt}}}}"
doc_to_target: "{{{{target}}}}"
generation_kwargs:
  until: ["\\n"]
  max_gen_toks: {new}
  do_sample: false
filter_list:
  - name: stripped
    filter:
      - function: remove_whitespace
      - function: take_first
metric_list:
  - metric: exact_match
"""


@dataclass(frozen=True)
class Asked:
    """A set of prompts, as both sides get it.

    Attributes:
        choices: of each prompt; empty if the answers are written.
        targets: the right choice's number, or the accepted text.
    """

    name: str
    prompts: list[str]
    choices: list[list[str]]
    targets: list[Any]


def measure() -> Measured:
    """Compares both on each kind and number of demonstrations."""
    environment = quiet_threads()
    import torch

    from selfspec_nano.plugin import Nano

    torch.set_num_threads(THREADS)
    model = Nano()
    model.load()
    for closed in (True, False) * 2:  # a warm-up: its second process takes some seconds to load
        _ours(_asked(closed, 5), model)
    ratios: dict[str, float] = {}
    figures: dict[str, Any] = {}
    with Session("lm_eval", "lm_eval_evaluate.py", environment) as rival:
        for shots in SHOTS:
            for closed in (True, False):
                asked = _asked(closed, shots)
                ratios[f"evaluation_{asked.name}_vs_lm_eval"], figures[asked.name] = _compare(
                    asked, model, rival
                )
                print(asked.name, figures[asked.name], flush=True)
    ratios = {"evaluation_vs_lm_eval": min(ratios.values()), **ratios}
    return Measured(ratios, figures)


def _asked(closed: bool, shots: int) -> Asked:
    from selfspec_core.layouts import LAYOUTS

    layout = LAYOUTS["task"]
    name = f"{'choices' if closed else 'written'}_{shots}"
    chosen = [item for item in items() if item.task in (CLOSED if closed else WRITTEN)]
    prompts = []
    for item in chosen:
        shown = [seed for seed in seeds() if seed.task == item.task][:shots]
        prompts.append(layout.few_shot(shown, item.instruction, item.input))
    if closed:
        targets: list[Any] = [item.choices.index(item.output[0]) for item in chosen]
        return Asked(name, prompts, [list(item.choices) for item in chosen], targets)
    return Asked(name, prompts, [], [_first(item.output[0]) for item in chosen])


def _first(answer: Any) -> str:
    """Returns one wording: an accepted answer may be several synonyms."""
    return str(answer if isinstance(answer, str) else answer[0])


def _write_task(asked: Asked, home: Path) -> None:
    home.mkdir(parents=True, exist_ok=True)
    file = home / f"{asked.name}.jsonl"
    with file.open("w", encoding="utf-8") as lines:
        for row, (prompt, target) in enumerate(zip(asked.prompts, asked.targets, strict=True)):
            held = {"prompt": prompt, "target": target}
            if asked.choices:
                held["choices"] = asked.choices[row]
            lines.write(json.dumps(held) + "\n")
    form = CHOOSING if asked.choices else WRITING
    text = form.format(name=asked.name, file=file, new=NEW)
    (home / f"{asked.name}.yaml").write_text(text, encoding="utf-8")


def _ours(asked: Asked, model: Any) -> tuple[list[float], list[Any]]:
    """Returns scores and answers of all items."""
    from selfspec_core.layouts import LAYOUTS
    from selfspec_core.model_types import Sampling
    from selfspec_plugins.weighing import weigh

    if not asked.choices:
        texts = model.generate(asked.prompts, Sampling(NEW, stop=("\n",)))
        said = [text.strip() for text in texts]
        return [float(a == b) for a, b in zip(said, asked.targets, strict=True)], said
    weights = weigh(model, asked.prompts, asked.choices, LAYOUTS["task"])
    best = [max(range(len(row)), key=row.__getitem__) for row in weights]
    return [float(a == b) for a, b in zip(best, asked.targets, strict=True)], weights


def _compare(asked: Asked, model: Any, rival: Session) -> tuple[float, dict[str, Any]]:
    home = ENVIRONMENTS / "lm_eval_tasks"
    _write_task(asked, home)
    question = {
        "model": str(folder("nano")),
        "tasks": str(home),
        "task": asked.name,
        "threads": THREADS,
    }
    tried = {batch: rival(**question, batch=batch)["seconds"] for batch in BATCHES}
    best = min(tried, key=lambda batch: tried[batch])
    scores, said = _ours(asked, model)  # a warm-up
    ours, theirs = [], []
    for _ in range(TURNS):
        start = time.perf_counter()
        scores, said = _ours(asked, model)
        ours.append(time.perf_counter() - start)
        answer = rival(**question, batch=best)
        theirs.append(answer["seconds"])
    assert answer["prompts"] == asked.prompts
    same = [a == b for a, b in zip(scores, answer["scores"], strict=True)]
    figures = {
        "items": len(scores),
        "lm-eval, seconds by batch": tried,
        "items a second": {
            "ours": len(scores) / median(ours),
            "lm_eval": len(scores) / median(theirs),
        },
        "score": {
            "ours": sum(scores) / len(scores),
            "lm_eval": sum(answer["scores"]) / len(scores),
        },
        "items of the same score": sum(same),
        "otherwise": [
            {"ours": said[i], "lm_eval": answer["responses"][i], "target": asked.targets[i]}
            for i, equal in enumerate(same)
            if not equal
        ],
    }
    return median(theirs) / median(ours), figures
