"""Seeds from InstructLab's taxonomies: `--seeds taxonomy/knowledge/…/qna.yaml`, or a folder.

A `qna.yaml` holds `seed_examples`. Those of skills have `question`, `answer` and perhaps a
`context`; knowledge of version 3 has a `context` with several `questions_and_answers`. The question
becomes the instruction, the context the input, and the file's place in the taxonomy the task.
https://github.com/instructlab/taxonomy (versions 2 and 3 of its schema)
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from importlib import import_module
from pathlib import Path
from reprlib import repr  # of aliases within aliases the usual one has no end
from typing import Any

from selfspec_core.components import SeedSource
from selfspec_core.errors import UsageError
from selfspec_core.hookspecs import hookimpl
from selfspec_core.packages import check_seeds
from selfspec_core.places import check_file
from selfspec_core.types import Kind, Seed

FILE = "qna.yaml"
VERSIONS = (2, 3)
_ROOTS = frozenset({"knowledge", "compositional_skills", "foundational_skills"})
_EXAMPLE_KEYS = frozenset({"question", "answer", "context", "questions_and_answers"})
_MOST_WORDS = 80
"""An answer to an open question is no longer; see `answer_filters`."""

Found = tuple[str, str, str, str]
"""Where it stands in the file, question, context, answer."""


class InstructLab(SeedSource):
    """Reads `qna.yaml` files, versions 2 and 3."""

    name = "instructlab"
    summary = "qna.yaml files of an InstructLab taxonomy: --seeds FILE or FOLDER"

    def seeds(self) -> Iterable[Seed]:
        """Yields nothing: no domain has seeds in this form."""
        return ()

    def takes(self, path: Path) -> bool:
        """Says whether it is a YAML file, or a folder with a `qna.yaml` somewhere in it."""
        return path.suffix in (".yaml", ".yml") or next(path.rglob(FILE), None) is not None

    def read(self, path: Path) -> Sequence[Seed]:
        """Returns the seeds of a file, or of every `qna.yaml` in a folder.

        Raises:
            UsageError: naming file and key.
        """
        files = sorted(path.rglob(FILE)) if path.is_dir() else [path]
        rows = [row for file in files for row in _rows(file)]
        return check_seeds(rows, str(path))


def task_of(file: Path) -> str:
    """Returns a task's name: the folders of a file below the root of the taxonomy's branch."""
    folders = [*file.absolute().parent.parts]
    if file.name != FILE:
        folders = [file.stem]
    elif roots := [at for at, folder in enumerate(folders) if folder in _ROOTS]:
        folders = folders[roots[-1] + 1 :] or folders[-1:]
    else:
        folders = folders[-1:]
    return re.sub(r"\W+", "_", "_".join(folders)).strip("_").lower() or "instructlab"


def _rows(file: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yields (`file: key`, seed as a row)."""
    table = _load(file)
    version = table.get("version")
    if version not in VERSIONS or isinstance(version, bool):
        raise UsageError(f"{file}: 'version': expected 2 or 3, got {repr(version):.40}")
    examples = _list(table, "seed_examples", file, "")
    found = [one for n, example in enumerate(examples) for one in _example(example, n, file)]
    task, kind = task_of(file), _kind([answer for *_, answer in found])
    author = table.get("created_by")
    author = author if isinstance(author, str) else ""
    for number, (where, question, context, answer) in enumerate(found, 1):
        yield (
            f"{file}: {where}",
            {
                "id": f"{task}-{number}",
                "task": task,
                "kind": kind,
                "instruction": question,
                "input": context,
                "output": answer,
                "source": f"InstructLab, {author}" if author else "InstructLab",
            },
        )


def _load(file: Path) -> dict[str, Any]:
    """Reads a YAML file of plain values; tags that make objects are refused."""
    try:
        yaml: Any = import_module("yaml")
    except ImportError:
        raise UsageError(f"{file}: reading it needs PyYAML; pip install pyyaml") from None
    check_file(file)
    try:
        table = yaml.safe_load(file.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise UsageError(f"{file}: no such file") from None
    except OSError as error:
        raise UsageError(f"{file}: cannot be read ({error.strerror})") from None
    except Exception as error:  # any: PyYAML has an IndexError for `!!int ''`, and others
        mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None)
        line = f":{mark.line + 1}" if mark else ""
        raise UsageError(f"{file}{line}: not valid YAML: {problem or error}") from None
    if not isinstance(table, dict):
        raise UsageError(f"{file}: expected a table with 'version' and 'seed_examples'")
    return table


def _example(example: Any, number: int, file: Path) -> Iterator[Found]:
    """Yields the question of a skill, or all questions to a context."""
    where = f"seed_examples[{number}]"
    if not isinstance(example, dict):
        raise UsageError(f"{file}: {where}: expected a table, got {repr(example):.40}")
    for key in example.keys() - _EXAMPLE_KEYS - {"attribution"}:
        known = ", ".join(sorted(_EXAMPLE_KEYS))
        raise UsageError(f"{file}: {where}: unknown key '{key}'; known: {known}")
    context = _text(example, "context", file, where) if "context" in example else ""
    if "questions_and_answers" not in example:
        yield _pair(example, context, file, where)
        return
    if not context:
        raise UsageError(f"{file}: {where}: key 'context' is missing")
    for n, pair in enumerate(_list(example, "questions_and_answers", file, where)):
        inner = f"{where}.questions_and_answers[{n}]"
        if not isinstance(pair, dict):
            raise UsageError(f"{file}: {inner}: expected a table, got {repr(pair):.40}")
        yield _pair(pair, context, file, inner)


def _pair(table: dict[str, Any], context: str, file: Path, where: str) -> Found:
    question, answer = (_text(table, key, file, where) for key in ("question", "answer"))
    return where, question, context, answer


def _list(table: dict[str, Any], key: str, file: Path, where: str) -> list[Any]:
    value = table.get(key)
    at = f"{where}: '{key}'" if where else f"'{key}'"
    if key not in table:
        raise UsageError(f"{file}: {at} is missing")
    if not isinstance(value, list) or not value:
        raise UsageError(f"{file}: {at}: expected a list with an entry or more")
    return value


def _text(table: dict[str, Any], key: str, file: Path, where: str) -> str:
    """Returns a text without blank lines: they would end a demonstration in a prompt."""
    if key not in table:
        raise UsageError(f"{file}: {where}: key '{key}' is missing")
    value = table[key]
    if not isinstance(value, str):
        quote = "" if isinstance(value, list | dict | None) else "; put it in quotes"
        raise UsageError(f"{file}: {where}: key '{key}' must be text, got {repr(value):.40}{quote}")
    lines = [line.rstrip() for line in value.strip().splitlines()]
    text = "\n".join(line for line in lines if line.strip())
    if not text:
        raise UsageError(f"{file}: {where}: key '{key}' is empty")
    return text


def _kind(answers: Sequence[str]) -> Kind:
    """Returns the kind of a file's questions; all of a task have the same.

    Answers that take several lines, or more words than an open question may, are asked for as
    summaries are: to the end of the entry, scored by ROUGE-L.
    """
    short = all("\n" not in one and len(one.split()) <= _MOST_WORDS for one in answers)
    return "open_qa" if short else "summarization"


@hookimpl
def selfspec_seed_sources(domain: str) -> list[type[SeedSource]]:
    """Offers the source to every domain: the files are the user's."""
    return [InstructLab]
