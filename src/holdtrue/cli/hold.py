"""`holdtrue hold`: what a hold does on an axis, and how often it touches benign talk."""

import json
from pathlib import Path
from typing import Annotated

import typer

from holdtrue.cli.console import say, stop_on_error
from holdtrue.cli.options import Device, Dtype, Layers, Template

__all__ = ["app"]

app = typer.Typer(help="Look at a hold: its floors, and its firing rate on benign talk.", no_args_is_help=True)


@app.callback()
def _root() -> None:
    """Look at a hold: its floors, and its firing rate on benign talk."""


@app.command("show")
def show(
    folder: Annotated[Path, typer.Argument(metavar="AXIS", help="An axis artifact.")],
    preset: Annotated[str, typer.Argument(metavar="PRESET", help="A preset's name or a hold file.")],
    as_json: Annotated[bool, typer.Option("--json", help="Everything as JSON.")] = False,
    measure: Annotated[
        bool,
        typer.Option(help="Run the model under the hold on benign talk, once; the figure is kept beside the axis."),
    ] = True,
    model: Annotated[str | None, typer.Option(help="Where the axis's model lies, if not under its own name.")] = None,
    device: Device = "auto",
    dtype: Dtype = "auto",
    template: Template = None,
    layers: Layers = None,
) -> None:
    """Print what PRESET does on AXIS: band, floors, and how often they touch ordinary talk."""
    with stop_on_error():
        from holdtrue.axis import load_axis
        from holdtrue.hold import floor_table, hold_spec
        from holdtrue.mapping import firing_rate, known_firing_rate
        from holdtrue.models import load
        from holdtrue.report import hold_json, hold_summary

        axis, spec = load_axis(folder), hold_spec(preset)
        floors = floor_table(spec, axis)
        rate = known_firing_rate(folder, axis, spec)
        if rate is None and measure and floors:
            say("measuring on benign talk, once for this axis and hold…")
            loaded = load(model or axis.card.model, device=device, dtype=dtype, template=template, layers=layers)
            rate = firing_rate(loaded, axis, spec, folder)
        if as_json:
            typer.echo(json.dumps(hold_json(spec, axis.card, floors, rate), indent=1))
        else:
            typer.echo(hold_summary(spec, axis.card, floors, rate))
