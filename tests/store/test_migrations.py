"""The database is brought to its shape once, whoever starts, and whatever happens meanwhile."""

import asyncio
import contextlib
import json
import sqlite3
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, create_engine, make_url, text

from doubles.tables import migrate_to
from jackfield.store.addresses import Kind, refs_of_addresses
from jackfield.store.database import Database
from jackfield.store.errors import DatabaseUnusable
from jackfield.store.migrate import HEAD, MIGRATIONS
from jackfield.store.plans import list_plans, load_plan
from jackfield.store.tables import metadata

OPEN = """
    import asyncio, sys
    from jackfield.store.database import Database
    from jackfield.store.tenants import create_tenant
    from datetime import datetime, UTC

    async def main():
        database = await Database.open(sys.argv[1])
        async with database.write() as tx:
            await create_tenant(tx, sys.argv[2], now=datetime.now(UTC))
        await database.close()

    asyncio.run(main())
"""

DIE_HALF_WAY = """
    import asyncio, os, signal, sys
    from sqlalchemy import Engine, event
    from jackfield.store.database import Database

    made = 0

    @event.listens_for(Engine, "before_cursor_execute")
    def count(connection, cursor, statement, parameters, context, executemany):
        global made
        made += "CREATE TABLE" in statement
        if made > 8:
            os.kill(os.getpid(), signal.SIGKILL)

    asyncio.run(Database.open(sys.argv[1]))
"""


def run_python(program: str, *arguments: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(program), *arguments],
        stderr=subprocess.PIPE,
        text=True,
    )


async def tables_of(url: str) -> list[str]:
    """The tables that stand in a database, seen without Jackfield's help."""
    if url.startswith("sqlite"):
        with contextlib.closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
            rows = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
            return sorted(name for (name,) in rows if not name.startswith("sqlite_"))
    server = await asyncpg.connect(url)
    found = await server.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    await server.close()
    return sorted(row[0] for row in found)


def test_head_is_the_newest_migration() -> None:
    """The shortcut that spares the import of Alembic must not skip a migration."""
    files = sorted(path.name for path in (MIGRATIONS / "versions").glob("[0-9]*.py"))

    assert files[-1].startswith(f"{HEAD}_")


async def test_the_migrations_lead_to_the_tables_of_the_code(database: Database) -> None:
    """A column that only the code knows fails at the customer, not here."""

    def differences(connection: Connection) -> Any:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return compare_metadata(context, metadata)

    async with database.read() as tx:
        found = await tx.connection.run_sync(differences)

    assert found == [], 'run: python tools/new_migration.py "What changed"'


async def test_an_open_database_is_left_alone_the_next_time(database_url: str) -> None:
    """A restart must not cost the customer's data."""
    first = await Database.open(database_url)
    async with first.write() as tx:
        await tx.connection.execute(text("INSERT INTO sequences (tenant) VALUES (7)"))
    await first.close()

    second = await Database.open(database_url)
    async with second.read() as tx:
        tenants = (await tx.connection.execute(text("SELECT tenant FROM sequences"))).scalars()
    await second.close()

    assert list(tenants) == [7]


@pytest.mark.kill9
async def test_four_processes_may_start_at_once_on_an_empty_database(database_url: str) -> None:
    """A provider restarts all processes of a PostgreSQL installation with one command."""
    processes = [run_python(OPEN, database_url, f"tenant {number}") for number in range(4)]
    complaints = [
        (await asyncio.to_thread(process.communicate, timeout=60))[1] for process in processes
    ]

    assert complaints == [""] * 4
    database = await Database.open(database_url)
    async with database.read() as tx:
        numbers = (await tx.connection.execute(text("SELECT tenant FROM tenant"))).scalars().all()
    await database.close()
    assert sorted(numbers) == [1, 2, 3, 4]


@pytest.mark.kill9
async def test_four_processes_may_start_at_once_on_an_old_database(database_url: str) -> None:
    """After an upgrade of the package: one of them changes the tables, what stood there stays."""
    migrate_to(database_url, "0006")
    processes = [run_python(OPEN, database_url, f"tenant {number}") for number in range(4)]
    complaints = [
        (await asyncio.to_thread(process.communicate, timeout=60))[1] for process in processes
    ]

    assert complaints == [""] * 4
    assert set(await tables_of(database_url)) == {*metadata.tables, "alembic_version"}


@pytest.mark.kill9
async def test_a_migration_that_is_killed_leaves_nothing_behind(database_url: str) -> None:
    """Half a schema would keep the product from ever starting again."""
    process = run_python(DIE_HALF_WAY, database_url)
    await asyncio.to_thread(process.communicate, timeout=60)

    assert process.returncode == -9
    assert await tables_of(database_url) == []
    await (await Database.open(database_url)).close()
    assert set(await tables_of(database_url)) == {*metadata.tables, "alembic_version"}


@contextlib.contextmanager
def writing(url: str) -> Iterator[Connection]:
    """A transaction in a database that no longer has the newest tables."""
    address = make_url(url)
    if address.drivername == "postgresql":
        address = address.set(drivername="postgresql+psycopg")
    engine = create_engine(address)
    with engine.begin() as connection:
        yield connection
    engine.dispose()


async def test_what_guards_said_before_an_upgrade_is_still_known(database_url: str) -> None:
    """What waits for a release must not lose its reason because the package is newer."""
    migrate_to(database_url, "0021")
    guard = {
        "kind": "too_many_removals",
        "subject": "",
        "name": "",
        "next_step": "",
        "because": "Too many: \u00fc \U0001f9ef",
    }
    person = {
        "kind": "range_exhausted",
        "subject": "ada",
        "name": "Ada",
        "next_step": "",
        "because": "No number",
    }
    with writing(database_url) as connection:
        connection.execute(
            text(
                "INSERT INTO plan"
                " (tenant, id, status, made_at, counts, held_counts, notices, refusals)"
                " VALUES (1, 1, 'applied', 0, '{}', '{}', '[]', :both),"
                " (1, 2, 'applied', 0, '{}', '{}', '[]', :one)"
            ),
            {"both": json.dumps([guard, person], ensure_ascii=False), "one": json.dumps([person])},
        )

    database = await Database.open(database_url)
    async with database.read() as tx:
        plans = await list_plans(tx, 1)
        held = await load_plan(tx, 1, 1)
    await database.close()

    assert [[one.because for one in plan.guards] for plan in plans] == [[], [guard["because"]]]
    assert held is not None
    assert [one.subject for one in held.refusals] == ["", "ada"]


async def test_who_was_found_by_an_address_before_an_upgrade_is_found_after_it(
    database_url: str,
) -> None:
    """Nobody is read again only because the package is newer."""
    migrate_to(database_url, "0024")
    with writing(database_url) as connection:
        connection.execute(
            text(
                "INSERT INTO person (tenant, id, standing, upn, mail, first_seen_at, enabled,"
                " has_mailbox, has_teams, is_resource_account, disabled_when_first_seen) VALUES"
                " (1, 'ada', 'present', 'Ada@x.example', 'A.Lovelace@X.example',"
                " 0, true, true, true, false, false),"
                " (1, 'bob', 'present', 'bob', '', 0, true, true, true, false, false)"
            )
        )
        connection.execute(
            text(
                "INSERT INTO phone_extension (tenant, key, email, enabled)"
                " VALUES (1, 'x1', 'ADA@x.example', true), (1, 'x2', '', true)"
            )
        )

    database = await Database.open(database_url)
    async with database.read() as tx:
        found = [
            await refs_of_addresses(tx, 1, Kind.PERSON, [one])
            for one in ("ada@x.example", "a.lovelace@x.example", "bob", "")
        ]
        extensions = await refs_of_addresses(tx, 1, Kind.EXTENSION, ["ada@x.example", ""])
    await database.close()

    assert found == [{"ada"}, {"ada"}, {"bob"}, set()]
    assert extensions == {"x1"}


async def test_a_database_of_a_newer_jackfield_is_refused(database_url: str) -> None:
    """An old program would write rows that the new one cannot understand."""
    database = await Database.open(database_url)
    async with database.write() as tx:
        await tx.connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    await database.close()

    with pytest.raises(DatabaseUnusable, match=r"newer Jackfield .*9999") as caught:
        await Database.open(database_url)
    assert "newer Jackfield" in caught.value.next_step


async def test_somebody_elses_database_is_refused(database_url: str) -> None:
    """Tables among another program's tables would be neither backed up nor found."""
    await (await Database.open(database_url)).close()
    database = await Database.open(database_url)
    async with database.write() as tx:
        for name in (*metadata.tables, "alembic_version"):
            await tx.connection.execute(text(f'DROP TABLE "{name}"'))
        await tx.connection.execute(text("CREATE TABLE invoices (number INTEGER)"))
    await database.close()

    with pytest.raises(DatabaseUnusable, match=r"not Jackfield's \(invoices\)"):
        await Database.open(database_url)


async def test_a_stopped_server_or_wrong_address_is_named(tmp_path: Path) -> None:
    """The administrator reads this text in the middle of the night."""
    for url, said in {
        f"postgresql://someone:secret@/db?host={tmp_path}": "does not answer",
        "mysql://localhost/x": "starts with 'mysql'",
        "sqlite://": "needs a file",
        f"sqlite:///{tmp_path}/missing/x.db": "cannot be opened",
    }.items():
        with pytest.raises(DatabaseUnusable, match=said) as caught:
            await Database.open(url)
        assert "secret" not in str(caught.value)
