"""What is asked of a server, and how its answers are read: the bodies of the requests."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from selfspec_core.finite import is_finite
from selfspec_core.model_types import Sampling

Endpoint = Literal["completions", "chat/completions"]

MOST_STOPS = 4
"""Stop strings that every server takes; the text is cut at the others here."""
_SHORTEST = 40


@dataclass(frozen=True, slots=True)
class Question:
    """One request, and how its answer is read.

    Attributes:
        read: takes the decoded JSON; anything it raises means that the answer is malformed.
        about: what tells it from a request with the same body, such as an adapter's digest.
        tries: after how many answers of HTTP 500 it counts as refused; None: never.
    """

    endpoint: Endpoint
    body: dict[str, Any]
    read: Callable[[Any], Any]
    about: str = ""
    tries: int | None = None

    @property
    def digest(self) -> str:
        """What the journal knows it by; the server's address is no part of it."""
        text = json.dumps([self.endpoint, self.body, self.about], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:32]

    def shorter(self) -> Question | None:
        """Returns it without the first fifth of the prompt, None if hardly anything is left.

        As with a local model, a prompt that is too long loses its beginning.
        """
        chat = self.endpoint == "chat/completions"
        prompt = self.body["messages"][0]["content"] if chat else self.body["prompt"]
        if len(prompt) < _SHORTEST:
            return None
        prompt = prompt[len(prompt) // 5 :]
        cut = _prompt(self.endpoint, prompt)
        return replace(self, body={**self.body, **cut})


def writing(
    endpoint: Endpoint,
    model: str,
    prompt: str,
    sampling: Sampling,
    row: int,
    more: Mapping[str, Any],
    about: str = "",
) -> Question:
    """Asks for a continuation; the answer is its text, stop string excluded.

    Args:
        row: number in the call; each row of a sampled call has a random seed of its own.
        more: fields that the user wants in every request.
    """
    body = {
        **more,
        "model": model,
        **_prompt(endpoint, prompt),
        "max_tokens": sampling.max_new_tokens,
    }
    body["temperature"] = sampling.temperature
    if sampling.temperature > 0:
        body |= {"top_p": sampling.top_p, "seed": _row_seed(sampling.random_seed, row)}
    if sampling.stop:
        body["stop"] = list(sampling.stop[:MOST_STOPS])

    def read(answer: Any) -> str:
        choice = answer["choices"][0]
        text = choice["text"] if endpoint == "completions" else choice["message"]["content"] or ""
        if not isinstance(text, str):
            raise TypeError("text")
        for stop in sampling.stop:
            text = text.partition(stop)[0]
        return text.encode("utf-8", "replace").decode()  # half a surrogate pair is no text

    return Question(endpoint, body, read, about)


def weighing(model: str, prompt: str, continuation: str, about: str = "") -> Question:
    """Asks for a log-likelihood (nats) of a continuation: the prompt comes back with its own.

    One token is written, since some servers refuse to write none; it counts for nothing.
    """
    body = {"model": model, "prompt": prompt + continuation, "max_tokens": 1}
    body |= {"temperature": 0.0, "echo": True, "logprobs": 1}

    def read(answer: Any) -> float:
        tokens, logs = echoed(answer, prompt + continuation)
        total, length = 0.0, 0
        for token, log in zip(reversed(tokens), reversed(logs), strict=True):
            if length >= len(continuation):
                break
            total, length = total + (log or 0.0), length + len(token)
        return total

    return Question("completions", body, read, about)


def echoed(answer: Any, text: str) -> tuple[list[str], list[float | None]]:
    """Returns the tokens of a text and their log-probabilities, as a server sent them back.

    The written token at the end is left out: the echo is what comes before it.

    Raises:
        ValueError: if the answer has no echo of the text; KeyError and others if it is malformed.
    """
    found = answer["choices"][0]["logprobs"]
    tokens, logs = list(found["tokens"]), list(found["token_logprobs"])
    written = answer.get("usage", {}).get("completion_tokens", 1)
    if written:
        tokens, logs = tokens[:-written], logs[:-written]
    if len(tokens) != len(logs) or not "".join(tokens).endswith(text[-1:]) or len(tokens) < 2:
        raise ValueError("no echo")
    if not all(map(is_finite, (logs[0] or 0.0, *logs[1:]))):  # the first may have none
        raise ValueError("no log-probabilities")
    return tokens, logs


def _prompt(endpoint: Endpoint, prompt: str) -> dict[str, Any]:
    if endpoint == "completions":
        return {"prompt": prompt}
    return {"messages": [{"role": "user", "content": prompt}]}


def _row_seed(random_seed: int, row: int) -> int:
    """Returns a random seed that every server takes: 31 bits, for some count with a sign."""
    text = f"{random_seed}/{row}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") >> 1
