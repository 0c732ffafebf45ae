"""Local administrators and the count of their failures."""

from datetime import datetime, timedelta

from jackfield.store.accounts import (
    count_accounts,
    load_account,
    note_failure,
    note_success,
    save_account,
)
from jackfield.store.database import Database


async def test_an_account_is_found_in_any_case(database: Database, now: datetime) -> None:
    """Nobody knows whether they were "Admin" or "admin"."""
    async with database.write() as tx:
        before = await count_accounts(tx)
        await save_account(tx, "Admin", "hash-1", now=now, must_change=True)
        account = await load_account(tx, "ADMIN")
        nobody = await load_account(tx, "root")

    assert (before, nobody) == (0, None)
    assert account is not None
    assert account.name == "admin"
    assert (account.password_hash, account.role, account.must_change, account.generation) == (
        "hash-1",
        "administrator",
        True,
        1,
    )


async def test_failures_are_counted_and_forgotten(database: Database, now: datetime) -> None:
    """The limit stands in the database: it holds across processes and restarts."""
    until = now + timedelta(minutes=5)
    async with database.write() as tx:
        await save_account(tx, "admin", "hash", now=now)
        counts = [await note_failure(tx, "admin", locked_until=None) for _ in range(2)]
        counts.append(await note_failure(tx, "Admin", locked_until=until))
        counts.append(await note_failure(tx, "nobody", locked_until=None))
        locked = await load_account(tx, "admin")
        await note_success(tx, "admin", now=now, password_hash="better hash")
        good = await load_account(tx, "admin")

    assert counts == [1, 2, 3, 0]
    assert locked is not None
    assert locked.locked_until == until
    assert good is not None
    assert (good.failed, good.locked_until, good.signed_in_at, good.password_hash) == (
        0,
        None,
        now,
        "better hash",
    )


async def test_a_new_password_unlocks_and_ends_older_sessions(
    database: Database, now: datetime
) -> None:
    """`jackfield admin reset-password` is what one does after a break-in."""
    async with database.write() as tx:
        await save_account(tx, "admin", "old", now=now, role="viewer")
        await note_failure(tx, "admin", locked_until=now)
        await save_account(tx, "admin", "new", now=now + timedelta(days=1))
        account = await load_account(tx, "admin")

    assert account is not None
    assert (account.password_hash, account.failed, account.generation, account.created_at) == (
        "new",
        0,
        2,
        now,
    )
    assert account.locked_until is None
    assert account.role == "viewer"
