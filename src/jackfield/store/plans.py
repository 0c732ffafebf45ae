"""Plans as they were made.

Their actions, what is held back, what was refused, and what came of each action.

An action is stored as the dataclass of `core/actions.py`, as JSON, and read back as the same value.
A plan's status moves by compare-and-set, so that it is approved, applied or superseded once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, cast

import msgspec
from sqlalchemy import Index, Table, bindparam, func, or_, select, update

from jackfield.core.actions import (
    Action,
    ActionKind,
    CreateDepartment,
    FlagDepartment,
    Notice,
    Plan,
    Refusal,
    RenameDepartment,
    type_of_action,
)
from jackfield.core.dangers import Danger, dangers_of
from jackfield.store.contains import contains
from jackfield.store.schema import (
    flag,
    maybe_moment,
    metadata,
    moment,
    number,
    number_key,
    storable,
    tenant_key,
    text,
    to_micros,
)
from jackfield.store.sequences import next_change, take
from jackfield.store.transaction import AnyRow, Bulk, Transaction, append, chunks
from jackfield.store.words import fold, typed_words

plans = Table(
    "plan",
    metadata,
    tenant_key(),
    number_key("id"),
    text("status"),
    moment("made_at"),
    text("made_by"),
    text("scope"),
    number("people_seq"),
    number("phones_version"),
    number("settings_version"),
    number("people_now"),
    text("counts"),
    text("held_counts"),
    text("refusals"),
    text("notices"),
    text("run"),
    maybe_moment("decided_at"),
    text("decided_by"),
    maybe_moment("ended_at"),
    text("text"),
    number("changed_seq"),
    Index("ix_plan_status", "tenant", "status", "id"),
    Index("ix_plan_run", "tenant", "run"),
)

plan_actions = Table(
    "plan_action",
    metadata,
    tenant_key(),
    number_key("plan"),
    number_key("seq"),
    text("kind"),
    text("subject"),
    text("name"),
    text("words"),
    text("payload"),
    text("dangers"),
    flag("held"),
    text("status"),
    text("text"),
    maybe_moment("done_at"),
    Index("ix_plan_action_open", "tenant", "plan", "status", "seq"),
    Index("ix_plan_action_subject", "tenant", "subject", "plan"),
)


class PlanStatus(StrEnum):
    """Where a plan stands."""

    PROPOSED = "proposed"
    APPROVED = "approved"
    APPLYING = "applying"
    APPLIED = "applied"
    REFUSED = "refused"
    """An administrator turned it down."""
    SUPERSEDED = "superseded"
    """A newer plan was made instead."""
    FAILED = "failed"


class ActionStatus(StrEnum):
    """What came of an action."""

    PENDING = "pending"
    DONE = "done"
    FAILED = "failed"
    STALE = "stale"
    """The values it was made from no longer held."""
    UNANSWERED = "unanswered"
    """It is not known whether it holds; the next plan finds out."""
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Versions:
    """What a plan was made from."""

    people_seq: int = 0
    phones_version: int = 0
    settings_version: int = 0


@dataclass(frozen=True, slots=True)
class StoredPlan:
    """A plan without its actions."""

    id: int
    status: PlanStatus
    made_at: datetime
    made_by: str
    scope: str
    """"everyone", or who it was made for."""
    versions: Versions
    people_now: int
    """People present when it was made; becomes the accepted figure when it is applied."""
    counts: Mapping[str, int]
    """Actions by kind, without the held ones."""
    held_counts: Mapping[str, int]
    refusals: tuple[Refusal, ...]
    notices: tuple[Notice, ...]
    run: str
    decided_at: datetime | None
    decided_by: str
    ended_at: datetime | None
    text: str

    @property
    def total(self) -> int:
        """Actions that would be carried out."""
        return sum(self.counts.values())

    @property
    def held(self) -> int:
        """Actions that a guard holds back."""
        return sum(self.held_counts.values())


@dataclass(frozen=True, slots=True)
class StoredAction:
    """An action of a plan and what came of it."""

    seq: int
    action: Action
    subject: str
    name: str
    held: bool
    status: ActionStatus
    text: str
    done_at: datetime | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of the action `seq`."""

    seq: int
    status: ActionStatus
    text: str = ""


@dataclass(frozen=True, slots=True)
class ActionsPage:
    """A part of a plan's actions in their order; at most 1,000 are counted."""

    actions: tuple[StoredAction, ...]
    total: int
    more: bool
    next: int | None = None
    """Give it as `after` for the next page."""


@dataclass(frozen=True, slots=True)
class ActionFilter:
    """Which actions of a plan to show; everything by default."""

    kind: ActionKind | None = None
    status: ActionStatus | None = None
    held: bool | None = None
    text: str = ""
    subject: str = ""


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


COUNT_LIMIT = 1000
FAILURES_A_DAY = 3
"""So often one person's actions may fail within a day before they wait for the next full round."""
_DEPARTMENT_KINDS = frozenset(
    {ActionKind.CREATE_DEPARTMENT, ActionKind.RENAME_DEPARTMENT, ActionKind.FLAG_DEPARTMENT}
)
_encode = msgspec.json.Encoder(order="deterministic").encode
_decoders: dict[str, msgspec.json.Decoder[Any]] = {
    kind.value: msgspec.json.Decoder(shape) for kind, shape in type_of_action.items()
}
_decode_counts = msgspec.json.Decoder(dict[str, int]).decode
_decode_refusals = msgspec.json.Decoder(tuple[Refusal, ...]).decode
_decode_notices = msgspec.json.Decoder(tuple[Notice, ...]).decode
_add_actions = append(
    plan_actions,
    (
        "tenant",
        "plan",
        "seq",
        "kind",
        "subject",
        "name",
        "words",
        "payload",
        "dangers",
        "held",
        "status",
    ),
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
_ACTION_COLUMNS = [
    plan_actions.c[name]
    for name in ("seq", "kind", "payload", "subject", "name", "held", "status", "text", "done_at")
]


async def save_plan(
    tx: Transaction,
    tenant: int,
    plan: Plan,
    *,
    now: datetime,
    made_by: str,
    versions: Versions,
    people_now: int = 0,
    scope: str = "everyone",
    run: str = "",
    status: PlanStatus = PlanStatus.PROPOSED,
) -> int:
    """Store a plan with its actions (the held ones after the others) and return its id."""
    changed = await next_change(tx, tenant)
    id_ = await take(tx, tenant, "plan")
    await tx.run(
        plans.insert().values(
            tenant=tenant,
            id=id_,
            status=status.value,
            made_at=now,
            made_by=made_by,
            scope=scope,
            people_seq=versions.people_seq,
            phones_version=versions.phones_version,
            settings_version=versions.settings_version,
            people_now=people_now,
            counts=_encode(_counts(plan.actions)).decode(),
            held_counts=_encode(_counts(plan.held)).decode(),
            refusals=_encode(plan.refusals).decode(),
            notices=_encode(plan.notices).decode(),
            run=run,
            changed_seq=changed,
        )
    )
    await _add_actions.run(tx, _rows(tenant, id_, plan))
    return id_


async def load_plan(tx: Transaction, tenant: int, id_: int) -> StoredPlan | None:
    """A plan without its actions; None for an unknown one."""
    row = await tx.row(select(plans).where(plans.c.tenant == tenant, plans.c.id == id_))
    return None if row is None else _plan(row)


async def find_plan_of_run(tx: Transaction, tenant: int, flow: str) -> StoredPlan | None:
    """The plan that a run has made, by the durable runner's id of the run; None if it made none."""
    row = await tx.row(select(plans).where(plans.c.tenant == tenant, plans.c.run == flow))
    return None if row is None else _plan(row)


async def list_plans(
    tx: Transaction,
    tenant: int,
    *,
    status: PlanStatus | None = None,
    limit: int = 50,
    before: int | None = None,
) -> tuple[StoredPlan, ...]:
    """Plans, the newest first; `before` is the id from which to go on."""
    statement = (
        select(plans).where(plans.c.tenant == tenant).order_by(plans.c.id.desc()).limit(limit)
    )
    if status is not None:
        statement = statement.where(plans.c.status == status.value)
    if before is not None:
        statement = statement.where(plans.c.id < before)
    return tuple(map(_plan, await tx.rows(statement)))


async def move_plan(
    tx: Transaction,
    tenant: int,
    id_: int,
    expected: Sequence[PlanStatus],
    status: PlanStatus,
    *,
    now: datetime,
    by: str = "",
    text: str | None = None,
) -> bool:
    """Set the status if it is one of `expected`; False (and nothing written) if it is not."""
    changed = await next_change(tx, tenant)
    values: dict[str, Any] = {"status": status.value, "changed_seq": changed}
    if status in {PlanStatus.APPROVED, PlanStatus.REFUSED}:
        values |= {"decided_at": now, "decided_by": by}
    if status in {PlanStatus.APPLIED, PlanStatus.FAILED, PlanStatus.SUPERSEDED, PlanStatus.REFUSED}:
        values["ended_at"] = now
    if text is not None:
        values["text"] = text
    return (
        await tx.run(
            update(plans)
            .where(
                plans.c.tenant == tenant,
                plans.c.id == id_,
                plans.c.status.in_([one.value for one in expected]),
            )
            .values(**values)
        )
        == 1
    )


async def supersede_plans(
    tx: Transaction,
    tenant: int,
    *,
    now: datetime,
    scope: str | None = None,
    except_for: int = 0,
) -> int:
    """Proposals that are out of date, all or those of one scope, except one; returns how many."""
    changed = await next_change(tx, tenant)
    conditions = [
        plans.c.tenant == tenant,
        plans.c.status == PlanStatus.PROPOSED.value,
        plans.c.id != except_for,
    ]
    if scope is not None:
        conditions.append(plans.c.scope == scope)
    return await tx.run(
        update(plans)
        .where(*conditions)
        .values(status=PlanStatus.SUPERSEDED.value, ended_at=now, changed_seq=changed)
    )


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
        .values(counts=_encode(counts).decode(), held_counts="{}", changed_seq=changed)
    )
    return released


async def load_actions(
    tx: Transaction,
    tenant: int,
    plan: int,
    filter_: ActionFilter = ActionFilter(),
    *,
    after: int | None = None,
    limit: int = 100,
) -> ActionsPage:
    """One page of a plan's actions for the preview."""
    a = plan_actions.c
    conditions = [a.tenant == tenant, a.plan == plan]
    if filter_.kind is not None:
        conditions.append(a.kind == filter_.kind.value)
    if filter_.status is not None:
        conditions.append(a.status == filter_.status.value)
    if filter_.held is not None:
        conditions.append(a.held.is_(filter_.held))
    if filter_.subject:
        conditions.append(a.subject == filter_.subject)
    conditions += [contains(a.words, " " + word) for word in typed_words(filter_.text)]
    counted = select(a.seq).where(*conditions).limit(COUNT_LIMIT + 1)
    total = await tx.scalar(select(func.count()).select_from(counted.subquery())) or 0
    page = select(*_ACTION_COLUMNS).where(*conditions).order_by(a.seq).limit(limit + 1)
    if after is not None:
        page = page.where(a.seq > after)
    rows = await tx.rows(page)
    actions = tuple(map(_action, rows[:limit]))
    return ActionsPage(
        actions,
        min(total, COUNT_LIMIT),
        more=total > COUNT_LIMIT,
        next=actions[-1].seq if len(rows) > limit else None,
    )


async def load_pending(
    tx: Transaction, tenant: int, plan: int, *, limit: int = 500
) -> tuple[StoredAction, ...]:
    """The next actions to carry out, in their order."""
    a = plan_actions.c
    rows = await tx.rows(
        select(*_ACTION_COLUMNS)
        .where(
            a.tenant == tenant,
            a.plan == plan,
            a.status == ActionStatus.PENDING.value,
            a.held.is_(False),
        )
        .order_by(a.seq)
        .limit(limit)
    )
    return tuple(map(_action, rows))


async def mark_outcomes(
    tx: Transaction, tenant: int, plan: int, outcomes: Sequence[Outcome], *, now: datetime
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
    await tx.run(
        update(plans)
        .where(plans.c.tenant == tenant, plans.c.id == plan)
        .values(changed_seq=changed)
    )


async def count_outcomes(tx: Transaction, tenant: int, plan: int) -> Progress:
    """How far a plan has been carried out."""
    a = plan_actions.c
    rows = await tx.rows(
        select(a.status, a.held, func.count())
        .where(a.tenant == tenant, a.plan == plan)
        .group_by(a.status, a.held)
    )
    by_status: dict[ActionStatus, int] = {}
    held = 0
    for status, is_held, count in rows:
        if is_held:
            held += count
        else:
            by_status[ActionStatus(status)] = by_status.get(ActionStatus(status), 0) + count
    return Progress(by_status, held)


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
        select(a.subject).where(*failed, a.kind.in_([kind.value for kind in _DEPARTMENT_KINDS]))
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
    if any(row.kind in _DEPARTMENT_KINDS for row in rows):
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


async def load_actions_of(
    tx: Transaction, tenant: int, subject: str, *, limit: int = 20
) -> tuple[tuple[int, StoredAction], ...]:
    """What plans meant to do for one person or group, the newest first, each with its plan's id."""
    a = plan_actions.c
    rows = await tx.rows(
        select(*_ACTION_COLUMNS, a.plan)
        .where(a.tenant == tenant, a.subject == subject)
        .order_by(a.plan.desc(), a.seq)
        .limit(limit)
    )
    return tuple((row.plan, _action(row)) for row in rows)


async def purge_plans(tx: Transaction, tenant: int, *, before: datetime) -> int:
    """Drop plans that ended before a moment; returns how many."""
    ended = select(plans.c.id).where(plans.c.tenant == tenant, plans.c.ended_at < before)
    a = plan_actions.c
    await tx.run(plan_actions.delete().where(a.tenant == tenant, a.plan.in_(ended)))
    return await tx.run(plans.delete().where(plans.c.tenant == tenant, plans.c.ended_at < before))


def _counts(actions: Sequence[Action]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for action in actions:
        counts[action.kind.value] = counts.get(action.kind.value, 0) + 1
    return counts


def _rows(tenant: int, plan: int, made: Plan) -> Iterator[tuple[Any, ...]]:
    seq = 0
    pending = ActionStatus.PENDING.value
    for actions, held in ((made.actions, False), (made.held, True)):
        for action in actions:
            seq += 1
            subject, name, number = _about(action)
            words = fold(f"{number} {name}")
            payload = _encode(action).decode()
            yield (
                tenant,
                plan,
                seq,
                action.kind.value,
                subject,
                name,
                " " + words,
                payload,
                " ".join(dangers_of(action)),
                held,
                pending,
            )


def _about(action: Action) -> tuple[str, str, str]:
    """Object ID, name and number that an action is about."""
    if isinstance(action, CreateDepartment | FlagDepartment):
        return action.group, action.name, ""
    if isinstance(action, RenameDepartment):
        return action.group, action.after, ""
    return action.person, action.name, action.number


def _plan(row: AnyRow) -> StoredPlan:
    return StoredPlan(
        row.id,
        PlanStatus(row.status),
        row.made_at,
        row.made_by,
        row.scope,
        Versions(row.people_seq, row.phones_version, row.settings_version),
        row.people_now,
        _decode_counts(row.counts),
        _decode_counts(row.held_counts),
        _decode_refusals(row.refusals),
        _decode_notices(row.notices),
        row.run,
        row.decided_at,
        row.decided_by,
        row.ended_at,
        row.text,
    )


def _action(row: AnyRow) -> StoredAction:
    return StoredAction(
        row.seq,
        cast("Action", _decoders[row.kind].decode(row.payload)),
        row.subject,
        row.name,
        row.held,
        ActionStatus(row.status),
        row.text,
        row.done_at,
    )
