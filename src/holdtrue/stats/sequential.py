"""E-processes for a failure rate: evidence that may be looked at after every family."""

from collections.abc import Sequence
from math import exp, log, log1p
from typing import Final, TypeAlias

import numpy as np
from jaxtyping import Bool, Float
from scipy.optimize import brentq

from holdtrue.errors import SettingError

__all__ = [
    "FAIL_FACTOR",
    "PASS_FACTOR",
    "crossing",
    "e_value",
    "fail_alternative",
    "families_to_stop",
    "log_e_path",
    "pass_alternative",
    "sequential_bound",
    "sequential_chance",
]

PASS_FACTOR: Final = 0.1
FAIL_FACTOR: Final = 3.0
Outcomes: TypeAlias = Sequence[bool] | Bool[np.ndarray, " families"]
LARGEST: Final = 690.0
"""Of a logarithm whose exponential is still a float."""
NEAR_ONE: Final = 1 - 1e-12


def pass_alternative(p0: float) -> float:
    """Rate that the e-process for PASS bets on: `p0 / 10`."""
    return PASS_FACTOR * p0


def fail_alternative(p0: float) -> float:
    """Rate that the e-process for FAIL bets on: `3 p0`, or half-way to 1 where that is less.

    The bet grows wherever the true rate is above about `1.8 p0`, fastest at `3 p0` (some 230 families at 1 % and alpha
    .05), and three or four failures in a row end a hopeless run. A bolder one, such as `10 p0`, would save little on
    models that always fail and would lose money up to `3.9 p0`.
    """
    return min(FAIL_FACTOR * p0, (1 + p0) / 2)


def e_value(failures: int, n: int, p0: float, alternative: float) -> float:
    """Evidence against the rate `p0`, as the likelihood ratio `(q / p0)^failures ((1 - q) / (1 - p0))^(n - failures)`.

    With `q < p0` its expectation is at most 1 wherever the true rate is `p0` or more, with `q > p0` wherever it is `p0`
    or less. The chance that it ever reaches `1 / alpha` is then at most alpha (Ville 1939; Ramdas and others 2023,
    Statistical Science 38, 576-601), so that it may be read after each family.

    Args:
        failures: independent units that failed.
        n: independent units in all.
        p0: the rate argued against.
        alternative: the rate `q` that is bet on.

    Returns:
        At most about 1e299, so that it is always a number.

    Raises:
        SettingError: counts or rates that can't be.
    """
    _check_rates(p0, alternative)
    if not 0 <= failures <= n:
        message = f"counts must be whole numbers with 0 <= failures <= n; got {failures} of {n}"
        raise SettingError(message)
    up, down = _steps(p0, alternative)
    return exp(min(failures * up + (n - failures) * down, LARGEST))


def log_e_path(failed: Outcomes, p0: float, alternative: float) -> Float[np.ndarray, " families"]:
    """Logarithm of `e_value` after each family.

    Args:
        failed: whether each family failed, in the order that was fixed beforehand.
        p0: the rate argued against.
        alternative: the rate that is bet on.

    Raises:
        SettingError: rates that can't be.
    """
    _check_rates(p0, alternative)
    up, down = _steps(p0, alternative)
    return np.asarray(np.cumsum(np.where(np.asarray(failed, dtype=bool), up, down)), dtype=float)


def crossing(failed: Outcomes, p0: float, alternative: float, alpha: float) -> int | None:
    """How many families it took until the evidence first reached `1 / alpha`; None if it never did.

    Raises:
        SettingError: rates or an alpha that can't be.
    """
    _check_alpha(alpha)
    reached = np.flatnonzero(log_e_path(failed, p0, alternative) >= -log(alpha))
    return int(reached[0]) + 1 if len(reached) else None


def sequential_bound(failed: Outcomes, alpha: float) -> float:
    """Upper limit of the rate that holds however often it is looked at: the largest `p` never refuted on the way.

    Inverts the e-process that bets on `p / 10`; its evidence against `p` grows with `p`, so that the limit is below
    `p0` exactly if the evidence against `p0` reached `1 / alpha` at some point. 1 where no family is known.

    Args:
        failed: whether each family failed, in the order that was fixed beforehand.
        alpha: chance that the limit is ever too low.

    Raises:
        SettingError: an alpha that can't be.
    """
    _check_alpha(alpha)
    outcomes = np.asarray(failed, dtype=bool)
    if not len(outcomes):
        return 1.0
    k = np.cumsum(outcomes)
    passes = np.arange(1, len(k) + 1) - k

    def short(p: float) -> float:
        """How much evidence against `p` is lacking."""
        up, down = _steps(p, pass_alternative(p))
        return -log(alpha) - float((k * up + passes * down).max())

    if short(NEAR_ONE) > 0:
        return 1.0
    return float(brentq(short, 1e-300, NEAR_ONE, xtol=1e-15, rtol=1e-12))


def families_to_stop(failures: int, p0: float, alpha: float = 0.05) -> int:
    """Fewest families after which the e-process for PASS can stop, with so many failures among them.

    At alpha .05: 332, 587 and 842 for none, one and two failures at 1 %.

    Raises:
        SettingError: a count, rate or alpha that can't be.
    """
    _check_alpha(alpha)
    _check_rates(p0, pass_alternative(p0))
    if failures < 0:
        message = f"failures must be 0 or more; got {failures}"
        raise SettingError(message)
    up, down = _steps(p0, pass_alternative(p0))
    return failures + int(np.ceil((-log(alpha) - failures * up) / down - 1e-9))


def sequential_chance(n: int, rate: float, p0: float, alpha: float = 0.05) -> float:
    """Chance that the e-process for PASS stops within `n` families of a model with that true rate, exactly.

    Args:
        n: families asked at the most.
        rate: true failure rate.
        p0: the rate argued against.
        alpha: of the e-process.

    Raises:
        SettingError: counts, rates or an alpha that can't be.
    """
    if n < 0 or not 0 <= rate <= 1:
        message = f"a chance to pass needs n >= 0 and a true rate from 0 to 1; got n {n}, rate {rate}"
        raise SettingError(message)
    stops: list[int] = []
    while (at := families_to_stop(len(stops), p0, alpha)) <= n:
        stops.append(at)
    # Paths that haven't stopped, by how often they failed. A path with k failures stops at the k-th of `stops`.
    open_paths = np.zeros(len(stops) + 1)
    open_paths[0], passed, at = 1.0, 0.0, 0
    for failures, stop in enumerate(stops):
        for _ in range(stop - at):
            # Who failed more often than can still be made good drops out at the end of the array.
            open_paths[1:] = open_paths[1:] * (1 - rate) + open_paths[:-1] * rate
            open_paths[0] *= 1 - rate
        at = stop
        passed += float(open_paths[failures])
        open_paths[failures] = 0.0
    return min(1.0, passed)


def _steps(p0: float, alternative: float) -> tuple[float, float]:
    """What a failure and a pass add to the logarithm."""
    return log(alternative / p0), log1p(-alternative) - log1p(-p0)


def _check_rates(p0: float, alternative: float) -> None:
    if not (0 < p0 < 1 and 0 < alternative < 1):
        message = f"rates must lie between 0 and 1; got p0 {p0}, alternative {alternative}"
        raise SettingError(message)


def _check_alpha(alpha: float) -> None:
    if not 0 < alpha < 1:
        message = f"alpha {alpha} must lie between 0 and 1, such as 0.05"
        raise SettingError(message)
