"""The picture of the phone system as last seen: its extensions, and who is in which department.

Filled from `PhoneSystem.read_*` and from the answers of its writes; rows that did not change are
left alone. Beside it: `phone_departments`, `phone_numbers`, and in `phone_state` how far reading
came. The links to people are in `links`, the built-in phone system's own records in `extensions`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any

from sqlalchemy import BindParameter, Index, Table, bindparam, delete, func, select, update

from jackfield.core.extensions import DepartmentKey, Extension, ExtensionFields, ExtensionKey, Field
from jackfield.store.addresses import Kind, save_addresses
from jackfield.store.phone_numbers import add_numbers
from jackfield.store.phone_state import note_read, touch_picture
from jackfield.store.schema import (
    OF_TENANT,
    flag,
    key,
    maybe_text,
    metadata,
    number,
    tenant_key,
    text,
)
from jackfield.store.sequences import hold
from jackfield.store.transaction import AnyRow, Bulk, Transaction, append, chunks, upsert
from jackfield.store.words import number_sort_key, sort_key, words_of

phone_extensions = Table(
    "phone_extension",
    metadata,
    tenant_key(),
    key("key"),
    text("number"),
    text("sort"),
    text("sort_number"),
    text("words"),
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
    number("seen_round"),
    number("changed_seq"),
    Index("ix_phone_extension_list", "tenant", "sort", "key", "words"),
    Index("ix_phone_extension_number", "tenant", "sort_number", "key"),
    Index("ix_phone_extension_external", "tenant", "external_key"),
    Index("ix_phone_extension_changed", "tenant", "changed_seq"),
)
Index(
    "ix_phone_extension_disabled",
    phone_extensions.c.tenant,
    phone_extensions.c.sort,
    phone_extensions.c.key,
    sqlite_where=phone_extensions.c.enabled.is_(False),
    postgresql_where=phone_extensions.c.enabled.is_(False),
)
phone_memberships = Table(
    "phone_membership",
    metadata,
    tenant_key(),
    key("key"),
    key("department"),
    Index("ix_phone_membership_department", "tenant", "department"),
    sqlite_with_rowid=False,
)
_FIELDS = tuple(one.value for one in Field)
_texts = attrgetter(*_FIELDS)
_END = 2 + len(_FIELDS)
_COLUMNS = [
    phone_extensions.c[name]
    for name in ("key", "number", *_FIELDS, "primary_department", "enabled", "external_key")
]
_save = upsert(
    phone_extensions,
    (
        "tenant",
        "key",
        "number",
        "sort",
        "sort_number",
        "words",
        *_FIELDS,
        "primary_department",
        "enabled",
        "external_key",
        "seen_round",
        "changed_seq",
    ),
)
_see = Bulk(
    ("round_", "tenant_", "key_"),
    lambda _insert: (
        update(phone_extensions)
        .where(
            phone_extensions.c.tenant == bindparam("tenant_"),
            phone_extensions.c.key == bindparam("key_"),
        )
        .values(seen_round=bindparam("round_"))
    ),
)
_add_memberships = append(phone_memberships, ("tenant", "key", "department"))
_drop_memberships = Bulk(
    ("tenant_", "key_", "department_"),
    lambda _insert: delete(phone_memberships).where(
        *(
            phone_memberships.c[name] == bindparam(name + "_")
            for name in ("tenant", "key", "department")
        )
    ),
)
_keys: BindParameter[Any] = bindparam("keys", expanding=True)
_ALL = select(*_COLUMNS).where(phone_extensions.c.tenant == OF_TENANT)
_SOME = _ALL.where(phone_extensions.c.key.in_(_keys))
_MEMBERSHIPS = (
    select(phone_memberships.c.key, phone_memberships.c.department)
    .where(phone_memberships.c.tenant == OF_TENANT)
    .order_by(phone_memberships.c.key, phone_memberships.c.department)
)
_MEMBERSHIPS_OF = _MEMBERSHIPS.where(phone_memberships.c.key.in_(_keys))
_UNSEEN = (
    select(phone_extensions.c.key)
    .where(
        phone_extensions.c.tenant == OF_TENANT,
        phone_extensions.c.seen_round < bindparam("of_round"),
    )
    .order_by(phone_extensions.c.key)
)


async def finish_reading(
    tx: Transaction,
    tenant: int,
    *,
    cursor: str | None,
    now: datetime,
    round_number: int | None = None,
) -> int:
    """A reading came to its end.

    With the number of a full one, extensions it did not meet are dropped.

    Returns how many were dropped.
    """
    dropped = 0
    await hold(tx, tenant)
    if round_number is not None:
        unseen = await tx.rows(_UNSEEN, {"of_tenant": tenant, "of_round": round_number})
        dropped = await drop_extensions(tx, tenant, [row[0] for row in unseen])
    await note_read(tx, tenant, cursor, now=now)
    return dropped


async def save_extensions(
    tx: Transaction, tenant: int, found: Sequence[Extension], round_number: int
) -> int:
    """Save extensions as the phone system has them; returns how many were new or different."""
    await hold(tx, tenant)
    by_key = {extension.key: extension for extension in found}
    different = 0
    for keys in chunks(sorted(by_key)):
        known = await _load(tx, tenant, keys)
        same = [key for key in keys if _equal(known.get(key), by_key[key])]
        if same:
            await _see.run(tx, [(round_number, tenant, key) for key in same])
        if len(same) == len(keys):
            continue
        unchanged = set(same)
        changed = await touch_picture(tx, tenant)
        rows = []
        bears: dict[str, tuple[str, ...]] = {}
        given: list[tuple[int, str, str]] = []
        taken: list[tuple[int, str, str]] = []
        for one in keys:
            if one in unchanged:
                continue
            extension = by_key[one]
            fields = extension.fields
            bears[one] = (fields.email,)
            words = words_of(
                (extension.number, fields.first_name, fields.last_name),
                bears[one],
                (fields.mobile, fields.caller_id),
            )
            rows.append(
                (
                    tenant,
                    one,
                    extension.number,
                    sort_key(f"{fields.first_name} {fields.last_name}"),
                    number_sort_key(extension.number),
                    words,
                    *_texts(fields),
                    extension.primary,
                    extension.enabled,
                    extension.external_key,
                    round_number,
                    changed,
                )
            )
            before = known[one].departments if one in known else ()
            given += [(tenant, one, d) for d in extension.departments if d not in before]
            taken += [(tenant, one, d) for d in before if d not in extension.departments]
        different += len(rows)
        await _save.run(tx, rows)
        await _drop_memberships.run(tx, sorted(taken))
        await _add_memberships.run(tx, sorted(given))
        bore = _addresses(known)
        await save_addresses(tx, tenant, Kind.EXTENSION, bore, bears)
        await add_numbers(tx, tenant, [by_key[ExtensionKey(key)].number for key in bears])
    return different


async def drop_extensions(tx: Transaction, tenant: int, keys: Sequence[ExtensionKey]) -> int:
    """Extensions that are no longer there.

    Their numbers are free once `save_used_numbers` says so.
    """
    dropped = 0
    await hold(tx, tenant)
    for chunk in chunks(sorted(keys)):
        known = await _load(tx, tenant, chunk)
        if not known:
            continue
        await touch_picture(tx, tenant)
        bore = _addresses(known)
        await save_addresses(tx, tenant, Kind.EXTENSION, bore, dict.fromkeys(bore, ()))
        dropped_rows = 0
        for table in (phone_memberships, phone_extensions):
            dropped_rows = await tx.run(
                delete(table).where(table.c.tenant == tenant, table.c.key.in_(_keys)),
                {"keys": chunk},
            )
        dropped += dropped_rows
    return dropped


async def load_extensions(
    tx: Transaction, tenant: int, keys: Sequence[ExtensionKey] | None = None
) -> dict[ExtensionKey, Extension]:
    """Extensions by key; those asked for, or all of them. Unknown keys are left out."""
    if keys is not None:
        found: dict[ExtensionKey, Extension] = {}
        for chunk in chunks(keys):
            found |= await _load(tx, tenant, chunk)
        return found
    departments: dict[str, tuple[DepartmentKey, ...]] = {}
    async for page in tx.pages(_MEMBERSHIPS, {"of_tenant": tenant}):
        for row in page:
            departments[row[0]] = (*departments.get(row[0], ()), row[1])
    everything: dict[ExtensionKey, Extension] = {}
    async for page in tx.pages(_ALL, {"of_tenant": tenant}):
        everything.update((row[0], _extension(row, departments.get(row[0], ()))) for row in page)
    return everything


async def load_extension_of_number(tx: Transaction, tenant: int, number: str) -> Extension | None:
    """The extension that has a number."""
    c = phone_extensions.c
    key = await tx.scalar(
        select(c.key).where(c.tenant == tenant, c.sort_number == number_sort_key(number)).limit(1)
    )
    return None if key is None else (await _load(tx, tenant, [key])).get(key)


async def load_touched_extensions(tx: Transaction, tenant: int, since: int) -> list[ExtensionKey]:
    """Keys of extensions that changed in the picture after change number `since`."""
    c = phone_extensions.c
    rows = await tx.rows(
        select(c.key).where(c.tenant == tenant, c.changed_seq > since).order_by(c.key)
    )
    return [ExtensionKey(row[0]) for row in rows]


async def count_extensions(tx: Transaction, tenant: int) -> int:
    """How many extensions the picture holds."""
    c = phone_extensions.c
    count: int = await tx.scalar(
        select(func.count()).select_from(phone_extensions).where(c.tenant == tenant)
    )
    return count


async def _load(tx: Transaction, tenant: int, keys: Sequence[str]) -> dict[ExtensionKey, Extension]:
    these = {"of_tenant": tenant, "keys": keys}
    rows = await tx.rows(_SOME, these)
    if not rows:
        return {}
    departments: dict[str, tuple[DepartmentKey, ...]] = {}
    for one, department in await tx.rows(_MEMBERSHIPS_OF, these):
        departments[one] = (*departments.get(one, ()), department)
    return {row[0]: _extension(row, departments.get(row[0], ())) for row in rows}


def _extension(row: AnyRow, departments: tuple[DepartmentKey, ...]) -> Extension:
    return Extension(
        row[0],
        row[1],
        ExtensionFields(*row[2:_END]),
        departments,
        *row[_END : _END + 3],
    )


def _equal(known: Extension | None, found: Extension) -> bool:
    if known is None or known.number != found.number or known.fields != found.fields:
        return False
    if set(known.departments) != set(found.departments):
        return False
    return (known.primary, known.enabled, known.external_key) == (
        found.primary,
        found.enabled,
        found.external_key,
    )


def _addresses(known: Mapping[ExtensionKey, Extension]) -> dict[str, tuple[str, ...]]:
    return {key: (extension.fields.email,) for key, extension in known.items()}
