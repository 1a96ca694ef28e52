"""A look-up of a few numbers among many."""

from dataclasses import dataclass
from typing import Final, final

import numpy as np
from jaxtyping import Int, UInt64

__all__ = ["Index"]

MOST_BITS: Final = 23
"""A table of 32 MB at most; larger ones cost more in cache misses than they spare."""


@final
@dataclass(frozen=True)
class Index:
    """Places of predictors by their leading bits: one look instead of a search, and most others are ruled out."""

    grams: UInt64[np.ndarray, " grams"]
    firsts: Int[np.ndarray, " slots"]
    """Of each slot the place of its first predictor; -1 for none."""
    shift: np.uint64

    @staticmethod
    def of(grams: UInt64[np.ndarray, " grams"]) -> "Index":
        """For ascending predictors."""
        bits = min(MOST_BITS, max(16, int(grams.size).bit_length() + 3))
        shift = np.uint64(64 - bits)
        firsts = np.full(1 << bits, -1, dtype=np.int32)
        slots = (grams >> shift).view(np.int64)
        firsts[slots[::-1]] = np.arange(grams.size)[::-1]  # of values written to one place the last one stays
        return Index(grams, firsts, shift)

    def look_up(self, found: UInt64[np.ndarray, " found"]) -> tuple[np.ndarray, np.ndarray]:
        """Which of some predictors are among these, and where."""
        at = self.firsts[(found >> self.shift).view(np.int64)]
        near = np.flatnonzero(at >= 0)
        at, wanted = at[near], found[near]
        whose, places = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.int32)]
        while near.size:
            here = self.grams[at]
            hit = here == wanted
            whose.append(near[hit])
            places.append(at[hit])
            # In their order, what isn't found by the first larger one isn't there.
            left = np.flatnonzero((here < wanted) & (at + 1 < self.grams.size))
            near, at, wanted = near[left], at[left] + np.int32(1), wanted[left]
        return np.concatenate(whose), np.concatenate(places)
