"""What a plan says of single people: whom it refused, and whom it has a notice about; in pages.

There may be a remark on each of 100,000 people, so that only those of a page become objects.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Generic, TypeVar

import msgspec
from sqlalchemy import bindparam, select

from jackfield.core.actions import Notice, Refusal
from jackfield.store.plans import plans
from jackfield.store.schema import OF_TENANT
from jackfield.store.transaction import Transaction

T = TypeVar("T", Refusal, Notice)


class _About(msgspec.Struct):
    subject: str


@dataclass(frozen=True, slots=True)
class RemarkPage(Generic[T]):
    """Remarks in the plan's order."""

    remarks: tuple[T, ...]
    total: int
    people: int
    """How many people all of them are about; what guards say is about nobody."""
    next: int | None
    """The place from which to go on; None at the end."""


_OF_PLAN = (plans.c.tenant == OF_TENANT, plans.c.id == bindparam("of_id"))
_REFUSALS = select(plans.c.refusals).where(*_OF_PLAN)
_NOTICES = select(plans.c.notices).where(*_OF_PLAN)
_decode_raw = msgspec.json.Decoder(tuple[msgspec.Raw, ...]).decode
_decode_subjects = msgspec.json.Decoder(tuple[_About, ...]).decode


async def load_refusals(
    tx: Transaction, tenant: int, plan: int, *, after: int = 0, limit: int
) -> RemarkPage[Refusal]:
    """What the plan would not do, from a place on; that of guards comes first."""
    text = await tx.scalar(_REFUSALS, {"of_tenant": tenant, "of_id": plan})
    return await asyncio.to_thread(_page, text or "[]", Refusal, after, limit)


async def load_notices(
    tx: Transaction, tenant: int, plan: int, *, after: int = 0, limit: int
) -> RemarkPage[Notice]:
    """What is to be known of what it does."""
    text = await tx.scalar(_NOTICES, {"of_tenant": tenant, "of_id": plan})
    return await asyncio.to_thread(_page, text or "[]", Notice, after, limit)


def _page(text: str, kind: type[T], after: int, limit: int) -> RemarkPage[T]:
    raws = _decode_raw(text)
    remarks = tuple(msgspec.json.decode(raw, type=kind) for raw in raws[after : after + limit])
    people = len({one.subject for one in _decode_subjects(text)} - {""})
    behind = after + limit
    return RemarkPage(remarks, len(raws), people, behind if behind < len(raws) else None)
