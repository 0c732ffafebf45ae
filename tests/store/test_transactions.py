"""Transactions: in order, all or nothing, and usable after whatever happened to them."""

import asyncio
import socket
import sqlite3
import uuid
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from doubles.relay import relayed
from jackfield.core.people import ObjectId, Person
from jackfield.store.database import Database
from jackfield.store.errors import DatabaseUnusable
from jackfield.store.located import translate
from jackfield.store.people_rounds import load_hashes, mark_seen, save_people
from jackfield.store.sequences import latest_change, next_change, take
from jackfield.store.transaction import Transaction

SLOW_SQLITE = (
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000000) "
    "SELECT sum(i) FROM n"
)
SLOW_POSTGRESQL = "SELECT sum(i) FROM generate_series(1, 5000000) AS i"


async def mark(tx: Transaction, tenant: int) -> None:
    await tx.connection.execute(text(f"INSERT INTO sequences (tenant) VALUES ({tenant})"))


async def marked(database: Database) -> list[int]:
    async with database.read() as tx:
        found = await tx.connection.execute(text("SELECT tenant FROM sequences ORDER BY tenant"))
        return list(found.scalars())


async def test_a_transaction_that_fails_leaves_nothing(database: Database) -> None:
    """A page and the cursor that follows it are saved together or not at all."""

    async def fail() -> None:
        async with database.write() as tx:
            await mark(tx, 1)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()

    assert await marked(database) == []


async def test_a_reader_cannot_write(database: Database) -> None:
    """A page that shows something must never hold up the writers."""
    with pytest.raises((DBAPIError, DatabaseUnusable)):
        async with database.read() as tx:
            await mark(tx, 1)

    assert await marked(database) == []


async def test_a_reader_sees_one_moment(database: Database) -> None:
    """A plan is made from three pictures that belong together."""
    async with database.read() as tx:
        before = await tx.scalar(text("SELECT count(*) FROM sequences"))
        async with database.write() as other:
            await mark(other, 1)
        after = await tx.scalar(text("SELECT count(*) FROM sequences"))

    assert (before, after) == (0, 0)
    assert await marked(database) == [1]


async def test_writers_of_a_tenant_take_turns_in_the_order_they_came(database: Database) -> None:
    """SQLite's own waiting is unfair: a small write behind a sync waited for a second."""
    order: list[int] = []

    async def write(number: int) -> None:
        async with database.write() as tx:
            await next_change(tx, 1)
            order.append(number)
            await asyncio.sleep(0)

    async with database.write() as tx:
        await next_change(tx, 1)
        tasks = [asyncio.create_task(write(number)) for number in range(6)]
        for _ in range(10):
            await asyncio.sleep(0)
    await asyncio.gather(*tasks)

    assert sorted(order) == list(range(6))
    if database.sqlite:
        assert order == list(range(6))


async def test_change_numbers_grow_in_the_order_of_commits(database: Database) -> None:
    """The live page asks for what is newer than it knows; a late smaller number would be missed."""
    seen: list[int] = []

    async def write() -> None:
        async with database.write() as tx:
            await next_change(tx, 1)
            await asyncio.sleep(0)

    async def look() -> None:
        while len(seen) < 3 or seen[-1] < 20:
            async with database.read() as tx:
                seen.append(await latest_change(tx, 1))

    await asyncio.gather(look(), *(write() for _ in range(20)))

    assert seen == sorted(seen)
    assert seen[-1] == 20


async def test_a_transaction_has_one_change_number_for_each_tenant(database: Database) -> None:
    """Rows written together are seen together; another tenant's count has nothing to do with it."""
    async with database.write() as tx:
        numbers = [await next_change(tx, 1), await next_change(tx, 1), await next_change(tx, 2)]
    async with database.write() as tx:
        numbers += [await next_change(tx, 1), await take(tx, 1, "run", 5), await take(tx, 1, "run")]

    assert numbers == [1, 1, 1, 2, 1, 6]


async def test_a_writer_that_is_cancelled_stops_nobody(database: Database) -> None:
    """A request that is given up, a process that stops: the only writer must be free at once."""
    slow = text(SLOW_SQLITE if database.sqlite else SLOW_POSTGRESQL)
    began = asyncio.Event()

    async def give_up() -> None:
        async with database.write() as tx:
            await mark(tx, 1)
            began.set()
            await tx.connection.execute(slow)
            await mark(tx, 2)

    task = asyncio.create_task(give_up())
    await began.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with database.write() as tx:
        await mark(tx, 3)

    assert await marked(database) == [3]


async def test_a_full_disk_is_named(tmp_path: Path) -> None:
    """What to do about it must stand in the journal, not in a stack trace."""
    database = await Database.open(f"sqlite:///{tmp_path / 'jackfield.db'}")
    async with database.write() as tx:
        await tx.connection.exec_driver_sql("PRAGMA max_page_count=1")

    with pytest.raises(DatabaseUnusable, match=r"disk .* is full") as caught:
        async with database.write() as tx:
            await tx.connection.exec_driver_sql("CREATE TABLE big AS SELECT zeroblob(9000000)")

    assert "Free some space" in caught.value.next_step
    await database.close()


async def test_a_database_that_another_program_holds_is_named(tmp_path: Path) -> None:
    """A backup tool that locks the file looks like a hanging product otherwise."""
    file = tmp_path / "jackfield.db"
    await (await Database.open(f"sqlite:///{file}")).close()
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    with pytest.raises(DatabaseUnusable, match="locked by another program"):
        await Database.open(f"sqlite:///{file}", busy_timeout_ms=1)

    other.close()


async def test_a_read_only_server_is_named(postgres_server: Callable[[str], str]) -> None:
    """After a failover the address may lead to the standby."""
    url = postgres_server("standby")
    database = await Database.open(url)
    async with database.write() as tx:
        await tx.connection.execute(
            text("ALTER DATABASE standby SET default_transaction_read_only = on")
        )
    await database.close()

    database = await Database.open(url)
    with pytest.raises(DatabaseUnusable, match="is read-only"):
        async with database.write() as tx:
            await mark(tx, 1)
    await database.close()


async def test_a_lost_connection_is_named_and_replaced(
    postgres_server: Callable[[str], str],
) -> None:
    """The server restarts for an update; the product goes on without a restart of its own."""
    database = await Database.open(postgres_server("restarted"))

    async def write_while_the_server_goes() -> None:
        async with database.write() as tx:
            await mark(tx, 1)
            async with database.write() as other:
                await other.connection.execute(
                    text(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                        "WHERE datname = 'restarted' AND pid <> pg_backend_pid()"
                    )
                )
            await mark(tx, 2)

    with pytest.raises(DatabaseUnusable, match=r"was lost|stopping or starting"):
        await write_while_the_server_goes()
    async with database.write() as tx:
        await mark(tx, 3)

    assert await marked(database) == [3]
    await database.close()


@pytest.mark.parametrize("moment", ["a statement", "the next transaction", "the commit"])
async def test_a_server_that_does_not_answer_is_named_and_not_waited_for(
    postgres_server: Callable[[str], str], moment: str
) -> None:
    """It is stopped, or what stands before it swallows every byte: no connection ever breaks."""
    name = f"s{uuid.uuid4().hex}"
    folder = postgres_server(name).split("host=")[1]
    with relayed(socket.AF_UNIX, f"{folder}/.s.PGSQL.5432") as wire:
        url = f"postgresql://postgres@127.0.0.1:{wire.port}/{name}"
        database = await Database.open(url, ping_s=0.2, answer_s=0.3)
        async with database.write() as tx:
            await mark(tx, 1)

        async def write() -> None:
            if moment == "the next transaction":
                wire.hold()
            async with database.write() as tx:
                if moment == "a statement":
                    wire.hold()
                await mark(tx, 2)
                wire.hold()

        with pytest.raises(DatabaseUnusable, match=r"has not answered for 0\.[23] seconds"):
            await asyncio.wait_for(write(), 5)
        wire.mend()
        async with database.write() as tx:
            await mark(tx, 3)

        # Nobody knows whether a commit without an answer was one: a step is safe to do twice.
        kept = await marked(database)
        assert [one for one in kept if one != 2 or moment != "the commit"] == [1, 3]
        await database.close()


async def test_clearing_up_may_take_longer_than_an_answer(
    postgres_server: Callable[[str], str],
) -> None:
    """After the first sync of a large tenant it takes minutes, and is nobody's outage."""
    url = postgres_server(f"s{uuid.uuid4().hex}")
    database, other = await Database.open(url, answer_s=0.1), await Database.open(url)

    async with other.write() as tx:
        await tx.run(text("LOCK TABLE sequences IN ACCESS EXCLUSIVE MODE"))
        clearing = asyncio.create_task(database.analyze())
        await tx.run(text("SELECT pg_sleep(0.5)"))
        waits = not clearing.done()
    await clearing

    assert waits
    await database.close()
    await other.close()


async def test_writers_in_different_orders_do_not_block_one_another(
    database: Database, now: datetime
) -> None:
    """A click on one person during the nightly round: PostgreSQL ends one of two in a deadlock."""
    persons = [Person(ObjectId(f"{number:03d}"), f"p{number}") for number in range(40)]
    hashes = {one.id: 0 for one in persons}
    async with database.write() as tx:
        await save_people(tx, 1, persons, hashes, 1, now=now)

    async def see_then_save() -> None:
        async with database.write() as tx:
            await mark_seen(tx, 1, [one.id for one in persons], 2)
            await save_people(tx, 1, persons, hashes, 2, now=now)

    async def save() -> None:
        async with database.write() as tx:
            await save_people(tx, 1, persons[::-1], hashes, 2, now=now)

    await asyncio.gather(*(one() for _ in range(4) for one in (see_then_save, save)))

    async with database.read() as tx:
        assert len(await load_hashes(tx, 1)) == 40


async def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    """A half-restored backup must be recognised before anything is written to it."""
    file = tmp_path / "jackfield.db"
    file.write_bytes(b"This is not a database, it is a letter to the administrator. " * 100)

    with pytest.raises(DatabaseUnusable, match="not an SQLite database") as caught:
        await Database.open(f"sqlite:///{file}")

    assert "backup" in caught.value.next_step
    assert str(file) in caught.value.text


async def test_a_damaged_database_is_named(tmp_path: Path) -> None:
    """Going on with a damaged file makes the damage larger."""
    file = tmp_path / "jackfield.db"
    await (await Database.open(f"sqlite:///{file}")).close()
    content = bytearray(file.read_bytes())
    content[100:] = bytes(len(content) - 100)
    file.write_bytes(content)

    with pytest.raises(DatabaseUnusable, match="damaged"):
        await Database.open(f"sqlite:///{file}")


def test_a_read_only_file_is_named(tmp_path: Path) -> None:
    """A data folder restored by root is the commonest failure of an upgrade."""
    file = tmp_path / "jackfield.db"
    sqlite3.connect(file).close()
    connection = sqlite3.connect(f"file:{file}?mode=ro", uri=True)

    with pytest.raises(sqlite3.OperationalError) as caught:
        connection.execute("CREATE TABLE t (i INTEGER)")
    connection.close()

    said = translate(f"sqlite:///{file}", caught.value)
    assert said is not None
    assert "is read-only" in said.text
    assert "write access" in said.next_step


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://127.0.0.1:1/db?user=jack&password=secret",
        "postgresql://jack:secret/x@127.0.0.1:1/db",
        "postgresql://jack:secret@[bad/db",
    ],
)
async def test_what_is_wrong_with_an_address_is_said_without_its_password(url: str) -> None:
    """It is printed at the start and by `doctor`, and what is printed is pasted into tickets."""
    with pytest.raises(DatabaseUnusable) as caught:
        await Database.open(url)

    assert "***" in str(caught.value)
    assert "secret" not in str(caught.value)
