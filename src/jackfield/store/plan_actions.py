"""The actions of plans, to be shown and to be carried out.

An action is stored as the dataclass of `core/actions.py`, as JSON, and read back as the same value.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeAlias, cast

import msgspec
from sqlalchemy import Index, Table, bindparam, func, select
from sqlalchemy import text as sql_text

from jackfield.core.actions import (
    Action,
    ActionKind,
    Plan,
    about,
    type_of_action,
)
from jackfield.core.dangers import dangers_of
from jackfield.core.records import record
from jackfield.store.contains import contains
from jackfield.store.drafts import drafts
from jackfield.store.pieces import delete_piece
from jackfield.store.schema import (
    AT_MOST,
    OF_TENANT,
    flag,
    maybe_moment,
    metadata,
    number_key,
    tenant_key,
    text,
)
from jackfield.store.transaction import AnyRow, Transaction, append
from jackfield.store.words import fold, typed_words

TURNED_DOWN = "status = 'turned_down'"
"""Which actions their index has: few, and looked for with each plan."""

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
    Index(
        "ix_plan_action_turned_down",
        "tenant",
        "done_at",
        sqlite_where=sql_text(TURNED_DOWN),
        postgresql_where=sql_text(TURNED_DOWN),
    ),
)


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
    TURNED_DOWN = "turned_down"
    """A guard held it back, and an administrator did not want it."""


@record
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


ActionRow: TypeAlias = tuple[Any, ...]
"""An action as `add_actions` stores it."""

COUNT_LIMIT = 1000
_encode = msgspec.json.Encoder(order="deterministic").encode
_decoders: dict[str, msgspec.json.Decoder[Any]] = {
    kind.value: msgspec.json.Decoder(shape) for kind, shape in type_of_action.items()
}
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
_ACTION_COLUMNS = [
    plan_actions.c[name]
    for name in ("seq", "kind", "payload", "subject", "name", "held", "status", "text", "done_at")
]


_PENDING = (
    select(*_ACTION_COLUMNS)
    .where(
        plan_actions.c.tenant == OF_TENANT,
        plan_actions.c.plan == bindparam("of_plan"),
        plan_actions.c.status == ActionStatus.PENDING.value,
        plan_actions.c.held.is_(False),
    )
    .order_by(plan_actions.c.seq)
    .limit(AT_MOST)
)


async def add_actions(tx: Transaction, rows: Iterable[ActionRow]) -> None:
    """Store actions of a new plan."""
    await _add_actions.run(tx, rows)


async def drop_actions(tx: Transaction, tenant: int, plans: Collection[int]) -> int:
    """Drop a piece (`PIECE`) of the actions of plans; returns how many there were."""
    return await delete_piece(tx, tenant, plan_actions, plan_actions.c.plan.in_(plans))


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
    rows = await tx.rows(_PENDING, {"of_tenant": tenant, "of_plan": plan, "at_most": limit})
    return tuple(map(_action, rows))


async def load_actions_of(
    tx: Transaction, tenant: int, subject: str, *, limit: int = 20
) -> tuple[tuple[int, StoredAction], ...]:
    """What plans meant to do for one person or group, the newest first, each with its plan's id."""
    a = plan_actions.c
    in_the_making = select(drafts.c.plan).where(drafts.c.tenant == tenant)
    rows = await tx.rows(
        select(*_ACTION_COLUMNS, a.plan)
        .where(a.tenant == tenant, a.subject == subject, a.plan.not_in(in_the_making))
        .order_by(a.plan.desc(), a.seq)
        .limit(limit)
    )
    return tuple((row.plan, _action(row)) for row in rows)


def action_rows(tenant: int, plan: int, made: Plan) -> Iterator[ActionRow]:
    """The actions of a plan as they are stored, the held ones after the others."""
    seq = 0
    pending = ActionStatus.PENDING.value
    for actions, held in ((made.actions, False), (made.held, True)):
        for action in actions:
            seq += 1
            whom = about(action)
            words = fold(f"{whom.number} {whom.name}")
            payload = _encode(action).decode()
            yield (
                tenant,
                plan,
                seq,
                action.kind.value,
                whom.subject,
                whom.name,
                " " + words,
                payload,
                " ".join(dangers_of(action)),
                held,
                pending,
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
