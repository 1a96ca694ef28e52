"""The `holdtrue` command: nouns are files here, and nothing heavy is imported before it is needed."""

from importlib.metadata import version
from typing import Annotated

import typer

from holdtrue.cli import audit, axis, chat, demo, evidence, gate, hold, holdout, keys, serve, stress, watch

__all__ = ["app", "run"]

app = typer.Typer(
    name="holdtrue",
    help="Is this model still the assistant we trained, and can we prove it?",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.add_typer(axis.app, name="axis")
app.command("watch")(watch.watch)
app.add_typer(hold.app, name="hold")
app.command("serve")(serve.serve)
app.command("chat")(chat.chat)
app.add_typer(keys.app, name="keys")
app.add_typer(stress.app, name="stress")
app.add_typer(gate.app, name="gate")
app.add_typer(audit.app, name="audit")
app.add_typer(holdout.app, name="holdout")
app.add_typer(evidence.app, name="evidence")
app.command("demo")(demo.demo)


def _version(show: bool) -> bool:
    if show:
        typer.echo(version("holdtrue"))
        raise typer.Exit
    return show


@app.callback()
def _root(
    show_version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """Is this model still the assistant we trained, and can we prove it?"""


def run() -> None:
    """Entry point of the installed command."""
    app()
