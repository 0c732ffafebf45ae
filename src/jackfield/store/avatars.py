"""The built-in phone system's avatars: which picture each of its extensions shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import BindParameter, Index, Table, bindparam, delete, select

from jackfield.core.extensions import ExtensionKey
from jackfield.store.schema import key, metadata, tenant_key, text
from jackfield.store.transaction import Transaction, chunks, upsert

avatars = Table(
    "extension_avatar",
    metadata,
    tenant_key(),
    key("key"),
    text("digest"),
    Index("ix_extension_avatar_digest", "tenant", "digest"),
)

_save = upsert(avatars, ("tenant", "key", "digest"))
_keys: BindParameter[Any] = bindparam("keys", expanding=True)


async def load_avatars(
    tx: Transaction, tenant: int, keys: Sequence[ExtensionKey]
) -> dict[ExtensionKey, str]:
    """Digests by extension, of those that have an avatar."""
    statement = select(avatars.c.key, avatars.c.digest).where(
        avatars.c.tenant == tenant, avatars.c.key.in_(_keys)
    )
    found: dict[ExtensionKey, str] = {}
    for chunk in chunks(keys):
        found |= {row[0]: row[1] for row in await tx.rows(statement, {"keys": chunk})}
    return found


async def save_avatars(tx: Transaction, tenant: int, found: Mapping[ExtensionKey, str]) -> None:
    """Show these pictures (by digest) from now on.

    The caller holds the tenant's turn to write (`sequences`).
    """
    await _save.run(tx, [(tenant, key_, digest) for key_, digest in sorted(found.items())])


async def remove_avatars(tx: Transaction, tenant: int, keys: Sequence[ExtensionKey]) -> None:
    """Show none any more. The caller holds the tenant's turn to write (`sequences`)."""
    statement = delete(avatars).where(avatars.c.tenant == tenant, avatars.c.key.in_(_keys))
    for chunk in chunks(sorted(keys)):
        await tx.run(statement, {"keys": chunk})
