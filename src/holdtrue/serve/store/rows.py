"""Between rows and what the store hands out."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Final

from pydantic import ValidationError

from holdtrue.errors import StorageError
from holdtrue.records import HoldSpec
from holdtrue.serve.store.sessions import Session, StoredToken, StoredTurn
from holdtrue.serve.store.tables import finite

__all__ = ["TITLE_CHARACTERS", "hold_json", "read_session", "read_turn", "session_row", "short_title", "turn_row"]

TITLE_CHARACTERS: Final = 80
_FIGURES: Final = ("projection", "z", "fired", "thinking_projection")


def hold_json(hold: HoldSpec) -> dict[str, Any]:
    """A hold as a request may carry it."""
    return hold.model_dump(mode="json")


def session_row(session: Session) -> dict[str, Any]:
    """A session as its table takes it."""
    return {**vars(session), "hold": hold_json(session.hold)}


def read_session(row: Mapping[Any, Any]) -> Session:
    """A session from its row.

    Raises:
        StorageError: somebody else wrote there.
    """
    try:
        hold = HoldSpec.model_validate(row["hold"])
        detector = {str(name): float(value) for name, value in row["detector"].items()}
    except (ValidationError, AttributeError, TypeError, ValueError):
        message = f"session '{row['id']}': its hold or detector can't be read; restore a backup, or delete the session"
        raise StorageError(message) from None
    return Session(**{**row, "hold": hold, "detector": detector})


def turn_row(turn: StoredTurn, *, keep_text: bool) -> dict[str, Any]:
    """A turn as its table takes it, without its words where they aren't kept."""
    row = asdict(turn)
    row.update({name: finite(row[name]) for name in _FIGURES})
    # Arrays rather than objects: an answer has hundreds of tokens, all with the same four names.
    row["tokens"] = [
        [
            token["text"] if keep_text else "",
            finite(token["projection"]),
            finite(token["before"]),
            finite(token["fired"]),
        ]
        for token in turn.tokens
    ]
    if not keep_text:
        row.update(user=None, answer=None)
    return row


def read_turn(row: Mapping[Any, Any]) -> StoredTurn:
    """A turn from its row.

    Raises:
        StorageError: somebody else wrote there.
    """
    try:
        tokens = tuple(
            StoredToken(text=text, projection=projection, before=before, fired=fired)
            for text, projection, before, fired in row["tokens"]
        )
    except (TypeError, ValueError):
        message = (
            f"session '{row['session']}': the tokens of turn {row['turn']} can't be read; "
            "restore a backup, or delete the session"
        )
        raise StorageError(message) from None
    return StoredTurn(**{**row, "tokens": tokens})


def short_title(text: str | None) -> str | None:
    """The start of a text, on one line; None when there is nothing to show."""
    line = " ".join((text or "")[: TITLE_CHARACTERS * 8].split())
    return (line if len(line) <= TITLE_CHARACTERS else line[: TITLE_CHARACTERS - 1] + "…") or None
