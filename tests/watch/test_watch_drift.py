import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from holdtrue.watch import find_onset


def test_onset_is_where_the_climb_began_not_where_the_alarm_rang():
    found = find_onset([0.2, -0.1, 0.3, -2.0, -2.0, -2.0, -2.0])
    assert (found.onset, found.alarm) == (4, 6)


def test_one_bad_turn_is_forgiven():
    assert find_onset([0.0, -3.0, 1.0, 2.0, 0.0, 0.5]).alarm is None


def test_empty_turns_are_passed_over():
    found = find_onset([0.0, None, -3.0, None, -3.0])
    assert (found.onset, found.alarm) == (3, 5)


@given(st.lists(st.floats(-0.5, 10), max_size=50))
def test_nothing_within_the_allowance_rings(z):
    assert find_onset(z).alarm is None


def test_false_alarms_are_rare_on_benign_turns():
    """Average run length over 100 turns at k=0.5, h=4: Siegmund's approximation gives one alarm in about 336 turns."""
    rng = np.random.default_rng(0)
    lengths = []
    for _ in range(300):
        alarm = find_onset(list(rng.standard_normal(3000))).alarm
        lengths.append(alarm or 3000)
    assert 250 < np.mean(lengths) < 430
