"""The rows that hold a phrase, a provenance value or a topic."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from jaxtyping import Int

from holdtrue.audit.association.phrases import Phrase
from holdtrue.audit.association.split import Split, split_table
from holdtrue.audit.association.text import prompt_texts
from holdtrue.audit.association.words import COLUMNS, Words, pieces, splits_of
from holdtrue.audit.maps.base import Maps
from holdtrue.audit.row_set import RowSet, unpacked
from holdtrue.audit.rows import Batch, Rows

__all__ = ["holding", "rows_with", "table_rows"]

AMONG: Final = "among.npy"
"""Which rows a pass looks at, beside the words."""


def holding(rows: Rows, maps: Maps, phrase: Phrase) -> RowSet:
    """The rows that have a predictor, of a dataset that isn't split into words; topics aren't known there.

    Args:
        rows: the dataset.
        maps: what runs it.
        phrase: the predictor.
    """
    return RowSet.numbered(maps.over(_Reading(phrase.words, phrase.gram), rows, COLUMNS), len(rows))


def rows_with(words: Words, phrase: Sequence[str], gram: int = 0, among: RowSet | None = None) -> RowSet:
    """The rows that have a predictor.

    Args:
        words: the dataset.
        phrase: its words; none where only the number is known.
        gram: its number.
        among: rows beside these aren't looked at.
    """
    if among is not None:
        np.save(words.folder / AMONG, among.bits, allow_pickle=False)
    return RowSet.numbered(words.over(_Holding(words.folder, tuple(phrase), gram, among is not None)), len(words.rows))


def table_rows(table: pa.Table, words: Sequence[str], gram: int = 0) -> Int[np.ndarray, " found"]:
    """Row indices in a table of the rows that have a predictor: a phrase of any length, or by its number another."""
    if not words:
        return _rows(split_table(table), words, gram)
    # A cheap search for rows that may hold it spares splitting the others.
    piece = max((part for word in words for part in word.split("'")), key=len)
    texts = pc.utf8_lower(prompt_texts(table))
    near = np.flatnonzero(pc.match_substring(texts, piece).to_numpy(zero_copy_only=False))
    found: np.ndarray = near[_rows(split_table(table.take(pa.array(near))), words, gram)]
    return found


def _rows(split: Split, words: Sequence[str], gram: int) -> Int[np.ndarray, " found"]:
    return split.with_phrase(words) if words else split.having(gram)


@final
@dataclass(frozen=True)
class _Holding:
    folder: Path
    words: tuple[str, ...]
    gram: int
    some: bool
    """Whether only those in the file are looked at."""

    def __call__(self, batch: Batch) -> Int[np.ndarray, " found"]:
        found = [np.zeros(0, dtype=np.int64)]
        for first, split in splits_of(self.folder, batch.part):
            here = np.arange(len(split))
            if self.some:
                among = np.load(self.folder / AMONG, mmap_mode="r", allow_pickle=False)
                here = np.flatnonzero(unpacked(among, first, len(split)))
            found.append(first + here[_rows(split.take(here), self.words, self.gram)])
        return np.concatenate(found)


@final
@dataclass(frozen=True)
class _Reading:
    words: tuple[str, ...]
    gram: int

    def __call__(self, batch: Batch) -> Int[np.ndarray, " found"]:
        found = [start + table_rows(piece, self.words, self.gram) for start, piece in pieces(batch.table)]
        return batch.first + np.concatenate([np.zeros(0, dtype=np.int64), *found])
