"""Floors of an arm: along the axis, along a random direction, or along the axis turned around."""

from collections.abc import Mapping, Sequence
from typing import Final, final

import torch
from jaxtyping import Float
from torch import Tensor

from holdtrue.axis import Axis, unit
from holdtrue.engines import GenerateRequest
from holdtrue.engines.hf import HFEngine
from holdtrue.errors import EvidenceError, SettingError
from holdtrue.hold import Floors, floors_for
from holdtrue.models import ChatModel
from holdtrue.personas import load_benign
from holdtrue.records import CapSpec, HoldSpec, StressArm
from holdtrue.rollouts import derive_seed

__all__ = ["ArmFloors", "benign_projections", "random_units", "reversed_floors"]

TALKS: Final = 16
ANSWER_TOKENS: Final = 32

_Projections = Float[Tensor, "n_layers tokens"]


def random_units(axis: Axis, seed: int) -> Float[Tensor, "n_layers d_model"]:
    """One random direction, the same at every block: neighbouring blocks' axes are nearly alike, too."""
    generator = torch.Generator().manual_seed(derive_seed(seed, "random direction") % 2**63)
    one = torch.randn(1, axis.vectors.shape[1], generator=generator)
    return unit(one).expand(axis.n_layers, -1).contiguous()


def benign_projections(model: ChatModel, units: Float[Tensor, "n_layers d_model"], seed: int) -> _Projections:
    """Every benign answer token's projection on some units, drawn from the free model.

    A floor along another direction is placed as the axis's own is: by the share of benign tokens under it.
    """
    engine = HFEngine(model)
    asked = [[{"role": "user", "content": each.text}] for each in load_benign()[:TALKS]]
    prompts = [tuple(model.template.encode(each, add_generation_prompt=True)) for each in asked]
    requests = [
        GenerateRequest(prompt, ANSWER_TOKENS, derive_seed(seed, f"benign/{number}"), 0.7)
        for number, prompt in enumerate(prompts)
    ]
    found = []
    for prompt, answer in zip(prompts, engine.generate(requests, capture=False), strict=True):
        if answer.token_ids:
            found.append(engine.project([*prompt, *answer.token_ids], units)[:, len(prompt) :])
    if not found:
        message = (
            f"{model.name} answered none of {TALKS} benign questions, so no floor can be placed; is it a chat model?"
        )
        raise EvidenceError(message)
    return torch.cat(found, dim=1)


def reversed_floors(hold: HoldSpec, axis: Axis, *, drifting: bool) -> Floors | None:
    """Floors along the axis turned around, which push the model away from the assistant; None where nothing is capped.

    Args:
        hold: with a cap by firing rate.
        axis: calibrated.
        drifting: whether the drift alarm stands.

    Raises:
        SettingError: a cap by an absolute floor, which is measured along the axis.
    """
    along, cap = floors_for(hold, axis, drifting=drifting), hold.cap
    if along is None or cap is None:
        return along
    if cap.fire is None:
        message = "a cap along a direction of its own (reversed) needs `fire`: `tau` is measured along the axis"
        raise SettingError(message)
    tau = torch.full_like(along.tau, -torch.inf)
    for layer in along.layers:
        # The share `fire` of benign tokens lies above this projection, hence under the floor of the turned axis.
        tau[layer] = -axis.tau_for(1 - cap.fire, layer)
    return Floors(-axis.units, tau, along.strength, along.prompt_too)


@final
class ArmFloors:
    """Resolves arms on an axis, once.

    Args:
        model: the axis's own, with nothing else running on it yet.
        axis: calibrated.
        arms: what will be asked for.
        seed: of the random direction and of the talk that places its floors.

    Raises:
        ArtifactError: the axis failed its sign self-test.
        EvidenceError: the axis has no calibration.
    """

    def __init__(self, model: ChatModel, axis: Axis, arms: Sequence[StressArm], seed: int) -> None:
        self._axis = axis
        self._units = random_units(axis, seed)
        randomly = any(arm.direction == "random" and arm.hold.cap is not None for arm in arms)
        self._benign = benign_projections(model, self._units, seed) if randomly else torch.empty(axis.n_layers, 0)
        self._known: Mapping[tuple[str, bool], Floors | None] = {
            (arm.name, drifting): self._resolve(arm, drifting=drifting) for arm in arms for drifting in (False, True)
        }

    def of(self, arm: StressArm, *, drifting: bool) -> Floors | None:
        """The floors of an answer under an arm; None where it is free."""
        return self._known[arm.name, drifting]

    def _resolve(self, arm: StressArm, *, drifting: bool) -> Floors | None:
        if arm.direction == "reversed":
            return reversed_floors(arm.hold, self._axis, drifting=drifting)
        along = floors_for(arm.hold, self._axis, drifting=drifting)
        cap = arm.hold.cap
        if along is None or cap is None or arm.direction == "axis":
            return along
        tau = torch.full_like(along.tau, -torch.inf)
        for layer in along.layers:
            tau[layer] = self._floor(cap, layer)
        return Floors(self._units, tau, along.strength, along.prompt_too)

    def _floor(self, cap: CapSpec, layer: int) -> float:
        if cap.fire is None:
            message = "a cap along a direction of its own (random) needs `fire`: `tau` is measured along the axis"
            raise SettingError(message)
        return float(self._benign[layer].quantile(cap.fire))
