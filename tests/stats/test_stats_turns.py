import numpy as np
import pytest

from holdtrue.errors import EvidenceError
from holdtrue.stats.turns import TurnNoise, fit_turn_noise, position_means


def simulate(n, turns, *, mean=0.0, sd=1.0, share=0.3, rho=0.3, seed=0):
    noise = TurnNoise(np.full((n, 1), float(mean)), *(np.full(n, float(v)) for v in (sd, share, rho)))
    return noise.talks(turns, np.random.default_rng(seed))


def fit(talks, draws=4000, seed=0):
    return fit_turn_noise(talks, draws, np.random.default_rng(seed))


def test_simulated_talks_have_the_moments_of_the_model():
    talks = simulate(60_000, 4, mean=0.5, sd=2.0)
    correlation = np.corrcoef(talks.T)
    assert talks.mean() == pytest.approx(0.5, abs=0.03)
    assert talks.std() == pytest.approx(2.0, abs=0.03)
    for lag in (1, 2, 3):
        assert correlation[0, lag] == pytest.approx(0.3 + 0.7 * 0.3**lag, abs=0.02)


@pytest.mark.parametrize(("share", "rho"), [(0.0, 0.0), (0.5, 0.0), (0.2, 0.6)])
def test_much_data_gives_the_parameters_back(share, rho):
    found = fit(simulate(800, 8, mean=-0.4, sd=1.5, share=share, rho=rho).tolist(), draws=500)
    assert found.mean.mean() == pytest.approx(-0.4, abs=0.15)
    assert found.sd.mean() == pytest.approx(1.5, abs=0.1)
    assert found.share.mean() == pytest.approx(share, abs=0.1)
    assert found.rho.mean() == pytest.approx(rho, abs=0.12)


def test_intervals_cover_what_made_the_data():
    """Twenty talks of four turns, 100 times: the central 90 % of the posterior holds the truth about that often."""
    held = np.zeros(2)
    for seed in range(100):
        found = fit(simulate(20, 4, seed=seed).tolist(), draws=1000)
        for i, (draws, truth) in enumerate(((found.mean, 0.0), (found.sd, 1.0))):
            low, high = np.quantile(draws, (0.05, 0.95))
            held[i] += low <= truth <= high
    assert (held >= 80).all()


def test_place_means_are_drawn_and_cost_degrees_of_freedom():
    """Six talks of four turns, 100 times: with means subtracted as if they were known, sd would come out small."""
    slope, sd, held, as_known = np.array([1.2, 0.4, -0.4, -1.2]), [], np.zeros(4), []
    for seed in range(100):
        talks = simulate(6, 4, seed=seed) + slope
        found = fit_turn_noise(talks.tolist(), 1000, np.random.default_rng(seed), places=4)
        low, high = np.quantile(found.mean, (0.05, 0.95), axis=0)
        held += (low <= slope) & (slope <= high)
        sd.append(np.median(found.sd))
        as_known.append(np.median(fit((talks - talks.mean(axis=0)).tolist(), draws=1000).sd))
    assert (held >= 80).all()
    assert np.median(sd) == pytest.approx(1.0, abs=0.1)
    assert (np.array(sd) > 1.03 * np.array(as_known)).all()


def test_simulated_talks_have_a_mean_at_each_place_and_the_last_one_after():
    noise = TurnNoise(np.full((20_000, 2), [2.0, -1.0]), *(np.full(20_000, v) for v in (1.0, 0.3, 0.3)))
    assert noise.talks(4, np.random.default_rng(0)).mean(axis=0) == pytest.approx((2.0, -1.0, -1.0, -1.0), abs=0.04)


def test_a_place_that_no_talk_reaches_has_no_mean():
    with pytest.raises(EvidenceError, match="5 places"):
        fit_turn_noise(simulate(20, 4).tolist(), 10, np.random.default_rng(0), places=5)


def test_fewer_talks_leave_more_open():
    talks = simulate(40, 4).tolist()
    few, many = fit(talks[:4]), fit(talks)
    assert few.mean.std() > 1.5 * many.mean.std()
    assert few.sd.std() > 1.5 * many.sd.std()


def test_the_unit_and_empty_turns_do_not_matter():
    talks = simulate(20, 4).tolist()
    one, ten = fit(talks), fit((10 * np.array(talks)).tolist())
    assert ten.sd == pytest.approx(10 * one.sd)
    assert ten.rho == pytest.approx(one.rho)
    padded = fit([[*talk, None] for talk in talks] + [[None, None]])
    assert padded.sd == pytest.approx(one.sd)


@pytest.mark.parametrize(
    ("talks", "said"),
    [
        ([], "got 0 and 0"),
        ([[0.0, 1.0]] * 2, "got 2 and 4"),
        ([[1.0]] * 20, "got 0 and 20"),
        ([[1.0] * 4] * 4, "no spread"),
        ([[0.0, 1.0, float("inf")]] * 4, "talk 0 holds"),
        ([[0.0, 1.0, float("nan")]] * 4, "talk 0 holds"),
    ],
)
def test_too_little_or_odd_evidence_is_refused(talks, said):
    with pytest.raises(EvidenceError, match=said):
        fit(talks)


def test_places_are_believed_at_the_level_asked_for():
    """Under no effect of the place and dependent turns, about `level` of the tests see one."""
    seen = sum(bool(position_means(simulate(20, 4, seed=seed).tolist(), level=0.1)) for seed in range(300))
    assert 15 <= seen <= 46  # 30 expected: the central 99.8 % of Binomial(300, 0.1)


def test_a_real_slope_is_found():
    talks = simulate(20, 4) + np.array([1.2, 0.4, -0.4, -1.2])
    means = position_means(talks.tolist())
    assert means == pytest.approx(tuple(talks.mean(axis=0)))


@pytest.mark.parametrize("n", [3, 4])
def test_talks_no_more_than_their_turns_show_nothing_of_places(n):
    assert position_means(simulate(n, 4).tolist()) == ()
