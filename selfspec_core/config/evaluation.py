"""What is measured, and when the loop stops."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from selfspec_core.config.tables import Distinct, Table


class EvaluationSettings(Table):
    """Measuring."""

    evaluators: Annotated[tuple[str, ...], Distinct] = Field(
        ("answers",), min_length=1, description="components that evaluate"
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
        ge=-1,
        le=1,
        description="stop when dev surely gains less than this over the best round; -1: never",
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
