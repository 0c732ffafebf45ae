"""A connection that another process has changed under somebody who waits on it."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from doubles.virtual_clock import VirtualClock
from jackfield.flows.connections import Connections
from jackfield.graph.directory import fetch_users_page
from jackfield.graph.errors import Unreachable
from jackfield.graph.pace import Workload
from jackfield.graph.transport import open_transport
from jackfield.store.database import Database
from jackfield.store.tenants import (
    Connection,
    CredentialKind,
    TenantState,
    create_tenant,
    save_connection,
    save_tenant,
)
from jackfield.store.vault import Vault

pytestmark = pytest.mark.parametrize("migrated_url", ["sqlite"], indirect=True)

TID = "11111111-2222-3333-4444-555555555555"


@asynccontextmanager
async def silent_server() -> AsyncIterator[tuple[str, asyncio.Event]]:
    """An address where somebody listens and never answers; whether it was asked."""
    asked = asyncio.Event()

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        asked.set()
        await reader.read()
        writer.close()

    server = await asyncio.start_server(listen, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}", asked


@pytest.fixture
async def database(migrated_url: str) -> AsyncIterator[Database]:
    """An empty archive."""
    opened = await Database.open(migrated_url)
    yield opened
    await opened.close()


@pytest.mark.parametrize("changed", [True, False])
async def test_who_waits_on_an_old_connection_stops_waiting(
    database: Database, tmp_path: Path, changed: bool
) -> None:
    """Whoever reconnects at another process means everybody; else a slow answer is waited for."""
    clock = VirtualClock()
    vault = Vault.open(tmp_path / "jackfield.key")
    connections = Connections(
        database,
        vault,
        clock,
        open_transport=open_transport,
        rng=random.Random(1),
    )
    async with silent_server() as (url, asked):
        connection = Connection(
            tid=TID,
            organisation="Kestrel",
            client_id="app",
            credential=CredentialKind.SECRET,
            secret_name="secret",
            connected_at=clock.now(),
            cloud="own",
            login_url=url,
            graph_url=url,
        )
        async with database.write() as tx:
            tenant = (await create_tenant(tx, "Kestrel", now=clock.now())).number
            await vault.save(tx, tenant, "secret", "the-secret", now=clock.now())
            await save_connection(tx, tenant, connection)
        client = await connections.client(tenant)
        waiting = asyncio.create_task(fetch_users_page(client))
        await asked.wait()
        clock.advance(6)
        if changed:
            async with database.write() as tx:
                await save_connection(tx, tenant, replace(connection, connected_at=clock.now()))

        await connections.follow()

        if changed:
            async with asyncio.timeout(5):
                with pytest.raises(Unreachable, match="closed on our side"):
                    await waiting
            assert clock.slept == []
        still = not waiting.done()
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        await connections.close()
    assert still is not changed


async def test_what_another_process_has_removed_is_forgotten(
    database: Database, tmp_path: Path
) -> None:
    """Its calls, with names in their paths, and its figures do not stay until the next restart."""
    clock = VirtualClock()
    vault = Vault.open(tmp_path / "jackfield.key")
    connections = Connections(
        database, vault, clock, open_transport=open_transport, rng=random.Random(1)
    )
    async with database.write() as tx:
        made = [await create_tenant(tx, name, now=clock.now()) for name in ("Here", "Gone")]
    tenants = [one.number for one in made]
    for tenant in tenants:
        connections.meter.unanswered(str(tenant), Workload.DIRECTORY)
        assert connections.reaches[tenant].trouble(clock.now()) is None
    async with database.write() as tx:
        await save_tenant(tx, replace(made[1], name="", state=TenantState.REMOVED))

    await connections.follow()

    assert [connections.meter.totals(str(tenant)).calls for tenant in tenants] == [1, 0]
    assert [*connections.reaches] == tenants[:1]
