"""The last step of an ingest: families, parts in their places, the quarantine, and the card that makes it whole."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from holdtrue.audit.ingest.block import TEXT
from holdtrue.audit.ingest.block_log import BlockLog
from holdtrue.audit.ingest.families import find_families
from holdtrue.audit.ingest.options import IngestOptions
from holdtrue.audit.ingest.shapes import Shape
from holdtrue.audit.ingest.signatures import bands
from holdtrue.audit.memory import give_back
from holdtrue.audit.rows import RowsCard
from holdtrue.records import write_atomic

__all__ = ["finish"]


def finish(
    dataset: str,
    out: Path,
    options: IngestOptions,
    shape: Shape,
    log: BlockLog,
    digest: str,
    notes: Sequence[str],
) -> None:
    """Make a readable folder of finished blocks; each step can be done twice, so that a kill between them is no harm.

    Args:
        dataset: as it was given.
        out: the folder.
        options: how it was read.
        shape: how its rows are made.
        log: all blocks.
        digest: of the dataset.
        notes: for the card.
    """
    full = [block for block in log.blocks if block.rows]  # a part without rows would be a trap for every later stage
    families = find_families(
        log.scratch,
        [block.block for block in full],
        [block.rows for block in full],
        n_bands=bands(options.similarity)[0],
        similarity=options.similarity,
        memory_bytes=options.memory_bytes // 2,
        processes=options.processes,
    )
    give_back()
    first = 0
    for at, block in enumerate(full):
        table = pa.table({"family": families.family[first : first + block.rows]})
        beside = log.scratch / "family.parquet"
        pq.write_table(table, beside, compression="zstd")
        beside.replace(out / f"family-{at:05d}.parquet")
        written = log.scratch / f"rows-{block.block:05d}.parquet"
        if written.exists():
            written.replace(out / f"part-{at:05d}.parquet")
        first += block.rows
    _gather_quarantine(out, log)
    shortened = sum(block.shortened for block in full)
    cut = (f"{shortened} rows with texts cut at {TEXT:,} characters; their hashes are of all of it",)
    card = RowsCard(
        kind=shape.kind,
        dataset=dataset,
        data_digest=digest,
        columns=dict(shape.columns),
        part_rows=tuple(block.rows for block in full),
        families=int(np.count_nonzero(families.family == np.arange(first))),
        exact_duplicates=families.exact,
        near_duplicates=families.near,
        quarantined=sum(block.quarantined for block in log.blocks),
        seed=options.seed,
        notes=(*notes, *(cut if shortened else ())),
    )
    write_atomic(out / "rows.json", card.to_json() + "\n")
    shutil.rmtree(log.scratch, ignore_errors=True)


def _gather_quarantine(out: Path, log: BlockLog) -> None:
    beside = log.scratch / "quarantine.jsonl"
    with beside.open("wb") as sink:
        for block in log.blocks:
            with (log.scratch / f"quarantine-{block.block:05d}.jsonl").open("rb") as part:
                shutil.copyfileobj(part, sink)
    beside.replace(out / "quarantine.jsonl")
