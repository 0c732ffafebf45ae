"""Tenants, and how each is connected to its organisation."""

from dataclasses import replace
from datetime import datetime, timedelta

from jackfield.store.database import Database
from jackfield.store.tenants import (
    Connection,
    CredentialKind,
    Tenant,
    create_tenant,
    load_connection,
    load_tenants,
    mark_verified,
    save_connection,
    save_tenant,
)


async def test_tenants_are_numbered_and_changed(database: Database, now: datetime) -> None:
    """Numbers are ours: an organisation may change its name and even its domain."""
    async with database.write() as tx:
        first = await create_tenant(tx, "Contoso", now=now)
        second = await create_tenant(tx, "Fabrikam", now=now)
        await save_tenant(tx, replace(second, name="Fabrikam AG"))
        every = await load_tenants(tx)

    assert first == Tenant(1, "Contoso", now)
    assert every == (first, Tenant(2, "Fabrikam AG", now))


async def test_a_connection_is_kept_and_verified(database: Database, now: datetime) -> None:
    """The secret is in the vault; here is only its name."""
    connection = Connection(
        tid="c0ffee",
        organisation="Contoso",
        client_id="app",
        credential=CredentialKind.CERTIFICATE,
        secret_name="graph",
        connected_at=now,
        cloud="usgov",
        ca_bundle="-----BEGIN",
        default_domain="contoso.example",
        usage_country="US",
        credential_expires_at=now + timedelta(days=365),
    )
    later = now + timedelta(hours=1)
    async with database.write() as tx:
        before = await load_connection(tx, 1)
        await save_connection(tx, 1, connection)
        await save_connection(tx, 1, replace(connection, organisation="Contoso Ltd"))
        await mark_verified(tx, 1, now=later)
        loaded = await load_connection(tx, 1)

    assert before is None
    assert loaded == replace(connection, organisation="Contoso Ltd", last_verified_at=later)
