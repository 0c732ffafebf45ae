"""API tokens: shown once, known by their hash, ended for good."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import text

from jackfield.store.database import Database
from jackfield.store.tokens import (
    create_token,
    find_token,
    list_tokens,
    note_use,
    revoke_token,
    use_is_stale,
)


async def test_a_token_opens_the_door_until_it_ends(database: Database, now: datetime) -> None:
    """Expired and revoked tokens are as good as unknown ones."""
    later = now + timedelta(days=30)
    async with database.write() as tx:
        secret, token = await create_token(
            tx, 3, name="Backup", role="reader", created_by="admin", now=now, expires_at=later
        )
        found = await find_token(tx, secret, now=now)
        expired = await find_token(tx, secret, now=later)
        revoked = [await revoke_token(tx, 3, token.id, now=now) for _ in range(2)]
        after = await find_token(tx, secret, now=now)
        listed = await list_tokens(tx, 3)

    assert found == token
    assert (token.tenant, token.role) == (3, "reader")
    assert (expired, after) == (None, None)
    assert revoked == [True, False]
    assert [one.revoked_at for one in listed] == [now]


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "jackfield_1_",
        "jackfield_2_{rest}",
        "jackfield_1_{rest}x",
        "jackfield_99999999999999999999_{rest}",
        "jackfield_1_{rest}\n",
        "bearer",
        "x" * 100_000,
        "jackfield_١_{rest}",
    ],
)
async def test_anything_else_does_not(database: Database, now: datetime, wrong: str) -> None:
    """What stands in a header comes from strangers."""
    async with database.write() as tx:
        secret, _ = await create_token(tx, 1, name="n", role="reader", created_by="admin", now=now)
        rest = secret.removeprefix("jackfield_1_")

        found = await find_token(tx, wrong.replace("{rest}", rest), now=now)

    assert found is None


async def test_the_secret_is_kept_nowhere(database: Database, now: datetime) -> None:
    """Whoever reads the database cannot call the API."""
    async with database.write() as tx:
        secret, _ = await create_token(tx, 0, name="n", role="reader", created_by="a", now=now)
        rows = (await tx.connection.execute(text("SELECT * FROM api_token"))).all()

    assert len(secret.rpartition("_")[2]) == 43 or len(secret) > 43
    assert secret.removeprefix("jackfield_0_") not in str(rows)


async def test_the_last_use_is_noted_now_and_then(database: Database, now: datetime) -> None:
    """A token that nobody has used for a year can go; noting each call would be a write a call."""
    async with database.write() as tx:
        secret, token = await create_token(tx, 0, name="n", role="r", created_by="a", now=now)
        await note_use(tx, 0, token.id, now=now)
        used = await find_token(tx, secret, now=now)

    assert use_is_stale(token, now=now)
    assert used is not None
    assert used.last_used_at == now
    assert not use_is_stale(used, now=now + timedelta(seconds=30))
    assert use_is_stale(used, now=now + timedelta(minutes=2))
