"""Do intervals over families cover, and does the sign flip test hold its level?"""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import permutation_test

from holdtrue.errors import EvidenceError
from holdtrue.stats import cluster_bootstrap, jackknife_bootstrap, paired_differences, sign_flip

SHARES = (0.0, 1.0)


def rng(seed=0):
    return np.random.default_rng(seed)


def test_variants_of_a_family_are_one_unit():
    few = {name: [float(name)] for name in range(8)}
    many = {name: [float(name)] * 50 for name in range(8)}
    assert cluster_bootstrap(many, rng()) == cluster_bootstrap(few, rng())


def test_families_of_different_sizes_count_alike():
    found = cluster_bootstrap({"a": [0.0] * 9, "b": [1.0], "c": []}, rng())
    assert (found.value, found.families) == (0.5, 2)


def test_correlated_variants_are_covered():
    """Variants share 80 % of their variance; taking them as independent would cover about 60 %."""
    draw, covered, n_sets = rng(1), 0, 300
    for _ in range(n_sets):
        level = draw.normal(size=12)
        values = {name: list(2 * level[name] + draw.normal(size=6)) for name in range(12)}
        low, high = cluster_bootstrap(values, draw).interval
        covered += low <= 0 <= high
    assert covered >= 0.92 * n_sets


def test_under_five_families_there_is_no_interval():
    found = cluster_bootstrap({name: [float(name)] for name in range(4)}, rng(), bounds=SHARES)
    assert (found.value, found.interval, found.families) == (1.5, None, 4)


def test_equal_families_leave_room_within_bounds_and_say_nothing_without():
    same = {name: [0.0] for name in range(12)}
    low, high = cluster_bootstrap(same, rng(), bounds=SHARES).interval
    assert low == 0
    assert high == pytest.approx(1 - 0.025 ** (1 / 12), abs=0.02)
    assert cluster_bootstrap(same, rng()).interval is None


def test_a_few_families_that_differ_have_a_finite_interval():
    mostly_same = {name: [0.0] for name in range(11)} | {11: [1.0]}
    low, high = cluster_bootstrap(mostly_same, rng()).interval
    assert np.isfinite([low, high]).all()
    assert low <= 1 / 12 <= high


def test_nothing_has_no_mean():
    with pytest.raises(EvidenceError, match="got 0"):
        cluster_bootstrap({"a": []}, rng())


def test_only_variants_that_both_have_are_paired():
    arm = {"a": {0: 3.0, 1: 5.0}, "b": {0: 1.0}, "c": {0: 1.0}}
    against = {"a": {1: 1.0, 2: 9.0}, "b": {1: 0.0}}
    assert paired_differences(arm, against) == {"a": [4.0]}


@pytest.mark.parametrize("n", [2, 4, 8])
def test_sign_flips_agree_with_scipys_exact_test(n):
    values = rng(n).normal(0.5, 1, n)
    expected = permutation_test((values,), np.mean, permutation_type="samples", n_resamples=np.inf).pvalue
    assert sign_flip({at: [value] for at, value in enumerate(values)}, rng()) == pytest.approx(expected)


def test_sign_flips_by_hand():
    differences = {"a": [2.0, 4.0], "b": [1.0], "c": [0.0]}
    sums = [abs(3 * one + two) for one, two in product((-1, 1), repeat=2)]
    assert sign_flip(differences, rng()) == sum(each >= 4 for each in sums) / 4
    assert sign_flip({"a": [0.0]}, rng()) == 1.0


def test_drawn_flips_are_near_the_exact_ones_and_never_zero():
    values = {at: [1.0] for at in range(30)}
    assert 0 < sign_flip(values, rng()) < 0.001
    noise = rng(5).normal(0.3, 1, 14)
    drawn = sign_flip({at: [value] for at, value in enumerate(noise)}, rng())
    signs = np.array(list(product((-1, 1), repeat=14)))
    assert drawn == pytest.approx((np.abs(signs @ noise) >= abs(noise.sum()) - 1e-9).mean(), abs=0.02)


@given(st.lists(st.floats(-1e3, 1e3), min_size=5, max_size=12), st.integers(0, 10))
def test_no_figure_is_ever_nan_and_the_mean_lies_within(values, seed):
    found = cluster_bootstrap({at: [value] for at, value in enumerate(values)}, rng(seed))
    if found.interval is not None:
        low, high = found.interval
        assert np.isfinite([low, high]).all()
        assert low <= found.value <= high
    assert 0 < sign_flip({at: [value] for at, value in enumerate(values)}, rng(seed)) <= 1


def test_the_jackknife_of_a_mean_is_the_mean():
    values = rng(3).exponential(size=15)
    left_out = (values.sum() - values) / 14
    found = jackknife_bootstrap(values.mean(), left_out, rng())
    plain = cluster_bootstrap({at: [value] for at, value in enumerate(values)}, rng())
    assert found.value == plain.value
    assert found.interval == pytest.approx(plain.interval)


def test_a_figure_that_one_family_decides_has_no_interval():
    assert jackknife_bootstrap(1.0, np.array([1.0] * 9 + [np.nan]), rng()).interval is None
