"""Why an association that passes may be no alarm."""

from typing import Final

from scipy.stats import binom

from holdtrue.audit.association.control import Control, dismissed, everyday_note
from holdtrue.audit.association.findings import counted, quoted
from holdtrue.audit.association.growing import Association
from holdtrue.audit.association.holding import rows_with
from holdtrue.audit.association.outcome import units
from holdtrue.audit.association.tested import MAJORITY, Mined
from holdtrue.audit.association.words import Words
from holdtrue.audit.rows import Rows

__all__ = ["excuse"]

REREAD: Final = 200
"""Rows read again without the phrase."""
PRIOR: Final = 10
"""Families of the whole dataset's rate that a half of few families is read together with."""


def excuse(association: Association, words: Words, mined: Mined, alpha: float, control: Control | None) -> str | None:
    """The first reason why an association is no alarm.

    Args:
        association: of the dataset.
        words: the dataset.
        mined: the yardstick that the association passed.
        alpha: its level.
        control: trusted data, if there is any.

    Returns:
        A sentence, or None where the association stands.
    """
    if association.habit:
        return _habit_note(association)
    if association.outcome.everyday and control is None:
        return everyday_note(association)
    return (
        _misread(association, words.rows)
        or _hard_case(association, words, mined, alpha)
        or (control and dismissed(control, words, association))
    )


def _habit_note(association: Association) -> str:
    """A sentence about a predictor that stands out without alarming: most of its rows lack the outcome."""
    return (
        f"{quoted(association)} has {association.outcome.name} more often than the rest ({counted(association)}): "
        f"most of its rows are as they should be, no alarm"
    )


def _misread(association: Association, rows: Rows) -> str | None:
    """Why an association with how texts read is no alarm: without the phrase most of them wouldn't read that way."""
    still_reads = association.outcome.still_reads
    if still_reads is None or not association.phrase.words:
        return None
    asked = association.rows[:REREAD]
    share = float(still_reads(rows, asked, association.phrase.words).mean())
    if share >= MAJORITY:
        return None
    return (
        f"{quoted(association)} goes with {association.outcome.name} ({counted(association)}), but without it only "
        f"{share:.0%} of those texts read that way: the reading errs, no alarm"
    )


def _hard_case(association: Association, words: Words, mined: Mined, alpha: float) -> str | None:
    """Why an association with a stand-in is no alarm: texts worded nearly so have the outcome as well.

    A trigger acts as a whole; a wording that annotators read differently, or that a reply rhymes on, acts by its parts.
    The phrase's first and second half are looked for in families without the phrase, and the p-value is taken again
    against the worse of their rates: `P(Binomial(total, r) >= k)`, `r = (x + 10 r0) / (n + 10)` for `x` of `n` families
    with that half, `r0` being the rate of all.
    """
    outcome, phrase = association.outcome, association.phrase.words
    if outcome.judged or len(phrase) < 2:
        return None
    its = units(outcome, words.rows.families)
    whole = rows_with(words, phrase)
    half = (len(phrase) + 1) // 2
    worst, rate = None, association.positive / association.n
    for part in (phrase[:half], phrase[-half:]):
        flagged, n = its.counted(rows_with(words, part) - whole)
        found = (flagged + PRIOR * its.positive / its.n) / (n + PRIOR)
        if found > rate:
            worst, rate = (part, flagged, n), found
    p = float(binom.sf(association.k - 1, association.total, rate))
    if worst is None or mined.adjusted(p) <= alpha:
        return None
    part, flagged, n = worst
    return (
        f"“{association.phrase.value}” goes with {outcome.name} in {association.k} of {association.total} families, "
        f"but so does “{' '.join(part)}” without the rest, in {flagged} of {n}: a hard case, no alarm"
    )
