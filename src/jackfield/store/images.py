"""Pictures by their digest: each once, however many people and extensions show it.

Who shows which one stands in `photos` and `avatars`; a picture that nobody shows any more is
forgotten.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Table, delete, select

from jackfield.core.photos import Avatar
from jackfield.store.avatars import avatars
from jackfield.store.photos import photos
from jackfield.store.schema import content, key, metadata, tenant_key, text
from jackfield.store.transaction import Transaction, append

images = Table(
    "image", metadata, tenant_key(), key("digest"), text("content_type"), content("content")
)

_add = append(images, ("tenant", "digest", "content_type", "content"))


async def save_images(tx: Transaction, tenant: int, found: Iterable[Avatar]) -> None:
    """Keep pictures; one that is kept already stays as it is.

    The caller holds the tenant's turn to write (`sequences`).
    """
    by_digest = {one.digest: one for one in found}
    rows = [
        (tenant, digest, one.content_type, one.content) for digest, one in sorted(by_digest.items())
    ]
    await _add.run(tx, rows)


async def load_image(tx: Transaction, tenant: int, digest: str) -> Avatar | None:
    """A picture by its digest."""
    c = images.c
    row = await tx.row(
        select(c.content, c.content_type).where(c.tenant == tenant, c.digest == digest)
    )
    return None if row is None else Avatar(row[0], row[1])


async def forget_images(tx: Transaction, tenant: int) -> int:
    """Forget the pictures that neither a person nor an extension shows; returns how many.

    The caller holds the tenant's turn to write (`sequences`).
    """
    shown = [
        select(table.c.digest).where(table.c.tenant == tenant, table.c.digest == images.c.digest)
        for table in (photos, avatars)
    ]
    return await tx.run(
        delete(images).where(images.c.tenant == tenant, *(~one.exists() for one in shown))
    )
