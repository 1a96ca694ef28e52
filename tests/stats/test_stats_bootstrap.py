"""Does the interval of a mean cover as often as it says, where units are few and skewed?"""

import numpy as np
import pytest

from holdtrue.errors import EvidenceError
from holdtrue.stats import bootstrap_mean

SHARES = (0.0, 1.0)


def interval(values, *, seed=0, **options):
    return bootstrap_mean(np.array(values, dtype=float), np.random.default_rng(seed), **options)


@pytest.mark.parametrize(("a", "b"), [(0.5, 10.0), (1.0, 20.0), (2.0, 40.0), (1.0, 3.0), (8.0, 0.8)])
def test_twelve_skewed_shares_are_covered(a, b):
    """A percentile interval covers 0.86 to 0.91 of such sets."""
    rng = np.random.default_rng(0)
    n_sets, covered = 800, 0
    for _ in range(n_sets):
        low, high = bootstrap_mean(rng.beta(a, b, 12), rng, bounds=SHARES)
        covered += low <= a / (a + b) <= high
    assert covered >= 0.93 * n_sets


def test_shares_that_are_all_zero_or_one_leave_room():
    """Clopper and Pearson's limit for none of twelve."""
    bound = 1 - 0.025 ** (1 / 12)
    low, high = interval([0.0] * 12, bounds=SHARES)
    assert (low, high) == (0.0, pytest.approx(bound, abs=0.02))
    low, high = interval([1.0] * 12, bounds=SHARES)
    assert (low, high) == (pytest.approx(1 - bound, abs=0.02), pytest.approx(1.0))


def test_equal_shares_leave_room_on_both_sides_and_without_bounds_everything():
    low, high = interval([0.3] * 12, bounds=SHARES)
    assert 0.15 < low < 0.3 < high < 0.6
    assert interval([0.3] * 12) == (-np.inf, np.inf)


def test_one_share_above_zero_is_no_certainty():
    low, high = interval([0.0] * 11 + [0.01], bounds=SHARES)
    assert low >= 0
    assert 0.1 < high < 0.4


@pytest.mark.parametrize("values", [[0.0, 1.0], [0.0, 0.1, 0.9], [0.99] * 5 + [0.2]])
def test_shares_stay_shares_and_the_mean_lies_within(values):
    low, high = interval(values, bounds=SHARES)
    assert 0 <= low <= np.mean(values) <= high <= 1


def test_figures_that_are_no_shares_are_not_clipped():
    values = np.random.default_rng(3).normal(50, 5, 40)
    low, high = interval(values)
    assert 45 < low < values.mean() < high < 55
    assert interval(values) == (low, high), "the same seed, the same interval"
    assert interval(10 * values) == pytest.approx((10 * low, 10 * high))


def test_one_unit_has_no_interval():
    with pytest.raises(EvidenceError, match="got 1"):
        interval([0.5])
