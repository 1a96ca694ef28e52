"""`holdtrue holdout monitoring`: a server's secret sampling, committed to, opened and checked."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from holdtrue.cli.console import say, stop_on_error

__all__ = ["app"]

app = typer.Typer(
    help="Commit to a server's monitoring rate and key, open the commitment later, check it without the server.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Commitment = Annotated[Path, typer.Argument(metavar="COMMITMENT", help="As it was published.")]
Out = Annotated[Path, typer.Option(help="The file to write.")]


@app.command("commit")
def commit(
    published: Annotated[str, typer.Argument(metavar="DIGEST", help="What `holdtrue serve --audit-key` printed.")],
    server: Annotated[str, typer.Option(help="Which server it is, in words.")],
    out: Out,
) -> None:
    """Write the commitment of a running server as a record to publish."""
    with stop_on_error():
        from holdtrue.evidence import commit_monitoring
        from holdtrue.records import write_atomic

        made = commit_monitoring(published, server, datetime.now(UTC).isoformat(timespec="seconds"))
        write_atomic(out, made.to_json())
        say(f"publish {out}; keep the key and the salt beside it to yourself")


@app.command("reveal")
def reveal(
    commitment: Commitment,
    key: Annotated[Path, typer.Option(help="The file that `--audit-key` named; its salt lies beside it.")],
    rate: Annotated[float, typer.Option(help="The `--audit-rate` that the server ran with.")],
    out: Out,
) -> None:
    """Open a commitment; the key is public from then on, so retire it first."""
    with stop_on_error():
        from holdtrue.evidence import MonitoringCommitment, reveal_monitoring
        from holdtrue.records import read_capped, write_atomic

        made = MonitoringCommitment.from_json(read_capped(commitment, "a commitment"), str(commitment))
        write_atomic(out, reveal_monitoring(made, key, rate).to_json())
        say(f"publish {out}; the server needs another key from now on")


@app.command("check")
def check(
    commitment: Commitment,
    revealed: Annotated[Path, typer.Argument(metavar="REVEAL", help="What was published after.")],
) -> None:
    """Check that key and rate are those committed to: exits with 1 if they aren't."""
    with stop_on_error():
        from holdtrue.evidence import MonitoringCommitment, MonitoringReveal, check_monitoring
        from holdtrue.records import read_capped

        promised = MonitoringCommitment.from_json(read_capped(commitment, "a commitment"), str(commitment))
        opened = MonitoringReveal.from_json(read_capped(revealed, "an opened commitment"), str(revealed))
        if not check_monitoring(promised, opened):
            typer.echo(f"{revealed}: this key and rate are not those of {commitment}")
            raise typer.Exit(1)
        typer.echo(f"the key and the rate {opened.rate:g} are those that were committed to")
