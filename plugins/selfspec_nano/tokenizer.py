"""The tokenizer: byte-level BPE that spells a word alike at a line's start and inside it."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tokenizers import Tokenizer
    from transformers import PreTrainedTokenizerFast

VOCABULARY = 4096
EOS, PAD = "<eos>", "<pad>"
# A word keeps the space before it; digits stand alone, so that every figure is spelled alike.
PIECES = r"\n| ?[A-Za-z]+| ?[^A-Za-z\d\s]| (?=\d)|\d|\s"


def train(texts: Iterable[str], vocabulary: int = VOCABULARY) -> "Tokenizer":
    """Train the tokenizer.

    A space is put before each line that does not start with white space, so ``Norvale`` is the
    same tokens at the start of a line as after a word; decoding takes these spaces away again.

    Args:
        texts: documents.
        vocabulary: number of tokens, with the 256 bytes and two special tokens.
    """
    from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.Sequence(
        [
            normalizers.Prepend(" "),
            normalizers.Replace(Regex(r"\A  "), " "),
            normalizers.Replace(Regex(r"\A \n"), "\n"),
            normalizers.Replace(Regex(r"\n(?=\S)"), "\n "),
        ]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(PIECES), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.Sequence(
        [decoders.ByteLevel(), decoders.Replace("\n ", "\n"), decoders.Strip(" ", 1, 0)]
    )
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
