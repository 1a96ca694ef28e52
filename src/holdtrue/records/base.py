"""The base of every record: frozen, versioned, strict about what it reads."""

import errno
import hashlib
import json
import os
import re
import tempfile
from pathlib import Path
from typing import ClassVar, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from holdtrue.errors import ArtifactError, StorageError

__all__ = ["Record", "canonical_json", "check_writable", "is_unicode", "read_capped", "storage_error", "write_atomic"]

R = TypeVar("R", bound="Record")

MAX_RECORD_BYTES = 256 * 2**20
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_MENDS = {
    errno.ENOSPC: "free some space, then run again",
    errno.EDQUOT: "free some space, then run again",
    errno.EISDIR: "it is a folder: name a file",
    errno.EEXIST: "a part of that path is a file: choose another folder",
    errno.ENOTDIR: "a part of that path is a file: choose another folder",
    errno.EACCES: "you may not write there: choose another folder",
    errno.EPERM: "you may not write there: choose another folder",
    errno.EROFS: "that disk is read-only: choose another folder",
    errno.ENAMETOOLONG: "choose a shorter name",
}


class Record(BaseModel):
    """A frozen, versioned record.

    The JSON form carries `schema`, such as ``holdtrue.axis/1``; a file of another schema is refused by name. NaN and
    infinities are refused both ways: a figure that is missing is `None`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    schema_id: ClassVar[str]

    def to_json(self, *, indent: int | None = 1) -> str:
        """The record as JSON text, `schema` first."""
        return json.dumps({"schema": self.schema_id, **self.model_dump(mode="json")}, indent=indent, ensure_ascii=False)

    @classmethod
    def from_json(cls: type[R], text: str, source: str) -> R:
        """Read a record back.

        Args:
            text: what `to_json` wrote.
            source: the file's name, for the error message.

        Raises:
            ArtifactError: not JSON, another schema, or a field that doesn't fit.
        """
        try:
            raw = json.loads(text)
        except (ValueError, RecursionError) as error:
            message = f"{source}: not JSON ({error}); expected a {cls.schema_id} record"
            raise ArtifactError(message) from None
        if _SURROGATE.search(text) and not is_unicode(raw):
            message = f"{source}: half a surrogate pair in its text, which no UTF-8 file can hold; write it again"
            raise ArtifactError(message)
        found = raw.pop("schema", None) if isinstance(raw, dict) else None
        if found != cls.schema_id:
            message = (
                f"{source}: schema is {found!r}, expected '{cls.schema_id}'; is it another kind of file, or newer?"
            )
            raise ArtifactError(message)
        try:
            return cls.model_validate(raw)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            message = f"{source}: field '{where}': {first['msg']} (got {str(first['input'])[:80]!r}); write it again"
            raise ArtifactError(message) from None

    @property
    def digest(self) -> str:
        """sha256 of the canonical JSON, as hex: two equal records have the same digest."""
        return hashlib.sha256(canonical_json(json.loads(self.to_json())).encode()).hexdigest()


def canonical_json(value: object) -> str:
    """JSON with sorted keys and no spare spaces, for digests."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def read_capped(path: Path, kind: str, limit: int = MAX_RECORD_BYTES) -> str:
    """A text file's content, refused when missing, oversized or not UTF-8.

    Args:
        path: the file.
        kind: what it should be, for the message ("an axis card").
        limit: the largest size accepted, in bytes.

    Raises:
        ArtifactError: naming the path and the mend.
    """
    try:
        size = path.stat().st_size
        if size > limit:
            message = f"{path}: {size} bytes is too large for {kind} (limit {limit})"
            raise ArtifactError(message)
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        message = f"{path}: not UTF-8 at byte {error.start}; expected {kind}"
        raise ArtifactError(message) from None
    except OSError as error:
        message = f"{path}: can't read {kind} ({error.strerror})"
        raise ArtifactError(message) from None


def write_atomic(path: Path, data: str | bytes) -> None:
    """Write a whole file beside its place, sync it and rename it there: a reader never sees half of it.

    Raises:
        StorageError: the disk is full, read-only or gone; what stood at `path` is still there.
    """
    raw = data.encode() if isinstance(data, str) else data
    _check_ordinary(path)
    path = path.resolve()  # a link keeps pointing where it did
    beside: str | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, beside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(file.fileno(), 0o644)
            file.write(raw)
            file.flush()
            os.fsync(file.fileno())
        Path(beside).replace(path)
    except OSError as error:
        if beside is not None:
            Path(beside).unlink(missing_ok=True)
        raise storage_error(path, error) from None


def check_writable(path: Path) -> None:
    """Find out before the work, not after it, that a file can't be written.

    Raises:
        StorageError: it isn't an ordinary file, or its folder can't be made or written to.
    """
    _check_ordinary(path)
    path = path.resolve()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}."):
            pass
    except OSError as error:
        raise storage_error(path, error) from None


def storage_error(path: Path, error: OSError) -> StorageError:
    """What went wrong on the disk, with the mend that fits."""
    mend = _MENDS.get(error.errno or 0, "look at the disk, or choose another folder, then run again")
    return StorageError(f"{path}: can't write ({error.strerror or error}); {mend}")


def _check_ordinary(path: Path) -> None:
    try:
        ordinary = not path.exists() or path.is_file()
    except OSError as error:
        raise storage_error(path, error) from None
    if not ordinary:
        message = f"{path}: not an ordinary file, so it isn't replaced; name a file to write"
        raise StorageError(message)


def is_unicode(value: object) -> bool:
    """False when a text in parsed JSON holds half a surrogate pair, which can be neither stored nor tokenised."""
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True
