"""Alembic's environment script: runs the steps on the connection that `forecasting.storage.migrations.upgrade` passes."""

from alembic import context

from forecasting.storage.migrations import TABLE

context.configure(connection=context.config.attributes["connection"], version_table=TABLE)
with context.begin_transaction():
    context.run_migrations()
