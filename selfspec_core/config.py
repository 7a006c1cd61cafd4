"""Settings: the tables that a recipe, a TOML file and `--set` flags can fill, with their defaults.

Defaults are those of Self-Specialization (arXiv 2310.00160) and, where it gives none, of Self-MoE
(arXiv 2406.12034). How they are filled: `selfspec_core.resolve`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator


class Table(BaseModel):
    """A TOML table: unknown keys are errors, values never change after loading."""

    # defer_build: listings import the tables and never fill one
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, defer_build=True)


def _several(value: Any) -> Any:
    """Takes one name for a list of one: `--set seeds.without=TASK`."""
    return (value,) if isinstance(value, str) else value


def _distinct(values: tuple[Any, ...]) -> tuple[Any, ...]:
    """Refuses a list that names something twice."""
    if again := next((value for value in values if values.count(value) > 1), None):
        raise ValueError(f"{again} is given twice")
    return values


Distinct = AfterValidator(_distinct)

PREFACE = """\
Below are pieces of work that a professional in the field gave to an assistant. No two are alike: \
they differ in what is asked, in wording and in subject. Each can be done from what it says: \
the instruction takes one or two sentences, and the text is concrete and true to life, with \
nothing left to fill in.

"""
"""Stands above the demonstrations of a proposal; a recipe for a very small model sets it to ""."""


def pinned(name: str) -> tuple[str, str | None]:
    """Returns a hub id and the revision behind its `@`, if there is one: `owner/name@revision`."""
    if "/" in name and "@" in name:
        name, _, revision = name.partition("@")
        return name, revision or None
    return name, None


class ModelSettings(Table):
    """The base model."""

    name: str = Field("nano", description="backend, a hub id, or `nano`: the embedded base model")
    path: Path | None = Field(None, description="local folder of the model")
    revision: str | None = Field(
        None, description="branch, tag or commit on the hub; NAME@REVISION says it too"
    )
    layout: str | None = Field(None, description="layout for untuned prompts; default: the model's")
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = Field(
        "auto", description="weights and compute; auto: bf16 on a GPU, fp32 on a CPU"
    )
    quantization: Literal["auto", "none", "nf4"] = Field(
        "auto", description="auto: nf4 on CUDA, none on a CPU"
    )
    attention: str | None = Field(None, description="attn_implementation of transformers")
    device: str = Field("auto", description="auto, cpu, cuda, or a device map of transformers")
    threads: int | None = Field(
        None, ge=1, description="CPU threads; default: what torch takes, for nano 1"
    )
    processes: int = Field(
        1, ge=1, description="processes that share generating; default: 1, for nano the cores"
    )
    batch_tokens: int = Field(16384, ge=1, description="padded tokens in one forward pass")
    chat: bool | None = Field(
        None, description="prompts in the chat template; default: if the tokenizer has one"
    )
    trust_remote_code: bool = Field(False, description="run code that comes with the model")
    base_url: Annotated[tuple[str, ...], BeforeValidator(_several)] = Field(
        (), description="openai: address of the server, up to /v1; of several that share the work"
    )
    server_model: str | None = Field(
        None, description="openai: the model's name there; default: the only one it has"
    )
    key_variable: str = Field(
        "OPENAI_API_KEY", description="openai: environment variable that holds the key, if any"
    )
    request: dict[str, Any] = Field(
        {}, description="openai: fields to add to each request, such as top_k or min_p"
    )
    concurrency: int = Field(
        64, ge=1, description="openai: most requests at a time to one server; it finds how many"
    )
    timeout: float = Field(120.0, gt=0, description="openai: seconds to wait for one answer")
    patience: float = Field(
        600.0, ge=0, description="openai: seconds after which a request is tried no more"
    )
    adapters: bool = Field(
        False,
        description="openai: the server loads the adapters of `training.model`, the same base: it "
        "answers later rounds",
    )

    @model_validator(mode="before")
    @classmethod
    def _pin(cls, given: Any) -> Any:
        """Takes `name = "owner/name@revision"` apart."""
        if not isinstance(given, dict) or not isinstance(given.get("name"), str):
            return given
        name, revision = pinned(given["name"])
        if revision is None:
            return given
        if given.get("revision") not in (None, revision):
            raise ValueError("revision says another than name")
        return {**given, "name": name, "revision": revision}


class ExecutorSettings(Table):
    """Where the model generates. What it writes does not depend on it: a resume may change it."""

    name: Literal["local", "ray"] = Field(
        "local", description="local: here, in `model.processes`; ray: in actors of a Ray cluster"
    )
    address: str | None = Field(
        None,
        description="ray: HOST:PORT of the head node, or auto: the cluster of this machine; "
        "default: that of RAY_ADDRESS or of this machine, or a new one here",
    )
    actors: int | None = Field(
        None, ge=1, description="ray: actors, each with the model; default: as many as have room"
    )
    cpus: float | None = Field(
        None, ge=0, description="ray: CPUs of an actor; default: the model's threads, with a GPU 1"
    )
    gpus: float | None = Field(
        None, ge=0, description="ray: GPUs of an actor; default: 1 where the cluster has any"
    )
    patience: float = Field(
        600.0, gt=0, description="ray: seconds without any actor after which a run gives up"
    )


class DataSettings(Table):
    """The training set to make."""

    size: int = Field(5000, ge=0, description="accepted examples to stop at")
    seeds: bool = Field(True, description="train on the seeds too, beside the examples")
    short_seeds: bool = Field(False, description="only seeds and items of at most 45 words")
    task_share: float = Field(1.0, gt=0, le=1, description="largest share of one task")
    task_shares: dict[str, Annotated[float, Field(ge=0, le=1)]] = Field(
        {}, description="largest shares of single tasks by name, in place of `task_share`"
    )
    replay: float = Field(
        0.0, ge=0, le=0.9, description="share of training rows that are seeds, repeated if need be"
    )
    replay_from: Literal["seeds", "general"] = Field(
        "seeds", description="replay the domain's seeds, or general ones"
    )


class SeedsSettings(Table):
    """Which of the seeds are used; what is left out is neither shown nor trained on."""

    count: int | None = Field(
        None, ge=1, description="seeds to draw, evenly over tasks; none: all of them"
    )
    draw: int = Field(0, ge=0, description="number of the draw; random_seed has no part in it")
    without: Annotated[tuple[str, ...], BeforeValidator(_several), Distinct] = Field(
        (), description="tasks whose seeds are left out; their items are asked as ever"
    )


class ProposeSettings(Table):
    """Writing new instructions."""

    generator: str = Field("self_instruct", description="component that proposes")
    demonstrations: int = Field(3, ge=1, description="demonstrations in a prompt")
    pool_demonstrations: int = Field(
        0, ge=0, description="of these, how many come from accepted instructions"
    )
    one_task: bool = Field(False, description="all demonstrations of a prompt from one task")
    temperature: float = Field(1.0, ge=0)
    top_p: float = Field(0.98, gt=0, le=1)
    max_new_tokens: int = Field(256, ge=1)
    preface: str = Field(PREFACE, description="what stands above the demonstrations")
    batch: int = Field(16, ge=1, description="proposals that share their demonstrations")
    wave: int = Field(16, ge=1, description="batches before the pool is brought up to date")
    surplus: float = Field(
        1.1, ge=1, le=100, description="instructions to accept per example wanted"
    )
    limit: float = Field(
        8.0, ge=1, le=10_000, description="give up after this many proposals per example"
    )


class AnswerSettings(Table):
    """Writing the responses."""

    generator: str = Field("few_shot", description="component that answers")
    demonstrations: int = Field(5, ge=0)
    temperature: float = Field(0.0, ge=0)
    top_p: float = Field(1.0, gt=0, le=1)
    max_new_tokens: int = Field(256, ge=1)
    batch: int = Field(32, ge=1)
    votes: int = Field(1, ge=1, description="answers sampled for one instruction; 1: no voting")
    vote_temperature: float = Field(0.7, gt=0, description="temperature of sampled answers")
    vote_draws: bool = Field(
        False,
        description="each vote after demonstrations of its own, at `temperature`, instead of "
        "samples after the same ones",
    )
    labels: Literal["keep", "check", "replace"] = Field(
        "keep",
        description="an answer that was fixed before its input: keep it; check: the model answers "
        "too and `agreement` compares; replace it by the model's own answer",
    )
    closed: Literal["write", "weigh", "calibrate"] = Field(
        "write",
        description="answers of closed kinds: written; the likeliest choice; the likeliest once "
        "each choice has the same mean over a batch of two instructions a choice or more (with "
        "samples, `votes` above 1, they are written)",
    )


class RetrievalSettings(Table):
    """Domain knowledge shown while answering."""

    retriever: str | None = Field(None, description="component that retrieves; none: no passages")
    k: int = Field(0, ge=0, description="passages in a prompt")
    distractors: int | None = Field(
        None, ge=0, description="train with the passages, among so many others; none: without"
    )
    own_share: float = Field(
        0.8, ge=0, le=1, description="rows trained with their own passages; others see distractors"
    )


class TrainingSettings(Table):
    """Tuning the adapter."""

    trainer: str | None = Field(None, description="component that trains; default: the model's")
    model: str | None = Field(
        None, description="local model to tune when the one that generates cannot be tuned"
    )
    layout: str = Field("alpaca", description="layout the specialist is tuned and asked in")
    r: int = Field(8, ge=1, description="rank of the adapter")
    alpha: int = Field(16, ge=1, description="scale of the adapter is alpha / r")
    dropout: float = Field(0.0, ge=0, lt=1)
    lr: float = Field(3e-4, gt=0, description="peak learning rate")
    epochs: float = Field(3.0, gt=0, le=10_000)
    batch: int = Field(32, ge=1, description="examples per optimizer step, packed or not")
    warmup: float = Field(0.03, ge=0, lt=1, description="share of the steps")
    max_tokens: int = Field(512, ge=16, description="length of a packed row")
    threads: int | None = Field(None, ge=1, description="CPU threads while training")
    processes: int = Field(
        1,
        ge=1,
        description="processes that tune one adapter together, a GPU each if there are",
    )
    accelerate: Path | None = Field(
        None, description="accelerate's config file for these processes: FSDP in place of DDP"
    )
    gradient_checkpointing: bool = Field(False, description="less memory, slower")
    report_to: Annotated[tuple[Literal["tensorboard", "wandb"], ...], BeforeValidator(_several)] = (
        Field((), description="trackers told the loss of each step; they write to logs/ of the run")
    )


class EvaluationSettings(Table):
    """Measuring."""

    evaluators: Annotated[tuple[str, ...], Distinct] = Field(
        ("answers",), description="components that evaluate"
    )
    shots: int = Field(5, ge=0, description="demonstrations of base@K")
    demo_sets: int = Field(5, ge=1, description="draws of demonstrations for base@K")
    controls: Annotated[
        tuple[Literal["seeds-only", "seeds-only-long", "generic"], ...], Distinct
    ] = (
        "seeds-only",
        "seeds-only-long",
    )
    specialist_shots: Annotated[tuple[Annotated[int, Field(ge=1)], ...], Distinct] = Field(
        (), description="demonstrations of specialized@K, a system each"
    )
    passages: int | None = Field(
        None, ge=1, description="passages of NAME+retrieval@0; default: retrieval.k"
    )
    general: str = Field(
        "general", description="domain of no field: seeds of the control generic, collateral"
    )
    collateral: Literal["none", "general", "all"] = Field(
        "none", description="what is lost elsewhere: on everyday items, on all installed domains"
    )
    collateral_per_task: int = Field(
        12, ge=1, description="items of a task and a split that collateral asks, from the first on"
    )
    likelihood: bool = Field(True, description="score closed kinds by likelihood too")
    dev_per_task: int | None = Field(
        None, ge=1, description="dev items of a task that are asked, from the first on; none: all"
    )
    max_new_tokens: int = Field(64, ge=1)
    batch: int = Field(64, ge=1)
    resamples: int = Field(2000, ge=100, le=100_000, description="bootstrap resamples")


class RoundsSettings(Table):
    """Rounds of the loop, and when it stops; only dev items have a say in it."""

    max: int = Field(1, ge=1, description="most rounds; a limit below may stop the loop earlier")
    instructions: Literal["keep", "renew"] = Field(
        "keep",
        description="from round 2 on, answer those of the first round again, or propose new ones",
    )
    proposer: Literal["base", "specialist"] = Field(
        "base", description="who proposes from round 2 on, if instructions are renewed"
    )
    answerer: Literal["base", "specialist"] = Field(
        "specialist", description="who answers from round 2 on; the specialist of the round before"
    )
    collect: Literal["replace", "add"] = Field(
        "replace",
        description="train on this round's examples, or on those of all rounds so far",
    )
    demonstrations: int = Field(
        0, ge=0, description="demonstrations a specialist answers after; it was tuned on none"
    )
    margin: float = Field(
        0.01,
        ge=0,
        le=1,
        description="stop when the dev gain over the best round before is surely smaller than this",
    )
    distinct: float = Field(
        0.7, ge=0, le=1, description="stop below this share of the first round's distinct-2"
    )
    new_ngrams: float = Field(
        0.1, ge=0, le=1, description="stop when fewer of a round's three-word runs are new"
    )
    drift: float = Field(
        0.1, ge=0, le=1, description="stop when mean nearest-neighbour ROUGE-L rose by more"
    )
    collateral: float = Field(
        0.005, ge=0, le=1, description="stop when elsewhere more than this is surely lost"
    )


class PreferenceSettings(Table):
    """A second tuning after the first, on pairs of answers that the model made itself (DPO)."""

    enabled: bool = Field(False, description="tune on preference pairs too")
    trainer: str | None = Field(
        None, description="component that tunes on pairs; default: the one that trains"
    )
    pairs: str = Field(
        "majority",
        description="majority: the answer most samples agree on over the rarest; or a filter of "
        "examples, as in grounded: an answer it keeps over one it rejects",
    )
    sampler: Literal["answerer", "specialist"] = Field(
        "answerer", description="who is sampled: who answered in this round, or what it became"
    )
    samples: int = Field(8, ge=2, description="answers to one example, at answer.vote_temperature")
    min_share: float = Field(
        0.5, ge=0, le=1, description="majority: share of the samples that agree on the chosen one"
    )
    size: int | None = Field(None, ge=1, description="examples to sample for; none: all")
    beta: float = Field(0.1, gt=0, description="how closely it stays with the specialist")
    lr: float = Field(5e-5, gt=0, description="peak learning rate")
    epochs: float = Field(1.0, gt=0, le=10_000)
    batch: int = Field(16, ge=1, description="pairs per optimizer step")


class NamedTables(BaseModel):
    """Tables by component name; what is in them is checked when the component is built."""

    model_config = ConfigDict(extra="allow", frozen=True, defer_build=True)

    def of(self, name: str) -> dict[str, Any]:
        """Returns the settings of component `name` as given."""
        return dict((self.model_extra or {}).get(name, {}))

    @model_validator(mode="after")
    def _tables(self) -> Self:
        for name, table in (self.model_extra or {}).items():
            if not isinstance(table, dict):
                raise ValueError(f"'{name}' must be a table, as in {name}.KEY = VALUE")
        return self


class FiltersSettings(NamedTables):
    """Which filters, in which order; each has its own table `filters.NAME`."""

    order: Annotated[tuple[str, ...], Distinct] = (
        "personal_data",
        "well_formed",
        "parts",
        "length",
        "novelty",
        "well_formed_answer",
        "grounded",
        "agreement",
        "balance",
    )


class ComponentsSettings(NamedTables):
    """Settings of a plugin's own components: `components.NAME.KEY`."""


class Settings(Table):
    """All settings of a run."""

    random_seed: int = Field(0, ge=0)
    model: ModelSettings = Field(default_factory=ModelSettings)
    executor: ExecutorSettings = Field(default_factory=ExecutorSettings)
    data: DataSettings = Field(default_factory=DataSettings)
    seeds: SeedsSettings = Field(default_factory=SeedsSettings)
    propose: ProposeSettings = Field(default_factory=ProposeSettings)
    answer: AnswerSettings = Field(default_factory=AnswerSettings)
    retrieval: RetrievalSettings = Field(default_factory=RetrievalSettings)
    filters: FiltersSettings = Field(default_factory=FiltersSettings)
    training: TrainingSettings = Field(default_factory=TrainingSettings)
    evaluation: EvaluationSettings = Field(default_factory=EvaluationSettings)
    rounds: RoundsSettings = Field(default_factory=RoundsSettings)
    components: ComponentsSettings = Field(default_factory=ComponentsSettings)
    preference: PreferenceSettings = Field(default_factory=PreferenceSettings)
