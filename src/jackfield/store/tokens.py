"""API tokens: who may call the API, known only by the SHA-256 of their 256 bits.

The secret is shown once, when it is made. It names its tenant, so that it is found by an index that
begins with it.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Table, UniqueConstraint, bindparam, or_, select, update

from jackfield.store.schema import (
    INSTALLATION,
    OF_TENANT,
    key,
    maybe_moment,
    metadata,
    moment,
    storable,
    tenant_key,
    text,
    to_micros,
)
from jackfield.store.transaction import AnyRow, Bulk, Transaction

tokens = Table(
    "api_token",
    metadata,
    tenant_key(),
    key("id"),
    text("hash", default=None),
    text("name"),
    text("role"),
    text("created_by"),
    moment("created_at"),
    maybe_moment("last_used_at"),
    maybe_moment("expires_at"),
    maybe_moment("revoked_at"),
    UniqueConstraint("tenant", "hash"),
)

NOTE_USE_EVERY = timedelta(minutes=1)
_SECRET = re.compile(r"jackfield_(\d{1,9})_[\w-]{43}", re.ASCII)


@dataclass(frozen=True, slots=True)
class ApiToken:
    """A token without its secret. Tenant 0 may act on the whole installation."""

    tenant: int
    id: str
    name: str
    role: str
    created_by: str
    created_at: datetime
    last_used_at: datetime | None
    expires_at: datetime | None
    revoked_at: datetime | None


_COLUMNS = [tokens.c[name] for name in ApiToken.__slots__]


_add = Bulk(
    ("tenant", "id", "hash", "name", "role", "created_by", "created_at", "expires_at"),
    lambda insert: insert(tokens),
)


async def create_token(
    tx: Transaction,
    tenant: int,
    *,
    name: str,
    role: str,
    created_by: str,
    now: datetime,
    expires_at: datetime | None = None,
) -> tuple[str, ApiToken]:
    """A new token: the secret, which is kept nowhere, and the record."""
    secret = f"jackfield_{tenant}_{secrets.token_urlsafe(32)}"
    token = ApiToken(
        tenant, secrets.token_hex(4), storable(name), role, created_by, now, None, expires_at, None
    )
    lasts_until = None if expires_at is None else to_micros(expires_at)
    row = (tenant, token.id, _hash(secret), token.name, role, created_by, to_micros(now))
    await _add.run(tx, [(*row, lasts_until)])
    return secret, token


_OF_SECRET = select(*_COLUMNS).where(
    tokens.c.tenant == OF_TENANT,
    tokens.c.hash == bindparam("of_hash"),
    tokens.c.revoked_at.is_(None),
    or_(tokens.c.expires_at.is_(None), tokens.c.expires_at > bindparam("now")),
)


async def find_token(tx: Transaction, secret: str, *, now: datetime) -> ApiToken | None:
    """The token of a secret, unless it is unknown, expired or revoked."""
    match = _SECRET.fullmatch(secret)
    if match is None:
        return None
    row = await tx.row(
        _OF_SECRET, {"of_tenant": int(match[1]), "of_hash": _hash(secret), "now": now}
    )
    return None if row is None else _token(row)


def use_is_stale(token: ApiToken, *, now: datetime) -> bool:
    """Whether `note_use` is worth a write."""
    return token.last_used_at is None or now - token.last_used_at >= NOTE_USE_EVERY


async def note_use(tx: Transaction, tenant: int, id_: str, *, now: datetime) -> None:
    """Note when a token was used last."""
    c = tokens.c
    await tx.run(update(tokens).where(c.tenant == tenant, c.id == id_).values(last_used_at=now))


async def list_tokens(tx: Transaction, tenant: int = INSTALLATION) -> tuple[ApiToken, ...]:
    """A tenant's tokens by their making, revoked ones included."""
    c = tokens.c
    rows = await tx.rows(select(*_COLUMNS).where(c.tenant == tenant).order_by(c.created_at, c.id))
    return tuple(map(_token, rows))


async def revoke_token(tx: Transaction, tenant: int, id_: str, *, now: datetime) -> bool:
    """End a token for good; False if it is unknown or ended already."""
    c = tokens.c
    return (
        await tx.run(
            update(tokens)
            .where(c.tenant == tenant, c.id == id_, c.revoked_at.is_(None))
            .values(revoked_at=now)
        )
        == 1
    )


async def revoke_tokens_named(
    tx: Transaction, tenant: int, name: str, *, created_by: str, now: datetime
) -> int:
    """End every token of that name and maker for good; returns how many."""
    c = tokens.c
    return await tx.run(
        update(tokens)
        .where(
            c.tenant == tenant,
            c.name == name,
            c.created_by == created_by,
            c.revoked_at.is_(None),
        )
        .values(revoked_at=now)
    )


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _token(row: AnyRow) -> ApiToken:
    return ApiToken(*row)
