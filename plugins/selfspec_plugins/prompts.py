"""Texts of proposals: how demonstrations are written into a prompt, and a proposal read back."""

from __future__ import annotations

import re

from selfspec_core.layouts import Layout


def proposal_entry(layout: Layout, instruction: str, input: str) -> str:
    """Returns a demonstration without its response."""
    middle = f"{layout.input}{input}" if input else ""
    return f"{layout.instruction}{instruction}{middle}{layout.end}"


def label_first_entry(layout: Layout, instruction: str, input: str, output: str) -> str:
    """Returns a demonstration whose response stands before its input."""
    return f"{_label_first_head(layout, instruction, output)}{layout.input}{input}{layout.end}"


def label_first_prompt(layout: Layout, instruction: str, label: str | None) -> str:
    """Returns the text up to where the input starts, or with no label, up to the response."""
    if label is None:
        return layout.prompt(instruction)
    return f"{_label_first_head(layout, instruction, label)}{layout.input.removesuffix(' ')}"


def _label_first_head(layout: Layout, instruction: str, label: str) -> str:
    return f"{layout.instruction}{instruction}{layout.output}{layout.response(label)}"


def open_entry(layout: Layout, *, chat: bool) -> str:
    """Returns what stands after the demonstrations: an open label, or a request in a chat."""
    label = layout.instruction.removesuffix(" ")
    if not chat:
        return label
    return f"Write one more entry of this form, a line that starts with '{label}' first:"


def proposal_stops(layout: Layout) -> tuple[str, ...]:
    """Returns the strings at which a proposal is over: the next entry, or its own response."""
    following = f"{layout.end}{layout.instruction.strip()}"
    return (following, layout.output.rstrip(), "\n\n\n")


def read_proposal(layout: Layout, text: str) -> tuple[str, str] | None:
    """Reads (instruction, input) out of a continuation of the open instruction label.

    Repaired: surrounding space, a repeated instruction label, the input label in another case or
    without its line break, line breaks inside the instruction. None if there is no input label or
    a part is empty.
    """
    text = text.strip().removeprefix(layout.instruction.strip())
    label = layout.input.strip()
    if label:
        parts = re.split(
            rf"\s*{re.escape(label)}\s*", text.strip(), maxsplit=1, flags=re.IGNORECASE
        )
    else:
        parts = text.strip().split("\n", 1)
    if len(parts) < 2:
        return None
    instruction, input = " ".join(parts[0].split()), parts[1].strip()
    return (instruction, input) if instruction and input else None
