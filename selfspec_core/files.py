"""Files and folders that others see whole or not at all."""

from __future__ import annotations

import os
import shutil
from pathlib import Path


def write_atomically(path: Path, text: str) -> None:
    """Replaces a file in one step: readers see the old text or the new, never a part."""
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        with temporary.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
    except OSError:  # a full disk: half a file would be of no use, and takes room
        temporary.unlink(missing_ok=True)
        raise
    temporary.replace(path)


def new_folder(path: Path) -> Path:
    """Returns an empty folder beside `path` to fill; `path.replace` it when it is complete."""
    temporary = path.with_name(f".{path.name}.tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    return temporary
