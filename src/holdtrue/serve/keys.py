"""API keys: who may use the server. Only digests of them are kept."""

import hashlib
import hmac
import os
import secrets
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar, Final, final

from filelock import FileLock, Timeout
from pydantic import Field, field_validator, model_validator

from holdtrue.errors import ArtifactError, SettingError, StorageError, did_you_mean
from holdtrue.records import Record, check_writable, read_capped, storage_error

__all__ = ["Key", "KeyFile", "KeyRing", "add_key", "read_keys", "revoke_key"]

_PREFIX: Final = "ht_"
_MOST_BYTES: Final = 16 * 2**20
_LOCK_SECONDS: Final = 10.0


@final
class Key(Record):
    """What is known about an API key: not the key."""

    schema_id: ClassVar[str] = "holdtrue.key/1"

    id: str = Field(pattern=r"^key_[0-9a-f]{12}$")
    name: str = Field(min_length=1, max_length=80)
    """Who has it."""
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    """Of the key's UTF-8 bytes, as hex; with 256 random bits behind it, no slower digest is needed."""
    created: str
    """UTC, ISO 8601."""
    operator: bool = False
    """Whether it sees every session, not only its own."""
    revoked: str | None = None
    """When, UTC, ISO 8601; None while it is good."""

    @field_validator("name")
    @classmethod
    def _shown_on_terminals(cls, name: str) -> str:
        if not name.isprintable() or name != name.strip():
            message = "a name must be printable, without spaces around it"
            raise ValueError(message)
        return name


@final
class KeyFile(Record):
    """`holdtrue-keys.json`."""

    schema_id: ClassVar[str] = "holdtrue.keys/1"

    keys: tuple[Key, ...] = ()

    @model_validator(mode="after")
    def _all_different(self) -> "KeyFile":
        good = [key.name for key in self.keys if key.revoked is None]
        for what, values in (
            ("ids", [key.id for key in self.keys]),
            ("digests", [key.sha256 for key in self.keys]),
            ("names of keys that aren't revoked", good),
        ):
            if len(set(values)) < len(values):
                message = f"{what} must differ"
                raise ValueError(message)
        return self


@final
class KeyRing:
    """The keys of a running server, read again whenever their file changes.

    A key file that is damaged or gone lets nobody in: `check` raises until it is mended.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._stamp, self._keys = _stamped_keys(path)

    @classmethod
    def load(cls, path: Path) -> "KeyRing":
        """Read a key file.

        Raises:
            ArtifactError: it is missing, malformed, or anybody may write to it.
        """
        return cls(path)

    @property
    def keys(self) -> tuple[Key, ...]:
        """Every key in the file, revoked ones too."""
        return self._current()

    def check(self, presented: str) -> Key | None:
        """Whose key this is; None for no key, an unknown one and a revoked one alike.

        Every entry is compared, in constant time: how long it takes says nothing about the keys.

        Raises:
            ArtifactError: the file was damaged or taken away meanwhile.
        """
        digest = hashlib.sha256(presented.encode("utf-8", "surrogatepass")).hexdigest()
        found = None
        for key in self._current():
            same = hmac.compare_digest(digest, key.sha256)
            if same and key.revoked is None:
                found = key
        return found

    def _current(self) -> tuple[Key, ...]:
        with self._lock:
            if _stamp(self.path) != self._stamp:
                self._stamp, self._keys = _stamped_keys(self.path)
            return self._keys


def read_keys(path: Path) -> tuple[Key, ...]:
    """The keys in a file.

    Raises:
        ArtifactError: it is missing, malformed, or anybody may write to it.
    """
    return KeyFile.from_json(read_capped(path, "a key file", _MOST_BYTES), str(path)).keys


def add_key(path: Path, name: str, *, operator: bool = False) -> tuple[Key, str]:
    """Make a key; its file too, if there is none.

    Args:
        path: the key file.
        name: who it is for; no other good key has it.
        operator: whether it sees every session.

    Returns:
        What is kept, and the key itself, which nobody can find out again.

    Raises:
        ArtifactError: the file is malformed.
        SettingError: an impossible name, or one that is in use.
        StorageError: the file can't be written.
    """
    if not (0 < len(name) <= 80 and name.isprintable() and name == name.strip()):
        message = f"key name {name[:90]!r} must be 1 to 80 printable characters, without spaces around it"
        raise SettingError(message)
    with _alone(path):
        keys = read_keys(path) if path.exists() else ()
        if any(key.name == name and key.revoked is None for key in keys):
            message = f"{path}: a key named '{name}' is in use; revoke it first, or choose another name"
            raise SettingError(message)
        secret = _PREFIX + secrets.token_urlsafe(32)
        key = Key(
            id=f"key_{secrets.token_hex(6)}",
            name=name,
            sha256=hashlib.sha256(secret.encode()).hexdigest(),
            created=_now(),
            operator=operator,
        )
        _write_private(path, KeyFile(keys=(*keys, key)).to_json() + "\n")
    return key, secret


def revoke_key(path: Path, id_or_name: str) -> Key:
    """Take a key's right away, on running servers too.

    Raises:
        ArtifactError: the file is missing or malformed.
        SettingError: no good key has that id or name.
        StorageError: the file can't be written.
    """
    with _alone(path):
        keys = read_keys(path)
        good = [key for key in keys if key.revoked is None]
        # An id first: nobody may shield a key by taking its id for a name.
        named = [key for key in good if key.id == id_or_name] or [key for key in good if key.name == id_or_name]
        if not named:
            known = did_you_mean(id_or_name, [key.name for key in good])
            message = f"{path}: no key '{id_or_name}' that could be revoked; {known}"
            raise SettingError(message)
        revoked = named[0].model_copy(update={"revoked": _now()})
        changed = tuple(revoked if key.id == revoked.id else key for key in keys)
        _write_private(path, KeyFile(keys=changed).to_json() + "\n")
    return revoked


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _stamp(path: Path) -> tuple[int, int, int, int]:
    try:
        found = path.stat()
    except OSError as error:
        message = f"{path}: can't read a key file ({error.strerror}); make one with: holdtrue keys add NAME"
        raise ArtifactError(message) from None
    if found.st_mode & 0o002:
        message = f"{path}: anybody on this machine may write keys into it; run: chmod 600 {path}"
        raise ArtifactError(message)
    return (found.st_mtime_ns, found.st_ctime_ns, found.st_ino, found.st_size)


def _stamped_keys(path: Path) -> tuple[tuple[int, int, int, int], tuple[Key, ...]]:
    # The stamp is taken first: a change while the file is read shows at the next look.
    return _stamp(path), read_keys(path)


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Hold a key file against other commands that would change it."""
    check_writable(path)
    try:
        with FileLock(f"{path.resolve()}.lock", timeout=_LOCK_SECONDS, mode=0o600):
            yield
    except Timeout:
        message = f"{path}: another command is changing it; try again"
        raise StorageError(message) from None
    except OSError as error:
        raise storage_error(path, error) from None


def _write_private(path: Path, text: str) -> None:
    # `records.write_atomic` makes files that everybody may read.
    path = path.resolve()
    beside: str | None = None
    try:
        descriptor, beside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(file.fileno(), 0o600)
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())
        Path(beside).replace(path)
    except OSError as error:
        if beside is not None:
            Path(beside).unlink(missing_ok=True)
        raise storage_error(path, error) from None
