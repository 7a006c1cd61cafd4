"""A run as tables: what became of the proposals, the scores, the gains, the time it took."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.columns import Columns
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from selfspec_core.cli.output import cell, console, table
from selfspec_core.cli.progress import duration

ORDER = ("base@0", "base-best@0", "base@5", "seeds-only@0", "seeds-only-long@0", "specialized@0")
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
    if summary["timings"]:
        out.print(section("Time", _timings(summary["timings"], summary["seconds"])))


def print_round(one: Mapping[str, Any], domain: str, out: Console) -> None:
    """Prints the funnel, results and tasks of one round."""
    out.print(section("From proposals to examples", funnel(one)))
    if one["tasks"]:
        words = [cell(f"{task} {n}") for task, n in one["tasks"].items()]
        out.print(section("Accepted by task", Columns(words, padding=(0, 3, 0, 0))))
    if one["systems"]:
        print_scores(f"Results on {domain}", one, out)
    elif not one.get("evaluated"):
        out.print(section("Results", cell("not evaluated yet", "dim")))
    for name, other in one.get("benchmarks", {}).items():
        print_scores(f"Results on benchmark {name}", other, out)


def print_sets(scores: Mapping[str, Any]) -> None:
    """Prints every set of a round's scores.json on stdout."""
    out = console()
    for name, one in scores["sets"].items():
        print_scores(f"Results on {name}", one, out)


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


def gains(scores: Mapping[str, Any]) -> RenderableType:
    """Returns one line per pair of a set of items, with what the gain shows."""
    from selfspec_core.statistics import Gain, conclusion  # numpy

    rows = table("pair", "gain", "interval", "verdict", right=("gain", "interval"))
    rows.show_header = False
    for pair, gain in scores["gains"].items():
        said = conclusion(Gain(**gain), _fewest(scores, pair.partition(" - ")[0]))
        cells = (pair.replace(" - ", " − "), f"{gain['mean']:+.3f}", interval(gain), said)
        rows.add_row(*(cell(text, STYLES.get(said, "dim")) for text in cells))
    return rows


def _fewest(scores: Mapping[str, Any], system: str) -> int:
    """Returns the items of the smallest task; of a run that did not note sizes, of the mean one."""
    asked = scores["systems"][system]
    mean = asked["n"] // max(len(asked["tasks"]), 1)
    return int(min(scores.get("sizes", {}).values(), default=mean))


def by_task(systems: Mapping[str, Mapping[str, Any]]) -> RenderableType:
    """Returns one row per task, one column per system; the best of a row is bold."""
    names = ordered(systems)
    heads = [name.replace("seeds-only", "seeds").replace("ized@", ".@") for name in names]
    rows = table("task", *heads, right=tuple(heads))
    tasks = dict.fromkeys(task for name in names for task in systems[name]["tasks"])
    for task in tasks:
        values = [systems[name]["tasks"].get(task) for name in names]
        best = max((value for value in values if value is not None), default=None)
        cells = (cell(score(v), "bold" if v is not None and v == best else "") for v in values)
        rows.add_row(cell(task), *cells)
    return rows


def ordered(systems: Iterable[str]) -> list[str]:
    """Returns the systems as tables list them: the known ones first, in order."""
    names = list(systems)
    known = [name for name in ORDER if name in names]
    others = [name for name in names if name not in ORDER]
    if not others or "specialized@0" not in known:
        return known + others
    return [*(name for name in known if name != "specialized@0"), *others, "specialized@0"]


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
    return Group(Text(f"\n{title}", style="bold cyan"), Padding(body, (0, 0, 0, 2), expand=False))


def _timings(timings: Mapping[str, float], total: float | None) -> RenderableType:
    spent = sum(timings.values())
    parts = [(step, seconds) for step, seconds in timings.items()]
    if total and total - spent > 0.05:
        parts.append(("other", total - spent))
    return cell(", ".join(f"{step} {duration(seconds)}" for step, seconds in parts))


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


def _share(count: int, total: int) -> str:
    return _percent(count / total) if total else ""
