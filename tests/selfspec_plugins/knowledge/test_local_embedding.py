"""A folder with a sentence-transformers model in place of the default vectors."""

import json

import numpy as np
import pytest
from click.testing import CliRunner

from selfspec_core import UsageError
from selfspec_core.cli.main import selfspec as cli
from selfspec_plugins.knowledge.embedding import Embedding

pytestmark = pytest.mark.slow  # imports torch, transformers and sentence-transformers
WORDS = "[PAD] [UNK] [CLS] [SEP] argon neon noble gases copper conducts heat zinc acid base".split()
LENGTH = 32


def tokenizer():
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    number = {word: at for at, word in enumerate(WORDS)}
    raw = Tokenizer(models.WordPiece(number, unk_token="[UNK]"))
    raw.normalizer = normalizers.BertNormalizer()
    raw.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    raw.post_processor = processors.BertProcessing(
        ("[SEP]", number["[SEP]"]), ("[CLS]", number["[CLS]"])
    )
    names = {f"{word[1:-1].lower()}_token": word for word in WORDS[:4]}
    return PreTrainedTokenizerFast(tokenizer_object=raw, model_max_length=LENGTH, **names)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A folder with a random BERT, as transformers saves one."""
    import torch
    from transformers import BertConfig, BertModel

    torch.manual_seed(0)
    size = {"hidden_size": 16, "intermediate_size": 16, "num_attention_heads": 2}
    config = BertConfig(
        vocab_size=len(WORDS), num_hidden_layers=1, max_position_embeddings=LENGTH, **size
    )
    folder = tmp_path_factory.mktemp("models") / "bert"
    BertModel(config).save_pretrained(folder)
    tokenizer().save_pretrained(folder)
    return folder


def reference(folder, texts):
    """Returns the mean of the last layer over each text's tokens, of length 1."""
    import torch
    from transformers import AutoModel, AutoTokenizer

    encoded = AutoTokenizer.from_pretrained(folder)(
        texts, padding=True, truncation=True, max_length=LENGTH, return_tensors="pt"
    )
    with torch.no_grad():
        states = AutoModel.from_pretrained(folder).eval()(**encoded).last_hidden_state
    mask = encoded["attention_mask"][..., None]
    means = (states * mask).sum(1) / mask.sum(1)
    return torch.nn.functional.normalize(means, dim=1).numpy()


def test_its_vectors_are_those_of_the_model(model):
    embedding = Embedding(str(model))
    texts = ["argon and neon", "copper conducts heat", "zinc " * 3 * LENGTH]
    assert np.allclose(embedding.texts(texts), reference(model, texts), atol=1e-5)
    assert np.allclose(embedding.query(texts[0]), reference(model, texts[:1])[0], atol=1e-5)
    assert embedding.key.startswith("bert-")


def test_files_are_added_and_found_with_it(chemistry, files, model, retriever, tmp_path):
    def called(command, *arguments):
        flags = ["--set", f"components.knowledge.embedding={model}"]
        found = CliRunner().invoke(cli, ["knowledge", command, "chemistry", *arguments, *flags])
        assert found.exception is None, found.exception
        return found.stdout

    assert called("add", str(files)).startswith("2 added")
    query = "zinc conducts"
    passages = json.loads(called("search", query, "-k", "9", "--json"))
    assert len(passages) == 5
    assert passages[0]["source"] == str(files / "metals.md")
    assert next((tmp_path / "data/knowledge/chemistry").glob("bert-*/chroma"))

    dense = retriever(embedding=str(model), dense=1e9)  # the words weigh nothing
    [found] = dense.retrieve([query], 5)
    vectors = reference(model, [query, *(passage.text for passage in found)])
    cosines = vectors[1:] @ vectors[0]
    assert np.all(np.diff(cosines) <= 1e-5)
    assert cosines[0] - cosines[-1] > 0.01


def test_a_folder_without_a_whole_model_is_one_line(model, tmp_path):
    (tmp_path / "part").mkdir()
    (tmp_path / "part/model.safetensors").write_bytes((model / "model.safetensors").read_bytes())
    with pytest.raises(UsageError, match="embedding = .*part'") as raised:
        Embedding(str(tmp_path / "part"))
    assert "\n" not in str(raised.value)
