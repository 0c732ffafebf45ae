"""Local administrators: name, argon2 hash, role, and the count of failed sign-ins.

Hashing and the limits are the front door's business; here they are kept. Accounts are the
installation's (tenant 0).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Table, func, select, update

from jackfield.store.schema import (
    INSTALLATION,
    flag,
    key,
    maybe_moment,
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
    flag("must_change"),
    number("generation"),
    number("failed"),
    maybe_moment("locked_until"),
    moment("created_at"),
    maybe_moment("signed_in_at"),
)


@dataclass(frozen=True, slots=True)
class Account:
    """One local administrator. The name is casefolded."""

    name: str
    password_hash: str
    role: str
    must_change: bool
    """The password was made by the product and is to be replaced at the first sign-in."""
    generation: int
    """Grows with every change of the password; sessions of an older one are over."""
    failed: int
    """Failed sign-ins since the last good one."""
    locked_until: datetime | None
    created_at: datetime
    signed_in_at: datetime | None


_COLUMNS = [accounts.c[name] for name in Account.__slots__]


async def save_account(
    tx: Transaction,
    name: str,
    password_hash: str,
    *,
    now: datetime,
    role: str = "administrator",
    must_change: bool = False,
) -> None:
    """Create an account, or give it a new password: it is unlocked and its sessions are over.

    An account that stands keeps its role.
    """
    values = {
        "password_hash": password_hash,
        "must_change": must_change,
        "failed": 0,
        "locked_until": None,
    }
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


async def count_accounts(tx: Transaction) -> int:
    """How many accounts there are; 0 before the first start."""
    count: int = await tx.scalar(
        select(func.count()).select_from(accounts).where(accounts.c.tenant == INSTALLATION)
    )
    return count


async def note_failure(tx: Transaction, name: str, *, locked_until: datetime | None) -> int:
    """Count a failed sign-in and set (or clear) the lock.

    Returns the count, 0 for an unknown name.
    """
    count = await tx.scalar(
        update(accounts)
        .where(*_is(name))
        .values(failed=accounts.c.failed + 1, locked_until=locked_until)
        .returning(accounts.c.failed)
    )
    return count or 0


async def note_success(
    tx: Transaction, name: str, *, now: datetime, password_hash: str | None = None
) -> None:
    """A good sign-in: failures are forgotten.

    A hash made with newer parameters may replace the old one.
    """
    values: dict[str, Any] = {"failed": 0, "locked_until": None, "signed_in_at": now}
    if password_hash is not None:
        values["password_hash"] = password_hash
    await tx.run(update(accounts).where(*_is(name)).values(**values))


def _is(name: str) -> tuple[Any, Any]:
    return accounts.c.tenant == INSTALLATION, accounts.c.name == name.casefold()


def _account(row: AnyRow) -> Account:
    return Account(*row)
