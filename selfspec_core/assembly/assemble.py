"""Builds a run's parts from its settings: which components, with which settings, on which items."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from selfspec_core.assembly.models import build_model
from selfspec_core.assembly.needs import check_needs, check_shares
from selfspec_core.assembly.opponents import (
    build_baselines,
    collateral_sets,
    general_seeds,
    is_short,
)
from selfspec_core.assembly.preference import build_preferrer, judge_builder
from selfspec_core.assembly.request import Request, check_settings, resolve_settings
from selfspec_core.assembly.screening import about_items, build_firewall, items_of_domains, screened
from selfspec_core.assembly.seed_choice import about_choice, chosen
from selfspec_core.components import Context, Domain, Evaluator, Filter, Model
from selfspec_core.config import Settings
from selfspec_core.contracts import seeds_of
from selfspec_core.errors import UsageError, nearest
from selfspec_core.firewall import Firewall
from selfspec_core.knowledge import find_retriever
from selfspec_core.packages import seeds_from_file
from selfspec_core.pipeline import Parts
from selfspec_core.plugins import PluginHost
from selfspec_core.progress import Progress
from selfspec_core.sets.hub import read_benchmark
from selfspec_core.stages.asking import EvaluationSet
from selfspec_core.types import Item, Seed


class AdHoc(Domain):
    """A domain made of a file of seeds alone (`--seeds FILE` without `--domain`)."""

    name = "adhoc"
    title = "Ad hoc"
    summary = "a file of seeds"


def domain_of(request: Request, host: PluginHost) -> Domain:
    """Returns the domain asked for, or the one that a file of seeds makes.

    That has the name of the file, ending and all, which no installed domain can have.
    """
    if request.domain:
        domain: Domain = host.build("domains", request.domain)
        return domain

    class Named(AdHoc):
        name = Path(request.seeds or "").name

    return Named()


@dataclass(slots=True)
class Assembly:
    """Everything a run needs.

    Attributes:
        unscreened: domains whose items the firewall does not know, each with its error.
        failed: plugins that were left out, each with its error.
        knowledge: files of the user's to answer from.
        notes: what whoever reads the result has to know, a line each.
        seeds: all seeds, those that are left out too.
        general: general seeds where something is made of them, those that are left out too.
    """

    settings: Settings
    context: Context
    parts: Parts
    unscreened: tuple[str, ...]
    plugins: dict[str, str]
    failed: tuple[str, ...] = ()
    knowledge: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    seeds: Sequence[Seed] = ()
    general: Sequence[Seed] = ()

    @property
    def models(self) -> list[Model]:
        """The model that writes, the one that is tuned if it is another, and the baselines."""
        tuned = self.parts.training_model
        baselines = (one.model for one in self.parts.baselines)
        return [self.context.model, *([tuned] if tuned is not None else []), *baselines]


def load_host(domain: str | None, asked: str = "--domain") -> PluginHost:
    """Loads the built-in and third-party plugins, and the package of a domain."""
    host = PluginHost()
    host.load_defaults()
    if domain:
        host.load_domain(domain, asked)
    return host


def assemble(request: Request, progress: Progress, host: PluginHost | None = None) -> Assembly:
    """Builds all parts; nothing heavy is loaded yet.

    Raises:
        UsageError: for whatever is wrong with the request.
    """
    if not request.domain and not request.seeds:
        raise UsageError("--domain: name a domain (`selfspec domains` lists them), or give --seeds")
    host = host or load_host(request.domain)
    domain = domain_of(request, host)
    name = domain.name  # `--domain` may have said `dist/name`
    settings = resolve_settings(request, domain, host)
    seeds = _seeds(request, name, host, settings)
    notes = [f"the seeds are those of {request.seeds}, not the domain's own"] * bool(
        request.domain and request.seeds
    )
    model = build_model(host, settings)
    model.check()
    check_settings(settings, host, model)
    context = Context(name, model, settings, seeds, progress=progress)
    if request.knowledge:
        context.retriever = find_retriever(host, settings, name)
    elif settings.retrieval.retriever:
        retriever = settings.retrieval.retriever
        own = settings.components.of(retriever)
        context.retriever = host.build("retrievers", retriever, own, name)
    elif settings.retrieval.k:
        raise UsageError("retrieval.k: needs a retriever; set retrieval.retriever")
    sets = _sets(request, host, settings, domain)
    versions = {str(source.key): source.version for source in host.sources.values()}
    general, about_general = general_seeds(host, settings, name)
    domains, unscreened = items_of_domains(host)
    firewall = build_firewall([*seeds, *general], sets, domains)
    clean, left_out = screened(seeds, firewall)
    context.seeds = tuple(chosen(clean, settings.seeds))
    if general:
        context.general_seeds, also = screened(general, firewall)
        left_out += also
    check_shares(settings, context.seeds)
    parts = replace(
        _parts(host, context, sets, firewall),
        collateral=collateral_sets(settings, name, domains, sets[0].evaluator),
        baselines=build_baselines(host, settings, request.baselines),
    )
    notes += [*about_general, *about_choice(clean, context.seeds, settings.seeds)]
    notes += [*left_out, *about_items(sets), *filter(None, (model.caveat,))]
    failed = tuple(f"{source}: {source.error}" for source in host.failures())
    return Assembly(
        settings=settings,
        context=context,
        parts=parts,
        unscreened=unscreened,
        plugins=versions,
        failed=failed,
        knowledge=request.knowledge,
        notes=tuple(notes),
        seeds=seeds,
        general=general,
    )


def _seeds(request: Request, name: str, host: PluginHost, settings: Settings) -> list[Seed]:
    offered = [cls for _, cls in host.offered("seed_sources", name)]
    if request.seeds:
        seeds = seeds_from_file(Path(request.seeds), [cls() for cls in offered])
    else:
        seeds = seeds_of(offered)
    if not seeds:
        raise UsageError(f"--domain {name}: no plugin provides seeds for it; give --seeds FILE")
    if settings.data.short_seeds:
        seeds = [seed for seed in seeds if is_short(seed)] or seeds
    return seeds


def read_sets(request: Request) -> list[EvaluationSet]:
    """Returns what a run asks, without the rest of it: its model may be gone.

    Raises:
        UsageError: for whatever is wrong with the request.
    """
    host = load_host(request.domain)
    domain = domain_of(request, host)
    return _sets(request, host, resolve_settings(request, domain, host), domain)


def _sets(
    request: Request, host: PluginHost, settings: Settings, domain: Domain
) -> list[EvaluationSet]:
    """Returns the domain's own items first, then other evaluators' and the benchmarks'."""
    evaluators: list[Evaluator] = [
        host.build("evaluators", name, settings.components.of(name), domain.name)
        for name in settings.evaluation.evaluators
    ]
    sets = []
    for number, evaluator in enumerate(evaluators):
        items = tuple(evaluator.items(domain))
        if settings.data.short_seeds:
            items = tuple(filter(is_short, items))
        items = _fewer_dev(items, settings.evaluation.dev_per_task)
        own = not number and type(evaluator).items is Evaluator.items
        sets.append(EvaluationSet(domain.name if own else evaluator.name, items, evaluator))
    for benchmark in request.benchmarks:
        name, found = read_benchmark(benchmark, domain.name)
        if name in {one.name for one in sets}:
            raise UsageError(
                f"--benchmark {benchmark}: a set is already called '{name}'; rename it"
            )
        sets.append(EvaluationSet(name, tuple(found), evaluators[0]))
    return sets


def _fewer_dev(items: Sequence[Item], most: int | None) -> tuple[Item, ...]:
    """Returns the items with at most so many dev items of each task."""
    kept, seen = [], Counter[str]()
    for item in items:
        if item.split == "dev":
            seen[item.task] += 1
        if item.split != "dev" or most is None or seen[item.task] <= most:
            kept.append(item)
    return tuple(kept)


def _parts(
    host: PluginHost, context: Context, sets: Sequence[EvaluationSet], firewall: Firewall
) -> Parts:
    settings = context.settings
    tuned = settings.training.model
    training_model = build_model(host, settings, tuned) if tuned else None
    if training_model is not None:
        training_model.check()
    trainer = settings.training.trainer or (training_model or context.model).trainer
    own = settings.components.of
    proposer, answerer = (
        host.build("generators", name, own(name))
        for name in (settings.propose.generator, settings.answer.generator)
    )
    filters = build_filters(host, settings)  # what is wrong is an error now, not after a round
    judge = judge_builder(host, settings)
    check_needs((proposer, answerer, *filters), filters, context, training_model, judge())
    return Parts(
        proposer=proposer,
        answerer=answerer,
        filters=lambda: build_filters(host, settings),
        trainer=host.build("trainers", trainer, own(trainer)),
        training_model=training_model,
        sets=sets,
        firewall=firewall,
        preferrer=build_preferrer(host, settings, trainer),
        judge=judge,
    )


def build_filters(host: PluginHost, settings: Settings) -> list[Filter]:
    """Builds the filters in order.

    A recipe may hold settings of a filter that another order leaves out; of one that is not there
    at all they are an error.
    """
    known = {cls.name for _, cls in host.offered("filters")}
    for key in settings.filters.model_extra or {}:
        if key.rpartition("/")[2] not in known:
            raise UsageError(f"unknown setting 'filters.{key}'{nearest(key, {'order', *known})}")
    return [
        host.build("filters", name, settings.filters.of(name)) for name in settings.filters.order
    ]
