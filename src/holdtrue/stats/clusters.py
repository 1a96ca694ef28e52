"""Means over families of trials: the family is what is independent, its variants are not."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import inf, isinf
from typing import Final, TypeVar, final

import numpy as np
from jaxtyping import Float
from scipy.special import stdtrit

from holdtrue.errors import EvidenceError
from holdtrue.stats.bootstrap import bootstrap_mean

__all__ = ["Estimate", "cluster_bootstrap", "jackknife_bootstrap", "paired_differences", "sign_flip"]

F = TypeVar("F", bound=Hashable)
V = TypeVar("V", bound=Hashable)

MIN_FAMILIES: Final = 5
EXACT_FAMILIES: Final = 13
FLIPS: Final = 10_000


@final
@dataclass(frozen=True)
class Estimate:
    """A figure over families, and how sure it is."""

    value: float
    interval: tuple[float, float] | None
    """None where nothing honest can be said: fewer than 5 families, or unbounded figures that are all equal."""
    families: int


def cluster_bootstrap(
    values: Mapping[F, Sequence[float]],
    rng: np.random.Generator,
    level: float = 0.95,
    bounds: tuple[float, float] = (-inf, inf),
) -> Estimate:
    """Mean over families of each family's own mean, with a bootstrap-t interval that resamples families.

    `bootstrap_mean` gives the interval. Where figures are unbounded and most families equal, some resamples have no
    spread and leave a side of it infinite; there Student's limit stands in.

    Args:
        values: figures of each family's variants; families without any are left out.
        rng: source of the resamples.
        level: coverage.
        bounds: what the figures can't lie outside of.

    Raises:
        EvidenceError: no family has a figure.
    """
    means = np.array([float(np.mean(found)) for found in values.values() if len(found)])
    n = len(means)
    if not n:
        message = "a mean over families needs at least one family with a figure; got 0"
        raise EvidenceError(message)
    value, spread = float(means.mean()), float(means.std(ddof=1)) if n > 1 else 0.0
    if n < MIN_FAMILIES:
        return Estimate(value, None, n)
    low, high = bootstrap_mean(means, rng, level, bounds)
    if isinf(low) or isinf(high):
        if spread <= 1e-9 * float(np.abs(means).max()):
            return Estimate(value, None, n)
        reach = float(stdtrit(n - 1, (1 + level) / 2)) * spread / n**0.5
        low, high = (value - reach if isinf(low) else low), (value + reach if isinf(high) else high)
    return Estimate(value, (min(low, value), max(high, value)), n)


def paired_differences(
    arm: Mapping[F, Mapping[V, float]], against: Mapping[F, Mapping[V, float]]
) -> dict[F, list[float]]:
    """Differences `arm - against` of the variants that both have, by family, for `cluster_bootstrap` and `sign_flip`.

    Args:
        arm: figure by variant, by family.
        against: the same of the reference.

    Returns:
        Families in the order of `arm`; those without a pair are left out.
    """
    found = {
        family: [value - against[family][variant] for variant, value in variants.items() if variant in against[family]]
        for family, variants in arm.items()
        if family in against
    }
    return {family: differences for family, differences in found.items() if differences}


def sign_flip(differences: Mapping[F, Sequence[float]], rng: np.random.Generator) -> float:
    """Two-sided p-value of a paired difference: how often random signs of the families give a mean as far from zero.

    Fisher's randomisation test of pairs (1935, The Design of Experiments, 21). Exact up to 13 families that differ at
    all; beyond, 10,000 random flips with the observed one counted among them, so that p is never 0.

    Args:
        differences: paired differences of each family's variants.
        rng: source of the flips.
    """
    means = np.array([float(np.mean(found)) for found in differences.values() if len(found)])
    moved = means[means != 0]
    if not len(moved):
        return 1.0
    observed = abs(float(moved.sum())) - 1e-9 * float(np.abs(moved).sum())
    if len(moved) <= EXACT_FAMILIES:
        signs = np.array(list(product((-1.0, 1.0), repeat=len(moved))))
        return float((np.abs(signs @ moved) >= observed).mean())
    signs = rng.choice((-1.0, 1.0), (FLIPS, len(moved)))
    return float((1 + (np.abs(signs @ moved) >= observed).sum()) / (1 + FLIPS))


def jackknife_bootstrap(
    value: float, left_out: Float[np.ndarray, " families"], rng: np.random.Generator, level: float = 0.95
) -> Estimate:
    """Interval of any smooth figure of families: the bootstrap-t of its jackknife pseudo-values.

    Family `i` counts `n value - (n - 1) left_out[i]` (Tukey 1958), whose mean is nearly the figure; for a mean they are
    the families' own. With a dozen families this covers slopes and products of slopes better than a BCa interval does.

    Args:
        value: the figure of all families.
        left_out: the figure without each family in turn; NaN where it is undefined then.
        rng: source of the resamples.
        level: coverage.

    Returns:
        Without an interval where leaving out one family leaves the figure undefined.
    """
    n = len(left_out)
    if n < MIN_FAMILIES or not np.isfinite(left_out).all():
        return Estimate(value, None, n)
    pseudo = n * value - (n - 1) * left_out
    # Centred on the figure itself, so that the interval belongs to what is printed.
    found = cluster_bootstrap({at: [float(own)] for at, own in enumerate(pseudo + value - pseudo.mean())}, rng, level)
    return Estimate(value, found.interval, n)
