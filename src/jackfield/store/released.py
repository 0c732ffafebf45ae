"""What was given up: numbers that are held for a while, and extensions that can be had back.

A number is released when nothing in the phone system has it any more, whoever removed it. What an
extension was is kept only where Jackfield removed it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import (
    BindParameter,
    Boolean,
    Column,
    Index,
    Table,
    bindparam,
    delete,
    select,
    true,
)

from jackfield.core.extensions import (
    DepartmentKey,
    ExtensionFields,
    ExtensionNumber,
    FormerExtension,
)
from jackfield.core.number_pools import Released
from jackfield.core.people import ObjectId
from jackfield.store.links import links
from jackfield.store.pieces import delete_piece
from jackfield.store.schema import (
    OF_TENANT,
    key,
    maybe_text,
    metadata,
    moment,
    tenant_key,
    text,
    to_micros,
)
from jackfield.store.transaction import Transaction, chunks, upsert

released_numbers = Table(
    "released_number", metadata, tenant_key(), key("number"), text("person"), moment("released_at")
)

former_extensions = Table(
    "former_extension",
    metadata,
    tenant_key(),
    key("person"),
    text("number"),
    text("fields"),
    text("departments"),
    text("given_departments"),
    maybe_text("primary_department"),
    Column("enabled", Boolean, nullable=False, server_default=true()),
    Column("given_caller_id", Boolean, nullable=False, server_default=true()),
    moment("removed_at"),
    Index("ix_former_extension_number", "tenant", "number"),
)

_save_released = upsert(released_numbers, ("tenant", "number", "person", "released_at"))
_save_former = upsert(
    former_extensions,
    (
        "tenant",
        "person",
        "number",
        "fields",
        "departments",
        "given_departments",
        "primary_department",
        "enabled",
        "given_caller_id",
        "removed_at",
    ),
)
_encode = msgspec.json.Encoder().encode
_decode_fields = msgspec.json.Decoder(ExtensionFields).decode
_decode_departments = msgspec.json.Decoder(tuple[DepartmentKey, ...]).decode
_numbers: BindParameter[Any] = bindparam("numbers", expanding=True)
_persons: BindParameter[Any] = bindparam("persons", expanding=True)
_RELEASED = select(
    *(released_numbers.c[name] for name in ("number", "released_at", "person"))
).where(released_numbers.c.tenant == OF_TENANT, released_numbers.c.released_at > bindparam("since"))


async def save_former(
    tx: Transaction, tenant: int, former: Mapping[ObjectId, FormerExtension], *, now: datetime
) -> None:
    """Extensions that were just removed: what they were, and their numbers as released."""
    at = to_micros(now)
    await _save_former.run(
        tx,
        [
            (
                tenant,
                person,
                one.number,
                _encode(one.fields).decode(),
                _encode(one.by_hand).decode(),
                _encode(one.given).decode(),
                one.primary,
                one.enabled,
                one.given_caller_id,
                at,
            )
            for person, one in sorted(former.items())
        ],
    )
    await _save_released.run(
        tx, sorted((tenant, one.number, person, at) for person, one in former.items())
    )


async def note_released(
    tx: Transaction, tenant: int, numbers: Sequence[str], *, now: datetime
) -> None:
    """Numbers that nothing in the phone system has any more; whose they were is looked up."""
    if not numbers:
        return
    at = to_micros(now)
    for chunk in chunks(sorted(numbers)):
        whose: dict[str, str] = {}
        for table in (former_extensions, links):
            rows = await tx.rows(
                select(table.c.number, table.c.person).where(
                    table.c.tenant == tenant, table.c.number.in_(_numbers)
                ),
                {"numbers": chunk},
            )
            whose.update((row[0], row[1]) for row in rows)
        await _save_released.run(tx, [(tenant, one, whose.get(one, ""), at) for one in chunk])


async def load_released(
    tx: Transaction, tenant: int, *, since: datetime
) -> dict[ExtensionNumber, Released]:
    """Numbers given up after a moment; some may be in use again."""
    found: dict[ExtensionNumber, Released] = {}
    async for page in tx.pages(_RELEASED, {"of_tenant": tenant, "since": since}):
        found.update((row[0], Released(*row)) for row in page)
    return found


async def load_former(
    tx: Transaction, tenant: int, persons: Sequence[ObjectId] | None = None
) -> dict[ObjectId, FormerExtension]:
    """What people once had; those asked for, or all of them. Their numbers may be in use again."""
    c = former_extensions.c
    statement = select(
        c.person,
        c.number,
        c.fields,
        c.departments,
        c.primary_department,
        c.given_departments,
        c.enabled,
        c.given_caller_id,
    ).where(c.tenant == tenant)
    found: dict[ObjectId, FormerExtension] = {}
    if persons is None:
        rows = [row async for page in tx.pages(statement) for row in page]
    else:
        statement = statement.where(c.person.in_(_persons))
        rows = [
            row
            for chunk in chunks(sorted(persons))
            for row in await tx.rows(statement, {"persons": chunk})
        ]
    for row in rows:
        found[row[0]] = FormerExtension(
            row[1],
            _decode_fields(row[2]),
            _decode_departments(row[3]),
            row[4],
            _decode_departments(row[5]) if row[5] else (),
            row[6],
            row[7],
        )
    return found


async def release_at_once(tx: Transaction, tenant: int, number: str) -> bool:
    """End the holding of a number; False where it was not held."""
    c = released_numbers.c
    return await tx.run(delete(released_numbers).where(c.tenant == tenant, c.number == number)) > 0


async def purge_released(tx: Transaction, tenant: int, *, before: datetime) -> int:
    """Drop a piece of the numbers given up before a moment; returns how many."""
    before_then = released_numbers.c.released_at < before
    return await delete_piece(tx, tenant, released_numbers, before_then)


async def forget_former(tx: Transaction, tenant: int, *, before: datetime) -> int:
    """Drop a piece of what extensions were that were removed before a moment; returns how many."""
    before_then = former_extensions.c.removed_at < before
    return await delete_piece(tx, tenant, former_extensions, before_then)
