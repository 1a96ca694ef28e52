"""Bootstrap intervals over independent units."""

import numpy as np
from jaxtyping import Float

from holdtrue.errors import EvidenceError

__all__ = ["bootstrap_mean"]

DRAWS = 4000


def bootstrap_mean(
    values: Float[np.ndarray, " units"], rng: np.random.Generator, level: float = 0.95
) -> tuple[float, float]:
    """Percentile interval of the mean, units resampled with replacement (Efron 1979).

    Args:
        values: one figure per independent unit.
        rng: source of the resamples.
        level: coverage.

    Raises:
        EvidenceError: fewer than two units.
    """
    if len(values) < 2:
        message = f"an interval needs at least 2 independent units; got {len(values)}"
        raise EvidenceError(message)
    means = values[rng.integers(0, len(values), (DRAWS, len(values)))].mean(axis=1)
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
