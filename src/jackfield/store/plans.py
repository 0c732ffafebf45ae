"""Plans as they were made: from what, by whom, how many actions, and where they stand.

A plan's status moves by compare-and-set, so that it is approved, applied or superseded once.
Its actions are in `plan_actions`, what came of them in `outcomes`, what a guard holds in `held`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache
from operator import attrgetter
from typing import Any

import msgspec
from sqlalchemy import Index, Select, Table, Update, bindparam, select, update
from sqlalchemy import text as sql_text

from jackfield.core.actions import GUARDS, Action, Notice, Plan, Refusal
from jackfield.store.drafts import Draft, end_draft
from jackfield.store.pieces import PIECE, delete_piece
from jackfield.store.plan_actions import action_rows, add_actions, drop_actions
from jackfield.store.schema import (
    AT_MOST,
    OF_TENANT,
    maybe_moment,
    metadata,
    moment,
    number,
    number_key,
    tenant_key,
    text,
)
from jackfield.store.sequences import next_change, take
from jackfield.store.transaction import AnyRow, Transaction

HOLDS = "held_counts <> '{}'"
"""In SQL: a guard holds something of the plan."""

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
    text("guards"),
    text("refusals"),
    text("notices"),
    text("run"),
    maybe_moment("decided_at"),
    text("decided_by"),
    maybe_moment("ended_at"),
    text("text"),
    number("replaced_by"),
    number("changed_seq"),
    Index("ix_plan_status", "tenant", "status", "id"),
    Index("ix_plan_run", "tenant", "run"),
    # A guard holds something of few among the thousands of plans of three months.
    Index(
        "ix_plan_holding",
        "tenant",
        "id",
        sqlite_where=sql_text(HOLDS),
        postgresql_where=sql_text(HOLDS),
    ),
)


UNDO = "undo of plan "
"""How the scope of a plan begins that takes an earlier one back; the earlier one's number follows.
"""


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


@dataclass(frozen=True, slots=True)
class Versions:
    """What a plan was made from."""

    people_seq: int = 0
    phones_version: int = 0
    settings_version: int = 0


@dataclass(frozen=True, slots=True)
class PlanOutline:
    """A plan without its actions, and without what it says of single people."""

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
    guards: tuple[Refusal, ...]
    """What guards said when it was made."""
    run: str
    decided_at: datetime | None
    decided_by: str
    ended_at: datetime | None
    text: str
    replaced_by: int
    """The plan that was made instead; 0 where there is none, or none is known."""

    @property
    def total(self) -> int:
        """Actions that would be carried out."""
        return sum(self.counts.values())

    @property
    def held(self) -> int:
        """Actions that a guard holds back."""
        return sum(self.held_counts.values())


@dataclass(frozen=True, slots=True)
class StoredPlan(PlanOutline):
    """A plan without its actions: there may be a remark on each of 100,000 people."""

    refusals: tuple[Refusal, ...]
    """Those of the guards among them."""
    notices: tuple[Notice, ...]


@dataclass(frozen=True, slots=True)
class PlanHead:
    """What of a plan is looked at again and again while it is carried out."""

    status: PlanStatus
    people_seq: int
    """As `Versions.people_seq`."""
    total: int
    """Actions that would be carried out."""


_ONE = select(plans).where(plans.c.tenant == OF_TENANT, plans.c.id == bindparam("of_id"))
_NEWEST = select(plans).where(plans.c.tenant == OF_TENANT).order_by(plans.c.id.desc()).limit(1)
_BRIEF = [one for one in plans.c if one.name not in {"refusals", "notices"}]
_OUTLINE = _ONE.with_only_columns(*_BRIEF)
_HEAD = _ONE.with_only_columns(plans.c.status, plans.c.people_seq, plans.c.counts)
_OF_RUN = select(plans).where(plans.c.tenant == OF_TENANT, plans.c.run == bindparam("of_run"))
_ID_OF_RUN = _OF_RUN.with_only_columns(plans.c.id)
_encode = msgspec.json.Encoder(order="deterministic").encode
_decode_counts = msgspec.json.Decoder(dict[str, int]).decode
_decode_refusals = msgspec.json.Decoder(tuple[Refusal, ...]).decode
_decode_notices = msgspec.json.Decoder(tuple[Notice, ...]).decode


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
    draft: Draft | None = None,
) -> int:
    """Store a plan with its actions (the held ones after the others) and return its id.

    With a `draft` its actions are stored already. Raises `DraftLost`.
    """
    if draft is not None:
        await end_draft(tx, tenant, draft)
    changed = await next_change(tx, tenant)
    id_ = await take(tx, tenant, "plan") if draft is None else draft.plan
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
            counts=encode_counts(_counts(plan.actions)),
            held_counts=encode_counts(_counts(plan.held)),
            guards=_encode([one for one in plan.refusals if one.kind in GUARDS]).decode(),
            refusals=_encode(plan.refusals).decode(),
            notices=_encode(plan.notices).decode(),
            run=run,
            changed_seq=changed,
        )
    )
    if draft is None:
        await add_actions(tx, action_rows(tenant, id_, plan))
    return id_


async def load_plan(tx: Transaction, tenant: int, id_: int) -> StoredPlan | None:
    """A plan without its actions; None for an unknown one."""
    row = await tx.row(_ONE, {"of_tenant": tenant, "of_id": id_})
    return None if row is None else _plan(row)


async def load_newest_plan(tx: Transaction, tenant: int) -> StoredPlan | None:
    """The plan that was made last, without its actions; None before the first."""
    row = await tx.row(_NEWEST, {"of_tenant": tenant})
    return None if row is None else _plan(row)


async def load_outline(tx: Transaction, tenant: int, id_: int) -> PlanOutline | None:
    """As `load_plan`, for those who ask often: nothing about single people is read."""
    row = await tx.row(_OUTLINE, {"of_tenant": tenant, "of_id": id_})
    return None if row is None else PlanOutline(**_outline(row))


async def load_plan_head(tx: Transaction, tenant: int, id_: int) -> PlanHead | None:
    """A plan without what it says, which may be a remark on each of 100,000 people."""
    row = await tx.row(_HEAD, {"of_tenant": tenant, "of_id": id_})
    if row is None:
        return None
    return PlanHead(
        PlanStatus(row.status), row.people_seq, sum(_decode_counts(row.counts).values())
    )


async def find_plan_of_run(tx: Transaction, tenant: int, flow: str) -> StoredPlan | None:
    """The plan that a run has made, by the durable runner's id of the run; None if it made none."""
    row = await tx.row(_OF_RUN, {"of_tenant": tenant, "of_run": flow})
    return None if row is None else _plan(row)


async def find_plan_id_of_run(tx: Transaction, tenant: int, flow: str) -> int | None:
    """As `find_plan_of_run`, for those who ask often: nothing of what the plan says is read."""
    found: int | None = await tx.scalar(_ID_OF_RUN, {"of_tenant": tenant, "of_run": flow})
    return found


async def list_plans(
    tx: Transaction,
    tenant: int,
    *,
    status: PlanStatus | None = None,
    limit: int = 50,
    before: int | None = None,
) -> tuple[PlanOutline, ...]:
    """Plans, the newest first; `before` is the id from which to go on."""
    values: dict[str, Any] = {"of_tenant": tenant, "at_most": limit}
    values |= {} if status is None else {"of_status": status.value}
    values |= {} if before is None else {"before": before}
    listing = _listing(of_status=status is not None, from_somewhere=before is not None)
    return tuple(PlanOutline(**_outline(row)) for row in await tx.rows(listing, values))


@cache
def _listing(*, of_status: bool, from_somewhere: bool) -> Select[Any]:
    c = plans.c
    statement = select(*_BRIEF).where(c.tenant == OF_TENANT).order_by(c.id.desc()).limit(AT_MOST)
    if of_status:
        statement = statement.where(c.status == bindparam("of_status"))
    if from_somewhere:
        statement = statement.where(c.id < bindparam("before"))
    return statement


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
            _moving(tuple(values)),
            {
                "of_tenant": tenant,
                "of_id": id_,
                "expected": [one.value for one in expected],
                **{f"now_{name}": value for name, value in values.items()},
            },
        )
        == 1
    )


@cache
def _moving(names: tuple[str, ...]) -> Update:
    return (
        update(plans)
        .where(
            plans.c.tenant == OF_TENANT,
            plans.c.id == bindparam("of_id"),
            plans.c.status.in_(bindparam("expected", expanding=True)),
        )
        .values({name: bindparam(f"now_{name}") for name in names})
    )


async def supersede_plans(
    tx: Transaction,
    tenant: int,
    *,
    now: datetime,
    scope: str | None = None,
    by: int = 0,
) -> int:
    """Proposals that are out of date, but not the plan that replaces them; returns how many.

    `by` is that plan, 0 where nothing is left to do. All or those of one scope; one that undoes a
    plan stands until it is decided on or made again.
    """
    changed = await next_change(tx, tenant)
    conditions = [
        plans.c.tenant == tenant,
        plans.c.status == PlanStatus.PROPOSED.value,
        plans.c.id != by,
    ]
    if scope is not None:
        conditions.append(plans.c.scope == scope)
    else:
        conditions.append(~plans.c.scope.startswith(UNDO, autoescape=True))
    return await tx.run(
        update(plans)
        .where(*conditions)
        .values(
            status=PlanStatus.SUPERSEDED.value, ended_at=now, replaced_by=by, changed_seq=changed
        )
    )


async def purge_plans(tx: Transaction, tenant: int, *, before: datetime) -> int:
    """Drop a piece of what ended before a moment, a plan after its actions; returns its rows."""
    c = plans.c
    some = select(c.id).where(c.tenant == tenant, c.ended_at < before).order_by(c.id)
    ended = [row.id for row in await tx.rows(some.limit(PIECE))]
    dropped = await drop_actions(tx, tenant, ended)
    if dropped < PIECE:
        dropped += await delete_piece(tx, tenant, plans, c.id.in_(ended))
    return dropped


def encode_counts(counts: Mapping[str, int]) -> str:
    """Numbers of actions by kind, as a plan keeps them."""
    return _encode(counts).decode()


def _counts(actions: Sequence[Action]) -> dict[str, int]:
    counted = Counter(map(attrgetter("kind"), actions))
    return {kind.value: count for kind, count in counted.items()}


def _plan(row: AnyRow) -> StoredPlan:
    return StoredPlan(
        **_outline(row),
        refusals=_decode_refusals(row.refusals),
        notices=_decode_notices(row.notices),
    )


def _outline(row: AnyRow) -> dict[str, Any]:
    """The fields of a `PlanOutline`."""
    return {
        "id": row.id,
        "status": PlanStatus(row.status),
        "made_at": row.made_at,
        "made_by": row.made_by,
        "scope": row.scope,
        "versions": Versions(row.people_seq, row.phones_version, row.settings_version),
        "people_now": row.people_now,
        "counts": _decode_counts(row.counts),
        "held_counts": _decode_counts(row.held_counts),
        "guards": _decode_refusals(row.guards or "[]"),
        "run": row.run,
        "decided_at": row.decided_at,
        "decided_by": row.decided_by,
        "ended_at": row.ended_at,
        "text": row.text,
        "replaced_by": row.replaced_by,
    }
