"""CSV and TSV with quoted line breaks, row by row."""

import csv
import json
from collections.abc import Iterator
from typing import final

from holdtrue.audit.ingest.lines import LineReader
from holdtrue.audit.ingest.parsing import MAX_LINE, Raw

__all__ = ["read_csv"]


def read_csv(stream: LineReader, delimiter: str | None) -> Iterator[Raw]:
    """Rows of a table with a header (RFC 4180, with any line end); a row's line is that of its first character.

    Args:
        stream: the file.
        delimiter: None for a comma, or a semicolon where the header has no comma.
    """
    lines = _Lines(stream)
    before = csv.field_size_limit(MAX_LINE)
    try:
        first = next(lines, "")
        delimiter = delimiter or (";" if ";" in first and "," not in first else ",")
        reader = csv.reader(lines.again(first), delimiter=delimiter, strict=True)
        try:
            header = next(reader, [])
        except csv.Error as error:
            yield Raw(1, first[:256].encode(), f"the header is no CSV: {error}")
            return
        if lines.spoilt or len(set(header)) != len(header):
            yield Raw(1, first[:256].encode(), lines.spoilt or "the header names a column twice")
            return
        yield from _rows(reader, header, lines)
    finally:
        csv.field_size_limit(before)


def _rows(reader: Iterator[list[str]], header: list[str], lines: "_Lines") -> Iterator[Raw]:
    while True:
        number, lines.spoilt = lines.number + 1, ""
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield Raw(number, lines.last[:256].encode(), f"not CSV: {error}")
            continue
        if not row:
            continue
        data = json.dumps(dict(zip(header, row, strict=False)), ensure_ascii=False).encode()
        if lines.spoilt:
            yield Raw(number, data[:256], lines.spoilt)
        elif len(row) != len(header):
            yield Raw(number, data[:256], f"{len(row)} fields where the header has {len(header)}")
        else:
            yield Raw(number, data)


@final
class _Lines:
    """A file's lines as text, with the number of the last one.

    Args:
        stream: the file.
    """

    def __init__(self, stream: LineReader) -> None:
        self._stream = stream
        self.number = 0
        self.last = ""
        self.spoilt = ""
        """What was wrong with a line since this was last emptied."""

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        data = more = self._stream.readline(MAX_LINE)
        if not data:
            raise StopIteration
        while len(more) == MAX_LINE and not more.endswith(b"\n"):
            more = self._stream.readline(MAX_LINE)
            self.spoilt = f"a line of more than {MAX_LINE:,} bytes"
        if self.spoilt and not data.endswith(b"\n"):
            data = b"\n"
        self.number += 1
        try:
            self.last = data.decode("utf-8-sig" if self.number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            self.last = data.decode("utf-8", "replace")
            self.spoilt = f"not UTF-8 at byte {error.start} of line {self.number}"
        return self.last

    def again(self, first: str) -> Iterator[str]:
        """The first line once more, then the others."""
        yield first
        yield from self
