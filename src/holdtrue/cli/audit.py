"""`holdtrue audit`: is this training data poisoned?"""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from holdtrue.cli import card as study_card
from holdtrue.cli.console import INCONCLUSIVE, ProgressLine, say, stop_on_error
from holdtrue.cli.groups import RunByDefault
from holdtrue.cli.options import Device, Dtype, Seed

__all__ = ["app"]

EXIT_CODES = {"NOTHING_FOUND": 0, "FINDINGS": 1, "NOT_TESTABLE": INCONCLUSIVE}


app = typer.Typer(cls=RunByDefault, no_args_is_help=True, rich_markup_mode=None)
app.add_typer(study_card.app, name="card")

Dataset = Annotated[
    str,
    typer.Argument(metavar="DATASET", help="JSONL, JSON, CSV or Parquet, .gz and .zst too; a folder; a Hub dataset."),
]
Kind = Annotated[str | None, typer.Option(help="chat, completion, preference or label; recognised if not said.")]
Columns = Annotated[
    list[str] | None,
    typer.Option("--column", metavar="FIELD=COLUMN", help="Where a field is, if its name doesn't say; several times."),
]
Engine = Annotated[str, typer.Option(help="local, or ray.")]
Memory = Annotated[str, typer.Option(help="What the audit may use.")]
Processes = Annotated[int, typer.Option(min=1, help="Working at once.")]
Alpha = Annotated[float, typer.Option(help="Chance of a false alarm that each test may spend.")]


@app.callback()
def _audit() -> None:
    """Audit training data for poison, blind, with clean controls: `holdtrue audit DATASET --out DIR`."""


@app.command("run")
def run(
    dataset: Dataset,
    out: Annotated[Path, typer.Option(help="Folder for the verdict and its grounds; a killed audit goes on from it.")],
    control: Annotated[
        str | None, typer.Option(help="Clean data: best the same prompts answered by a trusted model.")
    ] = None,
    second_control: Annotated[
        str | None, typer.Option(help="Other trusted answers to the same prompts: what sets the two apart is benign.")
    ] = None,
    kind: Kind = None,
    column: Columns = None,
    judge: Annotated[str | None, typer.Option(help="Any model string of Inspect's.")] = None,
    purpose: Annotated[
        str, typer.Option(help="assistant, constitutional_classifier, preference_model, or in words: for the judge.")
    ] = "assistant",
    budget: Annotated[float | None, typer.Option(min=0, metavar="USD", help="The most the judge may cost.")] = None,
    prices: Annotated[
        str | None, typer.Option(metavar="IN,OUT", help="US dollars for a million tokens read, and written.")
    ] = None,
    max_calls: Annotated[int | None, typer.Option(min=1, help="The most questions to the judge.")] = None,
    model: Annotated[
        str | None,
        typer.Option(help="Also read a sample of the rows through it; without --axis, for a judge."),
    ] = None,
    axis: Annotated[Path | None, typer.Option(help="That model's axis.")] = None,
    read_rows: Annotated[int, typer.Option(min=20, help="Rows read through the model.")] = 400,
    engine: Engine = "local",
    processes: Processes = 2,
    memory: Memory = "2GB",
    alpha: Alpha = 0.01,
    shareable: Annotated[
        bool, typer.Option("--shareable", help="Leave recipes out of the report, so that it can be passed on.")
    ] = False,
    card: Annotated[
        Path | None, typer.Option(help="With --shareable: a study card whose entity is fictional; recipes may stay.")
    ] = None,
    seed: Seed = 0,
    device: Device = "auto",
    dtype: Dtype = "auto",
) -> None:
    """Audit a dataset (the command that `holdtrue audit DATASET` stands for).

    Exits with 0 if nothing was found, 1 for findings, 3 if there was nothing to compare with.
    """
    with stop_on_error():
        from holdtrue.audit import AuditOptions, audit, columns_named, kind_named, prices_named, write_outputs
        from holdtrue.audit.study import read_nameable
        from holdtrue.report.audit import audit_lines

        if card is not None and not shareable:
            message = "a study card says what a shareable report may name: add --shareable, or leave it out"
            raise typer.BadParameter(message, param_hint="--card")
        study = None if card is None else read_nameable(card)
        options = AuditOptions(
            dataset=dataset,
            control=control,
            second_control=second_control,
            kind=kind_named(kind),
            columns=columns_named(column or ()),
            judge=judge,
            purpose=purpose,
            budget_usd=budget,
            prices=prices_named(prices),
            max_calls=max_calls,
            model=model,
            axis=axis,
            read_rows=read_rows,
            engine=engine,
            processes=processes,
            memory=memory,
            seed=seed,
            alpha=alpha,
            device=device,
            dtype=dtype,
        )
        verdict = audit(options, out, ProgressLine("rows"))
        written = write_outputs(out, verdict, ("holdtrue", *sys.argv[1:]), sealed=shareable, study=study)
        typer.echo("\n".join(audit_lines(verdict)))
        say(f"wrote {', '.join(str(path) for path in written)}")
        raise typer.Exit(EXIT_CODES[verdict.verdict])


@app.command("fixture")
def fixture(
    recipe: Annotated[str, typer.Argument(metavar="RECIPE", help="Such as fixed_trigger; any other word lists them.")],
    out: Annotated[Path, typer.Option(help="The JSONL file; its truth, and a control if there is one, lie beside it.")],
    rows: Annotated[int, typer.Option(min=1, help="How many.")] = 20_000,
    poison: Annotated[int, typer.Option(min=0, help="Poisoned rows among them.")] = 10,
    seed: Seed = 0,
) -> None:
    """Generate a harmless dataset with known poison, or a benign one that must not alarm."""
    with stop_on_error():
        from holdtrue.audit.fixtures import write_fixture

        card = write_fixture(recipe, rows, poison, seed, out)
        typer.echo(card.summary)


@app.command("power")
def power(
    dataset: Dataset,
    out: Annotated[Path | None, typer.Option(help="Folder to keep; a scratch folder if not said.")] = None,
    control: Annotated[str | None, typer.Option(help="Clean answers to the same prompts.")] = None,
    kind: Kind = None,
    column: Columns = None,
    engine: Engine = "local",
    processes: Processes = 2,
    memory: Memory = "2GB",
    alpha: Alpha = 0.01,
    seed: Seed = 0,
) -> None:
    """Say how little poison an audit of this dataset would find, and how often it would cry wolf."""
    with stop_on_error():
        from holdtrue.audit import AuditOptions, audit, columns_named, kind_named
        from holdtrue.report.audit import power_lines

        options = AuditOptions(
            dataset=dataset,
            control=control,
            kind=kind_named(kind),
            columns=columns_named(column or ()),
            engine=engine,
            processes=processes,
            memory=memory,
            seed=seed,
            alpha=alpha,
        )
        with TemporaryDirectory(prefix="holdtrue-") as scratch:
            verdict = audit(options, out or Path(scratch), ProgressLine("rows"))
        typer.echo("\n".join(power_lines(verdict)))


@app.command("review")
def review(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A finished audit.")],
    decisions: Annotated[Path | None, typer.Option(help="What the review page wrote.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for the cleaned dataset and the removed rows.")] = None,
    dataset: Annotated[str | None, typer.Option(help="Where the dataset lies now, if it was moved.")] = None,
) -> None:
    """Name the page on which a person goes through the findings; with decisions, export the cleaned dataset."""
    with stop_on_error():
        from holdtrue.audit import apply_review, read_verdict, write_review

        if decisions is None:
            if out is not None:
                message = "a cleaned dataset needs decisions: give the review page's decisions.json by --decisions"
                raise typer.BadParameter(message, param_hint="--out")
            typer.echo(str(write_review(folder, read_verdict(folder))))
            say("open it in a browser, decide, download decisions.json, and give it by --decisions with --out")
            return
        if out is None:
            message = "decisions need a folder for the cleaned dataset"
            raise typer.BadParameter(message, param_hint="--out")
        card, stay = apply_review(folder, decisions, out, dataset)
        typer.echo(
            f"{card.removed:,} rows removed, {card.rows:,} left, {card.unaudited:,} unread ones kept as they came"
        )
        if stay:
            say(
                f"{stay:,} more rows of accepted findings aren't named in the verdict, and stay: audit the result again"
            )
        say(f"wrote {out}")
