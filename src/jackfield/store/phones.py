"""The picture of the phone system as last seen.

Extensions, departments, numbers in use, and where reading stands.

Filled from `PhoneSystem.read_*` and from the answers of its writes; rows that did not change are
left alone. The links to people are in `store/links.py`, the built-in phone system's own records in
`store/extensions.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BindParameter, Index, Table, bindparam, delete, func, select, update

from jackfield.core.extensions import (
    Department,
    DepartmentKey,
    Extension,
    ExtensionFields,
    ExtensionKey,
)
from jackfield.store.schema import (
    flag,
    key,
    maybe_moment,
    maybe_text,
    metadata,
    number,
    tenant_key,
    text,
)
from jackfield.store.search import Kind, save_words
from jackfield.store.sequences import hold, next_change
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

phone_departments = Table(
    "phone_department", metadata, tenant_key(), key("key"), text("name"), maybe_text("external_key")
)

phone_numbers = Table(
    "phone_number", metadata, tenant_key(), key("number"), sqlite_with_rowid=False
)

phone_states = Table(
    "phone_state",
    metadata,
    tenant_key(),
    maybe_text("cursor"),
    number("round"),
    number("version"),
    maybe_moment("read_at"),
)

_FIELDS = tuple(ExtensionFields.__slots__)
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
_add_numbers = append(phone_numbers, ("tenant", "number"))
_keys: BindParameter[Any] = bindparam("keys", expanding=True)


@dataclass(frozen=True, slots=True)
class PhoneState:
    """Where the reading of the phone system stands."""

    cursor: str | None = None
    """Opaque; None = read everything."""
    round: int = 0
    version: int = 0
    """The change number of the picture's last change: what a plan was made from."""
    read_at: datetime | None = None


async def load_phone_state(tx: Transaction, tenant: int) -> PhoneState:
    """Where the reading stands; all empty before the first."""
    c = phone_states.c
    row = await tx.row(select(c.cursor, c.round, c.version, c.read_at).where(c.tenant == tenant))
    return PhoneState() if row is None else PhoneState(*row)


async def begin_reading(tx: Transaction, tenant: int) -> int:
    """The round number of a new full reading."""
    c = phone_states.c
    round_number: int = await tx.scalar(
        tx.insert(phone_states)
        .values(tenant=tenant, round=1)
        .on_conflict_do_update(index_elements=["tenant"], set_={"round": c.round + 1})
        .returning(c.round)
    )
    return round_number


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
        c = phone_extensions.c
        unseen = await tx.rows(
            select(c.key).where(c.tenant == tenant, c.seen_round < round_number).order_by(c.key)
        )
        dropped = await drop_extensions(tx, tenant, [row[0] for row in unseen])
    await tx.run(
        tx.insert(phone_states)
        .values(tenant=tenant, cursor=cursor, read_at=now)
        .on_conflict_do_update(index_elements=["tenant"], set_={"cursor": cursor, "read_at": now})
    )
    return dropped


async def save_extensions(
    tx: Transaction, tenant: int, found: Sequence[Extension], round_number: int
) -> int:
    """Save extensions as the phone system has them; returns how many were new or different."""
    await hold(tx, tenant)
    by_key = {extension.key: extension for extension in found}
    different = 0
    for keys in chunks(sorted(by_key)):
        known, known_words = await _load(tx, tenant, keys)
        same = [key for key in keys if _equal(known.get(key), by_key[key])]
        if same:
            await _see.run(tx, [(round_number, tenant, key) for key in same])
        if len(same) == len(keys):
            continue
        unchanged = set(same)
        changed = await _touch(tx, tenant)
        rows = []
        words: dict[str, str] = {}
        given: list[tuple[int, str, str]] = []
        taken: list[tuple[int, str, str]] = []
        for one in keys:
            if one in unchanged:
                continue
            extension = by_key[one]
            fields = extension.fields
            words[one] = words_of(
                (extension.number, fields.first_name, fields.last_name),
                (fields.email,),
                (fields.mobile, fields.caller_id),
            )
            rows.append(
                (
                    tenant,
                    one,
                    extension.number,
                    sort_key(f"{fields.first_name} {fields.last_name}"),
                    number_sort_key(extension.number),
                    words[one],
                    *(getattr(fields, name) for name in _FIELDS),
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
        await save_words(tx, tenant, Kind.EXTENSION, known_words, words)
        await _add_numbers.run(
            tx, sorted((tenant, by_key[ExtensionKey(key)].number) for key in words)
        )
    return different


async def drop_extensions(tx: Transaction, tenant: int, keys: Sequence[ExtensionKey]) -> int:
    """Extensions that are no longer there.

    Their numbers are free once `save_used_numbers` says so.
    """
    dropped = 0
    await hold(tx, tenant)
    for chunk in chunks(sorted(keys)):
        _, words = await _load(tx, tenant, chunk)
        if not words:
            continue
        await _touch(tx, tenant)
        await save_words(tx, tenant, Kind.EXTENSION, words, dict.fromkeys(words, ""))
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
            found |= (await _load(tx, tenant, chunk))[0]
        return found
    c, m = phone_extensions.c, phone_memberships.c
    departments: dict[str, tuple[DepartmentKey, ...]] = {}
    memberships = select(m.key, m.department).where(m.tenant == tenant)
    async for page in tx.pages(memberships.order_by(m.key, m.department)):
        for row in page:
            departments[row[0]] = (*departments.get(row[0], ()), row[1])
    everything: dict[ExtensionKey, Extension] = {}
    async for page in tx.pages(select(*_COLUMNS).where(c.tenant == tenant)):
        everything.update((row[0], _extension(row, departments.get(row[0], ()))) for row in page)
    return everything


async def load_touched_extensions(tx: Transaction, tenant: int, since: int) -> list[ExtensionKey]:
    """Keys of extensions that changed in the picture after change number `since`."""
    c = phone_extensions.c
    rows = await tx.rows(
        select(c.key).where(c.tenant == tenant, c.changed_seq > since).order_by(c.key)
    )
    return [ExtensionKey(row[0]) for row in rows]


async def save_departments(tx: Transaction, tenant: int, found: Iterable[Department]) -> None:
    """Replace the departments by those the phone system has."""
    wanted = {department.key: department for department in found}
    known = await load_departments(tx, tenant)
    if known == wanted:
        return
    await _touch(tx, tenant)
    gone = sorted(known.keys() - wanted.keys())
    c = phone_departments.c
    for chunk in chunks(gone):
        await tx.run(
            delete(phone_departments).where(c.tenant == tenant, c.key.in_(_keys)), {"keys": chunk}
        )
    await add_departments(tx, tenant, [d for key, d in wanted.items() if known.get(key) != d])


async def add_departments(tx: Transaction, tenant: int, found: Sequence[Department]) -> None:
    """Departments that were just created or renamed."""
    if found:
        await _touch(tx, tenant)
        await _save_departments.run(
            tx, sorted((tenant, one.key, one.name, one.external_key) for one in found)
        )


_save_departments = upsert(phone_departments, ("tenant", "key", "name", "external_key"))


async def load_departments(tx: Transaction, tenant: int) -> dict[DepartmentKey, Department]:
    """All departments by key."""
    c = phone_departments.c
    rows = await tx.rows(select(c.key, c.name, c.external_key).where(c.tenant == tenant))
    return {row[0]: Department(*row) for row in rows}


async def count_department_members(tx: Transaction, tenant: int) -> dict[DepartmentKey, int]:
    """How many extensions each department has; those without any are left out."""
    c = phone_memberships.c
    rows = await tx.rows(
        select(c.department, func.count()).where(c.tenant == tenant).group_by(c.department)
    )
    return {DepartmentKey(row[0]): row[1] for row in rows}


async def save_used_numbers(tx: Transaction, tenant: int, numbers: Iterable[str]) -> frozenset[str]:
    """Replace the numbers in use by those the phone system named; returns the free ones."""
    wanted = frozenset(numbers)
    known = await load_used_numbers(tx, tenant)
    if wanted == known:
        return frozenset()
    await _touch(tx, tenant)
    c = phone_numbers.c
    for chunk in chunks(sorted(known - wanted)):
        await tx.run(
            delete(phone_numbers).where(c.tenant == tenant, c.number.in_(_keys)), {"keys": chunk}
        )
    await _add_numbers.run(tx, ((tenant, number) for number in sorted(wanted - known)))
    return known - wanted


async def note_numbers(
    tx: Transaction, tenant: int, *, used: Sequence[str] = (), free: Sequence[str] = ()
) -> None:
    """What a write has told about single numbers, until all of them are read again."""
    if not used and not free:
        return
    await _touch(tx, tenant)
    c = phone_numbers.c
    for chunk in chunks(sorted(free)):
        await tx.run(
            delete(phone_numbers).where(c.tenant == tenant, c.number.in_(_keys)), {"keys": chunk}
        )
    await _add_numbers.run(tx, sorted((tenant, number) for number in used))


async def load_used_numbers(tx: Transaction, tenant: int) -> frozenset[str]:
    """Every number in use, whatever holds it."""
    c = phone_numbers.c
    numbers: set[str] = set()
    async for page in tx.pages(select(c.number).where(c.tenant == tenant)):
        numbers.update(row[0] for row in page)
    return frozenset(numbers)


async def count_extensions(tx: Transaction, tenant: int) -> int:
    """How many extensions the picture holds."""
    c = phone_extensions.c
    count: int = await tx.scalar(
        select(func.count()).select_from(phone_extensions).where(c.tenant == tenant)
    )
    return count


async def _touch(tx: Transaction, tenant: int) -> int:
    """The picture changes: its version is this transaction's change number."""
    changed = await next_change(tx, tenant)
    await tx.run(
        tx.insert(phone_states)
        .values(tenant=tenant, version=changed)
        .on_conflict_do_update(index_elements=["tenant"], set_={"version": changed})
    )
    return changed


async def _load(
    tx: Transaction, tenant: int, keys: Sequence[str]
) -> tuple[dict[ExtensionKey, Extension], dict[str, str]]:
    """Extensions by key, and their words."""
    c, m = phone_extensions.c, phone_memberships.c
    rows = await tx.rows(
        select(*_COLUMNS, c.words).where(c.tenant == tenant, c.key.in_(_keys)), {"keys": keys}
    )
    if not rows:
        return {}, {}
    departments: dict[str, tuple[DepartmentKey, ...]] = {}
    for one, department in await tx.rows(
        select(m.key, m.department)
        .where(m.tenant == tenant, m.key.in_(_keys))
        .order_by(m.key, m.department),
        {"keys": keys},
    ):
        departments[one] = (*departments.get(one, ()), department)
    return (
        {row[0]: _extension(row, departments.get(row[0], ())) for row in rows},
        {row[0]: row.words for row in rows},
    )


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
