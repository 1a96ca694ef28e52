"""`holdtrue demo`: the main job on the bundled model, in a few minutes."""

from pathlib import Path
from typing import Annotated

import typer

from holdtrue.cli.console import ProgressLine, say, stop_on_error

__all__ = ["demo"]


def demo(
    out: Annotated[Path, typer.Option(help="Folder for the artifact and the report.")] = Path("runs/demo"),
) -> None:
    """Map the bundled SmolLM2-135M-Instruct, watch a drifting conversation with it, and write the report."""
    with stop_on_error():
        from holdtrue.mapping import run_demo
        from holdtrue.report import axis_summary, reading_summary

        axis, readings, page = run_demo(out, report=ProgressLine())
        typer.echo(axis_summary(axis.card))
        for reading in readings:
            typer.echo("\n" + reading_summary(reading))
        say(f"\nreport: {page}")
