"""Random layouts of worksheets: field labels, their dress, and what separates entries."""

from dataclasses import dataclass
from random import Random

from selfspec_nano.marks import marked
from selfspec_nano.source import Item

TEXT_LABELS = (
    "Text Item Line Case Passage Entry Source Given Sample Snippet Fact Record Data Story Sheet "
    "Note Post Row Sentence News Extract Content"
).split()
TASK_LABELS = (
    "Task Goal Job Todo Assignment Exercise Aim Request Problem Work Prompt Step Order Question "
    "Ask Query Do Directive"
).split()
ANSWER_LABELS = (
    "Answer Label Result Reply Solution Output Tag Verdict Out Key Ans Finding Outcome Choice "
    "Correct"
).split()
DRESS = ("{}: ",) * 8 + (
    "[{}] ", "<{}> ", "- {}: ", "* {} = ", "**{}** ", "{} > ", "({}) ", "{} | ", "{}:\n",
    "--- {}\n", "{} -> ", "{} = ",
) + ("# {}\n", "## {}\n", "### {}\n", "#### {}:\n", "### {}:\n", "== {} ==\n") * 2  # fmt: skip
SEPARATORS = ("\n\n",) * 6 + ("\n",) * 3 + ("\n---\n", "\n***\n", "\n\n\n")
STANDARD_SHARE = 0.15
"""Share of worksheets in the Task/Text/Answer layout."""
AIRY_SHARE = 0.35
"""Share of worksheets with an empty line between the fields of an entry."""
AIRY_SEPARATORS = ("\n\n",) * 4 + ("\n\n\n", "\n\n---\n\n", "\n\n***\n\n")


@dataclass(frozen=True)
class Layout:
    """How an entry of a worksheet is written.

    Attributes:
        task: what stands before the instruction; `text` and `answer`: before the other fields.
        separator: between entries.
        join: between the fields of an entry.
    """

    task: str
    text: str
    answer: str
    separator: str
    join: str = "\n"

    def entry(
        self,
        item: Item,
        answer_first: bool = False,
        with_task: bool = True,
        mark: bool = False,
    ) -> str:
        """Return an item as an entry, without the separator; ``mark`` puts marks on its answer."""
        parts = [self.task + item.instruction] if with_task and item.instruction else []
        answer = item.output if answer_first or not mark else marked(item.output)
        pair = [self.text + item.input, self.answer + answer]
        parts += pair[::-1] if answer_first else pair
        return self.join.join(parts)

    def prompt(self, item: Item) -> str:
        """Return an item without its answer."""
        return f"{self.task}{item.instruction}{self.join}{self.text}{item.input}"


STANDARD = Layout("Task: ", "Text: ", "Answer: ", "\n\n")


def _dressed(rng: Random, label: str) -> str:
    label = rng.choice((label, label, label, label.lower(), label.upper()))
    return rng.choice(DRESS).format(label)


def layout(rng: Random) -> Layout:
    """Return the standard layout or, mostly, a random one."""
    if rng.random() < STANDARD_SHARE:
        return STANDARD
    labels = [rng.choice(group) for group in (TASK_LABELS, TEXT_LABELS, ANSWER_LABELS)]
    if rng.random() < 0.6:  # most sheets dress all of their fields alike
        dress = rng.choice(DRESS)
        task, text, answer = (dress.format(label) for label in labels)
    else:
        task, text, answer = (_dressed(rng, label) for label in labels)
    if rng.random() < AIRY_SHARE:
        return Layout(task, text, answer, rng.choice(AIRY_SEPARATORS), "\n\n")
    return Layout(task, text, answer, rng.choice(SEPARATORS))


def styled(rng: Random) -> str:
    """Return the answer style of a document: mostly plain."""
    return rng.choices(("{}", "{}.", '"{}"', "The answer is {}."), (0.92, 0.04, 0.02, 0.02))[0]
