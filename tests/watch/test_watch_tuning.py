"""Does the tuned alarm keep its promise on talk that its own noise model did not make?"""

import numpy as np
import pytest

from holdtrue.axis import bare_card
from holdtrue.errors import SettingError
from holdtrue.records import AxisCard
from holdtrue.watch import Detector, drift_rule, find_onset
from holdtrue.watch.tuning import _rung as rung_by
from holdtrue.watch.tuning import _tuned as tuned


def card(talks) -> AxisCard:
    made = bare_card(
        model="m",
        weights_digest="0",
        config_digest="0",
        template_digest="0",
        dtype="float32",
        norms=[1.0, 1.0],
        d_model=4,
        origin="made for a test",
        layer=1,
        band=(0, 1),
        reason="a test",
    )
    return made.model_copy(update={"benign_turns": tuple(tuple(float(z) for z in talk) for talk in talks)})


def wandering(rng, n, turns, *, share=0.25, rho=0.2, df=5, first=0.0):
    """Heavy tails in the turns, a skewed level per talk: neither is in the noise model. `first` raises first turns."""
    fresh = rng.standard_t(df, (n, turns)) * np.sqrt((df - 2) / df)
    turn = fresh.copy()
    for t in range(1, turns):
        turn[:, t] = rho * turn[:, t - 1] + np.sqrt(1 - rho**2) * fresh[:, t]
    level = 1 - rng.exponential(1, (n, 1))
    turn[:, 0] += first
    return np.sqrt(share) * level + np.sqrt(1 - share) * turn


def calibrated(seed, n_talks=20, **shape):
    """A card from a calibration of usual size, and new talks scored against it."""
    rng = np.random.default_rng(seed)
    first, later = wandering(rng, n_talks, 4, **shape), wandering(rng, 120, 24, **shape)
    mean, sd = first.mean(), first.std(ddof=1)
    return card((first - mean) / sd), (later - mean) / sd


def count(rule, talks):
    """First alarms, turns at risk."""
    usual = [rule.expected(turn) for turn in range(1, talks.shape[1] + 1)]
    if rule.ewma is None:
        alarms = [find_onset(talk.tolist(), rule).alarm_turn for talk in talks]
        return sum(a is not None for a in alarms), sum(a or talks.shape[1] for a in alarms)
    rung = rung_by(rule.cusum, rule.ewma, talks - usual)
    return rung[:, -1].sum(), rung.size - rung.sum() + rung[:, -1].sum()


@pytest.mark.parametrize(
    ("shape", "n"),
    [
        ({}, 16),
        ({"share": 0.5, "rho": 0.0}, 8),
        ({"share": 0.0, "rho": 0.0}, 8),
        ({"n_talks": 4}, 16),
        ({"first": 3.0}, 16),
    ],
    ids=str,
)
def test_the_promised_rate_holds_on_average_for_another_kind_of_noise(shape, n):
    """Over calibrations, because each one is lucky or unlucky: that is what `spread` says of a single one."""
    counts = [count(drift_rule(made.card), made.talks) for made in map(_Made, [shape] * n, range(n))]
    alarms, exposed = np.sum(counts, axis=0)
    assert 1.5 < 1000 * alarms / exposed < 8


class _Made:
    def __init__(self, shape, seed):
        self.card, self.talks = calibrated(seed, **shape)


def test_the_textbook_rule_breaks_the_promise_where_turns_depend_on_each_other():
    """Why it is tuned at all."""
    untuned = drift_rule(card([]))
    counts = [count(untuned, calibrated(seed, share=0.5)[1]) for seed in range(10)]
    alarms, exposed = np.sum(counts, axis=0)
    assert 1000 * alarms / exposed > 9


@pytest.fixture(scope="module")
def rule():
    return drift_rule(calibrated(0)[0])


def test_the_rule_says_what_was_measured(rule):
    low, high = rule.rate.interval
    assert low < rule.rate.per_1000 < high
    assert rule.rate.per_1000 <= rule.target_per_1000 == 5.0
    assert rule.rate.spread[0] < rule.rate.per_1000 < rule.rate.spread[1], "one calibration can't pin it down"
    assert rule.rate.talks_ringing == pytest.approx(1 - (1 - rule.rate.per_1000 / 1000) ** 24, rel=0.1)
    assert "Tuned to 5 false first alarms per 1,000 turns on the model's 20 benign talks of 4 turns, ext" in rule.text
    assert len(rule.text) <= 300, "the terminal shows so much of it"


def test_talks_as_long_as_those_simulated_are_not_called_extended():
    rule = drift_rule(card(wandering(np.random.default_rng(6), 30, 24)))
    assert "30 benign talks of 24 turns:" in rule.text


def test_chance_does_not_widen_the_spread():
    """Where calibration leaves next to nothing open, what remains is the simulation's own error."""
    rate = drift_rule(card(wandering(np.random.default_rng(7), 500, 24))).rate
    assert rate.spread[1] < 1.6 * rate.spread[0]


def test_larger_drifts_are_found_sooner(rule):
    small, middle, large, ramp = rule.delays
    assert (small.median or 99) > middle.median > large.median >= 1
    assert (middle.p90 or 99) > large.p90
    assert ramp.median > middle.median
    assert all(delay.p90 is None or delay.median <= delay.p90 for delay in rule.delays)


def test_planted_drift_is_found_near_its_onset_and_at_the_delay_promised(rule):
    rng = np.random.default_rng(9)
    talks = wandering(rng, 300, 24)
    talks[:, 8:] -= 3.0
    found = [find_onset(talk.tolist(), rule) for talk in talks]
    kept = [alarm for alarm in found if alarm.alarm_turn is None or alarm.alarm_turn > 8]
    assert sum(alarm.alarm_turn is not None for alarm in kept) > 0.97 * len(kept)
    assert abs(np.median([alarm.alarm_turn - 8 for alarm in kept if alarm.alarm_turn]) - rule.delays[2].median) <= 1
    assert abs(np.median([alarm.onset_turn for alarm in kept if alarm.onset_turn]) - 9) <= 2


def test_a_stricter_target_gives_wider_lines_and_fewer_alarms():
    made = calibrated(3)[0]
    strict, loose = drift_rule(made, 1.0), drift_rule(made, 20.0)
    assert strict.rate.per_1000 < loose.rate.per_1000
    assert strict.rate.talks_ringing < 0.05 < 0.2 < loose.rate.talks_ringing


def test_the_same_card_gives_the_same_rule():
    first = drift_rule(calibrated(1)[0])
    assert drift_rule(calibrated(1)[0]) is first, "the second time at once"
    tuned.cache_clear()
    assert drift_rule(calibrated(1)[0]) == first


def test_what_is_simulated_is_what_the_detector_does(rule):
    talks = wandering(np.random.default_rng(4), 60, 24) - 0.7
    for talk, rung in zip(talks, rung_by(rule.cusum, rule.ewma, talks), strict=True):
        detector = Detector(rule)
        seen = [detector.update(z).alarm_turn is not None for z in talk.tolist()]
        assert seen == rung.tolist()


@pytest.mark.parametrize("talks", [[], [[0.1, 0.2]], [[0.0] * 4] * 20, [[1e300, -1e300, 0.0, 1.0]] * 5], ids=str)
def test_without_usable_benign_talks_the_rate_is_unknown_and_said_to_be(talks):
    rule = drift_rule(card(talks))
    assert rule.rate is None
    assert rule.cusum.line == 4.0
    assert "False-alarm rate unknown" in rule.text
    assert len(rule.text) <= 300


@pytest.mark.parametrize("target", [0.0, -1.0, 1000.0, float("nan")])
def test_impossible_targets_are_refused(target):
    with pytest.raises(SettingError, match="ask for"):
        drift_rule(card([]), target)


def test_a_place_in_the_talk_counts_where_the_data_show_it():
    rng = np.random.default_rng(2)
    talks = wandering(rng, 20, 4)
    flat, sloped = drift_rule(card(talks)), drift_rule(card(talks + np.array([1.5, -0.5, -0.5, -0.5])))
    assert flat.turn_means == ()
    assert sloped.turn_means[0] > 1 > 0 > sloped.turn_means[3]
    assert sloped.expected(50) == sloped.turn_means[3]
    assert len(sloped.text) <= 300
