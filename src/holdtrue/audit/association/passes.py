"""The passes over a dataset: predictors of a few rows, counts of a few predictors, rows that hold a phrase."""

from dataclasses import dataclass
from typing import Final, final

import numpy as np
import pyarrow as pa
from jaxtyping import Int, Integer, UInt8, UInt64

from holdtrue.audit.association.grams import COLUMNS, flat_grams, phrase_rows, pieces, row_grams, slice_rows
from holdtrue.audit.maps.base import Maps
from holdtrue.audit.rows import Batch, Rows

__all__ = ["Sample", "Tally", "count", "rows_of_phrase", "rows_of_slice", "sample"]

MOST_BITS: Final = 23
"""A table of 32 MB at most; larger ones cost more in cache misses than they spare."""

Topics = Int[np.ndarray, " rows"] | None


@final
@dataclass(frozen=True)
class Sample:
    """Predictors of some rows."""

    rows: Int[np.ndarray, " sampled"]
    """Ascending."""
    starts: Int[np.ndarray, " sampled+1"]
    grams: UInt64[np.ndarray, " flat"]

    def having(self, gram: int) -> Int[np.ndarray, " found"]:
        """Which of the rows have a predictor."""
        at = np.flatnonzero(self.grams == np.uint64(gram))
        found: np.ndarray = self.rows[np.searchsorted(self.starts, at, side="right") - 1]
        return found

    def frequent(self, rows: Int[np.ndarray, " drawn"], least: int) -> tuple[np.ndarray, np.ndarray]:
        """Predictors that at least so many of some rows have, ascending, and how many have them.

        Args:
            rows: of those sampled.
            least: rows.
        """
        at = np.searchsorted(self.rows, rows)
        sizes = self.starts[at + 1] - self.starts[at]
        within = np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        found = np.sort(self.grams[np.repeat(self.starts[at], sizes) + within])
        firsts = np.flatnonzero(np.concatenate([[True], found[1:] != found[:-1]])) if found.size else np.zeros(0, int)
        counts = np.diff(np.append(firsts, found.size))
        often = counts >= least
        return found[firsts[often]], counts[often]


@final
@dataclass(frozen=True)
class Tally:
    """How many rows of each set have each predictor."""

    counts: Int[np.ndarray, "sets grams"]
    occurrences: Int[np.ndarray, " sets"]
    """Of any predictor, counted or not, repeats in a row included."""


def sample(rows: Rows, maps: Maps, wanted: Int[np.ndarray, " wanted"], topics: Topics = None) -> Sample:
    """Read some rows' predictors.

    Args:
        rows: the dataset.
        maps: what runs it.
        wanted: row numbers, ascending.
        topics: of every row of the dataset.
    """
    found = list(maps.over(_Sampling(wanted, topics), rows, COLUMNS))
    sizes = np.concatenate([sizes for sizes, _ in found]) if found else np.zeros(0, dtype=np.int64)
    grams = np.concatenate([grams for _, grams in found]) if found else np.zeros(0, dtype=np.uint64)
    return Sample(wanted, np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64), grams)


def count(
    rows: Rows,
    maps: Maps,
    grams: UInt64[np.ndarray, " grams"],
    sets: list[Int[np.ndarray, " _"]],
    topics: Topics = None,
) -> Tally:
    """Count predictors among some sets of rows; rows in none are skipped.

    Args:
        rows: the dataset.
        maps: what runs it.
        grams: ascending, each once.
        sets: row numbers of each set.
        topics: of every row of the dataset.
    """
    members = np.zeros((len(sets), (len(rows) + 7) // 8), dtype=np.uint8)
    for at, chosen in enumerate(sets):
        mask = np.zeros(len(rows), dtype=bool)
        mask[chosen] = True
        members[at] = np.packbits(mask)
    counts = np.zeros((len(sets), grams.size), dtype=np.int64)
    occurrences = np.zeros(len(sets), dtype=np.int64)
    for part_counts, part_occurrences in maps.over(_Counting(grams, members, topics), rows, COLUMNS):
        counts += part_counts
        occurrences += part_occurrences
    return Tally(counts, occurrences)


def rows_of_phrase(
    rows: Rows, maps: Maps, words: tuple[str, ...], among: Int[np.ndarray, " among"] | None = None
) -> Int[np.ndarray, " found"]:
    """Numbers of the rows whose prompt holds a phrase.

    Args:
        rows: the dataset.
        maps: what runs it.
        words: of the phrase.
        among: ascending; rows beside these are known to lack it, and aren't looked at.
    """
    found = list(maps.over(_Holding(words, among), rows, ("system", "prompt")))
    return np.concatenate(found) if found else np.zeros(0, dtype=np.int64)


def rows_of_slice(rows: Rows, maps: Maps, gram: int) -> Int[np.ndarray, " found"]:
    """Numbers of the rows that have a provenance value, given by its number."""
    found = list(maps.over(_Slicing(gram), rows, ["slices"]))
    return np.concatenate(found) if found else np.zeros(0, dtype=np.int64)


@final
@dataclass(frozen=True)
class _Sampling:
    wanted: Int[np.ndarray, " wanted"]
    topics: Topics

    def __call__(self, batch: Batch) -> tuple[np.ndarray, np.ndarray]:
        first, end = batch.first, batch.first + batch.table.num_rows
        here = self.wanted[np.searchsorted(self.wanted, first) : np.searchsorted(self.wanted, end)]
        table = batch.table.take(pa.array(here - first))
        sizes, grams = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.uint64)]
        for start, piece in pieces(table):
            of = here[start : start + piece.num_rows]
            found_rows, found = row_grams(piece, None if self.topics is None else self.topics[of])
            sizes.append(np.bincount(found_rows, minlength=piece.num_rows))
            grams.append(found)
        return np.concatenate(sizes), np.concatenate(grams)


@final
@dataclass(frozen=True)
class _Counting:
    grams: UInt64[np.ndarray, " grams"]
    members: UInt8[np.ndarray, "sets bytes"]
    topics: Topics

    def __call__(self, batch: Batch) -> tuple[np.ndarray, np.ndarray]:
        counts = np.zeros((len(self.members), self.grams.size), dtype=np.int64)
        occurrences = np.zeros(len(self.members), dtype=np.int64)
        first, n = batch.first, batch.table.num_rows
        bits = self.members[:, first // 8 : (first + n + 7) // 8]
        inside = np.unpackbits(bits, axis=1)[:, first % 8 : first % 8 + n].astype(bool)
        here = np.flatnonzero(inside.any(axis=0))
        table = batch.table if here.size == n else batch.table.take(pa.array(here))
        index = _Index.of(self.grams)
        for start, piece in pieces(table):
            of = here[start : start + piece.num_rows]
            found_rows, found, again = flat_grams(piece, None if self.topics is None else self.topics[first + of])
            near, at = index.look_up(found)
            row, again = found_rows[near], again[near]
            doubtful = row[again].astype(np.int64) * max(1, self.grams.size) + at[again]
            more, gram = np.divmod(_each_once(doubtful), max(1, self.grams.size))
            row, gram = np.concatenate([row[~again], more]), np.concatenate([at[~again], gram])
            in_row = np.bincount(found_rows, minlength=piece.num_rows)
            whole = np.bincount(gram, minlength=self.grams.size)
            for each, mask in enumerate(inside[:, of]):
                # Most sets are nearly all rows or few: the smaller side is counted.
                few = mask if 2 * mask.sum() <= mask.size else ~mask
                part = np.bincount(gram[few[row]], minlength=self.grams.size)
                counts[each] += part if few is mask else whole - part
                occurrences[each] += int(in_row[mask].sum())
        return counts, occurrences


@final
@dataclass(frozen=True)
class _Holding:
    words: tuple[str, ...]
    among: Int[np.ndarray, " among"] | None

    def __call__(self, batch: Batch) -> Integer[np.ndarray, " found"]:
        table, here = batch.table, None
        if self.among is not None:
            ends = np.searchsorted(self.among, [batch.first, batch.first + table.num_rows])
            here = self.among[slice(*ends)]
            table = table.take(pa.array(here - batch.first))
        found = [start + phrase_rows(piece, self.words) for start, piece in pieces(table)]
        inside = np.concatenate([np.zeros(0, dtype=np.int64), *found])
        return batch.first + inside if here is None else here[inside]


@final
@dataclass(frozen=True)
class _Slicing:
    gram: int

    def __call__(self, batch: Batch) -> Integer[np.ndarray, " found"]:
        return batch.first + slice_rows(batch.table, self.gram)


def _each_once(found: Int[np.ndarray, " found"]) -> Int[np.ndarray, " distinct"]:
    found = np.sort(found)
    return found[np.concatenate([[True], found[1:] != found[:-1]])] if found.size else found


@final
@dataclass(frozen=True)
class _Index:
    """Places of predictors by their leading bits: one look instead of a search, and most others are ruled out."""

    grams: UInt64[np.ndarray, " grams"]
    starts: Int[np.ndarray, " edges"]
    shift: np.uint64

    @staticmethod
    def of(grams: UInt64[np.ndarray, " grams"]) -> "_Index":
        """For ascending predictors."""
        bits = min(MOST_BITS, max(16, int(grams.size).bit_length() + 3))
        shift = np.uint64(64 - bits)
        sizes = np.bincount((grams >> shift).astype(np.int64), minlength=1 << bits)
        return _Index(grams, np.concatenate([[0], np.cumsum(sizes)]).astype(np.int32), shift)

    def look_up(self, found: UInt64[np.ndarray, " found"]) -> tuple[np.ndarray, np.ndarray]:
        """Which of some predictors are among these, and where."""
        slots = (found >> self.shift).astype(np.int64)
        at, end = self.starts[slots], self.starts[slots + 1]
        near = np.flatnonzero(at < end)
        at, end, wanted = at[near], end[near], found[near]
        whose, places = [], []
        while near.size:
            hit = self.grams[at] == wanted
            whose.append(near[hit])
            places.append(at[hit])
            left = ~hit & (at + 1 < end)
            near, at, end, wanted = near[left], at[left] + 1, end[left], wanted[left]
        none = np.zeros(0, dtype=np.int64)
        return np.concatenate([none, *whose]), np.concatenate([none, *places])
