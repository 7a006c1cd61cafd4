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
    """Ends a process that a signal stopped, if some of its threads still compute.

    They may be inside a model's native code, and Python aborts when it winds up under such threads.
    """
    import os
    import threading

    if threading.active_count() > 1:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    main()
