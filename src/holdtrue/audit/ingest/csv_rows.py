"""CSV and TSV with quoted line breaks, row by row."""

import csv
import json
from collections.abc import Iterator
from typing import final

from holdtrue.audit.ingest.csv_quotes import BrokenRow
from holdtrue.audit.ingest.lines import LineReader
from holdtrue.audit.ingest.parsing import MAX_LINE, Raw

__all__ = ["read_csv"]


def read_csv(stream: LineReader, delimiter: str | None) -> Iterator[Raw]:
    """Rows of a table with a header (RFC 4180); a row's line is that of its first character.

    A quote that isn't closed spoils every line up to the next that surely begins a row (`BrokenRow`): text of a field
    must not pass as a row. Each of those lines is reported.

    Args:
        stream: the file.
        delimiter: None for a comma, or a semicolon where the header has no comma.
    """
    lines = _Lines(stream)
    before = csv.field_size_limit(MAX_LINE)
    try:
        first = next(lines, "")
        if "\r" in first and not first.endswith("\n"):
            reason = "its lines end with CR alone; make them end with LF, as by: tr '\\r' '\\n' <OLD >NEW"
            yield Raw(1, first[:256].encode(), reason)
            return
        delimiter = delimiter or (";" if ";" in first and "," not in first else ",")
        lines.rewind()
        reader = csv.reader(lines, delimiter=delimiter, strict=True)
        lines.begin_row()
        try:
            header = next(reader, [])
        except csv.Error as error:
            yield Raw(1, first[:256].encode(), f"the header is no CSV: {error}")
            return
        if lines.spoilt or len(set(header)) != len(header):
            yield Raw(1, first[:256].encode(), lines.spoilt or "the header names a column twice")
            return
        yield from _rows(reader, header, lines, delimiter)
    finally:
        csv.field_size_limit(before)


def _rows(reader: Iterator[list[str]], header: list[str], lines: "_Lines", delimiter: str) -> Iterator[Raw]:
    while True:
        number = lines.number + 1
        lines.begin_row()
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield from _broken(lines, delimiter, number, f"not CSV: {error}, from here to line {lines.number}")
            continue
        if not row and not lines.spoilt:
            continue
        data = json.dumps(dict(zip(header, row, strict=False)), ensure_ascii=False).encode()
        if lines.spoilt:
            yield Raw(number, data[:256], lines.spoilt)
        elif len(row) != len(header):
            span = f", in lines {number} to {lines.number}" if lines.number > number else ""
            yield Raw(number, data[:256], f"{len(row)} fields where the header has {len(header)}{span}")
        else:
            yield Raw(number, data)


def _broken(lines: "_Lines", delimiter: str, number: int, reason: str) -> Iterator[Raw]:
    """A row that can't be read: its first line with the reason, and all others that may be its."""
    row, over = BrokenRow(delimiter), False
    for at, (text, _) in enumerate(lines.row):
        over = row.ends(text)
        yield Raw(number + at, text[:256].encode(), reason)
        reason = f"may be part of the row that begins in line {number}, whose quotes don't match"
    while not over:
        lines.begin_row()
        text = next(lines, "")
        if not text:
            return
        over = row.ends(text)
        yield Raw(lines.number, text[:256].encode(), reason)


@final
class _Lines:
    """A file's lines as text, with the number of the last one; those of the row at hand can be had again.

    Args:
        stream: the file.
    """

    def __init__(self, stream: LineReader) -> None:
        self._stream = stream
        self._ahead: list[tuple[str, str]] = []
        self._size = 0
        self.number = 0
        self.row: list[tuple[str, str]] = []
        """The lines of the row at hand, and what is wrong with each."""

    @property
    def spoilt(self) -> str:
        """What is wrong with a line of the row at hand."""
        return next((wrong for _, wrong in self.row if wrong), "")

    def begin_row(self) -> None:
        """The next line is a row's first."""
        self.row, self._size = [], 0

    def rewind(self) -> None:
        """Give the row's lines once more."""
        self._ahead = self.row[::-1]
        self.number -= len(self.row)

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        if self._size > MAX_LINE and len(self.row) > 1:
            message = f"a row of more than {MAX_LINE:,} characters"
            raise csv.Error(message)
        text, wrong = self._ahead.pop() if self._ahead else self._read()
        self.number += 1
        self.row.append((text, wrong))
        self._size += len(text)
        return text

    def _read(self) -> tuple[str, str]:
        data = more = self._stream.readline(MAX_LINE)
        if not data:
            raise StopIteration
        wrong = ""
        while len(more) == MAX_LINE and not more.endswith(b"\n"):
            more = self._stream.readline(MAX_LINE)
            wrong = f"a line of more than {MAX_LINE:,} bytes"
        if wrong:
            return "\n", wrong
        try:
            return data.decode("utf-8" if self.number else "utf-8-sig"), ""
        except UnicodeDecodeError as error:
            return data.decode("utf-8", "replace"), f"not UTF-8 at byte {error.start} of line {self.number + 1}"
