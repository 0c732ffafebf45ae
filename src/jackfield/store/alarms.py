"""Alarms: what is wrong now, said once when it begins and once when it ends.

An alarm is known by kind and subject; only one of each can be open, which the schema enforces.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Index, Table, bindparam, select, update

from jackfield.core.journal_kinds import LineKind
from jackfield.core.waiting import length
from jackfield.store.journal import Line, append_lines
from jackfield.store.pieces import delete_piece
from jackfield.store.schema import (
    OF_TENANT,
    maybe_moment,
    metadata,
    moment,
    number,
    number_key,
    storable,
    tenant_key,
    text,
)
from jackfield.store.sequences import next_change, take
from jackfield.store.transaction import AnyRow, Transaction

alarms = Table(
    "alarm",
    metadata,
    tenant_key(),
    number_key("id"),
    text("kind"),
    text("subject"),
    text("severity"),
    text("text"),
    text("next_step"),
    moment("begun_at"),
    maybe_moment("ended_at"),
    number("changed_seq"),
)
Index(
    "uq_alarm_open",
    alarms.c.tenant,
    alarms.c.kind,
    alarms.c.subject,
    unique=True,
    sqlite_where=alarms.c.ended_at.is_(None),
    postgresql_where=alarms.c.ended_at.is_(None),
)


class Severity(StrEnum):
    """How soon somebody should look."""

    NOTICE = "notice"
    WARNING = "warning"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True)
class Alarm:
    """One alarm, open while `ended_at` is None."""

    id: int
    kind: str
    subject: str
    severity: Severity
    text: str
    next_step: str
    begun_at: datetime
    ended_at: datetime | None


_COLUMNS = [alarms.c[name] for name in Alarm.__slots__]
_OPEN = (
    select(*_COLUMNS)
    .where(alarms.c.tenant == OF_TENANT, alarms.c.ended_at.is_(None))
    .order_by(alarms.c.id.desc())
)
_OPEN_ONE = _OPEN.where(
    alarms.c.kind == bindparam("of_kind"), alarms.c.subject == bindparam("of_subject")
)


async def begin_alarm(
    tx: Transaction,
    tenant: int,
    kind: str,
    *,
    text: str,
    next_step: str,
    now: datetime,
    subject: str = "",
    severity: Severity = Severity.WARNING,
) -> bool:
    """Raise an alarm, in the journal too; False if it is open already.

    The text of an open one is brought up to date.
    """
    changed = await next_change(tx, tenant)
    c = alarms.c
    standing = await tx.row(
        _OPEN_ONE, {"of_tenant": tenant, "of_kind": kind, "of_subject": subject}
    )
    if standing is not None:
        if (standing.text, standing.next_step) != (text, next_step):
            await tx.run(
                update(alarms)
                .where(c.tenant == tenant, c.id == standing.id)
                .values(text=storable(text), next_step=next_step, changed_seq=changed)
            )
        return False
    await tx.run(
        alarms.insert().values(
            tenant=tenant,
            id=await take(tx, tenant, "alarm"),
            kind=kind,
            subject=subject,
            severity=severity.value,
            text=storable(text),
            next_step=next_step,
            begun_at=now,
            changed_seq=changed,
        )
    )
    line = Line(
        LineKind.ALARM_BEGUN, f"{text} {next_step}".rstrip(), subject=subject, data={"alarm": kind}
    )
    await append_lines(tx, tenant, [line], now=now)
    return True


async def end_alarm(
    tx: Transaction, tenant: int, kind: str, *, now: datetime, subject: str = ""
) -> Alarm | None:
    """End an alarm, in the journal too, and return it as it ends; None if it was not open."""
    c = alarms.c
    row = await tx.row(_OPEN_ONE, {"of_tenant": tenant, "of_kind": kind, "of_subject": subject})
    if row is None:
        return None
    changed = await next_change(tx, tenant)
    ended = await tx.run(
        update(alarms)
        .where(c.tenant == tenant, c.id == row.id, c.ended_at.is_(None))
        .values(ended_at=now, changed_seq=changed)
    )
    if not ended:
        return None
    lasted = length((now - row.begun_at).total_seconds())
    line = Line(
        LineKind.ALARM_ENDED,
        f"Over after {lasted}: {row.text}",
        subject=subject,
        data={"alarm": kind},
    )
    await append_lines(tx, tenant, [line], now=now)
    return _alarm(row, ended_at=now)


async def open_alarms(tx: Transaction, tenant: int) -> tuple[Alarm, ...]:
    """What is wrong now, the newest first."""
    return tuple(map(_alarm, await tx.rows(_OPEN, {"of_tenant": tenant})))


async def list_alarms(
    tx: Transaction, tenant: int, *, limit: int = 50, before: int | None = None
) -> tuple[Alarm, ...]:
    """All alarms, the newest first; `before` is the id from which to go on."""
    c = alarms.c
    statement = select(*_COLUMNS).where(c.tenant == tenant).order_by(c.id.desc()).limit(limit)
    if before is not None:
        statement = statement.where(c.id < before)
    return tuple(map(_alarm, await tx.rows(statement)))


def _alarm(row: AnyRow, ended_at: datetime | None = None) -> Alarm:
    return Alarm(
        row.id,
        row.kind,
        row.subject,
        Severity(row.severity),
        row.text,
        row.next_step,
        row.begun_at,
        row.ended_at or ended_at,
    )


async def purge_alarms(tx: Transaction, tenant: int, *, before: datetime) -> int:
    """Drop a piece of the alarms that ended before a moment; returns how many."""
    return await delete_piece(tx, tenant, alarms, alarms.c.ended_at < before)
