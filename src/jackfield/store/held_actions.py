"""What the guards hold back: found, counted for the next plan, released or withdrawn."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, bindparam, func, or_, select, update
from sqlalchemy import text as sql_text

from jackfield.core.actions import DISBELIEF, ActionKind, RefusalKind
from jackfield.core.dangers import Danger
from jackfield.core.people import ObjectId
from jackfield.store.plan_actions import TURNED_DOWN, ActionStatus, plan_actions
from jackfield.store.plans import HOLDS, PlanStatus, encode_counts, load_outline, load_plan, plans
from jackfield.store.schema import OF_TENANT
from jackfield.store.sequences import next_change
from jackfield.store.transaction import AnyRow, Transaction, chunks


async def load_held(tx: Transaction, tenant: int, plan: int) -> frozenset[tuple[ActionKind, str]]:
    """What a plan holds back, and from whom."""
    a = plan_actions.c
    rows = await tx.rows(
        select(a.kind, a.subject).where(a.tenant == tenant, a.plan == plan, a.held.is_(True))
    )
    return frozenset((ActionKind(kind), subject) for kind, subject in rows)


HOLDING = (
    select(plans.c.id, plans.c.status, plans.c.decided_at)
    .where(plans.c.tenant == OF_TENANT, sql_text(HOLDS))
    .order_by(plans.c.id)
)
"""Plans of which a guard holds something, whatever became of them; the oldest first."""
_RELEASABLE = frozenset(
    (PlanStatus.PROPOSED, PlanStatus.APPROVED, PlanStatus.APPLYING, PlanStatus.APPLIED)
)


async def find_holding(tx: Transaction, tenant: int) -> tuple[int, ...]:
    """Ids of plans that hold something back which can still be released."""
    # With the status among the conditions SQLite would go through every plan that was applied.
    rows = await tx.rows(HOLDING, {"of_tenant": tenant})
    return tuple(row.id for row in rows if row.status in _RELEASABLE)


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


_OF_RECENT_PLANS = select(plans.c.id).where(
    plans.c.tenant == OF_TENANT,
    or_(plans.c.ended_at.is_(None), plans.c.ended_at >= bindparam("since")),
    plans.c.decided_at.is_(None),
)
_OF_STANDING_PLANS = select(plans.c.id).where(
    plans.c.tenant == OF_TENANT,
    plans.c.status.not_in([PlanStatus.REFUSED.value, PlanStatus.SUPERSEDED.value]),
)
_DANGEROUS = select(plan_actions.c.subject, plan_actions.c.dangers).where(
    plan_actions.c.tenant == OF_TENANT, plan_actions.c.dangers != ""
)
_DONE = _DANGEROUS.where(
    plan_actions.c.plan.in_(_OF_RECENT_PLANS),
    plan_actions.c.status == ActionStatus.DONE.value,
    plan_actions.c.done_at >= bindparam("since"),
)
_HELD = _DANGEROUS.where(
    plan_actions.c.plan.in_(_OF_STANDING_PLANS),
    plan_actions.c.held.is_(True),
    # Every slice sees all departments, so nothing of this is held elsewhere.
    plan_actions.c.dangers != Danger.REBUILDS.value,
)
_HELD_OF_PLAN = _DANGEROUS.where(
    plan_actions.c.plan == bindparam("of_plan"), plan_actions.c.held.is_(True)
)
_TURNED_DOWN = _DANGEROUS.add_columns(plan_actions.c.plan).where(
    sql_text(TURNED_DOWN), plan_actions.c.done_at >= bindparam("since")
)
_GUARDS_OF = {
    Danger.REMOVES: (RefusalKind.TOO_MANY_REMOVALS, *DISBELIEF),
    Danger.DISABLES: (RefusalKind.TOO_MANY_DISABLES, *DISBELIEF),
    Danger.MADE_AGAIN: (RefusalKind.EXTENSIONS_LOST,),
    Danger.RENUMBERS: (RefusalKind.TOO_MANY_RENUMBERINGS, RefusalKind.EXTENSIONS_LOST),
    Danger.LEAVES: (RefusalKind.MEMBERSHIPS_LOST,),
}
"""Which guards hold something back for which danger."""
_EVER = datetime(1970, 1, 1, tzinfo=UTC)


async def count_elsewhere(
    tx: Transaction, tenant: int, *, since: datetime, slice_: AbstractSet[str] | None
) -> Counter[str]:
    """How many people actions are about, by danger, besides what a slice's plan will say itself.

    Done since a moment, by plans that nobody approved by hand, whoever it was about; or held back
    for somebody outside the slice (None = everyone).
    """
    concerned = {
        (danger, row.subject)
        for row in await tx.rows(_DONE, {"of_tenant": tenant, "since": since})
        for danger in row.dangers.split()
    }
    if slice_ is not None:
        concerned |= {
            (danger, row.subject)
            for row in await tx.rows(_HELD, {"of_tenant": tenant})
            if row.subject not in slice_
            for danger in row.dangers.split()
        }
    return Counter(danger for danger, _ in concerned)


async def load_unreleased(
    tx: Transaction, tenant: int, *, since: datetime | None
) -> dict[tuple[Danger, ObjectId], int]:
    """What guards hold back from whom, and what of that was turned down after a moment.

    With how many it was when it was first held. Without what waits for the end of a reading of
    Microsoft 365: that settles itself.
    """
    moment = since or _EVER
    turned_down = await tx.rows(_TURNED_DOWN, {"of_tenant": tenant, "since": moment})
    rows = [(row.plan, row.subject, row.dangers) for row in turned_down]
    for plan in await tx.rows(HOLDING, {"of_tenant": tenant}):
        refused = plan.status == PlanStatus.REFUSED and plan.decided_at >= moment
        if refused or plan.status in _RELEASABLE:
            held = await tx.rows(_HELD_OF_PLAN, {"of_tenant": tenant, "of_plan": plan.id})
            rows += [(plan.id, row.subject, row.dangers) for row in held]
    sizes = {plan: await _sizes(tx, tenant, plan) for plan in {plan for plan, _, _ in rows}}
    found: dict[tuple[Danger, ObjectId], int] = {}
    for plan, subject, dangers in rows:
        for danger in map(Danger, dangers.split()):
            key = (danger, ObjectId(subject))
            found[key] = max(found.get(key, 0), sizes[plan].get(danger, 0))
    return found


async def _sizes(tx: Transaction, tenant: int, plan: int) -> dict[Danger, int]:
    """How many of each danger there were when the guards of a plan, or of one before, held them."""
    outline = await load_outline(tx, tenant, plan)
    said = {one.kind: one.of or one.held for one in outline.guards} if outline else {}
    return {
        danger: max(said.get(kind, 0) for kind in kinds) for danger, kinds in _GUARDS_OF.items()
    }


async def withdraw_held(
    tx: Transaction,
    tenant: int,
    *,
    text: str,
    now: datetime,
    by: int = 0,
    but: AbstractSet[tuple[ActionKind, str]] = frozenset(),
) -> None:
    """What carried-out plans hold back is no longer meant, or is meant by another plan.

    `by` is that plan, which keeps what it holds, and `but` what it means.
    """
    a = plan_actions.c
    for plan in await _carried_out(tx, tenant):
        if plan == by:
            continue
        rows = await _held_rows(tx, tenant, plan) if by and but else []
        moved = [row.seq for row in rows if (ActionKind(row.kind), row.subject) in but]
        for some in chunks(sorted(moved)):
            await _withdraw(
                tx, tenant, plan, a.seq.in_(some), {}, text=f"{_MOVED}{by} since.", now=now
            )
        await _withdraw(tx, tenant, plan, a.held.is_(True), {}, text=text, now=now)


async def withdraw_held_from(
    tx: Transaction,
    tenant: int,
    people: AbstractSet[str],
    *,
    but: AbstractSet[tuple[ActionKind, str]],
    text: str,
    now: datetime,
) -> None:
    """What carried-out plans hold back from these people is no longer meant, but for some of it."""
    a = plan_actions.c
    for plan in await _carried_out(tx, tenant):
        rows = await _held_rows(tx, tenant, plan)
        outdated = {
            row.seq
            for row in rows
            if row.subject in people and (ActionKind(row.kind), row.subject) not in but
        }
        left = Counter(row.kind for row in rows if row.seq not in outdated)
        for some in chunks(sorted(outdated)):
            await _withdraw(tx, tenant, plan, a.seq.in_(some), left, text=text, now=now)


async def turn_down_held(
    tx: Transaction, tenant: int, plan: int, *, text: str, now: datetime
) -> None:
    """An administrator does not let go what a plan holds back."""
    held, status = plan_actions.c.held.is_(True), ActionStatus.TURNED_DOWN
    await _withdraw(tx, tenant, plan, held, {}, text=text, now=now, status=status)


async def _carried_out(tx: Transaction, tenant: int) -> list[int]:
    """Plans that hold something back beside what they did."""
    rows = await tx.rows(HOLDING, {"of_tenant": tenant})
    return [row.id for row in rows if row.status == PlanStatus.APPLIED]


async def _held_rows(tx: Transaction, tenant: int, plan: int) -> Sequence[AnyRow]:
    a = plan_actions.c
    return await tx.rows(
        select(a.seq, a.kind, a.subject).where(a.tenant == tenant, a.plan == plan, a.held.is_(True))
    )


async def _withdraw(
    tx: Transaction,
    tenant: int,
    plan: int,
    which: ColumnElement[bool],
    left: Mapping[str, int],
    *,
    text: str,
    now: datetime,
    status: ActionStatus = ActionStatus.SKIPPED,
) -> None:
    changed = await next_change(tx, tenant)
    p, a = plans.c, plan_actions.c
    await tx.run(
        update(plan_actions)
        .where(a.tenant == tenant, a.plan == plan, which)
        .values(held=False, status=status.value, text=text, done_at=now)
    )
    await tx.run(
        update(plans)
        .where(p.tenant == tenant, p.id == plan)
        .values(held_counts=encode_counts(left), changed_seq=changed)
    )
    told = await _told_of_withdrawn(tx, tenant, plan)
    if told:
        await tx.run(update(plans).where(p.tenant == tenant, p.id == plan).values(text=told))


_MOVED = "Withdrawn: it stands in plan "
_NOTHING = "Nothing carried out"
_OF_HELD = "of what was held"


async def _told_of_withdrawn(tx: Transaction, tenant: int, plan: int) -> str:
    """What became of what a plan held back; "" where its text says something else already."""
    stored = await load_outline(tx, tenant, plan)
    if stored is None or (
        stored.text and not stored.text.startswith(_NOTHING) and _OF_HELD not in stored.text
    ):
        return ""
    a = plan_actions.c
    over = (ActionStatus.SKIPPED.value, ActionStatus.TURNED_DOWN.value)
    rows = await tx.rows(
        select(a.status, a.text, func.count())
        .where(a.tenant == tenant, a.plan == plan, a.status.in_(over))
        .group_by(a.status, a.text)
    )
    became: Counter[str] = Counter()
    for status, text, count in rows:
        if text.startswith(_MOVED):
            became[f"in plan {text.removeprefix(_MOVED).partition(' ')[0]}"] += count
        else:
            skipped = status == ActionStatus.SKIPPED.value
            became["withdrawn" if skipped else "turned down"] += count
    counted = ", ".join(f"{count:,} {what}" for what, count in sorted(became.items(), reverse=True))
    if not counted:
        return ""
    if not stored.total:
        return f"{_NOTHING}; {counted}"
    return f"{stored.total:,} action{'' if stored.total == 1 else 's'}; {_OF_HELD} {counted}"
