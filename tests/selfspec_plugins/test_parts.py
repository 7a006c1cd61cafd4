"""Parts of an input: what a task needs, what belongs to another, what a generator mends."""

import pytest

from selfspec_core import Capabilities, Context, Domain, Instruction, Model, Seed
from selfspec_core.assembly.resolve import resolve
from selfspec_plugins.generators import LabelFirst
from selfspec_plugins.parts import Parts, opened, required

YESNO = ("yes", "no")
WHO = "extractive_qa"
PASSAGE = "Arden sold its mill to Corwin for 4 million euros."
SEEDS = [
    *(
        Seed(f"who-{n}", "who", WHO, "Who?", f"{PASSAGE} Question: Who {verb}?", "Arden")
        for n, verb in enumerate(("sold", "bought", "paid"))
    ),
    *(
        Seed(f"tone-{n}", "tone", "classification", "Tone?", "Sales rose.", "up", ("up", "down"))
        for n in range(3)
    ),
    *(
        Seed(f"aspect-{n}", "aspect", "yesno", "Good?", f"Sales rose. Aspect: {what}", "yes", YESNO)
        for n, what in enumerate(("sales", "costs", "debt"))
    ),
    Seed("rare-0", "rare", "open_qa", "Name it.", "It glows. Hint: gas", "neon"),
]


class Forgetful(Model):
    name, summary = "forgetful", "writes no question until it is opened"

    def __init__(self) -> None:
        super().__init__()
        self.prompts: list[str] = []

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities()

    def generate(self, prompts, sampling, progress=None):
        self.prompts += prompts
        return [" sales" if p.endswith("Aspect:") else f" {PASSAGE}" for p in prompts]


def context(model=None):
    settings = resolve([("test", {"propose": {"batch": 4, "preface": ""}})])
    return Context(Domain(), model or Forgetful(), settings, SEEDS)


def verdict(task, input):
    asked = Instruction("r1-00000-000", task, "open_qa", "Do it.", input, 1, 0)
    [found] = Parts().judge([asked], context())
    return "" if found.keep else f"{found.reason}, {found.evidence}"


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("A ran. Question: Who ran?", ["Question"]),
        ("Background: x. Methods: y.\nResults: z", ["Background", "Methods", "Results"]),
        ('He said "no." Claim: It is so.', ["Claim"]),
        ("The ratio was 3:1 at 10:30, see note: below; Https://x.org", []),
        ("", []),
    ],
)
def test_a_part_is_opened_by_a_word_with_a_colon(text, parts):
    assert opened(text) == parts


def test_what_all_seeds_have_is_required_and_few_seeds_tell_nothing():
    own = {task: [s for s in SEEDS if s.task == task] for task in ("who", "tone", "rare")}
    assert required(own["who"]) == ["Question"]
    assert required(own["tone"]) == required(own["rare"]) == []


@pytest.mark.parametrize(
    ("task", "input", "said"),
    [
        ("who", f"{PASSAGE} Question: Who paid?", ""),
        ("who", PASSAGE, "a part is missing, Question:"),
        ("tone", PASSAGE, ""),
        ("tone", f"{PASSAGE} Question: Who paid?", "a part of another task, Question:"),
        ("tone", "Sales fell. Outlook: poor.", ""),
        ("rare", "It burns.", ""),
        ("unheard", "Sales rose. Aspect: sales", ""),
    ],
)
def test_verdicts(task, input, said):
    assert verdict(task, input) == said


def test_a_generator_opens_the_part_that_is_missing():
    model = Forgetful()
    rows = LabelFirst().propose(2, context(model))
    assert {row.task for row in rows} == {"aspect"}
    assert {row.input for row in rows} == {f"{PASSAGE} Aspect: sales"}
    assert len(model.prompts) == 8  # each row once, and once more from where it stopped
    assert all(p.endswith(f"{PASSAGE} Aspect:") for p in model.prompts[4:])


def test_nothing_is_asked_again_where_nothing_is_missing():
    model = Forgetful()
    LabelFirst().propose(1, context(model))
    assert len(model.prompts) == 4
