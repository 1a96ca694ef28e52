"""Bringing a database to the schema this version knows, inside the transaction that opens it."""

import threading
from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text

from holdtrue.errors import StorageError
from holdtrue.serve.store.address import Address
from holdtrue.serve.store.tables import VERSION_TABLE

__all__ = ["bring_up_to_date"]

_MIGRATIONS: Final = Path(__file__).parent / "migrations"
_ADVISORY_LOCK: Final = 0x686F6C64
# Alembic keeps the migration that runs in a global.
_ONE_AT_A_TIME: Final = threading.Lock()


def bring_up_to_date(connection: Connection, address: Address) -> None:
    """Create or upgrade the tables; a second process that opens at the same time waits, then finds nothing to do.

    Args:
        connection: in a transaction that excludes other writers on SQLite.
        address: for messages.

    Raises:
        StorageError: the database belongs to a newer version, or to another program.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})
    config = Config()
    # "%" begins an interpolation in Alembic's settings.
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    scripts = ScriptDirectory.from_config(config)
    known = {script.revision for script in scripts.walk_revisions()}
    found = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE}).get_current_heads()
    if not set(found) <= known:
        message = (
            f"{address.label}: was written by a newer holdtrue (schema {', '.join(found)}; this one knows up to "
            f"{scripts.get_current_head()}); upgrade holdtrue, or name another database"
        )
        raise StorageError(message)
    if not found and address.file is not None and inspect(connection).get_table_names():
        message = f"{address.label}: is the database of another program; name another file for the sessions"
        raise StorageError(message)
    if set(found) != set(scripts.get_heads()):
        with _ONE_AT_A_TIME:
            command.upgrade(config, "head")
