"""What is read and written where: files that are files, folders that stay within themselves."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path

from selfspec_core.errors import UsageError


def check_file(path: Path) -> None:
    """Refuses a device, which may have no end, and a pipe, which is empty when a run goes on.

    Raises:
        UsageError: naming it; what is missing, or a folder, is for its reader to say.
    """
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise UsageError(f"{path}: is a device or a pipe; expected a file")


def check_own(folder: Path) -> None:
    """Refuses a folder that reaches out of itself: it may be another's, and is written to.

    Raises:
        UsageError: naming the link that leads elsewhere, or what is neither file nor folder.
    """
    home = folder.resolve()
    for place, folders, files in os.walk(folder):
        for path in (Path(place, name) for name in (*folders, *files)):
            with suppress(FileNotFoundError):  # a writer may be at work
                mode = path.lstat().st_mode
                if stat.S_ISLNK(mode) and not path.resolve().is_relative_to(home):
                    raise UsageError(
                        f"{path}: is a link out of {folder}; put the file itself there"
                    )
                if not (stat.S_ISLNK(mode) or stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
                    raise UsageError(f"{path}: is neither a file nor a folder; remove it")


def one_name(path: Path) -> Path:
    """Returns one name for a file or folder, wherever it is named from and through which links.

    A link to a file keeps its own name, and with it its suffix. It need not be there any more.
    """
    return path.resolve() if path.is_dir() else path.parent.resolve() / path.name


def data_folder() -> Path:
    """Returns where a user's data lies: $SELFSPEC_DATA, or the platform's folder for it."""
    given = os.environ.get("SELFSPEC_DATA")
    if given:
        return Path(given).expanduser()
    from platformdirs import user_data_path

    return user_data_path("selfspec")
