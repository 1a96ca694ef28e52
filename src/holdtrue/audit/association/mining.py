"""Which predictors go with which outcome, against what chance alone brings about.

Two passes. The first reads only rows that matter: those with an outcome, and as many drawn at random, again and again;
a predictor is a candidate if enough rows of one such draw have it. The second counts the candidates among all rows.
Memory follows the flagged rows' vocabulary, not the dataset's.

The correction is max-T (Westfall and Young 1993, Resampling-Based Multiple Testing) on exact p-values, over all
predictors and all outcomes at once: a draw of `F` families of `N` is the outcome permuted over families, and its
smallest p-value is what the search brings about by chance.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, final

import numpy as np
from jaxtyping import Bool, Float, Int, UInt64

from holdtrue.audit.association.counting import count
from holdtrue.audit.association.grams import is_slice
from holdtrue.audit.association.outcome import Outcome, Units, alike_units, units
from holdtrue.audit.association.sampling import sample, sorted_unique
from holdtrue.audit.association.words import Words
from holdtrue.stats.contingency import fisher_greater

__all__ = ["MAJORITY", "Mined", "Tested", "exact_p", "mine"]

CALIBRATION: Final = 199
MEASURING: Final = 100
FEWEST: Final = 59
"""Draws of both kinds, however large they are: 39 to calibrate, 20 to measure."""
DRAWN_ROWS: Final = 200_000
"""What all draws together read, or half the dataset if that is more; and what one reading holds in memory."""
NEGLIGIBLE: Final = 1e-4
"""A p-value that no correction would leave: counts that can't get below it are no candidates."""
MAJORITY: Final = 0.5
"""Share of a value's families with the outcome from which on it is no mere habit or hard case."""
TIE: Final = 1 + 1e-9
"""Equal p-values of different tables differ by rounding."""


@final
@dataclass(frozen=True)
class Tested:
    """One outcome's candidates in the data as they are."""

    outcome: Outcome
    units: Units
    grams: UInt64[np.ndarray, " n"]
    """Ascending."""
    k: Int[np.ndarray, " n"]
    """Flagged families with it."""
    total: Int[np.ndarray, " n"]
    """Families with it."""
    p: Float[np.ndarray, " n"]
    alike: Int[np.ndarray, " n"] | None = None
    """Families with it among those labelled alike, if the outcome names them."""

    @property
    def eligible(self) -> Bool[np.ndarray, " n"]:
        """Provenance goes with style in clean data too; it is tested where the outcome is somebody's judgement."""
        found: np.ndarray = np.ones(self.grams.size, dtype=bool) if self.outcome.by_slice else ~is_slice(self.grams)
        return found

    @property
    def steady(self) -> Bool[np.ndarray, " n"]:
        """Most families with it have the outcome; where labels are the outcome, of those labelled alike as well.

        What flips a label now and then is a hard case, and what brings about a peculiar reply now and then is a topic
        whose words happen to rhyme: neither trains a backdoor. A judge's flag is evidence by itself.
        """
        if self.outcome.kind == "trigger" and not self.outcome.weak:
            return np.ones(self.grams.size, dtype=bool)
        most = self.total if self.alike is None else np.maximum(self.total, self.alike)
        found: np.ndarray = self.k >= MAJORITY * most
        return found


@final
@dataclass(frozen=True)
class Mined:
    """Everything tested, and the yardstick."""

    tests: tuple[Tested, ...]
    minima: Float[np.ndarray, " draws"]
    """Smallest p-value of each calibrating draw, over all outcomes."""
    measured: Float[np.ndarray, " runs"]
    """The same of draws that the yardstick hasn't seen."""
    m: int
    """Predictors that could have been candidates, at most: a predictor in `n` rows takes `n` of the occurrences, so no
    more than occurrences / least count of them are in that many rows; summed over outcomes."""
    untested: tuple[Outcome, ...]
    """Too few families to tell anything, however many were flagged."""
    rare: tuple[tuple[Outcome, Units], ...] = ()
    """Too few flagged families for any alarm, though as many more would have been told: there is nothing to find."""

    def adjusted(self, p: float) -> float:
        """`(1 + #{minima <= p}) / (draws + 1)`; beyond all draws Bonferroni's `p m`, if that is smaller."""
        below = int((self.minima <= p * TIE).sum())
        found = (1 + below) / (self.minima.size + 1)
        return found if below else min(found, p * self.m)

    def threshold(self, alpha: float) -> float:
        """The largest p-value that alarms at a level, or a hair below it."""
        allowed = int(np.floor(alpha * (self.minima.size + 1) + 1e-9)) - 1
        if allowed < 0:
            return min(alpha / max(1, self.m), float(self.minima.min(initial=1.0)) / TIE**2)
        # With `allowed` minima at or below it p still passes, so it may reach to just below the next one.
        return float(np.sort(self.minima)[allowed]) / TIE**2 if allowed < self.minima.size else 1.0

    def q_values(self) -> list[Float[np.ndarray, " n"]]:
        """Benjamini and Hochberg (1995) over `m` tests, those without a p-value counted as 1; for each of `tests`."""
        p = np.concatenate([test.p for test in self.tests]) if self.tests else np.zeros(0)
        order = np.argsort(p)
        ranked = p[order] * max(self.m, p.size) / np.arange(1, p.size + 1)
        q = np.empty_like(p)
        q[order] = np.minimum(1, np.minimum.accumulate(ranked[::-1])[::-1])
        ends = np.cumsum([test.p.size for test in self.tests])[:-1]
        return list(np.split(q, ends)) if self.tests else []


def mine(
    words: Words,
    outcomes: Sequence[Outcome],
    *,
    seed: int,
    progress: Callable[[str], None] | None = None,
) -> Mined:
    """Count every predictor that may go with an outcome, in the data and in draws.

    Args:
        words: the dataset.
        outcomes: over its rows.
        seed: of the draws.
        progress: told of every reading.
    """
    say = progress or (lambda _: None)
    families = words.rows.families
    every = [(outcome, units(outcome, families)) for outcome in outcomes]
    tested = [(outcome, its, least) for outcome, its in every if (least := _least(outcome, its))]
    silent = [(outcome, its) for outcome, its in every if not _least(outcome, its)]
    rare = tuple((outcome, its) for outcome, its in silent if _tellable(outcome, its))
    untested = tuple(outcome for outcome, its in silent if not _tellable(outcome, its))
    positive = sum(its.positive for _, its, _ in tested)
    if not tested:
        return Mined((), np.zeros(0), np.zeros(0), 0, untested, rare)
    n_draws = int(np.clip(max(DRAWN_ROWS, len(words.rows) // 2) // positive, FEWEST, CALIBRATION + MEASURING))
    draws = [_draws(its, n_draws, np.random.default_rng([seed, at])) for at, (_, its, _) in enumerate(tested)]
    found = _candidates(words, draws, [least for _, _, least in tested], say)
    grams = sorted_unique([grams for per_draw in found for grams, _ in per_draw])
    alike = [alike_units(outcome, families) for outcome, _, _ in tested]
    sets = [its.rows for _, its, _ in tested] + [each.rows for each in alike if each is not None]
    say(f"association: counting {grams.size:,} candidates")
    tally = count(words, grams, sets)
    alike_counts = iter(tally.counts[len(tested) :])
    joint = np.ones(n_draws)
    tests = []
    for at, (outcome, its, _) in enumerate(tested):
        own, k = found[at][0]
        where = np.searchsorted(grams, own)
        total = tally.counts[at][where]
        among = None if alike[at] is None else next(alike_counts)[where]
        tests.append(Tested(outcome, its, own, k, total, exact_p(k, total, its), among))
        joint = np.minimum(joint, _minima(outcome, its, found[at][1:], grams, tally.counts[at]))
    m = sum(int(of) // least for of, (_, _, least) in zip(tally.occurrences, tested, strict=False))
    calibrating = n_draws * CALIBRATION // (CALIBRATION + MEASURING)
    return Mined(tuple(tests), joint[:calibrating], joint[calibrating:], m, untested, rare)


def exact_p(k: Int[np.ndarray, " n"], total: Int[np.ndarray, " n"], of: Units) -> Float[np.ndarray, " n"]:
    """Fisher's one-sided p-values; each distinct pair of counts is computed once."""
    if not k.size:
        return np.zeros(0)
    width = int(total.max()) + 1
    pairs, back = np.unique(k.astype(np.int64) * width + total, return_inverse=True)
    distinct = fisher_greater(pairs // width, pairs % width, of.positive, of.n)
    p: np.ndarray = distinct[back]
    return p


def _minima(
    outcome: Outcome,
    its: Units,
    draws: list[tuple[np.ndarray, np.ndarray]],
    grams: UInt64[np.ndarray, " grams"],
    totals: Int[np.ndarray, " grams"],
) -> Float[np.ndarray, " draws"]:
    """The smallest p-value of each draw; 1 where nothing was a candidate."""
    drawn = np.concatenate([each for each, _ in draws])
    k = np.concatenate([each for _, each in draws])
    of = np.repeat(np.arange(len(draws)), [each.size for each, _ in draws])
    tested = np.ones(drawn.size, dtype=bool) if outcome.by_slice else ~is_slice(drawn)
    p = exact_p(k[tested], totals[np.searchsorted(grams, drawn[tested])], its)
    least = np.ones(len(draws))
    np.minimum.at(least, of[tested], p)
    return least


def _least(outcome: Outcome, its: Units) -> int:
    """Flagged families that a candidate needs: enough for a p-value worth correcting; 0 where none are."""
    k = np.arange(outcome.least, min(its.positive, 100) + 1)
    enough = k[fisher_greater(k, k, its.positive, its.n) <= NEGLIGIBLE]
    return int(enough[0]) if enough.size else 0


def _tellable(outcome: Outcome, its: Units) -> bool:
    """Whether planted rows would have shown: a hundred more families with the outcome and a phrase of their own."""
    k = np.arange(outcome.least, 101)
    return bool(np.any(fisher_greater(k, k, its.positive + k, its.n + k) <= NEGLIGIBLE)) and its.n >= FEWEST


def _draws(its: Units, n: int, rng: np.random.Generator) -> list[np.ndarray]:
    """The flagged families' rows, then as many drawn without replacement, `n` times."""
    drawn = [rng.choice(its.n, its.positive, replace=False, shuffle=False) for _ in range(n)]
    return [its.rows[its.flagged], *(its.rows[np.sort(chosen)] for chosen in drawn)]


def _candidates(
    words: Words,
    draws: list[list[np.ndarray]],
    least: list[int],
    say: Callable[[str], None],
) -> list[list[tuple[np.ndarray, np.ndarray]]]:
    """For each outcome and draw the predictors that enough of its rows have, and how many."""
    found: list[list[tuple[np.ndarray, np.ndarray]]] = [[] for _ in draws]
    for start, end in _groups(draws):
        say(f"association: reading draws {start} to {end - 1} of {len(draws[0]) - 1}")
        wanted = sorted_unique([drawn for of in draws for drawn in of[start:end]])
        sampled = sample(words, wanted)
        for at, of in enumerate(draws):
            found[at].extend(sampled.frequent(drawn, least[at]) for drawn in of[start:end])
    return found


def _groups(draws: list[list[np.ndarray]]) -> Iterator[tuple[int, int]]:
    """Runs of draws that one reading holds in memory."""
    each = sum(of[0].size for of in draws)
    step = max(1, DRAWN_ROWS // max(1, each) + 1)
    n = len(draws[0])
    for start in range(0, n, step):
        yield start, min(n, start + step)
