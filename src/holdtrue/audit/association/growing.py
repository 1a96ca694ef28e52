"""From the best predictor to an association: the whole phrase it is part of, and the rows that hold it."""

from dataclasses import dataclass
from typing import Final, final

import numpy as np
from jaxtyping import Int

from holdtrue.audit.association.grams import SLICE
from holdtrue.audit.association.holding import rows_with
from holdtrue.audit.association.outcome import Outcome, Units
from holdtrue.audit.association.phrases import Phrase, Prompts
from holdtrue.audit.association.tested import MAJORITY, Mined, Tested, exact_p
from holdtrue.audit.association.words import Words
from holdtrue.audit.row_set import RowSet

__all__ = ["Association", "grown"]

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


def grown(words: Words, mined: Mined, test: Tested, at: int, q: float) -> tuple[Association, RowSet]:
    """The whole phrase that a predictor is part of, counted, and the rows that hold it.

    Args:
        words: the dataset.
        mined: its counts.
        test: of the outcome, without what was taken out.
        at: the predictor's place.
        q: its q-value.
    """
    gram = int(test.grams[at])
    own = rows_with(words, (), gram, among=test.units.flagged)  # of those not yet taken out
    prompts = Prompts(words.rows, own.rows.tolist(), words.topics)
    phrase, p = prompts.name(gram), float(test.p[at])
    found = rows_with(words, phrase.words, gram)
    if phrase.words:
        phrase, found, p = _longest(words, test, prompts, phrase, found)
    k, total = test.units.counted(found)
    outcome = test.outcome
    carrying = (outcome.flagged & outcome.population & found).rows
    association = Association(
        outcome, phrase, k, total, test.units.positive, test.units.n, p, mined.adjusted(p), q, carrying
    )
    return association, found


def _longest(
    words: Words, test: Tested, prompts: Prompts, phrase: Phrase, found: RowSet
) -> tuple[Phrase, RowSet, float]:
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


def _p(its: Units, found: RowSet) -> float:
    k, total = its.counted(found)
    return float(exact_p(np.array([k]), np.array([total]), its)[0])
