"""Signed-in browsers, in a table, so that a session can be revoked and survives a restart.

Keys are stored as hashes: whoever reads the database cannot take over a session. Sessions are the
installation's (tenant 0), and each says whose it is, so that all of somebody's end together.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import Index, Table, delete, select, update

from jackfield.clock import Clock
from jackfield.core.people import ObjectId
from jackfield.store.database import Database
from jackfield.store.schema import (
    INSTALLATION,
    content,
    key,
    maybe_moment,
    maybe_text,
    metadata,
    moment,
    tenant_key,
)
from jackfield.store.transaction import Transaction

sessions = Table(
    "session",
    metadata,
    tenant_key(),
    key("key_hash"),
    content("data"),
    moment("created_at"),
    maybe_moment("expires_at"),
    maybe_text("owner"),
    Index("ix_session_expires", "tenant", "expires_at"),
    Index("ix_session_owner", "tenant", "owner"),
)

RENEW_EVERY = timedelta(minutes=1)
"""A visit renews the expiry at most this often, so that a page view is not a write."""


def owned_by_account(name: str) -> str:
    """The owner of the sessions of a local account, its name in any case."""
    return f"account:{name.casefold()}"


def owned_by_person(tenant: int, person: ObjectId) -> str:
    """The owner of the sessions of somebody of a tenant, as whoever they sign in with Microsoft."""
    return f"person:{tenant}:{person}"


async def end_sessions(tx: Transaction, owners: Sequence[str]) -> int:
    """End whatever sessions these (at most some thousand) have; returns how many there were."""
    if not owners:
        return 0
    theirs = (sessions.c.tenant == INSTALLATION, sessions.c.owner.in_(owners))
    return await tx.run(delete(sessions).where(*theirs))


class SessionStore:
    """Sessions of all processes on one database."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def set(
        self,
        key: str,
        value: str | bytes,
        expires_in: int | timedelta | None = None,
        *,
        owner: str | None = None,
    ) -> None:
        """Begin or replace a session; it ends after `expires_in` (seconds), or with None never."""
        now = self._clock.now()
        length = _length(expires_in)
        values = {
            "data": value.encode() if isinstance(value, str) else value,
            "expires_at": None if length is None else now + length,
            "owner": owner,
        }
        async with self._database.write() as tx:
            await tx.run(
                tx.insert(sessions)
                .values(tenant=INSTALLATION, key_hash=_hash(key), created_at=now, **values)
                .on_conflict_do_update(index_elements=["tenant", "key_hash"], set_=values)
            )

    async def get(self, key: str, renew_for: int | timedelta | None = None) -> bytes | None:
        """What was set, unless it has ended; with `renew_for` it ends so long from now."""
        now = self._clock.now()
        c = sessions.c
        async with self._database.read() as tx:
            row = await tx.row(select(c.data, c.expires_at).where(*_is(key)))
        if row is None or (row.expires_at is not None and row.expires_at <= now):
            return None
        length = _length(renew_for)
        if length is not None and row.expires_at is not None:
            renewed = now + length
            if renewed - row.expires_at >= RENEW_EVERY or renewed < row.expires_at:
                async with self._database.write() as tx:
                    await tx.run(update(sessions).where(*_is(key)).values(expires_at=renewed))
        return bytes(row.data)

    async def delete(self, key: str) -> None:
        """End a session."""
        async with self._database.write() as tx:
            await tx.run(delete(sessions).where(*_is(key)))

    async def delete_all(self) -> None:
        """End every session."""
        async with self._database.write() as tx:
            await tx.run(delete(sessions).where(sessions.c.tenant == INSTALLATION))

    async def purge(self) -> int:
        """Drop expired sessions; returns how many."""
        async with self._database.write() as tx:
            return await tx.run(
                delete(sessions).where(
                    sessions.c.tenant == INSTALLATION, sessions.c.expires_at <= self._clock.now()
                )
            )


def _is(key: str) -> tuple[Any, Any]:
    return sessions.c.tenant == INSTALLATION, sessions.c.key_hash == _hash(key)


def _hash(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


def _length(expires_in: int | timedelta | None) -> timedelta | None:
    return timedelta(seconds=expires_in) if isinstance(expires_in, int) else expires_in
