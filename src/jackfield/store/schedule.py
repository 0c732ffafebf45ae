"""What is to be done for each tenant: what somebody asked for, and when each work was last done.

A request while a run is under way raises the mark; the run settles only the mark it began with, so
that nothing asked for meanwhile is lost. What follows from these facts is decided in
`core/schedule.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, TypeAlias

from sqlalchemy import Table, bindparam, case, literal, select, update

from jackfield.core.schedule import Mode
from jackfield.store.schema import (
    OF_TENANT,
    key,
    maybe_moment,
    maybe_text,
    metadata,
    number,
    tenant_key,
)
from jackfield.store.sequences import sequences
from jackfield.store.transaction import AnyRow, Transaction, insert_into

schedule = Table(
    "schedule",
    metadata,
    tenant_key(),
    key("work"),
    maybe_text("wanted"),
    number("mark"),
    maybe_moment("wanted_at"),
    maybe_moment("last_delta_at"),
    maybe_moment("last_full_at"),
    maybe_moment("not_before"),
    number("failures"),
)


@dataclass(frozen=True, slots=True)
class Due:
    """The facts about one work of one tenant."""

    tenant: int
    work: str
    wanted: Mode | None = None
    """What somebody asked for and no run has settled."""
    mark: int = 0
    """Grows with every request; `settle` takes the one its run began with."""
    wanted_at: datetime | None = None
    last_delta_at: datetime | None = None
    """When the last finished delta round began."""
    last_full_at: datetime | None = None
    """When the last finished full round began."""
    not_before: datetime | None = None
    """After failures: the next try is not earlier than this."""
    failures: int = 0
    """Failed tries in a row."""


_COLUMNS = [schedule.c[name] for name in Due.__slots__]
_OF_WORK = (schedule.c.tenant == OF_TENANT, schedule.c.work == bindparam("of_work"))
_DUE = select(*_COLUMNS).where(*_OF_WORK)
_CLEAR = (
    update(schedule)
    .where(*_OF_WORK, schedule.c.mark == bindparam("of_mark"))
    .values(wanted=None, wanted_at=None)
)
_CHANGES = select(sequences.c.tenant, sequences.c.change)
_MARKS = select(
    *(schedule.c[name] for name in ("tenant", "work", "mark", "wanted", "last_delta_at")),
    *(schedule.c[name] for name in ("last_full_at", "not_before", "failures")),
).order_by(schedule.c.tenant, schedule.c.work)


async def load_due(tx: Transaction, tenant: int, work: str) -> Due:
    """The facts about one work; nothing wanted and nothing done before the first request."""
    row = await tx.row(_DUE, {"of_tenant": tenant, "of_work": work})
    return Due(tenant, work) if row is None else _due(row)


Marks: TypeAlias = tuple[object, ...]
"""Whatever changes of what a schedule goes by, in an order of its own: equal, or not."""


async def load_marks(tx: Transaction) -> dict[int, Marks]:
    """How each tenant stands: other marks, and something may be due that was not."""
    found: dict[int, Marks] = {row[0]: (row[1],) for row in await tx.rows(_CHANGES)}
    for row in await tx.rows(_MARKS):
        found[row[0]] = (*found.get(row[0], ()), *row[1:])
    return found


async def want(
    tx: Transaction,
    tenant: int,
    work: str,
    mode: Mode,
    *,
    now: datetime,
) -> int:
    """Ask for a round (full outranks delta).

    Returns the mark.

    A failed try's waiting time does not hold back what somebody asks for.
    """
    values = {"of_tenant": tenant, "of_work": work, "now": now, "mode": mode.value}
    mark: int = await tx.scalar(_wanting(on_sqlite=tx.sqlite), values)
    return mark


@cache
def _wanting(*, on_sqlite: bool) -> Any:
    c = schedule.c
    now, mode = bindparam("now", type_=c.wanted_at.type), bindparam("mode", type_=c.wanted.type)
    full = literal(Mode.FULL.value, c.wanted.type)
    return (
        insert_into(schedule, on_sqlite=on_sqlite)
        .values(tenant=OF_TENANT, work=bindparam("of_work"), mark=1, wanted=mode, wanted_at=now)
        .on_conflict_do_update(
            index_elements=["tenant", "work"],
            set_={
                "mark": c.mark + 1,
                "wanted": case((c.wanted == full, full), else_=mode),
                "wanted_at": now,
                "not_before": None,
            },
        )
        .returning(c.mark)
    )


async def settle(
    tx: Transaction,
    tenant: int,
    work: str,
    due: Due,
    *,
    full_began_at: datetime | None = None,
    delta_began_at: datetime | None = None,
) -> bool:
    """A run that began with `due` is done.

    True if nothing was asked for meanwhile; else the later wishes stay.

    Pass when its round began, if it finished one; a full round counts as a delta too.
    """
    values: dict[str, Any] = {"failures": 0, "not_before": None}
    if full_began_at is not None:
        values |= {"last_full_at": full_began_at, "last_delta_at": full_began_at}
    if delta_began_at is not None:
        values["last_delta_at"] = delta_began_at
    await tx.run(
        _settling(tuple(values), on_sqlite=tx.sqlite),
        {"of_tenant": tenant, "of_work": work, **{f"now_{k}": v for k, v in values.items()}},
    )
    cleared = await tx.run(_CLEAR, {"of_tenant": tenant, "of_work": work, "of_mark": due.mark})
    return cleared == 1


@cache
def _settling(names: tuple[str, ...], *, on_sqlite: bool) -> Any:
    values = {name: bindparam(f"now_{name}", type_=schedule.c[name].type) for name in names}
    return (
        insert_into(schedule, on_sqlite=on_sqlite)
        .values(tenant=OF_TENANT, work=bindparam("of_work"), **values)
        .on_conflict_do_update(index_elements=["tenant", "work"], set_=values)
    )


async def postpone(tx: Transaction, tenant: int, work: str, *, not_before: datetime) -> int:
    """A try failed: wait until then. Returns the number of failures in a row."""
    c = schedule.c
    failures: int = await tx.scalar(
        tx.insert(schedule)
        .values(tenant=tenant, work=work, failures=1, not_before=not_before)
        .on_conflict_do_update(
            index_elements=["tenant", "work"],
            set_={"failures": c.failures + 1, "not_before": not_before},
        )
        .returning(c.failures)
    )
    return failures


async def recover(tx: Transaction, tenant: int, work: str) -> None:
    """What failed before works again: nothing waits for its next try any longer."""
    await tx.run(
        update(schedule)
        .where(schedule.c.tenant == tenant, schedule.c.work == work)
        .values(not_before=None, failures=0)
    )


async def forget_rounds(tx: Transaction, tenant: int) -> None:
    """As if no round had ever been done (another organisation was connected)."""
    await tx.run(
        update(schedule)
        .where(schedule.c.tenant == tenant)
        .values(last_delta_at=None, last_full_at=None, not_before=None, failures=0)
    )


def _due(row: AnyRow) -> Due:
    return Due(
        row.tenant,
        row.work,
        None if row.wanted is None else Mode(row.wanted),
        row.mark,
        row.wanted_at,
        row.last_delta_at,
        row.last_full_at,
        row.not_before,
        row.failures,
    )
