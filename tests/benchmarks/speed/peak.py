"""Runs a command and writes down the most memory it had: `peak.py FILE COMMAND…`.

Linux hands the peak of a process on to what it starts, so whoever measures has to be small.
"""

import os
import sys


def launched(file: str, command: list[str]) -> list[str]:
    """Returns the command line that runs a command and writes its megabytes to a file."""
    return [sys.executable, "-S", __file__, file, *command]


if __name__ == "__main__":
    process = os.posix_spawnp(sys.argv[2], sys.argv[2:], os.environ)
    _, status, usage = os.wait4(process, 0)
    with open(sys.argv[1], "w", encoding="utf-8") as written:
        written.write(str(usage.ru_maxrss / 1024))
    sys.exit(os.waitstatus_to_exitcode(status))
