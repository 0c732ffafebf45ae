"""What came of the actions of plans, and who is to be planned again because of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, func, select, update

from jackfield.core.actions import DEPARTMENT_KINDS, ActionKind
from jackfield.core.records import record
from jackfield.store.plan_actions import ActionStatus, plan_actions
from jackfield.store.plans import PlanStatus, plans
from jackfield.store.schema import OF_TENANT, storable, to_micros
from jackfield.store.sequences import next_change
from jackfield.store.transaction import Bulk, Transaction, chunks


@record
class Result:
    """What came of the action `seq`."""

    seq: int
    status: ActionStatus
    text: str = ""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a plan has been carried out: actions by status, held ones apart."""

    by_status: Mapping[ActionStatus, int] = field(default_factory=dict)
    held: int = 0

    @property
    def total(self) -> int:
        """Actions that are not held."""
        return sum(self.by_status.values())

    @property
    def ended(self) -> int:
        """Those of them that are no longer pending."""
        return self.total - self.by_status.get(ActionStatus.PENDING, 0)


FAILURES_A_DAY = 3
"""So often one person's actions may fail within a day before they wait for the next full round."""
_COUNTED = (
    select(plan_actions.c.status, plan_actions.c.held, func.count())
    .where(plan_actions.c.tenant == OF_TENANT, plan_actions.c.plan == bindparam("of_plan"))
    .group_by(plan_actions.c.status, plan_actions.c.held)
)
_DONE = (
    select(plan_actions.c.kind, func.count())
    .where(
        plan_actions.c.tenant == OF_TENANT,
        plan_actions.c.plan == bindparam("of_plan"),
        plan_actions.c.status == ActionStatus.DONE.value,
        plan_actions.c.held.is_(False),
    )
    .group_by(plan_actions.c.kind)
)
_mark = Bulk(
    ("status_", "text_", "at_", "tenant_", "plan_", "seq_"),
    lambda _insert: (
        update(plan_actions)
        .where(
            plan_actions.c.tenant == bindparam("tenant_"),
            plan_actions.c.plan == bindparam("plan_"),
            plan_actions.c.seq == bindparam("seq_"),
        )
        .values(status=bindparam("status_"), text=bindparam("text_"), done_at=bindparam("at_"))
    ),
)

_touch_plan = Bulk(
    ("changed_", "tenant_", "plan_"),
    lambda _insert: (
        update(plans)
        .where(plans.c.tenant == bindparam("tenant_"), plans.c.id == bindparam("plan_"))
        .values(changed_seq=bindparam("changed_"))
    ),
)


async def mark_outcomes(
    tx: Transaction, tenant: int, plan: int, outcomes: Sequence[Result], *, now: datetime
) -> None:
    """Note what came of actions."""
    if not outcomes:
        return
    changed = await next_change(tx, tenant)
    at = to_micros(now)
    rows = [
        (one.status.value, storable(one.text), at, tenant, plan, one.seq)
        for one in sorted(outcomes, key=lambda outcome: outcome.seq)
    ]
    await _mark.run(tx, rows)
    await _touch_plan.run(tx, [(changed, tenant, plan)])


async def count_outcomes(tx: Transaction, tenant: int, plan: int) -> Progress:
    """How far a plan has been carried out."""
    rows = await tx.rows(_COUNTED, {"of_tenant": tenant, "of_plan": plan})
    by_status: dict[ActionStatus, int] = {}
    held = 0
    for status, is_held, count in rows:
        if is_held:
            held += count
        else:
            by_status[ActionStatus(status)] = by_status.get(ActionStatus(status), 0) + count
    return Progress(by_status, held)


async def count_done(tx: Transaction, tenant: int, plan: int) -> dict[ActionKind, int]:
    """What of a plan was done, by kind; without what is held."""
    rows = await tx.rows(_DONE, {"of_tenant": tenant, "of_plan": plan})
    return {ActionKind(kind): count for kind, count in rows}


async def load_unsettled(
    tx: Transaction, tenant: int, plan: int, *, now: datetime
) -> tuple[str, ...] | None:
    """Whom the plan was about where an action went stale, stayed unanswered or failed.

    To be planned again; None = everyone, because a department is among them.

    Who has failed `FAILURES_A_DAY` times is left out: a refusal may be over in a minute (a licence
    was bought, a lock let go), but one that is not would be written and journalled every minute for
    ever. They come again with the next full round, or when they change.
    """
    a = plan_actions.c
    unsettled = [ActionStatus.STALE.value, ActionStatus.UNANSWERED.value]
    of_plan = [a.tenant == tenant, a.plan == plan]
    others = await _people_of(tx, [*of_plan, a.status.in_(unsettled)])
    failed = [*of_plan, a.status == ActionStatus.FAILED.value]
    subjects = sorted({row[0] for row in await tx.rows(select(a.subject).where(*failed))})
    too_often: set[str] = set()
    for chunk in chunks(subjects):
        rows = await tx.rows(
            select(a.subject)
            .where(
                a.tenant == tenant,
                a.subject.in_(chunk),
                a.status == ActionStatus.FAILED.value,
                a.done_at > now - timedelta(days=1),
            )
            .group_by(a.subject)
            .having(func.count() >= FAILURES_A_DAY)
        )
        too_often.update(row[0] for row in rows)
    again = set(subjects) - too_often
    departments = await tx.rows(
        select(a.subject).where(*failed, a.kind.in_([kind.value for kind in DEPARTMENT_KINDS]))
    )
    if others is None or any(row[0] in again for row in departments):
        return None
    return tuple(sorted({*others, *again}))


async def load_proposed_people(tx: Transaction, tenant: int) -> tuple[str, ...] | None:
    """Whom the proposals that nobody has decided on are about; None = everyone (a department)."""
    proposed = select(plans.c.id).where(
        plans.c.tenant == tenant, plans.c.status == PlanStatus.PROPOSED.value
    )
    a = plan_actions.c
    return await _people_of(tx, [a.tenant == tenant, a.plan.in_(proposed)])


async def _people_of(tx: Transaction, conditions: Sequence[Any]) -> tuple[str, ...] | None:
    a = plan_actions.c
    rows = await tx.rows(select(a.subject, a.kind).where(*conditions).distinct())
    if any(row.kind in DEPARTMENT_KINDS for row in rows):
        return None
    return tuple(sorted({row.subject for row in rows}))


async def skip_pending(tx: Transaction, tenant: int, plan: int, *, text: str, now: datetime) -> int:
    """Actions of a plan that will not be carried out any more; returns how many."""
    a = plan_actions.c
    return await tx.run(
        update(plan_actions)
        .where(
            a.tenant == tenant,
            a.plan == plan,
            a.status == ActionStatus.PENDING.value,
            a.held.is_(False),
        )
        .values(status=ActionStatus.SKIPPED.value, text=text, done_at=now)
    )
