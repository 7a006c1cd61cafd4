"""Settings of how examples are made: seeds, proposals, answers, passages, filters."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from selfspec_core.config.tables import Distinct, NamedTables, Several, Table

PREFACE = """\
Below are pieces of work that a professional in the field gave to an assistant. No two are alike: \
they differ in what is asked, in wording and in subject. Each can be done from what it says: \
the instruction takes one or two sentences, and the text is concrete and true to life, with \
nothing left to fill in.

"""
"""Stands above the demonstrations of a proposal; a recipe for a very small model sets it to ""."""


class DataSettings(Table):
    """The training set to make."""

    size: int = Field(5000, ge=0, description="accepted examples to stop at")
    seeds: bool = Field(True, description="train on the seeds too, beside the examples")
    short_seeds: bool = Field(False, description="only seeds and items of at most 45 words")
    task_share: float = Field(
        0.2, gt=0, le=1, description="largest share of one task; an even share is never too much"
    )
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
    without: Annotated[tuple[str, ...], Several, Distinct] = Field(
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
        "each choice has the same mean over a batch of two instructions a choice or more (written "
        "where they are sampled: `votes` above 1 without `vote_draws`, and preference pairs)",
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
