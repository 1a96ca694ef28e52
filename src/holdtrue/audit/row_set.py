"""Some of a dataset's rows."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, final

import numpy as np
from jaxtyping import Bool, Int, UInt8

__all__ = ["RowSet", "row_type", "unpacked"]

BYTES_AT_ONCE: Final = 2**17
"""Rows are spelt out a million at a time."""


def unpacked(bits: UInt8[np.ndarray, "*sets bytes"], first: int, n: int) -> Bool[np.ndarray, "*sets n"]:
    """Whether each of some neighbouring rows is in a set, or in each of several.

    Args:
        bits: of sets.
        first: number of the first row asked about.
        n: rows asked about.
    """
    near = np.unpackbits(bits[..., first // 8 : (first + n + 7) // 8], axis=-1)
    found: np.ndarray = near[..., first % 8 : first % 8 + n].astype(bool)
    return found


def row_type(size: int) -> type[np.signedinteger[Any]]:
    """What a row's number is kept in: half the memory where it fits."""
    return np.int32 if size < 2**31 else np.int64


@final
@dataclass(frozen=True)
class RowSet:
    """Some of a dataset's rows, a bit for each row: dozens of sets of ten million rows are small."""

    size: int
    """Rows of the dataset."""
    bits: UInt8[np.ndarray, " bytes"]
    """Of the first row the highest of the first byte; those past the last row are 0."""

    @staticmethod
    def of(mask: Bool[np.ndarray, " rows"]) -> "RowSet":
        """The rows where it is true."""
        return RowSet(mask.size, np.packbits(mask))

    @staticmethod
    def numbered(rows: Int[np.ndarray, " some"] | Iterable[Int[np.ndarray, " some"]], size: int) -> "RowSet":
        """Rows by number, in any order, at once or some after others.

        Args:
            rows: numbers, from 0.
            size: rows of the dataset.
        """
        mask = np.zeros(size, dtype=bool)
        for some in [rows] if isinstance(rows, np.ndarray) else rows:
            mask[some] = True
        return RowSet.of(mask)

    @cached_property
    def count(self) -> int:
        """Rows in it."""
        return int(np.bitwise_count(self.bits).sum(dtype=np.int64))

    @property
    def rows(self) -> Int[np.ndarray, " some"]:
        """Their numbers, ascending."""
        return np.concatenate([np.zeros(0, dtype=row_type(self.size)), *self.blocks()])

    def blocks(self, *, backwards: bool = False) -> Iterator[Int[np.ndarray, " some"]]:
        """Their numbers a million rows at a time, ascending; or all of it the other way round."""
        step = -1 if backwards else 1
        for at in range(0, self.bits.size, BYTES_AT_ONCE)[::step]:
            found = 8 * at + np.flatnonzero(np.unpackbits(self.bits[at : at + BYTES_AT_ONCE]))
            yield found[::step].astype(row_type(self.size))

    def has(self, rows: Int[np.ndarray, " asked"]) -> Bool[np.ndarray, " asked"]:
        """Whether some rows are in it, by number, in any order."""
        found: np.ndarray = (self.bits[rows >> 3] >> (7 - (rows & 7)).astype(np.uint8)) & 1
        return found.astype(bool)

    def __and__(self, other: "RowSet") -> "RowSet":
        """Rows in both."""
        return RowSet(self.size, self.bits & other.bits)

    def __sub__(self, other: "RowSet") -> "RowSet":
        """Rows in this one alone."""
        return RowSet(self.size, self.bits & ~other.bits)
