"""Counts of a few predictors in sets of rows."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final, final

import numpy as np
from jaxtyping import Bool, Int, UInt8, UInt64

from holdtrue.audit.association.grams import LONGEST
from holdtrue.audit.association.split import Split
from holdtrue.audit.association.words import Words, splits_of
from holdtrue.audit.rows import Batch

__all__ = ["Tally", "count"]

MOST_BITS: Final = 23
"""A table of 32 MB at most; larger ones cost more in cache misses than they spare."""


@final
@dataclass(frozen=True)
class Tally:
    """How many rows of each set have each predictor."""

    counts: Int[np.ndarray, "sets grams"]
    occurrences: Int[np.ndarray, " sets"]
    """Of any predictor, counted or not, repeats in a row included."""


def count(words: Words, grams: UInt64[np.ndarray, " grams"], sets: list[Int[np.ndarray, " _"]]) -> Tally:
    """Count predictors among some sets of rows; rows in none are skipped.

    Args:
        words: the dataset.
        grams: ascending, each once.
        sets: row numbers of each set.
    """
    members = np.zeros((len(sets), (len(words.rows) + 7) // 8), dtype=np.uint8)
    for at, chosen in enumerate(sets):
        mask = np.zeros(len(words.rows), dtype=bool)
        mask[chosen] = True
        members[at] = np.packbits(mask)
    counts = np.zeros((len(sets), grams.size), dtype=np.int64)
    occurrences = np.zeros(len(sets), dtype=np.int64)
    for part_counts, part_occurrences in words.over(_Counting(words.folder, grams, members)):
        counts += part_counts
        occurrences += part_occurrences
    return Tally(counts, occurrences)


@final
@dataclass(frozen=True)
class _Counting:
    folder: Path
    grams: UInt64[np.ndarray, " grams"]
    members: UInt8[np.ndarray, "sets bytes"]

    def __call__(self, batch: Batch) -> tuple[np.ndarray, np.ndarray]:
        counts = np.zeros((len(self.members), self.grams.size), dtype=np.int64)
        occurrences = np.zeros(len(self.members), dtype=np.int64)
        index = Index.of(self.grams)
        for first, piece in splits_of(self.folder, batch.part):
            bits = self.members[:, first // 8 : (first + len(piece) + 7) // 8]
            inside = np.unpackbits(bits, axis=1)[:, first % 8 : first % 8 + len(piece)].astype(bool)
            here = np.flatnonzero(inside.any(axis=0))
            if not here.size:
                continue
            inside, split = inside[:, here], piece.take(here)
            occurrences += inside @ _occurring(split)
            for start, run in split.runs():
                _add(counts, *self._found(index, run), inside[:, start : start + len(run)])
        return counts, occurrences

    def _found(self, index: "Index", run: Split) -> tuple[np.ndarray, np.ndarray]:
        """Row and place of every counted predictor, once a row."""
        rows, grams, again = run.predictors()
        near, at = index.look_up(grams)
        row, again = rows[near], again[near]
        doubtful = row[again].astype(np.int64) * max(1, self.grams.size) + at[again]
        more, gram = np.divmod(_each_once(doubtful), max(1, self.grams.size))
        return np.concatenate([row[~again], more]), np.concatenate([at[~again], gram])


def _occurring(split: Split) -> Int[np.ndarray, " rows"]:
    """How many predictors each row has, repeats included."""
    words = np.diff(split.starts)
    phrases = sum(np.maximum(0, words - n) for n in range(LONGEST))
    found: np.ndarray = np.diff(split.mark_starts) + phrases
    return found


def _add(counts: np.ndarray, row: np.ndarray, gram: np.ndarray, inside: Bool[np.ndarray, "sets rows"]) -> None:
    whole = np.bincount(gram, minlength=counts.shape[1])
    for each, mask in enumerate(inside):
        # Most sets are nearly all rows or few: the smaller side is counted.
        few = mask if 2 * mask.sum() <= mask.size else ~mask
        part = np.bincount(gram[few[row]], minlength=counts.shape[1]) if few.any() else 0
        counts[each] += part if few is mask else whole - part


def _each_once(found: Int[np.ndarray, " found"]) -> Int[np.ndarray, " distinct"]:
    found = np.sort(found)
    return found[np.concatenate([[True], found[1:] != found[:-1]])] if found.size else found


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
        whose, places = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.int64)]
        while near.size:
            here = self.grams[at]
            hit = here == wanted
            whose.append(near[hit])
            places.append(at[hit])
            # In their order, what isn't found by the first larger one isn't there.
            left = np.flatnonzero((here < wanted) & (at + 1 < self.grams.size))
            near, at, wanted = near[left], at[left] + 1, wanted[left]
        return np.concatenate(whose), np.concatenate(places)
