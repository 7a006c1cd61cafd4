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


if __name__ == "__main__":
    main()
