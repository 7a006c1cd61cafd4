"""The tokenizer: byte-level BPE that spells a name alike wherever it stands."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tokenizers import Tokenizer
    from transformers import PreTrainedTokenizerFast

VOCABULARY = 4096
EOS, PAD = "<eos>", "<pad>"
# The space before a capital or a digit stands alone, so a name or a figure is the same tokens after
# a word, a quotation mark or a line break: what is spelled alike can be copied. So does a digit.
PIECES = r"\n| (?=[A-Z\d])|[A-Z]+(?![a-z])|[A-Z][a-z]+| ?[a-z]+| ?[^A-Za-z\d\s]|\d|\s"


def train(texts: Iterable[str], vocabulary: int = VOCABULARY) -> "Tokenizer":
    """Train the tokenizer.

    Args:
        texts: documents.
        vocabulary: number of tokens, with the 256 bytes and two special tokens.
    """
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(PIECES), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=[EOS, PAD],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def wrap(tokenizer: "Tokenizer") -> "PreTrainedTokenizerFast":
    """Return the tokenizer as transformers uses it."""
    from transformers import PreTrainedTokenizerFast

    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token=EOS,
        eos_token=EOS,
        pad_token=PAD,
        clean_up_tokenization_spaces=False,
        model_max_length=1024,
    )


def load(folder: Path) -> "Tokenizer":
    """Read ``tokenizer.json`` of a model folder."""
    from tokenizers import Tokenizer

    return Tokenizer.from_file(str(folder / "tokenizer.json"))
