"""Files and folders that others see whole or not at all, and that a power cut does not take back.

A file is on the disk when it has been synced, its name when its folder has. Whatever a journal or
the manifest says is there has to be on the disk before they say so.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from selfspec_core.errors import SelfspecError

_OS_ERROR = re.compile(r"\(os error (\d+)\)")
"""How Rust's standard library names what a system call returned."""
_CUT_SHORT = ("PytorchStreamWriter", "requested and")
"""How torch and numpy say that less was written than there is; neither says why."""


def _beside(path: Path) -> Path:
    """Returns where a file or folder is made before it takes its place."""
    return path.with_name(f".{path.name}.tmp")


def write_atomically(path: Path, text: str) -> None:
    """Replaces a file in one step: readers see the old text or the new, never a part."""
    temporary = _beside(path)
    try:
        with temporary.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError:  # a full disk: half a file would be of no use, and takes room
        temporary.unlink(missing_ok=True)
        raise
    sync(path.parent)


def make_folder(path: Path) -> None:
    """Makes a folder, and those above it that are missing; does nothing if it is there."""
    if not path.is_dir():
        make_folder(path.parent)
        path.mkdir(exist_ok=True)
        sync(path.parent)


def new_folder(path: Path) -> Path:
    """Returns an empty folder beside `path` to fill; `put_folder` it when it is complete."""
    temporary = _beside(path)
    shutil.rmtree(temporary, ignore_errors=True)
    make_folder(temporary)
    return temporary


def put_folder(made: Path, path: Path) -> None:
    """Moves a complete folder to its place, from which what lay there is removed before.

    A kill in between leaves no folder there: never a part of one.
    """
    sync_all(made)
    shutil.rmtree(path, ignore_errors=True)
    made.replace(path)
    sync(path.parent)


@contextmanager
def filling(path: Path) -> Iterator[Path]:
    """Yields an empty folder to fill, and moves it to its place; if that fails nothing is left.

    Raises:
        OSError: if something has come to lie there meanwhile: it stays.
        SelfspecError: if another process is filling a folder for this place.
    """
    with _staging(path) as made:
        try:
            yield made
            sync_all(made)
            try:
                made.rename(path)  # takes the place of an empty folder alone
            except OSError as error:
                raise OSError(error.errno, error.strerror, str(path)) from error
            sync(path.parent)
        except BaseException:
            shutil.rmtree(made, ignore_errors=True)
            raise


@contextmanager
def _staging(path: Path) -> Iterator[Path]:
    """Yields an empty folder beside `path` that no other process has; what a kill left goes."""
    made = _beside(path)
    make_folder(made)
    held = os.open(made, os.O_RDONLY)
    try:
        if not _locked(held, made):
            raise SelfspecError(f"{path}: another process is writing it; wait for it or stop it")
        for left in made.iterdir():
            shutil.rmtree(left) if left.is_dir() and not left.is_symlink() else left.unlink()
        yield made
    finally:
        os.close(held)


def _locked(folder: int, path: Path) -> bool:
    """Says whether an open folder could be locked, and still is what lies at `path`."""
    import fcntl  # what it locks is let go with the process, and it leaves no file

    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return os.path.samestat(os.fstat(folder), path.stat())
    except (BlockingIOError, FileNotFoundError):
        return False


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Has what the file system refuses name the file, for libraries in Rust and C++ do not.

    Raises:
        OSError: naming `path`, in place of what safetensors, tokenizers or torch raised.
    """
    try:
        yield
    except Exception as error:
        if getattr(error, "filename", None):
            raise
        said = _OS_ERROR.search(str(error))
        number = int(said[1]) if said else getattr(error, "errno", None)
        if number is None and not any(part in str(error) for part in _CUT_SHORT):
            raise
        why = os.strerror(number) if number else "cannot be written; is the disk full?"
        raise OSError(number or errno.EIO, why, str(path)) from error


def sync_all(folder: Path) -> None:
    """Brings a folder with all that is in it to the disk."""
    for within, _, files in os.walk(folder):
        for file in files:
            sync(Path(within, file))
        sync(Path(within))


def sync(path: Path) -> None:
    """Brings a file's bytes, or the names in a folder, to the disk."""
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    except OSError as error:
        if error.errno != errno.EINVAL:  # a file system that syncs no folders
            raise OSError(error.errno, error.strerror, str(path)) from None
    finally:
        os.close(number)
