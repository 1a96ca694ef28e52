"""Bootstrap intervals over independent units."""

from math import inf

import numpy as np
from jaxtyping import Float

from holdtrue.errors import EvidenceError

__all__ = ["bootstrap_mean"]

DRAWS = 4000


def bootstrap_mean(
    values: Float[np.ndarray, " units"],
    rng: np.random.Generator,
    level: float = 0.95,
    bounds: tuple[float, float] = (-inf, inf),
) -> tuple[float, float]:
    """Bootstrap-t interval of the mean, no wider than the bounds allow.

    The bootstrap-t (Efron 1982; Hall 1992, 3.3) resamples `(mean* - mean) / se*`, and so follows the skewness that a
    percentile interval of a dozen units misses. It breaks down where units hardly vary. There Gaffke's limits hold
    (Gaffke 2005; Learned-Miller and Thomas 2020, arXiv 1905.06208): units get weights uniform on the simplex, together
    with one more unit imagined at the far bound. For `n` equal units at the lower bound the upper limit is
    `1 - ((1 - level) / 2)^(1 / n)` of the way to the other, as Clopper and Pearson's.

    Args:
        values: one figure per independent unit.
        rng: source of the resamples.
        level: coverage.
        bounds: what the figures can't lie outside of, (0, 1) for shares. Without them, equal units say nothing of how
            far the mean may lie from them, and the interval is infinite.

    Raises:
        EvidenceError: fewer than two units.
    """
    n = len(values)
    if n < 2:
        message = f"an interval needs at least 2 independent units; got {n}"
        raise EvidenceError(message)
    tail = (1 - level) / 2
    weights = rng.dirichlet(np.ones(n + 1), DRAWS)
    inner = weights[:, 1:] @ values
    least = max(float(np.quantile(inner + weights[:, 0] * bounds[0], tail, method="lower")), bounds[0])
    most = min(float(np.quantile(inner + weights[:, 0] * bounds[1], 1 - tail, method="higher")), bounds[1])
    drawn = values[rng.integers(0, n, (DRAWS, n))]
    shift, error = drawn.mean(axis=1) - values.mean(), drawn.std(axis=1, ddof=1)
    spread = float(values.std(ddof=1))
    if spread <= 1e-9 * float(np.abs(values).max()):  # zero but for rounding
        return least, most
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.nan_to_num(shift / np.where(error > 1e-9 * spread, error, 0.0), nan=0.0, posinf=inf, neginf=-inf)
    low = float(values.mean() - spread * np.quantile(ratio, 1 - tail, method="higher"))
    high = float(values.mean() - spread * np.quantile(ratio, tail, method="lower"))
    return max(low, least), min(high, most)
