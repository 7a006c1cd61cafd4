"""README.md of exported training data: what it is, how it is loaded and trained on."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from selfspec_core.interchange.formats import Export, file_of
from selfspec_core.interchange.trainer_configs import in_layout
from selfspec_core.report.words import markdown

_CARD = """\
---
configs:
- config_name: default
  data_files: {file}
---
# Training data for {domain}

{counts}. Examples were written by a language model after hand-written seeds and kept by
selfspec's filters ([Self-Specialization](https://arxiv.org/abs/2310.00160)); nobody has read them
one by one. {licences}

```python
from datasets import load_dataset

rows = load_dataset("{loader}", data_files="{file}", split="train")
```
Two trainers, each with the settings of the run and started in this folder:

```sh
llamafactory-cli train llamafactory.yaml    # finds the rows by dataset_info.json
axolotl train axolotl.yaml
```
{prompts}
"""
_TERMS = "the terms of the model that wrote may bind the use of examples"
_IN_LAYOUT = """\
Both train on `prompt` and `completion`, which have the layout of the run (`{layout}`); a model
tuned on `instruction`, `input` and `output` in another template is to be asked in that one."""
_IN_CHAT = """\
Both train in a chat template: the tokenizer's own or chatml (axolotl), `default` (LLaMA-Factory;
name that of your model). It is not the prompt of the run, which `--format alpaca` has."""


def write_card(export: Export, name: str, folder: Path) -> None:
    """Writes README.md, which makes `load_dataset(folder)` find the rows too."""
    origins = Counter("seeds" if hasattr(row, "source") else "examples" for row in export.rows)
    layout = export.settings.training.layout
    named = ", ".join(map(markdown, export.licences))
    text = _CARD.format(
        file=file_of(name),
        domain=markdown(export.domain),
        counts=" and ".join(f"{n} {what}" for what, n in sorted(origins.items(), reverse=True)),
        licences=f"The seeds are under {named}; {_TERMS}." if named else "Seeds name no licence.",
        loader="parquet" if name == "parquet" else "json",
        prompts=_IN_LAYOUT.format(layout=layout) if in_layout(name) else _IN_CHAT,
    )
    (folder / "README.md").write_text(text, encoding="utf-8")
