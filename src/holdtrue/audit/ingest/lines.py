"""JSON lines: where to cut a file, and its lines with their numbers."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Protocol, final, runtime_checkable

from holdtrue.audit.ingest.parsing import MAX_LINE, Raw
from holdtrue.audit.ingest.sources import Source
from holdtrue.errors import ArtifactError

__all__ = ["ByteReader", "Cut", "LineReader", "read_lines", "survey"]

_CHUNK: Final = 4 * 2**20
_BOM: Final = b"\xef\xbb\xbf"


@runtime_checkable
class LineReader(Protocol):
    """Anything that has lines."""

    def readline(self, limit: int, /) -> bytes:
        """At most so many bytes, to a line's end; none at the end."""
        ...


@runtime_checkable
class ByteReader(LineReader, Protocol):
    """Anything that has lines, and stretches of any length."""

    def read(self, size: int, /) -> bytes:
        """At most so many bytes; none at the end."""
        ...


@final
@dataclass(frozen=True)
class Cut:
    """A stretch of whole lines."""

    start: int
    end: int
    first_line: int


def survey(source: Source, block_bytes: int) -> tuple[bytes, tuple[Cut, ...]]:
    """Read a file once: its sha256, and stretches of at least `block_bytes` that end with a line.

    Args:
        source: the file.
        block_bytes: a stretch is longer than that by less than a line.

    Raises:
        ArtifactError: the file can't be read.
    """
    try:
        return _survey(source, block_bytes)
    except OSError as error:
        message = f"{source.path}: can't be read ({error.strerror}); give it the right to be read, or move it away"
        raise ArtifactError(message) from None


def _survey(source: Source, block_bytes: int) -> tuple[bytes, tuple[Cut, ...]]:
    digest = hashlib.sha256()
    cuts: list[Cut] = []
    start, line, lines, at = 0, 1, 0, 0
    with source.path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
            counted = 0
            while source.blockwise and at + len(chunk) > start + block_bytes - 1:
                end = chunk.find(b"\n", max(0, start + block_bytes - 1 - at)) + 1
                if not end:
                    break
                lines += chunk.count(b"\n", counted, end)
                cuts.append(Cut(start, at + end, line))
                start, line, lines, counted = at + end, line + lines, 0, end
            lines += chunk.count(b"\n", counted)
            at += len(chunk)
    if source.blockwise and at > start:
        cuts.append(Cut(start, at, line))
    return digest.digest(), tuple(cuts)


def read_lines(stream: LineReader, first: int = 1, size: int | None = None) -> Iterator[Raw]:
    """Lines that aren't blank; one over the limit is reported without being held.

    Args:
        stream: at the start of a line.
        first: number of that line.
        size: bytes to read; None for all.
    """
    number, left = first, size
    while left is None or left > 0:
        data = stream.readline(MAX_LINE + 1)
        if not data:
            return
        length, more = len(data), data
        while length > MAX_LINE and more and not more.endswith(b"\n"):
            more = stream.readline(MAX_LINE + 1)
            length += len(more)
        if left is not None:
            left -= length
        if length > MAX_LINE:
            yield Raw(number, data[:256], f"a line of {length:,} bytes; the limit is {MAX_LINE:,}")
        else:
            data = data.removeprefix(_BOM) if number == 1 else data
            if not data.isspace() and data:
                yield Raw(number, data.rstrip(b"\r\n"))
        number += 1
