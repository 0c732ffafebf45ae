"""Wrong passwords in a row, by who tried them: a name together with a network.

A name alone would let a stranger close it for the one whose name it is; a network alone is counted
by `web/login_limit.py`. Names with and without an account are kept alike, and as a digest: what
people type into the field of the name is often a password.
"""

from __future__ import annotations

import hashlib
import ipaddress
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Table, delete, select

from jackfield.store.schema import (
    INSTALLATION,
    key,
    maybe_moment,
    metadata,
    moment,
    number,
    tenant_key,
)
from jackfield.store.transaction import Transaction

KEPT = timedelta(days=1)
"""Forgotten after so long without another one."""

wrong_passwords = Table(
    "wrong_password",
    metadata,
    tenant_key(),
    key("tried_by"),
    number("failed"),
    maybe_moment("locked_until"),
    moment("last_at"),
)


@dataclass(frozen=True, slots=True)
class Tries:
    """Wrong passwords since the last good one."""

    failed: int = 0
    locked_until: datetime | None = None


def network_of(address: str) -> str:
    """Whom an address stands for: one subscriber holds a whole /64 of IPv6."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            # What a socket for both kinds calls an IPv4 address: all of them share one /64.
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)


def tried_by(name: str, address: str) -> str:
    """The key of who tries: the casefolded name, and whom the address stands for."""
    return hashlib.sha256(f"{name.casefold()}\n{network_of(address)}".encode()).hexdigest()


async def load_tries(tx: Transaction, who: str, *, now: datetime) -> Tries:
    """What is remembered of a key of `tried_by`."""
    c = wrong_passwords.c
    row = await tx.row(
        select(c.failed, c.locked_until).where(
            c.tenant == INSTALLATION, c.tried_by == who, c.last_at > now - KEPT
        )
    )
    return Tries() if row is None else Tries(row.failed, row.locked_until)


async def save_tries(tx: Transaction, who: str, tries: Tries, *, now: datetime) -> None:
    """Remember them, and forget those of others that are a day old."""
    values = {"failed": tries.failed, "locked_until": tries.locked_until, "last_at": now}
    await tx.run(
        delete(wrong_passwords).where(
            wrong_passwords.c.tenant == INSTALLATION, wrong_passwords.c.last_at <= now - KEPT
        )
    )
    await tx.run(
        tx.insert(wrong_passwords)
        .values(tenant=INSTALLATION, tried_by=who, **values)
        .on_conflict_do_update(index_elements=["tenant", "tried_by"], set_=values)
    )


async def forget_tries(tx: Transaction, who: str) -> None:
    """A good password."""
    c = wrong_passwords.c
    await tx.run(delete(wrong_passwords).where(c.tenant == INSTALLATION, c.tried_by == who))


async def forget_all_tries(tx: Transaction) -> None:
    """A new password opens the door to everybody who may have closed it."""
    await tx.run(delete(wrong_passwords).where(wrong_passwords.c.tenant == INSTALLATION))
