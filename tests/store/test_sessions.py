"""Signed-in browsers: how long they are known, and what a thief must not find."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select, text

from jackfield.core.people import ObjectId
from jackfield.store.database import Database
from jackfield.store.sessions import (
    SessionStore,
    end_sessions,
    owned_by_account,
    owned_by_person,
    sessions,
)


class Watch:
    """A clock that is set by hand."""

    def __init__(self, now: datetime) -> None:
        self.moment = now

    def now(self) -> datetime:
        return self.moment

    def monotonic(self) -> float:
        return self.moment.timestamp()

    async def sleep(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)


@pytest.fixture
def watch(now: datetime) -> Watch:
    return Watch(now)


@pytest.fixture
def store(database: Database, watch: Watch) -> SessionStore:
    return SessionStore(database, watch)


async def test_values_come_back_until_they_expire(store: SessionStore, watch: Watch) -> None:
    """A session that never ends is a key that is never given back."""
    await store.set("a", "text", expires_in=60)
    await store.set("b", b"\0bytes", expires_in=timedelta(hours=1))
    await store.set("c", b"for ever")

    assert [await store.get(one) for one in "abcd"] == [b"text", b"\0bytes", b"for ever", None]

    watch.moment += timedelta(seconds=60)

    assert [await store.get(one) for one in "abcd"] == [None, b"\0bytes", b"for ever", None]


async def test_a_visit_renews_a_session(
    store: SessionStore, database: Database, watch: Watch
) -> None:
    """Whoever works stays signed in; whoever went home does not."""

    async def expiry(data: bytes) -> datetime | None:
        async with database.read() as tx:
            rows = await tx.rows(select(sessions.c.data, sessions.c.expires_at))
        return {row.data: row.expires_at for row in rows}[data]

    begun = watch.now()
    await store.set("a", b"1", expires_in=600)
    await store.set("c", b"3")

    watch.moment += timedelta(seconds=30)
    await store.get("a", renew_for=600)
    soon = await expiry(b"1")
    watch.moment += timedelta(seconds=500)
    await store.get("a", renew_for=600)
    later = await expiry(b"1")
    await store.get("c", renew_for=600)

    # A renewal of less than a minute is not worth a write.
    assert soon == begun + timedelta(seconds=600)
    assert later == begun + timedelta(seconds=530 + 600)
    assert await expiry(b"3") is None


async def test_sessions_are_replaced_revoked_and_purged(
    store: SessionStore, database: Database, watch: Watch
) -> None:
    """Signing out ends the session on the server, not only in the browser."""
    await store.set("a", b"1", expires_in=60)
    await store.set("a", b"2", expires_in=120)
    await store.set("b", b"3", expires_in=60)
    await store.set("c", b"4")
    await store.delete("c")
    await store.delete("nothing")
    watch.moment += timedelta(seconds=90)

    assert await store.get("a") == b"2"
    assert await store.get("c") is None
    assert await store.purge() == 1
    async with database.read() as tx:
        assert len(await tx.rows(select(sessions))) == 1
    await store.delete_all()
    assert await store.get("a") is None


async def test_all_sessions_of_somebody_end_together(
    store: SessionStore, database: Database
) -> None:
    """In every browser of theirs, and in nobody else's."""
    ada, admin = owned_by_person(1, ObjectId("ada")), owned_by_account("Admin")
    await store.set("desk", b"1", owner=ada)
    await store.set("phone", b"2", owner=ada)
    await store.set("another tenant's", b"3", owner=owned_by_person(2, ObjectId("ada")))
    await store.set("admin's", b"4", owner=admin)
    await store.set("nobody's", b"5")

    async with database.write() as tx:
        ended = await end_sessions(tx, [ada, owned_by_person(1, ObjectId("ben"))])
        nothing = await end_sessions(tx, [])

    assert (ended, nothing) == (2, 0)
    known = {one: await store.get(one) for one in ("desk", "phone")}
    assert known == {"desk": None, "phone": None}
    assert await store.get("another tenant's")
    assert await store.get("nobody's")
    async with database.write() as tx:
        assert await end_sessions(tx, [owned_by_account("admin")]) == 1


async def test_a_thief_of_the_database_has_no_session(
    store: SessionStore, database: Database
) -> None:
    """A backup on a USB stick must not be a bunch of keys."""
    await store.set("the-cookie", b"1", expires_in=60)

    async with database.read() as tx:
        rows = (await tx.connection.execute(text("SELECT key_hash FROM session"))).scalars().all()

    assert len(rows) == 1
    assert "the-cookie" not in rows[0]
    assert await store.get(rows[0]) is None
