"""Two steps within families: does a cause move a mediator, and does the mediator move the outcome?

With `d` 0 or 1 (the calm or the distressed conversation), `z` the mediator and `y` the outcome, each family with a
level of its own,

    z = family + a d            y = family + b z + direct d            y = family + total d

Fitted by least squares, `total = direct + a b` holds exactly (MacKinnon 2008, Introduction to Statistical Mediation
Analysis). `b` is a slope among what was observed: what moves `z` and `y` alike within a family is not ruled out. Only
an intervention on `z`, such as a hold, tests the second step.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Float

from holdtrue.stats.clusters import Estimate, jackknife_bootstrap

__all__ = ["Mediation", "PairedRow", "fit_mediation"]


@final
@dataclass(frozen=True)
class PairedRow:
    """One conversation."""

    family: str
    distressed: bool
    z: float
    """The mediator."""
    outcome: float


@final
@dataclass(frozen=True)
class Mediation:
    """The two steps with intervals over families; a slope that the rows can't tell is None."""

    a: Estimate
    """Distress on the mediator."""
    b: Estimate | None
    """Outcome per unit of the mediator, at given distress; None where the mediator doesn't vary otherwise."""
    direct: Estimate | None
    """Distress on the outcome at a given mediator."""
    indirect: Estimate | None
    """`a * b`."""
    total: Estimate
    proportion: float | None
    """`indirect / total`; None unless the interval of `total` excludes zero, for else it is a ratio of noise."""
    rows: int


def fit_mediation(rows: Sequence[PairedRow], rng: np.random.Generator, level: float = 0.95) -> Mediation | None:
    """Fit both steps and give intervals over families (`jackknife_bootstrap`).

    Args:
        rows: conversations; families that lack one of the two conditions are left out.
        rng: source of the resamples.
        level: coverage.

    Returns:
        None without a family that has both conditions.
    """
    distressed, calm = ({row.family for row in rows if row.distressed is told} for told in (True, False))
    families = sorted(distressed & calm)
    if not families:
        return None
    kept = [[row for row in rows if row.family == family] for family in families]
    sums = np.array([_products(own) for own in kept])
    found = _paths(sums.sum(axis=0)[None])[:, 0]
    left_out = _paths(sums.sum(axis=0) - sums)
    a, b, direct, indirect, total = (
        jackknife_bootstrap(float(value), without, rng, level) for value, without in zip(found, left_out, strict=True)
    )
    told = np.isfinite(b.value)
    sure = total.interval is not None and not total.interval[0] <= 0 <= total.interval[1]
    return Mediation(
        a,
        b if told else None,
        direct if told else None,
        indirect if told else None,
        total,
        indirect.value / total.value if told and sure else None,
        sum(map(len, kept)),
    )


def _products(rows: Sequence[PairedRow]) -> Float[np.ndarray, " 5"]:
    """Sums over a family of products of its centred columns: dd, dz, dy, zz, zy."""
    table = np.array([(float(row.distressed), row.z, row.outcome) for row in rows])
    d, z, y = (table - table.mean(axis=0)).T
    return np.array([d @ d, d @ z, d @ y, z @ z, z @ y])


def _paths(sums: Float[np.ndarray, "draws 5"]) -> Float[np.ndarray, "5 draws"]:
    """a, b, direct, indirect and total, by least squares on summed products; NaN where they aren't determined."""
    dd, dz, dy, zz, zy = sums.T
    with np.errstate(divide="ignore", invalid="ignore"):
        a, total = dz / dd, dy / dd
        spare = zz - a * dz
        b = np.where(spare > 1e-9 * zz, (zy - a * dy) / spare, np.nan)
    return np.array([a, b, total - a * b, a * b, total])
