"""Predictors of some rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, final

import numpy as np
from jaxtyping import Bool, Int, UInt64

from holdtrue.audit.association.grams import FACTOR
from holdtrue.audit.association.split import Split, ranges
from holdtrue.audit.association.words import Words, splits_of
from holdtrue.audit.rows import Batch

__all__ = ["Sample", "frequent", "row_grams", "sample", "sorted_unique"]

WANTED: Final = "wanted.npy"
"""Which rows a pass reads: beside the words, for it would outweigh the parts that it is sent along with."""
SLICE_GRAMS: Final = 2**19
"""Predictors looked through at once."""


@final
@dataclass(frozen=True)
class Sample:
    """Predictors of some rows of one part."""

    rows: Int[np.ndarray, " sampled"]
    """Ascending."""
    starts: Int[np.ndarray, " sampled+1"]
    grams: UInt64[np.ndarray, " flat"]

    def within(self, rows: Int[np.ndarray, " drawn"]) -> Int[np.ndarray, " here"]:
        """Places of some rows, ascending, in `rows`; rows of other parts have none."""
        if not self.rows.size:
            return self.rows
        found: np.ndarray = np.searchsorted(
            self.rows, rows[slice(*np.searchsorted(rows, [self.rows[0], self.rows[-1] + 1]))]
        )
        return found

    def size(self, places: Int[np.ndarray, " here"]) -> int:
        """How many predictors the rows at some places have."""
        return int((self.starts[places + 1] - self.starts[places]).sum())

    def of(self, places: Int[np.ndarray, " here"]) -> UInt64[np.ndarray, " found"]:
        """The predictors of the rows at some places."""
        _, flat = ranges(self.starts, places)
        found: np.ndarray = self.grams[flat]
        return found


def frequent(samples: Sequence[Sample], rows: Int[np.ndarray, " drawn"], least: int) -> tuple[np.ndarray, np.ndarray]:
    """Predictors that at least so many of some rows have, ascending, and how many have them.

    Args:
        samples: of all parts.
        rows: of those sampled, ascending.
        least: rows.
    """
    here = [(each, each.within(rows)) for each in samples]
    ends = np.cumsum([0, *(each.size(places) for each, places in here)])
    found = np.empty(ends[-1], dtype=np.uint64)  # filled in place: the largest array of a reading
    for (each, places), start, end in zip(here, ends, ends[1:], strict=False):
        found[start:end] = each.of(places)
    found.sort()
    # Slices of the numbers' range: none cuts a run of equal ones.
    slices = 1 + found.size // SLICE_GRAMS
    cuts = np.searchsorted(found, np.arange(1, slices, dtype=np.uint64) * np.uint64((2**64 - 1) // slices))
    told = [_often(some, least) for some in np.split(found, cuts)]
    return np.concatenate([grams for grams, _ in told]), np.concatenate([k for _, k in told])


def _often(found: UInt64[np.ndarray, " found"], least: int) -> tuple[np.ndarray, np.ndarray]:
    """Numbers that are there so often, of some in order, and how often."""
    # What is there so often is the same so many places on; few are, and only those are counted.
    often = np.flatnonzero(found[: max(0, found.size - least + 1)] == found[least - 1 :])
    firsts = often[np.concatenate([[True], found[often[1:]] != found[often[:-1]]])] if often.size else often
    grams = found[firsts]
    return grams, (np.searchsorted(found, grams, side="right") - firsts).astype(np.int32)


def sample(words: Words, wanted: Int[np.ndarray, " wanted"]) -> list[Sample]:
    """Read some rows' predictors, part by part.

    Args:
        words: the dataset.
        wanted: row numbers, ascending.
    """
    np.save(words.folder / WANTED, wanted, allow_pickle=False)
    ends = np.searchsorted(wanted, [part.first + part.rows for part in words.rows.parts])[:-1]
    return [
        Sample(rows, np.cumsum(np.concatenate([[0], sizes])), grams)
        for rows, (sizes, grams) in zip(np.split(wanted, ends), words.over(_Sampling(words.folder)), strict=True)
    ]


def row_grams(split: Split) -> tuple[Int[np.ndarray, " flat"], UInt64[np.ndarray, " flat"]]:
    """Every predictor of every row, once a row: rows, ascending, and predictors."""
    rows, grams, again = split.predictors()
    kept = ~again
    doubtful = np.flatnonzero(again)
    kept[doubtful[_firsts(rows[doubtful], grams[doubtful])]] = True
    rows, grams = rows[kept], grams[kept]
    order = np.argsort(rows, kind="stable")
    return rows[order], grams[order]


def sorted_unique(arrays: list[np.ndarray]) -> np.ndarray:
    """All values once, ascending; faster than NumPy's own, that asks a hash table first."""
    found = np.sort(np.concatenate(arrays))
    return found[np.concatenate([[True], found[1:] != found[:-1]])] if found.size else found


@final
@dataclass(frozen=True)
class _Sampling:
    folder: Path

    def __call__(self, batch: Batch) -> tuple[np.ndarray, np.ndarray]:
        sizes, grams = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.uint64)]
        wanted = np.load(self.folder / WANTED, mmap_mode="r", allow_pickle=False)
        for first, split in splits_of(self.folder, batch.part):
            start, end = np.searchsorted(wanted, [first, first + len(split)])
            for _, run in split.take(np.asarray(wanted[start:end]) - first).runs():
                found_rows, found = row_grams(run)
                sizes.append(np.bincount(found_rows, minlength=len(run)))
                grams.append(found)
        return np.concatenate(sizes), np.concatenate(grams)


def _firsts(rows: Int[np.ndarray, " flat"], grams: UInt64[np.ndarray, " flat"]) -> Bool[np.ndarray, " flat"]:
    """One of each equal pair of row and predictor, by a hash table: sorting would cost more than everything else."""
    bits = np.uint64(max(8, int(rows.size).bit_length() + 1))
    slots = ((grams ^ (rows.astype(np.uint64) * FACTOR)) * FACTOR) >> (np.uint64(64) - bits)
    table = np.zeros(1 << int(bits), dtype=np.int64)
    places = np.arange(rows.size)
    table[slots] = places
    winners = table[slots]
    kept: np.ndarray = winners == places
    # The rest are repeats of the pair that holds their slot, or met another pair there: few, so those are sorted.
    met = np.flatnonzero((grams[winners] != grams) | (rows[winners] != rows))
    order = met[np.lexsort((grams[met], rows[met]))]
    new = np.ones(order.size, dtype=bool)
    new[1:] = (rows[order[1:]] != rows[order[:-1]]) | (grams[order[1:]] != grams[order[:-1]])
    kept[order[new]] = True
    return kept
