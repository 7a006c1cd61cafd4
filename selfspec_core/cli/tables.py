"""A run as tables: what became of the proposals, the scores, the gains, the time it took."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.columns import Columns
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from selfspec_core.cli.held_against import over_better, print_collateral
from selfspec_core.cli.order import blocks, ordered
from selfspec_core.cli.output import cell, console, plain, table
from selfspec_core.cli.progress import duration
from selfspec_core.report.systems import explained

_REASONS = 3
STYLES = {"better": "green", "worse": "red"}


def print_run(summary: Mapping[str, Any], out: Console) -> None:
    """Prints a run as `selfspec_core.cli.show.summarize` gives it."""
    out.print(_heading(summary))
    rounds = summary["rounds"]
    if not rounds:
        out.print(Text("No round has begun yet."))
    for one in rounds:
        if len(rounds) > 1:
            chosen = ", chosen" if one["round"] == summary["chosen_round"] else ""
            out.print(Text(f"\nRound {one['round']}{chosen}", style="bold underline"))
        print_round(one, str(summary["domain"]), out)
    if len(rounds) > 1:
        out.print(section("Rounds, on dev items", by_round(rounds, summary["chosen_round"])))
        if summary.get("stopped"):
            out.print(Padding(cell(f"stopped {summary['stopped']}"), (0, 0, 0, 2)))
    if summary["timings"]:
        out.print(section("Time", _time(summary["time"])))


def print_round(one: Mapping[str, Any], domain: str, out: Console) -> None:
    """Prints the funnel, results and tasks of one round."""
    out.print(section("From proposals to examples", funnel(one)))
    if made := one.get("generic"):
        counts = f"control generic: {made['proposed']} proposed, {made['accepted']} accepted"
        out.print(Padding(cell(counts, "dim"), (0, 0, 0, 2)))
    if one["tasks"]:
        words = [cell(f"{task} {n}") for task, n in one["tasks"].items()]
        out.print(section("Accepted by task", Columns(words, padding=(0, 3, 0, 0))))
    if one["systems"]:
        print_scores(f"Results on {domain}", one, out)
    elif one.get("dev") is not None:
        out.print(section("Results", cell("only dev items were asked", "dim")))
    elif not one.get("evaluated"):
        out.print(section("Results", cell("not evaluated yet", "dim")))
    for name, other in one.get("benchmarks", {}).items():
        print_scores(f"Results on benchmark {name}", other, out)
    print_collateral(one, out)
    asked = [one, *one.get("benchmarks", {}).values()]
    names = {system: None for scores in asked for system in scores["systems"]}
    if names:
        out.print(section("What each system is", legend(names)))


def legend(systems: Iterable[str]) -> RenderableType:
    """Returns one line per system, however many demonstrations it is shown."""
    rows = table("system", "what it is")
    rows.show_header = False
    for name in dict.fromkeys(system.partition("@")[0] for system in ordered(systems)):
        rows.add_row(cell(name, "dim"), cell(explained(name), "dim"))
    rows.add_row(cell("@K", "dim"), cell("with K demonstrations in the prompt", "dim"))
    return rows


def print_sets(scores: Mapping[str, Any]) -> None:
    """Prints every set of a round's scores.json on stdout."""
    out = console()
    for name, one in scores["sets"].items():
        print_scores(f"Results on {name}", one, out)
    print_collateral(scores, out)


def print_scores(title: str, scores: Mapping[str, Any], out: Console) -> None:
    """Prints systems, gains and tasks of one set of items."""
    if not scores["systems"]:
        out.print(section(title, cell("no test items", "dim")))
        return
    likelihood = scores.get("likelihood") or {}
    out.print(section(title, results(scores["systems"], likelihood.get("systems", {}))))
    if scores["gains"]:
        out.print(section("Gains, paired by item, with 95 % interval", gains(scores)))
    if likelihood.get("gains"):
        out.print(section("Gains by likelihood of the choices", gains(likelihood)))
    if any(system["tasks"] for system in scores["systems"].values()):
        out.print(section("By task", by_task(scores["systems"])))


def funnel(one: Mapping[str, Any]) -> RenderableType:
    """Returns proposed → accepted, with what each filter rejected and why."""
    proposed, accepted = one["proposed"], one["accepted"]
    rejected, reasons = one["rejected"], one["reasons"]
    rows = table("", "count", "share", "why", right=("count", "share"))
    rows.add_row(cell("proposed"), cell(proposed), "", "")
    for name, count in rejected.items():
        share = cell(_share(count, proposed), "dim")
        rows.add_row(cell(f"- {name}"), cell(count), share, cell(_why(name, reasons), "dim"))
    unused = one.get("unused", 0)
    if unused > 0:
        word = "not needed" if one.get("evaluated") else "not answered yet"
        rows.add_row(cell(f"- {word}"), cell(unused), cell(_share(unused, proposed), "dim"), "")
    bold = ("accepted", accepted, _share(accepted, proposed))
    rows.add_row(*(cell(word, "bold") for word in bold), "")
    return rows


def results(
    systems: Mapping[str, Mapping[str, Any]], likelihood: Mapping[str, Mapping[str, Any]]
) -> RenderableType:
    """Returns one row per system: score with interval, parsable share, n, likelihood, SD."""
    columns = ["system", "score", "95 % interval", "parsable", "items"]
    columns += ["by likelihood"] if likelihood else []
    spread = any(one.get("sd") is not None for one in systems.values())
    columns += ["SD over demos"] if spread else []
    rows = table(*columns, right=tuple(columns[1:]))
    for name in ordered(systems):
        one = systems[name]
        parsable = _percent(one.get("parsable"))
        cells = [name, score(one["macro"]), interval(one), parsable, str(one["n"])]
        if likelihood:
            cells.append(score(likelihood[name]["macro"]) if name in likelihood else "-")
        if spread:
            cells.append(score(one.get("sd")))
        style = "bold" if name.startswith("specialized") else ""
        rows.add_row(*(cell(text, style) for text in cells))
    return rows


def by_round(rounds: Sequence[Mapping[str, Any]], chosen: int | None) -> RenderableType:
    """Returns one row per round: what it came to on dev, and how varied its instructions are."""
    heads = ("dev", "gain", "interval", "over", "distinct-2", "new", "nearest")
    rows = table("round", *heads, right=("dev", "gain", "interval", *heads[4:]))
    for one in rounds:
        gain, varied = one.get("dev_gain") or {}, one.get("diversity") or {}
        cells = (
            str(one["round"]),
            score(one.get("dev")),
            f"{gain['mean']:+.3f}" if gain else "-",
            interval(gain) if gain else "-",
            gain.get("over", "-"),
            score(varied.get("distinct_2")),
            _percent(varied.get("new_ngrams")),
            score(varied.get("nearest_mean")),
        )
        style = "bold" if one["round"] == chosen else ""
        rows.add_row(*(cell(text, style) for text in cells))
    return rows


def gains(scores: Mapping[str, Any]) -> RenderableType:
    """Returns one line per pair of a set of items, with what the gain shows."""
    rows = table("pair", "gain", "interval", "verdict", right=("gain", "interval"))
    rows.show_header = False
    for pair, gain in scores["gains"].items():
        cells = gain_cells(gain, fewest(scores, pair.partition(" - ")[0]))
        words = (pair.replace(" - ", " − "), *cells)
        rows.add_row(*(cell(word, STYLES.get(cells[-1], "dim")) for word in words))
    better = over_better(scores, STYLES)
    return Group(rows, better) if better else rows


def gain_cells(gain: Mapping[str, Any], fewest: int) -> tuple[str, str, str]:
    """Returns a gain, its interval, and what it shows where the smallest task has `fewest`."""
    from selfspec_core.measures.statistics import Gain, conclusion  # numpy

    said = conclusion(Gain(gain["mean"], gain["low"], gain["high"]), fewest)
    return f"{gain['mean']:+.3f}", interval(gain), said


def fewest(scores: Mapping[str, Any], system: str) -> int:
    """Returns the items of the smallest task; of a run that did not note sizes, of the mean one."""
    asked = scores["systems"][system]
    mean = asked["n"] // max(len(asked["tasks"]), 1)
    return int(min(scores.get("sizes", {}).values(), default=mean))


def by_task(systems: Mapping[str, Mapping[str, Any]]) -> RenderableType:
    """Returns one row per task, one column per system; the best of a row is bold."""
    names = {_short(name): name for name in ordered(systems)}
    tasks = list(dict.fromkeys(task for one in systems.values() for task in one["tasks"]))
    best = {t: max(one["tasks"].get(t, 0.0) for one in systems.values()) for t in tasks}
    shown = []
    for heads in blocks(list(names), first=max(map(len, tasks), default=0)):
        rows = table("task", *heads, right=tuple(heads))
        for task in tasks:
            values = [systems[names[head]]["tasks"].get(task) for head in heads]
            cells = (cell(score(v), "bold" if v == best[task] else "") for v in values)
            rows.add_row(cell(task), *cells)
        shown.append(rows)
    return Group(*shown)


def _short(system: str) -> str:
    """Returns a system's name as a narrow column is headed."""
    return system.replace("seeds-only", "seeds").replace("ized@", ".@").replace("retrieval", "r")


def score(value: float | None) -> str:
    """Returns a score as every table shows it."""
    return "-" if value is None else f"{value:.3f}"


def _heading(summary: Mapping[str, Any]) -> Text:
    parts = [summary["domain"], summary["model"], summary["state"]]
    if summary["seconds"]:
        parts.append(duration(summary["seconds"]))
    about = cell("  " + " · ".join(str(part) for part in parts if part))
    text = Text.assemble(cell(summary["run"], "bold"), about)
    unscreened = summary["not_screened_against"]
    notes = [f"not screened against: {', '.join(unscreened)}"] if unscreened else []
    for note in [*notes, *summary["notes"]]:
        text.append("\n")
        text.append_text(cell(note, "yellow"))
    return text


def section(title: str, body: RenderableType) -> RenderableType:
    """Returns a heading with what stands under it."""
    return Group(
        Text(f"\n{plain(title)}", style="bold cyan"), Padding(body, (0, 0, 0, 2), expand=False)
    )


def _time(time: Mapping[str, Any]) -> RenderableType:
    """Returns the breakdown of `stopwatch.totals`."""
    steps = time["steps"]
    total = sum(step["seconds"] for step in steps.values())
    rows = table(
        "step", "time", "share", "in model calls", right=("time", "share", "in model calls")
    )
    for name, step in steps.items():
        inside = step["in_model_calls"]
        rows.add_row(
            cell(name),
            duration(step["seconds"]),
            _share(step["seconds"], total),
            duration(inside) if inside else "",
        )
    if not time["in_model_calls"]:  # a run from before these were timed
        return rows
    outside = f"outside model calls {duration(time['outside'])}"
    aside = "of the time without imports and load"
    return Group(rows, cell(f"{outside}, {_percent(time['outside_share'])} {aside}", "dim"))


def _why(name: str, reasons: Mapping[str, int]) -> str:
    """Returns the commonest reasons of a filter, with counts where there are several."""
    prefix = f"{name}: "
    own = [(key.removeprefix(prefix), n) for key, n in reasons.items() if key.startswith(prefix)]
    own.sort(key=lambda pair: -pair[1])
    if len(own) == 1:
        return own[0][0]
    return _listed([f"{reason} {n}" for reason, n in own])


def _listed(words: Sequence[str]) -> str:
    more = len(words) - _REASONS
    return ", ".join(words[:_REASONS]) + (f", {more} more" if more > 0 else "")


def interval(one: Mapping[str, Any]) -> str:
    """Returns an interval as every table shows it."""
    return f"[{score(one['low'])}, {score(one['high'])}]"


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.0f} %"


def _share(count: float, total: float) -> str:
    return _percent(count / total) if total else ""
