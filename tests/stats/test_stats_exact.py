"""Intervals of counts against published tables, brute force and scipy, at zero failures above all."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import xlogy
from scipy.stats import binomtest, multinomial, norm

from holdtrue.errors import EvidenceError, SettingError
from holdtrue.stats import clopper_pearson, mcnemar, paired_difference, upper_bound

COUNTS = st.integers(0, 30)


@pytest.mark.parametrize(("failures", "n"), [(0, 299), (1, 473), (2, 628)])
def test_the_fewest_families_that_keep_the_bound_under_one_percent(failures, n):
    assert upper_bound(failures, n) < 0.01 < upper_bound(failures, n - 1)


def test_no_failure_of_299_is_just_under_one_percent():
    assert upper_bound(0, 299) == pytest.approx(0.00997, abs=5e-6)
    assert upper_bound(0, 459, level=0.99) < 0.01 < upper_bound(0, 458, level=0.99)


def test_no_unit_says_nothing():
    assert clopper_pearson(0, 0) == (0.0, 1.0)
    assert upper_bound(0, 0) == 1.0


@given(COUNTS, COUNTS, st.floats(0.5, 0.99))
def test_clopper_and_pearson_agree_with_scipy(failures, passes, level):
    if failures + passes == 0:
        return
    expected = binomtest(failures, failures + passes).proportion_ci(level, "exact")
    assert clopper_pearson(failures, failures + passes, level) == pytest.approx(tuple(expected), abs=1e-9)


@pytest.mark.parametrize(
    ("worse", "better", "p"),
    [(0, 0, 1.0), (5, 0, 0.0625), (6, 0, 0.03125), (1, 7, 0.0703125), (6, 16, 0.052479), (4, 4, 1.0)],
)
def test_exact_mcnemar_of_textbook_tables(worse, better, p):
    """1 and 7: hyper-responsive airways before and after transplantation; 6 and 16: responses before and after therapy
    (Fagerland, Lydersen and Laake 2017, chapter 8)."""
    assert mcnemar(worse, better) == pytest.approx(p, abs=1e-6)
    assert mcnemar(better, worse) == mcnemar(worse, better)


@pytest.mark.parametrize(
    ("table", "expected"),
    [((59, 6, 16, 80), (-0.0621, -0.1240, -0.0054)), ((1, 1, 7, 12), (-0.2857, -0.5172, -0.0260))],
)
def test_tangos_interval_of_published_tables(table, expected):
    """The same two tables; limits as Fagerland and others print them."""
    difference, interval = paired_difference(*table)
    assert (difference, *interval) == pytest.approx(expected, abs=6e-5)


def test_without_a_pair_that_disagrees_the_interval_keeps_its_width():
    z = norm.ppf(0.975)
    for n in (1, 12, 299):
        difference, (low, high) = paired_difference(n // 2, 0, 0, n - n // 2)
        assert difference == 0
        assert (low, high) == pytest.approx((-(z**2) / (n + z**2), z**2 / (n + z**2)))


def test_tangos_limits_are_where_the_score_crosses_the_quantile():
    """The score is maximised on a grid here instead of solved."""
    n, z = 20, norm.ppf(0.975)
    for worse, better in [(3, 1), (0, 6), (20, 0), (0, 0), (9, 11)]:
        inside = []
        for d in np.linspace(-0.999, 0.999, 1999):
            spare = np.linspace(max(0.0, -d), (1 - d) / 2, 1001)
            rest = np.maximum(1 - 2 * spare - d, 0)
            likely = xlogy(worse, np.maximum(spare + d, 0)) + xlogy(better, spare) + xlogy(n - worse - better, rest)
            q = spare[np.argmax(likely)]
            if (worse - better - n * d) ** 2 <= z**2 * n * (2 * q + d * (1 - d)):
                inside.append(d)
        _, interval = paired_difference(0, worse, better, n - worse - better)
        assert interval == pytest.approx((min(inside), max(inside)), abs=0.003)


@given(COUNTS, COUNTS, COUNTS, COUNTS)
def test_the_interval_holds_the_difference_and_turns_with_the_arms(both, worse, better, neither):
    if not both + worse + better + neither:
        return
    difference, (low, high) = paired_difference(both, worse, better, neither)
    assert -1 <= low <= difference <= high <= 1
    assert low < high
    turned = paired_difference(both, better, worse, neither)
    assert (turned[0], *turned[1]) == pytest.approx((-difference, -high, -low), abs=1e-9)


def test_tangos_interval_covers_a_dozen_families_on_average_and_seldom_fails_much():
    """Every outcome counted, for 60 truths."""
    n = 12
    cells = [(worse, better, n - worse - better) for worse in range(n + 1) for better in range(n + 1 - worse)]
    limits = np.array([paired_difference(0, worse, better, rest)[1] for worse, better, rest in cells])
    covered = []
    for worse in np.linspace(0, 0.9, 10):
        for better in np.linspace(0, 0.99 - worse, 6):
            chance = multinomial.pmf(cells, n, [worse, better, 1 - worse - better])
            d = worse - better
            covered.append(chance[(limits[:, 0] <= d + 1e-9) & (d <= limits[:, 1] + 1e-9)].sum())
    assert np.mean(covered) > 0.95
    assert min(covered) > 0.88


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: clopper_pearson(3, 2), "got 3 of 2"),
        (lambda: clopper_pearson(-1, 2), "got -1 of 2"),
        (lambda: upper_bound(0, 2, level=95.0), "level 95.0"),
        (lambda: mcnemar(-1, 4), "got -1"),
        (lambda: paired_difference(1, -2, 3, 4), "got -2"),
    ],
)
def test_impossible_counts_are_named(call, said):
    with pytest.raises(SettingError, match=said):
        call()


def test_no_pair_has_no_difference():
    with pytest.raises(EvidenceError, match="got 0"):
        paired_difference(0, 0, 0, 0)
