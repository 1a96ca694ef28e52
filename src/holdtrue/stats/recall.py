"""Limits of a rate that is seen through a detector which misses some failures."""

from typing import Final

from scipy.special import betainccinv, betaincinv

from holdtrue.errors import SettingError

__all__ = ["RECALL_LEVEL", "corrected_bound", "lower_bound", "recall_limit"]

RECALL_LEVEL: Final = 0.95


def lower_bound(failures: int, n: int, alpha: float = 0.05) -> float:
    """Exact one-sided lower limit of a rate, the alpha-quantile of `Beta(failures, n - failures + 1)`.

    Clopper and Pearson (1934), Biometrika 26, 404-413. It is `alpha^(1 / n)` where all failed, 0 where none did.

    Args:
        failures: independent units that failed.
        n: independent units in all.
        alpha: chance that the limit is too high.

    Raises:
        SettingError: counts or an alpha that can't be.
    """
    _check(failures, n, alpha)
    return float(betaincinv(failures, n - failures + 1, alpha)) if failures else 0.0


def recall_limit(found: int, planted: int, level: float = RECALL_LEVEL) -> float:
    """Lower limit of the share of failures that a detector finds, from failures planted on purpose.

    59 found of 59 give .950 at 95 %.

    Args:
        found: planted failures that were found.
        planted: all of them; 0 gives a limit of 0.
        level: one-sided confidence.

    Raises:
        SettingError: counts or a level that can't be.
    """
    return lower_bound(found, planted, 1 - level)


def corrected_bound(failures: int, n: int, alpha: float, recall: float) -> float:
    """Upper limit of the true failure rate: that of the seen rate divided by the recall, at most 1.

    What is seen fails at `recall * rate`, so a limit of the seen rate divided by the recall is one of the rate (Rogan
    and Gladen 1978, American Journal of Epidemiology 107, 71-76, with no credit taken for false alarms). It errs with
    chance alpha wherever the true recall is `recall` or more, and with `alpha` plus the error of that limit at worst.

    Args:
        failures: independent units seen failing.
        n: independent units in all.
        alpha: chance that the seen rate's limit is too low.
        recall: lower limit of the detector's recall; 0 gives a bound of 1.

    Raises:
        SettingError: counts, an alpha or a recall that can't be.
    """
    _check(failures, n, alpha)
    if not 0 <= recall <= 1:
        message = f"recall {recall} must lie between 0 and 1"
        raise SettingError(message)
    if failures == n or recall == 0:
        return 1.0
    # The upper tail itself: `1 - alpha` would be 1 for the small alphas of late attempts.
    return min(1.0, float(betainccinv(failures + 1, n - failures, alpha)) / recall)


def _check(failures: int, n: int, alpha: float) -> None:
    if not 0 <= failures <= n:
        message = f"counts must be whole numbers with 0 <= failures <= n; got {failures} of {n}"
        raise SettingError(message)
    if not 0 < alpha < 1:
        message = f"alpha {alpha} must lie between 0 and 1, such as 0.05"
        raise SettingError(message)
