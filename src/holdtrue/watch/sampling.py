"""Secret audit sampling: which turns an expensive judge also reads, so that nobody can tell beforehand.

A turn is drawn when the first eight bytes of `HMAC-SHA256(key, session, turn)` lie below `rate * 2^64`. Without the key
the draw can't be foreseen; with it, it can be repeated. A commitment published beforehand binds key and rate: opened
later, it shows that the sample wasn't chosen after the fact.
"""

import hashlib
import hmac
import os
import secrets
import stat
import struct
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Final, final

from holdtrue.errors import ArtifactError, SettingError
from holdtrue.records import storage_error

__all__ = ["AuditSampler", "audit_key", "verify_commitment"]

MIN_KEY_BYTES: Final = 32
MIN_SALT_BYTES: Final = 16
_DRAW: Final = b"holdtrue.audit-draw/1"
_COMMITMENT: Final = b"holdtrue.audit-commitment/1"


@final
class AuditSampler:
    """Draws turns by key. Neither key nor rate shows in its text, its errors or its hash.

    Args:
        key: at least 32 random bytes, from `audit_key`.
        rate: share of turns to draw, 0 to 1.

    Raises:
        SettingError: a short key, or a rate that is no share; what was given isn't repeated.
    """

    __slots__ = ("__below", "__key", "__rate")

    def __init__(self, key: bytes, rate: float) -> None:
        if len(key) < MIN_KEY_BYTES:
            message = f"the audit key is shorter than {MIN_KEY_BYTES} bytes; make one with `audit_key(path)`"
            raise SettingError(message)
        if not 0 <= rate <= 1:
            message = "the audit rate (withheld here) is a share of turns; give one from 0 to 1, such as 0.05"
            raise SettingError(message)
        self.__key, self.__rate = bytes(key), float(rate)
        self.__below = int(self.__rate * 2**64)  # exact: doubling a float rounds nothing

    def chosen(self, session: str, turn: int) -> bool:
        """Whether a turn is drawn; the same answer every time.

        Args:
            session: the conversation's id.
            turn: the assistant turn's number.
        """
        # The turn stands first and in a fixed width: no two pairs write the same message.
        message = _DRAW + struct.pack(">q", turn) + session.encode("utf-8", "surrogatepass")
        drawn = hmac.digest(self.__key, message, "sha256")[:8]
        return int.from_bytes(drawn, "big") < self.__below

    def commitment(self, salt: bytes) -> str:
        """A digest of key, rate and salt to publish; `verify_commitment` opens it.

        Args:
            salt: at least 16 random bytes, kept with the key until the commitment is opened.

        Raises:
            SettingError: a shorter salt.
        """
        if len(salt) < MIN_SALT_BYTES:
            message = f"the salt is shorter than {MIN_SALT_BYTES} bytes; give `secrets.token_bytes(32)` and keep it"
            raise SettingError(message)
        parts = (_COMMITMENT, salt, self.__key, struct.pack(">d", self.__rate))
        return hashlib.sha256(b"".join(struct.pack(">q", len(part)) + part for part in parts)).hexdigest()

    def __repr__(self) -> str:
        return "AuditSampler(withheld)"

    def __reduce__(self) -> str:
        message = "an AuditSampler isn't pickled, because its key would be; make one where it is needed"
        raise SettingError(message)


def verify_commitment(commitment: str, key: bytes, rate: float, salt: bytes) -> bool:
    """Whether a published commitment was made to this key, rate and salt.

    Raises:
        SettingError: a key, rate or salt that no commitment can be made to.
    """
    return hmac.compare_digest(AuditSampler(key, rate).commitment(salt).encode(), commitment.strip().lower().encode())


def audit_key(path: Path) -> bytes:
    """The key in a file, made at the first call: 32 random bytes as hex, readable by its owner alone.

    Raises:
        ArtifactError: the file isn't a key, can't be read, or others may read it.
        StorageError: it can't be written.
    """
    if not os.path.lexists(path):
        _create(path)
    try:
        opened = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        message = f"{path}: can't read an audit key there ({error.strerror}); name another path to make one"
        raise ArtifactError(message) from None
    try:
        mode = os.fstat(opened).st_mode
        if not stat.S_ISREG(mode):
            message = f"{path}: not an ordinary file, so it is no audit key; name another path to make one"
            raise ArtifactError(message)
        if mode & 0o077:
            message = f"{path}: others may read this audit key (mode {mode & 0o777:04o}); chmod 600 it, or make another"
            raise ArtifactError(message)
        text = os.read(opened, 4 * MIN_KEY_BYTES)
    finally:
        os.close(opened)
    try:
        key = bytes.fromhex(text.decode("ascii").strip())
    except ValueError:  # its own message would repeat what stands in the file
        key = b""
    if len(key) != MIN_KEY_BYTES:
        message = f"{path}: not an audit key ({2 * MIN_KEY_BYTES} hex digits); name another path to make one"
        raise ArtifactError(message)
    return key


def _create(path: Path) -> None:
    """Write it beside and link it into place: whoever comes second finds a whole key, and takes that one."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, beside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # made with mode 0600
        try:
            with os.fdopen(descriptor, "w") as file:
                file.write(secrets.token_hex(MIN_KEY_BYTES) + "\n")
                file.flush()
                os.fsync(file.fileno())
            with suppress(FileExistsError):
                os.link(beside, path)
        finally:
            Path(beside).unlink(missing_ok=True)
    except OSError as error:
        raise storage_error(path, error) from None
