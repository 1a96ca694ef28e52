"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["Device", "Dtype", "Layers", "ModelArgument", "Seed", "Template"]

ModelArgument = Annotated[
    str, typer.Argument(metavar="MODEL", help="Alias (smollm2-135m), folder, .gguf file or hub id.")
]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N or mps.")]
Dtype = Annotated[str, typer.Option(help="auto, float32, bfloat16 or float16.")]
Template = Annotated[Path | None, typer.Option(help="Chat template (jinja) for a model that has none.")]
Layers = Annotated[
    str | None, typer.Option(help="Path of the decoder blocks, where structure leaves a choice (model.layers).")
]
Seed = Annotated[int, typer.Option(min=0, help="Of every random draw.")]
