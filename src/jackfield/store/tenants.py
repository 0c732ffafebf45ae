"""The tenants of this installation, and how each is connected to its organisation."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Table, bindparam, select, update

from jackfield.store.schema import (
    INSTALLATION,
    maybe_moment,
    metadata,
    moment,
    tenant_key,
    text,
)
from jackfield.store.sequences import next_change, sequences, take
from jackfield.store.transaction import AnyRow, Transaction

tenants = Table("tenant", metadata, tenant_key(), text("name"), moment("created_at"), text("state"))

connections = Table(
    "connection",
    metadata,
    tenant_key(),
    text("tid"),
    text("organisation"),
    text("cloud"),
    text("login_url"),
    text("graph_url"),
    text("ca_bundle"),
    text("client_id"),
    text("credential"),
    text("secret_name"),
    text("default_domain"),
    text("usage_country"),
    moment("connected_at"),
    maybe_moment("last_verified_at"),
    maybe_moment("credential_expires_at"),
)


class TenantState(StrEnum):
    """Whether a tenant is there."""

    ACTIVE = "active"
    REMOVED = "removed"
    """Only its number is left, so that it never becomes another's; what it had is being deleted."""


class CredentialKind(StrEnum):
    """How Jackfield proves to Entra who it is."""

    SECRET = "secret"  # noqa: S105 - a kind, not a secret
    CERTIFICATE = "certificate"


@dataclass(frozen=True, slots=True)
class Tenant:
    """One pair of a Microsoft 365 organisation and a phone system."""

    number: int
    name: str
    created_at: datetime
    state: TenantState = TenantState.ACTIVE


@dataclass(frozen=True, slots=True)
class Connection:
    """How a tenant reaches its organisation.

    The secret itself is in the vault under `secret_name`.
    """

    tid: str
    """Entra's id of the organisation."""
    organisation: str
    client_id: str
    credential: CredentialKind
    secret_name: str
    connected_at: datetime
    cloud: str = "global"
    """"global", "usgov", "dod", "china" or "own"."""
    login_url: str = ""
    graph_url: str = ""
    ca_bundle: str = ""
    """PEM text of the authorities to trust for this cloud; "" = the system's."""
    default_domain: str = ""
    usage_country: str = ""
    """Two letters; the country in which numbers without a prefix are read."""
    last_verified_at: datetime | None = None
    credential_expires_at: datetime | None = None


async def create_tenant(tx: Transaction, name: str, *, now: datetime) -> Tenant:
    """A new tenant with the next free number (1, 2, ...)."""
    number = await take(tx, INSTALLATION, "tenant_number")
    await tx.run(
        tenants.insert().values(tenant=number, name=name, created_at=now, state=TenantState.ACTIVE)
    )
    await next_change(tx, number)
    return Tenant(number, name, now)


_THERE = select(tenants).where(tenants.c.state != TenantState.REMOVED.value)
_ALL = _THERE.order_by(tenants.c.tenant)
_ONE = _THERE.where(tenants.c.tenant == bindparam("of_tenant"))


async def load_tenants(tx: Transaction) -> tuple[Tenant, ...]:
    """All tenants by number, but those that were removed."""
    rows = await tx.rows(_ALL)
    return tuple(Tenant(r.tenant, r.name, r.created_at, TenantState(r.state)) for r in rows)


async def is_there(tx: Transaction, tenant: int) -> bool:
    """Whether there is such a tenant, and nobody has removed it."""
    return await tx.row(_ONE, {"of_tenant": tenant}) is not None


_LEFTOVERS = (
    select(tenants.c.tenant)
    .join(sequences, sequences.c.tenant == tenants.c.tenant)
    .where(tenants.c.state == TenantState.REMOVED.value)
    .order_by(tenants.c.tenant)
)


async def load_leftovers(tx: Transaction) -> tuple[int, ...]:
    """Removed tenants of which rows may be left: whatever writes for a tenant takes a number."""
    return tuple(row.tenant for row in await tx.rows(_LEFTOVERS))


async def save_tenant(tx: Transaction, tenant: Tenant) -> None:
    """Rename a tenant or change its state."""
    await next_change(tx, tenant.number)
    await tx.run(
        update(tenants)
        .where(tenants.c.tenant == tenant.number)
        .values(name=tenant.name, state=tenant.state)
    )


_CONNECTION = select(connections).where(connections.c.tenant == bindparam("of_tenant"))


async def load_connection(tx: Transaction, tenant: int) -> Connection | None:
    """The tenant's connection; None before it was connected."""
    row = await tx.row(_CONNECTION, {"of_tenant": tenant})
    return None if row is None else _connection(row)


async def save_connection(tx: Transaction, tenant: int, connection: Connection) -> None:
    """Store the connection, replacing an older one."""
    await next_change(tx, tenant)
    values = {name: getattr(connection, name) for name in Connection.__slots__}
    await tx.run(
        tx.insert(connections)
        .values(tenant=tenant, **values)
        .on_conflict_do_update(index_elements=["tenant"], set_=values)
    )


async def mark_verified(tx: Transaction, tenant: int, *, now: datetime) -> None:
    """Note that the credential worked just now."""
    await next_change(tx, tenant)
    await tx.run(
        update(connections).where(connections.c.tenant == tenant).values(last_verified_at=now)
    )


def _connection(row: AnyRow) -> Connection:
    values = {name: row._mapping[name] for name in Connection.__slots__}  # noqa: SLF001 - Row's own word
    values["credential"] = CredentialKind(values["credential"])
    return Connection(**values)
