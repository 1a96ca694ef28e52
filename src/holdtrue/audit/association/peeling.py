"""One trigger, one finding: take the best predictor, name its whole phrase, take its rows out, look again."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final, final

import numpy as np
from jaxtyping import Int

from holdtrue.audit.association.counting import count
from holdtrue.audit.association.grams import SLICE, is_slice
from holdtrue.audit.association.holding import rows_with
from holdtrue.audit.association.mining import MAJORITY, Mined, Tested, exact_p
from holdtrue.audit.association.outcome import Outcome, Units
from holdtrue.audit.association.phrases import Phrase, Prompts
from holdtrue.audit.association.sampling import Sample, sample, sorted_unique
from holdtrue.audit.association.words import Words

__all__ = ["MOST", "Association", "peel"]

MOST: Final = 60
"""Alarms; data with more has another trouble than triggers, and each costs a reading."""
NOTES: Final = 10
"""Of an outcome that can only be noted, for that each costs a reading too."""
WORSE: Final = 10.0
"""A longer phrase may have a p-value larger by this factor: a row less, where nothing else speaks against it."""


@final
@dataclass(frozen=True)
class Association:
    """A predictor that goes with an outcome, counted in families."""

    outcome: Outcome
    phrase: Phrase
    k: int
    """Flagged families with it."""
    total: int
    """Families with it."""
    positive: int
    """Flagged families."""
    n: int
    """Families."""
    p: float
    adjusted: float
    """Max-T over everything tested."""
    q: float
    rows: Int[np.ndarray, " rows"]
    """Flagged rows with it, near-duplicates included."""

    @property
    def table(self) -> tuple[int, int, int, int]:
        """With value and outcome, with the value alone, with the outcome alone, with neither."""
        return self.k, self.total - self.k, self.positive - self.k, self.n - self.total - self.positive + self.k

    @property
    def habit(self) -> bool:
        """A provenance value most of whose families lack an outcome that errs: noisier rows, not planted ones."""
        return self.outcome.weak and self.phrase.gram & 3 == SLICE and self.k < MAJORITY * self.total


@final
@dataclass
class _State:
    tested: Tested
    flagged: Sample
    q: np.ndarray
    open: np.ndarray
    """Which predictors may still be taken."""


def peel(
    words: Words,
    mined: Mined,
    *,
    alpha: float,
    excuse: Callable[[Association], str | None] = lambda _: None,
    noted: Callable[[Outcome], bool] = lambda _: False,
    progress: Callable[[str], None] | None = None,
) -> tuple[list[tuple[Association, str | None]], list[str]]:
    """Take associations out one by one, strongest first, until none passes.

    Outcomes that can only be noted come after all others, so that no number of honest phrases hides a trigger.

    Args:
        words: the dataset.
        mined: its counts.
        alpha: level of the alarm, after correction.
        excuse: why an association is no alarm, or None; an excused one isn't taken out of other outcomes' rows, where
            it might hide what is there.
        noted: outcomes that every association with is excused.
        progress: told of each.

    Returns:
        Those that pass, each with its excuse; and where the search ended early, in a sentence each.
    """
    tests = [test for test in mined.tests if test.grams.size]
    flagged = [test.units.rows[test.units.flagged] for test in tests]
    sampled = sample(words, sorted_unique([np.zeros(0, dtype=np.int64), *flagged]))
    states = [
        _State(
            test,
            sampled,
            q,
            test.eligible & (test.steady | is_slice(test.grams)),
        )
        for test, q in zip(mined.tests, mined.q_values(), strict=True)
        if test.grams.size
    ]
    found: list[tuple[Association, str | None]] = []
    stopped: list[str] = []
    later = [state for state in states if noted(state.tested.outcome)]
    racing = [state for state in states if all(state is not each for each in later)]
    while True:
        best = _best(racing)
        if best is None or mined.adjusted(float(best[0].tested.p[best[1]])) > alpha:
            if not later:
                break
            racing, later = later, []
            continue
        state, at = best
        name = state.tested.outcome.name
        if sum(why is None for _, why in found) == MOST:
            stopped.append(f"what is beyond {MOST} alarms: the search ended there, more may go with {name}")
            break
        if noted(state.tested.outcome) and sum(each.outcome.name == name for each, _ in found) == NOTES:
            stopped.append(f"{name}: the search ended after {NOTES} notes, more phrases go with it")
            state.open[:] = False
            continue
        association, found_rows = _grown(words, mined, state, at)
        state.open[at] = False
        why = excuse(association)
        found.append((association, why))
        if progress is not None:
            progress(f"association: {association.phrase.value!r} goes with {association.outcome.name}")
        if not association.habit:
            own = [each for each in states if each is state]
            _take_out(words, states if why is None else own, found_rows)
    return found, stopped


def _best(states: Sequence[_State]) -> tuple[_State, int] | None:
    """The smallest p-value; of equals the one in most families, then the first."""
    best: tuple[float, int, _State, int] | None = None
    for state in states:
        test = state.tested
        open_ = np.flatnonzero(state.open & (test.p < 1))
        if open_.size:
            at = int(open_[np.lexsort((-test.k[open_], test.p[open_]))[0]])
            if best is None or test.p[at] < best[0]:
                best = float(test.p[at]), int(test.k[at]), state, at
    return None if best is None else (best[2], best[3])


def _grown(words: Words, mined: Mined, state: _State, at: int) -> tuple[Association, Int[np.ndarray, " found"]]:
    """The whole phrase that a predictor is part of, counted, and the rows that hold it."""
    test, gram = state.tested, int(state.tested.grams[at])
    own = np.intersect1d(state.flagged.having(gram), test.units.rows[test.units.flagged])  # of those not yet taken out
    prompts = Prompts(words.rows, own.tolist(), words.topics)
    phrase, p = prompts.name(gram), float(test.p[at])
    found = rows_with(words, phrase.words, gram)
    if phrase.words:
        phrase, found, p = _longest(words, test, prompts, phrase, found)
    k, total = _counts(test.units, found)
    outcome = test.outcome
    carrying = found[outcome.flagged[found] & outcome.population[found]]
    association = Association(
        outcome, phrase, k, total, test.units.positive, test.units.n, p, mined.adjusted(p), float(state.q[at]), carrying
    )
    return association, found


def _longest(
    words: Words, test: Tested, prompts: Prompts, phrase: Phrase, found: np.ndarray
) -> tuple[Phrase, np.ndarray, float]:
    """Extend word by word while the flagged rows agree; keep the longest whose p-value stays."""
    chain = [phrase.words]
    while (longer := prompts.longer(chain[-1], 3)) is not None:
        chain.append(longer)
    p = _p(test.units, found)
    kept, low, high = (phrase, found, p), 1, len(chain) - 1
    at = high  # the longest first: mostly it stays
    while low <= high:
        fewer = rows_with(words, chain[at], among=found)
        longer_p = _p(test.units, fewer)
        if longer_p <= WORSE * p:
            kept, low = (prompts.phrase(chain[at]), fewer, longer_p), at + 1
        else:
            high = at - 1
        at = (low + high + 1) // 2
    return kept


def _counts(its: Units, found: np.ndarray) -> tuple[int, int]:
    """Flagged families, and families, that are spoken for by some rows."""
    inside = np.isin(its.rows, found)
    return int((inside & its.flagged).sum()), int(inside.sum())


def _p(its: Units, found: np.ndarray) -> float:
    k, total = _counts(its, found)
    return float(exact_p(np.array([k]), np.array([total]), its)[0])


def _take_out(words: Words, states: list[_State], found: Int[np.ndarray, " found"]) -> None:
    """Count again without every family for whom one of some rows speaks."""
    grams = sorted_unique([state.tested.grams for state in states])
    sets = []
    for state in states:
        inside = np.isin(state.tested.units.rows, found)
        taken = state.tested.units.rows[inside]
        sets += [taken, taken[state.tested.units.flagged[inside]]]
    counts = count(words, grams, sets).counts
    for at, state in enumerate(states):
        test = state.tested
        where = np.searchsorted(grams, test.grams)
        total, k = test.total - counts[2 * at][where], test.k - counts[2 * at + 1][where]
        its = test.units.without(found)
        state.tested = replace(
            test, units=its, k=k, total=total, p=np.where(k >= test.outcome.least, exact_p(k, total, its), 1.0)
        )
