"""The detector turn by turn: what it adds up, remembers and keeps."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdtrue.errors import SettingError
from holdtrue.watch import Cusum, Detector, DriftRule, Ewma, find_onset

PLAIN = DriftRule(Cusum(allowance=0.5, line=4.0), None)
BOTH = DriftRule(Cusum(allowance=1.0, line=3.5), Ewma(weight=0.3, line=1.5))
scores = st.lists(st.none() | st.floats(-8, 8), max_size=40)


def test_onset_is_where_the_climb_began_not_where_the_alarm_rang():
    found = find_onset([0.2, -0.1, 0.3, -2.0, -2.0, -2.0, -2.0], PLAIN)
    assert (found.onset_turn, found.alarm_turn) == (4, 6)


@pytest.mark.parametrize("rule", [PLAIN, BOTH])
def test_one_bad_turn_is_forgiven(rule):
    assert find_onset([0.0, -3.0, 1.0, 2.0, 0.0, 0.5], rule).alarm_turn is None


def test_empty_turns_are_counted_and_move_nothing():
    found = find_onset([0.0, None, -3.0, None, -3.0], PLAIN)
    assert (found.onset_turn, found.alarm_turn) == (2, 5), "an empty turn at zero leaves the zero where it was"
    assert found.statistic == find_onset([0.0, -3.0, -3.0], PLAIN).statistic


@given(st.lists(st.floats(-0.5, 10), max_size=50))
def test_nothing_within_the_allowance_rings(z):
    assert find_onset(z, PLAIN).alarm_turn is None


def test_false_alarms_are_rare_on_benign_turns():
    """Average run length over 100 turns at k=0.5, h=4: Siegmund's approximation gives one alarm in about 336 turns."""
    rng = np.random.default_rng(0)
    lengths = []
    for _ in range(60):
        alarm = find_onset(rng.standard_normal(1500).tolist(), PLAIN).alarm_turn
        lengths.append(alarm or 1500)
    assert 220 < np.mean(lengths) < 480


@given(scores, st.integers(0, 40), st.sampled_from([PLAIN, BOTH]))
def test_a_detector_goes_on_from_its_state_through_json(z, cut, rule):
    whole, first = Detector(rule), Detector(rule)
    for score in z:
        whole.update(score)
    for score in z[:cut]:
        first.update(score)
    again = Detector(rule, json.loads(json.dumps(first.state)))
    assert again.alarm == first.alarm
    for score in z[cut:]:
        again.update(score)
    assert (again.state, again.alarm) == (whole.state, whole.alarm)


def test_an_alarm_stands_while_above_the_line_and_the_first_is_remembered():
    detector = Detector(BOTH)
    alarms = [detector.update(z) for z in [-4.0, -4.0, *[1.0] * 6, -4.0, -4.0, -4.0]]
    assert [alarm.stands for alarm in alarms[:2]] == [False, True]
    assert not alarms[7].stands, "a talk that has come back is out of alarm"
    assert alarms[-1].stands
    assert {alarm.alarm_turn for alarm in alarms[1:]} == {2}
    assert {alarm.onset_turn for alarm in alarms[1:]} == {1}


def test_a_long_drift_is_soon_forgiven():
    detector = Detector(BOTH)
    for _ in range(200):
        detector.update(-5.0)
    assert detector.alarm.statistic == pytest.approx(2.0)
    for _ in range(8):
        detector.update(0.5)
    assert not detector.alarm.stands


def test_scores_are_taken_less_what_is_usual_at_their_turn():
    placed = DriftRule(BOTH.cusum, BOTH.ewma, turn_means=(1.0, -1.0))
    assert find_onset([0.0, -3.0, -4.0], placed).statistic == find_onset([-1.0, -2.0, -3.0], BOTH).statistic


@pytest.mark.parametrize("wrong", [{}, {"turn": 1.0}, {**Detector(BOTH).state, "cusum": float("nan")}])
def test_a_state_of_something_else_is_refused(wrong):
    with pytest.raises(SettingError, match="detector state is wrong"):
        Detector(BOTH, wrong)


def test_an_unread_conversation_has_no_alarm():
    assert find_onset([None, None], BOTH).alarm_turn is None
    assert find_onset([], BOTH).turn == 0
