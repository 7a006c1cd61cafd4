"""The hook specs, in the order in which a run comes to them.

Collector hooks: each returns a list of component classes; none runs anything. Which components
run, in which order and with which settings is the recipe's business. Hooks never take defaults:
pluggy drops them in silence.
"""

from __future__ import annotations

import pluggy

from selfspec_core.components import (
    Composer,
    Domain,
    Evaluator,
    Exporter,
    Filter,
    Generator,
    Model,
    Retriever,
    SeedSource,
    Trainer,
)

hookspec = pluggy.HookspecMarker("selfspec")
hookimpl = pluggy.HookimplMarker("selfspec")


# --------------------------------------------------------------------------------------
# What the run is about
# --------------------------------------------------------------------------------------


@hookspec
def selfspec_domains() -> list[type[Domain]]:
    """Domains: name, title, summary, recipes and tasks.

    Example:
        ```python
        from selfspec_core import PackagedDomain, hookimpl

        class Chemistry(PackagedDomain):
            name = "chemistry"
            title = "Chemistry"
            summary = "Reactions, safety sheets and lab arithmetic"
            package = "selfspec_chemistry"  # with domain.toml and tasks/

        @hookimpl
        def selfspec_domains():
            return [Chemistry]
        ```
    """


@hookspec
def selfspec_seed_sources(domain: str) -> list[type[SeedSource]]:
    """Seed sources of one domain; an empty list for a domain that is not yours.

    Example:
        ```python
        from selfspec_core import PackagedSeeds, hookimpl

        class ChemistrySeeds(PackagedSeeds):
            name = "chemistry"
            summary = "84 seeds over 10 tasks"
            package, file = "selfspec_chemistry", "seeds.jsonl"

        @hookimpl
        def selfspec_seed_sources(domain):
            return [ChemistrySeeds] if domain == "chemistry" else []
        ```
    """


# --------------------------------------------------------------------------------------
# What makes the data
# --------------------------------------------------------------------------------------


@hookspec
def selfspec_models() -> list[type[Model]]:
    """Model backends.

    Example:
        ```python
        from selfspec_core import Model, hookimpl

        class Parrot(Model):
            name = "parrot"
            summary = "says the prompt's last line again"

            def generate(self, prompts, sampling, progress=None):
                return [prompt.splitlines()[-1] for prompt in prompts]

        @hookimpl
        def selfspec_models():
            return [Parrot]
        ```
    """


@hookspec
def selfspec_generators() -> list[type[Generator]]:
    """Strategies that propose instructions or answer them.

    Example:
        ```python
        from selfspec_core import Example, Generator, Sampling, hookimpl

        class ZeroShot(Generator):
            name = "zero_shot"
            summary = "answers without demonstrations"

            def answer(self, instructions, batch, context):
                prompts = [context.layout.prompt(i.instruction, i.input) for i in instructions]
                kinds = {i.kind for i in instructions}
                sampling = Sampling(stop=context.layout.stops(*kinds))
                texts = context.model.generate(prompts, sampling, context.progress)
                return [
                    Example(i.id, i.task, i.kind, i.instruction, i.input, text.strip(),
                            i.round, batch, i.choices)
                    for i, text in zip(instructions, texts)
                ]

        @hookimpl
        def selfspec_generators():
            return [ZeroShot]
        ```
    """


@hookspec
def selfspec_retrievers(domain: str) -> list[type[Retriever]]:
    """Retrievers of domain knowledge.

    Example:
        ```python
        from selfspec_core import Passage, Retriever, hookimpl

        NOTE = Passage("n1", "Acids give up protons.", "own notes")

        class Notes(Retriever):
            name = "notes"
            summary = "one note, whatever the question"

            def retrieve(self, queries, k):
                return [[NOTE][:k] for _ in queries]

        @hookimpl
        def selfspec_retrievers(domain):
            return [Notes] if domain == "chemistry" else []
        ```
    """


@hookspec
def selfspec_filters() -> list[type[Filter]]:
    """Filters over instructions or examples.

    Example:
        ```python
        from selfspec_core import KEEP, Filter, Verdict, hookimpl

        class NoShouting(Filter):
            name = "no_shouting"
            summary = "rejects instructions in capitals"
            phase = "instruction"

            def judge(self, candidates, context):
                return [
                    Verdict(False, "in capitals", c.instruction) if c.instruction.isupper()
                    else KEEP
                    for c in candidates
                ]

        @hookimpl
        def selfspec_filters():
            return [NoShouting]
        ```
    """


# --------------------------------------------------------------------------------------
# What the data makes
# --------------------------------------------------------------------------------------


@hookspec
def selfspec_trainers() -> list[type[Trainer]]:
    """Trainers: rows in, adapter out.

    Example:
        ```python
        import json
        from selfspec_core import Adapter, Trainer, hookimpl

        class ByHeart(Trainer):
            name = "by_heart"
            summary = "writes the rows into the adapter folder"

            def train(self, rows, out, context, *, steps):
                text = json.dumps([row.to_dict() for row in rows])
                (out / "rows.json").write_text(text)
                return Adapter(out, rows=len(rows))

        @hookimpl
        def selfspec_trainers():
            return [ByHeart]
        ```
    """


@hookspec
def selfspec_evaluators(domain: str) -> list[type[Evaluator]]:
    """Evaluators: items and a system in, predictions out.

    Example:
        ```python
        from selfspec_core import Evaluator, Prediction, Sampling, hookimpl, parse

        class Terse(Evaluator):
            name = "terse"
            summary = "asks for eight tokens at most"

            def evaluate(self, items, system, context):
                prompts = [system.layout.prompt(i.instruction, i.input) for i in items]
                texts = context.model.generate(prompts, Sampling(max_new_tokens=8))
                return [
                    Prediction(system.name, item.id, text, parse(item.kind, text, item.choices))
                    for item, text in zip(items, texts)
                ]

        @hookimpl
        def selfspec_evaluators(domain):
            return [Terse]
        ```
    """


# --------------------------------------------------------------------------------------
# Where it goes from here
# --------------------------------------------------------------------------------------


@hookspec
def selfspec_composers() -> list[type[Composer]]:
    """Composers: several specialists of one base in, one adapter out (`selfspec compose`).

    Example:
        ```python
        import shutil
        from selfspec_core import Adapter, Composer, hookimpl

        class FirstAlone(Composer):
            name = "first_alone"
            summary = "the first of them: what composing has to beat"

            def compose(self, experts, out, context):
                shutil.copytree(experts[0].adapter, out, dirs_exist_ok=True)
                return Adapter(out)

        @hookimpl
        def selfspec_composers():
            return [FirstAlone]
        ```
    """


@hookspec
def selfspec_exporters() -> list[type[Exporter]]:
    """Exporters: a specialist in, a folder that other programs read out.

    Example:
        ```python
        import shutil
        from selfspec_core import Exporter, SelfspecError, hookimpl

        class Archive(Exporter):
            name = "zip"
            summary = "the adapter as one zip file"

            def export(self, specialist, out, precision, progress):
                made = shutil.make_archive(str(out / "adapter"), "zip", specialist.adapter)
                shutil.unpack_archive(made, out / "back")
                weights = "adapter_model.safetensors"
                back = (out / "back" / weights).read_bytes()
                if back != (specialist.adapter / weights).read_bytes():
                    raise SelfspecError(f"zip: {weights} came back changed")
                shutil.rmtree(out / "back")
                return {"compared": weights}

        @hookimpl
        def selfspec_exporters():
            return [Archive]
        ```
    """
