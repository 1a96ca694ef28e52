"""The cap while decoding, a token per row: on the host for CPUs, without synchronising for accelerators."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, final

import torch
from jaxtyping import Float
from torch import Tensor

from holdtrue.hold import Floors, lift, project

__all__ = ["DecodeCap", "DeviceCap", "FedToken", "HostCap"]


@final
@dataclass(frozen=True)
class FedToken:
    """What was read of one row's token while it went through the model."""

    before: float
    """Projection at the read layer before the cap there."""
    after: float
    fired: float
    """Share of the row's held blocks at which it was under the floor."""


class DecodeCap(Protocol):
    """Applies the rows' floors to one token each, in place, and remembers what was read."""

    def begin(self) -> None:
        """A pass begins."""

    def at(
        self, layer: int, flat: Float[Tensor, "rows d_model"], unit: Float[Tensor, " d_model"], *, reads: bool
    ) -> None:
        """The output of one block, all rows."""

    def fed(self) -> list[FedToken]:
        """What the pass read, by row."""


@final
class HostCap:
    """One product and a look at its few numbers on the host: least work where a synchronisation costs nothing."""

    def __init__(self, floors: Sequence[Floors | None], layers: Sequence[int]) -> None:
        free = float("-inf")
        self._taus = {
            layer: [free if row is None else row.floor_list[layer] for row in floors]
            for layer in layers
            if any(row is not None and layer in row.layers for row in floors)
        }
        self._strengths = [0.0 if row is None else row.strength for row in floors]
        self._held = [0 if row is None else len(row.layers) for row in floors]
        self._before: list[float] = []
        self._after: list[float] = []
        self.begin()

    def begin(self) -> None:
        """A pass begins."""
        self._fired = [0] * len(self._held)

    def at(
        self, layer: int, flat: Float[Tensor, "rows d_model"], unit: Float[Tensor, " d_model"], *, reads: bool
    ) -> None:
        """The output of one block, all rows."""
        before: list[float] = torch.mv(flat.float(), unit).tolist()
        if reads:
            self._before, self._after = before, before.copy()
        taus = self._taus.get(layer)
        if taus is None:
            return
        for row, (found, tau) in enumerate(zip(before, taus, strict=True)):
            if found < tau:
                by = (tau - found) * self._strengths[row]
                flat[row] = (flat[row].float() + by * unit).to(flat.dtype)
                self._fired[row] += 1
                if reads:
                    self._after[row] += by

    def fed(self) -> list[FedToken]:
        """What the pass read, by row."""
        return [
            FedToken(before, after, fired / held if held else 0.0)
            for before, after, fired, held in zip(self._before, self._after, self._fired, self._held, strict=True)
        ]


@final
class DeviceCap:
    """The same in tensors alone; the only synchronisation is `fed`."""

    def __init__(self, floors: Sequence[Floors | None], layers: Sequence[int], devices: Sequence[torch.device]) -> None:
        free = torch.full((len(devices),), -torch.inf)
        taus = torch.stack([free if row is None else row.tau for row in floors], dim=1)
        strengths = torch.tensor([0.0 if row is None else row.strength for row in floors])
        self._taus = {layer: taus[layer].to(devices[layer]) for layer in layers}
        self._strengths = {layer: strengths.to(devices[layer]) for layer in layers}
        self._held = [0 if row is None else len(row.layers) for row in floors]
        self._before: Float[Tensor, " rows"] | None = None
        self._after: Float[Tensor, " rows"] | None = None
        self._fired: list[Tensor] = []

    def begin(self) -> None:
        """A pass begins."""
        self._fired = []

    def at(
        self, layer: int, flat: Float[Tensor, "rows d_model"], unit: Float[Tensor, " d_model"], *, reads: bool
    ) -> None:
        """The output of one block, all rows."""
        before = project(flat, unit)
        by = lift(before, self._taus[layer], self._strengths[layer])
        raised = (flat.float() + by[:, None] * unit).to(flat.dtype)
        flat.copy_(torch.where(by[:, None] > 0, raised, flat))
        self._fired.append(by > 0)
        if reads:
            self._before, self._after = before, before + by

    def fed(self) -> list[FedToken]:
        """What the pass read, by row."""
        if self._before is None or self._after is None:
            return []
        fired = torch.stack([each.to(self._before.device) for each in self._fired]).sum(dim=0)
        table = torch.stack([self._before, self._after, fired.float()], dim=1).tolist()
        return [
            FedToken(before, after, count / held if held else 0.0)
            for (before, after, count), held in zip(table, self._held, strict=True)
        ]
