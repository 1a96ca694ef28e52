"""Choose the alarm's lines so that benign talk rings as seldom as promised, and measure that it does.

Benign talks are simulated from the noise model of the axis's own calibration talks, each with parameters drawn from its
posterior: what a few short talks leave open moves the lines out, and doesn't make the promise bolder.
"""

from collections.abc import Sequence
from functools import lru_cache
from math import inf
from typing import Final

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.stats import chi2

from holdtrue.errors import EvidenceError, SettingError
from holdtrue.records import AxisCard
from holdtrue.stats.turns import TurnNoise, fit_turn_noise, position_means
from holdtrue.watch.rule import Cusum, Delay, DriftRule, Ewma, Rate

__all__ = ["TARGET_PER_1000", "drift_rule"]

Talks = Float[np.ndarray, "talks turns"]
Rung = Bool[np.ndarray, "talks turns"]
"""Whether a talk has rung by that turn."""

TARGET_PER_1000: Final = 5.0
"""First alarms per 1,000 benign turns at risk."""
TALK_TURNS: Final = 24
ONSET: Final = 8
"""Benign turns before a planted drift."""
SHIFTS: Final = (1.0, 2.0, 3.0)
RAMP: Final = (0.25, 3.0)
"""Fall per turn, and where it ends."""
ALLOWANCES: Final = (0.25, 0.5, 0.75, 1.0)
WEIGHTS: Final = (0.15, 0.3)
"""Larger ones find large falls a turn sooner, but ring at a single odd turn, which is no drift."""
TUNING_TALKS: Final = 8000
MARGIN: Final = 0.95
"""Of the target: the lines are chosen on one set of simulated talks, and the promise must hold on another."""
CHECKING_TALKS: Final = 10_000
SPREAD: Final = (200, 1000)
"""Noise models looked at for the rate's spread, and talks of each: fewer, and chance would widen it."""
MOST_TALKS, MOST_TURNS = 500, 32
"""What is looked at of a card's benign talks: a bound on work, far past what changes the rule."""
UNTUNED: Final = Cusum(allowance=0.5, line=4.0)
"""Page's textbook choice, for turns that were independent and normal: half the shift to be found."""


def drift_rule(card: AxisCard, target_per_1000: float = TARGET_PER_1000) -> DriftRule:
    """The alarm for conversations read with an axis, tuned on its benign talks.

    The rate counts *first* alarms per 1,000 turns at risk: turns up to a talk's first alarm. The same card gives the
    same rule, and the second time at once.

    Args:
        card: of the axis. Without benign talks the rule is a textbook one whose false-alarm rate is unknown.
        target_per_1000: false alarms accepted.

    Raises:
        SettingError: the target isn't between 0.1 and 200.
    """
    if not 0.1 <= target_per_1000 <= 200:
        message = f"{target_per_1000!r} false alarms per 1,000 turns can't be tuned for; ask for 0.1 to 200, such as 5"
        raise SettingError(message)
    return _tuned(tuple(talk[:MOST_TURNS] for talk in card.benign_turns[:MOST_TALKS]), float(target_per_1000))


@lru_cache(maxsize=64)
def _tuned(series: tuple[tuple[float | None, ...], ...], target: float) -> DriftRule:
    if not series:
        return DriftRule(UNTUNED, None, unknown="the artifact keeps no benign talks; fit again to measure it")
    rngs = np.random.default_rng(0).spawn(5)
    try:
        means = position_means(series)
        centred = [[None if z is None else z - _at(means, turn) for turn, z in enumerate(talk)] for talk in series]
        noise = fit_turn_noise(centred, CHECKING_TALKS, rngs[0], places=max(len(means), 1))
    except EvidenceError as error:
        return DriftRule(UNTUNED, None, unknown=str(error))
    tuning = _first(noise, TUNING_TALKS).talks(TALK_TURNS, rngs[1])
    cusum, ewma = min(_candidates(tuning, MARGIN * target / 1000), key=lambda charts: _slowness(charts, tuning))
    fresh = noise.talks(TALK_TURNS + ONSET, rngs[2])
    return DriftRule(
        cusum,
        ewma,
        turn_means=means,
        calibrated_on=(sum(any(z is not None for z in talk) for talk in series), max(map(len, series))),
        target_per_1000=target,
        rate=_rate(cusum, ewma, fresh[:, :TALK_TURNS], noise, rngs[3]),
        delays=_delays(cusum, ewma, fresh),
    )


def _at(means: Sequence[float], turn: int) -> float:
    return means[min(turn, len(means) - 1)] if means else 0.0


def _first(noise: TurnNoise, n: int) -> TurnNoise:
    return TurnNoise(noise.mean[:n], noise.sd[:n], noise.share[:n], noise.rho[:n])


def path(chart: Cusum | Ewma, talks: Talks) -> Talks:
    """A chart's level after every turn of every talk."""
    levels = np.empty_like(talks)
    level = np.zeros(len(talks))
    for turn in range(talks.shape[1]):
        level = levels[:, turn] = chart.climb(level, talks[:, turn])
    return levels


def _candidates(talks: Talks, hazard: float) -> list[tuple[Cusum, Ewma]]:
    """Pairs of charts that together ring at the hazard asked for, each about as often as the other."""
    cusums = [(k, np.maximum.accumulate(path(Cusum(k, inf), talks), axis=1)) for k in ALLOWANCES]
    ewmas = [(w, np.maximum.accumulate(path(Ewma(w, inf), talks), axis=1)) for w in WEIGHTS]
    found = []
    for allowance, cusum in cusums:
        tops = np.sort(cusum[:, -1])
        for weight, ewma in ewmas:
            lines = _lines(cusum, ewma, tops, np.sort(ewma[:, -1]), hazard)
            found.append((Cusum(allowance, lines[0]), Ewma(weight, lines[1])))
    return found


def _lines(
    cusum: Talks,
    ewma: Talks,
    cusum_tops: Float[np.ndarray, " talks"],
    ewma_tops: Float[np.ndarray, " talks"],
    hazard: float,
) -> tuple[float, float]:
    """The lowest pair of equal quantiles of the talks' tops at which the hazard is kept: found by halving."""
    low, high = 0, len(cusum_tops) - 1
    while low < high:
        rank = (low + high) // 2
        rung = (cusum > cusum_tops[rank]) | (ewma > ewma_tops[rank])
        if _hazard(rung) <= hazard:
            high = rank
        else:
            low = rank + 1
    return max(float(cusum_tops[low]), 1e-6), max(float(ewma_tops[low]), 1e-6)


def _hazard(rung: Rung) -> float:
    """First alarms per turn at risk; `rung` stays true once it has rung."""
    first = rung[:, -1].sum()
    return float(first / (rung.size - rung.sum() + first))


def _rung(cusum: Cusum, ewma: Ewma, talks: Talks) -> Rung:
    above = (path(cusum, talks) > cusum.line) | (path(ewma, talks) > ewma.line)
    return np.logical_or.accumulate(above, axis=1)


def _rate(cusum: Cusum, ewma: Ewma, talks: Talks, noise: TurnNoise, rng: np.random.Generator) -> Rate:
    rung = _rung(cusum, ewma, talks)
    first = int(rung[:, -1].sum())
    exposed = int(rung.size - rung.sum() + first)
    models, repeats = SPREAD
    each = _rung(cusum, ewma, _first(noise, models).talks(TALK_TURNS, rng, repeats=repeats))
    hazards = [_hazard(block) for block in each.reshape(models, repeats, -1)]
    low, high = np.quantile(hazards, (0.05, 0.95))
    return Rate(
        per_1000=1000 * first / exposed,
        interval=(
            float(500 * chi2.ppf(0.025, 2 * first) / exposed) if first else 0.0,
            float(500 * chi2.ppf(0.975, 2 * first + 2) / exposed),
        ),
        spread=(float(1000 * low), float(1000 * high)),
        talks_ringing=first / len(rung),
        talk_turns=TALK_TURNS,
    )


def _slowness(charts: tuple[Cusum, Ewma], talks: Talks) -> float:
    """Mean log delay over the planted shifts: what is best of rules that ring falsely equally often."""
    waits = [_waits(*charts, talks, np.full(TALK_TURNS - ONSET, shift)) for shift in SHIFTS]
    return float(np.mean([np.log(wait).mean() for wait in waits]))


def _waits(cusum: Cusum, ewma: Ewma, talks: Talks, fall: Float[np.ndarray, " after"]) -> Int[np.ndarray, " surviving"]:
    """Turns from onset to alarm, both counted, in talks that hadn't rung before; one past the end where none rang."""
    planted = talks.copy()
    planted[:, ONSET:] -= fall
    rung = _rung(cusum, ewma, planted)
    after = rung[~rung[:, ONSET - 1], ONSET:]
    return np.asarray((~after).sum(axis=1) + 1)


def _delays(cusum: Cusum, ewma: Ewma, talks: Talks) -> tuple[Delay, ...]:
    after = talks.shape[1] - ONSET
    step, floor = RAMP
    planted = {f"a fall of {shift:g} sd": np.full(after, shift) for shift in SHIFTS}
    planted[f"a slow fall of {step:g} sd per turn to {floor:g} sd"] = np.minimum(step * np.arange(1, after + 1), floor)
    found = []
    for name, fall in planted.items():
        waits = _waits(cusum, ewma, talks, fall)
        median, late = (int(wait) for wait in np.quantile(waits, (0.5, 0.9), method="inverted_cdf"))
        found.append(Delay(name, median if median <= after else None, late if late <= after else None))
    return tuple(found)
