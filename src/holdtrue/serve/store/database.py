"""A database opened: connections set up for durability, transactions, and whether its file is still there."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, final

from sqlalchemy import Connection, Engine, create_engine, event, text

from holdtrue.errors import MissingExtra, StorageError
from holdtrue.records import storage_error
from holdtrue.serve.store.address import Address
from holdtrue.serve.store.faults import clear_faults
from holdtrue.serve.store.schema import bring_up_to_date

__all__ = ["Database"]

_BUSY_SECONDS: Final = 10
_WIPE_MILLISECONDS: Final = 500
_BEGIN: Final = "holdtrue_begin"


@final
class Database:
    """SQLite or PostgreSQL behind four verbs: read, write, check, forget.

    Raises:
        MissingExtra: a PostgreSQL URL, and no driver.
        StorageError: it can't be opened, isn't a session database, or was written by a newer version.
    """

    def __init__(self, address: Address) -> None:
        self.address = address
        if address.file is not None:
            _make_private(address)
        with clear_faults(address):
            self._engine = _engine(address)
        self._writer = self._engine.execution_options(**{_BEGIN: "BEGIN IMMEDIATE"})
        self._bare = self._engine.execution_options(**{_BEGIN: None})
        # SQLite lets one writer in at a time and lets the others poll: threads that queue here don't.
        self._turnstile = threading.Lock()
        self._identity: tuple[int, int] | None = None
        try:
            with self.write() as connection:
                bring_up_to_date(connection, address)
            if address.file is not None:
                self._log_ahead()
                self._identity = self._file_identity()
        except BaseException:
            self._engine.dispose()
            raise

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """One consistent look.

        Raises:
            StorageError: the database can't be read.
        """
        with clear_faults(self.address), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """One transaction, on the disk when it ends; undone on any exception.

        Raises:
            StorageError: it could not be kept, and nothing of it was.
        """
        if self.address.file is None:
            with clear_faults(self.address), self._writer.begin() as connection:
                yield connection
            return
        with self._turnstile, clear_faults(self.address), self._writer.begin() as connection:
            yield connection
            self._still_there()

    def check(self) -> None:
        """Find out whether the database answers.

        Raises:
            StorageError: it doesn't.
        """
        with self.read() as connection:
            connection.execute(text("SELECT 1"))
        self._still_there()

    def forget(self) -> None:
        """Empty SQLite's write-ahead log, where deleted text still stands; a reader in the way puts it off.

        Raises:
            StorageError: the log can't be written back.
        """
        if self.address.file is None:
            return
        with clear_faults(self.address), self._bare.connect() as connection:
            # Writers wait while it waits for readers, so it gives up long before they do.
            connection.execute(text(f"PRAGMA busy_timeout={_WIPE_MILLISECONDS}"))
            try:
                connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))
            finally:
                connection.execute(text(f"PRAGMA busy_timeout={_BUSY_SECONDS * 1000}"))

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()

    def _log_ahead(self) -> None:
        # Changing the mode needs the file alone for a moment. SQLite's own waiting doesn't cover every step of it,
        # but asking again does, and where another process was faster there is nothing left to do.
        for attempts_left in reversed(range(50)):
            try:
                with clear_faults(self.address), self._bare.connect() as connection:
                    connection.execute(text("PRAGMA journal_mode=WAL"))
            except StorageError as error:
                if "locked" not in str(error) or not attempts_left:
                    raise
                threading.Event().wait(0.1)
            else:
                return

    def _file_identity(self) -> tuple[int, int] | None:
        file = self.address.file
        try:
            found = file.stat() if file is not None else None
        except OSError:
            return None
        return (found.st_dev, found.st_ino) if found is not None else None

    def _still_there(self) -> None:
        # An open file that was deleted takes writes without complaint, and loses them.
        if self._identity is not None and self._file_identity() != self._identity:
            message = f"{self.address.label}: the session database was deleted or replaced; put it back, then restart"
            raise StorageError(message)


def _make_private(address: Address) -> None:
    """An SQLite file that only its owner can read; SQLite gives its side files the same mode."""
    file = address.file
    if file is None:
        return
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        if file.exists() and not file.is_file():
            message = f"{address.label}: not an ordinary file; name a file for the session database"
            raise StorageError(message)
        os.close(os.open(file, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        raise storage_error(file, error) from None


def _engine(address: Address) -> Engine:
    common: dict[str, Any] = {"hide_parameters": True, "pool_size": 8, "max_overflow": 32, "pool_timeout": 30}
    if address.file is not None:
        engine = create_engine(address.url, connect_args={"timeout": _BUSY_SECONDS}, **common)
        event.listen(engine, "connect", _set_up_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    try:
        engine = create_engine(address.url, connect_args={"connect_timeout": 10}, pool_pre_ping=True, **common)
    except ImportError:
        message = 'a PostgreSQL session database needs its driver: pip install "psycopg[binary]"'
        raise MissingExtra(message) from None
    event.listen(engine, "connect", _set_up_postgres)
    return engine


def _set_up_sqlite(connection: Any, _record: object) -> None:
    # The driver begins nothing by itself: `_begin_sqlite` does, so that schema changes are transactions too.
    connection.isolation_level = None
    for pragma in (
        f"busy_timeout={_BUSY_SECONDS * 1000}",
        "synchronous=FULL",
        "foreign_keys=ON",
        "secure_delete=ON",
        "temp_store=MEMORY",
    ):
        connection.execute(f"PRAGMA {pragma}").close()


def _begin_sqlite(connection: Connection) -> None:
    statement = connection.get_execution_options().get(_BEGIN, "BEGIN")
    if statement is not None:
        connection.exec_driver_sql(statement)


def _set_up_postgres(connection: Any, _record: object) -> None:
    with connection.cursor() as cursor:
        # A server told to answer before it has written would break the promise that an answered turn survives.
        cursor.execute(
            "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'"
        )
        cursor.execute(f"SET lock_timeout = '{_BUSY_SECONDS}s'")
    connection.commit()
