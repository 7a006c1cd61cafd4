"""Ollama's Modelfile: written, and read back by the rules of Ollama's own parser.

Those rules (github.com/ollama/ollama, parser/parser.go): a value runs to the end of its line,
unless it is quoted; within quotation marks, one or three, it runs over lines, and nothing in it is
an escape.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from selfspec_core import SelfspecError, UsageError

PROMPT, RESPONSE = "{{ .Prompt }}", "{{ .Response }}"


@dataclass(frozen=True, slots=True)
class Modelfile:
    """What a Modelfile says.

    Attributes:
        model: the GGUF file, relative to the Modelfile.
        template: what a prompt is put into.
        parameters: names and values; `stop` once for each string.
    """

    model: str
    template: str
    parameters: tuple[tuple[str, str], ...]

    def fill(self, prompt: str) -> str:
        """Returns what the model is shown: the template up to the response, with the prompt in."""
        before, _, after = self.template.partition(RESPONSE)[0].partition(PROMPT)
        return f"{before}{prompt}{after}"


def write(file: Modelfile) -> str:
    """Returns the text of a Modelfile.

    Raises:
        UsageError: if a text cannot be quoted in one.
    """
    lines = [f"FROM {file.model}", f"TEMPLATE {_quoted(file.template)}"]
    lines += [f"PARAMETER {name} {_quoted(value)}" for name, value in file.parameters]
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    if re.fullmatch(r"[\w.]+", text):
        return text
    if '"""' in text or text.startswith('"') or text.endswith('"'):
        raise UsageError(f"--to ollama: a Modelfile cannot hold the text {text!r}")
    return f'"""{text}"""'


_COMMAND = re.compile(
    r'(?:FROM|TEMPLATE|PARAMETER (?P<name>\w+))[ ](?:"""(?P<long>.*?)"""|(?P<word>[^\n"]+))\n',
    re.DOTALL,
)


def read(text: str) -> Modelfile:
    """Reads what `write` wrote.

    Raises:
        SelfspecError: if it is no such Modelfile.
    """
    model, template, parameters, at = "", "", [], 0
    for match in _COMMAND.finditer(text):
        if match.start() != at:
            break
        value = match["word"] if match["long"] is None else match["long"]
        if match["name"]:
            parameters.append((match["name"], value))
        elif match[0].startswith("FROM"):
            model = value
        else:
            template = value
        at = match.end()
    if at != len(text) or not model or PROMPT not in template:
        raise SelfspecError(f"ollama: the Modelfile cannot be read from character {at} on")
    return Modelfile(model, template, tuple(parameters))
