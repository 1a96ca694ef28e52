"""Rows that share a key, found on the disk, and the numbers of rows that lie in blocks."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, final

import duckdb
import numpy as np
import pyarrow.dataset as ds
from jaxtyping import Int

__all__ = ["Places", "keys_of", "meeting"]

_MEETING: Final = """
    WITH live AS (SELECT row, {keys} FROM keys {among} WHERE {slicing} % {slices} = {slice}), groups AS (
        SELECT {keys}, min(row) AS first FROM live GROUP BY {keys} HAVING count(*) > 1
    ) SELECT groups.first, live.row FROM live JOIN groups USING ({keys}) WHERE live.row > groups.first
"""


@final
@dataclass(frozen=True)
class Places:
    """Between a row's number and its place, `block << 32 | position`, which sorts alike."""

    blocks: Int[np.ndarray, " blocks"]
    """Their numbers, ascending."""
    firsts: Int[np.ndarray, " blocks"]
    """Of each the number of its first row."""

    def numbers(self, places: Int[np.ndarray, "*shape"]) -> Int[np.ndarray, "*shape"]:
        """The numbers of the rows at some places."""
        found: Int[np.ndarray, "*shape"] = self.firsts[np.searchsorted(self.blocks, places >> 32)] + (
            places & 0xFFFFFFFF
        )
        return found

    def packed(self, numbers: Int[np.ndarray, "*shape"]) -> Int[np.ndarray, "*shape"]:
        """The places of some rows by number."""
        at = np.searchsorted(self.firsts, numbers, side="right") - 1
        found: Int[np.ndarray, "*shape"] = (self.blocks[at] << 32) + numbers - self.firsts[at]
        return found


@contextmanager
def keys_of(
    scratch: Path, blocks: Sequence[int], memory_bytes: int, processes: int
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A database with the blocks' rows as `keys`.

    Args:
        scratch: holds `keys-NNNNN.parquet` of each block.
        blocks: their numbers.
        memory_bytes: of DuckDB; past that it spills into `scratch`.
        processes: its threads.
    """
    database = duckdb.connect(":memory:")
    try:
        spill = str(scratch / "spill").replace("'", "''")
        database.execute(f"SET memory_limit = '{memory_bytes // 2**20}MiB'")
        database.execute(f"SET temp_directory = '{spill}'")
        database.execute(f"SET threads = {processes}")
        database.execute("SET preserve_insertion_order = false")
        # By Arrow, as DuckDB would take a bracket in a folder's name for a pattern.
        database.register("keys", ds.dataset([str(scratch / f"keys-{block:05d}.parquet") for block in blocks]))
        yield database
    finally:
        database.close()


def meeting(
    database: duckdb.DuckDBPyConnection, keys: str, slices: int, among: str = ""
) -> Iterator[Int[np.ndarray, "pairs 2"]]:
    """Places of rows that share keys, each with the first row that has them, first and row.

    Args:
        database: with `keys`.
        keys: columns that must all be equal, with commas between.
        slices: of the keys; one at a time is grouped, so that memory doesn't grow with the rows.
        among: a clause that leaves rows out; none of them.
    """
    for at in range(slices):
        query = _MEETING.format(keys=keys, among=among, slicing=keys.split(",", 1)[0], slices=slices, slice=at)
        found = database.execute(query).fetchnumpy()
        yield np.stack([np.asarray(found[end], dtype=np.int64) for end in ("first", "row")], axis=1)
