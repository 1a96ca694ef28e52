"""What mining leaves: every candidate's counts and p-value, and the yardstick they are held against."""

from dataclasses import dataclass
from typing import Final, final

import numpy as np
from jaxtyping import Bool, Float, Int, UInt64

from holdtrue.audit.association.grams import is_slice, is_topic
from holdtrue.audit.association.outcome import Outcome, Units
from holdtrue.stats.contingency import fisher_greater

__all__ = ["MAJORITY", "Mined", "Tested", "exact_p"]

MAJORITY: Final = 0.5
"""Share of a value's families with the outcome from which on it is no mere habit or hard case."""
AT_ONCE: Final = 2**15
"""Tables computed at once: each takes some thirty numbers."""
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
        """Provenance goes with style in clean data too; it is tested where the outcome is somebody's judgement.

        Topics go with what honest prompts call for; they are tested with all other outcomes.
        """
        found: np.ndarray = np.ones(self.grams.size, dtype=bool) if self.outcome.is_judgement else ~is_slice(self.grams)
        return found & ~is_topic(self.grams) if self.outcome.everyday else found

    @property
    def steady(self) -> Bool[np.ndarray, " n"]:
        """Most families with it have the outcome; where labels are the outcome, of those labelled alike as well.

        Most are half of those that the outcome would flag. What flips a label now and then is a hard case, and what
        brings about a peculiar reply now and then is a topic whose words happen to rhyme: neither trains a backdoor. A
        judge's flag is evidence by itself.
        """
        if self.outcome.kind == "trigger" and self.outcome.judged:
            return np.ones(self.grams.size, dtype=bool)
        most = self.total if self.alike is None else np.maximum(self.total, self.alike)
        found: np.ndarray = self.k >= MAJORITY * self.outcome.sensitivity * most
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


def exact_p(k: Int[np.ndarray, " n"], total: Int[np.ndarray, " n"], of: Units) -> Float[np.ndarray, " n"]:
    """Fisher's one-sided p-values; each distinct pair of counts is computed once."""
    if not k.size:
        return np.zeros(0)
    width = int(total.max()) + 1
    pairs, back = np.unique(k.astype(np.int64) * width + total, return_inverse=True)
    distinct = np.empty(pairs.size)
    for at in range(0, pairs.size, AT_ONCE):
        some = pairs[at : at + AT_ONCE]
        distinct[at : at + AT_ONCE] = fisher_greater(some // width, some % width, of.positive, of.n)
    p: np.ndarray = distinct[back]
    return p
