"""Asks one or several servers, as many requests at a time as they take, until all is answered.

Requests run on an event loop in a thread of their own, so that whoever waits for them can be
interrupted at once, and several threads may ask.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar

from selfspec_core.config import ModelSettings
from selfspec_core.errors import SelfspecError, UsageError
from selfspec_plugins.served.addresses import key_in
from selfspec_plugins.served.bounds import PLAIN, bounded
from selfspec_plugins.served.gate import Gate, backoff
from selfspec_plugins.served.questions import Question
from selfspec_plugins.served.trouble import MALFORMED_TRIES, Refused, Trouble, Where, of_status

T = TypeVar("T")
Keep = Callable[[int, Any, tuple[int, int] | None], None]
_TICK = 0.1
_NAMED = frozenset({"model", "prompt", "messages"})
"""Fields that the client insists on; the others it passes on as they are, whatever they are."""


@dataclass(slots=True)
class Server:
    """One server: its address, a client for it, how much it is given."""

    where: Where
    client: Any
    gate: Gate

    async def post(self, endpoint: str, body: dict[str, Any]) -> bytes:
        """Returns the bytes of an answer."""
        at = self.client.completions if endpoint == "completions" else self.client.chat.completions
        named = {key: value for key, value in body.items() if key in _NAMED}
        more = {key: value for key, value in body.items() if key not in _NAMED}
        raw = await at.with_raw_response.create(**named, extra_body=more)
        content: bytes = raw.http_response.content
        return content

    async def models(self) -> bytes:
        """Returns the bytes of the list of models."""
        raw = await self.client.models.with_raw_response.list()
        content: bytes = raw.http_response.content
        return content


@dataclass(slots=True)
class _Call:
    """One call of `ask`: the first error in it ends the others' tries, but not what is paid for."""

    failed: list[Exception] = field(default_factory=list)


class Servers:
    """The servers of one model.

    Args:
        settings: addresses, the key's variable, and how long to wait.
    """

    def __init__(self, settings: ModelSettings) -> None:
        try:
            import openai
        except ImportError:
            raise UsageError(
                "model.name = openai: needs the client; pip install 'selfspec[openai]'"
            ) from None
        key, self._settings = key_in(settings.key_variable), settings
        self.servers = [
            Server(
                Where(url.rstrip("/"), settings.key_variable, key),
                openai.AsyncOpenAI(
                    api_key=key or "none",
                    base_url=url,
                    timeout=settings.timeout,
                    max_retries=0,
                    default_headers=PLAIN,
                    http_client=openai.DefaultAsyncHttpxClient(event_hooks={"response": [bounded]}),
                ),
                Gate(settings.concurrency),
            )
            for url in settings.base_url
        ]
        self._changed = asyncio.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="openai", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Ends the thread and lets the connections go."""

        async def end() -> None:
            for server in self.servers:
                await server.client.close()

        with suppress(Exception):
            self.run(end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=5)
        if not self._loop.is_running():
            self._loop.close()

    def run(self, work: Coroutine[Any, Any, T], tick: Callable[[], None] = lambda: None) -> T:
        """Waits for `work`; `tick` is called now and then, in the thread that waits."""
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            while not future.done():
                with suppress(TimeoutError):
                    future.exception(timeout=_TICK)
                tick()
        except BaseException:
            future.cancel()
            raise
        return future.result()

    def ask(
        self, questions: Sequence[Question], keep: Keep, tick: Callable[[], None] = lambda: None
    ) -> None:
        """Asks all questions; an error is raised only after what was under way has been kept.

        Args:
            keep: is given number, answer and tokens of each, as they come in.

        Raises:
            SelfspecError: if a server refuses one, or patience is at its end.
        """
        self.run(self._ask_all(questions, keep), tick)

    async def _ask_all(self, questions: Sequence[Question], keep: Keep) -> None:
        call, numbers = _Call(), iter(range(len(questions)))

        async def work() -> None:
            for number in numbers:
                if call.failed:
                    return
                try:
                    keep(number, *await self._ask(questions[number], call))
                except Exception as error:
                    call.failed.append(error)

        most = self._settings.concurrency * len(self.servers)
        async with asyncio.TaskGroup() as group:  # `gather`, once cancelled, may print a traceback
            for _ in range(min(most, len(questions))):
                group.create_task(work())
        if call.failed:
            raise call.failed[0]

    async def _ask(self, question: Question, call: _Call) -> tuple[Any, tuple[int, int] | None]:
        """Tries until there is an answer, patience ends, or another request of the call failed."""
        now, tries, deadline = self._loop.time, 0, None
        last: tuple[Server, Trouble] | None = None
        while True:
            server = await self._turn(deadline, last)
            sent = now()
            deadline = deadline or sent + self._settings.patience
            try:
                answer = await self._once(server, question)
                server.gate.answered()
                return answer
            except Refused as refusal:
                shorter = question.shorter() if refusal.too_long else None
                if shorter is None:
                    raise
                question = shorter
                continue
            except Trouble as trouble:
                last, tries = (server, trouble), tries + 1
                if trouble.overloads:
                    server.gate.overloaded(sent, now())
                if trouble.closes:
                    server.gate.close(sent, now(), trouble.wait)
            finally:
                server.gate.running -= 1
                self._wake()
            wait = 0.0 if last[1].closes else backoff(tries)
            if last[1].status == 500 and tries == question.tries:
                raise Refused(f"{last[0].where.url}: {last[1]}", 500)
            over = now() + wait > deadline or tries == last[1].tries
            if over or call.failed:
                raise self._end_of_patience(*last, tries)
            await asyncio.sleep(wait)

    async def _turn(self, deadline: float | None, last: tuple[Server, Trouble] | None) -> Server:
        """Waits until a server may be asked; the one with most room is.

        Raises:
            SelfspecError: if none may be before the deadline.
        """
        while True:
            now = self._loop.time()
            free = [server for server in self.servers if server.gate.free(now)]
            if free:
                chosen = min(free, key=lambda server: server.gate.running / server.gate.limit)
                chosen.gate.running += 1
                return chosen
            opens = min(server.gate.opens for server in self.servers)
            if last is not None and deadline is not None and opens > deadline:
                raise self._end_of_patience(*last, None)
            changed = self._changed
            with suppress(TimeoutError):
                await asyncio.wait_for(changed.wait(), opens - now if opens > now else None)

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    def _end_of_patience(self, server: Server, trouble: Trouble, tries: int | None) -> Exception:
        asked = f", {trouble.wait:g} s to wait" if trouble.wait else ""
        count = f" after {tries} {'try' if tries == 1 else 'tries'}" if tries else ""
        patience = f"model.patience = {self._settings.patience:g} s"
        return SelfspecError(f"{server.where.url}: {trouble}{asked}; given up{count} ({patience})")

    async def _once(self, server: Server, question: Question) -> tuple[Any, tuple[int, int] | None]:
        """Asks once.

        Raises:
            Trouble: if it may be tried again.
            Refused: if not.
        """
        content = await self.attempt(server, server.post(question.endpoint, question.body))
        try:
            body = json.loads(content)
            answer = question.read(body)
            return server.where.hide(answer) if isinstance(answer, str) else answer, _tokens(body)
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
            raise Trouble("a malformed answer", tries=MALFORMED_TRIES) from None

    async def attempt(self, server: Server, request: Coroutine[Any, Any, T]) -> T:
        """Waits for an answer, but not longer than `model.timeout`; sorts what can go wrong.

        Raises:
            Trouble: if it may be tried again.
            Refused: if not.
        """
        import openai

        try:
            async with asyncio.timeout(self._settings.timeout):
                return await request
        except (TimeoutError, openai.APITimeoutError):
            reason = f"no answer within {self._settings.timeout:g} s (model.timeout)"
            raise Trouble(reason, overloads=True) from None
        except openai.APIConnectionError as error:
            cause = error.__cause__ or error
            if isinstance(cause, Trouble):  # older clients wrap what a hook raises
                raise cause from None
            closes = type(cause).__name__.startswith("Connect")  # nobody is there
            said = server.where.clean(str(cause)) or type(cause).__name__
            what = "no connection" if closes else "the connection was cut"
            raise Trouble(f"{what}: {said}", closes=closes) from None
        except openai.APIStatusError as error:
            response = error.response
            body = _decoded(response.content)
            raise of_status(error.status_code, response.headers, body, server.where) from None
        except (openai.OpenAIError, ValueError):  # the client could not make sense of it
            raise Trouble("a malformed answer", tries=MALFORMED_TRIES) from None


def _decoded(content: bytes) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return content.decode("utf-8", "replace")


def _tokens(body: Any) -> tuple[int, int] | None:
    """Returns the tokens read and written, if the server counted them."""
    usage = body.get("usage")
    if not isinstance(usage, dict):
        return None
    counts = usage.get("prompt_tokens"), usage.get("completion_tokens")
    read, written = (count if isinstance(count, int) else 0 for count in counts)
    return read, written
