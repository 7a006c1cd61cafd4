"""`selfspec chat RUN`: base and specialist, asked the same, side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from selfspec_core.talk import Talk

HELP = """\
/system base|specialized|both  who answers
/retrieve on|off               show passages of the domain's knowledge, too
/input TEXT                    what the next questions are about; alone: nothing
/help                          this
/quit, Ctrl-D                  the end; Ctrl-C stops an answer"""


@click.command()
@click.argument("run", metavar="RUN")
def chat(run: str) -> None:
    """Talk to base and specialist side by side."""
    from selfspec_core.cli.output import plain
    from selfspec_core.composing.opening import open_to_ask
    from selfspec_core.talk import BOTH, Talk

    specialist = open_to_ask(run)
    click.echo(plain(f"loading {specialist.base} …"), err=True)
    talk = Talk(specialist)
    _greet(talk, specialist.base, specialist.domain, specialist.name)
    system, text = BOTH, ""
    while (line := _line()) is not None:
        command, _, rest = line.partition(" ")
        match command:
            case "/quit" | "quit" | "exit" if not rest:
                break
            case "/help":
                click.echo(HELP)
            case "/system":
                system = _system(rest.strip(), system)
            case "/retrieve":
                _retrieve(talk, rest.strip())
            case "/input":
                text = rest.strip()
                click.echo("the next questions are about this text" if text else "no text")
            case _ if command.startswith("/"):
                from selfspec_core.errors import nearest

                known = ("/system", "/retrieve", "/input", "/help", "/quit")
                click.echo(f"{_safe(command)}: no such command{nearest(command, known)}")
            case _ if line:
                _answer(talk, system, line, text)


def _greet(talk: Talk, base: str, domain: str, name: str) -> None:
    from selfspec_core.cli.output import cell, console

    kept = (
        "each is shown the turns before"
        if talk.remembers
        else "a base model is asked each question by itself, in its layout"
    )
    console().print(cell(f"{base}, and what {name} made of it for {domain}: {kept}."))
    click.echo("/help lists the commands, Ctrl-D ends.")


def _line() -> str | None:
    """Reads a line, with the terminal's history and editing; None at the end of the input."""
    import sys

    from selfspec_core.cli.stop import Stopped, interrupted

    if sys.stdin.isatty():
        import contextlib

        with contextlib.suppress(ImportError):  # not on Windows
            import readline  # noqa: F401  # to import it is to switch it on
    try:
        line = input("> ").strip()
        if not sys.stdin.isatty():  # piped in: nobody has seen it yet
            click.echo(_safe(line))
        return line
    except EOFError:
        click.echo()
    except KeyboardInterrupt as stop:
        if isinstance(stop, Stopped):
            raise interrupted(stop) from None
        click.echo()
    return None


def _system(asked: str, before: str) -> str:
    from selfspec_core.errors import nearest
    from selfspec_core.talk import SYSTEMS

    if asked in SYSTEMS:
        click.echo(f"{asked} answers" if asked != "both" else "both answer")
        return asked
    click.echo(f"/system {_safe(asked)}: expected {'|'.join(SYSTEMS)}{nearest(asked, SYSTEMS)}")
    return before


def _retrieve(talk: Talk, asked: str) -> None:
    from selfspec_core.errors import SelfspecError

    if asked not in ("on", "off"):
        click.echo(f"/retrieve {_safe(asked)}: expected on or off")
        return
    try:
        talk.retrieve(asked == "on")
    except SelfspecError as error:
        click.echo(_safe(str(error)))
        return
    click.echo(f"{talk.count} passages with each question" if asked == "on" else "no passages")


def _answer(talk: Talk, system: str, question: str, text: str) -> None:
    """Shows the answers while they are written, next to or below one another."""
    from selfspec_core.cli.answers import Answers
    from selfspec_core.cli.stop import Stopped, interrupted

    passages = talk.passages(question, text)
    voices = talk.of(system)
    try:
        with Answers([voice.name for voice in voices]) as shown:
            for voice in voices:
                for piece in talk.ask(voice, question, text, passages):
                    shown.add(voice.name, piece)
                shown.end(voice.name)
    except KeyboardInterrupt as stop:
        if isinstance(stop, Stopped):
            raise interrupted(stop) from None
        click.echo("stopped")
    for passage in passages:
        click.echo(_safe(f"  [{passage.id}] {passage.source}"))


def _safe(text: str) -> str:
    from selfspec_core.cli.output import plain

    return plain(text)
