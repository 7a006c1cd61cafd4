"""The command `selfspec`: a table of commands, and one line for whatever goes wrong."""

from __future__ import annotations

import errno
import os
import signal
import sys
import traceback
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from io import IOBase, TextIOWrapper

import click

from selfspec_core.cli.results import results_apart
from selfspec_core.cli.stop import Stopped, interrupted, stoppable
from selfspec_core.errors import SelfspecError, UsageError, nearest
from selfspec_core.privacy import no_telemetry

COMMANDS = {
    "run": "Propose, answer, filter, tune and measure: the whole loop in one command.",
    "plan": "Say what a run would take in time, memory and disk, from a short calibration.",
    "resume": "Go on where a run or a sweep stopped.",
    "sweep": "Run over the values of one setting; ends in a table and a plot.",
    "compare": "Compare runs, paired by item, on the items they share.",
    "compose": "Make one mixture of several specialists, and measure it against each and merges.",
    "reproduce": "Run the same settings again and compare byte by byte.",
    "show": "Show what a run kept, rejected, scored and gained.",
    "report": "Write report.html: one page that shows a run to somebody who was not there.",
    "data": "Write a run's examples, or a domain's tasks, for other tools.",
    "evaluate": "Measure a run or a model on a domain's items and on benchmarks.",
    "export": "Write the specialist for other programs, and prove that it is the same.",
    "chat": "Talk to base and specialist side by side.",
    "ask": "Ask the specialist one question.",
    "domains": "List the installed domains.",
    "plugins": "List every component and the plugin it comes from.",
    "hooks": "List the hooks a plugin can implement.",
    "seeds": "Show the seeds of a domain.",
    "settings": "Print every setting a run would have, as TOML that --recipe reads back.",
    "knowledge": "Index, search and list a domain's knowledge.",
    "new": "Write a domain package to start from.",
    "check": "Run every rule that a domain package must pass.",
}
"""Command -> help; command NAME lives in `selfspec_core.cli.NAME` and is imported when called."""


class LazyGroup(click.Group):
    """A group that lists its commands without importing them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Returns the commands in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Imports a command."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = getattr(import_module(f"{__package__}.{cmd_name}"), cmd_name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Finds the command; an unknown one is an error that names the nearest."""
        if args[0] not in COMMANDS and not args[0].startswith("-"):
            raise UsageError(f"{args[0]}: no such command{nearest(args[0], COMMANDS)}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes the table as it is."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def invoke(self, ctx: click.Context) -> object:
        """Calls the command; Ctrl-C and its like become an error like any other."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as stop:
            again = "`selfspec resume NAME` goes on with an unfinished run"
            raise interrupted(stop, again) from None


@click.group(
    cls=LazyGroup,
    no_args_is_help=False,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.option("--version", is_flag=True, help="Print the version and stop.")
@click.option("--debug", is_flag=True, help="Print the traceback of an error.")
@click.pass_context
def selfspec(ctx: click.Context, version: bool, debug: bool) -> None:
    """Turn a language model into an expert of a domain, with no stronger teacher.

    Start with `selfspec domains`, then `selfspec run --domain NAME`.
    """
    if version:
        from selfspec_core import __version__

        click.echo(f"selfspec {__version__}")
    elif ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the command line and exits: 0 done, 1 failed, 2 wrong usage, 128+n by signal n."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    asked = [word for word in given if word != "--debug"]  # accepted after the command, too
    no_telemetry()
    _open_closed()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # a locale without these characters shows others
            stream.reconfigure(errors="replace")
    try:
        with stoppable(), results_apart(on="--json" in asked):
            code = _called(asked)
        sys.stdout.flush()
        sys.exit(code if isinstance(code, int) else 0)
    except (SystemExit, KeyboardInterrupt):
        raise
    except BaseException as error:  # a panic of a library in Rust is no Exception
        sys.exit(_fail(error, debug="--debug" in given))


def _open_closed() -> None:
    """Opens what the caller closed (`2>&-`) on nothing, before a journal gets its number.

    What a library prints to a closed stream would else land in the next file that is opened.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115


def _called(words: list[str]) -> object:
    """Calls the command; returns its exit code, if it has one.

    Raises:
        SelfspecError: if it was a component that wanted to end the process.
    """
    try:
        return selfspec.main(words, prog_name="selfspec", standalone_mode=False)
    except SystemExit as end:
        if who := _blamed(end):
            raise SelfspecError(f"{who}: called sys.exit({end.code!r})") from end
        return end.code


def _blamed(error: BaseException) -> str:
    from selfspec_core.contracts import blamed

    return blamed(error)


def _fail(error: BaseException, *, debug: bool) -> int:
    """Prints an error as one line (after its traceback, with --debug); returns the exit code."""
    if isinstance(error, BrokenPipeError):
        # The reader has gone: what is still buffered goes nowhere instead of failing at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    if debug:
        from selfspec_core.cli.answers import legible

        click.echo(legible("".join(traceback.format_exception(error))), err=True)
    line, code = _explain(error)
    from selfspec_core.cli.output import plain

    with suppress(OSError):  # the terminal may be what has gone
        click.echo(f"Error: {plain(line)}", err=True)
    return code


def _explain(error: BaseException) -> tuple[str, int]:
    """Returns the message and the exit code of an error."""
    match error:
        case SelfspecError():
            return str(error), error.exit_code
        case click.ClickException():
            where = (
                error.ctx.command_path if isinstance(error, click.UsageError) and error.ctx else ""
            )
            hint = f" (`{where} --help` shows what it takes)" if where else ""
            hint = _meant(error.format_message()) or hint
            return f"{error.format_message()}{hint}".replace("\n", " "), error.exit_code
        case click.Abort():
            return _explain(interrupted(error.__cause__))
        case OSError():
            file = error.filename or _open_file(error)
            if error.errno == errno.EIO and not file:  # the terminal has gone; its signal may lag
                return _explain(interrupted(Stopped(signal.SIGHUP)))
            return f"{file or 'file system'}: {error.strerror or error}", 1
    if isinstance(error, RuntimeError) and "Symlink loop" in str(error):  # Path.resolve, to 3.12
        return f"{str(error).removeprefix('Symlink loop from ')}: is a link to itself", 2
    if _lacks_memory(error):
        return "out of memory; `selfspec resume NAME` goes on with a run when there is more", 1
    first = (str(error).splitlines() or [""])[0]
    where = _blamed(error) or "internal"
    if isinstance(error, ModuleNotFoundError):
        extra = "`pip install 'selfspec[local]'` has what models and reports need"
        return f"{where}: the package {error.name} is not installed; {extra}", 1
    return f"{where}: {type(error).__name__}: {first} (--debug shows where)", 1


def _meant(message: str) -> str:
    """Returns a hint where a domain was named without its flag, the commonest first mistake."""
    from selfspec_core.sources import installed_domains

    word = message.removeprefix("Got unexpected extra argument (").partition(")")[0]
    names = {source.name for source in installed_domains()}
    return f"; did you mean --domain {word}?" if word in names else ""


_NO_ROOM = ("can't allocate memory", "failed to map segment", "Cannot allocate memory")
"""What torch, and the loader of a library, say when there is no memory left."""


def _lacks_memory(error: BaseException) -> bool:
    """Says whether memory ran out: Python's, a GPU's, or what torch has of the machine's."""
    names = (kind.__name__ for kind in type(error).__mro__)
    return not {"MemoryError", "OutOfMemoryError"}.isdisjoint(names) or (
        isinstance(error, RuntimeError | ImportError)
        and any(words in str(error) for words in _NO_ROOM)
    )


def _open_file(error: BaseException) -> str | None:
    """Finds the file that a failed write belongs to; only a failed open says so by itself."""
    found = None
    for frame, _ in traceback.walk_tb(error.__traceback__):
        for value in frame.f_locals.values():
            name = getattr(value, "name", None) if isinstance(value, IOBase) else None
            found = name if isinstance(name, str) and not name.startswith("<") else found
    return found
