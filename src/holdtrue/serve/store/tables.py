"""The tables, and how text and readings lie in their columns."""

import json
import math
import re
from typing import Any, Final, final

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Dialect,
    Double,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    TypeDecorator,
)

from holdtrue.errors import StorageError

__all__ = ["METADATA", "SESSIONS", "TURNS", "VERSION_TABLE", "finite"]

VERSION_TABLE: Final = "holdtrue_schema"
"""Where the schema's revision stands; prefixed like the tables, which may share a PostgreSQL database with others."""

_SUBSTITUTE: Final = "\x1a"
_HALF_PAIR: Final = re.compile("[\ud800-\udfff]")
_ESCAPES: Final = {"\x00": _SUBSTITUTE + "0", _SUBSTITUTE: _SUBSTITUTE + "1"}
_PLAIN: Final = {escape: character for character, escape in _ESCAPES.items()}


@final
class ExactText(TypeDecorator[str]):
    """Any Unicode text, read back as it was written, in a database that takes no NUL.

    NUL becomes SUB followed by 0, and SUB itself SUB followed by 1. Half a surrogate pair is no text: it becomes
    U+FFFD.
    """

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """On the way in."""
        if value is None:
            return None
        whole = _HALF_PAIR.sub("\ufffd", value)
        return re.sub("[\x00\x1a]", lambda found: _ESCAPES[found[0]], whole)

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:
        """On the way out."""
        if value is None:
            return None
        return re.sub("\x1a[01]", lambda found: _PLAIN[found[0]], value)


@final
class JsonText(TypeDecorator[Any]):
    """A JSON value as text: the same on both databases, every float exact."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str:
        """On the way in; JSON writes NUL as an escape of its own."""
        return _HALF_PAIR.sub("\ufffd", json.dumps(value, ensure_ascii=False, separators=(",", ":")))

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        """On the way out.

        Raises:
            StorageError: somebody else wrote there.
        """
        try:
            return json.loads(value or "")
        except ValueError:
            message = "a column of the session database holds something other than JSON; restore it from a backup"
            raise StorageError(message) from None


def finite(value: float | None) -> float | None:
    """A figure, or None where there is none: NaN and infinities are not figures, and JSON has no place for them."""
    return value if value is not None and math.isfinite(value) else None


METADATA: Final = MetaData()

SESSIONS: Final = Table(
    "holdtrue_sessions",
    METADATA,
    Column("id", ExactText, primary_key=True),
    Column("created", Double, nullable=False),
    Column("updated", Double, nullable=False),
    Column("model", ExactText, nullable=False),
    Column("reader", ExactText),
    Column("owner", ExactText, nullable=False),
    Column("hold", JsonText, nullable=False),
    Column("history_digest", ExactText),
    Column("n_turns", Integer, nullable=False),
    Column("z", Double),
    Column("fired", Double),
    Column("alarm", Boolean, nullable=False),
    Column("alarm_turn", Integer),
    Column("title", ExactText),
    Column("detector", JsonText, nullable=False),
    Index("holdtrue_sessions_history", "owner", "history_digest"),
    Index("holdtrue_sessions_updated", "updated"),
)

TURNS: Final = Table(
    "holdtrue_turns",
    METADATA,
    Column("session", ExactText, ForeignKey(SESSIONS.c.id, ondelete="CASCADE"), primary_key=True),
    Column("turn", Integer, CheckConstraint("turn > 0", name="holdtrue_turns_from_one"), primary_key=True),
    Column("user", ExactText, quote=True),
    Column("answer", ExactText),
    Column("projection", Double),
    Column("z", Double),
    Column("fired", Double),
    Column("alarm", Boolean, nullable=False),
    Column("hold", ExactText, nullable=False),
    Column("hold_digest", ExactText, nullable=False),
    Column("thinking_projection", Double),
    Column("finish_reason", ExactText, nullable=False),
    Column("created", Double, nullable=False),
    Column("prompt_tokens", Integer, nullable=False),
    Column("completion_tokens", Integer, nullable=False),
    Column("tokens", JsonText, nullable=False),
)
