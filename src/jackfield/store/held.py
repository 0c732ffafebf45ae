"""What the guards hold back: found, counted for the next plan, released or withdrawn."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from datetime import datetime

from sqlalchemy import or_, select, update

from jackfield.core.actions import ActionKind
from jackfield.core.dangers import Danger
from jackfield.store.contains import contains
from jackfield.store.plan_actions import ActionStatus, plan_actions
from jackfield.store.plans import PlanStatus, encode_counts, load_plan, plans
from jackfield.store.sequences import next_change
from jackfield.store.transaction import Transaction


async def load_held(tx: Transaction, tenant: int, plan: int) -> frozenset[tuple[ActionKind, str]]:
    """What a plan holds back, and from whom."""
    a = plan_actions.c
    rows = await tx.rows(
        select(a.kind, a.subject).where(a.tenant == tenant, a.plan == plan, a.held.is_(True))
    )
    return frozenset((ActionKind(kind), subject) for kind, subject in rows)


async def find_holding(tx: Transaction, tenant: int) -> tuple[int, ...]:
    """Ids of plans that hold something back which can still be released."""
    p = plans.c
    holding = [PlanStatus.PROPOSED, PlanStatus.APPROVED, PlanStatus.APPLYING, PlanStatus.APPLIED]
    rows = await tx.rows(
        select(p.id)
        .where(
            p.tenant == tenant,
            p.status.in_([one.value for one in holding]),
            p.held_counts != "{}",
        )
        .order_by(p.id)
    )
    return tuple(row[0] for row in rows)


async def release_held(tx: Transaction, tenant: int, plan: int) -> int:
    """An administrator lets the held actions go; they come last. Returns how many."""
    changed = await next_change(tx, tenant)
    stored = await load_plan(tx, tenant, plan)
    if stored is None or not stored.held:
        return 0
    a = plan_actions.c
    released = await tx.run(
        update(plan_actions)
        .where(a.tenant == tenant, a.plan == plan, a.held.is_(True))
        .values(held=False)
    )
    counts = dict(stored.counts)
    for kind, count in stored.held_counts.items():
        counts[kind] = counts.get(kind, 0) + count
    await tx.run(
        update(plans)
        .where(plans.c.tenant == tenant, plans.c.id == plan)
        .values(counts=encode_counts(counts), held_counts="{}", changed_seq=changed)
    )
    return released


async def count_elsewhere(
    tx: Transaction,
    tenant: int,
    danger: Danger,
    *,
    since: datetime,
    slice_: AbstractSet[str] | None,
) -> int:
    """How many people actions of a danger are about besides what a slice's plan will say itself.

    Done since a moment, by plans that nobody approved by hand, whoever it was about; or held back
    for somebody outside the slice (None = everyone).
    """
    a, p = plan_actions.c, plans.c
    conditions = [a.tenant == tenant, a.dangers != "", contains(a.dangers, danger.value)]
    recent = select(p.id).where(
        p.tenant == tenant,
        or_(p.ended_at.is_(None), p.ended_at >= since),
        p.decided_at.is_(None),
    )
    done = select(a.subject).where(
        *conditions,
        a.plan.in_(recent),
        a.status == ActionStatus.DONE.value,
        a.done_at >= since,
    )
    concerned = {row[0] for row in await tx.rows(done)}
    if slice_ is not None:
        standing = select(p.id).where(
            p.tenant == tenant,
            p.status.not_in([PlanStatus.REFUSED.value, PlanStatus.SUPERSEDED.value]),
        )
        held = select(a.subject).where(*conditions, a.plan.in_(standing), a.held.is_(True))
        concerned |= {row[0] for row in await tx.rows(held)} - slice_
    return len(concerned)


async def withdraw_held(
    tx: Transaction, tenant: int, *, text: str, now: datetime, except_for: int = 0
) -> None:
    """What carried-out plans hold back is no longer meant, except for one plan."""
    changed = await next_change(tx, tenant)
    p, a = plans.c, plan_actions.c
    outdated = [
        row[0]
        for row in await tx.rows(
            select(p.id).where(
                p.tenant == tenant,
                p.status == PlanStatus.APPLIED.value,
                p.held_counts != "{}",
                p.id != except_for,
            )
        )
    ]
    for id_ in outdated:
        await tx.run(
            update(plan_actions)
            .where(a.tenant == tenant, a.plan == id_, a.held.is_(True))
            .values(held=False, status=ActionStatus.SKIPPED.value, text=text, done_at=now)
        )
        await tx.run(
            update(plans)
            .where(p.tenant == tenant, p.id == id_)
            .values(held_counts="{}", changed_seq=changed)
        )
