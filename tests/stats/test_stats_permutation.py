"""Do max-T and the pooled q-values hold their level, and find what is there?"""

import numpy as np
import pytest

from holdtrue.errors import SettingError
from holdtrue.stats.permutation import max_t, permutation_q, random_signs, sign_flip_max_t, sign_flip_null


def rng(seed=0):
    return np.random.default_rng(seed)


def test_a_family_has_one_sign():
    signs = random_signs(np.array([7, 3, 7, 9]), 200, rng())
    assert set(np.unique(signs)) == {-1, 1}
    assert (signs[0] == signs[2]).all()
    assert (signs[0] != signs[1]).any()
    assert (random_signs(np.array([4, 1, 0]), 50, rng()) == random_signs(np.arange(3), 50, rng())[[2, 1, 0]]).all()


def test_max_t_is_the_step_down_by_hand():
    observed = np.array([1.0, 3.0, 2.0])
    null = np.array([[0.5, 4.0, 0.0], [1.5, 0.0, 0.0], [0.0, 0.0, 2.5], [0.0, 0.0, 0.0]])
    # 3 is exceeded by the greatest of one flip; 2 by the greatest of words 0 and 2 in one; 1 by word 0's own in one.
    assert max_t(observed, null).tolist() == [0.4, 0.4, 0.4]
    assert max_t(np.array([1.0, 3.0, 1.2]), null).tolist() == [0.6, 0.4, 0.6]


def test_q_pools_the_tests():
    null = np.arange(1, 100.0).reshape(33, 3)
    found = permutation_q(np.array([200.0, 99.0, 50.5]), null)
    assert found == pytest.approx([0.01 * 3, 0.02 * 3 / 2, 0.5])


def test_the_chance_of_any_false_finding_is_held_with_correlated_tests():
    draw, runs, alarms = rng(1), 200, 0
    for _ in range(runs):
        shared = draw.normal(size=(40, 1))
        differences = 0.8 * shared + draw.standard_t(3, size=(40, 15))
        alarms += sign_flip_max_t(differences, draw, flips=199).min() <= 0.1
    assert 0.03 * runs <= alarms <= 0.16 * runs


def test_families_swap_as_one():
    """Twenty copies of each pair: taken as independent they would alarm nearly always."""
    draw, alarms = rng(2), 0
    families = np.repeat(np.arange(20), 20)
    for _ in range(100):
        copies = np.repeat(draw.normal(size=(20, 5)), 20, axis=0)
        alarms += sign_flip_max_t(copies, draw, families, flips=99).min() <= 0.05
    assert alarms <= 14
    shifted = np.repeat(draw.normal(size=(20, 5)) + np.array([2, 0, 0, 0, 0]), 20, axis=0)
    assert sign_flip_max_t(shifted, draw, families).argmin() == 0


def test_shifts_are_found_and_their_share_of_false_ones_is_small():
    draw = rng(3)
    differences = draw.normal(size=(300, 100))
    differences[:, :10] += 0.4
    scale = np.sqrt((differences**2).sum(axis=0))
    null = np.abs(sign_flip_null(lambda signs: differences.T @ signs / scale[:, None], np.arange(300), 299, draw))
    q = permutation_q(np.abs(differences.sum(axis=0)) / scale, null)
    assert (q[:10] <= 0.05).all()
    assert (q[10:] <= 0.05).sum() <= 3


def test_the_same_seed_gives_the_same_p_values():
    differences = rng(4).normal(size=(30, 4))
    assert (sign_flip_max_t(differences, rng(5)) == sign_flip_max_t(differences, rng(5))).all()


def test_a_column_of_zeros_is_no_finding():
    differences = np.column_stack([np.zeros(30), rng(6).normal(size=30)])
    assert sign_flip_max_t(differences, rng(6))[0] == 1


def test_no_flips_are_no_null():
    with pytest.raises(SettingError, match="flips 0 must be at least 1"):
        sign_flip_max_t(np.ones((4, 2)), rng(), flips=0)
    with pytest.raises(SettingError, match="a null of no flips"):
        max_t(np.ones(3), np.ones((0, 3)))
