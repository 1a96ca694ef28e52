"""Many paired tests at once, their null made by swapping the members of pairs."""

from collections.abc import Callable
from typing import Final, TypeAlias

import numpy as np
from jaxtyping import Float, Int

from holdtrue.errors import SettingError
from holdtrue.stats.multiple import benjamini_hochberg

__all__ = ["max_t", "permutation_q", "random_signs", "sign_flip_max_t", "sign_flip_null"]

BLOCK: Final = 64
"""Flips made at a time: the signs of 100,000 pairs then take 25 MB."""
NEAR: Final = 1e-6
"""Ties count as exceedances, whatever order the floats were added in."""

Sums: TypeAlias = Callable[[np.ndarray], np.ndarray]
"""From signs (units x flips) to statistics (tests x flips)."""


def random_signs(
    families: Int[np.ndarray, " units"], flips: int, rng: np.random.Generator
) -> Float[np.ndarray, "units flips"]:
    """Signs of -1 or 1, the same for all units of a family.

    Args:
        families: each unit's, any whole numbers.
        flips: how many sets of signs.
        rng: source of the signs.
    """
    named, at = np.unique(families, return_inverse=True)
    signs = rng.integers(0, 2, size=(len(named), flips), dtype=np.int8).astype(np.float32) * 2 - 1
    return signs if len(named) == len(families) and bool((at == np.arange(len(at))).all()) else signs[at]


def sign_flip_null(
    sums: Sums, families: Int[np.ndarray, " units"], flips: int, rng: np.random.Generator
) -> Float[np.ndarray, "flips tests"]:
    """Statistics of datasets in which the members of pairs were swapped at random.

    Args:
        sums: gives the statistics of some sets of signs; for a matrix of differences `d`, `d.T @ signs`, scaled and
            centred as the observed ones are.
        families: each pair's; a family is swapped as a whole.
        flips: how many datasets.
        rng: source of the signs.

    Raises:
        SettingError: no flip asked for.
    """
    if flips < 1:
        message = f"flips {flips} must be at least 1; 999 give p-values down to 0.001"
        raise SettingError(message)
    blocks = [sums(random_signs(families, min(BLOCK, flips - at), rng)).T for at in range(0, flips, BLOCK)]
    return np.concatenate(blocks).astype(np.float32)


def max_t(observed: Float[np.ndarray, " tests"], null: Float[np.ndarray, "flips tests"]) -> Float[np.ndarray, " tests"]:
    """Adjusted p-values that keep the chance of any false finding, whatever the tests' dependence.

    Step-down max-T (Westfall and Young 1993, Resampling-Based Multiple Testing, algorithm 4.1): with tests ordered from
    the most extreme, `p_(k) = (1 + #{flips: max over tests k, k+1, ... >= observed_(k)}) / (1 + flips)`, and none is
    smaller than one before it.

    Args:
        observed: statistics of one scale, larger ones further from the null; absolute values for two sides.
        null: the same statistics under it.

    Raises:
        SettingError: a null without flips.
    """
    _check(null)
    if not len(observed):
        return np.zeros(0)
    order = np.argsort(-observed, kind="stable")
    most = np.maximum.accumulate(null[:, order[::-1]], axis=1)[:, ::-1]
    exceed = (most >= observed[order] - NEAR).sum(axis=0)
    adjusted = np.empty(len(observed))
    adjusted[order] = np.maximum.accumulate((1 + exceed) / (1 + len(null)))
    return adjusted


def permutation_q(
    observed: Float[np.ndarray, " tests"], null: Float[np.ndarray, "flips tests"]
) -> Float[np.ndarray, " tests"]:
    """Adjusted p-values that keep the share of false findings, from the null statistics of all tests together.

    `p_j = (1 + #{null >= observed_j}) / (1 + flips tests)`, then Benjamini and Hochberg's (1995) step-up. Pooling the
    tests (Storey and Tibshirani 2003, PNAS 100, 9440-9445) lets a thousand flips tell p-values of a millionth apart;
    it asks that the statistics have one scale.

    Args:
        observed: statistics, larger ones further from the null.
        null: the same statistics under it.

    Raises:
        SettingError: a null without flips.
    """
    _check(null)
    pooled = np.sort(null, axis=None)
    exceed = len(pooled) - np.searchsorted(pooled, observed - NEAR, side="left")
    return np.array(benjamini_hochberg(((1 + exceed) / (1 + len(pooled))).tolist()))


def sign_flip_max_t(
    differences: Float[np.ndarray, "pairs tests"],
    rng: np.random.Generator,
    families: Int[np.ndarray, " pairs"] | None = None,
    flips: int = 999,
) -> Float[np.ndarray, " tests"]:
    """Two-sided max-T p-values of many paired differences, `T = |sum d| / sqrt(sum d^2)` over families.

    Args:
        differences: of each pair, a column a test.
        rng: source of the flips.
        families: each pair's; by default every pair stands for itself.
        flips: random swaps.

    Raises:
        SettingError: no flip asked for.
    """
    named, at = np.unique(np.arange(len(differences)) if families is None else families, return_inverse=True)
    total = np.zeros((len(named), differences.shape[1]))
    np.add.at(total, at, differences)
    scale = np.sqrt((total**2).sum(axis=0))
    scale[scale == 0] = 1
    null = sign_flip_null(lambda signs: np.abs(total.T @ signs) / scale[:, None], np.arange(len(named)), flips, rng)
    return max_t(np.abs(total.sum(axis=0)) / scale, null)


def _check(null: Float[np.ndarray, "flips tests"]) -> None:
    if not len(null):
        message = "a null of no flips says nothing; make at least one, 999 for p-values down to 0.001"
        raise SettingError(message)
