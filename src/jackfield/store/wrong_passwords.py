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

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
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


def parse_address(text: str) -> Address | None:
    """The address of whoever calls; None for what is none.

    A socket for both kinds, and some proxies, write IPv4 as `::ffff:192.0.2.1`: that is the IPv4
    address, else all of them would share one /64 and no network of the settings would hold them.
    """
    try:
        parsed = ipaddress.ip_address(text)
    except ValueError:
        return None
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    return parsed if mapped is None else mapped


def network_of(address: str) -> str:
    """Whom an address stands for: one subscriber holds a whole /64 of IPv6."""
    parsed = parse_address(address)
    if parsed is None:
        return address
    if isinstance(parsed, ipaddress.IPv6Address):
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
