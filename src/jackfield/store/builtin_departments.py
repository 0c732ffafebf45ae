"""The built-in phone system's departments, and which extensions are in which.

What may be written is decided in `pbx/builtin.py`; the schema forbids a name or an external key
twice. The extensions themselves are in `builtin_extensions`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    BindParameter,
    Index,
    Table,
    UniqueConstraint,
    bindparam,
    delete,
    func,
    select,
    update,
)

from jackfield.core.extensions import Department, DepartmentKey
from jackfield.store.schema import (
    OF_TENANT,
    key,
    maybe_text,
    metadata,
    number,
    storable,
    tenant_key,
    text,
)
from jackfield.store.sequences import next_change
from jackfield.store.transaction import Transaction, chunks, upsert

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

_save_departments = upsert(
    departments, ("tenant", "key", "name", "name_folded", "external_key", "changed_seq")
)
_values: BindParameter[Any] = bindparam("values", expanding=True)
_DEPARTMENTS = select(departments.c.key, departments.c.name, departments.c.external_key).where(
    departments.c.tenant == OF_TENANT
)
_EVERY_DEPARTMENT = _DEPARTMENTS.order_by(departments.c.key)


async def load_departments(tx: Transaction, tenant: int) -> dict[DepartmentKey, Department]:
    """All departments by key."""
    rows = await tx.rows(_EVERY_DEPARTMENT, {"of_tenant": tenant})
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
        statement = _DEPARTMENTS.where(column.in_(_values))
        for chunk in chunks(values):
            rows = await tx.rows(statement, {"of_tenant": tenant, "values": chunk})
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
