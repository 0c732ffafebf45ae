"""Where the reading of the phone system stands, and the version of its picture."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Table, bindparam, select

from jackfield.store.schema import (
    OF_TENANT,
    maybe_moment,
    maybe_text,
    metadata,
    number,
    tenant_key,
    text,
)
from jackfield.store.sequences import next_change
from jackfield.store.transaction import Transaction, insert_into, upsert

phone_states = Table(
    "phone_state",
    metadata,
    tenant_key(),
    maybe_text("cursor"),
    number("round"),
    number("version"),
    maybe_moment("read_at"),
    text("identity"),
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


_STATE = select(*(phone_states.c[name] for name in PhoneState.__slots__)).where(
    phone_states.c.tenant == OF_TENANT
)


async def load_phone_state(tx: Transaction, tenant: int) -> PhoneState:
    """Where the reading stands; all empty before the first."""
    row = await tx.row(_STATE, {"of_tenant": tenant})
    return PhoneState() if row is None else PhoneState(*row)


async def load_identity(tx: Transaction, tenant: int) -> str:
    """Which phone system the picture and the links are about; "" while that is not known."""
    c = phone_states.c
    return await tx.scalar(select(c.identity).where(c.tenant == tenant)) or ""


async def save_identity(tx: Transaction, tenant: int, identity: str) -> None:
    """From now on picture and links are about this phone system."""
    await tx.run(
        tx.insert(phone_states)
        .values(tenant=tenant, identity=identity)
        .on_conflict_do_update(index_elements=["tenant"], set_={"identity": identity})
    )


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


async def note_read(tx: Transaction, tenant: int, cursor: str | None, *, now: datetime) -> None:
    """A reading came to its end: from where the next one goes on."""
    await tx.run(
        _setting(("cursor", "read_at"), on_sqlite=tx.sqlite),
        {"of_tenant": tenant, "now_cursor": cursor, "now_read_at": now},
    )


_save_version = upsert(phone_states, ("tenant", "version"))


async def touch_picture(tx: Transaction, tenant: int) -> int:
    """The picture changes: its version is this transaction's change number."""
    changed = await next_change(tx, tenant)
    await _save_version.run(tx, [(tenant, changed)])
    return changed


@cache
def _setting(names: tuple[str, ...], *, on_sqlite: bool) -> Any:
    values = {name: bindparam(f"now_{name}", type_=phone_states.c[name].type) for name in names}
    return (
        insert_into(phone_states, on_sqlite=on_sqlite)
        .values(tenant=OF_TENANT, **values)
        .on_conflict_do_update(index_elements=["tenant"], set_=values)
    )
