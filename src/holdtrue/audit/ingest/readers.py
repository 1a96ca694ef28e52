"""Every format as a stream of JSON rows."""

import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from datetime import date, datetime, time
from io import BufferedReader
from typing import Any, Final, cast

import pyarrow as pa
import pyarrow.parquet as pq

from holdtrue.audit.ingest.csv_rows import read_csv
from holdtrue.audit.ingest.json_rows import read_json
from holdtrue.audit.ingest.lines import read_lines
from holdtrue.audit.ingest.parsing import Raw
from holdtrue.audit.ingest.sources import Source

__all__ = ["read"]

_BATCH_BYTES: Final = 8 * 2**20


def read(source: Source) -> Iterator[Raw]:
    """A file's rows, one after the other; what can't be read is said in the stream, too.

    Args:
        source: the file.
    """
    last = 0
    try:
        for raw in _rows(source):
            last = raw.line
            yield raw
    except (OSError, EOFError, pa.ArrowException) as error:
        why = " ".join(str(error).split())[:200]
        yield Raw(last + 1, b"", f"the file can't be read from here on: {why}")


def _rows(source: Source) -> Iterator[Raw]:
    with source.open() as stream:
        if source.format == "parquet":
            yield from _parquet(stream, source)
        elif source.format == "jsonl":
            yield from read_lines(stream)
        elif source.format == "json":
            yield from read_json(stream)
        else:
            yield from read_csv(stream, "\t" if source.format == "tsv" else None)


def _parquet(stream: BufferedReader, source: Source) -> Iterator[Raw]:
    with tempfile.TemporaryFile() as whole:
        if source.packed:  # its index is at its end
            shutil.copyfileobj(stream, whole, 2**20)
            whole.seek(0)
        file = pq.ParquetFile(whole if source.packed else source.path)
        groups = [file.metadata.row_group(at) for at in range(file.metadata.num_row_groups)]
        mean = sum(each.total_byte_size for each in groups) // max(1, file.metadata.num_rows)
        number = 1
        for batch in file.iter_batches(batch_size=max(1, min(1024, _BATCH_BYTES // max(1, mean)))):
            for at in range(batch.num_rows):
                yield _parquet_row(batch, at, number)
                number += 1


def _parquet_row(batch: pa.RecordBatch, at: int, number: int) -> Raw:
    try:
        row = batch.slice(at, 1).to_pylist()[0]
        return Raw(number, json.dumps(row, default=_plain, ensure_ascii=False).encode())
    except UnicodeError:
        return Raw(number, repr(batch.slice(at, 1).columns[0])[:256].encode("utf-8", "replace"), "not UTF-8")
    except (TypeError, ValueError, RecursionError) as error:
        return Raw(number, b"", f"a value that JSON can't hold: {str(error)[:100]}")


def _plain(value: object) -> object:
    if isinstance(value, date | datetime | time):
        return value.isoformat()
    if isinstance(value, bytes):  # older writers don't mark their texts as texts
        return value.decode()
    if isinstance(value, Mapping):
        return dict(cast(Mapping[str, Any], value))
    return str(value)
