"""The exporter `ollama`: a GGUF file, and the Modelfile by which Ollama asks it as it was tuned."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from selfspec_core import Progress, SelfspecError
from selfspec_plugins.export import modelfile
from selfspec_plugins.export.gguf_format import FILE, GgufExporter, opened
from selfspec_plugins.export.parity import Prompt, compare
from selfspec_plugins.export.trained import Trained
from selfspec_plugins.local.transformers_model import TransformersModel

if TYPE_CHECKING:
    from selfspec_core.specialists import Specialist

MODELFILE = "Modelfile"


class OllamaExporter(GgufExporter):
    """Writes GGUF and a Modelfile; replays the prompts as Ollama would put them together."""

    name = "ollama"
    summary = "a GGUF file with the Modelfile by which Ollama asks it as it was tuned"

    def beside(self, specialist: Specialist, was: Trained, out: Path) -> list[str]:
        """Writes the Modelfile."""
        wanted = modelfile_of(specialist, was.model)
        (out / MODELFILE).write_text(modelfile.write(wanted), encoding="utf-8")
        return [f"`{_create(specialist)}` in that folder hands it to Ollama"]

    def use(self, specialist: Specialist, notes: list[str]) -> str:
        """Returns the command that hands it to Ollama."""
        return f"\n```sh\n{_create(specialist)}\n```\n"

    def replay(
        self, specialist: Specialist, was: Trained, out: Path, tolerance: float, progress: Progress
    ) -> dict[str, Any]:
        """Compares what lies in `out` with the trained model, by the Modelfile's template."""
        found = modelfile.read((out / MODELFILE).read_text(encoding="utf-8"))
        wanted = modelfile_of(specialist, was.model)
        if found.parameters != wanted.parameters:
            raise SelfspecError(
                f"{self.name}: the Modelfile's parameters are {found.parameters}, "
                f"the specialist was tuned for {wanted.parameters}"
            )
        hf, read = opened(was, out / found.model)

        def put(prompt: Prompt) -> list[int]:
            asked = f"{prompt.instruction}{specialist.layout.input}{prompt.input}"
            return read(found.fill(asked if prompt.input else prompt.instruction))

        return compare(self.name, hf, put, was.golden, tolerance, progress)


def _create(specialist: Specialist) -> str:
    return f"ollama create {specialist.name} -f {MODELFILE}"


def modelfile_of(specialist: Specialist, model: TransformersModel) -> modelfile.Modelfile:
    """Returns the Modelfile of a specialist, which asks it in the layout it was tuned in.

    A user's prompt stands for the instruction; an input follows it under the layout's own label.
    """
    layout = specialist.layout
    template = model.render(layout.prompt(modelfile.PROMPT))
    begins = model.tokenizer.bos_token
    if begins and model.tokenizer("a")["input_ids"][0] == model.tokenizer.bos_token_id:
        template = template.removeprefix(begins)  # put there by whoever reads the file
    if not model.chat:
        template += f"{modelfile.RESPONSE}{layout.end}"
    parameters = [("temperature", "0")]
    if model.context:
        parameters.append(("num_ctx", str(model.context)))
    parameters += [("stop", stop) for stop in specialist.stops(layout)]
    return modelfile.Modelfile(f"./{FILE}", template, tuple(parameters))
