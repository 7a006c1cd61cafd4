"""A local causal language model behind `Model`: any architecture transformers knows.

One model stays in memory for all stages; adapters are switched on and off on it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

from selfspec_core.components import Model
from selfspec_core.config import ExecutorSettings, ModelSettings
from selfspec_core.hookspecs import hookimpl
from selfspec_core.model_types import Capabilities, Sampling
from selfspec_core.progress import Progress
from selfspec_plugins.local import loading
from selfspec_plugins.local.adapters import Adapters
from selfspec_plugins.local.batches import Ids, common_prefix
from selfspec_plugins.local.engine import Engine
from selfspec_plugins.local.lanes import Lanes
from selfspec_plugins.local.packed_linears import pack_linears
from selfspec_plugins.local.streaming import pieces
from selfspec_plugins.on_ray.lanes import RayLanes, check_ray


class TransformersModel(Model):
    """Runs a model of a local folder or of the hub.

    Attributes:
        hf: the model, a `PreTrainedModel` (known after `load`).
        tokenizer: its tokenizer.
        adapters: those in memory.
        engine: decodes and scores (known after `load`, too).
        chat: whether prompts are wrapped into the tokenizer's chat template.
    """

    name: ClassVar[str] = "transformers"
    summary: ClassVar[str] = "a local model through transformers, on a CPU or a GPU"
    Settings = ModelSettings
    settings: ModelSettings
    hf: Any = None
    _spread: tuple[ExecutorSettings, Progress] | None = None

    def check(self) -> None:
        """Looks whether there is a model folder, if one is named.

        Raises:
            UsageError: naming what is missing.
        """
        if self.settings.path:
            loading.check_folder(self.settings.path)

    def reach(self) -> None:
        """Asks the hub for the model, if it is no folder.

        Raises:
            UsageError: naming the id and why it cannot be had.
        """
        if not self.settings.path:
            loading.check_hub(self.settings)

    def spread(self, executor: ExecutorSettings, progress: Progress) -> None:
        """Generates in this machine's processes, or in actors of a Ray cluster."""
        if executor.name == "ray":
            check_ray(executor)
            self._spread = executor, progress

    def load(self) -> None:
        """Loads model and tokenizer.

        Raises:
            UsageError: naming the folder or hub id and what is missing.
        """
        if self.hf is not None:
            return
        loading.set_environment()
        self._threads = loading.threads()
        self.hf, self.tokenizer = loading.load(self.settings)
        pack_linears(self.hf)
        self.chat = bool(self.tokenizer.chat_template)
        if self.settings.chat is not None:
            self.chat = self.settings.chat and self.chat
        self._parameters: int = self.hf.num_parameters()  # later an adapter may be on it
        text = self.hf.config.get_text_config()
        self.context: int | None = getattr(text, "max_position_embeddings", None)
        lanes = Lanes(type(self), self.settings, self.settings.processes)
        if self._spread is not None:
            threads = loading.threads()
            lanes = RayLanes(type(self), self.settings, *self._spread, threads, self.describe())
            lanes.connect()
        limit = self.settings.batch_tokens
        self.engine = Engine(self.hf, self.tokenizer, limit, self.context, self.decisions, lanes)
        self.adapters = Adapters(self.hf)

    def unload(self) -> None:
        """Takes the model out of memory, with its adapters; torch's threads are as before it."""
        if self.hf is None:
            return
        self.engine.lanes.close()
        self.hf = None
        del self.engine, self.adapters
        loading.free_memory(self._threads)

    @property
    def capabilities(self) -> Capabilities:
        """Trains, has likelihoods; instruct models are asked in turns."""
        return Capabilities(trains=True, likelihood=True, chat=self.chat, context=self.context)

    @property
    def at_once(self) -> int:
        """As many calls as there are processes, or actors."""
        return self.engine.lanes.at_once

    @property
    def given_name(self) -> str:
        """The model as the user named it: a folder or a hub id."""
        return str(self.settings.path or self.settings.name)

    def describe(self) -> dict[str, Any]:
        """Returns what identifies the model, for the manifest."""
        config = self.hf.config
        return {
            "name": self.settings.name if not self.settings.path else self.settings.path.name,
            "class": type(self.hf).__name__,
            "parameters": self._parameters,
            "vocabulary": config.get_text_config().vocab_size,
            "dtype": str(self.hf.dtype).removeprefix("torch."),
            "quantization": "nf4" if getattr(self.hf, "is_loaded_in_4bit", False) else "none",
            "revision": loading.commit(self.settings) or self.settings.revision,
            "weights": loading.weight_hashes(self.settings.path),
            "chat": self.chat,
        }

    def render(self, prompt: str) -> str:
        """Returns `prompt` as the model is to see it: in its chat template, or as it is."""
        if not self.chat:
            return prompt
        turn = [{"role": "user", "content": prompt}]
        text: str = self.tokenizer.apply_chat_template(
            turn, tokenize=False, add_generation_prompt=True
        )
        return text

    def encode(self, texts: Sequence[str]) -> list[Ids]:
        """Returns the tokens of rendered texts, at least one each."""
        if not texts:
            return []
        rows = self.tokenizer(list(texts), add_special_tokens=not self.chat)["input_ids"]
        first = self.tokenizer.bos_token_id
        start = self.tokenizer.eos_token_id if first is None else first
        return [row or [start] for row in rows]

    def generate(
        self, prompts: Sequence[str], sampling: Sampling, progress: Progress | None = None
    ) -> list[str]:
        """Continues each prompt; see `Model.generate`."""
        rows = self.encode([self.render(prompt) for prompt in prompts])
        return self.engine.generate(rows, sampling, progress)

    def stream(self, prompt: str, sampling: Sampling) -> Iterator[str]:
        """Yields what `generate` returns for one prompt, as it is decoded."""
        [row] = self.encode([self.render(prompt)])
        return pieces(self.engine.grow(row, sampling), sampling.stop)

    def loglikelihood(
        self, pairs: Sequence[tuple[str, str]], progress: Progress | None = None
    ) -> list[float]:
        """Returns the summed log-probability of each continuation given its prompt.

        Both are tokenized together; scored is what follows the tokens that prompt and whole have
        in common, so a token across the boundary counts for the continuation.
        """
        prompts = [self.render(prompt) for prompt, _ in pairs]
        said = [c.lstrip() if self.chat else c for _, c in pairs]  # a turn starts with no space
        whole = self.encode([p + c for p, c in zip(prompts, said, strict=True)])
        members: dict[str, list[int]] = {}
        for i, prompt in enumerate(prompts):
            members.setdefault(prompt, []).append(i)
        alone = dict(zip(members, self.encode(list(members)), strict=True))
        bounds = [
            max(1, common_prefix([alone[p], row])) for p, row in zip(prompts, whole, strict=True)
        ]
        trunks, branches = [], []
        for group in members.values():
            least = min(bounds[i] for i in group)
            trunks.append(whole[group[0]][:least])
            branches.append([(whole[i][least:], bounds[i] - least) for i in group])
        sums = [0.0] * len(pairs)
        scored = self.engine.score(trunks, branches, progress)
        for group, values in zip(members.values(), scored, strict=True):
            for i, value in zip(group, values, strict=True):
                sums[i] = value
        return sums

    def use_adapter(self, path: Path | None) -> None:
        """Switches to the adapter in folder `path`, or back to the base with None."""
        self.adapters.use(path)
        self.engine.lanes.adapter = path

    def release_adapters(self) -> Any:
        """Takes all adapters out of memory and returns the base model as it was loaded."""
        self.engine.lanes.adapter = None
        return self.adapters.release()


@hookimpl
def selfspec_models() -> list[type[Model]]:
    """Offers the backend."""
    return [TransformersModel]
