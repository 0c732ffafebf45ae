"""What reading a tenant costs: ours beside a bare aiohttp + msgspec loop, Microsoft's SDK and O365.

Every reader fetches the same pages with the same `$select` from one emulated tenant, in turns
within one run. CPU is this process's own, so the tenant's work does not count and other load
disturbs little; trust the ratios, not the seconds.

    python bench/graph_read.py --people 100000 [--sdk-people 1000] [--rounds 3] [--json]
"""

import argparse
import asyncio
import gc
import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import aiohttp
import msgspec

from jackfield.clock import SystemClock
from jackfield.core.people import ObjectId
from jackfield.core.reach import Reach
from jackfield.core.waiting import MICROSOFT
from jackfield.graph.auth import TokenSource
from jackfield.graph.authority import TenantId
from jackfield.graph.client import GraphClient
from jackfield.graph.cloud import Cloud, own_cloud
from jackfield.graph.credentials import SecretCredential
from jackfield.graph.delta import Position, next_users_step, start_users_round
from jackfield.graph.directory import LIST_USERS
from jackfield.graph.meter import Meter
from jackfield.graph.pace import Pace
from jackfield.graph.transport import AiohttpTransport
from jackfield.graph.wire import USER_SELECT

CLIENT_ID = "9c1f0000-0000-4000-8000-000000000000"
SECRET = "benchmark-secret"
READY_WITHIN_S = 120
PAGES_KEPT = 10


@dataclass(frozen=True, slots=True)
class Tenant:
    """The emulated tenant that runs beside us."""

    url: str
    tenant_id: str
    people: int

    @property
    def cloud(self) -> Cloud:
        return own_cloud(self.url, self.url)

    @property
    def first_page(self) -> str:
        return LIST_USERS.url(f"{self.url}/v1.0")


@dataclass(frozen=True, slots=True)
class Measured:
    """One reader over the whole tenant or a part of it; medians over the rounds."""

    reader: str
    people: int
    wall_s: float
    cpu_s: float
    cpu_ms_per_1000: float
    ratio: float | None
    """CPU for one person, against the bare loop."""


# --- the bare loop ---------------------------------------------------------------------------


class BarePlan(msgspec.Struct, rename="camel"):
    """An entry of `assignedPlans`."""

    service_plan_id: str | None = None
    capability_status: str | None = None
    service: str | None = None


class BareLicence(msgspec.Struct, rename="camel"):
    """An entry of `assignedLicenses`."""

    sku_id: str | None = None


class BareUser(msgspec.Struct, rename="camel"):
    """The same fields as ours, in the plainest way."""

    id: str
    user_principal_name: str | None = None
    display_name: str | None = None
    given_name: str | None = None
    surname: str | None = None
    mail: str | None = None
    account_enabled: bool | None = None
    user_type: str | None = None
    business_phones: list[str] | None = None
    mobile_phone: str | None = None
    department: str | None = None
    company_name: str | None = None
    office_location: str | None = None
    job_title: str | None = None
    preferred_language: str | None = None
    usage_location: str | None = None
    assigned_plans: list[BarePlan] | None = None
    assigned_licenses: list[BareLicence] | None = None


class BarePage(msgspec.Struct):
    """A page and its link."""

    value: list[BareUser]
    next_link: str | None = msgspec.field(default=None, name="@odata.nextLink")


BARE = msgspec.json.Decoder(BarePage)


class BareLoop:
    """GET, read, decode, follow; nothing checked, nothing kept."""

    def __init__(self, tenant: Tenant, token: str) -> None:
        self._tenant = tenant
        self._headers = {"Authorization": f"Bearer {token}"}
        self.bodies: list[bytes] = []

    async def read(self, most: int) -> int:
        people, url = 0, self._tenant.first_page
        async with aiohttp.ClientSession(headers=self._headers) as session:
            while url and people < most:
                async with session.get(url) as answer:
                    body = await answer.read()
                page = BARE.decode(body)
                people += len(page.value)
                url = page.next_link
                if len(self.bodies) < PAGES_KEPT:
                    self.bodies.append(body)
        return people

    async def decode_kept(self, _: int) -> int:
        """Decoding alone, over a few pages of the same bytes."""
        return sum(len(BARE.decode(body).value) for body in self.bodies)


# --- ours ------------------------------------------------------------------------------------


class Ours:
    """A full round as a sync walks it: bookmark, list, catch up; checks, hashes, comparison."""

    def __init__(self, client: GraphClient) -> None:
        self._client = client
        self.known: dict[ObjectId, int] = {}

    async def read(self, _: int) -> int:
        people = 0
        at: object = start_users_round(None)
        while isinstance(at, Position):
            step = await next_users_step(self._client, at)
            if step.page is not None:
                people += len(step.page.users)
                for one in step.page.changed(self.known):
                    self.known[one.person.id] = one.record_hash
            at = step.after
        return people

    async def read_anew(self, most: int) -> int:
        self.known.clear()
        return await self.read(most)


# --- Microsoft's SDK -------------------------------------------------------------------------


async def msgraph_sdk(tenant: Tenant, token: str, most: int) -> int:
    """`msgraph-sdk` with its own models; the token is handed to it, the address changed."""
    from kiota_abstractions.authentication import (
        AccessTokenProvider,
        AllowedHostsValidator,
        BaseBearerTokenAuthenticationProvider,
    )
    from kiota_abstractions.base_request_configuration import RequestConfiguration
    from msgraph import GraphServiceClient
    from msgraph.generated.users.users_request_builder import UsersRequestBuilder
    from msgraph.graph_request_adapter import GraphRequestAdapter

    class Given(AccessTokenProvider):
        async def get_authorization_token(self, uri, additional_authentication_context=None):  # noqa: ARG002
            return token

        def get_allowed_hosts_validator(self):
            return AllowedHostsValidator([])

    adapter = GraphRequestAdapter(BaseBearerTokenAuthenticationProvider(Given()))
    adapter.base_url = f"{tenant.url}/v1.0"
    users = GraphServiceClient(request_adapter=adapter).users
    query = UsersRequestBuilder.UsersRequestBuilderGetQueryParameters(
        select=USER_SELECT.split(","), top=999
    )
    page = await users.get(RequestConfiguration(query_parameters=query))
    people = len(page.value)
    while page.odata_next_link and people < most:
        page = await users.with_url(page.odata_next_link).get()
        people += len(page.value)
    return people


async def o365(tenant: Tenant, token: str, most: int) -> int:
    """`O365`, synchronous, so in a thread; its session is given the token and the address."""
    from O365 import Account, MSGraphProtocol
    from O365.utils.token import MemoryTokenBackend

    class Here(MSGraphProtocol):
        _protocol_url = f"{tenant.url}/"

    def read() -> int:
        account = Account(
            (CLIENT_ID, SECRET),
            auth_flow_type="credentials",
            tenant_id=tenant.tenant_id,
            protocol=Here(),
            token_backend=MemoryTokenBackend(),
        )
        account.con.session = account.con.get_session()
        account.con.session.headers["Authorization"] = f"Bearer {token}"
        directory = account.directory()
        query = directory.q().select(*USER_SELECT.split(","))
        return sum(1 for _ in directory.get_users(limit=most, query=query))

    return await asyncio.to_thread(read)


# --- measuring -------------------------------------------------------------------------------

Reader = Callable[[int], Awaitable[int]]


async def timed(reader: Reader, most: int) -> tuple[int, float, float]:
    gc.collect()
    wall, cpu = time.perf_counter(), time.process_time()
    people = await reader(most)
    return people, time.perf_counter() - wall, time.process_time() - cpu


async def measure(tenant: Tenant, sdk_people: int, rounds: int) -> list[Measured]:
    clock = SystemClock()
    async with AiohttpTransport(user_agent="Jackfield-benchmark") as transport:
        credential = SecretCredential(CLIENT_ID, SECRET)
        tenant_id = TenantId(tenant.tenant_id)
        tokens = TokenSource(tenant.cloud, tenant_id, credential, transport, clock)
        client = GraphClient(
            "benchmark",
            tenant.cloud,
            tokens,
            transport,
            pace=Pace(clock, random.Random(1)),
            meter=Meter(),
            reach=Reach(MICROSOFT),
            clock=clock,
        )
        token = await tokens.token()
        bare, ours = BareLoop(tenant, token), Ours(client)
        whole: list[tuple[str, Reader, int]] = [
            ("aiohttp + msgspec, bare loop", bare.read, tenant.people),
            ("ours, nothing changed", ours.read, tenant.people),
            ("ours, everybody new", ours.read_anew, tenant.people),
            ("msgspec decoding alone", bare.decode_kept, tenant.people),
        ]
        outside: list[tuple[str, Reader, int]] = []
        if sdk_people:
            part = min(sdk_people, tenant.people)
            outside = [
                ("msgraph-sdk", lambda most: msgraph_sdk(tenant, token, most), part),
                ("O365", lambda most: o365(tenant, token, most), part),
            ]
        await ours.read(tenant.people)  # learns the hashes; also warms everything up
        await bare.read(tenant.people)
        for _, reader, _ in outside:
            await reader(1)  # imports
        taken: dict[str, list[tuple[int, float, float]]] = {}
        for _ in range(rounds):
            for name, reader, most in whole + outside:
                taken.setdefault(name, []).append(await timed(reader, most))
        return results(taken)


def results(taken: dict[str, list[tuple[int, float, float]]]) -> list[Measured]:
    """Medians; the ratio is the median of the rounds' own ratios."""
    baseline = [cpu / people for people, _, cpu in next(iter(taken.values()))]
    rows = []
    for name, runs in taken.items():
        per_person = [cpu / people for people, _, cpu in runs]
        rows.append(
            Measured(
                reader=name,
                people=runs[0][0],
                wall_s=round(statistics.median(wall for _, wall, _ in runs), 3),
                cpu_s=round(statistics.median(cpu for _, _, cpu in runs), 3),
                cpu_ms_per_1000=round(statistics.median(per_person) * 1e6, 2),
                ratio=round(
                    statistics.median(a / b for a, b in zip(per_person, baseline, strict=True)), 2
                ),
            )
        )
    return rows


@contextmanager
def emulated_tenant(people: int) -> Iterator[Tenant]:
    """The emulated tenant as a process of its own on loopback; ended when we leave."""
    with tempfile.TemporaryDirectory(prefix="jackfield-bench-") as folder:
        ready = Path(folder, "ready.json")
        command = [sys.executable, "-m", "m365_emulator", "--port", "0", "--people", str(people)]
        command += ["--ready-file", str(ready), "--register-app", CLIENT_ID]
        command += ["--client-secret", SECRET]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        try:
            until = time.monotonic() + READY_WITHIN_S
            while not ready.exists():
                if process.poll() is not None or time.monotonic() > until:
                    raise SystemExit("the emulated tenant did not start")
                time.sleep(0.05)
            facts = json.loads(ready.read_text())
            yield Tenant(facts["url"], facts["tenant_id"], facts["people"])
        finally:
            process.terminate()
            process.wait(timeout=10)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--people", type=int, default=100_000)
    parser.add_argument(
        "--sdk-people", type=int, default=1_000, help="for msgraph-sdk and O365; 0 leaves them out"
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    with emulated_tenant(arguments.people) as tenant:
        rows = asyncio.run(measure(tenant, arguments.sdk_people, arguments.rounds))
    if arguments.json:
        print(json.dumps({"graph_read": [asdict(row) for row in rows]}, indent=2))
        return
    print(f"{'reader':32}{'people':>9}{'wall s':>9}{'CPU s':>9}{'ms/1,000':>10}{'ratio':>7}")
    for row in rows:
        print(
            f"{row.reader:32}{row.people:>9,}{row.wall_s:>9.2f}{row.cpu_s:>9.2f}"
            f"{row.cpu_ms_per_1000:>10.2f}{row.ratio:>7.2f}"
        )


if __name__ == "__main__":
    main()
