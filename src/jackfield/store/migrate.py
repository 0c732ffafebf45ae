"""The tables are brought to their newest shape, under a lock, in the caller's one transaction.

`HEAD` is compared first and Alembic imported only when there is something to do. A database that a
newer Jackfield has written, or that is somebody else's, is refused.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, inspect, text
from sqlalchemy.ext.asyncio import AsyncConnection

from jackfield.store.errors import DatabaseUnusable

HEAD = "0027"
"""The newest file in `migrations/versions`; revisions are numbers of four digits, counted up."""

MIGRATIONS = Path(__file__).parent / "migrations"
_LOCK = 0x6A61636B  # "jack": every Jackfield on this PostgreSQL database asks for the same lock


async def migrate(connection: AsyncConnection) -> None:
    """Bring the database to `HEAD`.

    The connection is in a transaction (`BEGIN IMMEDIATE` on SQLite).
    """
    if connection.dialect.name != "sqlite":
        await connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    found = await connection.run_sync(found_version)
    if found == HEAD:
        return
    if found is not None and found > HEAD:
        raise DatabaseUnusable(
            f"The database was written by a newer Jackfield (its version is {found}, this one "
            f"knows {HEAD}).",
            "Start the newer Jackfield, or restore a backup that this one made.",
        )
    await connection.run_sync(_upgrade)


async def tables_version(connection: AsyncConnection) -> str:
    """The version that the tables have now."""
    version: str = (
        await connection.execute(text("SELECT version_num FROM alembic_version"))
    ).scalar_one()
    return version


def found_version(connection: Connection) -> str | None:
    """The version of the tables; None for an empty database.

    Refuses a database that is not Jackfield's.
    """
    tables = inspect(connection).get_table_names()
    if "alembic_version" in tables and ("sequences" in tables or "tenant" in tables):
        return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    foreign = [name for name in tables if name != "alembic_version"]
    if foreign:
        raise DatabaseUnusable(
            "The database holds tables that are not Jackfield's "
            f"({', '.join(sorted(foreign)[:3])}).",
            "Give Jackfield a database of its own.",
        )
    return None


def _upgrade(connection: Connection) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
