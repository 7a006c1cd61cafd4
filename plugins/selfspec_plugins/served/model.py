"""A model behind an OpenAI-compatible server: it writes and weighs, and is tuned elsewhere."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from selfspec_core.components import Model
from selfspec_core.config import ModelSettings
from selfspec_core.errors import UsageError
from selfspec_core.model_types import Capabilities, Sampling
from selfspec_core.progress import Progress, Silent
from selfspec_plugins.served.addresses import check_addresses, holds, key_in

if TYPE_CHECKING:
    from selfspec_plugins.served.journal import Journal
    from selfspec_plugins.served.offers import Offer
    from selfspec_plugins.served.questions import Question
    from selfspec_plugins.served.servers import Servers


AT_ONCE = 4
"""Batches asked for together; of those of the last turn all but one may be paid for in vain."""


class Served(Model):
    """Asks `/v1/completions`, or `/v1/chat/completions` where that is all there is.

    What a server has answered once is kept in the run's folder and never asked again.
    """

    name: ClassVar[str] = "openai"
    summary: ClassVar[str] = "a model behind an OpenAI-compatible server, such as vLLM"
    Settings = ModelSettings
    settings: ModelSettings

    def __init__(self, settings: ModelSettings | None = None) -> None:
        super().__init__(settings)
        self._servers: Servers | None = None
        self._offer: Offer | None = None
        self._adapter: tuple[str, str] | None = None
        self._folder: Path | None = None
        self._journal: Journal | None = None

    def check(self) -> None:
        """Looks at the addresses and the key; asks nobody.

        Raises:
            UsageError: naming the setting.
        """
        check_addresses(self.settings.base_url, self.settings.key_variable)
        if holds(repr(self.settings), key_in(self.settings.key_variable)):
            raise UsageError("model: the key itself stands in a setting, and settings are written")

    def keep_in(self, folder: Path) -> None:
        """Keeps every answer in `folder/requests.jsonl`, and reads those that are there."""
        if folder != self._folder:
            self._folder, self._journal = folder, None

    def load(self) -> None:
        """Finds out what the server offers; waits for one that is starting.

        Raises:
            UsageError: if there is no such model, or the key is refused.
            SelfspecError: if no server answers before patience ends.
        """
        from selfspec_plugins.served.journal import Journal
        from selfspec_plugins.served.offers import find
        from selfspec_plugins.served.servers import Servers

        self.check()
        if self._journal is None:
            self._journal = Journal(self._folder)
        if self._servers is None:
            self._servers = Servers(self.settings)
        if self._offer is None:
            try:
                self._offer = find(self._servers, self.settings, self._journal)
            except BaseException:
                self.unload()
                raise

    def unload(self) -> None:
        """Lets the connections go."""
        if self._servers is not None:
            self._servers.close()
        self._servers = None

    @property
    def capabilities(self) -> Capabilities:
        """Has likelihoods where the server has; cannot be tuned."""
        adapters = self.settings.adapters
        if self._offer is None:
            return Capabilities(adapters=adapters)
        chat = self._offer.endpoint == "chat/completions"
        return Capabilities(
            likelihood=self._offer.likelihood,
            chat=chat,
            context=self._offer.context,
            adapters=adapters,
        )

    @property
    def at_once(self) -> int:
        """A few batches: of one alone a server would see few requests at the same time."""
        return AT_ONCE

    def describe(self) -> dict[str, Any]:
        """Returns what the server said about the model when it was loaded."""
        offer = self._loaded()
        return {
            "name": offer.model,
            "root": offer.root,
            "endpoint": offer.endpoint,
            "likelihood": offer.likelihood,
            "context": offer.context,
        }

    def generate(
        self, prompts: Sequence[str], sampling: Sampling, progress: Progress | None = None
    ) -> list[str]:
        """Continues each prompt; see `Model.generate`."""
        from selfspec_plugins.served.questions import writing

        offer, (model, about) = self._loaded(), self._asked
        questions = [
            writing(offer.endpoint, model, prompt, sampling, row, self.settings.request, about)
            for row, prompt in enumerate(prompts)
        ]
        return self._ask(questions, progress)

    def loglikelihood(
        self, pairs: Sequence[tuple[str, str]], progress: Progress | None = None
    ) -> list[float]:
        """Returns the summed log-probability of each continuation given its prompt.

        A token across the boundary counts for the continuation, as with a local model.
        """
        from selfspec_plugins.served.questions import weighing

        if not self._loaded().likelihood:
            return super().loglikelihood(pairs, progress)
        model, about = self._asked
        return self._ask([weighing(model, *pair, about) for pair in pairs], progress)

    def use_adapter(self, path: Path | None) -> None:
        """Switches to an adapter that the server has or loads, or back to the base with None.

        Raises:
            UsageError: if `model.adapters` is not set, or a server does not take it.
        """
        if path is None:
            self._adapter = None
            return
        if not self.settings.adapters:
            raise UsageError(
                "model 'openai' takes no adapter; set training.model, or model.adapters = true"
            )
        from selfspec_plugins.served.adapters import name_of

        self._loaded()
        assert self._servers is not None
        self._adapter = name_of(self._servers, path)

    @property
    def _asked(self) -> tuple[str, str]:
        """The name in requests, and a digest of the adapter that it stands for."""
        return self._adapter or (self._loaded().model, "")

    def _loaded(self) -> Offer:
        self.load()
        assert self._offer is not None
        return self._offer

    def _ask(self, questions: Sequence[Question], progress: Progress | None = None) -> list[Any]:
        """Returns the answers in order; asks what the journal does not know, the same once."""
        assert self._servers is not None and self._journal is not None
        journal, shown = self._journal, progress or Silent()
        digests = [question.digest for question in questions]
        known = {digest: question for digest, question in zip(digests, questions, strict=True)}
        missing = {digest: one for digest, one in known.items() if digest not in journal}
        weight = {digest: n for digest, n in Counter(digests).items() if digest in missing}
        shown.advance(len(digests) - sum(weight.values()))
        names, fresh = list(missing), list[int]()

        def keep(number: int, answer: Any, tokens: tuple[int, int] | None) -> None:
            journal.put(names[number], answer, tokens)
            fresh.append(weight[names[number]])

        def tick() -> None:  # progress is shown by the thread that asked
            while fresh:
                shown.advance(fresh.pop())

        try:
            if missing:
                self._servers.ask(list(missing.values()), keep, tick)
        finally:
            journal.sync()
        tick()
        return [journal[digest] for digest in digests]
