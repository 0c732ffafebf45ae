"""The newest plan about everybody, where an administrator turned it down, and whom that left.

Nothing proposes its actions again before somebody changes or the next full round judges everybody.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import func, select

from jackfield.core.actions import ActionKind
from jackfield.core.people import ObjectId, Standing
from jackfield.store.links import links
from jackfield.store.people import people
from jackfield.store.plan_actions import plan_actions
from jackfield.store.plans import PlanStatus, plans
from jackfield.store.transaction import Transaction


async def find_turned_down(
    tx: Transaction, tenant: int, scopes: Collection[str], *, since: datetime | None
) -> int | None:
    """The newest plan of one of these scopes, where it was turned down.

    `since`: when everybody was last judged; what was made before then has been answered by that.
    """
    p = plans.c
    newest = await tx.row(
        select(p.id, p.status, p.made_at)
        .where(p.tenant == tenant, p.scope.in_(scopes))
        .order_by(p.id.desc())
        .limit(1)
    )
    if newest is None or newest.status != PlanStatus.REFUSED.value:
        return None
    return None if since is not None and newest.made_at < since else int(newest.id)


async def count_left_without(
    tx: Transaction, tenant: int, plan: int, person: ObjectId | None = None
) -> int:
    """People present who would have got an extension by this plan and have none now.

    With `person`, whether that one is among them.
    """
    a = plan_actions.c
    theirs = (people.c.tenant == a.tenant) & (people.c.id == a.subject)
    linked = (links.c.tenant == a.tenant) & (links.c.person == a.subject)
    statement = (
        select(func.count())
        .select_from(plan_actions)
        .join(people, theirs)
        .join(links, linked, isouter=True)
        .where(
            a.tenant == tenant,
            a.plan == plan,
            a.kind == ActionKind.CREATE_EXTENSION.value,
            links.c.person.is_(None),
            people.c.standing == Standing.PRESENT.value,
        )
    )
    if person is not None:
        statement = statement.where(a.subject == person)
    return int(await tx.scalar(statement) or 0)
