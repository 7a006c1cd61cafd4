"""One writer of a folder at a time: a lock of the operating system's, and a word on who holds it.

It goes with the process that holds it, however that ends.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from selfspec_core.errors import SelfspecError

LOCK, OWNER = ".lock", ".owner"
PATIENCE = 1.0
"""Seconds that a writer waits for the lock: `in_use` holds it for an instant."""


class Lock:
    """The lock of a folder that is there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock, self._owner = FileLock(folder / LOCK), folder / OWNER

    def acquire(self, patience: float | None = None) -> None:
        """Keeps other writers out.

        Args:
            patience: seconds to wait for one that is in; None: `PATIENCE`.

        Raises:
            SelfspecError: naming who is still in then.
        """
        try:
            self._lock.acquire(timeout=PATIENCE if patience is None else patience)
        except Timeout:
            who = "another process"
            with suppress(OSError):  # it may let go in this instant
                who = self._owner.read_text(encoding="utf-8").strip()
            raise SelfspecError(f"{self.folder}: in use by {who}; wait for it or stop it") from None
        with suppress(OSError):  # for the message above alone
            self._owner.write_text(
                f"{os.uname().nodename}, process {os.getpid()}\n", encoding="utf-8"
            )

    def release(self) -> None:
        """Lets others in, if it is held: `.owner` is the next writer's afterwards."""
        if self._lock.is_locked:
            with suppress(OSError):  # a disk that failed: who reads it sees that nobody holds it
                self._owner.unlink(missing_ok=True)
            self._lock.release()  # last: who waits for it writes an owner of its own

    @contextmanager
    def taking(self) -> Iterator[None]:
        """Acquires it, and keeps it unless the block fails."""
        self.acquire()
        try:
            yield
        except BaseException:
            self.release()
            raise


def in_use(folder: Path) -> bool:
    """Says whether a process is writing it; only looks, also where nothing may be written."""
    import fcntl  # what filelock uses where there is one

    try:
        with (folder / LOCK).open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except OSError:  # held; or it may not be asked, and the manifest is taken at its word
        return True
    return False
