"""What the points of a sweep share: what a model said once, and what was trained once.

A point is computed like any other run; only where it comes to a call that an earlier point made
with the same arguments, the result is taken from there. So nothing has to be known about which
setting touches which stage, and every byte is what the point would have written alone.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from selfspec_core.components import Context, Model, Trainer
from selfspec_core.files import make_folder, new_folder, put_folder
from selfspec_core.journals import dumps, whole_lines
from selfspec_core.model_types import Sampling
from selfspec_core.progress import Progress
from selfspec_core.types import Adapter, TrainingJob


class Store:
    """Results by key in a file of JSON lines, adapters in folders beside it."""

    def __init__(self, path: Path) -> None:
        make_folder(path)
        self._file, self._adapters = path / "shared.jsonl", path / "adapters"
        self._known: dict[str, dict[str, Any]] = {}
        for line in whole_lines(self._file):
            with suppress(ValueError, KeyError, TypeError, RecursionError):  # damaged: made again
                row = json.loads(line)
                self._known[row["key"]] = row

    def get(self, key: str) -> dict[str, Any] | None:
        """Returns what was kept under a key."""
        return self._known.get(key)

    def put(self, key: str, **result: Any) -> None:
        """Keeps a result."""
        line = dumps({"key": key, **result})
        with self._file.open("ab") as file:
            file.write((line + "\n").encode())
        self._known[key] = json.loads(line)  # as it would be read: what was given may change

    def adapter(self, key: str) -> Path:
        """Returns where the adapter of a training is kept."""
        return self._adapters / key


def digest(*parts: object) -> str:
    """Returns a key that differs when any part differs."""
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:32]


def share_answers(model: Model, store: Store) -> None:
    """Lets a model answer from the store what it has answered before, with the same adapter.

    The methods are wrapped on the object, which stays of its class: trainers ask for that.
    """
    generate, likelihood, use = model.generate, model.loglikelihood, model.use_adapter
    adapter = digest()

    def use_adapter(path: Path | None) -> None:
        nonlocal adapter
        use(path)
        adapter = digest(*_contents(path)) if path else digest()

    def generated(
        prompts: Sequence[str], sampling: Sampling, progress: Progress | None = None
    ) -> list[str]:
        key = digest("said", identity(model), adapter, list(prompts), sampling)
        if (found := store.get(key)) is not None:
            model.decisions.update(found["decisions"])
            if progress is not None:
                progress.advance(len(prompts))
            return list(found["texts"])
        texts = generate(prompts, sampling, progress)
        store.put(key, texts=texts, decisions=model.decisions)
        return texts

    def weighed(pairs: Sequence[tuple[str, str]], progress: Progress | None = None) -> list[float]:
        key = digest("weighed", identity(model), adapter, list(pairs))
        if (found := store.get(key)) is not None:
            model.decisions.update(found["decisions"])
            if progress is not None:
                progress.advance(len(pairs))
            return list(found["logs"])
        logs = likelihood(pairs, progress)
        store.put(key, logs=[float(value) for value in logs], decisions=model.decisions)
        return logs

    model.generate = generated  # type: ignore[method-assign]
    model.loglikelihood = weighed  # type: ignore[method-assign]
    model.use_adapter = use_adapter  # type: ignore[method-assign]


def share_training(trainer: Trainer, store: Store) -> None:
    """Lets a trainer take from the store the adapters of rows it has been given before."""
    train_all = trainer.train_all

    def trained(jobs: Sequence[TrainingJob], context: Context) -> Iterator[Adapter]:
        settings = context.settings
        depends = (settings.random_seed, context.round, settings.training, settings.components)
        common = (trainer.name, identity(context.model), *depends)
        keys = [digest(*common, job.steps, list(job.rows)) for job in jobs]
        missing = [
            at == keys.index(key) and not _kept(store, key)  # the second of two alike is taken
            for at, key in enumerate(keys)
        ]
        made = train_all([job for job, new in zip(jobs, missing, strict=True) if new], context)
        for job, key, new in zip(jobs, keys, missing, strict=True):
            if new:
                yield _keep(store, key, next(made), context)
            else:
                yield _taken(store, key, job.out, context)

    trainer.train_all = trained  # type: ignore[method-assign]


def _kept(store: Store, key: str) -> bool:
    return store.get(key) is not None and store.adapter(key).is_dir()


def _taken(store: Store, key: str, out: Path, context: Context) -> Adapter:
    """Puts an adapter of the store into `out`."""
    found = store.get(key)
    assert found is not None
    context.decisions.update(found["decisions"])
    context.progress.advance(found["steps"])
    shutil.copytree(store.adapter(key), out, dirs_exist_ok=True)
    loss = tuple(found["loss"]) if found["loss"] else None
    return Adapter(out, found["rows"], found["steps"], found["tokens"], loss)


def _keep(store: Store, key: str, made: Adapter, context: Context) -> Adapter:
    """Puts an adapter into the store, in one step; what a kill left there before is replaced."""
    place = new_folder(store.adapter(key))
    shutil.copytree(made.path, place, dirs_exist_ok=True)
    put_folder(place, store.adapter(key))
    store.put(key, **made.to_dict(), decisions=context.decisions)
    return made


_IDENTITIES: WeakKeyDictionary[Model, str] = WeakKeyDictionary()


def identity(model: Model) -> str:
    """Returns what tells a loaded model from others; to hash its weights once is enough."""
    if model not in _IDENTITIES:
        about = sorted(model.describe().items())
        _IDENTITIES[model] = digest(model.name, model.settings, about)
    return _IDENTITIES[model]


def _contents(folder: Path) -> list[tuple[str, str]]:
    """Returns the name and a digest of every file of an adapter."""
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    return [
        (str(file.relative_to(folder)), hashlib.sha256(file.read_bytes()).hexdigest())
        for file in files
    ]
