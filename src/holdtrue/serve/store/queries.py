"""The questions that several of the store's calls ask."""

from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, case, select

from holdtrue.serve.store.rows import read_session, read_turn
from holdtrue.serve.store.sessions import Session, StoredTurn
from holdtrue.serve.store.tables import SESSIONS, TURNS

__all__ = ["first_session", "named", "newest_first", "no_earlier", "owned", "session_there", "turns_of"]


def owned(owner: str | None) -> tuple[ColumnElement[bool], ...]:
    """Sessions of one API key; None asks for all."""
    return () if owner is None else (SESSIONS.c.owner == owner,)


def named(session_id: str, owner: str | None) -> tuple[ColumnElement[bool], ...]:
    """One session, if it is this owner's."""
    return (SESSIONS.c.id == session_id, *owned(owner))


def no_earlier(now: float) -> ColumnElement[float]:
    """The later of now and the last use: a clock set back must not make an active session look old."""
    return case((SESSIONS.c.updated > now, SESSIONS.c.updated), else_=now)


def newest_first(*where: ColumnElement[bool]) -> Select[Any]:
    """Sessions in the order of their last use."""
    return select(SESSIONS).where(*where).order_by(SESSIONS.c.updated.desc(), SESSIONS.c.created.desc(), SESSIONS.c.id)


def first_session(connection: Connection, *where: ColumnElement[bool], lock: bool = False) -> Session | None:
    """The session used last among those asked for; `lock` keeps other writers from it until the transaction ends."""
    query = newest_first(*where).limit(1)
    row = connection.execute(query.with_for_update() if lock else query).mappings().first()
    return None if row is None else read_session(row)


def session_there(connection: Connection, session_id: str) -> Session:
    """A session that this transaction has just written."""
    return read_session(connection.execute(select(SESSIONS).where(SESSIONS.c.id == session_id)).mappings().one())


def turns_of(connection: Connection, session_id: str) -> tuple[StoredTurn, ...]:
    """A session's turns in order."""
    rows = connection.execute(select(TURNS).where(TURNS.c.session == session_id).order_by(TURNS.c.turn)).mappings()
    return tuple(read_turn(row) for row in rows)
