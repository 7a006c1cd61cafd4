"""Tasks of lm-evaluation-harness as an evaluator: a set of its own beside the domain's items.

lm-eval writes the prompts, reads the answers and scores each document; the model that answers is
the resident one, so base, controls and specialist are asked alike. What is folded into scores.json
is lm-eval's score of each document, and the mean over a task's documents is lm-eval's own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from selfspec_core.components import Context, Domain, Evaluator
from selfspec_core.errors import UsageError, nearest
from selfspec_core.hookspecs import hookimpl
from selfspec_core.types import Item, Prediction, System

_FEWSHOT_SEED = 1234
"""lm-eval's own; each further set of demonstrations takes the next number."""

_OUTPUTS = ("generate_until", "multiple_choice")
"""What a task may ask for; other requests need more than a model of ours is asked for."""

Document = dict[str, Any]


class LmEvalSettings(BaseModel):
    """Settings of the evaluator: `components.lm-eval.KEY`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    tasks: tuple[str, ...] = Field((), description="names of tasks or groups")
    include: Path | None = Field(
        None, description="folder with YAML of tasks; without it lm-eval's own, most of the hub"
    )
    metric: str | None = Field(
        None, description="which of a task's metrics, a mean over documents; default: its first"
    )


class LmEval(Evaluator):
    """Asks documents of lm-eval tasks.

    The prompts are lm-eval's: layouts and retrieved passages have no part in them, and systems
    that differ in nothing else are asked once. A system with demonstrations is shown so many
    documents of the task's few-shot split; one without, as many as the task itself says. With
    `data.short_seeds` long documents are left out, as long items are.
    """

    name = "lm-eval"
    summary = "tasks of lm-evaluation-harness, local YAML or by name"
    Settings = LmEvalSettings

    def __init__(self, settings: BaseModel | None = None) -> None:
        super().__init__(settings)
        self._loaded: dict[str, Any] = {}
        self._metrics: dict[str, str] = {}
        self._asked: dict[tuple[Any, ...], list[Prediction]] = {}

    def items(self, domain: Domain) -> Sequence[Item]:
        """Returns an item per document: `TASK/NUMBER`, its prompt as input, scored by lm-eval.

        Raises:
            UsageError: if lm-eval is not installed, a task is unknown or its documents have no
                score each.
        """
        from selfspec_core.measures.metrics import GIVEN  # numpy, which listings do without

        self._load()
        items = []
        for name, task in self._loaded.items():
            for number, doc in enumerate(task.eval_docs):
                items.append(
                    Item(
                        id=f"{name}/{number}",
                        task=name,
                        kind="open_qa"
                        if task.OUTPUT_TYPE == "generate_until"
                        else "multiple_choice",
                        instruction="",
                        input=str(task.doc_to_text(doc)),
                        output=(_target(task, doc),),
                        metric=GIVEN,
                    )
                )
        return items

    def evaluate(self, items: Sequence[Item], system: System, context: Context) -> list[Prediction]:
        """Returns a prediction per document and demonstration set; `parsed` is lm-eval's score."""
        self._load()
        ids = tuple(item.id for item in items)
        sets = system.demo_sets if system.shots else 1
        # the model itself: its name is that of a backend, which a baseline may share with the base
        key = (context.model, system.adapter, system.shots, sets, ids)
        if key not in self._asked:
            self._asked[key] = [
                prediction
                for demo_set in range(sets)
                for prediction in self._ask(items, system, demo_set, context)
            ]
        return [replace(prediction, system=system.name) for prediction in self._asked[key]]

    def _load(self) -> None:
        """Loads the tasks, once."""
        if self._loaded:
            return
        if not self.settings.tasks:
            raise UsageError("components.lm-eval.tasks: name one task at least")
        try:
            from lm_eval.tasks import TaskManager
        except ImportError:
            raise UsageError(
                "evaluator 'lm-eval' needs lm_eval; pip install 'selfspec[lm-eval]'"
            ) from None
        include = self.settings.include
        if include is not None and not include.is_dir():
            raise UsageError(f"components.lm-eval.include: {include}: no such folder")
        manager = TaskManager(
            include_path=str(include) if include else None, include_defaults=include is None
        )
        known = manager.all_tasks
        for name in self.settings.tasks:
            if name not in known:
                raise UsageError(f"components.lm-eval.tasks: '{name}'{nearest(name, known)}")
        try:
            loaded = manager.load([*self.settings.tasks])["tasks"]
        except Exception as error:  # any: tasks bring code and data sets of their own
            first = (str(error).splitlines() or [type(error).__name__])[0]
            raise UsageError(f"components.lm-eval.tasks: cannot be loaded: {first}") from error
        self._metrics = {name: self._metric(name, task) for name, task in loaded.items()}
        self._loaded = dict(loaded)

    def _metric(self, name: str, task: Any) -> str:
        """Returns the metric of a task: one that is a number for each document, and their mean."""
        from lm_eval.api.metrics import mean

        if task.OUTPUT_TYPE not in _OUTPUTS:
            raise UsageError(
                f"components.lm-eval.tasks: '{name}' asks for {task.OUTPUT_TYPE}; "
                f"expected {' or '.join(_OUTPUTS)}"
            )
        metrics = task.aggregation()
        able = [metric for metric, how in metrics.items() if how is mean]
        if task.OUTPUT_TYPE == "multiple_choice":  # there it asks what greedy decoding would say
            able = [metric for metric in able if metric != "exact_match"]
        wanted = self.settings.metric or next(iter(metrics), "")
        if wanted not in able:
            raise UsageError(
                f"components.lm-eval.metric: '{wanted}' of task '{name}' is no mean over documents"
                f"; its means: {', '.join(able) or 'none'}"
            )
        return str(wanted)

    def _ask(
        self, items: Sequence[Item], system: System, demo_set: int, context: Context
    ) -> list[Prediction]:
        """Has lm-eval ask the documents of the items, with one draw of demonstrations."""
        from lm_eval.evaluator import evaluate

        numbers: dict[str, list[int]] = {}
        for item in items:
            task, _, number = item.id.rpartition("/")
            numbers.setdefault(task, []).append(int(number))
        tasks = {name: self._loaded[name] for name in numbers}
        own = {name: task.get_config("num_fewshot") or 0 for name, task in tasks.items()}
        for name, task in tasks.items():
            task.set_config(key="num_fewshot", value=system.shots or own[name])
            task.set_fewshot_seed(seed=_FEWSHOT_SEED + demo_set)
        try:
            found = evaluate(
                _resident(context),
                {"tasks": tasks, "groups": {}, "group_map": {}},
                samples=numbers,
                bootstrap_iters=0,
            )
        finally:
            for name, task in tasks.items():
                task.set_config(key="num_fewshot", value=own[name])
        rows = {
            f"{name}/{row['doc_id']}": row
            for name in numbers
            for row in reversed(found["samples"][name])  # of several filters, the first counts
        }
        return [
            Prediction(
                system.name,
                item.id,
                _said(rows[item.id]),
                _score(rows[item.id], self._metrics[item.task], item),
                demo_set,
            )
            for item in items
        ]


def _target(task: Any, doc: Document) -> str:
    target = task.doc_to_target(doc)
    if isinstance(target, int) and task.config.doc_to_choice is not None:
        choices = task.doc_to_choice(doc)
        return str(choices[target]) if 0 <= target < len(choices) else str(target)
    return str(target)


def _said(row: Mapping[str, Any]) -> str:
    """Returns the answer, or the choice of the highest log-probability."""
    responses = row["filtered_resps"]
    if isinstance(responses[0], str):
        return responses[0].strip()
    weights = [weight for weight, *_ in responses]
    _, choice = row["arguments"][weights.index(max(weights))]
    return str(choice).strip()


def _score(row: Mapping[str, Any], metric: str, item: Item) -> float:
    """Returns lm-eval's score of a document.

    Raises:
        UsageError: if it is no share.
    """
    value = row[metric]
    if isinstance(value, bool | int | float) and 0 <= value <= 1:
        return float(value)
    raise UsageError(f"lm-eval task '{item.task}': {metric} is not between 0 and 1: {value!r:.40}")


def _resident(context: Context) -> Any:
    """Returns the resident model as lm-eval takes one."""
    from lm_eval.api.model import LM

    from selfspec_core.model_types import Sampling

    model, settings = context.model, context.settings.evaluation

    class Resident(LM):  # type: ignore[misc]  # lm-eval is an extra
        def loglikelihood(self, requests: list[Any]) -> list[tuple[float, bool]]:
            weights = model.loglikelihood([one.args for one in requests])
            context.progress.advance(len({(one.task_name, one.doc_id) for one in requests}))
            return [(weight, False) for weight in weights]  # no metric here asks if it is greedy

        def loglikelihood_rolling(self, requests: list[Any]) -> list[float]:
            raise UsageError("lm-eval: tasks that score whole texts have no score of documents")

        def generate_until(self, requests: list[Any]) -> list[str]:
            texts: dict[int, str] = {}
            groups: dict[Sampling, list[int]] = {}
            for at, one in enumerate(requests):
                groups.setdefault(_sampling(one.args[1]), []).append(at)
            for sampling, places in groups.items():
                prompts = [requests[at].args[0] for at in places]
                said = model.generate(prompts, sampling, context.progress)
                texts |= dict(zip(places, said, strict=True))
            return [texts[at] for at in range(len(requests))]

    def _sampling(asked: Mapping[str, Any]) -> Sampling:
        until = asked.get("until") or ()
        warm = asked.get("do_sample", False)
        return Sampling(
            int(asked.get("max_gen_toks", settings.max_new_tokens)),
            float(asked.get("temperature", 1.0)) if warm else 0.0,
            float(asked.get("top_p", 1.0)),
            (until,) if isinstance(until, str) else tuple(until),
            context.random_seed_of("lm-eval"),
        )

    return Resident()


@hookimpl
def selfspec_evaluators(domain: str) -> list[type[Evaluator]]:
    """Offers the evaluator to every domain."""
    return [LmEval]
