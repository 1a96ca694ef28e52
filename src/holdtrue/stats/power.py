"""What a paired comparison of so many families can detect, said before the run."""

from dataclasses import dataclass
from typing import Final, final

import numpy as np

from holdtrue.errors import SettingError

__all__ = ["Detectable", "detectable_difference", "mcnemar_power"]

STEPS: Final = 30
NEVER: Final = 1e-12
"""Chances below it are none: scipy's binomial overflows on the smallest floats."""


@final
@dataclass(frozen=True)
class Detectable:
    """The smallest differences in failure rate that would be found with the wanted power."""

    worse: float | None
    """An arm that fails this much more often; None where not even the largest possible difference would be found."""
    better: float | None
    """An arm that fails this much less often."""


def mcnemar_power(n: int, p_worse: float, p_better: float, alpha: float = 0.05) -> float:
    """Chance that the exact two-sided McNemar test comes out below `alpha`, summed over every outcome.

    The number of pairs that disagree is Binomial(n, p_worse + p_better); among them the worse ones are binomial too.

    Args:
        n: paired families.
        p_worse: chance that only the first arm fails a family.
        p_better: chance that only the second does.
        alpha: level of the test; divide by the number of comparisons for the first step of Holm.

    Raises:
        SettingError: chances that can't be.
    """
    if n < 0 or min(p_worse, p_better) < -1e-12 or p_worse + p_better > 1 + 1e-12 or not 0 < alpha < 1:
        message = (
            f"power needs n >= 0, chances that sum to at most 1 and 0 < alpha < 1; got n {n}, p_worse {p_worse}, "
            f"p_better {p_better}, alpha {alpha}"
        )
        raise SettingError(message)
    p_worse, p_better = max(p_worse, 0.0), max(p_better, 0.0)
    differing = min(p_worse + p_better, 1.0)
    if differing < NEVER:
        return 0.0
    from scipy.stats import binom  # half a second to import, which a verdict has no use for

    m = np.arange(n + 1)
    # The largest smaller count that still rejects, among m pairs that disagree; -1 where none does.
    fewest = binom.ppf(alpha / 2, m, 0.5).astype(int)
    fewest = np.where(2 * binom.cdf(fewest, m, 0.5) <= alpha, fewest, fewest - 1)
    share = min(p_worse / differing, 1.0)
    rejects = binom.cdf(fewest, m, share) + binom.sf(m - fewest - 1, m, share)
    return min(1.0, float((binom.pmf(m, n, differing) * np.where(fewest < 0, 0.0, rejects)).sum()))


def detectable_difference(
    n_families: int,
    base_rate: float,
    alpha: float = 0.05,
    power: float = 0.8,
    discordance: float = 0.5,
) -> Detectable:
    """The smallest true differences from a reference arm that so many paired families would show.

    Of two arms with failure rates `p` and `q > p`, the first alone fails a family with chance
    `discordance * p * (1 - q)`, the second alone with that much and `q - p` besides.

    Args:
        n_families: paired families.
        base_rate: failure rate of the reference arm.
        alpha: level of the test.
        power: wanted chance of finding the difference.
        discordance: 1 for arms whose failures have nothing to do with each other, 0 for arms that fail the same
            families as far as their rates allow.

    Raises:
        SettingError: rates that can't be.
    """
    if not 0 <= base_rate <= 1 or not 0 < power < 1 or not 0 <= discordance <= 1:
        message = (
            f"base rate, power and discordance must lie between 0 and 1; got base rate {base_rate}, power {power}, "
            f"discordance {discordance}"
        )
        raise SettingError(message)

    def found(difference: float, low: float) -> bool:
        noise = discordance * low * (1 - low - difference)
        return mcnemar_power(n_families, noise + difference, noise, alpha) >= power

    def smallest(most: float, sign: int) -> float | None:
        def shown(difference: float) -> bool:
            return found(difference, base_rate if sign > 0 else base_rate - difference)

        if not shown(most):
            return None
        low, high = 0.0, most
        for _ in range(STEPS):
            middle = (low + high) / 2
            low, high = (low, middle) if shown(middle) else (middle, high)
        return high

    return Detectable(worse=smallest(1 - base_rate, 1), better=smallest(base_rate, -1))
