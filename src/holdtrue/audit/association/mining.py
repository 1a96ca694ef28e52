"""Which predictors go with which outcome, against what chance alone brings about.

Two passes. The first reads only rows that matter: those with an outcome, and as many drawn at random, again and again;
a predictor is a candidate if enough rows of one such draw have it. The second counts the candidates among all rows.
Memory follows the flagged rows' vocabulary, not the dataset's.

The correction is max-T (Westfall and Young 1993, Resampling-Based Multiple Testing) on exact p-values, over all
predictors and all outcomes at once: a draw of `F` families of `N` is the outcome permuted over families, and its
smallest p-value is what the search brings about by chance.
"""

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from jaxtyping import Float, Int, UInt64

from holdtrue.audit.association.counting import count
from holdtrue.audit.association.drawn import Candidates, Draws, candidates
from holdtrue.audit.association.grams import is_slice
from holdtrue.audit.association.outcome import Outcome, Units, alike_units, units
from holdtrue.audit.association.tested import Mined, Tested, exact_p
from holdtrue.audit.association.words import Words
from holdtrue.stats.contingency import fisher_greater

__all__ = ["mine"]

CALIBRATION: Final = 199
MEASURING: Final = 100
FEWEST: Final = 59
"""Draws of both kinds, however large they are: 39 to calibrate, 20 to measure."""
DRAWN_ROWS: Final = 200_000
"""What all draws together read, or half the dataset if that is more."""
NEGLIGIBLE: Final = 1e-4
NEGLIGIBLE_IN_ALL: Final = 2.0
"""A p-value that no correction would leave, or this many in all families, if that is less: counts that can't get below
it are no candidates."""
AT_ONCE: Final = 2**17
"""Candidates of draws whose p-values are held at once, or one draw's."""


def mine(
    words: Words,
    outcomes: Sequence[Outcome],
    *,
    seed: int,
    alpha: float,
    progress: Callable[[str], None] | None = None,
) -> Mined:
    """Count every predictor that may go with an outcome, in the data and in draws.

    Args:
        words: the dataset.
        outcomes: over its rows.
        seed: of the draws.
        alpha: level that is asked for later; what can't reach it is no candidate.
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
    calibrating = n_draws * CALIBRATION // (CALIBRATION + MEASURING)
    if 1 / (calibrating + 1) > alpha:  # so few draws show no such level: Bonferroni's bound decides, and is known now
        tested = [(outcome, its, _passing(words, its, least, alpha)) for outcome, its, least in tested]
    draws = [Draws(its, n_draws, (seed, at)) for at, (_, its, _) in enumerate(tested)]
    found, grams = candidates(words, draws, [least for _, _, least in tested], say)
    alike = [alike_units(outcome, families) for outcome, _, _ in tested]
    sets = [its.speaks for _, its, _ in tested] + [each.speaks for each in alike if each is not None]
    say(f"association: counting {grams.size:,} candidates")
    tally = count(words, grams, sets)
    alike_counts = iter(tally.counts[len(tested) :])
    joint = np.ones(n_draws)
    tests = []
    for at, (outcome, its, _) in enumerate(tested):
        own, k = found[at].of(0)
        where = np.searchsorted(grams, own)
        total = tally.counts[at][where]
        among = None if alike[at] is None else next(alike_counts)[where]
        tests.append(Tested(outcome, its, own, k, total, exact_p(k, total, its), among))
        joint = np.minimum(joint, _minima(outcome, its, found[at], n_draws, grams, tally.counts[at]))
    m = sum(int(of) // least for of, (_, _, least) in zip(tally.occurrences, tested, strict=False))
    return Mined(tuple(tests), joint[:calibrating], joint[calibrating:], m, untested, rare)


def _minima(
    outcome: Outcome,
    its: Units,
    found: Candidates,
    draws: int,
    grams: UInt64[np.ndarray, " grams"],
    totals: Int[np.ndarray, " grams"],
) -> Float[np.ndarray, " draws"]:
    """The smallest p-value of each draw; 1 where nothing was a candidate."""
    least = np.ones(draws)
    step = 1 + AT_ONCE // (1 + max(found.sizes))
    for start in range(0, draws, step):
        some = [found.of(1 + draw) for draw in range(start, min(draws, start + step))]
        drawn = np.concatenate([each for each, _ in some])
        k = np.concatenate([each for _, each in some])
        of = np.repeat(np.arange(start, start + len(some)), [each.size for each, _ in some])
        tested = np.ones(drawn.size, dtype=bool) if outcome.is_judgement else ~is_slice(drawn)
        p = exact_p(k[tested], totals[np.searchsorted(grams, drawn[tested])], its)
        np.minimum.at(least, of[tested], p)
    return least


def _least(outcome: Outcome, its: Units) -> int:
    """Flagged families that a candidate needs: enough for a p-value worth correcting; 0 where none are."""
    k = np.arange(outcome.least, min(its.positive, 100) + 1)
    enough = k[fisher_greater(k, k, its.positive, its.n) <= min(NEGLIGIBLE, NEGLIGIBLE_IN_ALL / max(1, its.n))]
    return int(enough[0]) if enough.size else 0


def _passing(words: Words, its: Units, least: int, alpha: float) -> int:
    """Flagged families without which no candidate passes `p m <= alpha`: `m` is at least half of what rows bring."""
    occurrences = words.occurrences * its.n / len(words.rows)
    k = np.arange(least, min(its.positive, 100) + 1)
    enough = k[fisher_greater(k, k, its.positive, its.n) * occurrences / k <= 2 * alpha]
    return int(enough[0]) if enough.size else least


def _tellable(outcome: Outcome, its: Units) -> bool:
    """Whether planted rows would have shown: a hundred more families with the outcome and a phrase of their own."""
    k = np.arange(outcome.least, 101)
    return bool(np.any(fisher_greater(k, k, its.positive + k, its.n + k) <= NEGLIGIBLE)) and its.n >= FEWEST
