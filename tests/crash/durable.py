"""What of a folder would be there after a power cut, by what was brought to the disk with fsync.

What POSIX promises and nothing more: bytes are safe when their file was synced, names when their
folder was. Whatever was not synced may be there or not, each by itself.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from pathlib import Path

Chosen = Callable[[], bool]
"""Says of something that was not synced whether it reached the disk all the same."""


class Durable:
    """Keeps account; whatever it has seen is held open, so that no inode is used a second time.

    Args:
        root: of the folders; what lies there now counts as safe.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._open: dict[int, int] = {}
        self._bytes: dict[int, bytes] = {}
        self._names: dict[int, dict[str, int]] = {}
        for folder, _, files in os.walk(root):
            for path in (folder, *(os.path.join(folder, file) for file in files)):
                self.synced(self.hold(path))

    def hold(self, path: str) -> int:
        """Sees a file or folder; returns a descriptor of it."""
        number = os.stat(path).st_ino
        if number not in self._open:
            self._open[number] = _really_open(path, os.O_RDONLY)
        return self._open[number]

    def synced(self, descriptor: int) -> None:
        """Takes note that a file or folder is on the disk as it is now."""
        number, there = os.fstat(descriptor).st_ino, f"/proc/self/fd/{descriptor}"
        if os.path.isdir(there):
            self._names[number] = _names(there)
        else:
            self._bytes[number] = _read(there)

    def left(self, out: Path, chance: random.Random | None) -> None:
        """Writes what a power cut would leave now.

        Args:
            chance: by which what was not synced is there or not; None: nothing of it is.
        """
        lucky: Chosen = (lambda: chance.random() < 0.5) if chance else (lambda: False)
        self._write(os.stat(self._root).st_ino, out, lucky, chance)

    def _write(self, number: int, out: Path, lucky: Chosen, chance: random.Random | None) -> None:
        there = f"/proc/self/fd/{self._open[number]}"
        if not os.path.isdir(there):
            with _really_open_file(out, "wb") as file:
                file.write(self._content(number, _read(there), lucky, chance))
            return
        _really_mkdir(out)
        safe, now = self._names.get(number, {}), _names(there)
        for name in sorted(safe.keys() | now):
            before, after = safe.get(name), now.get(name)
            chosen = after if before == after or lucky() else before
            if chosen is not None:
                self._write(chosen, out / name, lucky, chance)

    def _content(
        self, number: int, now: bytes, lucky: Chosen, chance: random.Random | None
    ) -> bytes:
        """Returns the bytes of a file: of a tail that was not synced, any part may be there."""
        safe = self._bytes.get(number, b"")
        if chance is not None and now.startswith(safe):
            return now[: chance.randint(len(safe), len(now))]
        return now if lucky() else safe


_really_open, _really_open_file, _really_mkdir = os.open, open, os.mkdir


def _names(folder: str) -> dict[str, int]:
    with os.scandir(folder) as entries:
        return {entry.name: entry.inode() for entry in entries}


def _read(path: str) -> bytes:
    with _really_open_file(path, "rb") as file:
        return file.read()
