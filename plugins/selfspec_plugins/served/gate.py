"""How many requests one server is given at a time: found while running, by its own answers.

Additive increase, multiplicative decrease, as in TCP's congestion avoidance (RFC 5681): one more
with every round of answers, half as many when the server says or shows that it is too much.
"""

from __future__ import annotations

import random

FIRST = 8.0
"""Requests at a time to begin with."""
_PAUSE, _LONGEST = 0.5, 30.0


def backoff(tries: int) -> float:
    """Returns seconds to wait after so many failures: doubling, with jitter, 30 at most."""
    return min(_LONGEST, _PAUSE * 2.0 ** min(tries - 1, 10)) * random.uniform(0.5, 1.0)


class Gate:
    """Counts the requests that are under way; times are those of one clock, in seconds.

    Attributes:
        limit: requests at a time, as of now; a fraction counts toward the next one.
        running: requests under way.
        opens: when it may be asked again.
    """

    def __init__(self, most: int) -> None:
        self._most = float(most)
        self.limit = min(FIRST, self._most)
        self.running = 0
        self.opens = 0.0
        self._strikes = 0
        self._halved = self._closed = float("-inf")

    def free(self, now: float) -> bool:
        """Says whether it may be asked now."""
        return now >= self.opens and self.running < int(self.limit)

    def answered(self) -> None:
        """Takes note of an answer, before it is no longer under way.

        Nothing is learnt from one that came while there was room: the limit stays.
        """
        if self.running >= int(self.limit):
            self.limit = min(self._most, self.limit + 1 / self.limit)
        self._strikes = 0

    def overloaded(self, sent: float, now: float) -> None:
        """Halves what it is given, once for all requests that were under way together."""
        if sent > self._halved:
            self.limit, self._halved = max(1.0, self.limit / 2), now

    def close(self, sent: float, now: float, wait: float | None) -> None:
        """Closes it for `wait` seconds, or for longer each time in a row that it was asked.

        Args:
            sent: when the request was sent that was turned away.
        """
        if wait is None:
            if sent <= self._closed:  # one of those under way together
                return
            self._strikes += 1
            self._closed = now
            wait = backoff(self._strikes)
        self.opens = max(self.opens, now + wait)
