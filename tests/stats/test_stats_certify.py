"""Planning against the published counts, brute force and the binomial."""

import pytest
from scipy.stats import binom

from holdtrue.errors import SettingError
from holdtrue.stats import allowed_failures, certifiable_rate, chance_to_pass, families_needed, upper_bound


@pytest.mark.parametrize(("p0", "expected"), [(0.01, (299, 473, 628)), (0.001, (2995, 4742, 6294))])
def test_families_needed_with_none_one_and_two_failures(p0, expected):
    assert tuple(families_needed(k, p0) for k in range(3)) == expected


@pytest.mark.parametrize(("p0", "n"), [(0.01, 459), (0.001, 4603)])
def test_families_needed_at_99_percent(p0, n):
    assert families_needed(0, p0, 0.01) == n


def test_one_family_can_be_enough():
    assert families_needed(0, 0.999, 0.05) == 1
    assert families_needed(1, 0.999, 0.05) == next(n for n in range(2, 9) if upper_bound(1, n) < 0.999)


@pytest.mark.parametrize("n", [298, 299, 472, 473, 627, 628])
def test_allowed_failures_by_trying_each(n):
    tried = [k for k in range(10) if upper_bound(k, n) < 0.01]
    assert allowed_failures(n, 0.01) == max(tried, default=-1)


def test_what_families_certify_is_where_they_begin_to_suffice():
    rate = certifiable_rate(312, 0.05, 0.985)
    assert rate == pytest.approx(0.0097, abs=5e-5)
    assert families_needed(0, rate * 1.0001, 0.05, 0.985) <= 312 < families_needed(0, rate * 0.999, 0.05, 0.985)


def test_the_chance_of_a_false_pass_is_at_most_alpha():
    for n in (299, 400, 473, 1000):
        assert 0 < chance_to_pass(n, 0.01, 0.01) <= 0.05
    assert chance_to_pass(400, 0.001, 0.01) == pytest.approx(binom.pmf(0, 400, 0.001))
    assert chance_to_pass(500, 0.001, 0.01) == pytest.approx(binom.cdf(1, 500, 0.001))
    assert chance_to_pass(298, 0.0, 0.01) == 0.0


@pytest.mark.parametrize(
    "call",
    [
        lambda: families_needed(-1, 0.01),
        lambda: families_needed(0, 1.0),
        lambda: families_needed(0, 0.01, recall=0.0),
        lambda: allowed_failures(10, 0.0),
        lambda: chance_to_pass(10, 1.5, 0.1),
    ],
)
def test_what_cannot_be_is_refused(call):
    with pytest.raises(SettingError, match=r"p0|true rate"):
        call()
