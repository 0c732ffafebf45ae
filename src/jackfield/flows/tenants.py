"""The tenants of an installation: added, renamed and removed by whoever administers all of it.

A removed tenant is out of sight at once. What it had is deleted piece by piece afterwards, by
whichever process works, also when that is killed half way.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from jackfield.clock import Clock
from jackfield.core.journal_kinds import LineKind
from jackfield.core.tenant_names import LONGEST_NAME, NameRefused, parse_tenant_name
from jackfield.flows.connections import Connections
from jackfield.store.accounts import remove_accounts_of
from jackfield.store.database import Database
from jackfield.store.journal import Line, append_lines
from jackfield.store.leftovers import close, tables_of_tenants
from jackfield.store.links import count_links
from jackfield.store.people import count_people
from jackfield.store.phones import count_extensions
from jackfield.store.pieces import PIECE, delete_piece
from jackfield.store.schema import INSTALLATION
from jackfield.store.sequences import next_change
from jackfield.store.tenants import (
    Tenant,
    TenantState,
    create_tenant,
    load_connection,
    load_leftovers,
    load_tenants,
    save_tenant,
)
from jackfield.store.tokens import list_tokens, revoke_token
from jackfield.store.transaction import Transaction

FIRST_NAME = "Main"
"""The first tenant's, until it is connected."""


class TenantRefused(Exception):
    """It was not done; the text says why."""


class UnusableName(TenantRefused):
    """No tenant can be called so."""


class NoSuchTenant(TenantRefused):
    """There is no tenant of that number (any more)."""


@dataclass(frozen=True, slots=True)
class Belongings:
    """What a tenant has, and would lose for good."""

    organisation: str
    people: int
    linked: int
    extensions: int
    tokens: int

    def told(self, name: str) -> str:
        """What a removal takes away, in a sentence for whoever has to decide."""
        has = []
        if self.organisation:
            has.append(f"its connection to {self.organisation}")
        if self.people:
            has.append(f"{_count(self.people, 'person')} of Microsoft 365 as last seen")
        if self.extensions:
            has.append(
                f"{_count(self.extensions, 'extension')} of its built-in phone system"
                f" ({self.linked:,} linked)"
            )
        if self.tokens:
            has.append(_count(self.tokens, "API token"))
        also = "and " if has else ""
        has.append(f"{also}its departments, numbers, settings, plans, runs and journal")
        return (
            f"Removing “{name}” deletes for good: {', '.join(has)}. Microsoft 365 itself and all"
            " other tenants stay as they are."
        )


class Tenants:
    """Adds, renames and removes tenants. Every verb raises `TenantRefused`."""

    def __init__(self, database: Database, connections: Connections, clock: Clock) -> None:
        self._database = database
        self._connections = connections
        self._clock = clock

    async def add(self, name: str, *, by: str) -> Tenant:
        """A new tenant, not connected yet."""
        name = _usable(name)
        now = self._clock.now()
        async with self._database.write() as tx:
            # One after the other, so that of two equal names one is refused.
            await next_change(tx, INSTALLATION)
            _refuse_taken(await load_tenants(tx), name)
            made = await create_tenant(tx, name, now=now)
            await self._note(tx, LineKind.TENANT_ADDED, f"The tenant “{name}” was added.", made, by)
        return made

    async def rename(self, number: int, name: str, *, by: str) -> Tenant:
        """Give a tenant another name; its number and all it has stay."""
        name = _usable(name)
        async with self._database.write() as tx:
            await next_change(tx, INSTALLATION)
            known = await load_tenants(tx)
            before = _one(known, number)
            _refuse_taken([one for one in known if one.number != number], name)
            after = replace(before, name=name)
            if after != before:
                await save_tenant(tx, after)
                text = f"The tenant “{before.name}” is called “{name}” now."
                await self._note(tx, LineKind.TENANT_RENAMED, text, after, by)
        return after

    async def belongings(self, number: int) -> Belongings:
        """What a removal would delete."""
        async with self._database.read() as tx:
            _one(await load_tenants(tx), number)
            connection = await load_connection(tx, number)
            return Belongings(
                organisation="" if connection is None else connection.organisation,
                people=(await count_people(tx, number)).present,
                linked=(await count_links(tx, number)).linked,
                extensions=await count_extensions(tx, number),
                tokens=sum(one.revoked_at is None for one in await list_tokens(tx, number)),
            )

    async def remove(self, number: int, name: str, *, by: str) -> None:
        """Remove a tenant with all it has, for good; `name` is its name as somebody typed it."""
        now = self._clock.now()
        async with self._database.write() as tx:
            await next_change(tx, INSTALLATION)
            known = await load_tenants(tx)
            tenant = _one(known, number)
            if name.strip() != tenant.name:
                raise TenantRefused(
                    f"The name “{name[:LONGEST_NAME]}” is not that of the tenant, “{tenant.name}”;"
                    " nothing was removed. Type the name as it stands there."
                )
            if len(known) == 1:
                raise TenantRefused(
                    f"“{tenant.name}” is the only tenant; an installation has at least one. Add"
                    " another one first, or delete the data folder of the whole installation."
                )
            for token in await list_tokens(tx, number):
                await revoke_token(tx, number, token.id, now=now)
            await remove_accounts_of(tx, number)
            await save_tenant(tx, Tenant(number, "", tenant.created_at, TenantState.REMOVED))
            text = f"The tenant “{tenant.name}” was removed, with all it had."
            await self._note(tx, LineKind.TENANT_REMOVED, text, tenant, by)

    async def clear(self) -> int:
        """Delete what removed tenants have left; returns how many rows."""
        async with self._database.read() as tx:
            left = await load_leftovers(tx)
        deleted = 0
        for number in left:
            await self._connections.forget(number)
            closed = False
            while not closed:
                for table in tables_of_tenants():
                    count = PIECE
                    while count >= PIECE:
                        async with self._database.write(large=True) as tx:
                            count = await delete_piece(tx, number, table)
                        deleted += count
                async with self._database.write() as tx:
                    closed = await close(tx, number)
        return deleted

    async def _note(self, tx: Transaction, what: LineKind, text: str, of: Tenant, by: str) -> None:
        line = Line(what, text, subject=str(of.number), name=of.name, by=by)
        await append_lines(tx, INSTALLATION, [line], now=self._clock.now())


async def name_after(
    tx: Transaction, number: int, organisation: str, *, former: str | None, by: str, now: datetime
) -> None:
    """Name a tenant after its organisation, unless somebody has named it or another is so named.

    `former` is the organisation that it was connected to before. The customer chooses what the
    organisation is called: where no tenant can be called so, the name stays as it is.

    The caller's transaction begins with `next_change(tx, INSTALLATION)`, as whatever gives names.
    """
    try:
        name = parse_tenant_name(organisation)
    except NameRefused:
        return
    known = await load_tenants(tx)
    tenant = _one(known, number)
    others = {one.name.casefold() for one in known if one.number != number}
    ours = {FIRST_NAME, " ".join((former or "").split())}
    if tenant.name == name or tenant.name not in ours or name.casefold() in others:
        return
    await save_tenant(tx, replace(tenant, name=name))
    text = f"The tenant “{tenant.name}” is called “{name}” now, after its organisation."
    line = Line(LineKind.TENANT_NAMED, text, subject=str(number), name=name, by=by)
    for journal in (INSTALLATION, number):
        await append_lines(tx, journal, [line], now=now)


def _usable(name: str) -> str:
    try:
        return parse_tenant_name(name)
    except NameRefused as error:
        raise UnusableName(str(error)) from error


def _refuse_taken(known: tuple[Tenant, ...] | list[Tenant], name: str) -> None:
    for one in known:
        if one.name.casefold() == name.casefold():
            raise TenantRefused(f"There is a tenant “{one.name}” already; take another name.")


def _one(known: tuple[Tenant, ...], number: int) -> Tenant:
    for one in known:
        if one.number == number:
            return one
    raise NoSuchTenant(f"There is no tenant {number}.")


def _count(count: int, noun: str) -> str:
    many = "people" if noun == "person" else f"{noun}s"
    return f"{count:,} {noun if count == 1 else many}"
