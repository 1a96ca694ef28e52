"""From sums to verdict: the axis, its checks layer by layer, and what to make of them. Tensors in, records out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar, final

import numpy as np

from holdtrue.axis.cells import CellSums
from holdtrue.axis.checks import Rank, Reliability, Separation, default_rank, reliability, separation
from holdtrue.axis.fit import PersonaSpace, RawAxis, fit_axis, persona_space, unit
from holdtrue.axis.recommend import Advice, advise
from holdtrue.errors import EvidenceError
from holdtrue.records import LayerCheck, RolePosition, SelfTest

__all__ = ["Assessment", "assess"]

T = TypeVar("T")


@final
@dataclass(frozen=True)
class Assessment:
    """A fitted axis and everything the checks say of it."""

    raw: RawAxis
    checks: tuple[LayerCheck, ...]
    advice: Advice
    space: PersonaSpace
    """Of the recommended layer."""
    projections: tuple[float, ...]
    """Of each kept role's vector at the recommended layer, less the default's."""
    default_rank: Rank | None
    self_test: SelfTest | None

    def positions(self, names: list[str], categories: list[str], accepted: list[int]) -> tuple[RolePosition, ...]:
        """Where the kept roles stand.

        Args:
            names: of every role in the design.
            categories: of every role in the design.
            accepted: rollouts behind each.
        """
        return tuple(
            RolePosition(
                name=names[role],
                category=categories[role],
                n_rollouts=accepted[role],
                projection=projection,
                pc=(float(pc[0]), float(pc[1])),
            )
            for role, projection, pc in zip(self.raw.kept_roles, self.projections, self.space.role_pc, strict=True)
        )


def assess(cells: CellSums, rng: np.random.Generator) -> Assessment:
    """Fit the axis and check it at every layer.

    Checks that the design is too small for are None in the records, never zero.

    Args:
        cells: the accumulated design.
        rng: source of halvings, bootstraps and random directions.

    Raises:
        EvidenceError: too little data for an axis at all.
    """
    raw = fit_axis(cells)
    layers = list(range(raw.axis.shape[0]))
    reliable = _where_possible(lambda: reliability(cells, layers, rng), len(layers))
    separate = _where_possible(lambda: separation(cells, layers, rng), len(layers))
    spaces = [persona_space(raw.role_means[:, at], raw.default_mean[at], raw.axis[at]) for at in layers]
    checks = [
        _check(at, float(raw.axis[at].norm()), *found)
        for at, found in enumerate(zip(reliable, separate, spaces, strict=True))
    ]
    advice = advise(checks)
    read = advice.layer
    found = separate[read]
    direction = unit(raw.axis[read])
    return Assessment(
        raw=raw,
        checks=tuple(checks),
        advice=advice,
        space=spaces[read],
        projections=tuple(((raw.role_means[:, read] - raw.default_mean[read]) @ direction).tolist()),
        default_rank=_where_possible(lambda: [default_rank(cells, read)], 1)[0],
        self_test=None
        if found is None
        else SelfTest(
            layer=read,
            default_mean=found.default_mean,
            role_mean=found.role_mean,
            passed=found.default_mean > found.role_mean,
        ),
    )


def _where_possible(compute: Callable[[], list[T]], n: int) -> Sequence[T | None]:
    try:
        return compute()
    except EvidenceError:
        return [None] * n


def _check(
    layer: int, norm: float, reliable: Reliability | None, separate: Separation | None, space: PersonaSpace
) -> LayerCheck:
    return LayerCheck(
        layer=layer,
        auroc=separate.auroc if separate else None,
        auroc_ci=separate.ci if separate else None,
        d_prime=separate.d_prime if separate else None,
        split_half=reliable.cosine if reliable else None,
        split_half_ci=reliable.ci if reliable else None,
        random_auroc=separate.random_auroc if separate else None,
        pc1_share=space.pc1_share,
        cos_pc1=space.cos_pc1,
        norm=norm,
    )
