"""Limits seen through a detector, against scipy, closed forms and simulation."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, binomtest

from holdtrue.errors import SettingError
from holdtrue.stats import corrected_bound, lower_bound, recall_limit, upper_bound


def test_59_of_59_give_95_percent():
    assert recall_limit(59, 59) >= 0.95 > recall_limit(58, 58)
    assert recall_limit(59, 59) == pytest.approx(0.05 ** (1 / 59))
    assert recall_limit(0, 0) == recall_limit(0, 9) == 0.0


@given(st.integers(0, 40), st.integers(0, 40), st.floats(0.001, 0.4))
def test_the_lower_limit_agrees_with_scipy(failures, passes, alpha):
    if failures + passes:
        expected = binomtest(failures, failures + passes, alternative="greater").proportion_ci(1 - alpha, "exact").low
        assert lower_bound(failures, failures + passes, alpha) == pytest.approx(expected, abs=1e-9)


@given(st.integers(0, 20), st.integers(1, 400), st.floats(0.001, 0.4))
def test_with_perfect_recall_the_bound_is_that_of_the_counts(failures, passes, alpha):
    n = failures + passes
    assert corrected_bound(failures, n, alpha, 1.0) == pytest.approx(upper_bound(failures, n, 1 - alpha), abs=1e-9)
    assert corrected_bound(failures, n, alpha, 0.5) == pytest.approx(min(1.0, 2 * upper_bound(failures, n, 1 - alpha)))


def test_without_recall_nothing_is_known():
    assert corrected_bound(0, 1000, 0.05, 0.0) == 1.0
    assert corrected_bound(0, 0, 0.05, 1.0) == 1.0


def test_late_attempts_have_bounds_too():
    assert upper_bound(0, 1000) < corrected_bound(0, 1000, 1e-18, 1.0) < 0.05


@pytest.mark.parametrize("sensitivity", [0.6, 0.9, 0.99])
def test_the_corrected_bound_covers_the_true_rate(sensitivity):
    rng = np.random.default_rng(17)
    rate, n, planted, runs = 0.05, 120, 100, 1500
    seen = rng.binomial(n, rate * sensitivity, runs)
    found = rng.binomial(planted, sensitivity, runs)
    low = sum(
        corrected_bound(int(k), n, 0.05, recall_limit(int(f), planted)) < rate for k, f in zip(seen, found, strict=True)
    )
    assert low <= binom.ppf(0.9999, runs, 0.05)


def test_uncorrected_it_does_not():
    k = np.arange(121)
    low = np.array([corrected_bound(int(each), 120, 0.05, 1.0) < 0.05 for each in k])
    assert binom.pmf(k, 120, 0.05 * 0.6)[low].sum() > 0.1


@pytest.mark.parametrize(
    "call",
    [
        lambda: lower_bound(2, 1),
        lambda: lower_bound(0, 1, 0.0),
        lambda: recall_limit(-1, 3),
        lambda: corrected_bound(0, 1, 0.05, 1.1),
        lambda: corrected_bound(2, 1, 0.05, 1.0),
    ],
)
def test_what_cannot_be_is_refused(call):
    with pytest.raises(SettingError, match="must"):
        call()
