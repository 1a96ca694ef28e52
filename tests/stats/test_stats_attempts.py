"""Attempts together spend no more than alpha."""

import pytest

from holdtrue.errors import SettingError
from holdtrue.stats import spend


def test_all_attempts_together_stay_within_alpha():
    assert spend(0.05, 1) == 0.025
    assert spend(0.05, 5) == 0.0015625
    assert sum(spend(0.05, j) for j in range(1, 900)) <= 0.05


def test_without_it_five_tries_pass_falsely_22_percent_of_the_time():
    unspent = 1 - (1 - 0.05) ** 5
    assert unspent == pytest.approx(0.226, abs=5e-4)
    spent = 1.0
    for j in range(1, 6):
        spent *= 1 - spend(0.05, j)
    assert 1 - spent < 0.05


@pytest.mark.parametrize(("alpha", "attempt"), [(0.0, 1), (1.0, 1), (0.05, 0), (0.05, 1000)])
def test_what_cannot_be_is_refused(alpha, attempt):
    with pytest.raises(SettingError, match="attempt"):
        spend(alpha, attempt)
