"""A stretch of a dataset becomes a part: rows, quarantine, keys for duplicates; run in worker processes."""

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Final, final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import xxhash

from holdtrue.audit.ingest.bad_rows import BadRow, quarantined
from holdtrue.audit.ingest.lines import Cut, read_lines
from holdtrue.audit.ingest.normalise import Texts, normalise
from holdtrue.audit.ingest.parsing import Raw, parse_row
from holdtrue.audit.ingest.provenance import slices
from holdtrue.audit.ingest.shapes import Shape
from holdtrue.audit.ingest.signatures import band_keys, signatures, small
from holdtrue.audit.rows import SCHEMA

__all__ = ["TEXT", "Block", "Job", "do_block"]

TEXT: Final = 1_000_000
"""Characters kept of a text; its hash is of all of it."""


@final
@dataclass(frozen=True)
class Job:
    """What a worker is told."""

    block: int
    source: str
    path: Path
    cut: Cut | None
    """A stretch of JSON lines; None where the rows come along."""
    rows: tuple[Raw, ...]
    shape: Shape
    seed: int
    bands: tuple[int, int]
    scratch: Path
    weight: int
    """Bytes of the file, for the progress."""


@final
@dataclass(frozen=True)
class Block:
    """What became of it."""

    block: int
    rows: int
    quarantined: int
    shortened: int
    """Rows with a text cut at `TEXT` characters."""
    first_reason: str
    weight: int

    def to_line(self) -> bytes:
        """A line of `blocks.jsonl`."""
        return (json.dumps(asdict(self)) + "\n").encode()


def do_block(job: Job) -> Block:
    """Read, normalise, hash and write one block; everything it names is on the disk when it returns.

    Args:
        job: which, and how.
    """
    columns: dict[str, list[object]] = {name: [] for name in SCHEMA.names}
    checks: list[int] = []
    bad: list[str] = []
    shortened = 0
    first_reason = ""
    for raw in _raws(job):
        try:
            row = parse_row(raw)
            texts = normalise(row, job.shape)
            where = slices(row, job.shape.ignored)
        except BadRow as reason:
            first_reason = first_reason or f"{job.source} line {raw.line}: {reason}"
            bad.append(quarantined(job.source, raw.line, str(reason), raw.data))
            continue
        whole = _whole(job.shape.kind, texts)
        kept = Texts(*(text[:TEXT] for text in texts))
        shortened += kept != texts
        prompt_hash = xxhash.xxh3_64_intdigest(" ".join(texts.prompt.lower().split()).encode())
        values = (job.source, raw.line, xxhash.xxh3_64_intdigest(whole), prompt_hash, *kept, where)
        for column, value in zip(columns.values(), values, strict=True):
            column.append(value)
        # Whoever can make two rows with one xxh3 would hide rows as duplicates; a second hash must agree.
        checks.append(int.from_bytes(blake2b(whole, digest_size=8).digest()))
    _write_keys(job, columns, checks)
    _durable(job.scratch / f"quarantine-{job.block:05d}.jsonl", "".join(bad).encode())
    table = pa.table(columns, schema=SCHEMA)
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd", use_dictionary=["source", "system", "label", "slices"])
    _durable(job.scratch / f"rows-{job.block:05d}.parquet", sink.getvalue())
    return Block(job.block, len(checks), len(bad), shortened, first_reason, job.weight)


def _raws(job: Job) -> Iterator[Raw]:
    if job.cut is None:
        yield from job.rows
        return
    with job.path.open("rb", buffering=2**20) as file:
        file.seek(job.cut.start)
        yield from read_lines(file, job.cut.first_line, job.cut.end - job.cut.start)


def _whole(kind: str, texts: Texts) -> bytes:
    """Kind and texts; their lengths keep a text's end from being taken for the next one's beginning."""
    lengths = ",".join(str(len(text)) for text in texts)
    return f"{kind},{lengths}:{''.join(texts)}".encode()


def _write_keys(job: Job, columns: dict[str, list[object]], checks: Sequence[int]) -> None:
    texts = [
        f"{prompt}\n{response}"[:TEXT] for prompt, response in zip(columns["prompt"], columns["response"], strict=True)
    ]
    signature = signatures(texts, job.seed)
    keys = band_keys(signature, job.bands)
    rows = (np.int64(job.block) << 32) + np.arange(len(checks), dtype=np.int64)
    table = pa.table(
        {
            "row": rows,
            "row_hash": pa.array(columns["row_hash"], pa.uint64()),
            "check_hash": pa.array(checks, pa.uint64()),
            **{f"band_{at}": np.ascontiguousarray(keys[:, at]) for at in range(job.bands[0])},
        }
    )
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="none", use_dictionary=False)
    _durable(job.scratch / f"keys-{job.block:05d}.parquet", sink.getvalue())
    _durable(job.scratch / f"signature-{job.block:05d}.bin", small(signature).tobytes())


def _durable(path: Path, data: bytes | pa.Buffer) -> None:
    """Beside its place, synced, then renamed: a worker that is killed leaves nothing half-written under that name."""
    beside = path.with_name(f".{path.name}")
    with beside.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
