"""Few-shot scores in the Task/Text/Answer layout, on nano-world or on files of items.

``python -m selfspec_nano.fewshot [--model FOLDER] [--seeds SEEDS.jsonl] [ITEMS.jsonl …]`` prints
exact match (set F1 for lists of names) with 0 and 5 demonstrations of the same task.
"""

import argparse
import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

from selfspec_nano import tokenizer, weights_path, world
from selfspec_nano.generate import complete
from selfspec_nano.layouts import STANDARD
from selfspec_nano.source import Item

if TYPE_CHECKING:
    from tokenizers import Tokenizer


def normal(text: str) -> str:
    """Return an answer for comparison: lower case, no full stop at the end."""
    return text.lower().strip().rstrip(".").strip()


def score(item: dict[str, Any], given: str) -> float:
    """Return the score of an answer: set F1 for names, else 1 for an exact match, 0 otherwise."""
    gold = item["output"] if isinstance(item["output"], list) else [item["output"]]
    if item["kind"] != "ner":
        return float(normal(given) in map(normal, gold))
    wanted = {normal(name) for name in ", ".join(gold).split(",")}
    found = {normal(name) for name in given.split(",")}
    return 2 * len(wanted & found) / (len(wanted) + len(found))


def read(paths: Iterable[Path], split: str) -> list[dict[str, Any]]:
    """Return the items of one split from JSONL files."""
    rows = [json.loads(line) for path in paths for line in path.read_text("utf-8").splitlines()]
    return [row for row in rows if row.get("split", split) == split]


def seeds(path: Path) -> dict[str, list[Item]]:
    """Return the demonstrations of a seed file by task."""
    found: dict[str, list[Item]] = {}
    for line in path.read_text("utf-8").splitlines():
        row = json.loads(line)
        output = row["output"] if isinstance(row["output"], str) else row["output"][0]
        found.setdefault(row["task"], []).append(
            Item(row["task"], row["instruction"], row["input"], output)
        )
    return found


def prompt(item: dict[str, Any], shown: list[Item]) -> str:
    """Return demonstrations and the query, up to ``Answer:``."""
    query = Item(item["task"], item["instruction"], item["input"], "")
    return "".join(STANDARD.entry(i) + "\n\n" for i in shown) + STANDARD.prompt(query) + "\nAnswer:"


def evaluate(
    model: Any,
    encoder: "Tokenizer",
    items: list[dict[str, Any]],
    pool: dict[str, list[Item]],
    shots: int,
    random_seed: int = 3,
) -> tuple[dict[str, float], list[str]]:
    """Return the mean score by task, and the answers.

    Args:
        model: the model.
        encoder: its tokenizer.
        items: rows with task, kind, instruction, input, output.
        pool: demonstrations by task.
        shots: how many of them stand in a prompt.
        random_seed: of their choice.
    """
    rng = Random(random_seed)
    prompts = []
    for item in items:
        own = pool.get(item["task"], [])
        prompts.append(prompt(item, rng.sample(own, min(shots, len(own)))))
    given = complete(model, encoder, prompts)
    hits: dict[str, list[float]] = {}
    for item, text in zip(items, given, strict=True):
        hits.setdefault(item["task"], []).append(score(item, text))
    return {task: sum(h) / len(h) for task, h in hits.items()}, given


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m selfspec_nano.fewshot", description=__doc__)
    parser.add_argument("items", type=Path, nargs="*")
    parser.add_argument("--model", type=Path, default=weights_path())
    parser.add_argument("--seeds", type=Path, help="demonstrations; those of nano-world if absent")
    parser.add_argument("--split", default="dev")
    options = parser.parse_args()
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(options.model, dtype="float32").eval()
    encoder = tokenizer.load(options.model)
    pool = seeds(options.seeds) if options.seeds else world.demonstrations()
    rows = read(options.items, options.split) if options.items else world_rows(options.split)
    tables = [evaluate(model, encoder, rows, pool, shots)[0] for shots in (0, 5)]
    for task in tables[0]:
        print(f"{task:20s}{tables[0][task]:8.3f}{tables[1][task]:8.3f}")  # noqa: T201
    means = [sum(table.values()) / len(table) for table in tables]
    print(f"{'macro':20s}{means[0]:8.3f}{means[1]:8.3f}")  # noqa: T201


def world_rows(split: str) -> list[dict[str, Any]]:
    """Return the items of nano-world of one split."""
    return [asdict(item) for item in world.items() if item.split == split]


if __name__ == "__main__":
    main()
