"""`holdtrue stress`: does a hold work, against what, and at what cost?"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from holdtrue.cli.console import INCONCLUSIVE, ProgressLine, say, stop_on_error
from holdtrue.cli.groups import RunByDefault
from holdtrue.cli.options import Device, Dtype, Layers, ModelArgument, Seed, Template

if TYPE_CHECKING:
    from holdtrue.stress.session import StressRun

__all__ = ["app"]


app = typer.Typer(cls=RunByDefault, no_args_is_help=True, rich_markup_mode=None)

Axis = Annotated[
    Path | None, typer.Option(help="The model's axis; without one, MODEL is a model string that Inspect knows.")
]
Arms = Annotated[
    str | None, typer.Option(help="Built-in arms, presets or hold files, by commas; all built-in ones if not said.")
]
Kinds = Annotated[
    str | None,
    typer.Option(help="jailbreak, drift, roleplay, long, reasoning, tool, agents, distress; all if not said."),
]
Families = Annotated[int | None, typer.Option(min=1, help="Independent families of each kind.")]
Preset = Annotated[str, typer.Option(help="smoke, quick or full.")]


@app.callback()
def _stress() -> None:
    """Compare ways of holding a persona on the same trials: `holdtrue stress MODEL --axis DIR --out DIR`."""


@app.command("run")
def run(
    model: ModelArgument,
    out: Annotated[Path, typer.Option(help="Folder for trials, results and report; a killed run goes on from it.")],
    axis: Axis = None,
    arms: Arms = None,
    kinds: Kinds = None,
    families: Families = None,
    preset: Preset = "quick",
    judge: Annotated[
        str | None, typer.Option(help="An Inspect model that also says whether answers stay in character.")
    ] = None,
    user: Annotated[
        str | None, typer.Option(help="An Inspect model that puts the scripted users' lines into its own words.")
    ] = None,
    seed: Seed = 0,
    device: Device = "auto",
    dtype: Dtype = "auto",
    template: Template = None,
    layers: Layers = None,
) -> None:
    """Run every scenario under every arm (the command that `holdtrue stress MODEL` stands for).

    Exits with 3 when the run's own controls say that it was blind.
    """
    with stop_on_error():
        from holdtrue.stress import StressOptions, stress

        options = StressOptions(
            model, axis, arms, kinds, families, preset, seed, judge, user, device, dtype, template, layers
        )
        _show(out, stress(options, out, report=ProgressLine("trials")))


@app.command("plan")
def plan(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="As for a run; it isn't loaded.")] = "MODEL",
    axis: Axis = None,
    arms: Arms = None,
    kinds: Kinds = None,
    families: Families = None,
    preset: Preset = "quick",
    seed: Seed = 0,
) -> None:
    """Say what a run would try, and what differences so many families can show, before it begins."""
    with stop_on_error():
        from holdtrue.stress.planning import plan_text
        from holdtrue.stress.session import StressOptions, plan_stress

        options = StressOptions(model, axis, arms, kinds, families, preset, seed)
        typer.echo(plan_text(plan_stress(options)))


@app.command("report")
def report(folder: Annotated[Path, typer.Argument(metavar="DIR", help="A run's folder.")]) -> None:
    """Compute a run's results and report again from its trials; it may be unfinished."""
    with stop_on_error():
        from holdtrue.stress.session import finished

        _show(folder, finished(folder))


def _show(folder: Path, run: "StressRun") -> None:
    from holdtrue.records import write_atomic
    from holdtrue.report import stress_page, stress_summary

    write_atomic(folder / "report.html", stress_page(run.results, run.trials))
    typer.echo(stress_summary(run.results))
    say(f"wrote {folder / 'results.json'} and {folder / 'report.html'}")
    if any(control["ok"] is False for control in run.results["controls"]):
        raise typer.Exit(INCONCLUSIVE)
