"""Decoding and scoring over the forward pass of a causal language model.

Rows with a long common beginning are taken together, their common prefix is encoded once, rows of
similar length share a batch, and finished rows leave it. What a row becomes depends on its prompt,
its index and the random seed, not on the rows beside it (but for rounding in the last bits).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from itertools import takewhile
from typing import TYPE_CHECKING, Any

from selfspec_core.components import Progress, Sampling, Silent
from selfspec_plugins.prefix_cache import prefix_attention, prefix_cache
from selfspec_plugins.sampling import choose, uniforms

if TYPE_CHECKING:
    import torch

Ids = list[int]
HEAD = 64
"""Prompts that agree in this many tokens are put into batches of their own."""
WORTH_GROUPING = 8
"""… if there are at least this many of them."""
WORTH_SHARING = 16
"""A shorter common prefix is not encoded apart."""


def common_prefix(rows: Sequence[Ids]) -> int:
    """Returns how many leading tokens all rows have in common."""
    low, high = min(rows), max(rows)  # lexicographic extremes differ first
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(low, high, strict=False)))


def plan(rows: Sequence[Ids], extra: Sequence[int], budget: int) -> Iterator[list[int]]:
    """Yields the indices of the rows of each batch.

    Args:
        rows: tokens of each row.
        extra: columns that each row needs beside its tokens.
        budget: padded tokens in a batch; the common prefix of a group counts once.
    """
    groups: dict[tuple[int, ...], list[int]] = defaultdict(list)
    for index, row in enumerate(rows):
        groups[tuple(row[:HEAD]) if len(row) > HEAD else ()].append(index)
    rest = groups.pop((), [])
    kept = [group for group in groups.values() if len(group) >= WORTH_GROUPING]
    rest += [index for group in groups.values() if len(group) < WORTH_GROUPING for index in group]
    for group in (*kept, rest):
        shared = common_prefix([rows[i] for i in group]) if len(group) > 1 else 0
        group = sorted(group, key=lambda i: (-len(rows[i]), i))
        while group:
            longest = len(rows[group[0]]) - shared + max(extra[i] for i in group)
            count = max(1, (budget - shared) // max(1, longest))
            yield group[:count]
            group = group[count:]


class Engine:
    """Generates and scores with a loaded model.

    Attributes:
        model: the transformers model.
        decisions: what was decided while running, such as smaller batches after out-of-memory.
    """

    def __init__(
        self, model: Any, tokenizer: Any, batch_tokens: int, context: int | None, threads: int = 0
    ) -> None:
        self.model, self.tokenizer, self.context = model, tokenizer, context
        self.decisions: dict[str, Any] = {"batch_tokens": batch_tokens}
        self.layers = model.config.get_text_config().num_hidden_layers
        ends = model.generation_config.eos_token_id
        self.ends = {tokenizer.eos_token_id, *(ends if isinstance(ends, list) else [ends])} - {None}
        self._suspects: dict[tuple[str, ...], Any] = {}
        self.shares = True
        self.shares = self._sharing_is_exact()

    def generate(
        self, rows: Sequence[Ids], sampling: Sampling, progress: Progress | None = None
    ) -> list[str]:
        """Continues each row of tokens; returns the text before a stop string or the end."""
        rows, progress = self._fit(rows, sampling, progress or Silent()), progress or Silent()
        draws = uniforms(len(rows), sampling)
        texts = [""] * len(rows)

        def run(part: list[int]) -> None:
            own = draws[part] if draws is not None else None
            new = self._decode([rows[i] for i in part], own, sampling, progress)
            for i, tokens in zip(part, new, strict=True):
                texts[i] = cut(self._text(rows[i], tokens), sampling.stop)

        self._in_batches(rows, [sampling.max_new_tokens] * len(rows), run)
        return texts

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
        if not self.shares:  # without a mask of its own a row can hold one branch only
            flat = [(t, b) for t, bs in zip(trunks, branches, strict=True) for b in bs]
            sums = iter(self._score([t for t, _ in flat], [[b] for _, b in flat], progress))
            return [[next(sums)[0] for _ in bs] for bs in branches]
        return self._score(trunks, branches, progress)

    def _score(self, trunks: Any, branches: Any, progress: Progress | None) -> list[list[float]]:
        from selfspec_plugins.scoring import score_batch

        results: list[list[float]] = [[] for _ in trunks]

        def run(part: list[int]) -> None:
            scored = score_batch(self, [trunks[i] for i in part], [branches[i] for i in part])
            for i, sums in zip(part, scored, strict=True):
                results[i] = sums
                if progress:
                    progress.advance(len(sums))

        extra = [sum(len(tokens) for tokens, _ in row) for row in branches]
        self._in_batches(trunks, extra, run)
        return results

    def _in_batches(
        self, rows: Sequence[Ids], extra: list[int], run: Callable[[list[int]], None]
    ) -> None:
        """Calls `run` on one batch of row indices after another, on halves if memory runs out."""
        import torch

        todo = list(plan(rows, extra, self.decisions["batch_tokens"])) if rows else []
        while todo:
            part = todo.pop(0)
            try:
                with torch.inference_mode():
                    run(part)
            except torch.OutOfMemoryError:
                if len(part) == 1:
                    raise
                torch.cuda.empty_cache()
                half = len(part) // 2
                self.decisions["batch_tokens"] = max(1, self.decisions["batch_tokens"] // 2)
                todo = [part[:half], part[half:], *todo]

    def _fit(self, rows: Sequence[Ids], sampling: Sampling, progress: Progress) -> list[Ids]:
        """Drops leading tokens (not the first, if it is special) of rows beyond the context."""
        room = self.context and max(1, self.context - sampling.max_new_tokens)
        if not room or all(len(row) <= room for row in rows):
            return list(rows)
        special = set(self.tokenizer.all_special_ids)
        fitted = []
        for row in rows:
            head = row[:1] if row[0] in special and room > 1 else []
            fitted.append(row if len(row) <= room else head + row[len(row) - room + len(head) :])
        count = sum(len(row) > room for row in rows)
        progress.say(f"{count} of {len(rows)} prompts exceed {room} tokens; their beginning is cut")
        return fitted

    def _decode(
        self, rows: list[Ids], draws: Any, sampling: Sampling, progress: Progress
    ) -> list[Ids]:
        """Decodes one batch; `draws` holds a uniform number per row and step, or is None."""
        import torch

        most = sampling.max_new_tokens
        if self.context:
            most = max(1, min(most, self.context - max(map(len, rows))))
        batch, logits = start(self, rows, most)
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
                    alive[row] = not any(stop in text for stop in sampling.stop)
                if not alive[row]:
                    progress.advance()
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
        return self.tokenizer.decode(tail + new, **options)[len(before) :]

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

    def _sharing_is_exact(self) -> bool:
        """Tries on a few tokens whether a shared prefix gives what the model itself gives."""
        import torch
        from transformers import DynamicCache

        config = self.model.config
        cache = DynamicCache(config=config)
        if any(cache.is_sliding) or type(cache.layers[0] if cache.layers else None).__name__ not in (
            "DynamicLayer",
            "NoneType",
        ):
            return False
        size = min(config.get_text_config().vocab_size, len(self.tokenizer))
        row = [(7 * i + 3) % size for i in range(WORTH_SHARING + 8)]
        ids = torch.tensor([row], device=self.model.device)
        try:
            with torch.inference_mode():
                plain = self.model(input_ids=ids, use_cache=False).logits[0, -1].float()
                shared = start(self, [row, row[:-3]], 1)[1][0].float()
        except (NotImplementedError, AttributeError, TypeError, KeyError, RuntimeError):
            return False
        loose = 1e-3 if plain.dtype == self.model.dtype else 0.5
        return bool((plain.log_softmax(-1) - shared.log_softmax(-1)).abs().max() < loose)


def cut(text: str, stop: Sequence[str]) -> str:
    """Returns `text` up to the first stop string."""
    ends = [text.find(s) for s in stop if s and s in text]
    return text[: min(ends)] if ends else text


class Batch:
    """Rows in flight: left-padded, with their cache.

    Attributes:
        real: (rows, columns), false for padding.
        positions: (rows,), the position of the next token.
    """

    def __init__(self, engine: Engine, rows: Sequence[Ids], more: int) -> None:
        import torch
        from transformers import DynamicCache

        self.engine, device = engine, engine.model.device
        least = min(map(len, rows))
        self.shared = min(common_prefix(rows), least - 1)
        if not engine.shares or len(rows) == 1 or self.shared < WORTH_SHARING:
            self.shared = 0
        prefix = None
        if self.shared:
            prefix = DynamicCache(config=engine.model.config)
            ids = torch.tensor([rows[0][: self.shared]], device=device)
            engine.model(input_ids=ids, past_key_values=prefix, use_cache=True, logits_to_keep=1)
        width = max(map(len, rows)) - self.shared
        own = [row[self.shared :] for row in rows]
        self.ids = torch.tensor([[0] * (width - len(r)) + r for r in own], device=device)
        lengths = torch.tensor([len(r) for r in own], device=device)
        self.real = torch.arange(width, device=device) >= width - lengths[:, None]
        self.positions = lengths + self.shared
        if engine.shares:
            self.cache = prefix_cache(prefix, engine.layers, width + more)
        else:
            self.cache = DynamicCache(config=engine.model.config)

    def call(self, ids: Any, positions: Any, mask: Any, keep: int) -> Any:
        """Runs the model; `mask` is (rows, 1, q, columns) when prefixes are shared, else 2-D."""
        model = self.engine.model
        with prefix_attention(model, self.cache) if self.engine.shares else nullcontext():
            return model(
                input_ids=ids,
                position_ids=positions,
                attention_mask=mask,
                past_key_values=self.cache,
                use_cache=True,
                logits_to_keep=keep,
            ).logits

    def prefill(self) -> Any:
        """Encodes the prompts; returns the logits of the next token, (rows, vocabulary)."""
        columns = self.real.shape[1]
        positions = (self.real.cumsum(1) - 1).clamp(min=0) + self.shared
        mask = causal_mask(self.real, columns) if self.engine.shares else self.real.long()
        return self.call(self.ids, positions, mask, 1)[:, -1]

    def forward(self, tokens: Any) -> Any:
        """Appends one token to each row, (rows, 1); returns the logits of the next one."""
        import torch

        self.real = torch.cat([self.real, self.real.new_ones(len(tokens), 1)], 1)
        mask = self.real[:, None, None] if self.engine.shares else self.real.long()
        logits = self.call(tokens, self.positions[:, None], mask, 1)[:, -1]
        self.positions = self.positions + 1
        return logits

    def keep(self, rows: list[int]) -> None:
        """Lets all other rows go."""
        import torch

        index = torch.tensor(rows, device=self.real.device)
        self.real, self.positions = self.real[index], self.positions[index]
        if not self.engine.shares:
            self.cache.batch_select_indices(index)
            return
        for layer in self.cache.layers:
            layer.select(index)


def causal_mask(real: Any, columns: int) -> Any:
    """Returns (rows, 1, columns, columns): each looks at real columns before it and at itself."""
    import torch

    order = torch.arange(columns, device=real.device)
    causal = order[:, None] >= order
    return (causal & real[:, None] | (order[:, None] == order))[:, None]


def start(engine: Engine, rows: Sequence[Ids], more: int) -> tuple[Batch, Any]:
    """Encodes a batch with room for `more` tokens; returns it and the first logits."""
    batch = Batch(engine, rows, more)
    return batch, batch.prefill()
