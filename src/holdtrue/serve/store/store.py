"""The session store: every call is one transaction, and may come from any thread."""

import math
import re
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final, final

from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from holdtrue.errors import SettingError, StorageError
from holdtrue.records import HoldSpec
from holdtrue.serve.store.address import parse_address
from holdtrue.serve.store.database import Database
from holdtrue.serve.store.queries import first_session, named, newest_first, no_earlier, owned, session_there, turns_of
from holdtrue.serve.store.rows import hold_json, read_session, session_row, short_title, turn_row
from holdtrue.serve.store.sessions import Session, StoredTurn
from holdtrue.serve.store.tables import SESSIONS, TURNS, finite

__all__ = ["SessionStore", "open_store"]

_ID: Final = re.compile(r"[A-Za-z0-9_.:-]{1,80}")
_MOST_LISTED: Final = 10_000
_PURGED_TOGETHER: Final = 200


def open_store(url_or_path: str, *, keep_text: bool = True, clock: Callable[[], float] = time.time) -> "SessionStore":
    """Open a session store, and create or upgrade its tables.

    Args:
        url_or_path: a path for SQLite, or a `sqlite://`, `postgresql://` or `postgresql+psycopg://` URL.
        keep_text: whether what user and assistant said is written; without it only figures are.
        clock: Unix seconds.

    Raises:
        MissingExtra: PostgreSQL's driver isn't installed.
        SettingError: an address that is none.
        StorageError: it can't be opened, isn't a session database, or was written by a newer version.
    """
    return SessionStore(Database(parse_address(url_or_path)), keep_text=keep_text, clock=clock)


@final
class SessionStore:
    """Sessions and their turns.

    Every method raises `StorageError`, one line, when the database is full, locked or gone. `owner` narrows a call to
    the sessions that one API key began; None sees all of them.
    """

    def __init__(self, database: Database, *, keep_text: bool, clock: Callable[[], float]) -> None:
        self.keep_text = keep_text
        self._database = database
        self._clock = clock

    @property
    def label(self) -> str:
        """Where it lives, fit to be shown: no user, no password."""
        return self._database.address.label

    def check(self) -> None:
        """Find out whether the store answers.

        Raises:
            StorageError: it doesn't.
        """
        self._database.check()

    def close(self) -> None:
        """Close every connection."""
        self._database.close()

    def create(
        self,
        model: str,
        reader: str | None,
        owner: str,
        hold: HoldSpec,
        title: str | None = None,
        id: str | None = None,  # noqa: A002
    ) -> Session:
        """Begin a session.

        Args:
            model: who answers.
            reader: the model that reads, when it is another one.
            owner: id of the API key, or empty.
            hold: how its turns are held.
            title: usually the first user text, of which the start is kept.
            id: the client's own; None draws one that can't be guessed.

        Raises:
            SettingError: an id of impossible form, or one that is taken, perhaps by another owner.
        """
        if id is not None and not _ID.fullmatch(id):
            message = f"session id {id[:90]!r} must be 1 to 80 characters of A-Z a-z 0-9 _ . : -"
            raise SettingError(message)
        now = float(self._clock())
        session = Session(
            id=id or f"ses_{secrets.token_urlsafe(16)}",
            created=now,
            updated=now,
            model=model,
            reader=reader,
            owner=owner,
            hold=hold,
            title=short_title(title) if self.keep_text else None,
        )
        with self._database.write() as connection:
            try:
                connection.execute(insert(SESSIONS).values(session_row(session)))
            except IntegrityError:
                message = f"session id '{session.id}' is taken; choose another, or leave it out"
                raise SettingError(message) from None
            return session_there(connection, session.id)

    def find(self, id: str, owner: str | None = None) -> Session | None:  # noqa: A002
        """A session by its id."""
        with self._database.read() as connection:
            return first_session(connection, *named(id, owner))

    def find_by_history(self, digest: str, owner: str) -> Session | None:
        """The session whose messages up to its last answer have this digest; the latest, where there are several."""
        with self._database.read() as connection:
            return first_session(connection, SESSIONS.c.owner == owner, SESSIONS.c.history_digest == digest)

    def record_turn(
        self,
        turn: StoredTurn,
        *,
        history_digest: str | None,
        detector: Mapping[str, float],
        alarm_turn: int | None = None,
    ) -> Session:
        """Keep an answered turn; it is on the disk when this returns.

        Args:
            turn: with `turn` 0, it takes the session's next number, which is the `n_turns` of what is returned; with
                the number that the caller counted on, it is refused when another turn was recorded meanwhile.
            history_digest: of the messages with this answer.
            detector: the drift detector's state after this turn.
            alarm_turn: the first turn that rang the alarm, if it isn't the first recorded with `alarm`.

        Raises:
            StorageError: it could not be kept, the session is gone, or its number is taken.
        """
        with self._database.write() as connection:
            session = first_session(connection, SESSIONS.c.id == turn.session, lock=True)
            if session is None:
                message = f"session '{turn.session}' is gone: it was deleted while it answered; begin another"
                raise StorageError(message)
            number = session.n_turns + 1
            if turn.turn not in {0, number}:
                message = (
                    f"session '{session.id}': turn {turn.turn} can't be recorded, the next is {number}: another turn "
                    "of it was answered meanwhile; read the session again and repeat"
                )
                raise StorageError(message)
            connection.execute(insert(TURNS).values(turn_row(replace(turn, turn=number), keep_text=self.keep_text)))
            rung = session.alarm_turn or alarm_turn or (number if turn.alarm else None)
            title = session.title or (short_title(turn.user) if self.keep_text and number == 1 else None)
            connection.execute(
                update(SESSIONS)
                .where(SESSIONS.c.id == session.id)
                .values(
                    # A clock set back must not make an active session look old to `purge`.
                    updated=max(session.updated, float(self._clock())),
                    n_turns=number,
                    z=finite(turn.z),
                    fired=finite(turn.fired),
                    alarm=turn.alarm,
                    alarm_turn=rung,
                    title=title,
                    history_digest=history_digest,
                    detector=dict(detector),
                )
            )
            return session_there(connection, session.id)

    def set_hold(self, id: str, hold: HoldSpec, owner: str | None = None) -> Session | None:  # noqa: A002
        """Hold a session's next turns another way; None when there is no such session."""
        with self._database.write() as connection:
            found = update(SESSIONS).where(*named(id, owner))
            connection.execute(found.values(hold=hold_json(hold), updated=no_earlier(float(self._clock()))))
            return first_session(connection, *named(id, owner))

    def recent(self, limit: int = 50, owner: str | None = None) -> list[Session]:
        """The sessions used last, the latest first.

        Raises:
            SettingError: a limit that isn't between 1 and 10,000.
        """
        if not 1 <= limit <= _MOST_LISTED:
            message = f"limit {limit} must be between 1 and {_MOST_LISTED}"
            raise SettingError(message)
        with self._database.read() as connection:
            rows = connection.execute(newest_first(*owned(owner)).limit(limit)).mappings()
            return [read_session(row) for row in rows]

    def turns(self, session_id: str) -> tuple[StoredTurn, ...]:
        """A session's turns in order; none when there is no such session."""
        with self._database.read() as connection:
            return turns_of(connection, session_id)

    def export(self, session_id: str, owner: str | None = None) -> dict[str, object] | None:
        """A session with its hold and its turns, JSON-ready; None when there is no such session."""
        with self._database.read() as connection:
            session = first_session(connection, *named(session_id, owner))
            if session is None:
                return None
            turns = turns_of(connection, session_id)
        return {
            **session.summary(),
            "hold_spec": hold_json(session.hold),
            "turns": [turn.as_json() for turn in turns],
        }

    def delete(self, id: str, owner: str | None = None) -> bool:  # noqa: A002
        """Remove a session and its turns; False when there is no such session.

        SQLite overwrites what was removed. PostgreSQL keeps it on its disk until it vacuums.
        """
        with self._database.write() as connection:
            gone = connection.execute(delete(SESSIONS).where(*named(id, owner))).rowcount
        if gone:
            self._database.forget()
        return gone > 0

    def purge(self, older_than_seconds: float) -> int:
        """Remove every session that wasn't used for so long; returns how many, for retention limits.

        Raises:
            SettingError: an age that is negative or no number.
        """
        if not (math.isfinite(older_than_seconds) and older_than_seconds >= 0):
            message = f"retention of {older_than_seconds} seconds must be 0 or more"
            raise SettingError(message)
        old = SESSIONS.c.updated < float(self._clock()) - older_than_seconds
        purged = 0
        while True:
            # A few at a time: turns that are being answered want to be recorded meanwhile.
            with self._database.write() as connection:
                some = select(SESSIONS.c.id).where(old).limit(_PURGED_TOGETHER)
                gone = connection.execute(delete(SESSIONS).where(SESSIONS.c.id.in_(some), old)).rowcount
            purged += gone
            if gone < _PURGED_TOGETHER:
                break
        # Also when nothing was old: an earlier wiping may have been put off.
        self._database.forget()
        return purged
