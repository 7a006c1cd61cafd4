"""`selfspec ask RUN "question"`: one question, for scripts."""

from __future__ import annotations

import click


@click.command()
@click.argument("run", metavar="RUN")
@click.argument("question", metavar="QUESTION")
@click.option("--input", "text", default="", metavar="TEXT", help="What the question is about.")
@click.option(
    "--system",
    type=click.Choice(["base", "specialized", "both"]),
    default="specialized",
    show_default=True,
    help="Who answers.",
)
@click.option("--retrieve", is_flag=True, help="Show passages of the domain's knowledge with it.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def ask(run: str, question: str, text: str, system: str, retrieve: bool, as_json: bool) -> None:
    """Ask the specialist one question.

    Prints the answer alone; with `--system both`, each after the name of who gives it.
    """
    from selfspec_core.cli.answers import legible
    from selfspec_core.cli.output import print_json
    from selfspec_core.composing.opening import open_to_ask
    from selfspec_core.errors import UsageError
    from selfspec_core.talk import Talk

    if not question.strip():
        raise UsageError("QUESTION: is empty")
    specialist = open_to_ask(run)
    talk = Talk(specialist)
    if retrieve:
        talk.retrieve(True)
    passages = talk.passages(question, text)
    answers = {
        voice.name: "".join(talk.ask(voice, question, text, passages)).strip()
        for voice in talk.of(system)
    }
    if as_json:
        print_json(
            {
                "run": specialist.name,
                "question": question,
                "input": text,
                "answers": answers,
                "passages": [passage.id for passage in passages],
            }
        )
        return
    for name, answer in answers.items():
        click.echo(legible(answer if len(answers) == 1 else f"{name}: {answer}"))
