"""Rows split into words, in numbers: what every reading after the first works on."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, final

import numpy as np
import orjson
import pyarrow as pa
from jaxtyping import Bool, Int, Integer, UInt64

from holdtrue.audit.association.grams import FACTOR, SLICE, TOPIC, roll, slice_gram, topic_gram
from holdtrue.audit.association.text import code_words, hashes_of, one_chunk, prompt_texts

__all__ = ["Split", "ranges", "split_table"]

RUN_WORDS: Final = 1 << 16
"""Words worked on at once: their phrases stay in the processor's cache."""


@final
@dataclass(frozen=True)
class Split:
    """Some rows' words and marks; a mark is a predictor that is no phrase."""

    starts: Int[np.ndarray, " starts"]
    codes: Integer[np.ndarray, " words"]
    """Of each word its place in `hashes`."""
    hashes: UInt64[np.ndarray, " distinct"]
    mark_starts: Int[np.ndarray, " starts"]
    marks: UInt64[np.ndarray, " marks"]

    def __len__(self) -> int:
        return self.starts.size - 1

    def save(self, path: Path) -> None:
        """Write it to a file."""
        with path.open("wb") as file:
            for each in (self.starts, self.codes, self.hashes, self.mark_starts, self.marks):
                np.save(file, each, allow_pickle=False)

    @staticmethod
    def load(path: Path) -> "Split":
        """What was written."""
        with path.open("rb") as file:
            starts, codes, hashes, mark_starts, marks = (np.load(file, allow_pickle=False) for _ in range(5))
        return Split(starts, codes, hashes, mark_starts, marks)

    def take(self, rows: Int[np.ndarray, " taken"]) -> "Split":
        """Some of the rows."""
        if rows.size == len(self):
            return self
        starts, words = ranges(self.starts, rows)
        mark_starts, marks = ranges(self.mark_starts, rows)
        return Split(starts, self.codes[words], self.hashes, mark_starts, self.marks[marks])

    def runs(self, words: int = RUN_WORDS) -> Iterator[tuple[int, "Split"]]:
        """Neighbouring rows of about so many words, or one row: the first one's place, and the rows."""
        first = 0
        while first < len(self):
            end = max(first + 1, int(np.searchsorted(self.starts, self.starts[first] + words, side="right")) - 1)
            (at, to), (mark, to_mark) = self.starts[[first, end]], self.mark_starts[[first, end]]
            yield first, Split(
                self.starts[first : end + 1] - at, self.codes[at:to], self.hashes,
                self.mark_starts[first : end + 1] - mark, self.marks[mark:to_mark],
            )  # fmt: skip
            first = end

    def predictors(self) -> tuple[Int[np.ndarray, " flat"], UInt64[np.ndarray, " flat"], Bool[np.ndarray, " flat"]]:
        """Every predictor of every row, as often as it occurs, in no order.

        Returns:
            Rows, predictors, and which of them may occur in their row again: all others are there once.
        """
        words, hashes = _repeated(self.starts), self.hashes[self.codes]
        grams, first = roll(words, hashes)
        # A phrase that is there twice begins with a word that is there twice.
        again = _met(words, hashes)[first]
        return (
            np.concatenate([words[first], _repeated(self.mark_starts)]),
            np.concatenate([grams, self.marks]),
            np.concatenate([again, np.zeros(self.marks.size, dtype=bool)]),
        )

    def with_phrase(self, words: Sequence[str]) -> Int[np.ndarray, " found"]:
        """Rows that hold a phrase of any length, ascending."""
        wanted = hashes_of(words)
        at = np.flatnonzero((self.hashes == wanted[0])[self.codes])
        rows = np.searchsorted(self.starts, at, side="right") - 1
        inside = at + wanted.size <= self.starts[rows + 1]
        at, rows = at[inside], rows[inside]
        for n in range(1, wanted.size):
            same = self.hashes[self.codes[at + n]] == wanted[n]
            at, rows = at[same], rows[same]
        found: np.ndarray = np.unique(rows)
        return found

    def having(self, gram: int) -> Int[np.ndarray, " found"]:
        """Rows that have a predictor, by its number, ascending."""
        if gram & (SLICE | TOPIC):
            at = np.flatnonzero(self.marks == np.uint64(gram))
            return np.unique(np.searchsorted(self.mark_starts, at, side="right") - 1)
        found = [np.zeros(0, dtype=np.int64)]
        for first, run in self.runs():
            rows, grams, _ = run.predictors()
            found.append(first + np.unique(rows[grams == np.uint64(gram)]))
        return np.concatenate(found)


def split_table(table: pa.Table, topics: Int[np.ndarray, " rows"] | None = None) -> Split:
    """A table's rows.

    Args:
        table: with system, prompt and slices.
        topics: a topic for each row; below 0 for none.
    """
    starts, codes, hashes = code_words(prompt_texts(table))
    narrow = codes.astype(np.uint16 if hashes.size <= 1 << 16 else np.uint32)
    return Split(starts, narrow, hashes, *_marks(table.column("slices"), topics))


def _marks(
    column: pa.ChunkedArray, topics: Int[np.ndarray, " rows"] | None
) -> tuple[Int[np.ndarray, " starts"], UInt64[np.ndarray, " marks"]]:
    """Provenance values and topic of every row; each distinct set of values is read once."""
    coded = one_chunk(column).dictionary_encode()
    sets = [
        [slice_gram(f"{name}={value}") for name, value in orjson.loads(text or "{}").items()]
        for text in coded.dictionary.to_pylist()
    ]
    ends = np.concatenate([[0], np.cumsum([len(each) for each in sets], dtype=np.int64)])
    flat = np.array([gram for each in sets for gram in each], dtype=np.uint64)
    starts, places = ranges(ends, coded.indices.to_numpy())
    if topics is None:
        return starts, flat[places]
    known = np.flatnonzero(topics >= 0)
    names, codes = np.unique(topics[known], return_inverse=True)
    grams = np.array([topic_gram(int(name)) for name in names], dtype=np.uint64)[codes]
    return starts + np.searchsorted(known, np.arange(starts.size)), np.insert(flat[places], starts[known], grams)


def ranges(starts: Int[np.ndarray, " starts"], rows: Int[np.ndarray, " taken"]) -> tuple[np.ndarray, np.ndarray]:
    """Starts of some rows put one after the other, and the places of what they hold."""
    sizes = starts[rows + 1] - starts[rows]
    moved = np.concatenate([[0], np.cumsum(sizes)])
    return moved, np.arange(moved[-1]) + np.repeat(starts[rows] - moved[:-1], sizes)


def _repeated(starts: Int[np.ndarray, " starts"]) -> Int[np.ndarray, " flat"]:
    found: np.ndarray = np.repeat(np.arange(starts.size - 1, dtype=np.int32), np.diff(starts))
    return found


def _met(rows: Int[np.ndarray, " words"], hashes: UInt64[np.ndarray, " words"]) -> Bool[np.ndarray, " words"]:
    """Which words may be in their row again: all that are, and a few that share a slot of a hash table by chance."""
    bits = np.uint64(max(8, int(rows.size).bit_length() + 2))
    slots = ((hashes ^ (rows.astype(np.uint64) * FACTOR)) * FACTOR) >> (np.uint64(64) - bits)
    seen = np.bincount(slots.view(np.int64), minlength=1 << int(bits))
    found: np.ndarray = seen[slots.view(np.int64)] > 1
    return found
