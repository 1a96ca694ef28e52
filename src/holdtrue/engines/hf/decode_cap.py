"""The cap while decoding, a token per row: on the host for CPUs, without synchronising for accelerators."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, final

import torch
from jaxtyping import Float
from torch import Tensor

from holdtrue.hold import Floors, lift, project

__all__ = ["At", "DecodeCap", "DeviceCap", "FedToken", "HostCap", "OwnUnitsCap"]


@final
@dataclass(frozen=True)
class FedToken:
    """What was read of one row's token while it went through the model."""

    before: float
    """Projection at the read layer before the cap there."""
    after: float
    fired: float
    """Share of the row's held blocks at which it was under the floor."""


At = Callable[[Float[Tensor, "rows 1 d_model"]], None]
"""Takes the output of one block, all rows, and changes it in place."""


class DecodeCap(Protocol):
    """Applies the rows' floors to one token each, in place, and remembers what was read."""

    def begin(self) -> None:
        """A pass begins."""

    def at(self, layer: int, unit: Float[Tensor, " d_model"], *, reads: bool) -> At:
        """What to do at one block.

        Args:
            layer: the block.
            unit: its unit axis.
            reads: whether projections are read here.
        """

    def fed(self) -> list[FedToken]:
        """What the pass read, by row."""


@final
class HostCap:
    """One product and a look at its few numbers on the host: least work where a synchronisation costs nothing.

    Between two blocks the weights of a whole block go through the caches, so that every instruction here comes from
    memory: what `at` returns is kept as short as it can be.
    """

    def __init__(self, floors: Sequence[Floors | None]) -> None:
        self._floors = tuple(floors)
        self._held = [0 if row is None else len(row.layers) for row in floors]
        self._before: list[float] = []
        self._after: list[float] = []
        self._fired = [0] * len(self._held)

    def begin(self) -> None:
        """A pass begins."""
        self._fired = [0] * len(self._held)

    def at(self, layer: int, unit: Float[Tensor, " d_model"], *, reads: bool) -> At:
        """What to do at one block (see `DecodeCap.at`)."""
        taus = [float("-inf") if row is None else row.floor_list[layer] for row in self._floors]
        shape, product = (len(taus), len(unit)), torch.mv

        def look(stream: Tensor) -> None:
            before = product(stream.view(shape).float(), unit).tolist()
            for row, (found, tau) in enumerate(zip(before, taus, strict=True)):
                if found < tau:
                    self._raise(stream, row, tau - found, unit)
            if reads:
                self._read(before, taus)

        return look

    def _raise(self, stream: Tensor, row: int, short: float, unit: Float[Tensor, " d_model"]) -> None:
        floors = self._floors[row]
        by = short * (0.0 if floors is None else floors.strength)
        stream[row, 0] = (stream[row, 0].float() + by * unit).to(stream.dtype)
        self._fired[row] += 1

    def _read(self, before: list[float], taus: list[float]) -> None:
        self._before = before
        self._after = [
            found if floors is None or found >= tau else found + floors.strength * (tau - found)
            for found, tau, floors in zip(before, taus, self._floors, strict=True)
        ]

    def fed(self) -> list[FedToken]:
        """What the pass read, by row."""
        return [
            FedToken(before, after, fired / held if held else 0.0)
            for before, after, fired, held in zip(self._before, self._after, self._fired, self._held, strict=True)
        ]


@final
class DeviceCap:
    """The same in tensors alone; the only synchronisation is `fed`."""

    def __init__(self, floors: Sequence[Floors | None]) -> None:
        self._floors = tuple(floors)
        self._held = [0 if row is None else len(row.layers) for row in floors]
        self._before: Float[Tensor, " rows"] | None = None
        self._after: Float[Tensor, " rows"] | None = None
        self._fired: list[Tensor] = []

    def begin(self) -> None:
        """A pass begins."""
        self._fired = []

    def at(self, layer: int, unit: Float[Tensor, " d_model"], *, reads: bool) -> At:
        """What to do at one block (see `DecodeCap.at`)."""
        taus = [float("-inf") if row is None else row.floor_list[layer] for row in self._floors]
        strengths = [0.0 if row is None else row.strength for row in self._floors]
        tau, strength = (torch.tensor(each, device=unit.device) for each in (taus, strengths))

        def look(stream: Tensor) -> None:
            flat = stream[:, 0]
            before = project(flat, unit)
            by = lift(before, tau, strength)
            raised = (flat.float() + by[:, None] * unit).to(flat.dtype)
            flat.copy_(torch.where(by[:, None] > 0, raised, flat))
            self._fired.append(by > 0)
            if reads:
                self._before, self._after = before, before + by

        return look

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


@final
class OwnUnitsCap:
    """Rows held along directions of their own, such as a random one, and all read along the axis; for controls."""

    def __init__(self, floors: Sequence[Floors | None]) -> None:
        self._floors = tuple(floors)
        self._held = [0 if row is None else len(row.layers) for row in floors]
        self._read: tuple[list[float], list[float]] = ([], [])
        self._fired = torch.zeros(len(self._held))

    def begin(self) -> None:
        """A pass begins."""
        self._fired = torch.zeros(len(self._held))

    def at(self, layer: int, unit: Float[Tensor, " d_model"], *, reads: bool) -> At:
        """What to do at one block (see `DecodeCap.at`)."""
        own = torch.stack([unit if row is None else row.units[layer].to(unit.device) for row in self._floors])
        taus = [float("-inf") if row is None else row.floor_list[layer] for row in self._floors]
        strengths = [0.0 if row is None else row.strength for row in self._floors]
        tau, strength = (torch.tensor(each, device=unit.device) for each in (taus, strengths))

        def look(stream: Tensor) -> None:
            flat = stream[:, 0]
            before = project(flat, unit).tolist() if reads else []
            by = lift((flat.float() * own).sum(dim=1), tau, strength)
            raised = (flat.float() + by[:, None] * own).to(flat.dtype)
            flat.copy_(torch.where(by[:, None] > 0, raised, flat))
            self._fired += (by > 0).cpu()
            if reads:
                self._read = (before, project(flat, unit).tolist())

        return look

    def fed(self) -> list[FedToken]:
        """What the pass read, by row."""
        return [
            FedToken(before, after, fired / held if held else 0.0)
            for before, after, fired, held in zip(*self._read, self._fired.tolist(), self._held, strict=True)
        ]
