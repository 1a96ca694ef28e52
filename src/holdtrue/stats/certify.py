"""What so many families can certify, said before the run."""

from typing import Final

from scipy.special import bdtr

from holdtrue.errors import SettingError
from holdtrue.stats.recall import corrected_bound

__all__ = ["allowed_failures", "certifiable_rate", "chance_to_pass", "families_needed"]

MOST: Final = 10**8


def families_needed(failures: int, p0: float, alpha: float = 0.05, recall: float = 1.0) -> int:
    """Fewest families whose upper limit, divided by the recall, lies below `p0` with so many failures among them.

    Clopper and Pearson (1934): 299, 473 and 628 for none, one and two failures at 1 % and alpha .05.

    Args:
        failures: families that may fail.
        p0: the rate that must be shown.
        alpha: spent by this attempt.
        recall: lower limit of the detector's recall.

    Raises:
        SettingError: rates that can't be, or more families than 1e8.
    """
    _check(failures, p0)

    def enough(n: int) -> bool:
        return corrected_bound(failures, n, alpha, recall) < p0

    high = failures + 1
    while not enough(high):
        high *= 2
        if high > MOST:
            message = f"p0 {p0} at alpha {alpha} and recall {recall} needs more than {MOST} families: raise p0"
            raise SettingError(message)
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if middle > failures and enough(middle) else (middle, high)
    return high


def certifiable_rate(n: int, alpha: float = 0.05, recall: float = 1.0, failures: int = 0) -> float:
    """The limit that `n` families reach with so many failures: any `p0` above it can be certified.

    Raises:
        SettingError: counts, an alpha or a recall that can't be.
    """
    return corrected_bound(failures, n, alpha, recall)


def allowed_failures(n: int, p0: float, alpha: float = 0.05, recall: float = 1.0) -> int:
    """Most failures among `n` families that still pass; -1 where not even none does.

    Raises:
        SettingError: rates that can't be.
    """
    _check(0, p0)
    low, high = -1, max(n, 0)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if corrected_bound(middle, n, alpha, recall) < p0 else (low, middle)
    return low


def chance_to_pass(n: int, rate: float, p0: float, alpha: float = 0.05, recall: float = 1.0) -> float:
    """Chance that a model with that true rate passes, each of its failures being seen: `P(Binomial(n, rate) <= c)`.

    Args:
        n: families asked.
        rate: true failure rate; at `p0` the chance is one of a false pass, and at most alpha.
        p0: the rate that must be shown.
        alpha: spent by this attempt.
        recall: lower limit that the bound is divided by.

    Raises:
        SettingError: rates that can't be.
    """
    if not 0 <= rate <= 1:
        message = f"true rate {rate} must lie between 0 and 1"
        raise SettingError(message)
    allowed = allowed_failures(n, p0, alpha, recall)
    return float(bdtr(allowed, n, rate)) if allowed >= 0 else 0.0


def _check(failures: int, p0: float) -> None:
    if failures < 0 or not 0 < p0 < 1:
        message = f"planning needs failures >= 0 and 0 < p0 < 1; got failures {failures}, p0 {p0}"
        raise SettingError(message)
