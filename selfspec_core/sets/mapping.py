"""How a row of a public set becomes an item: one small table per set.

A table stands in `benchmarks.toml` of a domain package under the set's name, `OWNER/NAME` or
`OWNER/NAME:CONFIG`; `SetMapping` lists its keys. Templates name columns in braces,
`"{question}"`, with dots into nested columns, `"{context.contexts}"`; a list of texts is joined
with spaces and `{{` is a brace. Rows come from strangers: a template only looks keys up in plain
dicts and lists, never attributes, formats or expressions.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from string import ascii_uppercase
from typing import Any

from pydantic import Field

from selfspec_core.config.tables import Table
from selfspec_core.types import LIST_KINDS, Kind

Row = Mapping[str, Any]

_FIELD = re.compile(r"\{\{|\}\}|\{([^{}]+)\}")
_NO_SPACE_BEFORE = frozenset(".,;:!?)]%'") | {"'s", "n't"}
_NO_SPACE_AFTER = frozenset("([")


class SetMapping(Table):
    """What one public set's rows mean."""

    split: str = Field(description="split of the set that is asked")
    kind: Kind = Field(description="kind of the task")
    metric: str = Field(description="primary metric")
    instruction: str = Field(min_length=1, description="what a system is told to do")
    output: str = Field(description="template of the accepted answer; a list column is several")
    input: str = Field("", description="template of the input")
    task: str | None = Field(None, description="name of the task; default: the configuration's")
    configs: tuple[str, ...] = Field((), description="configurations that this table serves")
    revision: str | None = Field(None, description="revision on the hub")
    folder: str | None = Field(
        None, description="folder of the revision that holds the files; `{config}` is filled in"
    )
    sample: int | None = Field(None, gt=0, description="most rows, drawn with a fixed random seed")
    choices: tuple[str, ...] = Field((), description="the possible answers")
    labels: tuple[str, ...] | dict[str, str] = Field(
        (), description="text of each value of `output`, by position or by value"
    )
    empty: str | None = Field(None, description="multilabel: the label of a row without any")
    options: str | tuple[str, ...] | None = Field(
        None, description="multiple choice: a list column, or a template for each option"
    )
    tokens: str | None = Field(
        None, description="ner: the token column; `output` is then its tags, `labels` their names"
    )

    def problem(self) -> str:
        """Says what does not fit together in this table, or nothing."""
        given = [self.input, self.output, self.tokens or "", *self.option_templates()]
        for template in given:
            if set(_FIELD.sub("", template)) & set("{}"):
                return f"{template!r}: a brace is not closed, or holds no column"
        if (self.tokens is not None) != (self.kind == "ner"):
            return "'tokens' goes with kind 'ner', and 'ner' with 'tokens'"
        if (self.options is not None) != (self.kind == "multiple_choice"):
            return (
                "'options' goes with kind 'multiple_choice', and 'multiple_choice' with 'options'"
            )
        if self.tokens is not None and not self.labels:
            return "'labels' is missing: the names of the tags"
        if self.tokens is None and not self.input:
            return "'input' is missing"
        return ""

    def option_templates(self) -> tuple[str, ...]:
        """Returns the templates of `options`, one of them if it is a list column."""
        return (self.options,) if isinstance(self.options, str) else self.options or ()


class MissingColumn(LookupError):
    """A template names a column, or a part of one, that a row does not have."""


class BadRow(ValueError):
    """A row that a mapping cannot read; the message says what it holds and what was expected."""


def item_fields(mapping: SetMapping, row: Row) -> dict[str, Any]:
    """Returns `input, output, choices` of a row, as a line of a file of items holds them.

    Raises:
        MissingColumn: naming the column.
        BadRow: saying what the row holds instead.
    """
    if mapping.tokens is not None:
        text, spans = _entities(mapping, row)
        return {"input": text, "output": spans}
    if mapping.options is not None:
        return _multiple_choice(mapping, row)
    value = column(mapping.output, row)
    several = isinstance(value, list | tuple)
    if mapping.labels:
        output = [_label(mapping, one) for one in (value if several else [value])]
    else:
        output = [_answer(one) for one in value] if several else [_answer(value)]
    if mapping.empty is not None and not output:
        output = [mapping.empty]
    if not output and mapping.kind not in LIST_KINDS:
        raise BadRow(f"{mapping.output} is empty")
    fields = {"input": fill(mapping.input, row), "output": output}
    choices = mapping.choices or _all_labels(mapping)
    return {**fields, "choices": list(choices)} if choices else fields


def fill(template: str, row: Row) -> str:
    """Returns the template with its columns filled in; lists are joined with spaces."""

    def field(match: re.Match[str]) -> str:
        return _text(_look_up(match[1], row), match[1]) if match[1] else match[0][0]

    return _FIELD.sub(field, template).strip()


def column(template: str, row: Row) -> Any:
    """Returns what a template stands for: a lone column's own value, otherwise the filled text."""
    lone = _FIELD.fullmatch(template.strip())
    return _look_up(lone[1], row) if lone and lone[1] else fill(template, row)


def _look_up(path: str, row: Row) -> Any:
    if path in row:
        return row[path]
    value: Any = row
    for part in path.split("."):
        value = _step(value, part, path)
    return value


def _step(value: Any, part: str, path: str) -> Any:
    if isinstance(value, Mapping) and part in value:
        return value[part]
    if isinstance(value, list | tuple):
        if not part.isdecimal():
            return [_step(one, part, path) for one in value]
        if int(part) < len(value):
            return value[int(part)]
    raise MissingColumn(path)


def _text(value: Any, path: str) -> str:
    if isinstance(value, list | tuple):
        return " ".join(_text(one, path) for one in value)
    if isinstance(value, Mapping):
        raise BadRow(f"column '{path}' holds the fields {', '.join(map(str, value))}; name one")
    if value is None:
        return ""
    if not isinstance(value, str | int | float):
        raise BadRow(f"column '{path}' holds no text but {type(value).__name__}")
    return str(value)


def _answer(value: Any) -> Any:
    """Returns an accepted answer: a text, or a list of synonyms."""
    if isinstance(value, list | tuple) and value:
        return [_answer(one) for one in value]
    if not isinstance(value, str | int | float) or not str(value).strip():
        raise BadRow(f"expected an answer, got {value!r}")
    return str(value).strip()


def _label(mapping: SetMapping, value: Any) -> str:
    """Returns the text of a label, given as a number, as digits or as the text itself."""
    named = mapping.labels
    table = named if isinstance(named, dict) else {str(n): text for n, text in enumerate(named)}
    key = str(int(value)) if isinstance(value, float) and value.is_integer() else str(value).strip()
    if key in table:
        return table[key]
    if key in table.values():
        return key
    raise BadRow(f"{mapping.output} is {value!r}, expected one of {', '.join(table)}")


def _all_labels(mapping: SetMapping) -> tuple[str, ...]:
    named = mapping.labels
    texts = [*(named.values() if isinstance(named, dict) else named)]
    return tuple(dict.fromkeys(texts + ([mapping.empty] if mapping.empty is not None else [])))


def _multiple_choice(mapping: SetMapping, row: Row) -> dict[str, Any]:
    """Writes the options below the question, as `(A) …`; the answer is the letter."""
    listed = [column(template, row) for template in mapping.option_templates()]
    if isinstance(mapping.options, str):
        (one,) = listed
        listed = list(one.values()) if isinstance(one, Mapping) else one
        if not isinstance(listed, list | tuple):
            raise BadRow(f"{mapping.options} is {one!r}, expected a list of options")
    while listed and listed[-1] is None:  # a table of A to F, of which this row has four
        listed = listed[:-1]
    options = [_text(option, "options").strip() for option in listed]
    if not 2 <= len(options) <= len(ascii_uppercase):
        raise BadRow(f"{len(options)} options, expected 2 to {len(ascii_uppercase)}")
    letters = list(ascii_uppercase[: len(options)])
    right = _option_index(column(mapping.output, row), options)
    if right is None:
        raise BadRow(f"{mapping.output} is {column(mapping.output, row)!r}, which is no option")
    lines = [f"({letter}) {option}" for letter, option in zip(letters, options, strict=True)]
    question = fill(mapping.input, row)
    return {
        "input": "\n".join([question, *lines]),
        "output": [letters[right]],
        "choices": letters,
    }


def _option_index(value: Any, options: Sequence[str]) -> int | None:
    """Reads an answer given as an index from 0 (`2`, `"2"`), as a letter or as the option.

    What can be read as several is the first of them that there is.
    """
    text = str(value).strip()
    index = int(text) if text.isdecimal() and len(text) < 5 else -1  # an option may be digits too
    if len(text) == 1 and text.upper() in ascii_uppercase:
        index = ascii_uppercase.index(text.upper())
    if not 0 <= index < len(options):
        index = options.index(text) if text in options else -1
    return index if index >= 0 else None


def _entities(mapping: SetMapping, row: Row) -> tuple[str, list[str]]:
    """Returns the sentence and the distinct spans that its BIO tags mark, as it spells them."""
    tokens, tags = column(mapping.tokens or "", row), column(mapping.output, row)
    if not isinstance(tokens, list | tuple) or not isinstance(tags, list | tuple):
        raise BadRow(f"{mapping.tokens} and {mapping.output}: expected two lists")
    if len(tokens) != len(tags):
        raise BadRow(f"{len(tokens)} tokens but {len(tags)} tags")
    text, places = _joined([_text(token, "tokens") for token in tokens])
    spans: list[tuple[int, int]] = []
    before = "O"
    for tag, (start, end) in zip((_label(mapping, tag) for tag in tags), places, strict=True):
        if tag.startswith("I-") and before[2:] == tag[2:]:
            spans[-1] = (spans[-1][0], end)
        elif tag != "O":
            spans.append((start, end))
        before = tag
    return text, list(dict.fromkeys(text[start:end] for start, end in spans))


def _joined(tokens: Sequence[str]) -> tuple[str, list[tuple[int, int]]]:
    """Joins tokens as a sentence is written; returns also where each of them stands in it."""
    text, places = "", []
    glued = True
    for token in tokens:
        text += "" if glued or token in _NO_SPACE_BEFORE else " "
        places.append((len(text), len(text) + len(token)))
        text += token
        glued = token in _NO_SPACE_AFTER
    return text, places
