"""InstructLab's qna.yaml as seeds, and one line for whatever is wrong with one."""

from __future__ import annotations

import pytest

from selfspec_core.assembly.assemble import assemble
from selfspec_core.assembly.request import Request
from selfspec_core.errors import UsageError
from selfspec_core.progress import Silent
from selfspec_plugins.instructlab import InstructLab, task_of

SKILL = """\
version: 2
task_description: Names of trees
created_by: jane
seed_examples:
  - question: Which tree has white bark?
    answer: The birch.
  - question: Which tree is named in the text?
    context: |
      An old oak stands by the mill.

      It gives shade.
    answer: |
      The oak.
"""
KNOWLEDGE = """\
version: 3
domain: trees
document_outline: Trees of the north
created_by: jane
seed_examples:
  - context: |
      Birches grow fast.
    questions_and_answers:
      - question: How do birches grow?
        answer: Fast.
      - question: What grows fast?
        answer: |
          Birches do.
          They need light.
document:
  repo: https://example.org/trees.git
  commit: 0123abc
  patterns: ["*.md"]
"""


@pytest.fixture
def taxonomy(tmp_path):
    folder = tmp_path / "taxonomy"
    for place, text in (
        ("knowledge/plants/trees", KNOWLEDGE),
        ("compositional_skills/Naming things", SKILL),
    ):
        file = folder / place / "qna.yaml"
        file.parent.mkdir(parents=True)
        file.write_text(text)
    (folder / "README.yaml").write_text("not: a qna")
    return folder


def test_questions_are_instructions_and_contexts_inputs(taxonomy):
    seeds = InstructLab().read(taxonomy)
    assert [(s.id, s.task, s.kind, s.instruction, s.input, s.output) for s in seeds] == [
        ("naming_things-1", "naming_things", "open_qa", "Which tree has white bark?", "",
         "The birch."),
        ("naming_things-2", "naming_things", "open_qa", "Which tree is named in the text?",
         "An old oak stands by the mill.\nIt gives shade.", "The oak."),
        ("plants_trees-1", "plants_trees", "summarization", "How do birches grow?",
         "Birches grow fast.", "Fast."),
        ("plants_trees-2", "plants_trees", "summarization", "What grows fast?",
         "Birches grow fast.", "Birches do.\nThey need light."),
    ]  # fmt: skip
    assert {seed.source for seed in seeds} == {"InstructLab, jane"}


def test_a_file_by_itself_and_under_another_name(taxonomy):
    file = taxonomy / "knowledge/plants/trees/qna.yaml"
    assert {seed.task for seed in InstructLab().read(file)} == {"plants_trees"}
    other = taxonomy / "my-trees.yml"
    other.write_text(SKILL)
    assert InstructLab().takes(other)
    assert task_of(other) == "my_trees"


@pytest.mark.parametrize("what", ["", "knowledge/plants/trees/qna.yaml"])
def test_a_run_takes_them_by_its_flag(taxonomy, what):
    request = Request(None, model="scripted", seeds=str(taxonomy / what))
    assembly = assemble(request, Silent())
    assert list(assembly.context.seeds) == list(InstructLab().read(taxonomy / what))


def test_json_lines_and_folders_without_qna_are_not_taken(tmp_path):
    (tmp_path / "seeds.jsonl").write_text("{}")
    assert not InstructLab().takes(tmp_path)
    assert not InstructLab().takes(tmp_path / "seeds.jsonl")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("- a", "expected a table with 'version' and 'seed_examples'"),
        ("version: 1\nseed_examples: []", "'version': expected 2 or 3, got 1"),
        ("seed_examples: []", "'version': expected 2 or 3, got None"),
        ("version: 2", "'seed_examples' is missing"),
        ("version: 2\nseed_examples: []", "'seed_examples': expected a list with an entry or more"),
        ("version: 2\nseed_examples: [x]", r"seed_examples\[0\]: expected a table, got 'x'"),
        ("version: 2\nseed_examples: [{question: a}]", r"seed_examples\[0\]: key 'answer' is miss"),
        ("version: 2\nseed_examples: [{question: a, answer: yes}]",
         r"seed_examples\[0\]: key 'answer' must be text, got True; put it in quotes"),
        ("version: 2\nseed_examples: [{question: a, answer: ' '}]",
         r"seed_examples\[0\]: key 'answer' is empty"),
        ("version: 2\nseed_examples: [{question: a, awnser: b}]", "unknown key 'awnser'"),
        ("version: 3\nseed_examples: [{context: c, questions_and_answers: [{question: a}]}]",
         r"seed_examples\[0\].questions_and_answers\[0\]: key 'answer' is missing"),
        ("version: 3\nseed_examples: [{questions_and_answers: [{question: a, answer: b}]}]",
         r"seed_examples\[0\]: key 'context' is missing"),
        ("version: 2\nseed_examples: [{question: '### a', answer: b}]",
         r"seed_examples\[0\]: '###' marks the parts"),
        ("a: [", r"qna.yaml:1: not valid YAML"),
        ("a: !!python/object/apply:os.system ['true']", r"qna.yaml:1: not valid YAML: could not d"),
        ("[" * 3000, "not valid YAML"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_file_and_key(tmp_path, text, said):
    file = tmp_path / "qna.yaml"
    file.write_text(text)
    with pytest.raises(UsageError, match=said) as error:
        InstructLab().read(file)
    assert str(error.value).startswith(str(file))
    assert "\n" not in str(error.value)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(UsageError, match=r"gone\.yaml: no such file"):
        InstructLab().read(tmp_path / "gone.yaml")
