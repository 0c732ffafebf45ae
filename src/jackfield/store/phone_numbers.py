"""The numbers in use in the phone system as last seen, whatever holds them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import BindParameter, Table, bindparam, delete, func, select

from jackfield.store.phone_state import touch_picture
from jackfield.store.schema import OF_TENANT, key, metadata, tenant_key
from jackfield.store.transaction import Transaction, append, chunks

phone_numbers = Table(
    "phone_number", metadata, tenant_key(), key("number"), sqlite_with_rowid=False
)
_add_numbers = append(phone_numbers, ("tenant", "number"))
_numbers: BindParameter[Any] = bindparam("numbers", expanding=True)
# One row instead of 100,000, which would keep everybody waiting while they become Python's.
_USED = select(func.aggregate_strings(phone_numbers.c.number, "\n")).where(
    phone_numbers.c.tenant == OF_TENANT
)


async def add_numbers(tx: Transaction, tenant: int, numbers: Iterable[str]) -> None:
    """Numbers that are in use, in a transaction that has touched the picture."""
    await _add_numbers.run(tx, sorted((tenant, number) for number in numbers))


async def save_used_numbers(tx: Transaction, tenant: int, numbers: Iterable[str]) -> frozenset[str]:
    """Replace the numbers in use by those the phone system named; returns the free ones."""
    wanted = frozenset(numbers)
    known = await load_used_numbers(tx, tenant)
    if wanted == known:
        return frozenset()
    await touch_picture(tx, tenant)
    await _drop_numbers(tx, tenant, known - wanted)
    await add_numbers(tx, tenant, wanted - known)
    return known - wanted


async def note_numbers(
    tx: Transaction, tenant: int, *, used: Sequence[str] = (), free: Sequence[str] = ()
) -> None:
    """What a write has told about single numbers, until all of them are read again."""
    if not used and not free:
        return
    await touch_picture(tx, tenant)
    await _drop_numbers(tx, tenant, free)
    await add_numbers(tx, tenant, used)


async def load_used_numbers(tx: Transaction, tenant: int) -> frozenset[str]:
    """Every number in use, whatever holds it."""
    numbers: str = await tx.scalar(_USED, {"of_tenant": tenant}) or ""
    return frozenset(numbers.splitlines())


async def is_used(tx: Transaction, tenant: int, number: str) -> bool:
    """Whether anything has a number."""
    c = phone_numbers.c
    one = select(c.number).where(c.tenant == tenant, c.number == number)
    return await tx.scalar(one) is not None


async def _drop_numbers(tx: Transaction, tenant: int, numbers: Iterable[str]) -> None:
    c = phone_numbers.c
    statement = delete(phone_numbers).where(c.tenant == tenant, c.number.in_(_numbers))
    for chunk in chunks(sorted(numbers)):
        await tx.run(statement, {"numbers": chunk})
