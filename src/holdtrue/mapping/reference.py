"""Import the reference project's artifacts, with their orientation measured on the model."""

from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from holdtrue.axis import Axis, import_axis, save_axis
from holdtrue.engines import GenerateRequest
from holdtrue.engines.hf import HFEngine
from holdtrue.mapping.fit import calibrate_model, encoder
from holdtrue.models import ChatModel
from holdtrue.personas import load_personas
from holdtrue.rollouts import build_plan, preset

__all__ = ["import_reference"]


def import_reference(
    model: ChatModel,
    file: Path,
    out: Path,
    *,
    capping: Path | None = None,
    experiment: str | None = None,
    seed: int = 0,
) -> Axis:
    """Read an assistant-axis `.pt` file, find which way it points on the model itself, calibrate and save it.

    A smoke-sized crossed design is answered: if role responses project above default ones, the axis is turned round.

    Args:
        model: the model the axis belongs to.
        file: an axis `[n_layers, d_model]`, or a capping configuration that covers every layer.
        out: folder for the artifact.
        capping: a capping configuration whose caps become floors.
        experiment: which of its experiments.
        seed: of the draws.

    Raises:
        ArtifactError: the file isn't what it says.
        WrongModel: its shape is another model's.
    """
    engine = HFEngine(model)
    size = preset("smoke")

    def default_vs_role(units: Float[Tensor, "n_layers d_model"]) -> Float[Tensor, " n_layers"]:
        return (_default_minus_roles(model, engine, seed) * units).sum(dim=1)

    axis = import_axis(
        file,
        model_name=model.name,
        weights_digest=model.weights_digest,
        config_digest=model.config_digest,
        template_digest=model.template.digest,
        dtype=str(model.dtype).removeprefix("torch."),
        n_layers=model.n_layers,
        d_model=model.d_model,
        default_vs_role=default_vs_role,
        capping=capping,
        experiment=experiment,
    )
    benign = calibrate_model(model, engine, axis.vectors, size, seed)
    found = {"calibration": benign.calibration, "benign_turns": benign.turns(axis.layer)}
    card = axis.card.model_copy(update=found)
    axis = Axis(axis.vectors, axis.default_mean, axis.role_means, card)
    save_axis(axis, out)
    return axis


def _default_minus_roles(model: ChatModel, engine: HFEngine, seed: int) -> Float[Tensor, "n_layers d_model"]:
    """Mean default response less mean role response, over a smoke-sized crossed design."""
    size = preset("smoke")
    personas = load_personas().subset(size.n_roles or 0, size.n_questions or 0, seed)
    plan = build_plan(personas, size, encoder(model), seed)
    sides: tuple[list[Tensor], list[Tensor]] = ([], [])
    for batch in (batch for round_ in plan.rounds for batch in round_):
        requests = [
            GenerateRequest(cell.prompt_token_ids, size.max_new_tokens, cell.seed, size.temperature)
            for cell in batch.cells
        ]
        for cell, completion in zip(batch.cells, engine.generate(requests, capture=True), strict=True):
            if completion.resid_mean is not None:
                sides[min(cell.row, 1)].append(completion.resid_mean)
    return torch.stack(sides[0]).mean(dim=0) - torch.stack(sides[1]).mean(dim=0)
