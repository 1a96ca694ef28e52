"""A file of rows once more, less some of them; every format keeps what it can of how it stood."""

import io
import json
import mmap
import shutil
import tempfile
from bisect import bisect_right
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, cast

import pyarrow as pa
import pyarrow.parquet as pq

from holdtrue.audit.ingest.lines import read_lines
from holdtrue.audit.ingest.readers import read
from holdtrue.audit.ingest.sources import Source
from holdtrue.errors import ArtifactError

__all__ = ["copy_without"]

_CHUNK: Final = 2**20
_BATCH_BYTES: Final = 16 * 2**20
_GROUP_ROWS: Final = 2**16


def copy_without(source: Source, lines: frozenset[int], target: Path) -> None:
    """Copy a file without the rows that begin on some lines.

    Args:
        source: the file.
        lines: numbers of lines or rows, as ingest counts them.
        target: the copy.

    Raises:
        ArtifactError: a row can't be cut out of this file.
    """
    with _unpacked(source) as stream, _packing(source, target) as out:
        if source.format == "parquet":
            _parquet(stream, out, lines)
        elif source.format in ("csv", "tsv"):
            _lines(stream, out, _whole_rows(source, lines))
        elif source.format == "jsonl" or _is_lines(stream):
            _lines(stream, out, [(line, line) for line in sorted(lines)])
        else:
            _json(source, stream, out, lines)


@contextmanager
def _unpacked(source: Source) -> Iterator[io.BufferedIOBase]:
    if source.packed is None:
        with source.path.open("rb") as plain:
            yield plain
        return
    with tempfile.TemporaryFile() as whole, source.open() as packed:
        shutil.copyfileobj(packed, whole, _CHUNK)
        whole.seek(0)
        yield cast(io.BufferedIOBase, whole)


@contextmanager
def _packing(source: Source, target: Path) -> Iterator[io.BufferedIOBase]:
    if source.packed is None:
        with target.open("wb") as out:
            yield out
        return
    with io.BufferedWriter(cast(io.RawIOBase, pa.CompressedOutputStream(str(target), source.packed))) as packed:
        yield packed


def _whole_rows(source: Source, lines: frozenset[int]) -> list[tuple[int, int]]:
    """First and last lines of rows that may go over several; blank ones behind a row go with it."""
    starts = [raw.line for raw in read(source)]
    found = []
    for line in sorted(lines):
        after = bisect_right(starts, line)
        found.append((line, starts[after] - 1 if after < len(starts) else 2**63))
    return found


def _lines(stream: io.BufferedIOBase, out: io.BufferedIOBase, gone: list[tuple[int, int]]) -> None:
    number, at, whole = 1, 0, True
    # A line may be longer than memory: it's copied in pieces.
    while piece := stream.readline(_CHUNK):
        while whole and at < len(gone) and gone[at][1] < number:
            at += 1
        if not (at < len(gone) and gone[at][0] <= number):
            out.write(piece)
        whole = piece.endswith(b"\n")
        number += whole


def _is_lines(stream: io.BufferedIOBase) -> bool:
    """Whether a `.json` file holds JSON lines: ingest then numbers its rows by line."""
    first, *others = [raw.data.strip() for raw, _ in zip(read_lines(stream), range(2), strict=False)] or [b""]
    stream.seek(0)
    return bool(others) and first.startswith(b"{") and first.endswith(b"}")


def _json(source: Source, stream: io.BufferedIOBase, out: io.BufferedIOBase, lines: frozenset[int]) -> None:
    raws = list(read(source))
    with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as text:
        places = []
        end = text.find(b"[") + 1
        for raw in raws:
            start = text.find(raw.data, end)
            if start < 0 or text[end:start].strip(b", \t\r\n\xef\xbb\xbf"):
                break
            end = start + len(raw.data)
            places.append((start, end))
        if len(places) == len(raws):
            _elements(text, places, [raw.line in lines for raw in raws], out)
            return
        whole = text[:]
    if any(raw.reason for raw in raws):
        bad = next(raw for raw in raws if raw.reason)
        message = f"{source.path}: row {bad.line} can't be copied ({bad.reason}); mend it, and audit the file again"
        raise ArtifactError(message)
    kept = _object(json.loads(whole), [raw.line not in lines for raw in raws], source)
    out.write(json.dumps(kept, ensure_ascii=False, indent=1).encode() + b"\n")


def _elements(text: mmap.mmap, places: list[tuple[int, int]], gone: list[bool], out: io.BufferedIOBase) -> None:
    out.write(text[: places[0][0]])
    between = b""
    for at, (start, end) in enumerate(places):
        if not gone[at]:
            out.write(between + text[start:end])
            between = text[end : places[at + 1][0]] if at + 1 < len(places) else b""
    out.write(text[places[-1][1] :])


def _object(found: Any, keep: list[bool], source: Source) -> Any:
    """An object of rows without some: a list under a name, columns as lists, or columns by key as pandas writes."""
    values = list(found.values())
    rows = [name for name, value in found.items() if isinstance(value, list) and len(value) == len(keep)]
    if values and len(rows) == len(values):
        return {name: [v for v, kept in zip(column, keep, strict=True) if kept] for name, column in found.items()}
    if len(rows) == 1:
        return {**found, rows[0]: [row for row, kept in zip(found[rows[0]], keep, strict=True) if kept]}
    if values and all(isinstance(value, dict) and len(value) == len(keep) for value in values):
        keys = [key for key, kept in zip(values[0], keep, strict=True) if kept]
        return {name: {key: column[key] for key in keys} for name, column in found.items()}
    if keep == [False]:
        return []
    message = f"{source.path}: rows can't be told apart in this object; write it as JSON lines, and audit it again"
    raise ArtifactError(message)


def _parquet(stream: io.BufferedIOBase, out: io.BufferedIOBase, lines: frozenset[int]) -> None:
    file = pq.ParquetFile(stream)
    meta = file.metadata
    codec = meta.row_group(0).column(0).compression if meta.num_row_groups and meta.num_columns else "SNAPPY"
    size = sum(meta.row_group(at).total_byte_size for at in range(meta.num_row_groups)) // max(1, meta.num_rows)
    batch_rows = max(1, min(_GROUP_ROWS, _BATCH_BYTES // max(1, size)))
    number = 1
    with pq.ParquetWriter(out, file.schema_arrow, compression="NONE" if codec == "UNCOMPRESSED" else codec) as writer:
        for batch in file.iter_batches(batch_size=batch_rows):
            keep = pa.array([number + at not in lines for at in range(batch.num_rows)], pa.bool_())
            writer.write_batch(batch.filter(keep))
            number += batch.num_rows
