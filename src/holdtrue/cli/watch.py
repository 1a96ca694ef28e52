"""`holdtrue watch`: read conversations for drift."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from holdtrue.cli.console import INCONCLUSIVE, say, stop_on_error
from holdtrue.cli.options import Device, Dtype, Layers, Template
from holdtrue.errors import SettingError

if TYPE_CHECKING:
    from holdtrue.axis import Axis
    from holdtrue.models import ChatModel
    from holdtrue.records import Transcript

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
    compare: Annotated[
        bool,
        typer.Option("--compare", help="Read them as pairs, HELD DRIFTING by turns: is each HELD the more like it?"),
    ] = False,
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
        if compare:
            _check_pairs(len(found), out)
        loaded = load(model or axis.card.model, device=device, dtype=dtype, template=template, layers=layers)
        for warning in axis.card.warnings:
            say(f"!! {warning}")
        if compare:
            _compare(loaded, axis, found, as_json=as_json)
            raise typer.Exit(0 if axis.found else INCONCLUSIVE)
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


def _check_pairs(n: int, out: Path | None) -> None:
    if n % 2:
        message = (
            f"--compare takes pairs of conversations, HELD DRIFTING by turns; got {n}, an odd number: add the other"
        )
        raise SettingError(message)
    if out is not None:
        message = f"--out {out} writes a page of readings, which --compare doesn't make; give one of the two"
        raise SettingError(message)


def _compare(model: "ChatModel", axis: "Axis", found: "Sequence[Transcript]", *, as_json: bool) -> None:
    import numpy as np

    from holdtrue.engines.hf import HFEngine
    from holdtrue.watch import Reader
    from holdtrue.watch.compare import compare

    pairs = list(zip(found[::2], found[1::2], strict=True))
    result = compare(Reader(model, HFEngine(model), axis), axis, pairs, np.random.default_rng(0))
    typer.echo(result.to_json() if as_json else result.text)
