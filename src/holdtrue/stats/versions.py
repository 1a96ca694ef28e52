"""Evidence gathered over releases: does the failure rate drift past its limit?"""

from collections.abc import Sequence

from holdtrue.errors import SettingError

__all__ = ["cusum", "merged_evidence"]


def cusum(e_values: Sequence[float]) -> list[float]:
    """Running evidence that some version changed for the worse: `M_t = max(1, M_(t-1)) e_t`.

    Page (1954), Biometrika 41, 100-115, on e-values (Shin, Ramdas and Rinaldo 2024, New England Journal of Statistics
    in Data Science 2, 229-260). An alarm at `1 / alpha` comes falsely once in `1 / alpha` versions on average, or less
    often. Holds where each version is tried on fresh families.

    Args:
        e_values: of each version against a rate of at most `p0`, in order.

    Raises:
        SettingError: a negative one.
    """
    _check(e_values)
    running, found = 1.0, []
    for value in e_values:
        running = min(max(1.0, running) * value, 1e299)
        found.append(running)
    return found


def merged_evidence(e_values: Sequence[float]) -> list[float]:
    """Running evidence that some version was worse, whatever the versions share: `sum over t of e_t / (t (t + 1))`.

    The weights sum to 1, so that it ever reaches `1 / alpha` with chance at most alpha, however e-values of the same
    families depend on each other (weighted means are what stays valid then: Vovk and Wang 2021, Annals of Statistics
    49, 1736-1754).

    Args:
        e_values: of each version against a rate of at most `p0`, in order.

    Raises:
        SettingError: a negative one.
    """
    _check(e_values)
    running, found = 0.0, []
    for t, value in enumerate(e_values, start=1):
        running += value / (t * (t + 1))
        found.append(running)
    return found


def _check(e_values: Sequence[float]) -> None:
    for value in e_values:
        if not value >= 0:
            message = f"an e-value of {value} is none: give numbers of 0 or more"
            raise SettingError(message)
