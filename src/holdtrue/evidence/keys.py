"""Ed25519 keys in PEM files, and the fingerprints that people compare."""

import hashlib
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from holdtrue.errors import ArtifactError, StorageError
from holdtrue.records import read_capped, storage_error

__all__ = ["PublicKey", "SigningKey", "load_key", "load_public_key", "make_key"]

_MAX_BYTES = 16 * 1024


@final
@dataclass(frozen=True)
class PublicKey:
    """A key to check signatures with."""

    raw: bytes
    """32 bytes, RFC 8032."""

    @property
    def keyid(self) -> str:
        """Fingerprint: sha256 of the key's DER form (SubjectPublicKeyInfo), as hex.

        `openssl pkey -pubin -in key.pub -outform DER | sha256sum` prints the same.
        """
        der = self._key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return hashlib.sha256(der).hexdigest()

    @property
    def pem(self) -> str:
        """The key as a PEM file has it."""
        return self._key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()

    def _key(self) -> Ed25519PublicKey:
        return Ed25519PublicKey.from_public_bytes(self.raw)


@final
class SigningKey:
    """A private key. It doesn't show in its text.

    Args:
        private: the key.
    """

    __slots__ = ("__private",)

    def __init__(self, private: Ed25519PrivateKey) -> None:
        self.__private = private

    @property
    def public(self) -> PublicKey:
        """The key to check its signatures with."""
        return PublicKey(self.__private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))

    @property
    def private(self) -> Ed25519PrivateKey:
        """For a signer."""
        return self.__private

    def __repr__(self) -> str:
        return f"SigningKey({self.public.keyid})"


def make_key(path: Path) -> PublicKey:
    """Write a new private key, readable by its owner alone, and its public key beside it as `PATH.pub`.

    Args:
        path: of the private key. Nothing is ever overwritten.

    Returns:
        The public key.

    Raises:
        StorageError: one of the files is there already, or can't be written.
    """
    private = Ed25519PrivateKey.generate()
    public = SigningKey(private).public
    beside = path.with_name(path.name + ".pub")
    for each in (path, beside):
        if os.path.lexists(each):
            message = f"{each}: there already, and a key is never overwritten; name another path"
            raise StorageError(message)
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    _create(path, pem, 0o600)
    _create(beside, public.pem.encode(), 0o644)
    return public


def load_key(path: Path) -> SigningKey:
    """The private key in a PEM file.

    Raises:
        ArtifactError: not an Ed25519 private key, encrypted, unreadable, or readable by others.
    """
    text = read_capped(path, "a private key", _MAX_BYTES)
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        message = f"{path}: others may read this private key (mode {mode:04o}); chmod 600 it, or make another"
        raise ArtifactError(message)
    try:
        key = load_pem_private_key(text.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):  # their messages may repeat what stands in the file
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        message = f"{path}: not an unencrypted Ed25519 private key in PEM; make one with `make_key(path)`"
        raise ArtifactError(message)
    return SigningKey(key)


def load_public_key(path: Path) -> PublicKey:
    """The public key in a PEM file.

    Raises:
        ArtifactError: not an Ed25519 public key.
    """
    return public_key_of(read_capped(path, "a public key", _MAX_BYTES), str(path))


def public_key_of(pem: str, source: str) -> PublicKey:
    """The public key that a PEM text holds.

    Raises:
        ArtifactError: not an Ed25519 public key.
    """
    try:
        key = load_pem_public_key(pem.encode())
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PublicKey):
        message = f"{source}: not an Ed25519 public key in PEM; give the .pub file that lies beside the private key"
        raise ArtifactError(message)
    return PublicKey(key.public_bytes(Encoding.Raw, PublicFormat.Raw))


def _create(path: Path, data: bytes, mode: int) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise storage_error(path, error) from None
