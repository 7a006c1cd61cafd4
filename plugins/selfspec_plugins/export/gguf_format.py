"""The exporter `gguf`: one file for llama.cpp and everything built on it."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from selfspec_core import Exporter, Progress, UsageError
from selfspec_plugins.export import gguf_file, trained
from selfspec_plugins.export.cards import agreement, write_card
from selfspec_plugins.export.gguf_tokens import vocabulary_of
from selfspec_plugins.export.parity import compare
from selfspec_plugins.export.trained import Trained
from selfspec_plugins.local.batches import Ids

if TYPE_CHECKING:
    from selfspec_core.specialists import Specialist

FILE = "model.gguf"
TOLERANCES = {"f32": 1e-3, "f16": 0.02, "q8_0": 0.25}
"""Per precision, in standard deviations of a logit.

What 8 bits cost depends on the model: on nano up to 0.12 was measured. That no tensor is further
off than rounding takes it is looked at apart from the logits."""


class GgufExporter(Exporter):
    """Merges in full precision and writes GGUF; reads it back through transformers."""

    name = "gguf"
    summary = "a GGUF file of a Llama, for llama.cpp, LM Studio and others"
    precisions = gguf_file.PRECISIONS

    def check(self, specialist: Specialist) -> None:
        """Looks whether there is an adapter, and the package that writes GGUF."""
        trained.check(specialist)
        if find_spec("gguf") is None:
            raise UsageError(
                f"--to {self.name}: needs the package gguf: pip install 'selfspec[export]'"
            )

    def export(
        self, specialist: Specialist, out: Path, precision: str, progress: Progress
    ) -> dict[str, Any]:
        """Writes the file and what belongs beside it, then asks them the golden prompts."""
        was = Trained(specialist, progress)
        texts = [*(one.prompt.text for one in was.golden), *specialist.texts()]
        notes, split = write_merged(specialist, was, out / FILE, precision, texts)
        notes += self.beside(specialist, was, out)
        was.release()
        parity = self.replay(specialist, was, out, TOLERANCES[precision], progress)
        write_card(specialist, out, "gguf", self.use(specialist, notes), parity)
        return {"parity": parity, "tokenizer": split, "notes": notes, "said": agreement(parity)}

    def beside(self, specialist: Specialist, was: Trained, out: Path) -> list[str]:
        """Writes what belongs beside the file; returns notes."""
        return []

    def use(self, specialist: Specialist, notes: list[str]) -> str:
        """Returns what the card says about how to use it."""
        return _use(notes)

    def replay(
        self, specialist: Specialist, was: Trained, out: Path, tolerance: float, progress: Progress
    ) -> dict[str, Any]:
        """Compares what lies in `out` with the trained model."""
        hf, read = opened(was, out / FILE)
        return compare(self.name, hf, lambda p: read(p.text), was.golden, tolerance, progress)


def write_merged(
    specialist: Specialist, was: Trained, path: Path, precision: str, texts: list[str]
) -> tuple[list[str], dict[str, Any]]:
    """Writes the merged model; returns notes, and how its tokenizer was found to be the same."""
    config, tokenizer = was.model.hf.config, was.model.tokenizer
    gguf_file.check_architecture(config)
    vocabulary = vocabulary_of(tokenizer, config.vocab_size, texts)
    name = f"{specialist.base} specialized in {specialist.domain}"
    hf = was.merged()
    notes = gguf_file.write(path, hf, tokenizer, vocabulary, precision, name)
    gguf_file.check_stored(path, hf)
    split = {"pre": vocabulary.pre, "texts": len(texts), "otherwise": len(vocabulary.otherwise)}
    if vocabulary.otherwise:
        example = " ".join(vocabulary.otherwise[0].split())[:60]
        notes.append(
            f"llama.cpp splits text by '{vocabulary.pre}', not by this tokenizer's own pattern: "
            f"it reads {split['otherwise']} of {len(texts)} texts of the run as other tokens, "
            f"such as {example!r}"
        )
    return notes, split


def opened(was: Trained, path: Path) -> tuple[Any, Callable[[str], Ids]]:
    """Returns the model of a GGUF file, and what turns text into tokens by that file alone."""
    hf, tokenizer = gguf_file.read_back(path, was.model.settings.device)

    def read(text: str) -> Ids:
        begins = tokenizer.bos_token or ""
        own = bool(begins) and tokenizer("a")["input_ids"][0] == tokenizer.bos_token_id
        if own and text.startswith(begins):  # the file says it is put there by whoever reads
            text = text[len(begins) :]
        ids: Ids = tokenizer(text)["input_ids"]
        return ids

    return hf, read


def _use(notes: list[str]) -> str:
    return "".join(f"\n{note[0].upper()}{note[1:]}.\n" for note in notes)
