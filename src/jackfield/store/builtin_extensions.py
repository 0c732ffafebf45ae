"""The built-in phone system's extensions, and what was removed when.

Rows bear the change number of their last change, which is the phone system's version: reading
changes means reading rows with a larger one. What may be written is decided in `pbx/builtin.py`;
the schema forbids a number or an external key twice. Departments are in `builtin_departments`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Any

from sqlalchemy import (
    BindParameter,
    Index,
    Integer,
    Table,
    UniqueConstraint,
    bindparam,
    delete,
    func,
    select,
)

from jackfield.core.extensions import (
    DepartmentKey,
    Extension,
    ExtensionFields,
    ExtensionKey,
    Field,
)
from jackfield.store.avatars import remove_avatars
from jackfield.store.builtin_departments import memberships
from jackfield.store.schema import (
    AT_MOST,
    OF_TENANT,
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

_FIELDS = tuple(one.value for one in Field)
_texts = attrgetter(*_FIELDS)
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
_note_removed = upsert(removed_extensions, ("tenant", "key", "removed_at", "changed_seq"))
_values: BindParameter[Any] = bindparam("values", expanding=True)
_ALL = select(*_COLUMNS).where(extensions.c.tenant == OF_TENANT)
_WITH_ANY_OF = {
    column: _ALL.where(extensions.c[column].in_(_values))
    for column in ("key", "external_key", "number")
}
_PAGE = _ALL.order_by(extensions.c.key).limit(AT_MOST)
_LATER_PAGE = _PAGE.where(extensions.c.key > bindparam("after"))
_EDGE = (
    select(extensions.c.changed_seq)
    .where(extensions.c.tenant == OF_TENANT, extensions.c.changed_seq > bindparam("since"))
    .order_by(extensions.c.changed_seq)
    .offset(bindparam("passed_over", type_=Integer))
    .limit(1)
)
_CHANGED = _ALL.where(
    extensions.c.changed_seq > bindparam("since"), extensions.c.changed_seq <= bindparam("until")
).order_by(extensions.c.changed_seq, extensions.c.key)
_REMOVED = (
    select(removed_extensions.c.key)
    .where(
        removed_extensions.c.tenant == OF_TENANT,
        removed_extensions.c.changed_seq > bindparam("since"),
        removed_extensions.c.changed_seq <= bindparam("until"),
    )
    .order_by(removed_extensions.c.changed_seq, removed_extensions.c.key)
)
_USED = select(extensions.c.number).where(extensions.c.tenant == OF_TENANT)
_MEMBERSHIPS = (
    select(memberships.c.key, memberships.c.department)
    .where(memberships.c.tenant == OF_TENANT)
    .order_by(memberships.c.key, memberships.c.department)
)
_MEMBERSHIPS_OF = _MEMBERSHIPS.where(memberships.c.key.in_(_values))


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
    asked = {"key": keys, "external_key": external_keys, "number": numbers}
    if all(values is None for values in asked.values()):
        rows = await tx.rows(_ALL, {"of_tenant": tenant})
        return await _with_departments(tx, tenant, rows, everyone=True)
    found: dict[ExtensionKey, Extension] = {}
    for column, values in asked.items():
        for chunk in chunks(values or ()):
            rows = await tx.rows(_WITH_ANY_OF[column], {"of_tenant": tenant, "values": chunk})
            found |= await _with_departments(tx, tenant, rows)
    return found


async def load_extensions_page(
    tx: Transaction, tenant: int, *, after: ExtensionKey | None = None, limit: int = 1000
) -> tuple[Extension, ...]:
    """Extensions by key, in pages; empty after the last one."""
    page, beginning = (_PAGE, {}) if after is None else (_LATER_PAGE, {"after": after})
    rows = await tx.rows(page, {"of_tenant": tenant, "at_most": limit, **beginning})
    return tuple((await _with_departments(tx, tenant, rows)).values())


async def load_changes(tx: Transaction, tenant: int, since: int, *, limit: int = 1000) -> Changes:
    """What changed after a version, at most about `limit` records.

    The same version again = nothing more.
    """
    newest = await latest_change(tx, tenant)
    values = {"of_tenant": tenant, "since": since}
    edge = await tx.scalar(_EDGE, {**values, "passed_over": limit - 1})
    # All rows of one change number are read together: a page never ends inside a transaction.
    until = newest if edge is None else edge
    rows = await tx.rows(_CHANGED, {**values, "until": until})
    removed = await tx.rows(_REMOVED, {**values, "until": until})
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
        texts: tuple[str, ...] = _texts(extension.fields)
        if not "".join(texts).isprintable():
            texts = tuple(map(storable, texts))
        rows.append(
            (
                tenant,
                extension.key,
                extension.number,
                *texts,
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
    return frozenset(row[0] for row in await tx.rows(_USED, {"of_tenant": tenant}))


async def count_extensions(tx: Transaction, tenant: int) -> int:
    """How many extensions there are."""
    count: int = await tx.scalar(
        select(func.count()).select_from(extensions).where(extensions.c.tenant == tenant)
    )
    return count


async def _with_departments(
    tx: Transaction, tenant: int, rows: Sequence[AnyRow], *, everyone: bool = False
) -> dict[ExtensionKey, Extension]:
    of: dict[str, tuple[DepartmentKey, ...]] = {}
    if everyone:
        for key, department in await tx.rows(_MEMBERSHIPS, {"of_tenant": tenant}):
            of[key] = (*of.get(key, ()), department)
    else:
        for chunk in chunks([row[0] for row in rows]):
            these = {"of_tenant": tenant, "values": chunk}
            for key, department in await tx.rows(_MEMBERSHIPS_OF, these):
                of[key] = (*of.get(key, ()), department)
    return {
        row[0]: Extension(
            row[0], row[1], ExtensionFields(*row[2:_END]), of.get(row[0], ()), *row[_END:]
        )
        for row in rows
    }
