"""Which files a dataset is made of."""

import io
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, TypeAlias, final

import pyarrow as pa

from holdtrue.audit.ingest.hub import fetched
from holdtrue.errors import ArtifactError

__all__ = ["Format", "Source", "find_sources"]

Format: TypeAlias = Literal["jsonl", "json", "csv", "tsv", "parquet"]

_FORMATS: Final[dict[str, Format]] = {
    ".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "json", ".csv": "csv", ".tsv": "tsv", ".parquet": "parquet",
}  # fmt: skip
_PACKED: Final = {".gz": "gzip", ".zst": "zstd"}
_KNOWN: Final = ".jsonl, .ndjson, .json, .csv, .tsv or .parquet, as they are or as .gz or .zst"
_HUB: Final = re.compile(r"[\w-][\w.-]*/[\w-][\w.-]*(@[\w./-]+)?")


@final
@dataclass(frozen=True)
class Source:
    """A file of rows."""

    name: str
    """Relative to the dataset's folder."""
    path: Path
    format: Format
    packed: str | None
    """Its compression, as Arrow calls it."""
    size: int

    @property
    def blockwise(self) -> bool:
        """Whether it can be cut at line ends."""
        return self.format == "jsonl" and self.packed is None

    def open(self) -> io.BufferedReader:
        """Its bytes, unpacked as they are read; no `BinaryIO`, for over Arrow's stream it has neither name nor mode."""
        if self.packed is None:
            return io.BufferedReader(io.FileIO(self.path), 2**20)
        # Arrow's streams have no readline of a limited length; a buffered reader over one has, and its
        # buffer is what a damaged file loses before the damage.
        return io.BufferedReader(pa.CompressedInputStream(pa.OSFile(str(self.path)), self.packed), 2**16)


def find_sources(dataset: str) -> tuple[list[Source], list[str]]:
    """The files of a dataset, sorted by name.

    Args:
        dataset: a file, a folder with all folders in it, or a Hub dataset as `owner/name` or `owner/name@revision`.

    Returns:
        The files, and notes: what was skipped, which revision was fetched.

    Raises:
        ArtifactError: nothing there, nothing that holds rows, or no right to look.
    """
    try:
        return _find(dataset)
    except OSError as error:
        where = str(error.filename or dataset)
        shown = where if len(where) <= 300 else f"{where[:300]}…"
        message = f"{shown}: can't be looked at ({error.strerror}); name a file or folder that can be read"
        raise ArtifactError(message) from None


def _find(dataset: str) -> tuple[list[Source], list[str]]:
    path = Path(dataset)
    if path.is_file():
        found = _source(path, path.name)
        if found is None:
            message = f"{dataset}: of no known format; expected {_KNOWN}"
            raise ArtifactError(message)
        return [found], []
    notes: list[str] = []
    if not path.is_dir():
        if not _HUB.fullmatch(dataset):
            message = f"{dataset}: no such file or folder; name one, or a Hub dataset as owner/name"
            raise ArtifactError(message)
        path, revision = fetched(dataset, [f"*{end}{pack}" for end in _FORMATS for pack in ("", *_PACKED)])
        notes.append(f"{dataset} at revision {revision}")
    files = sorted((each for each in path.rglob("*") if each.is_file()), key=lambda each: each.relative_to(path).parts)
    pairs = [(each, each.relative_to(path)) for each in files]
    known = [
        (name, _source(each, name.as_posix()))
        for each, name in pairs
        if not any(part.startswith(".") for part in name.parts)
    ]
    skipped = [name.as_posix() for name, source in known if source is None]
    hidden = len(pairs) - len(known)
    if skipped or hidden:
        shown = ", ".join(skipped[:10]) + (", …" if len(skipped) > 10 else "")
        notes.append(f"skipped: {len(skipped)} files of no known format ({shown or '-'}), {hidden} hidden ones")
    sources = [source for _, source in known if source is not None]
    if not sources:
        message = f"{dataset}: no file of rows in it; expected {_KNOWN}"
        raise ArtifactError(message)
    return sources, notes


def _source(path: Path, name: str) -> Source | None:
    stem = path.name.lower()
    packed = next((pack for end, pack in _PACKED.items() if stem.endswith(end)), None)
    if packed:
        stem = stem.rpartition(".")[0]
    found = next((kind for end, kind in _FORMATS.items() if stem.endswith(end)), None)
    # A name that is no UTF-8 can't be written into a table.
    name = name.encode("utf-8", "replace").decode()
    return None if found is None else Source(name, path, found, packed, path.stat().st_size)
