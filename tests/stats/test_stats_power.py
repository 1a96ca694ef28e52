"""Power against every outcome counted one by one, and the planner's differences against the power they promise."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import multinomial

from holdtrue.errors import SettingError
from holdtrue.stats import detectable_difference, mcnemar, mcnemar_power


@pytest.mark.parametrize(
    ("n", "p_worse", "p_better", "alpha"),
    [(12, 0.5, 0.05, 0.05), (20, 0.3, 0.2, 0.05), (25, 0.4, 0.1, 0.01), (8, 0.9, 0.0, 0.05), (5, 1.0, 0.0, 0.05)],
)
def test_power_is_the_sum_over_outcomes_that_reject(n, p_worse, p_better, alpha):
    expected = sum(
        multinomial.pmf([worse, better, n - worse - better], n, [p_worse, p_better, 1 - p_worse - p_better])
        for worse in range(n + 1)
        for better in range(n + 1 - worse)
        if mcnemar(worse, better) <= alpha
    )
    assert mcnemar_power(n, p_worse, p_better, alpha) == pytest.approx(expected, abs=1e-12)


@given(st.integers(0, 60), st.floats(0, 0.5))
def test_without_a_difference_the_test_keeps_its_level(n, p):
    assert mcnemar_power(n, p, p) <= 0.05


def test_five_families_can_show_nothing_and_six_only_everything():
    assert mcnemar_power(5, 1.0, 0.0) == 0
    assert mcnemar_power(6, 1.0, 0.0) == 1


@settings(max_examples=30)
@given(st.integers(6, 100), st.floats(0, 1), st.floats(0, 1))
def test_the_detectable_difference_has_the_power_and_less_has_not(n, base, discordance):
    found = detectable_difference(n, base, discordance=discordance)
    for difference, low in ((found.worse, base), (found.better, base - (found.better or 0))):
        if difference is None:
            continue
        for share, enough in ((1.0, True), (0.98, False)):
            other = low if difference == found.worse else base - share * difference
            noise = discordance * other * (1 - other - share * difference)
            assert (mcnemar_power(n, noise + share * difference, noise) >= 0.8 - 1e-9) is enough


def test_more_families_show_smaller_differences():
    found = [detectable_difference(n, 0.25).worse for n in (24, 48, 96, 192)]
    assert found == sorted(found, reverse=True)
    assert found[0] < 0.6
    assert found[-1] < 0.15


def test_what_never_fails_cannot_be_better():
    assert detectable_difference(100, 0.0).better is None
    assert detectable_difference(100, 1.0).worse is None
    assert detectable_difference(0, 0.5).worse is None


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: mcnemar_power(10, 0.7, 0.6), "p_worse 0.7"),
        (lambda: mcnemar_power(-1, 0.1, 0.1), "n -1"),
        (lambda: detectable_difference(10, 1.5), "base rate 1.5"),
        (lambda: detectable_difference(10, 0.5, power=80.0), "power 80.0"),
    ],
)
def test_impossible_plans_are_named(call, said):
    with pytest.raises(SettingError, match=said):
        call()
