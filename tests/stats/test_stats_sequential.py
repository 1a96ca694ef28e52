"""E-processes: published counts, the promise at every look, the bound that belongs to them, and exact planning."""

from math import log

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from holdtrue.errors import SettingError
from holdtrue.stats import (
    crossing,
    e_value,
    fail_alternative,
    families_to_stop,
    log_e_path,
    pass_alternative,
    sequential_bound,
    sequential_chance,
)


@pytest.mark.parametrize(("p0", "expected"), [(0.01, (332, 587, 842)), (0.001, (3327, 5885, 8443))])
def test_families_to_stop_with_none_one_and_two_failures(p0, expected):
    assert tuple(families_to_stop(k, p0) for k in range(3)) == expected
    for failures, n in enumerate(expected):
        assert e_value(failures, n, p0, p0 / 10) >= 20 > e_value(failures, n - 1, p0, p0 / 10)


def test_the_evidence_is_the_ratio_of_likelihoods():
    assert e_value(2, 30, 0.1, 0.01) == pytest.approx(binom.pmf(2, 30, 0.01) / binom.pmf(2, 30, 0.1))
    path = log_e_path([False, True, False, True], 0.1, 0.01)
    assert np.exp(path[-1]) == pytest.approx(e_value(2, 4, 0.1, 0.01))


@pytest.mark.parametrize("bet", [pass_alternative, fail_alternative])
def test_at_p0_the_expected_evidence_is_one(bet):
    n, p0 = 40, 0.05
    values = [e_value(k, n, p0, bet(p0)) for k in range(n + 1)]
    assert np.dot(values, binom.pmf(range(n + 1), n, p0)) == pytest.approx(1)


@pytest.mark.parametrize(("bet", "worse"), [(pass_alternative, 0.08), (fail_alternative, 0.02)])
def test_beyond_p0_it_is_less(bet, worse):
    values = [e_value(k, 40, 0.05, bet(0.05)) for k in range(41)]
    assert np.dot(values, binom.pmf(range(41), 40, worse)) < 1


def test_hopeless_runs_end_soon():
    assert crossing([True] * 10, 0.01, fail_alternative(0.01), 0.05) == 3
    assert crossing([True] * 10, 0.01, fail_alternative(0.01), 0.025) == 4
    assert crossing([False] * 1000, 0.01, fail_alternative(0.01), 0.05) is None
    growth = 0.018 * log(3) + 0.982 * log(0.97 / 0.99)
    assert growth == pytest.approx(0, abs=1e-3)  # about 1.8 p0 is where it begins to grow


@pytest.mark.parametrize("bet", [pass_alternative, fail_alternative])
def test_looking_after_every_family_keeps_alpha(bet):
    rng = np.random.default_rng(11)
    runs = rng.random((4000, 600)) < 0.05
    stopped = sum(crossing(run, 0.05, bet(0.05), 0.05) is not None for run in runs)
    assert stopped <= binom.ppf(0.9999, 4000, 0.05)
    assert stopped > 40  # the promise isn't kept by never stopping


@settings(max_examples=60)
@given(st.lists(st.booleans(), max_size=80), st.floats(0.01, 0.5), st.floats(0.001, 0.3))
def test_the_bound_is_below_p0_exactly_if_the_evidence_sufficed(failed, alpha, p0):
    bound = sequential_bound(failed, alpha)
    if abs(bound - p0) > 1e-9:
        assert (bound < p0) == (crossing(failed, p0, pass_alternative(p0), alpha) is not None)


def test_the_bound_covers_at_every_look_together():
    rng = np.random.default_rng(5)
    missed = sum(sequential_bound(run, 0.1) < 0.1 for run in rng.random((600, 200)) < 0.1)
    assert missed <= binom.ppf(0.9999, 600, 0.1)


def test_the_bound_never_rises_again():
    run = [False] * 60 + [True] * 3
    assert sequential_bound(run, 0.05) <= sequential_bound(run[:60], 0.05)
    assert sequential_bound([], 0.05) == 1.0


def test_the_exact_chance_to_stop_is_what_simulation_finds():
    rng = np.random.default_rng(3)
    runs = rng.random((4000, 400)) < 0.01
    found = sum(crossing(run, 0.05, 0.005, 0.05) is not None for run in runs)
    low, high = binom.ppf([1e-4, 1 - 1e-4], 4000, sequential_chance(400, 0.01, 0.05))
    assert low <= found <= high


def test_the_chance_to_stop_by_counting_every_path():
    n, rate, p0, alpha = 12, 0.3, 0.6, 0.2
    total = 0.0
    for path in range(2**n):
        failed = [bool(path >> at & 1) for at in range(n)]
        if crossing(failed, p0, pass_alternative(p0), alpha) is not None:
            total += rate ** sum(failed) * (1 - rate) ** (n - sum(failed))
    assert sequential_chance(n, rate, p0, alpha) == pytest.approx(total)


@pytest.mark.parametrize(("n", "p0"), [(332, 0.01), (3327, 0.001)])
def test_a_model_that_never_fails_stops_for_sure_and_no_sooner(n, p0):
    assert sequential_chance(n, 0.0, p0) == 1.0
    assert sequential_chance(n - 1, 0.0, p0) == 0.0


def test_evidence_is_always_a_number():
    assert np.isfinite(e_value(0, 10**7, 0.5, 0.05))
    assert e_value(10**6, 10**6, 0.5, 0.05) == 0.0


@pytest.mark.parametrize(
    "call",
    [
        lambda: e_value(3, 2, 0.1, 0.01),
        lambda: e_value(0, 2, 0.0, 0.01),
        lambda: e_value(0, 2, 0.1, 1.0),
        lambda: crossing([], 0.1, 0.01, 1.0),
        lambda: sequential_bound([True], 0.0),
        lambda: families_to_stop(-1, 0.1),
        lambda: sequential_chance(-1, 0.1, 0.1),
        lambda: sequential_chance(5, 1.1, 0.1),
    ],
)
def test_what_cannot_be_is_refused(call):
    with pytest.raises(SettingError, match=r"got|must lie"):
        call()
