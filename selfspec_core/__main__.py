"""`python -m selfspec_core` is the command `selfspec`."""

from selfspec_core.cli.main import main

if __name__ == "__main__":
    main()
