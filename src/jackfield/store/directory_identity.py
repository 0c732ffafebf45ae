"""What tells the built-in phone system's directory of a tenant from one that is set up anew."""

from __future__ import annotations

from sqlalchemy import Table, select

from jackfield.store.schema import metadata, tenant_key, text
from jackfield.store.transaction import Transaction

identities = Table("directory_identity", metadata, tenant_key(), text("identity"))


async def load_identity(tx: Transaction, tenant: int) -> str | None:
    """What tells this directory from one that is set up anew; None before it was asked for."""
    found: str | None = await tx.scalar(
        select(identities.c.identity).where(identities.c.tenant == tenant)
    )
    return found


async def agree_identity(tx: Transaction, tenant: int, made: str) -> str:
    """The identity of this directory: `made`, unless it has one already."""
    agreed: str = await tx.scalar(
        tx.insert(identities)
        .values(tenant=tenant, identity=made)
        .on_conflict_do_update(index_elements=["tenant"], set_={"identity": identities.c.identity})
        .returning(identities.c.identity)
    )
    return agreed
