"""The journal: what the product decided and did, why, and what came of it, in the order of commits.

Lines are only ever added, and dropped when old. A line with a `once` mark is written once, however
often its step is repeated after a crash.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import BigInteger, ColumnElement, Index, Table, select, type_coerce

from jackfield.core.journal_kinds import ActionLineKind, LineKind
from jackfield.core.records import record
from jackfield.store.contains import contains
from jackfield.store.pieces import delete_piece
from jackfield.store.schema import (
    maybe_text,
    metadata,
    moment,
    number_key,
    storable,
    tenant_key,
    text,
    to_micros,
)
from jackfield.store.sequences import next_change, take
from jackfield.store.transaction import AnyRow, Transaction, append
from jackfield.store.words import fold, typed_words

journal = Table(
    "journal",
    metadata,
    tenant_key(),
    number_key("seq"),
    moment("at"),
    text("kind"),
    text("subject"),
    text("name"),
    text("text"),
    text("words"),
    text("run"),
    text("by"),
    text("data"),
    maybe_text("once"),
    Index("ix_journal_subject", "tenant", "subject", "seq"),
    Index("ix_journal_kind", "tenant", "kind", "seq"),
    Index("ix_journal_run", "tenant", "run", "seq"),
    Index("ix_journal_at", "tenant", "at"),
)

CLOCKS_DIFFER = timedelta(days=1)
"""By more than that no clock is wrong, and none is set back."""
SCAN_LIMIT = 20_000
"""Lines that one page looks through for a text.

An older page is asked for with the `next` it returns.
"""


@record
class Line:
    """A line to be written."""

    kind: LineKind | ActionLineKind
    text: str
    """The sentence an administrator reads."""
    subject: str = ""
    """Object ID of the person or group, or "" for the whole tenant."""
    name: str = ""
    run: str = ""
    by: str = ""
    """Who did it; "" for Jackfield itself."""
    data: Mapping[str, Any] = field(default_factory=dict)
    once: str | None = None
    """A mark that no other line of the tenant bears, e.g. run, step and subject."""


@dataclass(frozen=True, slots=True)
class StoredLine:
    """A line as it stands in the journal."""

    seq: int
    at: datetime
    kind: str
    """A kind of today, or of the version that wrote it."""
    subject: str
    name: str
    text: str
    run: str
    by: str
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class JournalFilter:
    """Which lines to show; everything by default.

    A kind "extension." stands for all that begin so; `since` is the first moment, `until` the first
    one that is no longer meant.
    """

    kind: str = ""
    subject: str = ""
    run: str = ""
    text: str = ""
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class JournalPage:
    """Lines, the newest first.

    `next` (give it as `before`) is None when there are no older ones.
    """

    lines: tuple[StoredLine, ...]
    next: int | None


_append = append(
    journal,
    (
        "tenant",
        "seq",
        "at",
        "kind",
        "subject",
        "name",
        "text",
        "words",
        "run",
        "by",
        "data",
        "once",
    ),
)
Index(
    "uq_journal_once",
    journal.c.tenant,
    journal.c.once,
    unique=True,
    sqlite_where=journal.c.once.is_not(None),
    postgresql_where=journal.c.once.is_not(None),
)
_COLUMNS = [journal.c[name] for name in StoredLine.__slots__]
_encode = msgspec.json.Encoder(order="sorted").encode


async def append_lines(
    tx: Transaction, tenant: int, lines: Sequence[Line], *, now: datetime
) -> None:
    """Write lines in their order.

    A line whose `once` mark stands in the journal already is left out.
    """
    if not lines:
        return
    await next_change(tx, tenant)
    first = await take(tx, tenant, "journal", len(lines))
    at = to_micros(now)
    await _append.run(
        tx,
        (
            (
                tenant,
                first + index,
                at,
                str(line.kind),
                line.subject,
                storable(line.name),
                storable(line.text),
                " " + fold(f"{line.name} {line.text}"),
                line.run,
                line.by,
                _encode(line.data).decode() if line.data else "{}",
                line.once,
            )
            for index, line in enumerate(lines)
        ),
    )


async def load_lines(
    tx: Transaction,
    tenant: int,
    filter_: JournalFilter = JournalFilter(),
    *,
    before: int | None = None,
    limit: int = 50,
    scan_limit: int = SCAN_LIMIT,
) -> JournalPage:
    """A page of the journal, the newest line first.

    With a text, one page looks through `scan_limit` lines at most: it may be short and still have a
    `next`.
    """
    c = journal.c
    conditions = [c.tenant == tenant]
    if filter_.kind.endswith("."):
        conditions += [c.kind >= filter_.kind, c.kind < filter_.kind + "\U0010ffff"]
    elif filter_.kind:
        conditions.append(c.kind == filter_.kind)
    if filter_.subject:
        conditions.append(c.subject == filter_.subject)
    if filter_.run:
        conditions.append(c.run == filter_.run)
    conditions += await _between(tx, tenant, filter_.since, filter_.until)
    if before is not None:
        conditions.append(c.seq < before)
    words = typed_words(filter_.text)
    floor: int | None = None
    if words:
        horizon = (
            select(c.seq).where(*conditions).order_by(c.seq.desc()).offset(scan_limit).limit(1)
        )
        floor = await tx.scalar(horizon)
        if floor is not None:
            conditions.append(c.seq > floor)
        conditions += [contains(c.words, " " + word) for word in words]
    rows = await tx.rows(
        select(*_COLUMNS).where(*conditions).order_by(c.seq.desc()).limit(limit + 1)
    )
    lines = tuple(map(_line, rows[:limit]))
    if len(rows) > limit:
        return JournalPage(lines, lines[-1].seq)
    return JournalPage(lines, None if floor is None else floor + 1)


async def _between(
    tx: Transaction, tenant: int, since: datetime | None, until: datetime | None
) -> list[ColumnElement[bool]]:
    """Lines of a time, by their place in the journal and exactly.

    Their moments follow their places but for what clocks differ, so that lines long before and
    behind need not be read; and the index by moment is passed over, which would have all lines of
    a year sorted for one page of them.
    """
    c = journal.c
    at = type_coerce(c.at, BigInteger) + 0
    conditions: list[ColumnElement[bool]] = []
    if since is not None:
        earlier = select(c.seq).where(c.tenant == tenant, c.at < since - CLOCKS_DIFFER)
        floor = await tx.scalar(earlier.order_by(c.at.desc()).limit(1))
        conditions += [at >= to_micros(since), *([] if floor is None else [c.seq > floor])]
    if until is not None:
        later = select(c.seq).where(c.tenant == tenant, c.at >= until + CLOCKS_DIFFER)
        ceiling = await tx.scalar(later.order_by(c.at).limit(1))
        conditions += [at < to_micros(until), *([] if ceiling is None else [c.seq < ceiling])]
    return conditions


async def purge_journal(tx: Transaction, tenant: int, *, before: datetime) -> int:
    """Drop a piece of the lines older than a moment; returns how many."""
    return await delete_piece(tx, tenant, journal, journal.c.at < before)


def _line(row: AnyRow) -> StoredLine:
    return StoredLine(
        row.seq,
        row.at,
        row.kind,
        row.subject,
        row.name,
        row.text,
        row.run,
        row.by,
        msgspec.json.decode(row.data),
    )
