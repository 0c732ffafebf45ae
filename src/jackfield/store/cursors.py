"""Where each walk through Graph stands.

Position, round, and the figures of the last accepted round.

A cursor moves by compare-and-set in the transaction that saves the page, so that two processes
never both go on from the same place. The position is opaque text (a next or delta link).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Table, bindparam, select, update

from jackfield.store.errors import CursorMoved
from jackfield.store.schema import key, maybe_moment, maybe_text, metadata, number, tenant_key, text
from jackfield.store.sequences import next_change
from jackfield.store.transaction import Transaction

cursors = Table(
    "cursor",
    metadata,
    tenant_key(),
    key("resource"),
    maybe_text("position"),
    number("round"),
    text("kind"),
    maybe_moment("started_at"),
    maybe_moment("finished_at"),
    maybe_moment("full_finished_at"),
    number("pages"),
    number("accepted_people"),
    number("version"),
    text("extras"),
    number("full_pages"),
)


class Resource(StrEnum):
    """What is walked through."""

    USERS = "users"
    GROUPS = "groups"


class RoundKind(StrEnum):
    """How much a round reads."""

    FULL = "full"
    DELTA = "delta"


@dataclass(frozen=True, slots=True)
class Cursor:
    """The state of a walk. `version` 0 = never begun."""

    resource: Resource
    version: int = 0
    position: str | None = None
    """Where to go on: a next link while a round runs, the delta link after it.

    None = from the beginning.
    """
    round: int = 0
    """Number of the last full round; pages of delta walks are saved under it too."""
    kind: RoundKind = RoundKind.FULL
    started_at: datetime | None = None
    finished_at: datetime | None = None
    """None while the round runs."""
    full_finished_at: datetime | None = None
    """When the last full round finished; None = none ever did (or it was begun again)."""
    pages: int = 0
    accepted_people: int = 0
    """People present when a plan last accepted a full round; 0 = never."""
    extras: tuple[str, ...] = ()
    """What Graph is asked for beside the usual attributes: the same until the next full round,
    since every link has it baked in."""
    full_pages: int = 0
    """`pages` of the last full round that finished; 0 = not known."""


_THIS = (
    cursors.c.tenant == bindparam("of_tenant"),
    cursors.c.resource == bindparam("of_resource"),
)
_ONE = select(cursors).where(*_THIS)
_MOVE = (
    update(cursors)
    .where(*_THIS, cursors.c.version == bindparam("of_version"))
    .values(
        {
            name: bindparam(name)
            for name in (
                *("position", "round", "kind", "started_at", "finished_at", "full_finished_at"),
                *("pages", "full_pages", "version"),
            )
        }
    )
    .returning(cursors.c.accepted_people)
)


async def load_cursor(tx: Transaction, tenant: int, resource: Resource) -> Cursor:
    """The cursor; one with version 0 before the first walk."""
    row = await tx.row(_ONE, {"of_tenant": tenant, "of_resource": resource.value})
    if row is None:
        return Cursor(resource)
    return Cursor(
        resource,
        row.version,
        row.position,
        row.round,
        RoundKind(row.kind),
        row.started_at,
        row.finished_at,
        row.full_finished_at,
        row.pages,
        row.accepted_people,
        tuple(row.extras.split()),
        row.full_pages,
    )


async def begin_round(
    tx: Transaction,
    tenant: int,
    cursor: Cursor,
    kind: RoundKind,
    *,
    now: datetime,
    extras: tuple[str, ...] = (),
) -> Cursor:
    """Begin a round. A full one forgets the position and takes the next number; a delta keeps both.

    `extras` are those of a full round; a delta keeps the ones of the round before.

    Raises `CursorMoved` when the stored cursor is not the given one.
    """
    full = kind is RoundKind.FULL
    return await _move(
        tx,
        tenant,
        cursor,
        position=None if full else cursor.position,
        round=cursor.round + 1 if full else cursor.round,
        kind=kind,
        started_at=now,
        finished_at=None,
        full_finished_at=cursor.full_finished_at,
        pages=0,
        full_pages=cursor.full_pages,
        extras=" ".join(extras if full else cursor.extras),
    )


async def advance(
    tx: Transaction,
    tenant: int,
    cursor: Cursor,
    position: str | None,
    *,
    finished_at: datetime | None = None,
) -> Cursor:
    """One page further, with its next link; or to the end, with the delta link and `finished_at`.

    Returns the cursor as it now stands; raises `CursorMoved` when the stored one is not the given
    one.
    """
    ends_full = finished_at is not None and cursor.kind is RoundKind.FULL
    pages = cursor.pages + 1
    return await _move(
        tx,
        tenant,
        cursor,
        position=position,
        round=cursor.round,
        kind=cursor.kind,
        started_at=cursor.started_at,
        finished_at=finished_at,
        full_finished_at=finished_at if ends_full else cursor.full_finished_at,
        pages=pages,
        full_pages=pages if ends_full else cursor.full_pages,
    )


async def accept_people(tx: Transaction, tenant: int, count: int) -> None:
    """Note the number of people present that a plan accepted.

    The guards compare the next full round with it.
    """
    c = cursors.c
    await tx.run(
        update(cursors)
        .where(c.tenant == tenant, c.resource == Resource.USERS.value)
        .values(accepted_people=count)
    )


async def forget_cursors(tx: Transaction, tenant: int) -> None:
    """The next walk begins from nothing (another organisation was connected).

    Rounds go on counting.
    """
    await next_change(tx, tenant)
    c = cursors.c
    await tx.run(
        update(cursors)
        .where(c.tenant == tenant)
        .values(
            position=None,
            finished_at=None,
            full_finished_at=None,
            accepted_people=0,
            version=c.version + 1,
        )
    )


async def _move(tx: Transaction, tenant: int, cursor: Cursor, **values: Any) -> Cursor:
    await next_change(tx, tenant)
    values["version"] = cursor.version + 1
    if cursor.version == 0:
        first = tx.insert(cursors).values(tenant=tenant, resource=cursor.resource.value, **values)
        moved = await tx.row(first.on_conflict_do_nothing().returning(cursors.c.accepted_people))
    else:
        this = {
            "of_tenant": tenant,
            "of_resource": cursor.resource.value,
            "of_version": cursor.version,
        }
        moved = await tx.row(_MOVE, {**this, **values})
    if moved is None:
        raise CursorMoved(
            f"The cursor {cursor.resource} of tenant {tenant} is no longer at version "
            f"{cursor.version}."
        )
    return replace(cursor, accepted_people=moved.accepted_people, **values)
