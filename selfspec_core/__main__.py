"""The command `selfspec`, also as `python -m selfspec_core`; imports nothing before it is ready."""

import sys


def main() -> None:
    """Imports the command line and runs it; Ctrl-C meanwhile is one line, too."""
    try:
        from selfspec_core.cli.main import main as run

        run()
    except KeyboardInterrupt:
        sys.stderr.write("Error: interrupted\n")
        sys.exit(130)
    except SystemExit as end:
        if isinstance(end.code, int) and end.code > 128:
            _end_at_once(end.code)
        raise


def _end_at_once(code: int) -> None:
    """Ends a process that a signal stopped, if winding up would change its exit code.

    Python aborts when it winds up under threads that are inside a model's native code, and says 120
    when what is left to print has nowhere to go, as after the terminal went away.
    """
    import os
    import threading

    gone = False
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            gone = True
    if gone or threading.active_count() > 1:
        os._exit(code)


if __name__ == "__main__":
    main()
