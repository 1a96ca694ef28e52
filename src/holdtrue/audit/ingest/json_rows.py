"""A `.json` file: an array, an object with an array in it, columns, or JSON lines under another name."""

import json
import re
from collections.abc import Iterator
from io import BytesIO
from typing import Any, Final, final

from holdtrue.audit.ingest.bad_rows import BadRow
from holdtrue.audit.ingest.lines import ByteReader, read_lines
from holdtrue.audit.ingest.parsing import MAX_LINE, Raw, parse

__all__ = ["read_json"]

_CHUNK: Final = 2**20
_WHOLE: Final = 64 * 2**20
"""Bytes of a file that has to be read at once."""
_ARRAY: Final = re.compile(rb'\s*(?:\{\s*"(?:data|rows|examples|instances|train)"\s*:\s*)?\[')
_OUTSIDE: Final = re.compile(rb'["\[\]{},]')
_INSIDE: Final = re.compile(rb'["\\]')


def read_json(stream: ByteReader) -> Iterator[Raw]:
    """Rows of a JSON file; of an array they stream, and a broken element spoils itself only.

    Args:
        stream: the file.
    """
    head = stream.read(_CHUNK).removeprefix(b"\xef\xbb\xbf")
    array = _ARRAY.match(head)
    if array:
        yield from _Elements(stream, head[array.end() :])
        return
    whole = head
    while len(whole) <= _WHOLE and (more := stream.read(_CHUNK)):
        whole += more
    lines = read_lines(BytesIO(whole))
    first = next(lines, None)
    if first is None:
        return
    # Two objects on two lines: JSON lines, whatever the name says.
    if first.data.lstrip().startswith(b"{") and first.data.rstrip().endswith(b"}") and next(lines, None) is not None:
        yield from read_lines(_Chained(whole, stream))
    elif len(whole) > _WHOLE:
        reason = f"one object of more than {_WHOLE:,} bytes; write it as JSON lines, or as an array of rows"
        yield Raw(1, whole[:256], reason)
    else:
        yield from _object(whole)


def _object(whole: bytes) -> Iterator[Raw]:
    try:
        found = parse(whole)
    except BadRow as bad:
        yield Raw(1, whole[:256], str(bad))
        return
    for number, row in enumerate(_rows(found), start=1):
        yield Raw(number, json.dumps(row, ensure_ascii=False).encode())


def _rows(found: dict[str, Any]) -> list[Any]:
    """Rows in an object: under a name of their own, as columns, or the object itself."""
    values = list(found.values())
    inside = [v for v in values if isinstance(v, list) and v and all(isinstance(each, dict) for each in v)]
    if len(inside) == 1 and not _is_row(found):
        return list(inside[0])
    if values and all(isinstance(v, list) for v in values) and len({len(v) for v in values}) == 1:
        return [dict(zip(found, row, strict=True)) for row in zip(*values, strict=True)]
    if values and all(isinstance(v, dict) for v in values) and len({tuple(v) for v in values}) == 1:  # by pandas
        return [{name: column[key] for name, column in found.items()} for key in values[0]]
    return [found]


def _is_row(found: dict[str, Any]) -> bool:
    return any(name in found for name in ("messages", "conversations", "conversation", "chosen"))


@final
class _Chained:
    """What was read already, then the rest of a stream.

    Args:
        head: read already.
        rest: the stream.
    """

    def __init__(self, head: bytes, rest: ByteReader) -> None:
        self._head, self._rest = BytesIO(head), rest

    def readline(self, limit: int, /) -> bytes:
        """At most so many bytes, to a line's end."""
        found = self._head.readline(limit)
        if found.endswith(b"\n") or len(found) == limit:
            return found
        return found + self._rest.readline(limit - len(found))


@final
class _Elements:
    """Elements of an array, cut by counting brackets outside of strings.

    Args:
        stream: the file, past what was read.
        buffer: what was read behind the array's bracket.
    """

    def __init__(self, stream: ByteReader, buffer: bytes) -> None:
        self._stream, self._buffer = stream, buffer
        self._start = self._at = 0
        """In the buffer: where the element begins, and what was looked at."""
        self._dropped = 0
        """Bytes of an element too long to be held."""
        self._number = 1

    def __iter__(self) -> Iterator[Raw]:
        depth, inside = 0, False
        while token := self._next(_INSIDE if inside else _OUTSIDE):
            if token == b"\\":
                self._at += 1
            elif token == b'"':
                inside = not inside
            elif token in b"[{":
                depth += 1
            elif token in b"]}" and depth:
                depth -= 1
            elif not depth:
                yield from self._element(token == b",")
                if token != b",":
                    return
        held = self._buffer[self._start :].strip()
        yield Raw(self._number, held[:256], f"the file ends {'in the middle of this row' if held else 'too early'}")

    def _next(self, wanted: re.Pattern[bytes]) -> bytes:
        while True:
            found = wanted.search(self._buffer, self._at)
            if found:
                self._at = found.end()
                return found[0]
            beyond = max(0, self._at - len(self._buffer))  # an escape at the very end skips a byte yet to come
            held = self._buffer[self._start :]
            if len(held) > MAX_LINE:
                self._dropped += len(held) - 256
                held = held[:256]
            more = self._stream.read(_CHUNK)
            if not more:
                return b""
            self._buffer, self._start, self._at = held + more, 0, len(held) + beyond

    def _element(self, comma: bool) -> Iterator[Raw]:  # noqa: FBT001 - private
        data = self._buffer[self._start : self._at - 1].strip()
        length = self._dropped + len(data)
        if length > MAX_LINE:
            yield Raw(self._number, data[:256], f"a row of {length:,} bytes; the limit is {MAX_LINE:,}")
        elif data or comma:
            yield Raw(self._number, data)
        self._number, self._start, self._dropped = self._number + 1, self._at, 0
