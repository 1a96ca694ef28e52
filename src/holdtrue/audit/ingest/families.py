"""Rows that are alike become one family: exact duplicates by hash, near ones by MinHash, grouped on the disk."""

import mmap
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, final

import numpy as np
import pyarrow as pa
from jaxtyping import Bool, Float, Int
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from holdtrue.audit.ingest.meeting import Places, keys_of, meeting
from holdtrue.audit.ingest.signatures import PERMUTATIONS
from holdtrue.audit.row_set import row_type

__all__ = ["Families", "find_families", "joined"]

_ROUNDS: Final = 8
_BYTES_A_ROW: Final = 256
"""DuckDB's memory for each row whose keys are grouped at once: more are taken slice by slice, a reading each, so that
memory doesn't follow the rows."""
_AT_ONCE: Final = 2**14
"""Pairs of signatures compared at once: each end touches a page of the file, 128 MB in all."""

Ids = Int[np.ndarray, " n"]


@final
@dataclass(frozen=True)
class Families:
    """Which rows belong together."""

    family: Int[np.ndarray, " rows"]
    """For each row its family's first row."""
    exact: int
    near: int


def find_families(
    scratch: Path,
    blocks: Sequence[int],
    counts: Sequence[int],
    *,
    n_bands: int,
    similarity: float,
    memory_bytes: int,
    processes: int,
) -> Families:
    """Group the rows of all blocks.

    A row joins an earlier one that is its exact duplicate, or the first row of a family if their signatures agree in
    at least `similarity` of the permutations; rows are candidates when they share a band. Similarity to another member
    isn't enough, so that no chain of small changes makes a family of everything.

    Args:
        scratch: holds `keys-NNNNN.parquet` and `signature-NNNNN.bin` of each block.
        blocks: their numbers.
        counts: rows of each.
        n_bands: of the keys.
        similarity: from 0 to 1.
        memory_bytes: of DuckDB; past that it spills into `scratch`.
        processes: its threads.
    """
    n = sum(counts)
    family: Ids = np.arange(n, dtype=row_type(n))
    if not n:
        return Families(family, 0, 0)
    places = Places(np.array(blocks, dtype=np.int64), np.concatenate([[0], np.cumsum(counts)])[:-1].astype(np.int64))
    similar = _similar(_signatures(scratch, blocks), similarity)
    slices = 1 + n * _BYTES_A_ROW // memory_bytes
    with keys_of(scratch, blocks, memory_bytes, processes) as database:
        twins = np.concatenate(list(meeting(database, "row_hash, check_hash", slices)))
        first, rows = places.numbers(twins).T
        database.register("without", pa.table({"row": np.sort(twins[:, 1])}))
        among = "ANTI JOIN without USING (row)" if len(rows) else ""
        for _ in range(_ROUNDS):
            asked = np.zeros(n, dtype=bool)
            agree: Ids = np.zeros(0, dtype=np.int64)  # pairs as one number, first * n + row
            for at in range(n_bands):
                for found in meeting(database, f"band_{at}", slices, among):
                    ahead, behind = places.numbers(found).T
                    asked[behind] = True
                    pairs = np.setdiff1d(ahead * n + behind, agree)
                    agree = np.union1d(agree, pairs[similar(*np.divmod(pairs, n))])
            members, leaders = joined(np.stack(np.divmod(agree, n), axis=1), similar)
            family[members] = leaders
            asked[members] = False
            left = np.flatnonzero(asked)
            if len(left) < 2:
                break
            # Their bucket's first row was unlike them; they may yet be like each other.
            database.register("remaining", pa.table({"row": places.packed(left)}))
            among = "SEMI JOIN remaining USING (row)"
        near = int(np.count_nonzero(family != np.arange(n, dtype=family.dtype)))
        family[rows] = family[first]
    return Families(family, len(rows), near)


def joined(pairs: Int[np.ndarray, "pairs 2"], similar: Callable[[Ids, Ids], Bool[np.ndarray, " n"]]) -> tuple[Ids, Ids]:
    """Rows that join their component's first row.

    Args:
        pairs: rows that are alike.
        similar: whether the first row and another are alike, for many at once.

    Returns:
        The rows, and for each its family's first row.
    """
    nodes, flat = np.unique(pairs, return_inverse=True)
    if not len(nodes):
        return nodes, nodes
    ends = flat.reshape(-1, 2)
    graph = coo_array((np.ones(len(ends), dtype=np.int8), (ends[:, 0], ends[:, 1])), shape=(len(nodes), len(nodes)))
    _, label = connected_components(graph.tocsr(), directed=False)
    _, earliest = np.unique(label, return_index=True)  # nodes are sorted, so the first seen is the lowest
    leader = nodes[earliest[label]]
    inside = nodes != leader
    inside[inside] = similar(leader[inside], nodes[inside])
    return nodes[inside], leader[inside]


def _signatures(scratch: Path, blocks: Sequence[int]) -> mmap.mmap:
    """All signatures in one file, so that a row's place is its number."""
    whole = scratch / "signatures.bin"
    with whole.open("wb") as sink:
        for block in blocks:
            with (scratch / f"signature-{block:05d}.bin").open("rb") as part:
                shutil.copyfileobj(part, sink, 2**20)
    with whole.open("rb") as source:
        return mmap.mmap(source.fileno(), 0, access=mmap.ACCESS_READ)


def _similar(mapped: mmap.mmap, similarity: float) -> Callable[[Ids, Ids], Bool[np.ndarray, " n"]]:
    signatures = np.frombuffer(mapped, dtype=np.uint8).reshape(-1, PERMUTATIONS)

    def similar(a: Ids, b: Ids) -> Bool[np.ndarray, " n"]:
        found = np.zeros(len(a), dtype=bool)
        for at in range(0, len(a), _AT_ONCE):
            these = slice(at, at + _AT_ONCE)
            agree: Float[np.ndarray, " n"] = (signatures[a[these]] == signatures[b[these]]).mean(axis=1)
            # Eight bits agree by chance once in 256.
            found[these] = (agree - 1 / 256) / (1 - 1 / 256) >= similarity - 1e-9
            # Else the process would hold every page it ever looked at: 1.3 GB of 10 million rows.
            mapped.madvise(mmap.MADV_DONTNEED)
        return found

    return similar
