"""Corrections for looking more than once."""

from collections.abc import Sequence

from holdtrue.errors import SettingError

__all__ = ["benjamini_hochberg", "holm"]


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjusted p-values that keep the chance of any false finding among them at the level they are read at.

    Holm (1979), Scandinavian Journal of Statistics 6, 65-70: the k-th smallest of `m` is multiplied by `m - k + 1`, and
    none is smaller than one before it. Holds under any dependence.

    Args:
        p_values: of one family of comparisons.

    Raises:
        SettingError: a value outside 0 to 1.
    """
    _check(p_values)
    order = sorted(range(len(p_values)), key=lambda at: p_values[at])
    adjusted, least = [0.0] * len(p_values), 0.0
    for rank, at in enumerate(order):
        least = max(least, min(1.0, (len(p_values) - rank) * p_values[at]))
        adjusted[at] = least
    return adjusted


def benjamini_hochberg(p_values: Sequence[float]) -> list[float]:
    """Adjusted p-values that keep the expected share of false findings at the level they are read at.

    Benjamini and Hochberg (1995), Journal of the Royal Statistical Society B 57, 289-300: the k-th smallest of `m` is
    multiplied by `m / k`, and none is larger than one after it. Holds for independent or positively dependent tests.

    Args:
        p_values: of all comparisons made.

    Raises:
        SettingError: a value outside 0 to 1.
    """
    _check(p_values)
    order = sorted(range(len(p_values)), key=lambda at: -p_values[at])
    adjusted, most, m = [0.0] * len(p_values), 1.0, len(p_values)
    for rank, at in enumerate(order):
        most = min(most, p_values[at] * m / (m - rank))
        adjusted[at] = most
    return adjusted


def _check(p_values: Sequence[float]) -> None:
    for p in p_values:
        if not 0 <= p <= 1:
            message = f"a p-value of {p} is none: give numbers from 0 to 1, and leave out tests that weren't made"
            raise SettingError(message)
