"""`holdtrue holdout`: items that nobody can have prepared for."""

from pathlib import Path
from typing import Annotated

import typer

from holdtrue.cli import monitoring
from holdtrue.cli.console import say, stop_on_error

__all__ = ["app"]

app = typer.Typer(
    help="Commit to a hold-out tranche before a run, use it once, reveal it later.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(monitoring.app, name="monitoring")

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="A tranche's folder.")]


@app.command("commit")
def commit(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Made: tranche, commitment and secret.")],
    items: Annotated[
        Path | None, typer.Option(help="Your own items, a line each, twins among them; built-in kernels if not said.")
    ] = None,
    families: Annotated[
        int | None, typer.Option(min=1, help="Built-in families of each class, drawn by the secret; all if not said.")
    ] = None,
) -> None:
    """Draw a tranche from a secret and commit to it; publish commitment.json, keep the rest to yourself."""
    with stop_on_error():
        from holdtrue.suites import make_tranche

        made = make_tranche(folder, items, families)
        typer.echo(f"{made.root}  {made.n} items")
        say(
            f"publish {folder / 'commitment.json'}; keep {folder / 'secret'} and {folder / 'tranche.jsonl'} to yourself"
        )


@app.command("reveal")
def reveal(folder: Folder) -> None:
    """Retire a tranche and write what opens its commitment; it can't be used again."""
    with stop_on_error():
        from holdtrue.suites import reveal_tranche

        path = reveal_tranche(folder)
        say(f"wrote {path}: publish it with {folder / 'tranche.jsonl'}")


@app.command("check")
def check(
    folder: Folder,
    commitment: Annotated[
        Path | None, typer.Option(help="As it was published before the run; the folder's own if not said.")
    ] = None,
) -> None:
    """Check a revealed tranche against its commitment."""
    with stop_on_error():
        from holdtrue.suites import check_tranche

        faults = check_tranche(folder, commitment)
        for fault in faults:
            typer.echo(fault)
        if faults:
            raise typer.Exit(1)
        typer.echo("the items are those that were committed to")
