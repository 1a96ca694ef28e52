import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdtrue.errors import EvidenceError
from holdtrue.stats import auroc, auroc_by_group, contrast_weights, d_prime, halvings

scores = st.lists(st.integers(-5, 5), min_size=1, max_size=12).map(lambda v: np.array(v, dtype=float))


@given(scores, scores)
def test_auroc_counts_pairs_with_ties_as_half(positive, negative):
    pairs = [(p > n) + 0.5 * (p == n) for p in positive for n in negative]
    assert auroc(positive, negative) == pytest.approx(np.mean(pairs))


@given(scores, scores)
def test_auroc_by_group_averages_to_the_pooled_figure(positive, negative):
    share = auroc_by_group(positive[None], negative[None])
    assert share.mean() == pytest.approx(auroc(positive, negative))


def test_auroc_of_nothing_is_refused_rather_than_zero():
    with pytest.raises(EvidenceError, match="0 positive"):
        auroc(np.array([]), np.array([1.0]))


def test_d_prime_is_the_standardised_difference():
    rng = np.random.default_rng(0)
    assert d_prime(rng.normal(2, 1, 20_000), rng.normal(0, 1, 20_000)) == pytest.approx(2, abs=0.05)


def test_d_prime_needs_spread():
    with pytest.raises(EvidenceError, match="no spread"):
        d_prime(np.ones(3), np.ones(3))


def test_contrast_weights_give_the_axis_of_the_draw():
    rng = np.random.default_rng(1)
    counts = rng.integers(1, 4, (5, 3)).astype(float)
    sums = rng.standard_normal((5, 3, 7))
    roles, groups = np.array([[1.0, 0, 2, 0]]), np.array([[1.0, 0, 1]])
    seen = counts[:, [0, 2]].sum(axis=1)
    means = sums[:, [0, 2]].sum(axis=1) / seen[:, None]
    expected = means[0] - (means[1] + 2 * means[3]) / 3
    assert contrast_weights(counts, roles, groups) @ sums.reshape(15, 7) == pytest.approx(expected[None])


def test_a_draw_without_default_rollouts_is_nan_not_zero():
    counts = np.ones((4, 2))
    counts[0, 1] = 0
    weights = contrast_weights(counts, np.ones((1, 3)), np.array([[0.0, 1.0]]))
    assert np.isnan(weights).all()


@given(st.integers(4, 9), st.integers(2, 6), st.integers(0, 2**31), st.booleans())
def test_halves_share_no_role_and_no_question_group(n_roles, n_groups, seed, resample):
    counts = np.ones((n_roles + 1, n_groups))
    first, second = halvings(counts, 6, np.random.default_rng(seed), resample=resample)
    one, two = (half.reshape(6, n_roles + 1, n_groups) != 0 for half in (first, second))
    assert not (one.any(axis=1) & two.any(axis=1)).any()
    assert not (one[:, 1:].any(axis=2) & two[:, 1:].any(axis=2)).any()


def test_halves_need_enough_design():
    with pytest.raises(EvidenceError, match="3 roles and 2 groups"):
        halvings(np.ones((4, 2)), 5, np.random.default_rng(0), resample=False)
