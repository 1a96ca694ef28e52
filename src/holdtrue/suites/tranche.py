"""A hold-out's folder: a secret, the items drawn by it, the commitment to publish."""

import os
import random
import secrets
from pathlib import Path
from typing import Final

from holdtrue.errors import ArtifactError, RunError
from holdtrue.evidence import Commitment, Revealed, check, commit, mark, mark_used, read_tranche, reveal, tranche_text
from holdtrue.records import GateItem, check_writable, read_capped, storage_error, write_atomic
from holdtrue.scenarios.kernels import gate_items
from holdtrue.suites.sealing import COMMITMENT, TRANCHE_USES

__all__ = ["check_tranche", "make_tranche", "reveal_tranche"]

_SECRET: Final = "secret"  # noqa: S105 - a file's name
_TRANCHE: Final = "tranche.jsonl"
_REVEALED: Final = "revealed.json"
_SECRET_BYTES: Final = 32


def make_tranche(folder: Path, items: Path | None, families: int | None) -> Commitment:
    """Draw a tranche and commit to it.

    Built-in kernels are public; what a secret draws from them is which families are asked, and every code in them.
    Items of your own are as secret as you keep them.

    Args:
        folder: made; a tranche that is there already is left alone.
        items: `GateItem` lines of your own.
        families: of each class, where they are built in.

    Raises:
        RunError: there is a tranche already.
        ArtifactError: items that aren't.
        StorageError: it can't be written.
    """
    check_writable(folder / COMMITMENT)
    if (folder / COMMITMENT).exists() or (folder / _SECRET).exists():
        message = f"{folder}: there is a tranche already, and a commitment isn't made twice; choose another folder"
        raise RunError(message)
    secret = secrets.token_bytes(_SECRET_BYTES)
    drawn = mark(_drawn(secret, families) if items is None else _own(items), secret)
    commitment = commit(drawn, secret)
    _write_secret(folder / _SECRET, secret)
    write_atomic(folder / _TRANCHE, tranche_text(drawn))
    write_atomic(folder / COMMITMENT, commitment.to_json() + "\n")
    return commitment


def reveal_tranche(folder: Path) -> Path:
    """Retire a tranche: from then on it can't be used.

    Raises:
        ArtifactError: no tranche there.
        EvidenceError: its files don't belong together.
    """
    commitment = _commitment(folder / COMMITMENT)
    revealed = reveal(_items(folder), _read_secret(folder / _SECRET), commitment)
    mark_used(folder / TRANCHE_USES, commitment, revealed.digest, event="revealed")
    write_atomic(folder / _REVEALED, revealed.to_json() + "\n")
    return folder / _REVEALED


def check_tranche(folder: Path, commitment: Path | None) -> list[str]:
    """What is wrong with a revealed tranche; nothing if the list is empty.

    Args:
        folder: with the tranche and its reveal.
        commitment: as it was published.

    Raises:
        ArtifactError: a file is missing or malformed.
    """
    path = folder / _REVEALED
    revealed = Revealed.from_json(read_capped(path, "a reveal"), str(path))
    return check(_commitment(commitment or folder / COMMITMENT), revealed, _items(folder))


def _drawn(secret: bytes, families: int | None) -> list[GateItem]:
    seed = int.from_bytes(secret[:8])
    rng = random.Random(secret)  # noqa: S311 - what is secret is its seed
    items = []
    for pairs in gate_items(seed).values():
        chosen = rng.sample(pairs, len(pairs) if families is None else min(families, len(pairs)))
        items += [item for pair in chosen for item in pair]
    return items


def _own(path: Path) -> list[GateItem]:
    lines = [line for line in read_capped(path, "a file of gate items").splitlines() if line.strip()]
    return [GateItem.from_json(line, f"{path} line {number}") for number, line in enumerate(lines, start=1)]


def _items(folder: Path) -> tuple[GateItem, ...]:
    path = folder / _TRANCHE
    return read_tranche(read_capped(path, "a hold-out tranche"), str(path))


def _commitment(path: Path) -> Commitment:
    return Commitment.from_json(read_capped(path, "a commitment"), str(path))


def _write_secret(path: Path, secret: bytes) -> None:
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secret.hex() + "\n")
    except OSError as error:
        raise storage_error(path, error) from None


def _read_secret(path: Path) -> bytes:
    text = read_capped(path, "a tranche's secret", 1024).strip()
    try:
        return bytes.fromhex(text)
    except ValueError:
        message = f"{path}: no secret in it; `holdtrue holdout commit` wrote {2 * _SECRET_BYTES} hex digits"
        raise ArtifactError(message) from None
