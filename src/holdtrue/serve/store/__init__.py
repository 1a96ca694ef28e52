"""Sessions and their turns in SQLite or PostgreSQL: an answered turn is on the disk before the client has it."""

from holdtrue.serve.store.sessions import Session, StoredToken, StoredTurn
from holdtrue.serve.store.store import SessionStore, open_store

__all__ = ["Session", "SessionStore", "StoredToken", "StoredTurn", "open_store"]
