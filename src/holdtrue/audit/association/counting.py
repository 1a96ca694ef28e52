"""Counts of a few predictors in sets of rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, final

import numpy as np
from jaxtyping import Bool, Int, Integer, UInt64

from holdtrue.audit.association.grams import LONGEST
from holdtrue.audit.association.index import Index
from holdtrue.audit.association.split import Split
from holdtrue.audit.association.words import Words, splits_of
from holdtrue.audit.row_set import RowSet, row_type, unpacked
from holdtrue.audit.rows import Batch

__all__ = ["Tally", "count"]

COUNTED: Final = "counted.npy"
MEMBERS: Final = "members.npy"
"""What a pass counts, and where: beside the words, for it would outweigh the parts that it is sent along with."""


@final
@dataclass(frozen=True)
class Tally:
    """How many rows of each set have each predictor."""

    counts: Int[np.ndarray, "sets grams"]
    occurrences: Int[np.ndarray, " sets"]
    """Of any predictor, counted or not, repeats in a row included."""


def count(words: Words, grams: UInt64[np.ndarray, " grams"], sets: Sequence[RowSet]) -> Tally:
    """Count predictors among some sets of rows; rows in none are skipped.

    Args:
        words: the dataset.
        grams: ascending, each once.
        sets: of the dataset's rows.
    """
    np.save(words.folder / COUNTED, grams, allow_pickle=False)
    np.save(words.folder / MEMBERS, np.stack([each.bits for each in sets]), allow_pickle=False)
    counts = np.zeros((len(sets), grams.size), dtype=row_type(len(words.rows)))
    occurrences = np.zeros(len(sets), dtype=np.int64)
    for places, found, part_occurrences in words.over(_Counting(words.folder)):
        counts.ravel()[places] += found
        occurrences += part_occurrences
    return Tally(counts, occurrences)


@final
@dataclass(frozen=True)
class _Counting:
    folder: Path

    def __call__(self, batch: Batch) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Places in the flat counts that aren't 0, what is there, and occurrences."""
        grams = np.load(self.folder / COUNTED, allow_pickle=False)
        members = np.load(self.folder / MEMBERS, mmap_mode="r", allow_pickle=False)
        # Half the size where it does, and zeros left out in the end: results wait for each other.
        counts = np.zeros((len(members), grams.size), dtype=np.uint16 if batch.part.rows < 2**16 else np.int32)
        occurrences = np.zeros(len(members), dtype=np.int64)
        index = Index.of(grams)
        for first, piece in splits_of(self.folder, batch.part):
            inside = unpacked(members, first, len(piece))
            here = np.flatnonzero(inside.any(axis=0))
            if not here.size:
                continue
            inside, split = inside[:, here], piece.take(here)
            occurrences += inside @ _occurring(split)
            _add(counts, index, split, inside)
        places = np.flatnonzero(counts)
        return places.astype(row_type(counts.size)), counts.ravel()[places], occurrences


def _add(
    counts: Integer[np.ndarray, "sets grams"], index: Index, split: Split, inside: Bool[np.ndarray, "sets rows"]
) -> None:
    """How many rows of each set have each counted predictor."""
    # Most sets are nearly all rows or few: the smaller side is counted.
    most = 2 * inside.sum(axis=1) > len(split)
    few = inside ^ most[:, None]
    # Of each set, and of all rows, what was found; and repeats in a row, that don't count.
    found: list[list[np.ndarray]] = [[] for _ in range(len(inside) + 1)]
    repeated: list[list[np.ndarray]] = [[] for _ in range(len(inside) + 1)]
    for start, run in split.runs():
        rows, grams, again = run.predictors()
        near, at = index.look_up(grams)
        row = rows[near]
        doubtful = np.flatnonzero(again[near])
        keys = np.sort(row[doubtful].astype(np.int64) * max(1, index.grams.size) + at[doubtful])
        more_row, more = np.divmod(keys[1:][keys[1:] == keys[:-1]], max(1, index.grams.size))
        found[-1].append(at)
        repeated[-1].append(more)
        for each, mask in enumerate(few[:, start : start + len(run)]):
            if mask.any():
                found[each].append(at[mask[row]])
                repeated[each].append(more[mask[more_row]])
    n = index.grams.size
    whole = _bins(found[-1], n) - _bins(repeated[-1], n)
    for each, rest in enumerate(most):
        part = _bins(found[each], n) - _bins(repeated[each], n)
        counts[each] += (whole - part if rest else part).astype(counts.dtype)


def _bins(found: list[np.ndarray], n: int) -> Int[np.ndarray, " n"]:
    return np.bincount(np.concatenate([np.zeros(0, dtype=np.int64), *found]), minlength=n)


def _occurring(split: Split) -> Int[np.ndarray, " rows"]:
    """How many predictors each row has, repeats included."""
    words = np.diff(split.starts)
    phrases = sum(np.maximum(0, words - n) for n in range(LONGEST))
    found: np.ndarray = np.diff(split.mark_starts) + phrases
    return found
