"""`holdtrue chat`: talk to a held model in the terminal and see where its persona stands."""

from pathlib import Path
from typing import Annotated

import typer

from holdtrue.cli.console import say, stop_on_error
from holdtrue.cli.options import Device, Dtype, Layers, ModelArgument, Seed, Template

__all__ = ["chat"]


def chat(
    model: ModelArgument,
    axis: Annotated[Path, typer.Option(help="The model's axis artifact.")],
    hold: Annotated[str, typer.Option(help="A preset's name or a hold file.")] = "gentle",
    system: Annotated[str | None, typer.Option(help="System prompt.")] = None,
    max_tokens: Annotated[int, typer.Option(min=1, help="Longest answer.")] = 256,
    temperature: Annotated[float, typer.Option(min=0, max=2, help="0 for greedy.")] = 0.7,
    seed: Seed = 0,
    device: Device = "auto",
    dtype: Dtype = "auto",
    template: Template = None,
    layers: Layers = None,
) -> None:
    """Talk to MODEL under a hold; also over a pipe, a line each turn. /help lists the commands."""
    with stop_on_error():
        import sys

        from holdtrue.serve import require

        require()
        from holdtrue.axis import load_axis
        from holdtrue.hold import hold_spec
        from holdtrue.models import load
        from holdtrue.serve.talk import Talk, run_talk

        artifact = load_axis(axis)
        for warning in artifact.card.warnings:
            say(f"!! {warning}")
        spec = hold_spec(hold)
        loaded = load(model, device=device, dtype=dtype, template=template, layers=layers)
        talk = Talk(loaded, artifact, spec, system=system, max_tokens=max_tokens, temperature=temperature, seed=seed)
        run_talk(talk, sys.stdin, sys.stdout, sys.stderr)
