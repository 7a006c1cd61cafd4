"""Instructions: a wording of ``wordings.toml`` with its interchangeable words filled in."""

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from random import Random


@dataclass(frozen=True)
class Wordings:
    """The wordings of every task, and the words for their slots by name of the domain."""

    tasks: dict[str, tuple[str, ...]]
    text: dict[str, list[str]]
    organisations: dict[str, list[str]]
    field: dict[str, list[str]]


@cache
def load_wordings() -> Wordings:
    """Read ``wordings.toml`` of this package.

    Raises:
        KeyError: the file lacks a table.
    """
    raw = tomllib.loads((files(__package__) / "wordings.toml").read_text("utf-8"))
    tasks = {task: tuple(texts) for task, texts in raw["tasks"].items()}
    for task, word in raw["entities"]["words"].items():
        tasks[task] = tuple(text.replace("{e}", word) for text in raw["entities"]["texts"])
    tasks["label"] = tuple(raw["label"]["texts"])
    return Wordings(tasks, raw["text"], raw["organisations"], raw["field"])


def join_choices(rng: Random, choices: list[str]) -> str:
    """Return choices as a phrase: ``a, b or c``, ``a, b, c`` or ``a / b / c``."""
    style = rng.random()
    if style < 0.55 and len(choices) > 1:
        return f"{', '.join(choices[:-1])} or {choices[-1]}"
    return (", " if style < 0.9 else " / ").join(choices)


def instruction(rng: Random, task: str, field: str, choices: list[str]) -> str:
    """Return one wording of a task's instruction.

    Args:
        rng: source of randomness.
        task: a task of ``wordings.toml``; ``label`` stands for a task without wordings of its own.
        field: name of the domain, which sets the words for text and organisations.
        choices: the labels, in the order in which they are to be named.
    """

    def pick(words: dict[str, list[str]]) -> str:
        return rng.choice(words.get(field, words["finance"]))

    wordings = load_wordings()
    template = rng.choice(wordings.tasks[task])
    return template.format(
        s=pick(wordings.text),
        o=pick(wordings.organisations),
        f=pick(wordings.field),
        c=join_choices(rng, choices),
    )
