"""Rows of strangers become items: templates, labels, options, tags; nothing is evaluated."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfspec_core.sets.mapping import BadRow, MissingColumn, SetMapping, column, fill, item_fields

ROW = {
    "text": "Rain fell.",
    "parts": ["One.", "Two."],
    "nested": {"deep": ["a", "b"], "more": {"still": 3}},
    "turns": [{"said": "hello"}, {"said": "bye"}],
    "with.dot": "dotted",
    "nothing": None,
}
BASE = {"split": "test", "kind": "classification", "metric": "accuracy", "instruction": "Which?"}


def table(**keys):
    return SetMapping.model_validate({**BASE, "input": "{text}", "output": "{label}", **keys})


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{text}", "Rain fell."),
        ("Q: {text}\nP: {parts}", "Q: Rain fell.\nP: One. Two."),
        ("{parts.1} {nested.more.still}", "Two. 3"),
        ("{nested.deep}", "a b"),
        ("{turns.said}", "hello bye"),
        ("{with.dot}{nothing}", "dotted"),
        ("{{text}} is {text}", "{text} is Rain fell."),
    ],
)
def test_templates_are_filled(template, text):
    assert fill(template, ROW) == text


@pytest.mark.parametrize(
    "template",
    ["{absent}", "{text.absent}", "{parts.7}", "{text.__class__}", "{text!r}", "{text:>9}"]
    + ["{parts[0]}", "{nested.deep.__len__}", "{0}"],
)
def test_a_template_reaches_nothing_but_keys_and_positions(template):
    with pytest.raises(MissingColumn):
        fill(template, ROW)


def test_a_column_of_columns_asks_for_one():
    with pytest.raises(BadRow, match="'nested' holds the fields deep, more; name one"):
        fill("{nested}", ROW)


def test_a_lone_column_keeps_its_value():
    assert column(" {parts} ", ROW) == ["One.", "Two."]
    assert column("{parts}!", ROW) == "One. Two.!"


@pytest.mark.parametrize("value", [1, "1", 1.0, "up"])
def test_a_label_may_be_a_number_digits_or_its_text(value):
    fields = item_fields(table(labels=["down", "up"]), {"text": "x", "label": value})
    assert fields == {"input": "x", "output": ["up"], "choices": ["down", "up"]}


def test_labels_may_rename_values():
    mapping = table(labels={"e": "entailed", "c": "contradicted"})
    assert item_fields(mapping, {"text": "x", "label": "c"})["output"] == ["contradicted"]


@pytest.mark.parametrize("value", [2, -1, "sideways", None, 0.5, True])
def test_an_unknown_label_is_refused(value):
    with pytest.raises(BadRow, match="expected one of 0, 1"):
        item_fields(table(labels=["down", "up"]), {"text": "x", "label": value})


def test_a_row_without_labels_has_the_empty_one():
    mapping = table(kind="multilabel", metric="micro_f1", labels=["a", "b"], empty="none")
    assert item_fields(mapping, {"text": "x", "label": []})["output"] == ["none"]
    assert item_fields(mapping, {"text": "x", "label": [1, 0]})["output"] == ["b", "a"]


def test_several_accepted_answers_and_synonyms():
    mapping = table(kind="open_qa", metric="token_f1")
    assert item_fields(mapping, {"text": "x", "label": ["a", "b"]}) == {
        "input": "x",
        "output": ["a", "b"],
    }
    mapping = table(kind="list_qa", metric="list_f1")
    row = {"text": "x", "label": [["a", "A"], "b"]}
    assert item_fields(mapping, row)["output"] == [["a", "A"], "b"]
    for empty in (None, "", []):
        with pytest.raises(BadRow):
            item_fields(table(kind="open_qa", metric="token_f1"), {"text": "x", "label": empty})


@pytest.mark.parametrize("answer", [1, "1", "B", "b", "blue"])
def test_the_right_option_may_be_an_index_a_letter_or_the_option(answer):
    mapping = table(kind="multiple_choice", options="{options}")
    row = {"text": "Sky?", "label": answer, "options": ["red", "blue", "grey"]}
    assert item_fields(mapping, row) == {
        "input": "Sky?\n(A) red\n(B) blue\n(C) grey",
        "output": ["B"],
        "choices": ["A", "B", "C"],
    }


@pytest.mark.parametrize(
    ("answer", "letter"), [("1", "B"), (1, "B"), ("12", "A"), ("7", "C"), ("Z", "D")]
)
def test_an_option_of_digits_or_one_letter_is_found_where_no_place_is_meant(answer, letter):
    mapping = table(kind="multiple_choice", options="{options}")
    row = {"text": "How many?", "label": answer, "options": ["12", "30", "7", "Z"]}
    assert item_fields(mapping, row)["output"] == [letter]


def test_options_may_be_a_table_with_empty_places_at_its_end():
    mapping = table(kind="multiple_choice", options="{options}")
    row = {"text": "Sky?", "label": "B", "options": {"A": "red", "B": "blue", "C": None}}
    assert item_fields(mapping, row)["choices"] == ["A", "B"]


@pytest.mark.parametrize("answer", [3, -1, "D", "green", None, "9" * 5000])
def test_an_answer_that_is_no_option_is_refused(answer):
    mapping = table(kind="multiple_choice", options="{options}")
    with pytest.raises(BadRow, match="which is no option"):
        item_fields(mapping, {"text": "x", "label": answer, "options": ["red", "blue", "grey"]})


TAGS = ["O", "B-x", "I-x", "B-y", "I-y"]


def ner(tokens, tags):
    mapping = table(kind="ner", metric="set_f1", input="", tokens="{t}", output="{g}", labels=TAGS)
    fields = item_fields(mapping, {"t": tokens, "g": tags})
    return fields["input"], fields["output"]


@pytest.mark.parametrize(
    ("tags", "spans"),
    [
        ([1, 2, 0, 1], ["a b", "d"]),
        ([1, 1, 0, 0], ["a", "b"]),
        ([1, 4, 0, 0], ["a", "b"]),  # another type begins another span
        ([2, 2, 0, 0], ["a b"]),  # as conlleval reads an inside without a beginning
        ([0, 0, 0, 0], []),
    ],
)
def test_tags_become_spans(tags, spans):
    assert ner(["a", "b", "c", "d"], tags) == ("a b c d", spans)


def test_a_span_said_twice_counts_once():
    assert ner(["a", "or", "a"], [1, 0, 1])[1] == ["a"]


def test_sentences_are_written_as_sentences_are():
    text, spans = ner(
        ["Lung", "disease", "(", "LD", ")", ",", "rare", "."], [1, 2, 0, 1, 0, 0, 0, 0]
    )
    assert text == "Lung disease (LD), rare."
    assert spans == ["Lung disease", "LD"]


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["in", "(", ")", ",", "%", "Xy", "9"]), st.sampled_from(range(5))
        ),
        max_size=12,
    )
)
def test_every_span_stands_in_the_text(pairs):
    text, spans = ner([token for token, _ in pairs], [tag for _, tag in pairs])
    assert all(span and span in text for span in spans)
    assert bool(spans) == any(tag for _, tag in pairs)
    assert text.replace(" ", "") == "".join(token for token, _ in pairs)


def test_tokens_and_tags_must_agree():
    with pytest.raises(BadRow, match="2 tokens but 1 tags"):
        ner(["a", "b"], [1])
    with pytest.raises(BadRow, match="expected two lists"):
        ner("a b", [1])


@pytest.mark.parametrize(
    ("keys", "problem"),
    [
        ({"input": "{text"}, "a brace is not closed"),
        ({"input": "{}"}, "a brace is not closed, or holds no column"),
        ({"kind": "ner"}, "'ner' with 'tokens'"),
        ({"kind": "ner", "tokens": "{t}"}, "'labels' is missing"),
        ({"kind": "multiple_choice"}, "'multiple_choice' with 'options'"),
        ({"options": "{o}"}, "'options' goes with kind 'multiple_choice'"),
        ({"input": ""}, "'input' is missing"),
    ],
)
def test_a_table_that_does_not_fit_together_is_named(keys, problem):
    assert problem in table(**keys).problem()
    assert not table().problem()
