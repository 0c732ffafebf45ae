"""The built-in phone system's own records.

Extensions, departments, memberships, and what was removed when.

Rows bear the change number of their last change, which is the phone system's version: reading
changes means reading rows with a larger one. What may be written is decided in `pbx/builtin.py`;
the schema forbids a number, an external key or a department name twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Index,
    Table,
    UniqueConstraint,
    bindparam,
    delete,
    func,
    select,
    update,
)

from jackfield.core.extensions import (
    Department,
    DepartmentKey,
    Extension,
    ExtensionFields,
    ExtensionKey,
)
from jackfield.store.avatars import remove_avatars
from jackfield.store.schema import (
    flag,
    key,
    maybe_text,
    metadata,
    moment,
    number,
    storable,
    tenant_key,
    text,
    to_micros,
)
from jackfield.store.sequences import latest_change, next_change, take
from jackfield.store.transaction import AnyRow, Bulk, Transaction, append, chunks, upsert

extensions = Table(
    "extension",
    metadata,
    tenant_key(),
    key("key"),
    text("number"),
    text("first_name"),
    text("last_name"),
    text("email"),
    text("mobile"),
    text("job_title"),
    text("company"),
    text("caller_id"),
    text("office"),
    maybe_text("primary_department"),
    flag("enabled"),
    maybe_text("external_key"),
    number("changed_seq"),
    UniqueConstraint("tenant", "number"),
    UniqueConstraint("tenant", "external_key"),
    Index("ix_extension_changed", "tenant", "changed_seq"),
)

departments = Table(
    "department",
    metadata,
    tenant_key(),
    key("key"),
    text("name"),
    text("name_folded"),
    maybe_text("external_key"),
    number("changed_seq"),
    UniqueConstraint("tenant", "name_folded"),
    UniqueConstraint("tenant", "external_key"),
)

memberships = Table(
    "extension_membership",
    metadata,
    tenant_key(),
    key("key"),
    key("department"),
    Index("ix_extension_membership_department", "tenant", "department"),
    sqlite_with_rowid=False,
)

removed_extensions = Table(
    "removed_extension",
    metadata,
    tenant_key(),
    key("key"),
    moment("removed_at"),
    number("changed_seq"),
    Index("ix_removed_extension_changed", "tenant", "changed_seq"),
)

forgotten_removals = Table(
    "forgotten_removals", metadata, tenant_key(), number("changed_seq", default=None)
)

_FIELDS = tuple(ExtensionFields.__slots__)
_END = 2 + len(_FIELDS)
_COLUMNS = [
    extensions.c[name]
    for name in ("key", "number", *_FIELDS, "primary_department", "enabled", "external_key")
]
_save = upsert(
    extensions,
    (
        "tenant",
        "key",
        "number",
        *_FIELDS,
        "primary_department",
        "enabled",
        "external_key",
        "changed_seq",
    ),
)
_add_memberships = append(memberships, ("tenant", "key", "department"))
_drop_memberships = Bulk(
    ("tenant_", "key_", "department_"),
    lambda _insert: delete(memberships).where(
        *(memberships.c[name] == bindparam(name + "_") for name in ("tenant", "key", "department"))
    ),
)
_save_departments = upsert(
    departments, ("tenant", "key", "name", "name_folded", "external_key", "changed_seq")
)
_note_removed = upsert(removed_extensions, ("tenant", "key", "removed_at", "changed_seq"))
_values: BindParameter[Any] = bindparam("values", expanding=True)


@dataclass(frozen=True, slots=True)
class Changes:
    """Extensions that changed or went since a version, and the version up to which this holds."""

    changed: tuple[Extension, ...]
    removed: tuple[ExtensionKey, ...]
    version: int


async def new_keys(tx: Transaction, tenant: int, count: int) -> list[str]:
    """Keys for `count` new extensions or departments, never given out before."""
    first = await take(tx, tenant, "extension_key", count)
    return [f"x{number}" for number in range(first, first + count)]


async def load_extensions(
    tx: Transaction,
    tenant: int,
    *,
    keys: Sequence[str] | None = None,
    external_keys: Sequence[str] | None = None,
    numbers: Sequence[str] | None = None,
) -> dict[ExtensionKey, Extension]:
    """Extensions by key: those that bear any of what is given.

    All of them when nothing is given.
    """
    c = extensions.c
    asked: list[tuple[ColumnElement[Any], Sequence[str]]] = [
        (column, values)
        for column, values in ((c.key, keys), (c.external_key, external_keys), (c.number, numbers))
        if values is not None
    ]
    found: dict[ExtensionKey, Extension] = {}
    if not asked:
        return await _with_departments(
            tx, tenant, await tx.rows(select(*_COLUMNS).where(c.tenant == tenant)), everyone=True
        )
    for column, values in asked:
        statement = select(*_COLUMNS).where(c.tenant == tenant, column.in_(_values))
        for chunk in chunks(values):
            found |= await _with_departments(
                tx, tenant, await tx.rows(statement, {"values": chunk})
            )
    return found


async def load_extensions_page(
    tx: Transaction, tenant: int, *, after: ExtensionKey | None = None, limit: int = 1000
) -> tuple[Extension, ...]:
    """Extensions by key, in pages; empty after the last one."""
    c = extensions.c
    statement = select(*_COLUMNS).where(c.tenant == tenant).order_by(c.key).limit(limit)
    if after is not None:
        statement = statement.where(c.key > after)
    return tuple((await _with_departments(tx, tenant, await tx.rows(statement))).values())


async def load_changes(tx: Transaction, tenant: int, since: int, *, limit: int = 1000) -> Changes:
    """What changed after a version, at most about `limit` records.

    The same version again = nothing more.
    """
    c, r = extensions.c, removed_extensions.c
    newest = await latest_change(tx, tenant)
    edge = await tx.scalar(
        select(c.changed_seq)
        .where(c.tenant == tenant, c.changed_seq > since)
        .order_by(c.changed_seq)
        .offset(limit - 1)
        .limit(1)
    )
    # All rows of one change number are read together: a page never ends inside a transaction.
    until = newest if edge is None else edge
    rows = await tx.rows(
        select(*_COLUMNS)
        .where(c.tenant == tenant, c.changed_seq > since, c.changed_seq <= until)
        .order_by(c.changed_seq, c.key)
    )
    removed = await tx.rows(
        select(r.key)
        .where(r.tenant == tenant, r.changed_seq > since, r.changed_seq <= until)
        .order_by(r.changed_seq, r.key)
    )
    changed = await _with_departments(tx, tenant, rows)
    return Changes(tuple(changed.values()), tuple(row[0] for row in removed), until)


async def save_extensions(
    tx: Transaction,
    tenant: int,
    before: dict[ExtensionKey, Extension],
    now: Iterable[Extension],
) -> int:
    """Write extensions as they shall stand; `before` holds those that stood already.

    Returns the version.
    """
    version = await next_change(tx, tenant)
    rows = []
    given: list[tuple[int, str, str]] = []
    taken: list[tuple[int, str, str]] = []
    for extension in sorted(now, key=lambda one: one.key):
        fields = extension.fields
        rows.append(
            (
                tenant,
                extension.key,
                extension.number,
                *(storable(getattr(fields, name)) for name in _FIELDS),
                extension.primary,
                extension.enabled,
                extension.external_key,
                version,
            )
        )
        stood = before.get(extension.key)
        old = () if stood is None else stood.departments
        given += [(tenant, extension.key, d) for d in extension.departments if d not in old]
        taken += [(tenant, extension.key, d) for d in old if d not in extension.departments]
    await _save.run(tx, rows)
    await _drop_memberships.run(tx, taken)
    await _add_memberships.run(tx, given)
    return version


async def remove_extensions(
    tx: Transaction, tenant: int, keys: Sequence[ExtensionKey], *, now: datetime
) -> int:
    """Remove extensions; returns how many there were."""
    if not keys:
        return 0
    version = await next_change(tx, tenant)
    await remove_avatars(tx, tenant, keys)
    removed = 0
    for chunk in chunks(sorted(keys)):
        await tx.run(
            delete(memberships).where(
                memberships.c.tenant == tenant, memberships.c.key.in_(_values)
            ),
            {"values": chunk},
        )
        removed += await tx.run(
            delete(extensions).where(extensions.c.tenant == tenant, extensions.c.key.in_(_values)),
            {"values": chunk},
        )
    await _note_removed.run(tx, ((tenant, key, to_micros(now), version) for key in sorted(keys)))
    return removed


async def forget_removals(tx: Transaction, tenant: int, *, before: datetime) -> None:
    """Forget what was removed before a moment; changes since then cannot be told any more."""
    r = removed_extensions.c
    old = (r.tenant == tenant, r.removed_at < before)
    last = await tx.scalar(select(func.max(r.changed_seq)).where(*old))
    if last is None:
        return
    await tx.run(delete(removed_extensions).where(*old))
    await tx.run(
        tx.insert(forgotten_removals)
        .values(tenant=tenant, changed_seq=last)
        .on_conflict_do_update(index_elements=["tenant"], set_={"changed_seq": last})
    )


async def forgotten_version(tx: Transaction, tenant: int) -> int:
    """The oldest version from which changes can be told; 0 while no removal is forgotten."""
    c = forgotten_removals.c
    return await tx.scalar(select(c.changed_seq).where(c.tenant == tenant)) or 0


async def load_used_numbers(tx: Transaction, tenant: int) -> frozenset[str]:
    """Every number of an extension."""
    c = extensions.c
    return frozenset(row[0] for row in await tx.rows(select(c.number).where(c.tenant == tenant)))


async def load_departments(tx: Transaction, tenant: int) -> dict[DepartmentKey, Department]:
    """All departments by key."""
    c = departments.c
    rows = await tx.rows(
        select(c.key, c.name, c.external_key).where(c.tenant == tenant).order_by(c.key)
    )
    return {row[0]: Department(*row) for row in rows}


async def find_departments(
    tx: Transaction,
    tenant: int,
    *,
    keys: Sequence[str] = (),
    external_keys: Sequence[str] = (),
    names: Sequence[str] = (),
) -> list[Department]:
    """The departments that bear a key, external key or name (in whatever case) of those given."""
    c = departments.c
    found: dict[str, Department] = {}
    for column, values in (
        (c.key, keys),
        (c.external_key, external_keys),
        (c.name_folded, [name.casefold() for name in names]),
    ):
        statement = select(c.key, c.name, c.external_key).where(
            c.tenant == tenant, column.in_(_values)
        )
        for chunk in chunks(values):
            rows = await tx.rows(statement, {"values": chunk})
            found |= {row[0]: Department(*row) for row in rows}
    return list(found.values())


async def count_members(tx: Transaction, tenant: int, department: DepartmentKey) -> int:
    """How many extensions are in a department."""
    m = memberships.c
    count: int = await tx.scalar(
        select(func.count())
        .select_from(memberships)
        .where(m.tenant == tenant, m.department == department)
    )
    return count


async def save_departments(tx: Transaction, tenant: int, found: Sequence[Department]) -> None:
    """Create departments or rename them; names are unique without regard to case.

    A name may pass from one of them to another.
    """
    if not found:
        return
    version = await next_change(tx, tenant)
    c = departments.c
    for chunk in chunks([d.key for d in found]):
        # A name is free for its new bearer once the former one has let go of it. No name begins
        # with a control character.
        await tx.run(
            update(departments)
            .where(c.tenant == tenant, c.key.in_(_values))
            .values(name_folded="\x1f" + c.key),
            {"values": chunk},
        )
    await _save_departments.run(
        tx,
        sorted(
            (tenant, d.key, storable(d.name), storable(d.name).casefold(), d.external_key, version)
            for d in found
        ),
    )


async def remove_departments(tx: Transaction, tenant: int, keys: Sequence[DepartmentKey]) -> int:
    """Remove departments that have no extensions; returns how many."""
    await next_change(tx, tenant)
    c = departments.c
    return await tx.run(
        delete(departments).where(
            c.tenant == tenant,
            c.key.in_(list(keys)),
            ~select(memberships.c.key)
            .where(memberships.c.tenant == tenant, memberships.c.department == c.key)
            .correlate(departments)
            .exists(),
        )
    )


async def count_extensions(tx: Transaction, tenant: int) -> int:
    """How many extensions there are."""
    count: int = await tx.scalar(
        select(func.count()).select_from(extensions).where(extensions.c.tenant == tenant)
    )
    return count


async def _with_departments(
    tx: Transaction, tenant: int, rows: Sequence[AnyRow], *, everyone: bool = False
) -> dict[ExtensionKey, Extension]:
    m = memberships.c
    statement = select(m.key, m.department).where(m.tenant == tenant).order_by(m.key, m.department)
    of: dict[str, tuple[DepartmentKey, ...]] = {}
    if everyone:
        for key, department in await tx.rows(statement):
            of[key] = (*of.get(key, ()), department)
    else:
        statement = statement.where(m.key.in_(_values))
        for chunk in chunks([row[0] for row in rows]):
            for key, department in await tx.rows(statement, {"values": chunk}):
                of[key] = (*of.get(key, ()), department)
    return {
        row[0]: Extension(
            row[0],
            row[1],
            ExtensionFields(*row[2:_END]),
            of.get(row[0], ()),
            *row[_END:],
        )
        for row in rows
    }
