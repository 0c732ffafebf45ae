"""The phone system's departments as last seen, and how many extensions each has."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import BindParameter, Table, bindparam, delete, func, select

from jackfield.core.extensions import Department, DepartmentKey
from jackfield.store.phone_state import touch_picture
from jackfield.store.phones import phone_memberships
from jackfield.store.schema import OF_TENANT, key, maybe_text, metadata, tenant_key, text
from jackfield.store.transaction import Transaction, chunks, upsert

phone_departments = Table(
    "phone_department", metadata, tenant_key(), key("key"), text("name"), maybe_text("external_key")
)
_keys: BindParameter[Any] = bindparam("keys", expanding=True)
_ALL = select(
    phone_departments.c.key, phone_departments.c.name, phone_departments.c.external_key
).where(phone_departments.c.tenant == OF_TENANT)
_save_departments = upsert(phone_departments, ("tenant", "key", "name", "external_key"))


async def save_departments(tx: Transaction, tenant: int, found: Iterable[Department]) -> None:
    """Replace the departments by those the phone system has."""
    wanted = {department.key: department for department in found}
    known = await load_departments(tx, tenant)
    if known == wanted:
        return
    await touch_picture(tx, tenant)
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
        await touch_picture(tx, tenant)
        await _save_departments.run(
            tx, sorted((tenant, one.key, one.name, one.external_key) for one in found)
        )


async def load_departments(tx: Transaction, tenant: int) -> dict[DepartmentKey, Department]:
    """All departments by key."""
    rows = await tx.rows(_ALL, {"of_tenant": tenant})
    return {row[0]: Department(*row) for row in rows}


async def count_department_members(tx: Transaction, tenant: int) -> dict[DepartmentKey, int]:
    """How many extensions each department has; those without any are left out."""
    c = phone_memberships.c
    rows = await tx.rows(
        select(c.department, func.count()).where(c.tenant == tenant).group_by(c.department)
    )
    return {DepartmentKey(row[0]): row[1] for row in rows}
