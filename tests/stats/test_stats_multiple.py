"""Corrections against worked examples and their definitions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import false_discovery_control

from holdtrue.errors import SettingError
from holdtrue.stats import benjamini_hochberg, holm

P_VALUES = st.lists(st.floats(0, 1), max_size=12)


def test_holm_by_hand():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.7]) == [1.0, 1.0]
    assert holm([]) == []


@given(P_VALUES)
def test_holm_lies_between_the_value_and_bonferronis(p_values):
    adjusted = holm(p_values)
    for p, one in zip(p_values, adjusted, strict=True):
        assert p <= one <= min(1.0, len(p_values) * p) or one == pytest.approx(p)
    order = np.argsort(p_values, kind="stable")
    assert (np.diff(np.array(adjusted)[order]) >= 0).all()


@given(P_VALUES, st.floats(0.001, 0.999))
def test_holm_rejects_what_the_step_down_rule_rejects(p_values, alpha):
    order = sorted(range(len(p_values)), key=lambda at: p_values[at])
    rejected = set()
    for rank, at in enumerate(order):
        if (len(p_values) - rank) * p_values[at] > alpha:
            break
        rejected.add(at)
    assert {at for at, p in enumerate(holm(p_values)) if p <= alpha} == rejected


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_false_discoveries_agree_with_scipy(p_values):
    assert benjamini_hochberg(p_values) == pytest.approx(list(false_discovery_control(p_values)))


@pytest.mark.parametrize("bad", [-0.1, 1.1, float("nan")])
def test_what_is_no_p_value_is_named(bad):
    with pytest.raises(SettingError, match=str(bad)):
        holm([0.5, bad])
