"""Whether it is a phrase that goes with an outcome, or the wording it is part of: what its halves do without it."""

from typing import Final

import numpy as np
from jaxtyping import Int
from scipy.stats import binom

from holdtrue.audit.association.growing import Association
from holdtrue.audit.association.holding import rows_with
from holdtrue.audit.association.outcome import units
from holdtrue.audit.association.tested import Mined
from holdtrue.audit.association.words import Words

__all__ = ["hard_case"]

PRIOR: Final = 10
"""Families of the whole dataset's rate that a half of few families is read together with."""


def hard_case(association: Association, words: Words, mined: Mined, alpha: float) -> str | None:
    """Why an association with a stand-in is no alarm: texts worded nearly so have the outcome as well.

    A trigger acts as a whole; a wording that annotators read differently, or that a reply rhymes on, acts by its parts.
    The phrase's first and second half are looked for in families without the phrase, and the p-value is taken again
    against the worse of their rates: `P(Binomial(total, r) >= k)`, `r = (x + 10 r0) / (n + 10)` for `x` of `n` families
    with that half, `r0` being the rate of all.

    Args:
        association: of the dataset.
        words: the dataset.
        mined: the yardstick that the association passed.
        alpha: its level.

    Returns:
        A sentence, or None where the association stands.
    """
    outcome, phrase = association.outcome, association.phrase.words
    if outcome.judged or len(phrase) < 2:
        return None
    its = units(outcome, words.rows.families)
    whole = rows_with(words, phrase)
    half = (len(phrase) + 1) // 2
    worst, rate = None, association.positive / association.n
    for part in (phrase[:half], phrase[-half:]):
        near = np.isin(its.rows, _beside(rows_with(words, part), whole))
        flagged, n = int((near & its.flagged).sum()), int(near.sum())
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


def _beside(found: Int[np.ndarray, " found"], whole: Int[np.ndarray, " whole"]) -> Int[np.ndarray, " beside"]:
    beside: np.ndarray = np.setdiff1d(found, whole, assume_unique=True)
    return beside
