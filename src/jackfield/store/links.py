"""What both sides last agreed on: person to extension, group to department.

The schema forbids a person with two extensions, an extension of two people, and a department of two
groups.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import (
    BindParameter,
    Index,
    Table,
    UniqueConstraint,
    bindparam,
    delete,
    exists,
    func,
    select,
)
from sqlalchemy.exc import IntegrityError

from jackfield.core.extensions import (
    DepartmentFlag,
    DepartmentKey,
    DepartmentLink,
    Extension,
    ExtensionFields,
    ExtensionKey,
    Link,
)
from jackfield.core.number_forecast import FIRST_DAY, Newcomers
from jackfield.core.people import GroupId, LeaverCause, ObjectId, Standing
from jackfield.store.errors import LinkTaken
from jackfield.store.people import people
from jackfield.store.schema import (
    OF_TENANT,
    key,
    maybe_moment,
    maybe_text,
    metadata,
    moment,
    number,
    tenant_key,
    text,
    to_micros,
)
from jackfield.store.sequences import next_change
from jackfield.store.transaction import AnyRow, Transaction, chunks, upsert

links = Table(
    "link",
    metadata,
    tenant_key(),
    key("person"),
    text("key"),
    text("number"),
    text("agreed"),
    text("departments"),
    maybe_text("left_cause"),
    maybe_moment("left_at"),
    moment("linked_at"),
    moment("synced_at"),
    number("changed_seq"),
    UniqueConstraint("tenant", "key"),
    Index("ix_link_changed", "tenant", "changed_seq"),
    Index("ix_link_linked", "tenant", "linked_at", "number"),
)

department_links = Table(
    "department_link",
    metadata,
    tenant_key(),
    key("group_id"),
    text("key"),
    text("agreed_name"),
    text("group_name"),
    maybe_text("flag"),
    number("changed_seq"),
    UniqueConstraint("tenant", "key"),
)

Index(
    "ix_link_left",
    links.c.tenant,
    links.c.key,
    sqlite_where=links.c.left_cause.is_not(None),
    postgresql_where=links.c.left_cause.is_not(None),
)

_COLUMNS = [
    links.c[name]
    for name in ("person", "key", "number", "agreed", "departments", "left_cause", "left_at")
]
_save = upsert(
    links,
    (
        "tenant",
        "person",
        "key",
        "number",
        "agreed",
        "departments",
        "left_cause",
        "left_at",
        "linked_at",
        "synced_at",
        "changed_seq",
    ),
    keep=("linked_at",),
)
_save_departments = upsert(
    department_links,
    ("tenant", "group_id", "key", "agreed_name", "group_name", "flag", "changed_seq"),
)
_encode = msgspec.json.Encoder().encode
_decode_fields = msgspec.json.Decoder(ExtensionFields).decode
_decode_departments = msgspec.json.Decoder(tuple[DepartmentKey, ...]).decode
_ids: BindParameter[Any] = bindparam("ids", expanding=True)
_ALL = select(*_COLUMNS).where(links.c.tenant == OF_TENANT)
_OF_PEOPLE = _ALL.where(links.c.person.in_(_ids))
_OF_EXTENSIONS = _ALL.where(links.c.key.in_(_ids))
_LINKED = select(func.count()).select_from(links).where(links.c.tenant == OF_TENANT)
# Each is answered by an index, which counts 100,000 people in 2 ms.
_COUNTS = select(
    _LINKED.scalar_subquery(), _LINKED.where(links.c.left_cause.is_not(None)).scalar_subquery()
)
_ABSENT = (
    select(func.count())
    .select_from(people)
    .where(
        people.c.tenant == OF_TENANT,
        people.c.standing.in_([one.value for one in Standing if one is not Standing.PRESENT]),
        exists().where(
            links.c.tenant == people.c.tenant,
            links.c.person == people.c.id,
            links.c.left_cause.is_(None),
        ),
    )
)
_FIRST = select(func.min(links.c.linked_at)).where(links.c.tenant == OF_TENANT)
_LINKED_SINCE = select(links.c.number, links.c.linked_at).where(
    links.c.tenant == OF_TENANT, links.c.linked_at > bindparam("since")
)
_DEPARTMENTS = select(
    *(department_links.c[name] for name in ("group_id", "key", "agreed_name", "group_name", "flag"))
).where(department_links.c.tenant == OF_TENANT)


@dataclass(frozen=True, slots=True)
class LinkCounts:
    """How many people are linked, and how many of them are leavers."""

    linked: int = 0
    leavers: int = 0


async def save_links(
    tx: Transaction, tenant: int, agreed: Sequence[Link], *, now: datetime
) -> None:
    """Save what was agreed; raises `LinkTaken` when an extension is another person's already."""
    if not agreed:
        return
    changed = await next_change(tx, tenant)
    at = to_micros(now)
    rows = [
        (
            tenant,
            link.person,
            link.key,
            link.number,
            _encode(link.agreed).decode(),
            _encode(link.departments).decode() if link.departments else "[]",
            None if link.left is None else link.left.value,
            None if link.left_at is None else to_micros(link.left_at),
            at,
            at,
            changed,
        )
        for link in agreed
    ]
    try:
        await _save.run(tx, sorted(rows, key=lambda row: row[1]), at_once=True)
    except IntegrityError as error:
        raise LinkTaken(f"An extension of tenant {tenant} is linked to another person.") from error


async def remove_links(tx: Transaction, tenant: int, persons: Sequence[ObjectId]) -> int:
    """Forget agreements; returns how many there were."""
    if not persons:
        return 0
    await next_change(tx, tenant)
    statement = delete(links).where(links.c.tenant == tenant, links.c.person.in_(_ids))
    return sum([await tx.run(statement, {"ids": chunk}) for chunk in chunks(sorted(persons))])


async def load_links(
    tx: Transaction, tenant: int, persons: Sequence[ObjectId]
) -> dict[ObjectId, Link]:
    """Links by person, of those asked for."""
    found: dict[ObjectId, Link] = {}
    for chunk in chunks(persons):
        rows = await tx.rows(_OF_PEOPLE, {"of_tenant": tenant, "ids": chunk})
        found |= {row[0]: _link(row) for row in rows}
    return found


async def load_all_links(
    tx: Transaction, tenant: int, extensions: Mapping[ExtensionKey, Extension]
) -> dict[ObjectId, Link]:
    """Every link, by person.

    What stands in one of the extensions as it was agreed on is kept once: of 100,000 people some
    50 MB.
    """
    every: dict[ObjectId, Link] = {}
    async for page in tx.pages(_ALL, {"of_tenant": tenant}):
        every.update((row[0], _sharing(_link(row), extensions)) for row in page)
    return every


async def load_linked(tx: Transaction, tenant: int) -> list[ObjectId]:
    """Everybody who is linked to an extension, by object ID."""
    rows = await tx.rows(_ALL.with_only_columns(links.c.person), {"of_tenant": tenant})
    return sorted(ObjectId(person) for (person,) in rows)


def _sharing(link: Link, extensions: Mapping[ExtensionKey, Extension]) -> Link:
    extension = extensions.get(link.key)
    if extension is None or extension.fields != link.agreed:
        return link
    return replace(link, key=extension.key, agreed=extension.fields)


async def load_links_of_extensions(
    tx: Transaction, tenant: int, keys: Sequence[ExtensionKey]
) -> dict[ExtensionKey, Link]:
    """Links by extension key, of the extensions asked for."""
    found: dict[ExtensionKey, Link] = {}
    for chunk in chunks(keys):
        rows = await tx.rows(_OF_EXTENSIONS, {"of_tenant": tenant, "ids": chunk})
        found |= {row[1]: _link(row) for row in rows}
    return found


async def count_links(tx: Transaction, tenant: int) -> LinkCounts:
    """Links in figures."""
    (row,) = await tx.rows(_COUNTS, {"of_tenant": tenant})
    return LinkCounts(*row)


async def count_in_sync(tx: Transaction, tenant: int) -> int:
    """How many people of Microsoft 365 as last seen have an extension and are no leavers.

    Whose leaving a guard holds back are not among them, though nothing of it is done yet.
    """
    # Nobody who is linked is ever dropped, so that only those need a look who are not present.
    counts = await count_links(tx, tenant)
    absent: int = await tx.scalar(_ABSENT, {"of_tenant": tenant})
    return counts.linked - counts.leavers - absent


async def load_newcomers(tx: Transaction, tenant: int, *, since: datetime) -> Newcomers:
    """When the first person of all was linked, and which numbers were after a moment.

    Those of the first day are left out: they are everybody, and none of them a newcomer.
    """
    first = await tx.scalar(_FIRST, {"of_tenant": tenant})
    if first is None:
        return Newcomers()
    since = max(since, first + FIRST_DAY)
    recent: list[tuple[str, datetime]] = []
    async for page in tx.pages(_LINKED_SINCE, {"of_tenant": tenant, "since": since}):
        recent += [(row[0], row[1]) for row in page]
    return Newcomers(first, recent)


async def save_department_links(
    tx: Transaction, tenant: int, agreed: Sequence[DepartmentLink]
) -> None:
    """Save what was agreed; raises `LinkTaken` when a department is another group's already."""
    if not agreed:
        return
    changed = await next_change(tx, tenant)
    rows = [
        (
            tenant,
            link.group,
            link.key,
            link.agreed_name,
            link.group_name,
            None if link.flag is None else link.flag.value,
            changed,
        )
        for link in agreed
    ]
    try:
        await _save_departments.run(tx, sorted(rows, key=lambda row: row[1]), at_once=True)
    except IntegrityError as error:
        raise LinkTaken(f"A department of tenant {tenant} is linked to another group.") from error


async def load_department_links(tx: Transaction, tenant: int) -> dict[GroupId, DepartmentLink]:
    """All of them, by group."""
    rows = await tx.rows(_DEPARTMENTS, {"of_tenant": tenant})
    return {
        row[0]: DepartmentLink(
            row[0], row[1], row[2], row[3], None if row[4] is None else DepartmentFlag(row[4])
        )
        for row in rows
    }


def _link(row: AnyRow) -> Link:
    return Link(
        row[0],
        row[1],
        row[2],
        _decode_fields(row[3]),
        _decode_departments(row[4]),
        None if row[5] is None else LeaverCause(row[5]),
        row[6],
    )
