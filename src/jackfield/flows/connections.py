"""The way to each tenant's Microsoft 365, made from the stored connection and kept while it lasts.

One pace and one meter serve all tenants of the process, so that budgets and figures are where
everyone looks.
"""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass

from jackfield.clock import Clock
from jackfield.core.reach import Reach
from jackfield.core.waiting import MICROSOFT
from jackfield.graph.auth import TokenSource
from jackfield.graph.authority import TenantId
from jackfield.graph.client import GraphClient
from jackfield.graph.cloud import CLOUDS, Cloud, CloudName, own_cloud
from jackfield.graph.credentials import (
    CertificateCredential,
    Credential,
    SecretCredential,
    parse_certificate,
    parse_secret,
)
from jackfield.graph.errors import CredentialUnusable
from jackfield.graph.meter import Meter
from jackfield.graph.pace import Pace, Workload
from jackfield.graph.transport import Transport
from jackfield.store.database import Database
from jackfield.store.tenants import Connection, CredentialKind, load_connection, load_tenants
from jackfield.store.vault import Vault

OpenTransport = Callable[[str], AbstractAsyncContextManager[Transport]]


class NotConnected(Exception):
    """The tenant has no connection to Microsoft 365 yet."""

    next_step = "Connect it first: jackfield connect, or the API's /connection."

    def __init__(self) -> None:
        self.what = "Microsoft 365 is not connected yet."
        super().__init__(f"{self.what} {self.next_step}")


FORGOTTEN_NEXT = "Connect Microsoft 365 again: jackfield connect, or the API's /connection."


def forgotten_text(kind: str) -> str:
    """A connection stands whose credential does not: its backup was restored without the key."""
    named = "client secret" if kind == CredentialKind.SECRET else "certificate"
    return (
        f"The {named} is not stored any more: a backup was restored without the key of its secrets."
    )


@dataclass(frozen=True, slots=True)
class _Way:
    connection: Connection
    client: GraphClient
    tokens: TokenSource
    closing: AsyncExitStack


class Connections:
    """Graph clients by tenant. Close it last."""

    def __init__(
        self,
        database: Database,
        vault: Vault,
        clock: Clock,
        *,
        open_transport: OpenTransport,
        rng: random.Random,
    ) -> None:
        self._database = database
        self._vault = vault
        self._clock = clock
        self.open_transport = open_transport
        self.pace = Pace(clock, rng)
        self.meter = Meter()
        self.reaches: defaultdict[int, Reach] = defaultdict(lambda: Reach(MICROSOFT))
        """How the calls of each tenant fare."""
        self._ways: dict[int, _Way] = {}
        self._making = asyncio.Lock()

    async def client(self, tenant: int) -> GraphClient:
        """The tenant's Graph. Raises `NotConnected`, `CredentialUnusable` or `SecretUnreadable`."""
        async with self._database.read() as tx:
            connection = await load_connection(tx, tenant)
            if connection is None:
                raise NotConnected
            known = self._ways.get(tenant)
            if known is not None and _same_way(known.connection, connection):
                return known.client
            secret = await self._vault.load(tx, tenant, connection.secret_name)
        async with self._making:
            made = self._ways.get(tenant)
            if made is not None and _same_way(made.connection, connection):
                return made.client
            await self._leave(tenant)
            if secret is None:
                raise CredentialUnusable(forgotten_text(connection.credential), FORGOTTEN_NEXT)
            credential = read_credential(connection.credential, connection.client_id, secret)
            reach = self.reaches[tenant]
            self._ways[tenant] = await self._make(tenant, connection, credential, reach)
        return self._ways[tenant].client

    def closed_for_s(self, tenant: int, workload: Workload) -> float:
        """Seconds until the tenant's calls go out again; 0 = they do now."""
        way = self._ways.get(tenant)
        return 0.0 if way is None else self.pace.closed_for_s(way.client.account, workload)

    async def trial(
        self, tenant: int, connection: Connection, credential: Credential
    ) -> tuple[GraphClient, AsyncExitStack]:
        """A client for a connection that is not stored yet; the caller closes the stack."""
        # An address that somebody only tries is no outage of the one that is stored.
        way = await self._make(tenant, connection, credential, Reach(MICROSOFT))
        return way.client.hurried(20.0), way.closing

    async def renew(self, tenant: int) -> None:
        """The stored connection has changed: whoever waits on the old one stops waiting."""
        async with self._making:
            await self._leave(tenant)

    def ask_again(self, tenant: int) -> None:
        """A person asks: a refusal that they may have mended since is not answered from memory."""
        way = self._ways.get(tenant)
        if way is not None:
            way.tokens.ask_again()

    async def follow(self) -> None:
        """Renew what another process has changed, where somebody waits on it for Microsoft 365.

        What another process has removed is forgotten, with its token and secret.
        """
        remembered = self._ways.keys() | self.reaches.keys()
        if remembered:
            async with self._database.read() as tx:
                known = {one.number for one in await load_tenants(tx)}
            for tenant in remembered - known:
                await self.forget(tenant)
        now = self._clock.now()
        waited_on = [one for one in self._ways if self.reaches[one].trouble(now) is not None]
        for tenant in waited_on:
            async with self._database.read() as tx:
                stored = await load_connection(tx, tenant)
            way = self._ways.get(tenant)
            if way is not None and not (stored and _same_way(way.connection, stored)):
                await self.renew(tenant)

    async def forget(self, tenant: int) -> None:
        """The tenant was removed: nothing of it stays behind."""
        way = self._ways.get(tenant)
        await self.renew(tenant)
        self.reaches.pop(tenant, None)
        self.meter.forget(str(tenant))
        # Two tenants may be of one organisation and app: Microsoft counts their calls as one's.
        if way is not None and all(
            one.client.account != way.client.account for one in self._ways.values()
        ):
            self.pace.forget(way.client.account)

    async def close(self) -> None:
        """Close every connection."""
        for tenant in list(self._ways):
            await self._leave(tenant)

    async def _make(
        self,
        tenant: int,
        connection: Connection,
        credential: Credential,
        reach: Reach,
    ) -> _Way:
        cloud = cloud_of(connection)
        closing = AsyncExitStack()
        transport = await closing.enter_async_context(self.open_transport(cloud.ca_bundle))
        tokens = TokenSource(cloud, TenantId(connection.tid), credential, transport, self._clock)
        client = GraphClient(
            str(tenant),
            cloud,
            tokens,
            transport,
            pace=self.pace,
            meter=self.meter,
            reach=reach,
            clock=self._clock,
            account=f"{cloud.root}/{connection.tid}/{connection.client_id}".casefold(),
        )
        return _Way(connection, client, tokens, closing)

    async def _leave(self, tenant: int) -> None:
        way = self._ways.pop(tenant, None)
        if way is not None:
            await way.closing.aclose()


def cloud_of(connection: Connection) -> Cloud:
    """The addresses of a connection. Raises `AddressRefused`."""
    name = CloudName(connection.cloud)
    if name is not CloudName.OWN:
        return CLOUDS[name]
    return own_cloud(connection.login_url, connection.graph_url, connection.ca_bundle)


def read_credential(kind: CredentialKind, client_id: str, secret: bytes) -> Credential:
    """A credential from its stored form. Raises `CredentialUnusable`."""
    if kind is CredentialKind.SECRET:
        return SecretCredential(client_id, parse_secret(secret.decode(errors="replace")))
    return CertificateCredential(client_id, parse_certificate(secret))


def _same_way(known: Connection, now: Connection) -> bool:
    names = ("tid", "client_id", "credential", "secret_name", "cloud", "login_url", "graph_url")
    return (
        all(getattr(known, name) == getattr(now, name) for name in names)
        and known.ca_bundle == now.ca_bundle
        and known.connected_at == now.connected_at
    )
