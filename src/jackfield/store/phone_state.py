"""Where the reading of the phone system stands, and the version of its picture."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Table, select

from jackfield.store.schema import maybe_moment, maybe_text, metadata, number, tenant_key
from jackfield.store.sequences import next_change
from jackfield.store.transaction import Transaction

phone_states = Table(
    "phone_state",
    metadata,
    tenant_key(),
    maybe_text("cursor"),
    number("round"),
    number("version"),
    maybe_moment("read_at"),
)


@dataclass(frozen=True, slots=True)
class PhoneState:
    """Where the reading of the phone system stands."""

    cursor: str | None = None
    """Opaque; None = read everything."""
    round: int = 0
    version: int = 0
    """The change number of the picture's last change: what a plan was made from."""
    read_at: datetime | None = None


async def load_phone_state(tx: Transaction, tenant: int) -> PhoneState:
    """Where the reading stands; all empty before the first."""
    c = phone_states.c
    row = await tx.row(select(c.cursor, c.round, c.version, c.read_at).where(c.tenant == tenant))
    return PhoneState() if row is None else PhoneState(*row)


async def begin_reading(tx: Transaction, tenant: int) -> int:
    """The round number of a new full reading."""
    c = phone_states.c
    round_number: int = await tx.scalar(
        tx.insert(phone_states)
        .values(tenant=tenant, round=1)
        .on_conflict_do_update(index_elements=["tenant"], set_={"round": c.round + 1})
        .returning(c.round)
    )
    return round_number


async def touch_picture(tx: Transaction, tenant: int) -> int:
    """The picture changes: its version is this transaction's change number."""
    changed = await next_change(tx, tenant)
    await tx.run(
        tx.insert(phone_states)
        .values(tenant=tenant, version=changed)
        .on_conflict_do_update(index_elements=["tenant"], set_={"version": changed})
    )
    return changed
