"""Every parser of the first-party plugins: it reads what it is given or refuses it in one line."""

import json
import lzma
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

sys.path.append(str(Path(__file__).parents[1]))  # for `fuzzing`
sys.path.append(str(Path(__file__).parent / "knowledge"))  # for `knowledge_files`
from fuzzing import changed, fuzzed, lines, read_or_refused, texts, values
from knowledge_files import write_docx, write_pdf

from selfspec_core.errors import SelfspecError, UsageError
from selfspec_core.model_types import Sampling
from selfspec_plugins.instructlab import InstructLab
from selfspec_plugins.knowledge.catalogue import Catalogue
from selfspec_plugins.knowledge.files import READERS, UNPACKERS, read
from selfspec_plugins.served.journal import Journal
from selfspec_plugins.served.questions import weighing, writing
from selfspec_plugins.served.trouble import Where, of_status

PASSAGE = {"text": "Gold fell.", "title": "Gold", "source": "own", "id": "p1"}
TAGS = st.sampled_from(
    "<p> </p> <script> </script> <!-- --> <![CDATA[ ]]> <!DOCTYPE &#x; &#9999999; < <a <![".split()
)
PAGE = st.lists(TAGS | texts, max_size=8).map("".join).map(str.encode)
QNA = {
    "version": 3,
    "created_by": "me",
    "seed_examples": [
        {"context": "Gold fell.", "questions_and_answers": [{"question": "What?", "answer": "It."}]}
    ],
}
YAML = st.sampled_from(
    [
        "version: 3\nseed_examples: !!int ''\n",
        "version: !!float ''\n",
        "version: !!timestamp x\n",
        "version: !!bool x\n",
        "version: 2\ncreated_by: !!binary x\n",
        "? [a]\n: b\n",
        "version: &a [*a]\n",
        "version: 2\nseed_examples:\n- question: 2001-99-99\n  answer: 1:99:99\n",
    ]
) | st.text(st.characters(codec="utf-8"), max_size=40)


def whole(write, *content):
    """Returns the bytes of a right file."""
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder) / "a", *content)
        return (Path(folder) / "a").read_bytes()


RIGHT = {
    ".docx": whole(write_docx, "Gold fell.", "Rates rose."),
    ".pdf": whole(write_pdf, "Gold fell."),
    ".jsonl.xz": lzma.compress(json.dumps(PASSAGE).encode()),
}


@pytest.mark.parametrize("suffix", [*READERS, *UNPACKERS])
@fuzzed
@given(st.data())
def test_fuzz_knowledge_files(tmp_path, suffix, data):
    if suffix in RIGHT:
        right = RIGHT[suffix]
        at, cut = data.draw(st.integers(0, len(right))), data.draw(st.integers(0, 9))
        content = right[:at] + data.draw(st.binary(max_size=4)) + right[at + cut :]
    elif suffix == ".jsonl":
        content = data.draw(lines(changed(PASSAGE)))
    else:
        content = data.draw(PAGE | st.binary(max_size=60))
    path = tmp_path / f"a{suffix}"
    path.write_bytes(content)
    for document in read_or_refused(lambda: list(read(path, 1))) or ():
        assert isinstance(document.text, str) and document.text.encode()


@fuzzed
@given(changed(QNA).map(lambda table: json.dumps(table)) | YAML)
def test_fuzz_taxonomies(tmp_path, text):
    (tmp_path / "qna.yaml").write_text(text, encoding="utf-8")
    seeds = read_or_refused(InstructLab().read, tmp_path / "qna.yaml")
    assert seeds is None or len({seed.id for seed in seeds}) == len(seeds)


def test_aliases_within_aliases_are_not_written_out(tmp_path):
    bomb = "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12))
    for end in ("version: *a11\n", "version: 2\ncreated_by: *a11\nseed_examples: [*a11]\n"):
        (tmp_path / "qna.yaml").write_text("a0: &a0 x\n" + bomb + end)
        with pytest.raises(UsageError, match="qna.yaml") as caught:
            InstructLab().read(tmp_path / "qna.yaml")
        assert len(str(caught.value)) < 500


@fuzzed
@given(lines(changed({"request": "a", "answer": "b", "tokens": [1, 2]})))
def test_fuzz_answers_on_disk(tmp_path, data):
    (tmp_path / "requests.jsonl").write_bytes(data)
    Journal(tmp_path).put("x", "y")
    assert "x" in Journal(tmp_path)


@fuzzed
@given(lines(changed({"path": "a.txt", "hash": "0f", "passages": 3})))
def test_fuzz_catalogues(tmp_path, data):
    (tmp_path / "files.jsonl").write_bytes(data)
    found = read_or_refused(Catalogue, tmp_path / "files.jsonl")
    assert found is None or set(found.paths("0f")) <= set(found.entries)


CHOICE = {"index": 0, "text": "yes", "message": {"content": "yes"}, "logprobs": None}
ECHO = {"tokens": ["a", "b", "x"], "token_logprobs": [None, -1.0, -2.0]}
ASKED = (
    writing("completions", "m", "a", Sampling(), 0, {}),
    writing("chat/completions", "m", "a", Sampling(), 0, {}),
    weighing("m", "a", "b"),
)
HANDLED = (ValueError, LookupError, TypeError, AttributeError, RecursionError)
"""What `Servers._once` takes for a malformed answer."""


@fuzzed
@given(
    changed({"choices": [CHOICE], "usage": {"completion_tokens": 1}})
    | st.builds(lambda echo: {"choices": [{**CHOICE, "logprobs": echo}]}, changed(ECHO))
    | values
)
def test_fuzz_answers_of_a_server(answer):
    for question in ASKED:
        try:
            said = question.read(answer)
        except HANDLED:
            continue
        assert isinstance(said, str | float | int)


@fuzzed
@given(
    st.integers(300, 599),
    st.dictionaries(st.sampled_from(["retry-after", "retry-after-ms"]), texts | st.text()),
    values,
)
def test_fuzz_refusals_of_a_server(status, headers, body):
    error = of_status(status, headers, body, Where("http://host/v1", "KEY", "sk-0123456789"))
    assert isinstance(error, Exception) and str(error)
    assert not isinstance(error, SelfspecError) or "\n" not in str(error)
