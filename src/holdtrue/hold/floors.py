"""A spec on an axis: which floor at which block."""

from dataclasses import dataclass
from functools import cached_property
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from holdtrue.axis import Axis
from holdtrue.errors import SettingError
from holdtrue.records import CapSpec, HoldSpec

__all__ = ["Floors", "band_of", "floor_table", "floors_for"]


@final
@dataclass(frozen=True, eq=False)
class Floors:
    """One row's cap, resolved: what an engine needs."""

    units: Float[Tensor, "n_layers d_model"]
    """Unit axes."""
    tau: Float[Tensor, " n_layers"]
    """Floor by block; `-inf` where the block is free."""
    strength: float
    prompt_too: bool
    """Whether prompt tokens are held as well."""

    @cached_property
    def floor_list(self) -> list[float]:
        """`tau` on the host."""
        return [float(tau) for tau in self.tau]

    @cached_property
    def layers(self) -> tuple[int, ...]:
        """Blocks with a floor."""
        return tuple(torch.isfinite(self.tau).nonzero().flatten().tolist())


def floors_for(spec: HoldSpec, axis: Axis, *, drifting: bool = False) -> Floors | None:
    """Resolve a spec's cap on an axis.

    Args:
        spec: how to hold.
        axis: on what.
        drifting: whether the conversation's alarm stands, for a cap that waits for drift.

    Returns:
        None when nothing is capped.

    Raises:
        ArtifactError: the axis failed its sign self-test.
        EvidenceError: a floor by firing rate on an axis without calibration.
        SettingError: a band outside the model.
    """
    axis.check_sign()
    cap = spec.cap
    if cap is None or cap.strength == 0 or (cap.trigger == "on_drift" and not drifting):
        return None
    first, last = band_of(cap, axis)
    tau = torch.full((axis.n_layers,), -torch.inf)
    for layer in range(first, last + 1):
        tau[layer] = axis.tau_for(cap.fire, layer) if cap.fire is not None else cap.tau or 0.0
    return Floors(axis.units, tau, cap.strength, cap.positions == "all")


def floor_table(spec: HoldSpec, axis: Axis) -> dict[int, float]:
    """Floor by block, as if the alarm stood; empty when nothing is capped."""
    floors = floors_for(spec, axis, drifting=True)
    return {} if floors is None else {layer: floors.floor_list[layer] for layer in floors.layers}


def band_of(cap: CapSpec, axis: Axis) -> tuple[int, int]:
    """First and last block of a cap on an axis.

    Raises:
        SettingError: a band outside the model.
    """
    first, last = cap.band or axis.card.hold_band
    if last >= axis.n_layers:
        message = f"band {first}-{last} is not within blocks 0-{axis.n_layers - 1} of {axis.card.model}"
        raise SettingError(message)
    return first, last
