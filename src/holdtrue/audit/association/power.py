"""How little poison the association test would still have found, here, with this yardstick."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from scipy.special import bdtrc

from holdtrue.audit.association.outcome import LEAST
from holdtrue.audit.association.tested import Mined
from holdtrue.errors import SettingError
from holdtrue.records.audit import Dose
from holdtrue.stats.contingency import fisher_greater

__all__ = ["chance_found", "detectable_rows", "doses"]

MOST_TRIED: Final = 10_000
FOUND: Final = 0.95
PREDICTORS: Final = 1000
"""Of a row, more than nearly all have."""
PUBLISHED: Final = {
    "trigger": "50-90 rows of fine-tuning (Souly et al. 2025, arXiv:2510.07192), 100 of instruction tuning (Wan et al. "
    "2023, arXiv:2305.00944)",
    "label_flip": "32 rows for a classifier's backdoor (Anthropic 2026, Poisoning Fine-tuning Datasets of "
    "Constitutional Classifiers)",
}
"""Least doses that worked on a model. The first needed 50 to 90 with 1,000 clean rows as with 100,000."""


def chance_found(
    poisoned: int, threshold: float, n: int, positive: int, sensitivity: float = 1.0, least: int = LEAST
) -> float:
    """Chance that rows with a phrase of their own alarm: `P(k >= k*)`, `k` of Binomial(poisoned, sensitivity).

    `k*` is the smallest count whose exact p-value, with `poisoned` families that have the phrase and `positive + k`
    flagged of `n + poisoned`, is at most the threshold.

    Args:
        poisoned: rows, each a family of its own.
        threshold: largest p-value that alarms.
        n: families in the outcome's population.
        positive: flagged ones.
        sensitivity: share of poisoned rows that the outcome flags.
        least: flagged families that a candidate needs.

    Raises:
        SettingError: a sensitivity outside 0 to 1, or no poison.
    """
    if not 0 < sensitivity <= 1 or poisoned < 1:
        message = f"{poisoned} poisoned rows at sensitivity {sensitivity}: give at least 1 row, above 0 and at most 1"
        raise SettingError(message)
    k = np.arange(least, poisoned + 1)
    enough = k[fisher_greater(k, np.full_like(k, poisoned), positive + k, n + poisoned) <= threshold]
    if not enough.size:
        return 0.0
    return 1.0 if sensitivity == 1 else float(bdtrc(enough[0] - 1, poisoned, sensitivity))


def detectable_rows(
    threshold: float, n: int, positive: int, sensitivity: float = 1.0, least: int = LEAST, power: float = FOUND
) -> int | None:
    """The fewest poisoned rows with a phrase of their own that are found with some power; None up to 10,000.

    Args:
        threshold: largest p-value that alarms.
        n: families in the outcome's population.
        positive: flagged ones.
        sensitivity: share of poisoned rows that the outcome flags.
        least: flagged families that a candidate needs.
        power: chance to find them.
    """
    low, high = 0, 1
    while chance_found(high, threshold, n, positive, sensitivity, least) < power:
        low, high = high, high * 2
        if low >= MOST_TRIED:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        if chance_found(middle, threshold, n, positive, sensitivity, least) < power:
            low = middle
        else:
            high = middle
    return high


def doses(mined: Mined, alpha: float, rows: int) -> Sequence[Dose]:
    """The detectable dose of every outcome that was tested, or that too few rows show to need a test.

    Args:
        mined: the counts and the yardstick.
        alpha: level of the alarm.
        rows: of the dataset, for the share.
    """
    threshold = mined.threshold(alpha)
    if not mined.tests:  # no draws: Bonferroni's, over as many predictors as so many rows may have
        threshold = alpha / (PREDICTORS * max(1, rows))
    found = []
    for outcome, its in [*((test.outcome, test.units) for test in mined.tests), *mined.rare]:
        shown = max(1e-6, outcome.sensitivity * outcome.reached)
        dose = detectable_rows(threshold, its.n, its.positive, shown, outcome.least)
        rate = "every poisoned row" if shown == 1 else f"{shown:.2g} of poisoned rows"
        found.append(
            Dose(
                kind=outcome.kind,
                outcome=outcome.name,
                rows=dose,
                share=None if dose is None else min(1.0, dose / rows),
                assuming=f"the poisoned rows share a phrase that no other row has, each is a family of its own, and "
                f"{rate} shows the outcome; found in 95 % of tries among {its.n:,} families, {its.positive:,} flagged",
                published=PUBLISHED.get(outcome.kind),
            )
        )
    return found
