"""Decoding and scoring over the forward pass of a causal language model.

Rows with a long common beginning are taken together, their common prefix is encoded once, rows of
similar length share a batch, and finished rows leave it. What a row becomes depends on its prompt,
its index and the random seed, not on the rows beside it (but for rounding in the last bits).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from selfspec_core.model_types import Sampling
from selfspec_core.progress import Progress, Silent
from selfspec_plugins.local.batches import Batch, Ids, plan, sharing_is_exact
from selfspec_plugins.local.lanes import Lanes
from selfspec_plugins.local.memory import OutOfMemory, free, out_of_memory
from selfspec_plugins.local.sampling import choose, uniforms
from selfspec_plugins.local.scoring import score_batch
from selfspec_plugins.local.workers import Advance, Question

if TYPE_CHECKING:
    import torch


WEIGHED_AT_ONCE = 4096
"""Padded tokens of a batch that is only weighed on a CPU: nothing is gained by larger ones, which
leave less to share among processes."""


class Engine:
    """Generates and scores with a loaded model.

    Attributes:
        model: the transformers model.
        batch_tokens: padded tokens in a forward pass, unless `decisions` says less.
        decisions: the model's; smaller batches after out-of-memory are written there.
        lanes: the processes that batches are shared among.
    """

    def __init__(
        self,
        model: Any,
        tokenizer: Any,
        batch_tokens: int,
        context: int | None,
        decisions: dict[str, Any],
        lanes: Lanes,
    ) -> None:
        self.model, self.tokenizer, self.context = model, tokenizer, context
        self.batch_tokens, self.decisions, self.lanes = batch_tokens, decisions, lanes
        ends = model.generation_config.eos_token_id
        self.ends = {tokenizer.eos_token_id, *(ends if isinstance(ends, list) else [ends])} - {None}
        self._suspects: dict[tuple[str, ...], torch.Tensor] = {}
        self.shares = sharing_is_exact(model, tokenizer)

    def generate(
        self, rows: Sequence[Ids], sampling: Sampling, progress: Progress | None = None
    ) -> list[str]:
        """Continues each row of tokens; returns the text before a stop string or the end."""
        rows, progress = self._fit(rows, sampling, progress or Silent()), progress or Silent()
        draws = uniforms(len(rows), sampling)
        texts = [""] * len(rows)

        def ask(part: list[int]) -> Question:
            own = draws[part] if draws is not None else None
            return "decode", ([rows[i] for i in part], own, sampling)

        def take(part: list[int], new: list[Ids]) -> None:
            for i, tokens in zip(part, new, strict=True):
                texts[i] = cut(self._text(rows[i], tokens), sampling.stop)

        self._in_batches(rows, [sampling.max_new_tokens] * len(rows), ask, take, progress)
        return texts

    def grow(self, row: Ids, sampling: Sampling) -> Iterator[str]:
        """Yields the text after one row as it grows; the last is what `generate` returns."""
        import torch

        [row], text = self._fit([row], sampling, Silent()), ""
        draws, new = uniforms(1, sampling), []
        room = sampling.max_new_tokens if not self.context else self.context - len(row)
        with torch.inference_mode():
            batch = Batch(self.model, [row], sampling.max_new_tokens, shares=self.shares)
            logits = batch.prefill()
        for step in range(max(1, min(sampling.max_new_tokens, room))):
            token = int(choose(logits, None if draws is None else draws[:, step], sampling))
            if token in self.ends:
                break
            new.append(token)
            text = self._text(row, new)
            if first_stop(text, sampling.stop) is not None:
                break
            yield text
            with torch.inference_mode():
                logits = batch.forward(torch.tensor([[token]], device=logits.device))
        yield cut(text, sampling.stop)

    def score(
        self,
        trunks: Sequence[Ids],
        branches: Sequence[list[tuple[Ids, int]]],
        progress: Progress | None = None,
    ) -> list[list[float]]:
        """Returns the summed log-probability of each branch of each trunk.

        Args:
            trunks: at least one token each.
            branches: per trunk, (tokens that follow it, how many of them are not scored).
        """
        trunks = [self._shorten(t, b) for t, b in zip(trunks, branches, strict=True)]
        if not self.shares:  # without a mask of its own a row can hold one branch only
            flat = [(t, b) for t, bs in zip(trunks, branches, strict=True) for b in bs]
            sums = iter(self._score([t for t, _ in flat], [[b] for _, b in flat], progress))
            return [[next(sums)[0] for _ in bs] for bs in branches]
        return self._score(trunks, branches, progress)

    def _shorten(self, trunk: Ids, branches: list[tuple[Ids, int]]) -> Ids:
        longest = max(len(tokens) for tokens, _ in branches)
        return trunk if self.context is None else self._end(trunk, self.context - longest)

    def _score(self, trunks: Any, branches: Any, progress: Progress | None) -> list[list[float]]:
        results: list[list[float]] = [[] for _ in trunks]

        def ask(part: list[int]) -> Question:
            return "weigh", ([trunks[i] for i in part], [branches[i] for i in part])

        def take(part: list[int], scored: list[list[float]]) -> None:
            for i, sums in zip(part, scored, strict=True):
                results[i] = sums

        extra = [sum(len(tokens) for tokens, _ in row) for row in branches]
        most = WEIGHED_AT_ONCE if self.model.device.type == "cpu" else None
        self._in_batches(trunks, extra, ask, take, progress or Silent(), most)
        return results

    def weigh(self, trunks: Any, branches: Any, advance: Advance) -> list[list[float]]:
        """Scores one batch; see `score`."""
        scored = score_batch(self.model, trunks, branches, shares=self.shares)
        advance(sum(map(len, scored)))
        return scored

    def _in_batches(
        self,
        rows: Sequence[Ids],
        extra: list[int],
        ask: Callable[[list[int]], Question],
        take: Callable[[list[int], Any], None],
        progress: Progress,
        most: int | None = None,
    ) -> None:
        """Shares batches of row indices out, smaller ones once memory has run out.

        Args:
            extra: columns that each row needs beside its tokens.
            ask: makes a question of a batch, (a method of this class, its arguments).
            take: takes the answer.
            most: padded tokens in a batch, if that is less than there may be.
        """
        limit = self.decisions.get("batch_tokens", self.batch_tokens)
        left = list(range(len(rows)))
        while left:
            own, more = [rows[i] for i in left], [extra[i] for i in left]
            batches = plan(own, more, min(limit, most or limit))
            todo = [[left[place] for place in batch] for batch in batches]
            work = sum(map(len, own)) + sum(more)
            failed = self.lanes.share(todo, work, self._answer, ask, take, progress)
            if failed:
                limit = self.decisions["batch_tokens"] = max(1, limit // 2)
            left = sorted(index for batch in failed for index in batch)

    def _answer(self, question: Question, advance: Advance) -> Any:
        """Answers a question in this process.

        Raises:
            OutOfMemory: if more than one row was asked for.
        """
        import torch

        method, arguments = question
        assert isinstance(method, str)
        try:
            with torch.inference_mode():
                return getattr(self, method)(*arguments, advance)
        except RuntimeError as error:
            if len(arguments[0]) == 1 or not out_of_memory(error):
                raise
        free()  # outside of `except`: its traceback keeps the tensors alive
        raise OutOfMemory

    def _fit(self, rows: Sequence[Ids], sampling: Sampling, progress: Progress) -> list[Ids]:
        """Drops leading tokens (not the first, if it is special) of rows beyond the context."""
        room = self.context and max(1, self.context - sampling.max_new_tokens)
        if not room or all(len(row) <= room for row in rows):
            return list(rows)
        count = sum(len(row) > room for row in rows)
        progress.say(f"{count} of {len(rows)} prompts exceed {room} tokens; their beginning is cut")
        return [self._end(row, room) for row in rows]

    def _end(self, row: Ids, room: int) -> Ids:
        """Returns the last tokens of a row that have room, after its first one if it is special."""
        room = max(1, room)
        if len(row) <= room:
            return row
        head = row[:1] if room > 1 and row[0] in self.tokenizer.all_special_ids else []
        return head + row[len(row) - room + len(head) :]

    def decode(
        self, rows: list[Ids], draws: Any, sampling: Sampling, advance: Advance
    ) -> list[Ids]:
        """Decodes one batch; `draws` holds a uniform number per row and step, or is None."""
        import torch

        most = sampling.max_new_tokens
        if self.context:
            most = max(1, min(most, self.context - max(map(len, rows))))
        batch = Batch(self.model, rows, most, shares=self.shares)
        logits = batch.prefill()
        suspects = self._suspects_of(sampling.stop)
        new: list[Ids] = [[] for _ in rows]
        present, alive = list(range(len(rows))), [True] * len(rows)
        for step in range(most):
            drawn = None if draws is None else draws[present, step]
            tokens = choose(logits, drawn, sampling)
            may_stop = suspects[tokens.cpu()].tolist()
            for place, (row, token) in enumerate(zip(present, tokens.tolist(), strict=True)):
                if not alive[row]:
                    continue
                if token not in self.ends:
                    new[row].append(token)
                alive[row] = token not in self.ends and step + 1 < most
                if alive[row] and may_stop[place]:
                    text = self._text(rows[row], new[row])
                    alive[row] = first_stop(text, sampling.stop) is None
                if not alive[row]:
                    advance(1)
            living = [place for place, row in enumerate(present) if alive[row]]
            if not living:
                break
            if len(living) <= 0.75 * len(present):  # leaving copies the cache: not for every row
                batch.keep(living)
                present = [present[place] for place in living]
                tokens = tokens[torch.tensor(living, device=tokens.device)]
            logits = batch.forward(tokens[:, None])
        return new

    def _text(self, row: Ids, new: Ids) -> str:
        """Returns the text of `new` after `row`, with its leading space where it has one."""
        if not new:
            return ""
        options = {"skip_special_tokens": True, "clean_up_tokenization_spaces": False}
        tail = row[-4:]  # some tokenizers drop the first space of whatever they decode
        before = self.tokenizer.decode(tail, **options)
        text: str = self.tokenizer.decode(tail + new, **options)
        return text[len(before) :]

    def _suspects_of(self, stop: tuple[str, ...]) -> torch.Tensor:
        """Returns, per token, whether it can complete a stop string, so that text need not be
        decoded after every token."""
        import torch

        if stop not in self._suspects:
            size = max(len(self.tokenizer), self.model.config.get_text_config().vocab_size)
            pieces = self.tokenizer.batch_decode([[i] for i in range(len(self.tokenizer))])
            pieces += ["\ufffd"] * (size - len(pieces))  # ids beyond the tokenizer: never trusted
            last = {text[-1] for text in stop if text}
            rare = "\ufffd" if any(ord(c) > 127 for c in last) else ""
            hit = [
                " " in last or any(c in piece for c in last) or bool(rare and rare in piece)
                for piece in pieces
            ]
            self._suspects[stop] = torch.tensor(hit)
        return self._suspects[stop]


def cut(text: str, stop: Sequence[str]) -> str:
    """Returns `text` up to the first stop string after its leading white space."""
    at = first_stop(text, stop)
    return text if at is None else text[:at]


def first_stop(text: str, stop: Sequence[str]) -> int | None:
    """Returns where the first stop string begins, or None.

    Leading white space does not count: a model may begin its answer on a line of its own.
    """
    lead = len(text) - len(text.lstrip())
    ends = [at for s in stop if s and (at := text.find(s, lead)) >= 0]
    return min(ends) if ends else None
