"""Figures in words never say more than was shown."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdtrue.gate.sentences import at_least, at_most, level_text


@pytest.mark.parametrize(
    ("rate", "most", "least"),
    [
        (0.0096545, "0.97 %", "0.96 %"),
        (0.00099869, "0.1 %", "0.099 %"),
        (0.01, "1 %", "1 %"),
        (0.031038, "3.11 %", "3.1 %"),
        (1.0, "100 %", "100 %"),
        (0.0, "0 %", "0 %"),
    ],
)
def test_upper_limits_are_rounded_up_and_lower_ones_down(rate, most, least):
    assert (at_most(rate), at_least(rate)) == (most, least)


@given(st.floats(1e-6, 1))
def test_the_figure_lies_between_them(rate):
    low, high = (float(text[:-2]) / 100 for text in (at_least(rate), at_most(rate)))
    assert low * (1 - 1e-7) <= rate <= high * (1 + 1e-7)
    assert high - low <= 0.1 * rate + 1e-9


@pytest.mark.parametrize(("alpha", "text"), [(0.05, "95 %"), (0.025, "97.5 %"), (0.0015625, "99.84375 %")])
def test_the_level_is_printed_in_full(alpha, text):
    assert level_text(alpha) == text
