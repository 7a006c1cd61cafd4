"""A domain of two tasks and sixteen items, so that a whole run of three rounds takes a second."""

from __future__ import annotations

from itertools import product

from selfspec_core import Domain, Item, Seed, SeedSource, Task, hookimpl

PLACES = "harbour quarry orchard foundry tannery brewery".split()
MOODS = {"flourishes": "good", "collapses": "bad"}
WEATHER = "after rain|before frost|during drought|without warning".split("|")


def _told(place: str, mood: str, weather: str, number: int) -> str:
    return f"The old {place} of valley {number} {mood} {weather} and its {number} workers know it"


def _all() -> list[tuple[str, str]]:
    """Returns (text, answer) of everything that can be told, in a fixed order."""
    told = product(PLACES, MOODS, WEATHER)
    return [(_told(*words, number), MOODS[words[1]]) for number, words in enumerate(told)]


def _seed(number: int, text: str, answer: str, task: str) -> Seed:
    asked, kind, choices = _TASKS[task]
    output = answer if kind == "classification" else {"good": "yes", "bad": "no"}[answer]
    about = "written for this test", "Apache-2.0"
    return Seed(f"{task}-{number}", task, kind, asked, text, output, choices, *about)


_TASKS = {
    "outlook": ("Say whether the news is good or bad.", "classification", ("good", "bad")),
    "thrives": ("Does the place thrive? Answer yes or no.", "yesno", ("yes", "no")),
}


class Small(Domain):
    """The domain."""

    name = "small"
    title = "Small"
    summary = "news of places"

    def tasks(self):
        """Returns its tasks, each with four dev and four test items."""
        made = []
        for task, (asked, kind, choices) in _TASKS.items():
            rows = [_seed(n, *told, task) for n, told in enumerate(_all()[-8:])]
            items = [
                Item(
                    id=f"item-{row.id}",
                    task=task,
                    kind=kind,
                    instruction=asked,
                    input=" ".join(reversed(row.input.split())),  # unlike any proposal
                    output=(row.output,),
                    choices=choices,
                    metric="accuracy",
                    split="dev" if number % 2 else "test",
                )
                for number, row in enumerate(rows)
            ]
            made.append(Task(task, kind, "accuracy", task, task, choices, tuple(items)))
        return made


class SmallSeeds(SeedSource):
    """Its seeds."""

    name = "small"
    summary = "eight a task"

    def seeds(self):
        """Yields them."""
        for task in _TASKS:
            yield from (_seed(n, *told, task) for n, told in enumerate(_all()[::5][:8]))


@hookimpl
def selfspec_domains():
    """Offers the domain."""
    return [Small]


@hookimpl
def selfspec_seed_sources(domain):
    """Offers its seeds."""
    return [SmallSeeds] if domain == "small" else []
