"""One trigger, one finding: take the best predictor, name its whole phrase, take its rows out, look again."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final, final

import numpy as np

from holdtrue.audit.association.counting import count
from holdtrue.audit.association.grams import is_slice
from holdtrue.audit.association.growing import Association, grown
from holdtrue.audit.association.outcome import Outcome
from holdtrue.audit.association.sampling import sorted_unique
from holdtrue.audit.association.tested import Mined, Tested, exact_p
from holdtrue.audit.association.words import Words
from holdtrue.audit.row_set import RowSet

__all__ = ["MOST", "peel"]

MOST: Final = 60
"""Alarms; data with more has another trouble than triggers, and each costs a reading."""
NOTES: Final = 10
"""Of an outcome that can only be noted, for that each costs a reading too."""


@final
@dataclass
class _State:
    tested: Tested
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
    states = [
        _State(
            test,
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
        association, found_rows = grown(words, mined, state.tested, at, float(state.q[at]))
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


def _take_out(words: Words, states: list[_State], found: RowSet) -> None:
    """Count again without every family for whom one of some rows speaks."""
    grams = sorted_unique([state.tested.grams for state in states])
    sets: list[RowSet] = []
    for state in states:
        taken = state.tested.units.among(found)
        sets += [taken.speaks, taken.flagged]
    counts = count(words, grams, sets).counts
    for at, state in enumerate(states):
        test = state.tested
        where = np.searchsorted(grams, test.grams)
        total, k = test.total - counts[2 * at][where], test.k - counts[2 * at + 1][where]
        its = test.units.without(found)
        state.tested = replace(
            test, units=its, k=k, total=total, p=np.where(k >= test.outcome.least, exact_p(k, total, its), 1.0)
        )
