"""Runs migrations on the connection, and in the transaction, of whoever opens the store."""

from alembic import context

from holdtrue.serve.store.tables import METADATA, VERSION_TABLE

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    version_table=VERSION_TABLE,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
