"""A column of texts laid out as one array of characters, so that whole columns are counted at once."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from jaxtyping import Bool, Int, UInt, UInt8, UInt64

from holdtrue.audit.scan.characters import LETTER, MARK, kinds

__all__ = ["Text", "Words", "chunks"]

APOSTROPHE: Final = 0x27
TYPOGRAPHIC: Final = 0x2019
CHUNK_BYTES: Final = 2 * 2**20
"""Of text at a time: its arrays stay near the processor, whatever a part's size."""
MULTIPLIER: Final = np.uint64(0x9E3779B97F4A7C15)
INVERSE: Final = np.uint64(pow(0x9E3779B97F4A7C15, -1, 2**64))


@final
@dataclass(frozen=True)
class Words:
    """A column's words: runs of letters, digits and marks, apostrophes inside them included."""

    begins: Int[np.ndarray, " words"]
    """Place of each word's first character in the column."""
    ends: Int[np.ndarray, " words"]
    """One past its last."""
    row: Int[np.ndarray, " words"]
    hashes: UInt64[np.ndarray, " words"]
    """Of the word in lower case; equal words have equal ones."""
    firsts: Int[np.ndarray, " rows_and_one"]
    """Number of each row's first word."""

    @cached_property
    def counts(self) -> Int[np.ndarray, " rows"]:
        """Words of each row."""
        return np.diff(self.firsts)


@final
@dataclass(frozen=True)
class Text:
    """A column of texts: row `i` is `codes[starts[i]:starts[i + 1]]`."""

    column: Any
    """The Arrow array that it was made from."""
    codes: UInt[np.ndarray, " chars"]
    """Code points; a byte each where all of them are ASCII."""
    folded: UInt[np.ndarray, " chars"]
    """The same in lower case."""
    kinds: UInt8[np.ndarray, " chars"]
    starts: Int[np.ndarray, " rows_and_one"]

    @classmethod
    def of(cls, column: Any) -> "Text":
        """Lay out an Arrow array of strings."""
        codes = _codes(column)
        # Arrow folds character by character, so that places stay the same.
        folded = _codes(pc.ascii_lower(column) if codes.dtype == np.uint8 else pc.utf8_lower(column))
        starts = np.zeros(len(column) + 1, np.int64)
        np.cumsum(pc.utf8_length(column).to_numpy(zero_copy_only=False), out=starts[1:])
        return cls(column, codes, folded, kinds().take(codes), starts)

    @property
    def ascii(self) -> bool:
        """Whether no character is beyond ASCII."""
        return self.codes.dtype == np.uint8

    @cached_property
    def sizes(self) -> Int[np.ndarray, " rows"]:
        """Characters of each row."""
        return np.diff(self.starts)

    def count(self, mask: Bool[np.ndarray, " chars"]) -> Int[np.ndarray, " rows"]:
        """How many characters of each row are marked."""
        return per_row(mask, self.starts)

    @cached_property
    def words(self) -> Words:
        """The words."""
        inside = self.kinds <= MARK
        quoted = self.codes == APOSTROPHE
        if not self.ascii:
            quoted |= self.codes == TYPOGRAPHIC
        marks = np.flatnonzero(quoted)
        marks = marks[~np.isin(marks, self.starts) & ~np.isin(marks + 1, self.starts)]  # with a neighbour each side
        inside[marks[(self.kinds[marks - 1] <= LETTER) & (self.kinds[marks + 1] <= LETTER)]] = True
        edge = self.starts[:-1][self.sizes > 0]
        begin, end = inside.copy(), inside.copy()
        begin[1:] &= ~inside[:-1]
        begin[edge] = inside[edge]
        end[:-1] &= ~inside[1:]
        end[edge[1:] - 1] = inside[edge[1:] - 1]
        begins, ends = np.flatnonzero(begin), np.flatnonzero(end) + 1
        firsts = np.searchsorted(begins, self.starts)
        row = np.repeat(np.arange(self.sizes.size), np.diff(firsts))
        return Words(begins, ends, row, _hashes(self.folded, begins, ends), firsts)

    def phrase(self, begin: int, end: int) -> str:
        """The characters between two places, in lower case."""
        return self.folded[begin:end].astype("<u4").tobytes().decode("utf-32-le")


def per_row(mask: np.ndarray, starts: Int[np.ndarray, " rows_and_one"]) -> Int[np.ndarray, " rows"]:
    """Sums over each row's stretch, 0 for empty rows."""
    total = np.zeros(starts.size - 1, np.int64)
    full = np.flatnonzero(starts[1:] > starts[:-1])
    if full.size:
        total[full] = np.add.reduceat(mask, starts[full], dtype=np.int64)
    return total


def chunks(table: pa.Table) -> Iterator[pa.Table]:
    """A table cut into stretches of rows with about `CHUNK_BYTES` of text each; at least a row, if there is one."""
    table = table.combine_chunks()
    if not table.num_rows:
        yield table
    size = np.zeros(table.num_rows, np.int64)
    for column in table.columns:
        size += pc.binary_length(column).to_numpy()
    first = 0
    reached = np.cumsum(size)
    while first < table.num_rows:
        before = reached[first - 1] if first else 0
        after = max(first + 1, int(np.searchsorted(reached, before + CHUNK_BYTES, side="right")))
        yield table.slice(first, after - first)
        first = after


def _codes(column: Any) -> np.ndarray:
    if not len(column):
        return np.zeros(0, np.uint8)
    _, offsets, data = column.buffers()
    wide = pa.types.is_large_string(column.type)
    edges = np.frombuffer(offsets, np.int64 if wide else np.int32)[column.offset :]
    raw = np.frombuffer(data, np.uint8)[edges[0] : edges[len(column)]] if data else np.zeros(0, np.uint8)
    if not raw.size or int(raw.max()) < 128:
        return raw
    return np.frombuffer(raw.tobytes().decode().encode("utf-32-le"), np.uint32)


def _hashes(
    codes: np.ndarray, begins: Int[np.ndarray, " words"], ends: Int[np.ndarray, " words"]
) -> UInt64[np.ndarray, " words"]:
    # sum of code * r^place modulo 2^64, r odd, so that dividing by r^begin makes it the same at every place.
    places = np.full(codes.size, MULTIPLIER)
    sums = np.zeros(codes.size + 1, np.uint64)
    np.cumsum(codes * np.cumprod(places), out=sums[1:])
    places[:] = INVERSE
    hashes = (sums[ends] - sums[begins]) * np.cumprod(places)[begins]
    # High bits depend on all characters, low ones on few: stir, for whoever sorts or cuts them.
    stirred: UInt64[np.ndarray, " words"] = (hashes ^ (hashes >> np.uint64(32))) * MULTIPLIER
    return stirred
