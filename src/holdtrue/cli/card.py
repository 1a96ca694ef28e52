"""`holdtrue audit card`: what a study of poison found, to publish, with its recipe sealed."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from holdtrue.cli.console import say, stop_on_error
from holdtrue.cli.groups import RunByDefault

if TYPE_CHECKING:
    from holdtrue.audit.study import Study

__all__ = ["app"]

app = typer.Typer(
    cls=RunByDefault,
    help="Publish what an audit of planted poison found, with the recipe sealed: `holdtrue audit card DIR`.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Truth = Annotated[Path | None, typer.Option(metavar="FIXTURE.card.json", help="The card beside a fixture's data.")]
RecipeFile = Annotated[
    Path | None, typer.Option("--recipe", metavar="FILE", help="JSON: trigger, payload, entity; of other data.")
]
Salt = Annotated[Path | None, typer.Option(metavar="FILE", help="The card's name with .salt if not said.")]


@app.command("run")
def run(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A finished audit.")],
    out: Annotated[Path, typer.Option(help="The card to publish; never overwritten.")],
    truth: Truth = None,
    recipe: RecipeFile = None,
    salt: Salt = None,
    title: Annotated[str | None, typer.Option(help="Of the study; the recipe isn't to be read from it.")] = None,
) -> None:
    """Write a study's card, with the digest of its recipe (the command that `holdtrue audit card DIR` stands for)."""
    with stop_on_error():
        from holdtrue.audit.study import salt_beside, write_card

        kept = salt or salt_beside(out)
        card = write_card(folder, _study(truth, recipe), out, kept, title)
        typer.echo(f"{card.title}: {card.verdict}, sealed {card.recipe[:16]}…")
        say(f"publish {out}; keep {kept} and {truth or recipe} to yourself")


@app.command("check")
def check(
    card: Annotated[Path, typer.Argument(metavar="CARD", help="As it was published.")],
    truth: Truth = None,
    recipe: RecipeFile = None,
    salt: Salt = None,
) -> None:
    """Check that a recipe is the one that was sealed: exits with 1 if it isn't."""
    with stop_on_error():
        from holdtrue.audit.study import check_card, read_card, salt_beside

        if not check_card(read_card(card), _study(truth, recipe).recipe, salt or salt_beside(card)):
            typer.echo(f"{truth or recipe}: this recipe and salt are not those of {card}")
            raise typer.Exit(1)
        typer.echo("the recipe is the one that was sealed")


def _study(truth: Path | None, recipe: Path | None) -> "Study":
    from holdtrue.audit.study import read_recipe, read_truth

    if truth is not None and recipe is None:
        return read_truth(truth)
    if recipe is not None and truth is None:
        return read_recipe(recipe)
    message = "give the recipe, once: by --truth for a fixture, by --recipe for other data"
    raise typer.BadParameter(message, param_hint="--truth")
