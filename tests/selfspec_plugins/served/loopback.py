"""A server on the loopback that speaks OpenAI's protocol, and misbehaves when it is told to."""

from __future__ import annotations

import gzip
import hashlib
import json
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Trouble = Callable[["Handler"], None]
KEY = "sk-secret-0123456789"


def said(prompt: str, body: dict[str, Any]) -> str:
    """What the server answers: any text that depends on all that should matter."""
    told = [prompt, body["model"], body.get("seed"), body["temperature"], body["max_tokens"]]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:12]


def logs(tokens: Sequence[str]) -> list[float | None]:
    """The log-probabilities that it gives to tokens, by their letters."""
    return [None if not n else -sum(map(ord, t)) / 1000 for n, t in enumerate(tokens)]


def tokens_of(text: str) -> list[str]:
    """Cuts a text into tokens of three letters."""
    return [text[at : at + 3] for at in range(0, len(text), 3)]


class Loopback:
    """The server; `with Loopback() as server` runs it.

    Attributes:
        troubles: what happens to the next requests, one each, instead of an answer.
        always: what happens to each of them.
        received: the bodies of all requests to write, in the order of their arrival.
        answered: how often each of them was answered.
        sent: bytes of bodies that have no end.
    """

    def __init__(
        self,
        *,
        models: Sequence[dict[str, Any]] | None = ({"id": "m", "max_model_len": 512},),
        paths: Sequence[str] = ("completions", "chat/completions"),
        echo: bool = True,
        say: Callable[[str, dict[str, Any]], str] = said,
        start_after: float = 0.0,
    ) -> None:
        self.models, self.paths, self.echo, self.say = models, paths, echo, say
        self.troubles: list[Trouble] = []
        self.always: Trouble | None = None
        self.most_at_once: int | None = None
        self.longest_prompt: int | None = None
        self.slow = 0.0
        self.broken_list = False
        self.key: str | None = None
        self.adapters: list[dict[str, Any]] = []
        self.received: list[dict[str, Any]] = []
        self.answered: Counter[str] = Counter()
        self.running = self.peak = self.sent = 0
        self.lock = threading.Lock()
        self.over = threading.Event()
        self._start_after = start_after
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/v1"

    def __enter__(self) -> Loopback:
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._up = threading.Event()
        self._thread.start()
        if not self._start_after:
            self._up.wait(60)
        return self

    def _serve(self) -> None:
        time.sleep(self._start_after)
        handler = type("Bound", (Handler,), {"loopback": self})
        self._http = ThreadingHTTPServer(("127.0.0.1", self.port), handler)
        self._http.daemon_threads = True
        self._up.set()
        self._http.serve_forever(poll_interval=0.02)

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self._up.wait(60)
        self._http.shutdown()
        self._http.server_close()

    @property
    def prompts(self) -> list[str]:
        """The prompts of what was asked beyond the probes."""
        return [p for p in map(prompt_of, self.received) if p != "One two three"]


def prompt_of(body: dict[str, Any]) -> str:
    """Returns the prompt of either endpoint."""
    return body["prompt"] if "prompt" in body else body["messages"][0]["content"]


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    loopback: Loopback
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_: object) -> None:
        """Says nothing."""

    def reply(self, status: int, body: Any, **headers: str) -> None:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        given = {"Content-Type": "application/json", "Content-Length": str(len(data)), **headers}
        for name, value in given.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(data)

    def refuse(self, status: int, message: str, **headers: str) -> None:
        self.reply(status, {"error": {"message": message}}, **headers)

    def do_GET(self) -> None:
        models = self.loopback.models
        if self.loopback.broken_list:
            return self.refuse(500, "no cache folder")
        if models is None:
            return self.refuse(404, "no such path")
        return self.reply(200, {"object": "list", "data": [*models, *self.loopback.adapters]})

    def do_POST(self) -> None:
        server = self.loopback
        raw = self.rfile.read(int(self.headers["Content-Length"]))
        body, path = json.loads(raw), self.path.removeprefix("/v1/")
        if path == "load_lora_adapter":
            server.adapters.append({"id": body["lora_name"], "parent": "m"})
            return self.reply(200, b"Success")
        if path not in server.paths:
            return self.refuse(404, "Not Found")
        with server.lock:
            server.received.append(body)
            server.running += 1
            running = server.running
            server.peak = max(server.peak, running)
            trouble = server.troubles.pop(0) if server.troubles else server.always
        try:
            time.sleep(server.slow)
            self._answer(path, body, raw, trouble, running)
        except OSError:  # whoever asked has been killed
            self.close_connection = True
        finally:
            with server.lock:
                server.running -= 1

    def _answer(
        self, path: str, body: dict[str, Any], raw: bytes, trouble: Trouble | None, running: int
    ) -> None:
        server, prompt = self.loopback, prompt_of(body)
        if server.key and self.headers["Authorization"] != f"Bearer {server.key}":
            return self.refuse(401, f"wrong key {self.headers['Authorization']}")
        if trouble is not None:
            return trouble(self)
        known = [*(server.models or [{"id": "m"}]), *server.adapters]
        if body["model"] not in {row["id"] for row in known}:
            return self.refuse(404, f"The model `{body['model']}` does not exist.")
        if server.most_at_once and running > server.most_at_once:
            return self.refuse(429, "too many", Retry_After="0.05")
        if server.longest_prompt and len(prompt) > server.longest_prompt:
            return self.refuse(400, "This model's maximum context length is 3 tokens.")
        with server.lock:
            server.answered[raw.decode()] += 1
        text = server.say(prompt, body)
        choice: dict[str, Any] = {"index": 0, "finish_reason": "length"}
        if path == "completions":
            choice |= {"text": text, "logprobs": None}
            if server.echo and body.get("echo"):
                tokens = ["<s>", *tokens_of(prompt), "x"]
                choice["logprobs"] = {"tokens": tokens, "token_logprobs": logs(tokens)}
        else:
            choice["message"] = {"role": "assistant", "content": text}
        usage = {"prompt_tokens": len(prompt), "completion_tokens": 1}
        return self.reply(200, {"model": body["model"], "choices": [choice], "usage": usage})


def busy(handler: Handler) -> None:
    """Too many requests, come back in a moment."""
    handler.refuse(429, f"slow down, {KEY}", Retry_After="0.05")


def busy_for_an_hour(handler: Handler) -> None:
    """Too many requests, come back much later."""
    handler.refuse(429, "slow down", Retry_After="3600")


def broken(handler: Handler) -> None:
    """An error of the server's."""
    handler.refuse(500, f"division by zero at {KEY}")


def starting(handler: Handler) -> None:
    """A proxy whose server is not up."""
    handler.reply(503, b"<html>down</html>", Content_Type="text/html")


def hang(handler: Handler) -> None:
    """No answer for longer than anybody waits, or until the test is over."""
    handler.loopback.over.wait(60)
    handler.close_connection = True


def cut(handler: Handler) -> None:
    """The connection is reset without an answer."""
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.close()
    handler.close_connection = True


def cut_midway(handler: Handler) -> None:
    """Less comes than the head says."""
    handler.reply(200, b'{"choices": [{"te', Content_Length="500")
    handler.close_connection = True


def truncated(handler: Handler) -> None:
    """Half of the JSON, with a head that agrees."""
    handler.reply(200, b'{"choices": [{"text": "hal')


def endless(handler: Handler) -> None:
    """A body that goes on for 10 GB, if nobody hangs up."""
    handler.send_response(200)
    handler.send_header("Content-Length", str(10 << 30))
    handler.end_headers()
    for _ in range(10 << 10):
        handler.wfile.write(b" " * (1 << 20))
        handler.loopback.sent += 1 << 20


def endless_error(handler: Handler) -> None:
    """The same, as the body of an error."""
    handler.send_response(500)
    handler.send_header("Content-Length", str(10 << 30))
    handler.end_headers()
    for _ in range(10 << 10):
        handler.wfile.write(b" " * (1 << 20))
        handler.loopback.sent += 1 << 20


def packed(handler: Handler) -> None:
    """A body of a few kilobytes that unpacks to a thousand times as many."""
    data = gzip.compress(b'{"choices": [{"text": "' + b"a" * (2 << 20) + b'"}]}', 1)
    handler.reply(200, data, Content_Encoding="gzip")


def no_choices(handler: Handler) -> None:
    """JSON of another shape."""
    handler.reply(200, {"choices": []})


def no_text(handler: Handler) -> None:
    """A number where a text should be."""
    handler.reply(200, {"choices": [{"text": 7, "message": {"content": 7}}]})


def a_page(handler: Handler) -> None:
    """A page for people."""
    handler.reply(200, b"<html>Welcome!</html>", Content_Type="text/html")


MALFORMED = (truncated, no_choices, no_text, a_page)
PASSING = (busy, broken, starting, hang, cut, cut_midway, *MALFORMED)
