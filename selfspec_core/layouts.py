"""Layouts: how an instruction, its input and its response are written into one text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from selfspec_core.types.kinds import LONG_KINDS, Kind


class Demonstrable(Protocol):
    """Anything with an instruction, an input and an output: a seed or an example."""

    @property
    def instruction(self) -> str:
        """The instruction."""

    @property
    def input(self) -> str:
        """The input."""

    @property
    def output(self) -> str:
        """The output."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Labels around the parts of an entry; entries are separated by `end`.

    A part's text follows its label directly, so a label carries its own space or newline. The
    last character of `output` is never a space: a base model writes the space itself.

    Attributes:
        stop: strings at which a generated response of one line is over; see `stops`.
    """

    name: str
    instruction: str
    input: str
    output: str
    end: str = "\n\n"
    stop: tuple[str, ...] = ("\n",)

    def stops(self, *kinds: Kind) -> tuple[str, ...]:
        """Returns where a generated response of one of these kinds is over.

        A model is stopped after its first line, unless one of them may take several.
        """
        return self.stop if LONG_KINDS.isdisjoint(kinds) else (self.end,)

    def prompt(self, instruction: str, input: str = "") -> str:
        """Returns the text up to where the response starts."""
        middle = f"{self.input}{input}" if input else ""
        return f"{self.instruction}{instruction}{middle}{self.output}"

    def response(self, output: str) -> str:
        """Returns the response as it follows `prompt`."""
        return output if self.output.endswith("\n") else f" {output}"

    def entry(self, instruction: str, input: str, output: str) -> str:
        """Returns one complete demonstration with its separator."""
        return f"{self.prompt(instruction, input)}{self.response(output)}{self.end}"

    def few_shot(
        self, demonstrations: Sequence[Demonstrable], instruction: str, input: str = ""
    ) -> str:
        """Returns a prompt that shows `demonstrations` first."""
        shown = "".join(self.entry(d.instruction, d.input, d.output) for d in demonstrations)
        return shown + self.prompt(instruction, input)


ALPACA = Layout(
    "alpaca",
    instruction="### Instruction:\n",
    input="\n\n### Input:\n",
    output="\n\n### Response:\n",
    stop=("\n", "###"),
)
"""The layout a specialist is tuned and asked in, unless a recipe says otherwise (as the paper)."""

LAYOUTS: dict[str, Layout] = {
    layout.name: layout
    for layout in (
        ALPACA,
        Layout("lines", "Instruction: ", "\nInput: ", "\nResponse:"),
        Layout("task", "Task: ", "\nText: ", "\nAnswer:"),
        Layout("plain", "", "\n", "\nAnswer:"),
        Layout("question", "Question: ", "\nContext: ", "\nAnswer:"),
    )
}
"""Layouts by name. `base-best@0` is the base model in the one that does best on dev."""
