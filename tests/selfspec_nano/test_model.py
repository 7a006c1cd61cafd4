"""Tokenizer, structured start, weights and the contamination check."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from selfspec_nano import corpus, tokenizer, weights_path

pytest.importorskip("tokenizers")
TEXTS = corpus.sample(1, 400_000)


@pytest.fixture(scope="module")
def encoder() -> object:
    return tokenizer.train(TEXTS, 1024)


def test_documents_round_trip(encoder: object) -> None:
    for text in TEXTS[:200]:
        assert encoder.decode(encoder.encode(text).ids) == text


@pytest.mark.parametrize("text", ["naïve — “quoted” 漢字", "a\n\n\nb", "$4.2 million (12%)"])
def test_any_text_round_trips(encoder: object, text: str) -> None:
    assert encoder.decode(encoder.encode(text).ids) == text


def test_a_name_is_spelled_alike_everywhere(encoder: object) -> None:
    name = encoder.encode("Norvale").ids
    for before in ("to ", "to\n", '"', "("):
        assert encoder.encode(f"{before}Norvale").ids[-len(name) :] == name


@pytest.mark.parametrize(
    ("prompt", "answer"),
    [("Task: a\nText:", " Foo paid 12."), ("### Response:\n", "positive"), ("Answer:", " $3")],
)
def test_prompt_and_answer_join_as_tokens(encoder: object, prompt: str, answer: str) -> None:
    joined = encoder.encode(prompt + answer).ids
    assert encoder.encode(prompt).ids + encoder.encode(answer).ids == joined


def test_the_structured_start_copies() -> None:
    torch = pytest.importorskip("torch")
    from selfspec_nano.initialise import Shape, build

    model = build(Shape(vocabulary=512, width=192, layers=2, inner=64)).eval()
    torch.manual_seed(0)
    string = torch.randint(2, 512, (8, 24))
    with torch.no_grad():
        logits = model(input_ids=torch.cat([string, string], dim=1)).logits
    copied = (logits[:, 24:-1].argmax(-1) == string[:, 1:]).float().mean()
    assert copied > 0.2  # chance is 0.002


def test_the_embedded_model_is_small_and_loads() -> None:
    torch = pytest.importorskip("torch")
    from transformers import AutoModelForCausalLM, AutoTokenizer

    size = sum(path.stat().st_size for path in weights_path().iterdir())
    assert size < 20e6
    model = AutoModelForCausalLM.from_pretrained(weights_path())
    encoder = AutoTokenizer.from_pretrained(weights_path())
    text = "Task: a\nText: Norvale Bank paid $4.2 million.\n\nTask:"
    ids = encoder(text)["input_ids"]
    assert encoder.decode(ids) == text
    assert ids == tokenizer.load(weights_path()).encode(text).ids
    with torch.no_grad():
        assert model(torch.tensor([ids])).logits.isfinite().all()


def test_the_check_finds_a_planted_copy(tmp_path: Path) -> None:
    line = next(line for text in TEXTS for line in text.split("\n") if len(line.split()) > 20)
    path = tmp_path / "items.jsonl"
    path.write_text(json.dumps({"instruction": "", "input": line, "output": "x"}) + "\n")
    from selfspec_nano import check

    rows = check.load([path])
    assert check.nearest([rows[0]["input"]], [line])[0] == 1.0
    pattern = check.frame_pattern("{A} lifted quarterly profit by {P} percent.")
    assert pattern.search("On Monday Norvale Bank lifted quarterly profit by 12 percent.")
    assert not pattern.search("the bank lifted quarterly profit by 12 percent.")


def test_importing_the_package_is_light() -> None:
    code = "import sys, selfspec_nano.corpus, selfspec_nano.pretrain; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_rows_weigh_the_first_token_of_an_answer_most(encoder: object) -> None:
    from selfspec_nano.rows import FIRST_WEIGHT, Rows

    ids, weights = Rows(encoder, 0, 4096).batch(10**6, 0.9)
    assert ids.shape == weights.shape == (6, 641)
    assert set(weights.flatten().tolist()) == {1.0, 3.0, FIRST_WEIGHT}
