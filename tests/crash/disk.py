"""A file layer between a run and its disk: it counts what is done, and lets something go wrong.

Everything that Python code does to files passes through the functions replaced here. They are
replaced for good, so a disk belongs into a process of its own (`Place.begin(first=disk.install)`).
"""

from __future__ import annotations

import builtins
import errno
import io
import os
import random
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

from durable import Durable

FULL = (errno.ENOSPC, errno.EROFS)
"""Errors that stay: whatever is written afterwards fails, too."""

BROKEN = (errno.EIO, errno.EACCES)
"""Errors that come once."""


class Disk:
    """What happens to the files under a folder, operation by operation.

    Args:
        root: of the files to count.
        trouble: is asked before each operation, with its number from 0, its kind and its file;
            whatever it raises is what the operation raises. It returns how many bytes of a write
            are written before; None for all.
    """

    def __init__(self, root: Path, trouble: Callable[[int, str, str], int | None]) -> None:
        self.root, self._trouble = str(root), trouble
        self.count, self.durable = 0, None

    def remember(self) -> None:
        """Keeps account of what a power cut would leave."""
        self.durable = Durable(Path(self.root))

    def step(self, kind: str, path: Any) -> int | None:
        number, self.count = self.count, self.count + 1
        return self._trouble(number, kind, str(path))

    def install(self) -> None:
        """Stands between this process and the disk from now on."""
        for name in ("mkdir", "unlink", "remove", "rmdir", "truncate"):
            setattr(os, name, self._watched(name, getattr(os, name)))
        for name in ("replace", "rename"):
            setattr(os, name, self._watched(name, getattr(os, name), at=1))
        os.fsync = self._fsync(os.fsync)
        os.open = self._open(os.open)
        io.open = builtins.open = self._file(io.open)

    def _ours(self, path: Any, dir_fd: int | None = None) -> str | None:
        """Returns the whole path if it lies under the root."""
        if isinstance(path, int):
            return None
        text = os.fsdecode(path)
        if dir_fd is not None:
            text = os.path.join(os.readlink(f"/proc/self/fd/{dir_fd}"), text)
        text = os.path.abspath(text)
        return text if text.startswith(self.root + os.sep) or text == self.root else None

    def _watched(self, kind: str, really: Callable[..., Any], at: int = 0) -> Callable[..., Any]:
        def call(*given: Any, **also: Any) -> Any:
            path = self._ours(given[at], also.get("dir_fd"))
            if path is not None:
                self.step(kind, path)
            result = really(*given, **also)
            if path is not None and self.durable and kind == "mkdir":
                self.durable.hold(path)
            return result

        return call

    def _fsync(self, really: Callable[[int], None]) -> Callable[[Any], None]:
        def call(file: Any) -> None:
            number = file if isinstance(file, int) else file.fileno()
            path = self._ours(os.readlink(f"/proc/self/fd/{number}"))
            if path is not None:
                self.step("fsync", path)
            really(number)
            if path is not None and self.durable:
                self.durable.synced(number)

        return call

    def _open(self, really: Callable[..., int]) -> Callable[..., int]:
        def call(path: Any, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
            own = self._ours(path, dir_fd) if flags & (os.O_WRONLY | os.O_RDWR) else None
            if own is not None:
                self.step("open", own)
            number = really(path, flags, mode, dir_fd=dir_fd)
            if own is not None and self.durable:
                self.durable.hold(own)
            return number

        return call

    def _file(self, really: Callable[..., Any]) -> Callable[..., Any]:
        def call(
            file: Any,
            mode: str = "r",
            buffering: int = -1,
            encoding: str | None = None,
            errors: str | None = None,
            newline: str | None = None,
            *more: Any,
        ) -> Any:
            own = self._ours(file) if set(mode) & set("wax") else None
            if own is None:
                return really(file, mode, buffering, encoding, errors, newline, *more)
            assert "+" not in mode, f"the harness has no {mode}"
            self.step("open", own)
            raw = _Raw(self, own, mode.replace("b", "").replace("t", ""))
            if self.durable:
                self.durable.hold(own)
            if buffering == 0:
                return raw
            buffered = io.BufferedWriter(raw)
            if "b" in mode:
                return buffered
            return io.TextIOWrapper(buffered, encoding, errors, newline)

        return call


class _Raw(io.FileIO):
    """A file whose writes pass through the disk."""

    def __init__(self, disk: Disk, path: str, mode: str) -> None:
        super().__init__(path, mode)
        self._disk = disk

    def write(self, data: Any) -> int:
        most = self._disk.step("write", self.name)
        return super().write(data if most is None else bytes(data)[:most])

    def truncate(self, size: int | None = None) -> int:
        self._disk.step("truncate", self.name)
        return super().truncate(size)


def fails(at: int, number: int, chance: random.Random) -> Callable[[int, str, str], int | None]:
    """Returns the trouble of a disk whose operation `at` fails with an error.

    A write comes to its failure half done: what there was room for is written first.
    """
    half, stays, begins = [True] * (chance.random() < 0.5), number in FULL, at

    def trouble(count: int, kind: str, path: str) -> int | None:
        nonlocal begins
        if count < begins or (count > begins and not stays):
            return None
        if number == errno.ENOSPC and kind in ("unlink", "remove", "rmdir", "truncate"):
            return None  # a full disk lets things go
        if kind == "write" and half and half.pop():
            begins += 1  # the rest of these bytes is what fails
            return 1
        raise OSError(number, os.strerror(number), None if kind in ("write", "fsync") else path)

    return trouble


def killed_at(at: int, chance: random.Random) -> Callable[[int, str, str], int | None]:
    """Returns the trouble of a process that is killed before operation `at`, or within a write."""
    torn = chance.random() < 0.5

    def trouble(count: int, kind: str, path: str) -> int | None:
        if count == at:
            os.kill(os.getpid(), signal.SIGKILL)
        return 1 if torn and count == at - 1 and kind == "write" else None

    return trouble


def cut_at(at: int, disk: Callable[[], Disk], out: Path, chance: random.Random | None) -> Any:
    """Returns the trouble of a machine whose power fails before operation `at`.

    Args:
        out: where to write what is left then.
        chance: see `Durable.left`.
    """

    def trouble(count: int, kind: str, path: str) -> int | None:
        if count == at:
            disk().durable.left(out, chance)
            os.kill(os.getpid(), signal.SIGKILL)
        return None

    return trouble
