"""Large plans in the making: their actions are stored a piece at a time, before the plan's own row.

Nobody sees a draft: a plan is there once its row is, and that comes last, in a small write. What
somebody who was cut off has left is cleared away by the next one who makes a plan for the same
purpose, under the same number, or in time. Whoever was taken for dead writes nothing more to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Table, bindparam, select

from jackfield.store.errors import DraftLost
from jackfield.store.schema import OF_TENANT, key, metadata, moment, number, tenant_key, text
from jackfield.store.sequences import take
from jackfield.store.transaction import Transaction, insert_into

drafts = Table(
    "plan_draft",
    metadata,
    tenant_key(),
    key("purpose"),
    number("plan", default=None),
    text("maker"),
    moment("begun_at"),
)

_THIS = (drafts.c.tenant == OF_TENANT, drafts.c.purpose == bindparam("of_purpose"))
_HELD = select(drafts.c.maker).where(*_THIS).with_for_update()


@dataclass(frozen=True, slots=True)
class Draft:
    """A plan in the making."""

    purpose: str
    """Whoever makes a plan for the same one after this takes the draft over."""
    plan: int
    """The number that the plan will have."""
    maker: str
    """Another one for each making."""


async def begin_draft(
    tx: Transaction, tenant: int, purpose: str, maker: str, *, now: datetime
) -> Draft:
    """Begin a plan, or take over what somebody else has begun for the same purpose.

    Then actions may stand under its number already, which are to be dropped first.
    """
    added = insert_into(drafts, on_sqlite=tx.sqlite).values(
        tenant=tenant, purpose=purpose, plan=0, maker=maker, begun_at=now
    )
    known: int = await tx.scalar(
        added.on_conflict_do_update(
            index_elements=["tenant", "purpose"], set_={"maker": maker, "begun_at": now}
        ).returning(drafts.c.plan)
    )
    if known:
        return Draft(purpose, known, maker)
    number_ = await take(tx, tenant, "plan")
    await tx.run(
        drafts.update()
        .where(drafts.c.tenant == tenant, drafts.c.purpose == purpose)
        .values(plan=number_)
    )
    return Draft(purpose, number_, maker)


async def hold_draft(tx: Transaction, tenant: int, draft: Draft) -> None:
    """See to it that nobody takes the draft over before the commit. Raises `DraftLost`."""
    values: dict[str, Any] = {"of_tenant": tenant, "of_purpose": draft.purpose}
    if await tx.scalar(_HELD, values) != draft.maker:
        raise DraftLost(f"Somebody else makes plan {draft.plan} of tenant {tenant} by now.")


async def end_draft(tx: Transaction, tenant: int, draft: Draft) -> None:
    """It is a plan now, or nothing. Raises `DraftLost`."""
    await hold_draft(tx, tenant, draft)
    c = drafts.c
    await tx.run(drafts.delete().where(c.tenant == tenant, c.purpose == draft.purpose))


async def load_drafts(tx: Transaction, tenant: int, *, before: datetime) -> Sequence[Draft]:
    """Those that were begun before a moment."""
    c = drafts.c
    rows = await tx.rows(
        select(c.purpose, c.plan, c.maker).where(c.tenant == tenant, c.begun_at < before)
    )
    return [Draft(*row) for row in rows]
