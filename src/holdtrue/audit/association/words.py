"""A dataset split into words once, in files beside its rows: every later reading takes numbers instead of text."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Final, TypeVar, final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from filelock import FileLock
from jaxtyping import Int

from holdtrue.audit.association.grams import LONGEST
from holdtrue.audit.association.split import Split, split_table
from holdtrue.audit.maps.base import Maps
from holdtrue.audit.memory import give_back
from holdtrue.audit.rows import Batch, Part, Rows

__all__ = ["COLUMNS", "Topics", "Words", "pieces", "split_words", "splits_of"]

T = TypeVar("T")

Topics = Int[np.ndarray, " rows"] | None

COLUMNS: Final = ("system", "prompt", "slices")
"""What the predictors are read from."""
PIECE_CHARACTERS: Final = 1 << 23
"""Arrays of a piece fit into a few hundred megabytes, however long single rows are."""
FOLDER: Final = "words"


@final
@dataclass(frozen=True)
class Words:
    """A dataset in words, and what runs passes over it."""

    rows: Rows
    maps: Maps
    topics: Topics
    """A topic for each row; below 0 for none."""
    folder: Path
    occurrences: int
    """Of predictors, repeats included."""

    def over(self, work: Callable[[Batch], T]) -> Iterator[T]:
        """Apply work to each part; it reads no columns, but `splits_of` the part."""
        give_back()
        return self.maps.over(work, self.rows, ())


@contextmanager
def split_words(rows: Rows, maps: Maps, topics: Topics = None) -> Iterator[Words]:
    """Split a dataset's prompts into words, in files that are deleted afterwards.

    They lie beside the rows, where every process and machine sees them. A second audit of the same rows waits for them.

    Args:
        rows: the dataset.
        maps: what runs it.
        topics: a topic for each row; below 0 for none.
    """
    folder = rows.folder / FOLDER
    with FileLock(rows.folder / f".{FOLDER}.lock"):
        shutil.rmtree(folder, ignore_errors=True)  # of an audit that was killed
        folder.mkdir()
        try:
            occurrences = sum(maps.over(_Splitting(folder, topics), rows, COLUMNS))
            yield Words(rows, maps, topics, folder, occurrences)
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def splits_of(folder: Path, part: Part) -> Iterator[tuple[int, Split]]:
    """A part in words, in pieces of bounded size.

    Args:
        folder: of `Words`.
        part: of its rows.

    Yields:
        The number of the piece's first row in the dataset, and the piece.
    """
    first = part.first
    for at in count():
        path = _path(folder, part, at)
        if not path.is_file():
            return
        split = Split.load(path)
        yield first, split
        first += len(split)


def pieces(table: pa.Table, characters: int = PIECE_CHARACTERS) -> Iterator[tuple[int, pa.Table]]:
    """A table in slices of bounded text.

    Args:
        table: with `COLUMNS`.
        characters: bytes of text a piece holds at most, or one row.

    Yields:
        The number of the piece's first row in the table, and the piece.
    """
    if not table.num_rows:
        return
    sizes = sum(pc.binary_length(table.column(name)).to_numpy().astype(np.int64) for name in ("system", "prompt"))
    block = np.cumsum(sizes) // characters
    starts = np.concatenate([[0], np.flatnonzero(np.diff(block)) + 1, [table.num_rows]])
    for start, end in zip(starts[:-1].tolist(), starts[1:].tolist(), strict=True):
        yield start, table.slice(start, end - start)


def _path(folder: Path, part: Part, at: int) -> Path:
    return folder / f"words-{part.index:05d}-{at:03d}.npy"


@final
@dataclass(frozen=True)
class _Splitting:
    folder: Path
    topics: Topics

    def __call__(self, batch: Batch) -> int:
        occurrences = 0
        for at, (start, piece) in enumerate(pieces(batch.table)):
            first = batch.first + start
            split = split_table(piece, None if self.topics is None else self.topics[first : first + piece.num_rows])
            split.save(_path(self.folder, batch.part, at))
            occurrences += LONGEST * split.codes.size + split.marks.size
        return occurrences
