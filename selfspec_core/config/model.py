"""Settings of who computes: the base model, and where it generates."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from selfspec_core.config.tables import Several, Table


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
    base_url: Annotated[tuple[str, ...], Several] = Field(
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
