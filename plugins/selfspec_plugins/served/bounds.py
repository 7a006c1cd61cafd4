"""A server's answer is read up to a limit: it may send without end, and pack gigabytes into little.

A hook of the client sees each answer after its head and before its body. It works alike with httpx
and httpx2, of which the client brings one or the other.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from typing import Any

from selfspec_plugins.served.trouble import MALFORMED_TRIES, Trouble

MOST = 32 << 20
"""Bytes of an answer: a prompt of 100,000 tokens echoed with its log-probabilities has a third."""
PLAIN = {"Accept-Encoding": "identity"}
"""Asks for answers as they are; one that comes packed all the same is not unpacked."""


async def bounded(response: Any) -> None:
    """Has the body of an answer counted while it is read.

    Raises:
        Trouble: if it is packed, or larger than the limit.
    """
    packed = response.headers.get("content-encoding", "identity").strip().lower()
    if packed not in ("identity", ""):
        raise Trouble("an answer packed by the server, unasked", tries=MALFORMED_TRIES)
    library = sys.modules[type(response).__module__.partition(".")[0]]
    response.stream = _counted(library.AsyncByteStream)(response.stream)


def _counted(base: Any) -> Any:
    """Returns a class of byte streams of the client's own kind that end at the limit."""

    class Counted(base):  # type: ignore[misc]
        def __init__(self, stream: Any) -> None:
            self._stream = stream

        async def __aiter__(self) -> AsyncIterator[bytes]:
            size = 0
            async for part in self._stream:
                size += len(part)
                if size > MOST:
                    raise Trouble(f"an answer of more than {MOST >> 20} MB", tries=MALFORMED_TRIES)
                yield part

        async def aclose(self) -> None:
            await self._stream.aclose()

    return Counted
