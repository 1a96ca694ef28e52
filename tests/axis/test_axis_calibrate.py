import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdtrue.axis import calibrate, floor_for
from holdtrue.axis.calibrate import z_score
from holdtrue.errors import EvidenceError, SettingError

rng = np.random.default_rng(0)
RESPONSES = [rng.normal(5, 2, (2, 40)) + rng.normal(0, 1, (2, 1)) for _ in range(50)]
LAYER = calibrate(RESPONSES)[0]


@given(st.floats(0.005, 0.5))
def test_a_floor_touches_the_share_of_benign_tokens_it_is_named_after(fire):
    tokens = np.concatenate(RESPONSES, axis=1)[0]
    assert (tokens < floor_for(LAYER, fire)).mean() == pytest.approx(fire, abs=0.01)


def test_response_means_spread_less_than_tokens():
    assert LAYER.response.sd < LAYER.token.sd
    assert LAYER.response.n == 50
    assert LAYER.token.n == 2000


def test_z_is_in_standard_deviations_of_response_means():
    assert z_score(LAYER, LAYER.response.mean - 2 * LAYER.response.sd) == pytest.approx(-2)


@pytest.mark.parametrize("fire", [0.0, 1.0, -0.1, 5.0])
def test_a_firing_rate_outside_0_1_is_refused_by_value(fire):
    with pytest.raises(SettingError, match="share of benign tokens"):
        floor_for(LAYER, fire)


def test_too_little_talk_is_refused():
    with pytest.raises(EvidenceError, match="got 2 and 80"):
        calibrate(RESPONSES[:2])


def test_nan_is_refused():
    spoiled = [np.full((1, 40), np.nan)] * 10
    with pytest.raises(EvidenceError, match="finite"):
        calibrate(spoiled)
