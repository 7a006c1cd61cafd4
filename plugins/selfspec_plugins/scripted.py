"""A model and a trainer without weights: a whole run in seconds, for tests and domain authors.

The model proposes by recombining the words of its demonstrations and answers with the output of
the most similar one it has seen; "training" it is to let it remember the rows. A nearest-neighbour
learner is the simplest thing that truly gains from more examples.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from selfspec_core import (
    LAYOUTS,
    Adapter,
    Capabilities,
    Context,
    Example,
    Layout,
    Model,
    Pair,
    Progress,
    Sampling,
    Seed,
    Trainer,
    UsageError,
    hookimpl,
)
from selfspec_core.config import ExecutorSettings, ModelSettings
from selfspec_core.jsonl import read_jsonl
from selfspec_core.progress import Silent
from selfspec_plugins.local.workers import Advance, Question
from selfspec_plugins.on_ray.lanes import RayLanes, check_ray

_MEMORY = "memory.json"
_CLUELESS = "I would have to think about that."
_PART = 16
"""Prompts that an actor is asked at a time."""


class Scripted(Model):
    """Nearest-neighbour answers, recombined proposals, or a script.

    With `model.path`, a JSONL file of `instruction`, `input`, `output`: proposals are its lines in
    turn, and answers its outputs.
    """

    name = "scripted"
    summary = "no weights: recombines demonstrations, or follows a script; runs in seconds"
    Settings = ModelSettings
    trainer = "remember"
    caveat = "scripted has no weights: its scores show that the loop works, and nothing else"

    _far: RayLanes | None = None

    def spread(self, executor: ExecutorSettings, progress: Progress) -> None:
        """Generates here, or in actors of a Ray cluster: that is how to try one."""
        if executor.name == "ray":
            check_ray(executor)
            about = self.describe()
            self._far = RayLanes(type(self), self.settings, executor, progress, 1, about)

    @property
    def at_once(self) -> int:
        """As many calls as there are actors."""
        return self._far.at_once if self._far else 1

    def load(self) -> None:
        """Reads the script, if there is one."""
        if self._far is not None:
            self._far.connect()
        self._script: list[dict[str, str]] = []
        self._memory: list[dict[str, str]] = []
        if self.settings.path is not None:
            for where, row in read_jsonl(self.settings.path, str(self.settings.path)):
                for key in ("instruction", "input", "output"):
                    if not isinstance(row.get(key), str):
                        raise UsageError(f"{where}: key '{key}' must be a string")
                self._script.append(row)

    @property
    def capabilities(self) -> Capabilities:
        """Trains (by remembering); has no likelihoods."""
        return Capabilities(trains=True)

    def generate(
        self, prompts: Sequence[str], sampling: Sampling, progress: Progress | None = None
    ) -> list[str]:
        """Continues each prompt by what it ends with: a response label, or another one."""
        progress, texts = progress or Silent(), [""] * len(prompts)
        rows = list(range(len(prompts)))
        if self._far is None:
            return _continued(self, prompts, rows, sampling, progress.advance)

        def take(part: list[int], written: list[str]) -> None:
            for row, text in zip(part, written, strict=True):
                texts[row] = text

        def ask(part: list[int]) -> Question:
            return _continued, ([prompts[row] for row in part], part, sampling)

        parts = [rows[at : at + _PART] for at in range(0, len(rows), _PART)]
        self._far.share(parts, 0, _nobody, ask, take, progress)
        return texts

    def unload(self) -> None:
        """Lets the actors go, if there are any."""
        if self._far is not None:
            self._far.close()

    def use_adapter(self, path: Path | None) -> None:
        """Remembers the rows in `path`, or nothing."""
        if self._far is not None:
            self._far.adapter = path
        text = (path / _MEMORY).read_text(encoding="utf-8") if path else "[]"
        self._memory = json.loads(text)

    def _continue(self, prompt: str, rng: random.Random) -> str:
        layout = next(
            (one for one in LAYOUTS.values() if one.instruction and one.instruction in prompt),
            LAYOUTS["plain"],
        )
        *shown, last = prompt.split(layout.end + (layout.instruction or "\0"))
        whole = re.split(re.escape(layout.end), prompt)
        if last.endswith(layout.output) and _answer_stands_first(layout, shown):
            return self._propose(layout, last, whole, rng)
        if last.endswith(layout.output):
            known = [*self._memory, *self._script, *filter(None, (_read(layout, s) for s in shown))]
            return _nearest(last, known)
        return self._propose(layout, last, whole, rng)

    def _propose(self, layout: Layout, last: str, shown: Sequence[str], rng: random.Random) -> str:
        """Writes what the prompt leaves open: an input, an answer or instruction and its input."""
        asks_for_input = last.endswith(layout.input.removesuffix(" "))
        if self._script:
            line = rng.choice(self._script)
            if asks_for_input:
                return f" {line['input']}"
            opened = line["output" if last.endswith(layout.output) else "instruction"]
            return f" {opened}{layout.input}{line['input']}"
        entries = [e for e in (_read_proposed(layout, text) for text in shown) if e]
        input = _recombined([e["input"] for e in entries], rng)
        if asks_for_input:
            return f" {input}"
        if last.endswith(layout.output):
            answer = rng.choice(entries)["output"]
            return f" {answer}{layout.input}{answer}: {input}"
        return f" {rng.choice(entries)['instruction']}{layout.input}{input}"


def _continued(
    model: Scripted,
    prompts: Sequence[str],
    rows: Sequence[int],
    sampling: Sampling,
    advance: Advance,
) -> list[str]:
    """Continues prompts here; each by chance of its own, from its row."""
    chances = [random.Random(f"{sampling.random_seed}/{row}") for row in rows]
    texts = [model._continue(*pair) for pair in zip(prompts, chances, strict=True)]
    advance(len(texts))
    return texts


def _nobody(question: Question, advance: Advance) -> Any:
    raise AssertionError("asked here, and not on the cluster")


def _read(layout: Layout, text: str) -> dict[str, str] | None:
    """Reads a complete demonstration."""
    asked, label, output = text.rpartition(layout.output)
    return {"asked": asked, "output": output.strip()} if label else None


def _read_proposed(layout: Layout, text: str) -> dict[str, str] | None:
    """Reads instruction and input of a demonstration, in whichever order its parts stand."""
    head, label, input = text.partition(layout.input)
    _, opened, instruction = head.rpartition(layout.instruction)
    instruction, _, output = instruction.partition(layout.output)
    row = {"instruction": instruction, "input": input, "output": output.strip()}
    return row if label and opened else None


def _answer_stands_first(layout: Layout, shown: Sequence[str]) -> bool:
    """Says whether the demonstrations give the answer before the input."""
    return bool(shown) and 0 <= shown[-1].find(layout.output) < shown[-1].find(layout.input)


def _nearest(query: str, known: Sequence[dict[str, str]]) -> str:
    """Returns the output of the known entry whose words are most like the query's."""
    from rapidfuzz import fuzz, process

    asked = [k.get("asked") or f"{k['instruction']} {k['input']}" for k in known]
    best = process.extractOne(query, asked, scorer=fuzz.token_set_ratio)
    return known[best[2]]["output"] if best else _CLUELESS


def _recombined(texts: Sequence[str], rng: random.Random) -> str:
    """Mixes the words of several inputs; a question or claim is mixed by itself, from the text."""
    first, *rest = (re.split(r" (Question|Claim): ", text) for text in texts)
    words = [word for parts in (first, *rest) for word in parts[0].rstrip(".").split()]
    body = " ".join(rng.sample(words, min(len(words), rng.randint(12, 24))))
    if len(first) == 1:
        return f"{body}."
    asked = " ".join(rng.sample(body.split(), 4))
    return f"{body}. {first[1]}: {asked}{'?' if first[1] == 'Question' else '.'}"


class Remember(Trainer):
    """Stands in for training: writes the rows where the scripted model looks for its memory."""

    name = "remember"
    summary = "lets the scripted model remember the rows"

    def train(
        self, rows: Sequence[Seed | Example], out: Path, context: Context, *, steps: int | None
    ) -> Adapter:
        """Writes the rows; a "step" is a batch of them."""
        memory: list[dict[str, Any]] = [
            {"asked": f"{row.instruction} {row.input}", "output": row.output} for row in rows
        ]
        (out / _MEMORY).write_text(json.dumps(memory, indent=1) + "\n", encoding="utf-8")
        taken = steps or self.steps_of(len(rows), context)
        context.progress.advance(taken)
        return Adapter(out, len(rows), taken, sum(len(row.output.split()) for row in rows))

    def prefer(self, pairs: Sequence[Pair], adapter: Path, out: Path, context: Context) -> Adapter:
        """Puts the chosen answers in the place of whatever was remembered to the same question."""
        chosen = {f"{pair.instruction} {pair.input}": pair.chosen for pair in pairs}
        known = json.loads((adapter / _MEMORY).read_text(encoding="utf-8"))
        memory = [row for row in known if row["asked"] not in chosen]
        memory += [{"asked": asked, "output": output} for asked, output in chosen.items()]
        (out / _MEMORY).write_text(json.dumps(memory, indent=1) + "\n", encoding="utf-8")
        taken = self.pair_steps_of(len(pairs), context)
        context.progress.advance(taken)
        return Adapter(out, len(pairs), taken, sum(len(pair.chosen.split()) for pair in pairs))


@hookimpl
def selfspec_models() -> list[type[Model]]:
    """Offers the scripted model."""
    return [Scripted]


@hookimpl
def selfspec_trainers() -> list[type[Trainer]]:
    """Offers its trainer."""
    return [Remember]
