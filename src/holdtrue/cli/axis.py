"""`holdtrue axis`: fit, show, import and export a model's assistant axis."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from holdtrue.cli.console import INCONCLUSIVE, ProgressLine, say, stop_on_error
from holdtrue.cli.options import Device, Dtype, Layers, ModelArgument, Seed, Template

__all__ = ["app"]

app = typer.Typer(help="Fit, show, import and export a model's assistant axis.", no_args_is_help=True)


class PresetName(StrEnum):
    """How much to sample."""

    smoke = "smoke"
    quick = "quick"
    full = "full"


class ExportFormat(StrEnum):
    """Who is to read the export."""

    gguf = "gguf"
    assistant_axis = "assistant-axis"
    hub = "hub"


@app.command("fit")
def fit(
    model: ModelArgument,
    out: Annotated[Path, typer.Option(help="Folder of the run and its artifact; an interrupted run goes on there.")],
    preset: Annotated[PresetName, typer.Option(help="How much to sample.")] = PresetName.quick,
    roles: Annotated[Path | None, typer.Option(help="A role set of your own, or assistant-axis' roles folder.")] = None,
    questions: Annotated[Path | None, typer.Option(help="Questions of your own (JSONL).")] = None,
    defaults: Annotated[Path | None, typer.Option(help="Default prompts of your own (JSON).")] = None,
    adherence: Annotated[
        str, typer.Option(help="Which role rollouts count: pmi, none, or judge:MODEL (any model Inspect knows).")
    ] = "pmi",
    seed: Seed = 0,
    target_reliability: Annotated[
        float | None,
        typer.Option(help="Stop once the split-half lower bound reaches this; 0 runs the whole design."),
    ] = None,
    batch_size: Annotated[int | None, typer.Option(min=1, help="Rollouts drawn together.")] = None,
    device: Device = "auto",
    dtype: Dtype = "auto",
    template: Template = None,
    layers: Layers = None,
) -> None:
    """Map MODEL's persona: sample roles, fit the axis, check and calibrate it, write a report.

    Exits with 3 when no reliable axis was found.
    """
    with stop_on_error():
        from holdtrue.mapping import fit as fit_axis
        from holdtrue.mapping import write_report
        from holdtrue.models import load
        from holdtrue.report import axis_summary
        from holdtrue.rollouts import preset as preset_named
        from holdtrue.rollouts import resized

        size = resized(preset_named(preset.value), target_reliability=target_reliability, batch_size=batch_size)
        loaded = load(model, device=device, dtype=dtype, template=template, layers=layers)
        axis = fit_axis(
            loaded,
            out,
            preset=size,
            roles=roles,
            questions=questions,
            defaults=defaults,
            adherence=adherence,
            seed=seed,
            report=ProgressLine(),
        )
        page = write_report(axis, (), out)
        typer.echo(axis_summary(axis.card))
        say(f"artifact and report in {out} (open {page})")
        if not axis.found:
            raise typer.Exit(INCONCLUSIVE)


@app.command("show")
def show(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="An axis artifact.")],
    as_json: Annotated[bool, typer.Option("--json", help="The whole card as JSON.")] = False,
) -> None:
    """Print what is known about an axis: checks, recommended layer and band, warnings."""
    with stop_on_error():
        from holdtrue.axis import load_axis
        from holdtrue.report import axis_summary

        card = load_axis(folder).card
        typer.echo(card.to_json() if as_json else axis_summary(card))


@app.command("import")
def import_(
    file: Annotated[
        Path, typer.Argument(metavar="FILE.pt", help="An axis or capping configuration of assistant-axis.")
    ],
    model: Annotated[str, typer.Option(help="The model it belongs to: alias, folder, .gguf file or hub id.")],
    out: Annotated[Path, typer.Option(help="Folder for the artifact.")],
    capping: Annotated[Path | None, typer.Option(help="A capping configuration to turn into floors.")] = None,
    experiment: Annotated[str | None, typer.Option(help="Which experiment of it.")] = None,
    seed: Seed = 0,
    device: Device = "auto",
    dtype: Dtype = "auto",
    template: Template = None,
    layers: Layers = None,
) -> None:
    """Import an axis of the reference project: find its orientation on MODEL, calibrate it, keep it."""
    with stop_on_error():
        from holdtrue.mapping import import_reference
        from holdtrue.models import load
        from holdtrue.report import axis_summary

        loaded = load(model, device=device, dtype=dtype, template=template, layers=layers)
        axis = import_reference(loaded, file, out, capping=capping, experiment=experiment, seed=seed)
        typer.echo(axis_summary(axis.card))
        say(f"artifact in {out}")


@app.command("export")
def export(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="An axis artifact.")],
    format_: Annotated[ExportFormat, typer.Option("--format", help="Who is to read it.")],
    out: Annotated[Path, typer.Option(help="File (gguf, assistant-axis) or folder (hub) to write.")],
) -> None:
    """Export an axis: a llama.cpp control vector, the reference project's .pt, or a Hub-ready folder."""
    with stop_on_error():
        from holdtrue.axis import load_axis, write_axis_pt, write_control_vector, write_hub_folder

        axis = load_axis(folder)
        written: tuple[Path, ...] = (out,)
        if format_ is ExportFormat.gguf:
            write_control_vector(axis, out)
        elif format_ is ExportFormat.assistant_axis:
            written = write_axis_pt(axis, out)
        else:
            write_hub_folder(axis, out)
        for path in written:
            say(f"wrote {path}")
