"""Alembic's entry: it runs inside the transaction that `jackfield.store.migrate` holds, and opens none of its own."""

from __future__ import annotations

from alembic import context

from jackfield.store.schema import metadata

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    render_as_batch=connection.dialect.name == "sqlite",
    transactional_ddl=False,
)
context.run_migrations()
