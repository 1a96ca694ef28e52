"""A tranche is used once: a chained line for each use, and no second attempt under the same commitment."""

import fcntl
import hashlib
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar, Final, Literal

from holdtrue.errors import ArtifactError, RunError
from holdtrue.evidence.holdout import Commitment
from holdtrue.records import Record, read_capped, storage_error

__all__ = ["TrancheUse", "check_unused", "mark_used", "read_uses"]

_FIRST: Final = "0" * 64


class TrancheUse(Record):
    """A line of the tranches' ledger."""

    schema_id: ClassVar[str] = "holdtrue.tranche-use/1"

    root: str
    """Of the commitment."""
    event: Literal["used", "revealed"]
    by: str
    """Digest of the pre-registration that used it; of the reveal that retired it."""
    time: str
    previous: str
    """sha256 of the line before; 64 zeros in the first."""


def mark_used(
    path: Path,
    commitment: Commitment,
    by: str,
    *,
    event: Literal["used", "revealed"] = "used",
    now: datetime | None = None,
) -> TrancheUse:
    """Note that a tranche is used, before its first question is asked.

    A resumed run has the same pre-registration and gets the same line. Whoever has the file can delete it: its head
    belongs into what is published, and the tranche's root stands in the pre-registration.

    Args:
        path: the ledger, made if it isn't there.
        commitment: the tranche's.
        by: digest of the pre-registration.
        event: `used`, or `revealed` once it is retired.
        now: time of the entry.

    Raises:
        ArtifactError: the ledger is broken.
        RunError: the tranche was used by another pre-registration, or is revealed.
        StorageError: it can't be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        with os.fdopen(descriptor, "ab") as file:
            fcntl.flock(file, fcntl.LOCK_EX)  # two runs that start together must not both find it unused
            uses = read_uses(path)
            own = [each for each in uses if each.root == commitment.root]
            same = next((each for each in own if (each.event, each.by) == (event, by)), None)
            if same is not None:
                return same
            other = next((each for each in own if event in ("used", each.event)), None)
            if other is not None:
                when = f"{other.event} on {other.time} by {other.by[:16]}…"
                message = f"{path}: tranche {other.root[:16]}… was {when}; a tranche is used once, so draw a new one"
                raise RunError(message)
            entry = TrancheUse(
                root=commitment.root,
                event=event,
                by=by,
                time=(now or datetime.now(UTC)).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
                previous=hashlib.sha256(uses[-1].to_json(indent=None).encode()).hexdigest() if uses else _FIRST,
            )
            file.write(entry.to_json(indent=None).encode() + b"\n")
            file.flush()
            os.fsync(descriptor)
    except OSError as error:
        raise storage_error(path, error) from None
    return entry


def check_unused(path: Path, commitment: Commitment) -> None:
    """Find out before anything is written that a tranche is used up.

    Args:
        path: the ledger.
        commitment: the tranche's.

    Raises:
        ArtifactError: the ledger is broken.
        RunError: the tranche was used, or is revealed.
    """
    own = [each for each in read_uses(path) if each.root == commitment.root]
    if own:
        message = (
            f"{path}: tranche {commitment.root[:16]}… was {own[0].event} by {own[0].by[:16]}…; a tranche "
            "is used once, so draw a new one"
        )
        raise RunError(message)


def read_uses(path: Path) -> tuple[TrancheUse, ...]:
    """The ledger's lines, none if there is no file.

    Raises:
        ArtifactError: a line was edited, deleted, moved or cut off.
    """
    if not path.exists():
        return ()
    before, uses = _FIRST, []
    for at, line in enumerate(read_capped(path, "a ledger of tranches").splitlines()):
        use = TrancheUse.from_json(line, f"{path}:{at + 1}")
        if use.previous != before or use.to_json(indent=None) != line:
            message = f"{path}:{at + 1}: doesn't continue the line before; restore the ledger from a copy"
            raise ArtifactError(message)
        before = hashlib.sha256(line.encode()).hexdigest()
        uses.append(use)
    return tuple(uses)
