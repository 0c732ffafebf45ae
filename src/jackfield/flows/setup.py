"""Connecting a tenant to Microsoft 365: real calls prove the credential before it is stored.

A failed attempt changes nothing. The guided set-up of an application registration joins with its
own issue.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from jackfield.clock import Clock
from jackfield.core.journal_kinds import LineKind
from jackfield.core.schedule import Mode
from jackfield.flows.connections import Connections, cloud_of, read_credential
from jackfield.flows.failures import GRAPH_AWAY, OUTAGE
from jackfield.flows.runs import GROUPS
from jackfield.flows.tenants import FIRST_NAME, name_after
from jackfield.graph.authority import find_tenant
from jackfield.graph.client import GraphClient, new_uuid
from jackfield.graph.cloud import AddressRefused, CloudName
from jackfield.graph.credentials import CertificateCredential, Credential
from jackfield.graph.directory import (
    MAY_READ_GROUPS,
    UsersPage,
    fetch_groups_page,
    fetch_users_page,
)
from jackfield.graph.errors import (
    GraphError,
    NotFound,
    PermissionMissing,
    Rejected,
    Unreachable,
)
from jackfield.graph.organization import Organization, fetch_organization
from jackfield.store.alarms import Alarm, begin_alarm, end_alarm
from jackfield.store.cursors import forget_cursors
from jackfield.store.database import Database
from jackfield.store.journal import Line, append_lines
from jackfield.store.links import count_links
from jackfield.store.people import count_people
from jackfield.store.schedule import forget_rounds, load_due, settle, want
from jackfield.store.schema import INSTALLATION
from jackfield.store.sequences import next_change
from jackfield.store.settings import load_people_settings, save_people_settings
from jackfield.store.tenants import (
    Connection,
    CredentialKind,
    create_tenant,
    load_connection,
    load_tenants,
    mark_verified,
    save_connection,
)
from jackfield.store.transaction import Transaction
from jackfield.store.vault import Vault

SECRET_NAME = "graph.credential"  # noqa: S105 - a name in the vault
_WORK = "people"
_ADDRESS = (
    "Give both addresses as https://host, as the provider of that cloud names them; on this"
    " machine also http://127.0.0.1:PORT."
)
_REACH = (
    "Check the addresses, network, name service and firewall; for an authority of your own give "
    "its certificates too."
)


class SetupRefused(Exception):
    """The connection was not made; `text` says what is wrong and `next_step` what to do."""

    def __init__(self, text: str, next_step: str = "") -> None:
        super().__init__(f"{text} {next_step}".rstrip())
        self.text = text
        self.next_step = next_step


@dataclass(frozen=True, slots=True)
class ConnectAsk:
    """What an administrator gives to connect an organisation, with one of the two credentials."""

    tenant_id: str
    """Entra's tenant id, or a domain of the organisation."""
    client_id: str
    client_secret: str | None = None
    certificate: str | None = None
    """PEM text with certificate and private key."""
    cloud: str = CloudName.GLOBAL.value
    login_url: str = ""
    graph_url: str = ""
    ca_bundle: str = ""
    sync: bool = True
    """Switch people sync on."""


@dataclass(frozen=True, slots=True)
class Connected:
    """A connection that works, and what it cannot do yet."""

    tenant: int
    tid: str
    organisation: str
    missing: tuple[str, ...]
    """Permissions that features want and the application lacks; everything else goes on."""
    next_step: str = ""
    """What to do about them."""


class Setup:
    """Makes and keeps the connection of each tenant."""

    def __init__(
        self, database: Database, vault: Vault, connections: Connections, clock: Clock
    ) -> None:
        self._database = database
        self._vault = vault
        self._connections = connections
        self._clock = clock

    async def first_tenant(self) -> int:
        """The tenant that the console starts with, made at the first start."""
        async with self._database.read() as tx:
            tenants = await load_tenants(tx)
        if tenants:
            return tenants[0].number
        async with self._database.write() as tx:
            # Several processes may start at once on an empty database: one after the other.
            await next_change(tx, INSTALLATION)
            tenants = await load_tenants(tx)
            if tenants:
                return tenants[0].number
            return (await create_tenant(tx, FIRST_NAME, now=self._clock.now())).number

    async def connect(self, tenant: int, ask: ConnectAsk, *, by: str) -> Connected:
        """Prove the credential by reading the organisation, users and groups; then store it.

        Raises `SetupRefused`.
        """
        try:
            return await self._connect(tenant, ask, by=by)
        except Unreachable as error:
            raise SetupRefused(error.what, _REACH) from error
        except GraphError as error:
            raise SetupRefused(error.what, error.next_step) from error
        except AddressRefused as error:
            raise SetupRefused(str(error), _ADDRESS) from error

    async def _connect(self, tenant: int, ask: ConnectAsk, *, by: str) -> Connected:
        now = self._clock.now()
        wanted, credential, secret = _read_ask(ask, now)
        tid = await self._tenant_id(wanted, ask.tenant_id)
        wanted = replace(wanted, tid=tid)
        await self._refuse_another_organisation(tenant, tid)
        client, closing = await self._connections.trial(tenant, wanted, credential)
        async with closing:
            organisation = await _organization(client, tid)
            licences_told = _tells_licences(await fetch_users_page(client))
            no_groups = await _refused_groups(client)
        wanted = replace(
            wanted,
            organisation=organisation.name,
            default_domain=organisation.default_domain,
            usage_country=organisation.country,
        )
        async with self._database.write() as tx:
            # Names are given one after the other, in the order of locks that a renaming has.
            await next_change(tx, INSTALLATION)
            before = await load_connection(tx, tenant)
            await self._vault.save(tx, tenant, SECRET_NAME, secret, now=now)
            await save_connection(tx, tenant, wanted)
            await mark_verified(tx, tenant, now=now)
            if before is None or before.tid != tid:
                await forget_cursors(tx, tenant)
                await forget_rounds(tx, tenant)
            former = None if before is None else before.organisation
            await name_after(tx, tenant, organisation.name, former=former, by=by, now=now)
            await _tell_alarms(tx, tenant, no_groups, now)
            text = f"Connected to {organisation.name} ({tid}) by {wanted.credential.value}."
            await append_lines(tx, tenant, [Line(LineKind.TENANT_CONNECTED, text, by=by)], now=now)
            # Else nobody would be in scope, and no licence could bring anybody there.
            everybody = before is None and not licences_told
            await _choose_sync(tx, tenant, on=ask.sync, everybody=everybody, by=by, now=now)
        await self._connections.renew(tenant)
        missing = () if no_groups is None else (no_groups.permission or MAY_READ_GROUPS,)
        next_step = "" if no_groups is None else no_groups.next_step
        return Connected(tenant, tid, organisation.name, missing, next_step)

    async def _refuse_another_organisation(self, tenant: int, tid: str) -> None:
        """People of one organisation would all be leavers of another."""
        async with self._database.read() as tx:
            before = await load_connection(tx, tenant)
            people = (await count_people(tx, tenant)).present
            linked = (await count_links(tx, tenant)).linked
        if before is not None and before.tid != tid and (people or linked):
            raise SetupRefused(
                f"This tenant is connected to {before.organisation} ({before.tid}) and knows "
                f"{people:,} of its people; connecting another organisation would make all of "
                "them leavers.",
                "Connect the other organisation to a tenant of its own: jackfield tenant add NAME.",
            )

    async def _tenant_id(self, wanted: Connection, name: str) -> str:
        cloud = cloud_of(wanted)
        async with self._connections.open_transport(cloud.ca_bundle) as transport:
            return await find_tenant(
                cloud, name, transport, now=self._clock.now(), client_request_id=new_uuid()
            )


def _read_ask(ask: ConnectAsk, now: datetime) -> tuple[Connection, Credential, str]:
    """The connection that is asked for, not proven yet, with its credential and that as it came.

    Raises `SetupRefused` or `CredentialUnusable`.
    """
    if (ask.client_secret is None) == (ask.certificate is None):
        raise SetupRefused(
            "A connection takes one credential: a client secret or a certificate.",
            "Give one of them; a certificate is the better one.",
        )
    own = bool(ask.login_url or ask.graph_url)
    if own and not (ask.login_url and ask.graph_url):
        raise SetupRefused(
            "Own addresses come as a pair: the login address and the Graph address.",
            _ADDRESS,
        )
    kind = CredentialKind.SECRET if ask.certificate is None else CredentialKind.CERTIFICATE
    secret = (ask.client_secret if ask.certificate is None else ask.certificate) or ""
    credential = read_credential(kind, ask.client_id.strip(), secret.encode())
    expires_at = None
    if isinstance(credential, CertificateCredential):
        credential.certificate.check(now)
        expires_at = credential.certificate.ends_at
    wanted = Connection(
        tid="",
        organisation="",
        client_id=ask.client_id.strip(),
        credential=kind,
        secret_name=SECRET_NAME,
        connected_at=now,
        cloud=CloudName.OWN.value if own else _known_cloud(ask.cloud),
        login_url=ask.login_url,
        graph_url=ask.graph_url,
        ca_bundle=ask.ca_bundle,
        credential_expires_at=expires_at,
    )
    return wanted, credential, secret


async def _tell_alarms(
    tx: Transaction, tenant: int, no_groups: PermissionMissing | None, now: datetime
) -> None:
    for alarm in (OUTAGE, GRAPH_AWAY):
        await end_alarm(tx, tenant, alarm, now=now)
    # At once, not with the first sync: who looks for groups is told why none is there.
    if no_groups is None:
        await end_alarm(tx, tenant, GROUPS, now=now)
    else:
        what, next_step = no_groups.what, no_groups.next_step
        await begin_alarm(tx, tenant, GROUPS, text=what, next_step=next_step, now=now)


async def _choose_sync(
    tx: Transaction, tenant: int, *, on: bool, everybody: bool, by: str, now: datetime
) -> None:
    """Switch people sync on where that is asked for, and have it done.

    `everybody`: also those without a mailbox licence.
    """
    stored = await load_people_settings(tx, tenant)
    settings = replace(stored.value, enabled=stored.value.enabled or on)
    if everybody:
        scope = replace(settings.rules.scope, mailbox_licence_only=False)
        settings = replace(settings, rules=replace(settings.rules, scope=scope))
    if settings != stored.value:
        await save_people_settings(
            tx, tenant, settings, expected_version=stored.version, by=by, now=now
        )
    if settings.enabled:
        # At once, however long it had been waiting after failures.
        await want(tx, tenant, _WORK, Mode.FULL, now=now)
    else:
        # What was asked for before there was anything to sync is not begun unasked now.
        await settle(tx, tenant, _WORK, await load_due(tx, tenant, _WORK))


async def _refused_groups(client: GraphClient) -> PermissionMissing | None:
    """Why groups may not be read, as a real call found out; people are synced all the same."""
    try:
        await fetch_groups_page(client)
    except PermissionMissing as error:
        return error
    except (NotFound, Rejected):
        pass  # a server that keeps no groups
    return None


def missing_permissions(alarms: Iterable[Alarm]) -> tuple[str, ...]:
    """Permissions that features want and the application lacks, as far as alarms tell."""
    return (MAY_READ_GROUPS,) if any(one.kind == GROUPS for one in alarms) else ()


def _tells_licences(page: UsersPage) -> bool:
    """Whether a list names licences at all; Microsoft's gives an empty list to who has none."""
    users = page.users.values()
    return not users or any(user.assigned_plans is not None for user in users)


async def _organization(client: GraphClient, tid: str) -> Organization:
    """The organisation's own record; a server that keeps none is known by its tenant id."""
    try:
        return await fetch_organization(client)
    except (NotFound, Rejected):
        return Organization(tid, name=tid, country="", default_domain="", domains=())


def _known_cloud(name: str) -> str:
    try:
        return CloudName(name).value
    except ValueError:
        known = ", ".join(cloud.value for cloud in CloudName if cloud is not CloudName.OWN)
        raise SetupRefused(f"There is no cloud {name!r}.", f"Known are {known}.") from None
