"""What a database driver says, as one clear line."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from holdtrue.errors import StorageError
from holdtrue.serve.store.address import Address

__all__ = ["clear_faults"]

_MENDS: Final = (
    (("not a database", "malformed"), "it isn't an SQLite database, or is damaged: name another file"),
    (("disk is full", "no space left", "could not extend"), "free some space, then try again"),
    (("locked", "lock timeout"), "another process holds it: wait for it, or stop it"),
    (("readonly", "read-only", "permission denied"), "it may not be written: mend its permissions, or name another"),
    (("unable to open",), "its folder is gone or closed to you: mend that, or name another file"),
    (("no such table", "no such column", "does not exist"), "somebody changed it: restart, or restore a backup"),
    (("disk i/o",), "look at the disk, then try again"),
    (("too many", "remaining connection slots"), "the database server has no connection left: try again"),
    (("connect", "terminat", "resolve"), "is the database server up, and is its address right?"),
)


@contextmanager
def clear_faults(address: Address) -> Iterator[None]:
    """Turn whatever the database raises into a `StorageError`; statements and their texts are left out.

    Raises:
        StorageError: naming the database, what it said and the mend.
    """
    try:
        yield
    except PoolTimeout:
        message = f"{address.label}: every connection is in use; try again, or let fewer turns run at once"
        raise StorageError(message) from None
    except DBAPIError as error:
        raise _storage_error(address, _driver_says(error.orig)) from None
    except SQLAlchemyError as error:
        raise _storage_error(address, type(error).__name__) from None
    except OverflowError:
        message = f"{address.label}: a text or number is too large for the database; nothing of the turn was kept"
        raise StorageError(message) from None


def _driver_says(error: BaseException | None) -> str:
    # PostgreSQL's details quote the row, and a row holds the conversation: its primary message doesn't.
    primary = getattr(getattr(error, "diag", None), "message_primary", None)
    return str(primary or error)


def _storage_error(address: Address, said: str) -> StorageError:
    line = address.scrub(" ".join(said.split()))[:300]
    mend = next(
        (mend for signs, mend in _MENDS if any(sign in line.lower() for sign in signs)),
        "look at the database, then try again",
    )
    return StorageError(f"{address.label}: the session database failed ({line}); {mend}")
