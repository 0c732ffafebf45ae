"""How far each part of the archive has changed: a number per part, compared by live pages.

A mark that moved means "look again"; what changed is not told.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select

from jackfield.store.alarms import alarms
from jackfield.store.links import department_links, links
from jackfield.store.people import people
from jackfield.store.phone_state import phone_states
from jackfield.store.photos import photos
from jackfield.store.plans import plans
from jackfield.store.runs import runs
from jackfield.store.sequences import sequences
from jackfield.store.settings import settings
from jackfield.store.transaction import Transaction

RECENT_PLANS = 20
"""Older plans than these do not change any more."""


@dataclass(frozen=True, slots=True)
class Marks:
    """The marks of one tenant."""

    change: int = 0
    """The latest change of anything; where it stands still, so do the others."""
    people: int = 0
    """People with their photos, extensions, departments, and the links between them."""
    runs: int = 0
    plans: int = 0
    alarms: int = 0
    settings: int = 0
    journal: int = 0


async def load_marks(tx: Transaction, tenant: int, known: Marks | None = None) -> Marks:
    """The marks now; `known` itself where nothing has changed since."""
    s = sequences.c
    row = await tx.row(select(s.change, s.journal).where(s.tenant == tenant))
    if row is None:
        return Marks()
    if known is not None and known.change == row.change:
        return known
    picture = [
        await tx.scalar(select(func.max(table.c.changed_seq)).where(table.c.tenant == tenant)) or 0
        for table in (people, links, department_links, photos)
    ]
    p = phone_states.c
    picture.append(await tx.scalar(select(p.version).where(p.tenant == tenant)) or 0)
    recent = (
        select(plans.c.changed_seq)
        .where(plans.c.tenant == tenant)
        .order_by(plans.c.id.desc())
        .limit(RECENT_PLANS)
        .subquery()
    )
    return Marks(
        change=row.change,
        people=max(picture),
        runs=await tx.scalar(select(func.max(runs.c.changed_seq)).where(runs.c.tenant == tenant))
        or 0,
        plans=await tx.scalar(select(func.max(recent.c.changed_seq))) or 0,
        alarms=await tx.scalar(
            select(func.max(alarms.c.changed_seq)).where(alarms.c.tenant == tenant)
        )
        or 0,
        settings=await tx.scalar(
            select(func.max(settings.c.changed_seq)).where(settings.c.tenant == tenant)
        )
        or 0,
        journal=row.journal,
    )
