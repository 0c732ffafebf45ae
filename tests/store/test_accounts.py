"""Local administrators, and the count of wrong passwords."""

from datetime import datetime, timedelta

from sqlalchemy import select

from jackfield.store.accounts import count_accounts, load_account, renew_hash, save_account
from jackfield.store.database import Database
from jackfield.store.wrong_passwords import (
    KEPT,
    Tries,
    forget_tries,
    load_tries,
    save_tries,
    tried_by,
    wrong_passwords,
)


async def test_an_account_is_found_in_any_case(database: Database, now: datetime) -> None:
    """Nobody knows whether they were "Admin" or "admin"."""
    async with database.write() as tx:
        before = await count_accounts(tx)
        await save_account(tx, "Admin", "hash-1", now=now)
        account = await load_account(tx, "ADMIN")
        nobody = await load_account(tx, "root")

    assert (before, nobody) == (0, None)
    assert account is not None
    assert account.name == "admin"
    assert (account.password_hash, account.role, account.generation) == (
        "hash-1",
        "administrator",
        1,
    )


async def test_wrong_passwords_are_counted_by_name_and_network(
    database: Database, now: datetime
) -> None:
    """The count stands in the database: it holds across processes and restarts."""
    closed = Tries(5, now + timedelta(minutes=5))
    who = tried_by("Admin", "2001:db8::1")
    async with database.write() as tx:
        before = await load_tries(tx, who, now=now)
        await save_tries(tx, who, Tries(1), now=now)
        await save_tries(tx, who, closed, now=now)
        neighbour = await load_tries(tx, tried_by("admin", "2001:db8::2"), now=now)
        others = [
            await load_tries(tx, tried_by(*one), now=now)
            for one in (("admin", "2001:db8:1::1"), ("nobody", "2001:db8::1"))
        ]
        await forget_tries(tx, who)
        after = await load_tries(tx, who, now=now)

    assert (before, after, others) == (Tries(), Tries(), [Tries(), Tries()])
    assert neighbour == closed


def test_who_tries_is_told_apart_by_an_ipv4_address_in_the_words_of_ipv6() -> None:
    """A socket for both kinds calls every address of IPv4 one of `::ffff:0:0/96`."""
    assert tried_by("a", "::ffff:192.0.2.1") == tried_by("a", "192.0.2.1")
    assert tried_by("a", "::ffff:192.0.2.1") != tried_by("a", "::ffff:192.0.2.2")


async def test_wrong_passwords_of_yesterday_are_forgotten(
    database: Database, now: datetime
) -> None:
    """And take no room: anybody may try any name."""
    async with database.write() as tx:
        await save_tries(tx, tried_by("x", "192.0.2.1"), Tries(3), now=now)
        later = now + KEPT
        old = await load_tries(tx, tried_by("x", "192.0.2.1"), now=later)
        await save_tries(tx, tried_by("y", "unknown"), Tries(1), now=later)
        rows = await tx.rows(select(wrong_passwords.c.failed))

    assert old == Tries()
    assert [row.failed for row in rows] == [1]


async def test_a_newer_hash_of_the_same_password_ends_no_session(
    database: Database, now: datetime
) -> None:
    """The cost of hashing goes up over the years, at a sign-in."""
    async with database.write() as tx:
        await save_account(tx, "admin", "hash", now=now)
        await renew_hash(tx, "Admin", "better hash")
        account = await load_account(tx, "admin")

    assert account is not None
    assert (account.password_hash, account.generation) == ("better hash", 1)


async def test_a_new_password_ends_older_sessions_and_leaves_the_role(
    database: Database, now: datetime
) -> None:
    """`jackfield admin reset-password` is what one does after a break-in."""
    async with database.write() as tx:
        await save_account(tx, "admin", "old", now=now, role="viewer")
        await save_account(tx, "admin", "new", now=now + timedelta(days=1))
        account = await load_account(tx, "admin")

    assert account is not None
    assert (account.password_hash, account.generation, account.created_at) == ("new", 2, now)
    assert account.role == "viewer"
