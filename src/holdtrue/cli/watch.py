"""`holdtrue watch`: read conversations for drift."""

import json
from pathlib import Path
from typing import Annotated

import typer

from holdtrue.cli.console import INCONCLUSIVE, say, stop_on_error
from holdtrue.cli.options import Device, Dtype, Layers, Template

__all__ = ["watch"]


def watch(
    folder: Annotated[Path, typer.Argument(metavar="AXIS", help="An axis artifact.")],
    transcripts: Annotated[
        list[Path], typer.Argument(metavar="TRANSCRIPT...", help="Messages as JSON or JSONL, from any model.")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Readings as JSON: per turn and per token.")] = False,
    out: Annotated[
        Path | None, typer.Option(help="Write a report page here (.html), and its picture beside it.")
    ] = None,
    model: Annotated[str | None, typer.Option(help="Where the axis's model lies, if not under its own name.")] = None,
    device: Device = "auto",
    dtype: Dtype = "auto",
    template: Template = None,
    layers: Layers = None,
) -> None:
    """Read conversations with the axis's own model and say at which turn they drift.

    Exits with 3 when the axis's own checks say that it is no axis.
    """
    with stop_on_error():
        from holdtrue.axis import load_axis
        from holdtrue.mapping import write_readings
        from holdtrue.models import load
        from holdtrue.records import check_writable
        from holdtrue.report import reading_summary
        from holdtrue.watch import read, read_transcripts

        axis = load_axis(folder)
        if out is not None:
            check_writable(out)
        found = [transcript for path in transcripts for transcript in read_transcripts(path)]
        loaded = load(model or axis.card.model, device=device, dtype=dtype, template=template, layers=layers)
        for warning in axis.card.warnings:
            say(f"!! {warning}")
        readings = read(loaded, axis, found)
        if as_json:
            typer.echo(json.dumps([json.loads(reading.to_json()) for reading in readings], indent=1))
        else:
            for reading in readings:
                typer.echo(reading_summary(reading))
        if out is not None:
            for path in write_readings(axis, readings, out):
                say(f"wrote {path}")
        if not axis.found:
            raise typer.Exit(INCONCLUSIVE)
