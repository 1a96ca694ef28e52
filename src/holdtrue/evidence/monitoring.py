"""The monitoring rate and key of a server, committed to before and opened after, checked without the server.

`holdtrue serve` publishes a commitment when it starts; its key and salt lie in two files that a third party may hold.
The digest is the one of `holdtrue.watch`'s sampler, which needs torch beside it; here it is made from its definition.
"""

import hashlib
import hmac
import struct
from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar, Final

from pydantic import Field

from holdtrue.errors import ArtifactError, SettingError
from holdtrue.records import Record, read_capped

__all__ = [
    "MonitoringCommitment",
    "MonitoringReveal",
    "check_monitoring",
    "commit_monitoring",
    "missed_turns",
    "reveal_monitoring",
]

_COMMITMENT: Final = b"holdtrue.audit-commitment/1"
_DRAW: Final = b"holdtrue.audit-draw/1"
_HEX64: Final = r"^[0-9a-f]{64}$"


class MonitoringCommitment(Record):
    """To be published while the server runs."""

    schema_id: ClassVar[str] = "holdtrue.monitoring-commitment/1"

    published: str = Field(pattern=_HEX64)
    """What `holdtrue serve` printed."""
    server: str
    """Which one, in words."""
    since: str
    """UTC, ISO 8601."""


class MonitoringReveal(Record):
    """To be published once the key is retired."""

    schema_id: ClassVar[str] = "holdtrue.monitoring-reveal/1"

    commitment: MonitoringCommitment
    key: str = Field(pattern=_HEX64)
    salt: str = Field(pattern=_HEX64)
    rate: float = Field(ge=0, le=1)
    """Share of turns."""


def commit_monitoring(published: str, server: str, since: str) -> MonitoringCommitment:
    """What a server printed when it started, as a record to publish.

    Args:
        published: 64 hex digits.
        server: which one, in words.
        since: UTC, ISO 8601.

    Raises:
        SettingError: no such digest.
    """
    digest = published.strip().lower()
    if len(digest) != 64 or set(digest) - set("0123456789abcdef"):
        message = f"{published[:80]!r} is no commitment: give the 64 hex digits that `holdtrue serve` printed"
        raise SettingError(message)
    return MonitoringCommitment(published=digest, server=server, since=since)


def reveal_monitoring(commitment: MonitoringCommitment, key: Path, rate: float) -> MonitoringReveal:
    """Open a commitment from the server's key file, and the salt's beside it.

    Args:
        commitment: as published.
        key: the file that `--audit-key` named; its salt is `KEY.salt`.
        rate: the one it ran with.

    Raises:
        ArtifactError: the files aren't key and salt.
        SettingError: they don't open the commitment; nothing is revealed then.
    """
    found = [
        read_capped(path, "a key of 64 hex digits", 1024).strip() for path in (key, key.with_name(key.name + ".salt"))
    ]
    if any(len(each) != 64 or set(each) - set("0123456789abcdef") for each in found):
        message = f"{key}: key and salt are 64 hex digits each; give the file that `--audit-key` named"
        raise ArtifactError(message)
    revealed = MonitoringReveal(commitment=commitment, key=found[0], salt=found[1], rate=rate)
    if not check_monitoring(commitment, revealed):
        opens = f"open the commitment {commitment.published[:16]}…"
        message = f"{key}: this key, its salt and the rate given don't {opens}; give those the server ran with"
        raise SettingError(message)
    return revealed


def check_monitoring(commitment: MonitoringCommitment, revealed: MonitoringReveal) -> bool:
    """Whether key, salt and rate are those that were committed to.

    Args:
        commitment: as it was published, not the copy that came with the reveal.
        revealed: what was published after.
    """
    rate = struct.pack(">d", revealed.rate)
    parts = (_COMMITMENT, bytes.fromhex(revealed.salt), bytes.fromhex(revealed.key), rate)
    digest = hashlib.sha256(b"".join(struct.pack(">q", len(part)) + part for part in parts)).hexdigest()
    return revealed.commitment == commitment and hmac.compare_digest(digest, commitment.published)


def missed_turns(
    revealed: MonitoringReveal, turns: Iterable[tuple[str, int]], read: Iterable[tuple[str, int]]
) -> tuple[list[tuple[str, int]], list[tuple[str, int]]]:
    """Which turns the key drew and the audit log lacks, and which it has undrawn.

    Args:
        revealed: the opened key and rate.
        turns: all that took place, as session id and turn.
        read: those in the audit log.
    """
    logged = set(read)
    drawn = {each for each in turns if _drawn(revealed, *each)}
    return sorted(drawn - logged), sorted(each for each in logged if not _drawn(revealed, *each))


def _drawn(revealed: MonitoringReveal, session: str, turn: int) -> bool:
    message = _DRAW + struct.pack(">q", turn) + session.encode("utf-8", "surrogatepass")
    lot = hmac.digest(bytes.fromhex(revealed.key), message, "sha256")[:8]
    return int.from_bytes(lot, "big") < int(revealed.rate * 2**64)
