"""Local administrators: name, argon2 hash, role.

Hashing is the front door's business; wrong passwords are counted in `store/wrong_passwords.py`.
Accounts are the installation's (tenant 0).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Table, delete, func, select, update

from jackfield.store.schema import (
    INSTALLATION,
    key,
    metadata,
    moment,
    number,
    tenant_key,
    text,
)
from jackfield.store.transaction import AnyRow, Transaction

accounts = Table(
    "account",
    metadata,
    tenant_key(),
    key("name"),
    text("password_hash"),
    text("role"),
    number("generation"),
    moment("created_at"),
    number("of_tenant"),
)


@dataclass(frozen=True, slots=True)
class Account:
    """One local administrator. The name is casefolded."""

    name: str
    password_hash: str
    role: str
    generation: int
    """Grows with every change of the password; sessions of an older one are over."""
    created_at: datetime
    of_tenant: int = INSTALLATION
    """The tenant that is all they see and change; 0 = the whole installation."""


_COLUMNS = [accounts.c[name] for name in Account.__slots__]


async def save_account(
    tx: Transaction,
    name: str,
    password_hash: str,
    *,
    now: datetime,
    role: str = "administrator",
    of_tenant: int | None = None,
) -> None:
    """Create an account, or give it a new password: its sessions are over.

    An account that stands keeps its role. `of_tenant` None: the whole installation where the
    account is new, else as it was.
    """
    values: dict[str, Any] = {
        "password_hash": password_hash,
    }
    if of_tenant is not None:
        values["of_tenant"] = of_tenant
    await tx.run(
        tx.insert(accounts)
        .values(
            tenant=INSTALLATION,
            name=name.casefold(),
            role=role,
            created_at=now,
            generation=1,
            **values,
        )
        .on_conflict_do_update(
            index_elements=["tenant", "name"],
            set_=values | {"generation": accounts.c.generation + 1},
        )
    )


async def load_account(tx: Transaction, name: str) -> Account | None:
    """The account of a name, in any case; None if there is none."""
    row = await tx.row(select(*_COLUMNS).where(*_is(name)))
    return None if row is None else _account(row)


async def list_accounts(tx: Transaction) -> tuple[Account, ...]:
    """All accounts by name."""
    c = accounts.c
    rows = await tx.rows(select(*_COLUMNS).where(c.tenant == INSTALLATION).order_by(c.name))
    return tuple(_account(row) for row in rows)


async def remove_account(tx: Transaction, name: str) -> None:
    """Remove the account of a name, if there is one."""
    await tx.run(delete(accounts).where(*_is(name)))


async def remove_accounts_of(tx: Transaction, tenant: int) -> int:
    """Remove the accounts that see this tenant only; returns how many."""
    c = accounts.c
    mine = (c.tenant == INSTALLATION, c.of_tenant == tenant)
    return await tx.run(delete(accounts).where(*mine))


async def count_accounts(tx: Transaction) -> int:
    """How many accounts there are; 0 before the first start."""
    count: int = await tx.scalar(
        select(func.count()).select_from(accounts).where(accounts.c.tenant == INSTALLATION)
    )
    return count


async def renew_hash(tx: Transaction, name: str, password_hash: str) -> None:
    """The same password, hashed with newer parameters: its sessions go on."""
    await tx.run(update(accounts).where(*_is(name)).values(password_hash=password_hash))


def _is(name: str) -> tuple[Any, Any]:
    return accounts.c.tenant == INSTALLATION, accounts.c.name == name.casefold()


def _account(row: AnyRow) -> Account:
    return Account(*row)
