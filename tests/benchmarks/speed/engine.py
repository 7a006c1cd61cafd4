"""Writing after shared demonstrations: ours beside generate, distilabel and ctranslate2.

All get the same prompts, fp32 weights, two cores, greedy choice, and a model folder in which a
text never ends, so that each row gets as many tokens from each (checked). Ours uses the cores by
two threads or by two processes, whichever is faster, the rivals by two threads. `generate` and
distilabel encode the demonstrations for every row; rows come to them sorted by length, in the batch
size that suits them best. ctranslate2 gets the demonstrations as its cached static prompt, or not,
whichever is faster. All take their turns in one run, and medians are compared.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from statistics import median
from typing import Any

from speed import Measured
from speed.models import FOLDER, NAMES, THREADS, endless, quiet_threads
from speed.prompts import shared_prompts

NEW = 48
OWN = 120
"""Tokens of a prompt beside the demonstrations, about."""
ROWS = {"nano": 64, "15M": 32, "135M": 8}
TURNS = {"nano": 5, "15M": 3, "135M": 3}
BATCHES = (8, 16, 32, 64)


@dataclass
class Contender:
    """Somebody who writes.

    Attributes:
        write: takes one of `options`; returns seconds and what every row became.
        options: what to try; the first turn tells which is the best.
    """

    write: Callable[[Any], tuple[float, list[Any]]]
    options: list[Any]


def measure(models: Sequence[str] = NAMES) -> Measured:
    """Compares the contenders on each model."""
    environment = quiet_threads()
    ratios: dict[str, float] = {}
    figures: dict[str, Any] = {}
    for name in models:
        found, figures[name] = _on(name, environment)
        prefix = "engine" if name == "nano" else f"engine_{name.lower()}"
        ratios |= {f"{prefix}_{key}": value for key, value in found.items()}
        print(name, figures[name], flush=True)
    return Measured(ratios, figures)


def _on(name: str, environment: dict[str, str]) -> tuple[dict[str, float], dict[str, Any]]:
    from selfspec_core.config import ModelSettings
    from selfspec_plugins.local.batches import common_prefix
    from selfspec_plugins.local.loading import using_threads
    from selfspec_plugins.local.transformers_model import TransformersModel
    from speed.floor import floor_seconds, rates, work_of

    home = endless(name)
    ours = TransformersModel(ModelSettings(path=home, threads=THREADS))
    ours.load()
    half = ROWS[name] // 2 * (NEW + OWN)  # a batch for each process
    spread = TransformersModel(
        ModelSettings(path=home, threads=1, processes=THREADS, batch_tokens=half)
    )
    spread.load()
    prompts = shared_prompts(ours.tokenizer, ROWS[name])
    rows = ours.encode(prompts)
    shared = common_prefix(rows)
    with ExitStack() as stack:
        contenders = _contenders(name, ours, spread, prompts, rows, shared, environment, stack)
        seconds, results, best = _in_turns(contenders, TURNS[name])
    written = len(rows) * NEW
    reference = results["generate"]
    assert {len(row) for row in reference} == {NEW}
    texts = [_text(ours, row) for row in reference]
    own = sum(map(len, rows)) / len(rows) - shared
    with using_threads(THREADS):  # those of `spread` are one each
        measured = rates(ours.hf, len(rows))
    least = floor_seconds(work_of(ours.hf, len(rows), shared, own, NEW), **measured)
    figures = {
        "rows": len(rows),
        "shared": shared,
        "own": own,
        "tokens a second": {key: written / value for key, value in seconds.items()},
        "seconds": seconds,
        "best": best,
        "rows as generate's": {
            key: _same(key, texts, reference, result) for key, result in results.items()
        },
        "least margin where ours departs": _margins(ours, rows, reference, results["ours"]),
        "rates": measured,
        "floor tokens a second": written / least,
        "engine_floor_share": least / seconds["ours"],
    }
    ratios = {f"vs_{key}": value / seconds["ours"] for key, value in seconds.items()}
    del ratios["vs_ours"]
    spread.unload()
    ours.unload()
    return ratios, figures


def _in_turns(
    contenders: dict[str, Contender], turns: int
) -> tuple[dict[str, float], dict[str, list[Any]], dict[str, Any]]:
    """Returns each one's median seconds, what it wrote, and its best option."""
    best: dict[str, Any] = {}
    times: dict[str, list[float]] = {key: [] for key in contenders}
    results: dict[str, list[Any]] = {}
    tried: dict[str, dict[str, float]] = {}
    for key, contender in contenders.items():
        contender.write(contender.options[0])  # a warm-up
        tried[key] = {}
        for option in contender.options if len(contender.options) > 1 else []:
            tried[key][str(option)] = contender.write(option)[0]
        best[key] = min(
            contender.options, key=lambda option, key=key: tried[key].get(str(option), 0.0)
        )
    for _ in range(turns):
        for key, contender in contenders.items():
            taken, results[key] = contender.write(best[key])
            times[key].append(taken)
    chosen = {key: {"option": best[key], "seconds": tried[key]} for key in contenders}
    return {key: median(values) for key, values in times.items()}, results, chosen


def _contenders(
    name: str,
    ours: Any,
    spread: Any,
    prompts: list[str],
    rows: list[list[int]],
    shared: int,
    environment: dict[str, str],
    stack: ExitStack,
) -> dict[str, Contender]:
    from rivals import Session

    from selfspec_core.config import ModelSettings
    from selfspec_core.model_types import Sampling
    from selfspec_plugins.local import loading

    home = str(FOLDER / f"{name}-endless")
    plain, _ = loading.load(ModelSettings(path=home))  # as transformers has it
    batches = [size for size in BATCHES if size <= len(rows)]
    order = sorted(range(len(rows)), key=lambda i: len(rows[i]))
    back = sorted(range(len(rows)), key=lambda place: order[place])

    def write_ours(how: str) -> tuple[float, list[Any]]:
        model = ours if how == "threads" else spread
        start = time.perf_counter()
        with loading.using_threads(THREADS if how == "threads" else 1):
            texts = model.generate(prompts, Sampling(NEW))
        return time.perf_counter() - start, texts

    def write_generate(batch: int) -> tuple[float, list[Any]]:
        start = time.perf_counter()
        sorted_rows = [rows[i] for i in order]
        with loading.using_threads(THREADS):
            new = [
                row
                for at in range(0, len(rows), batch)
                for row in _generate(plain, sorted_rows[at : at + batch])
            ]
        return time.perf_counter() - start, [new[place] for place in back]

    contenders = {
        "ours": Contender(write_ours, ["processes", "threads"]),
        "generate": Contender(write_generate, batches),
    }
    distilabel = stack.enter_context(Session("distilabel", "distilabel_generate.py", environment))

    def write_distilabel(batch: int) -> tuple[float, list[Any]]:
        said = distilabel(
            model=home,
            threads=THREADS,
            prompts=[prompts[i] for i in order],
            new=NEW,
            batch=batch,
        )
        return said["seconds"], [said["texts"][place] for place in back]

    contenders["distilabel"] = Contender(write_distilabel, batches)
    spell = ours.tokenizer.convert_ids_to_tokens
    ct2 = stack.enter_context(Session("ctranslate2", "ctranslate2_generate.py", environment))
    for precision in ("float32", "int8"):

        def write_ct2(
            option: tuple[int, bool], precision: str = precision
        ) -> tuple[float, list[Any]]:
            batch, static = option
            said = ct2(
                model=home,
                precision=precision,
                threads=THREADS,
                shared=spell(rows[0][:shared]),
                tails=[spell(row[shared:]) for row in rows],
                new=NEW,
                batch=batch,
                static=static,
            )
            return said["seconds"], said["ids"]

        key = "ctranslate2" if precision == "float32" else "ctranslate2_int8"
        options = [(size, True) for size in batches] + [(batches[-1], False)]
        contenders[key] = Contender(write_ct2, options)
    return contenders


def _generate(model: Any, rows: list[list[int]]) -> list[list[int]]:
    """Returns what transformers' `generate` writes after left-padded rows."""
    import torch

    width = max(map(len, rows))
    padding = model.config.pad_token_id
    ids = torch.tensor([[padding] * (width - len(row)) + row for row in rows])
    mask = torch.tensor([[0] * (width - len(row)) + [1] * len(row) for row in rows])
    with torch.inference_mode():
        whole = model.generate(
            input_ids=ids, attention_mask=mask, max_new_tokens=NEW, do_sample=False
        )
    return whole[:, width:].tolist()


def _text(model: Any, row: list[int]) -> str:
    return model.tokenizer.decode(row, skip_special_tokens=True)


def _same(key: str, texts: list[str], reference: list[list[int]], result: list[Any]) -> float:
    """Returns the share of rows that became what `generate` makes of them."""
    wanted: list[Any] = reference if isinstance(result[0], list) else texts
    return sum(a == b for a, b in zip(wanted, result, strict=True)) / len(result)


def _margins(
    model: Any, rows: list[list[int]], reference: list[list[int]], texts: list[str]
) -> list[float]:
    """Returns, per row where ours departs from `generate`, how near the two best logits were."""
    import torch

    margins = []
    for row, new, text in zip(rows, reference, texts, strict=True):
        if _text(model, new) == text:
            continue
        at = next(k for k in range(NEW) if not text.startswith(_text(model, new[: k + 1])))
        with torch.inference_mode():
            logits = model.hf(input_ids=torch.tensor([row + new[:at]])).logits[0, -1]
        first, second = logits.topk(2).values.tolist()
        margins.append(first - second)
    return margins
