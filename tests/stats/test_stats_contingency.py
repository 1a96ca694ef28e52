"""Two-by-two tables against fractions, scipy and published tables, at sizes where log-gammas lose their digits."""

from fractions import Fraction
from math import comb, inf

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import fisher_exact
from scipy.stats.contingency import odds_ratio as scipy_odds_ratio

from holdtrue.errors import SettingError
from holdtrue.stats.contingency import fisher_greater, homogeneity_greater, odds_ratio, odds_ratio_interval


def by_fractions(k, total, positive, n):
    ways = sum(comb(total, j) * comb(n - total, positive - j) for j in range(k, min(total, positive) + 1))
    return float(Fraction(ways, comb(n, positive)))


def one(k, total, positive, n):
    return float(fisher_greater(np.array([k]), np.array([total]), positive, n)[0])


@given(st.data())
def test_any_small_table_to_ten_digits(data):
    n = data.draw(st.integers(1, 600))
    total, positive = data.draw(st.integers(0, n)), data.draw(st.integers(0, n))
    k = data.draw(st.integers(0, min(total, positive)))
    assert one(k, total, positive, n) == pytest.approx(by_fractions(k, total, positive, n), rel=1e-10, abs=1e-290)


@pytest.mark.parametrize(
    ("k", "total", "positive", "n"),
    [
        (3, 3, 3000, 10**6),
        (10, 12, 30_000, 10**7),
        (40, 1000, 3000, 10**6),
        (9, 11, 200, 20_000),
        (60, 20_000, 300, 10**6),
    ],
)
def test_large_tables_to_ten_digits(k, total, positive, n):
    assert one(k, total, positive, n) == pytest.approx(by_fractions(k, total, positive, n), rel=1e-10)


@pytest.mark.parametrize("table", [(3, 1, 1, 3), (10, 2, 3, 15), (0, 5, 6, 7), (12, 5, 29, 2)])
def test_fisher_and_the_interval_agree_with_scipy(table):
    a, b, c, d = table
    assert one(a, a + b, a + c, sum(table)) == pytest.approx(
        fisher_exact([[a, b], [c, d]], "greater").pvalue, rel=1e-10
    )
    expected = scipy_odds_ratio([[a, b], [c, d]], kind="conditional").confidence_interval(0.95)
    assert odds_ratio_interval(*table) == pytest.approx((expected.low, expected.high), rel=1e-5)


def test_the_interval_of_fishers_twins():
    """13 monozygotic twins of convicts, 10 convicted, and 17 dizygotic ones, 2: R's help page of `fisher.test` prints
    0.003325764 to 0.363182271 for the inverse, whose roots are found to 1e-4."""
    low, high = odds_ratio_interval(10, 3, 2, 15)
    assert (1 / high, 1 / low) == pytest.approx((0.003325764, 0.363182271), abs=1.5e-5)
    assert odds_ratio(10, 3, 2, 15) == 25.0


def test_certain_and_impossible_counts():
    assert one(0, 5, 5, 10) == 1.0
    assert one(6, 5, 5, 10) == 0.0
    assert one(2, 7, 5, 10) == 1.0  # at least 2 of 5 must be among 7 of 10
    assert one(0, 0, 0, 0) == 1.0


def test_without_counterexamples_the_upper_limit_is_infinite():
    low, high = odds_ratio_interval(10, 0, 50, 19_940)
    assert low > 500
    assert high == inf
    assert odds_ratio(10, 0, 50, 19_940) == inf
    assert odds_ratio_interval(0, 10, 50, 100)[0] == 0.0


def test_equal_odds_are_not_told_apart_and_very_unequal_ones_are():
    same = homogeneity_greater((40, 60, 100, 900), (40, 60, 100, 900))
    assert 0.4 < same < 0.7
    assert homogeneity_greater((40, 60, 100, 900), (10, 90, 100, 900)) < 1e-4
    assert homogeneity_greater((10, 90, 100, 900), (40, 60, 100, 900)) > 0.99


def test_impossible_counts_are_refused():
    with pytest.raises(SettingError, match="counts must satisfy"):
        one(1, 11, 5, 10)
    with pytest.raises(SettingError, match="can't be negative"):
        odds_ratio_interval(-1, 2, 3, 4)
    with pytest.raises(SettingError, match="can't be negative"):
        homogeneity_greater((1, 2, 3, 4), (1, -2, 3, 4))
