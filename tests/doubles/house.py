"""The product's flows whole, on virtual time: real database, emulated tenant in process,
deterministic runner.

Four things are replaced and nothing else: the clock, the durable runner, the way to Microsoft
(straight into the emulator's ASGI app) and, if a test says so, the phone system.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from doubles import inline_sqlite
from doubles.asgi_transport import AsgiTransport
from doubles.virtual_clock import VirtualClock
from jackfield.core.extensions import Extension, Link
from jackfield.core.people import ObjectId
from jackfield.core.rules import PeopleRules
from jackfield.core.schedule import Mode
from jackfield.durable import Border, Hook, Journal, Lane, Rehearsal, RunId
from jackfield.flows.applying import Applying
from jackfield.flows.asks import Ask
from jackfield.flows.connections import Connections
from jackfield.flows.directory import DirectoryReading
from jackfield.flows.known_phones import KnownPhones
from jackfield.flows.outages import Outages
from jackfield.flows.people import APPLY, AT_ONCE, PERSON, SYNC, PeopleSync
from jackfield.flows.people_run import PeopleRun
from jackfield.flows.phones import PhoneReading
from jackfield.flows.photos import PHOTOS, PhotoSync
from jackfield.flows.photos_run import PhotosRun
from jackfield.flows.planning import Planning
from jackfield.flows.setup import ConnectAsk, Connected, Setup
from jackfield.flows.tenants import Tenants
from jackfield.flows.watched_phones import WatchedPhones
from jackfield.graph.transport import Request, Response, Transport
from jackfield.pbx.builtin import BuiltInPhones
from jackfield.pbx.port import PhoneSystem
from jackfield.store.alarms import Alarm, open_alarms
from jackfield.store.database import Database
from jackfield.store.journal import StoredLine, load_lines
from jackfield.store.links import load_all_links
from jackfield.store.phones import load_extensions
from jackfield.store.plan_actions import StoredAction, load_actions
from jackfield.store.plans import PlanStatus, StoredPlan, list_plans, load_plan, move_plan
from jackfield.store.runs import StoredRun, Trigger, list_runs
from jackfield.store.settings import (
    Approval,
    PeopleSettings,
    load_people_settings,
    save_people_settings,
)
from jackfield.store.vault import Vault
from m365_emulator.clock import Clock as StageClock
from m365_emulator.server import Emulator

SECRET = "the-secret"
KEY = "jackfield.key"
LANE = Lane("people", poll=0.5, concurrency=AT_ONCE)


class House:
    """One installation and the organisations it is tied to. Make it with `open_house`."""

    def __init__(self, database: Database, folder: Path, clock: VirtualClock, seed: int) -> None:
        self.database = database
        self.clock = clock
        self.vault = Vault.open(folder / KEY)
        self.stages: dict[str, Emulator] = {}
        self.apps: dict[str, str] = {}
        """Client ids by host."""
        self.phones: dict[int, PhoneSystem] = {}
        self.journal = Journal()
        self.chunk = 250
        """Actions that are carried out in one step."""
        self.tamper: Callable[[bytes], bytes] | None = None
        """What becomes of the body of each answer of Microsoft's."""
        self._folder = folder
        self._rng = random.Random(seed)
        self.build()

    def build(self, hook: Hook | None = None) -> None:
        """Everything that lives in a process, anew: what a start after a crash does."""
        self.connections = Connections(
            self.database,
            self.vault,
            self.clock,
            open_transport=self._open_transport,
            rng=self._rng,
        )
        self.setup = Setup(self.database, self.vault, self.connections, self.clock)
        self.tenants = Tenants(self.database, self.connections, self.clock)
        self.outages = Outages(self.database, self.connections.reaches, self.clock)
        self.planning = Planning(self.database, self.watched, self.clock)
        self.people = PeopleSync(self.database, self.clock)
        flows = PeopleRun(
            self.database,
            DirectoryReading(self.database, self.connections, self.clock),
            PhoneReading(self.database, self.watched, self.clock),
            self.planning,
            Applying(self.database, self.watched, self.clock, chunk=self.chunk),
            self.clock,
        )
        self.runner = Rehearsal(self.journal, [LANE], clock=self.clock, rng=self._rng, hook=hook)
        self.runner.define(SYNC, LANE, flows.sync)
        self.runner.define(PERSON, LANE, flows.sync)
        self.runner.define(APPLY, LANE, flows.apply)
        self.people.work_with(self.runner)
        photos = PhotosRun(self.database, self.connections, self.watched, self.clock)
        self.runner.define(PHOTOS, LANE, photos.sync)
        self.photos = PhotoSync(self.database, self.clock)
        self.photos.work_with(self.runner)

    def phone(self, tenant: int) -> PhoneSystem:
        """The tenant's phone system: the built-in one unless a test has put another in `phones`."""
        if tenant not in self.phones:
            self.phones[tenant] = BuiltInPhones(self.database, tenant, self.clock)
        return self.phones[tenant]

    def watched(self, tenant: int) -> PhoneSystem:
        """The same as flows know it."""
        phones = KnownPhones(self.phone(tenant), self.database, tenant)
        return WatchedPhones(phones, self.outages.phones[tenant], self.clock)

    def raise_stage(
        self, people: int = 60, *, seed: int = 5, host: str = "localhost:8365"
    ) -> Emulator:
        """An emulated organisation on the same virtual time, with an application of the given
        secret.
        """
        stage = Emulator(
            people=people, seed=seed, clock=StageClock(self.clock.now), sleep=self.clock.sleep
        )
        self.apps[host] = stage.register(secret=SECRET).app_id
        self.stages[host] = stage
        return stage

    async def connect(
        self, stage: Emulator, tenant: int = 1, *, sync: bool = False, secret: str = SECRET
    ) -> Connected:
        """Connect a tenant to an organisation, as an administrator would."""
        host = next(host for host, one in self.stages.items() if one is stage)
        ask = ConnectAsk(
            stage.tenant.id,
            self.apps[host],
            client_secret=secret,
            login_url=f"http://{host}",
            graph_url=f"http://{host}",
            sync=sync,
        )
        return await self.setup.connect(tenant, ask, by="admin")

    async def choose(
        self,
        rules: PeopleRules | None = None,
        tenant: int = 1,
        *,
        approval: Approval = Approval.AUTOMATIC,
        **changes: Any,
    ) -> None:
        """Save the administrator's choices about people sync."""
        async with self.database.write() as tx:
            stored = await load_people_settings(tx, tenant)
            wanted = replace(
                stored.value, rules=rules or stored.value.rules, approve=approval, **changes
            )
            await save_people_settings(
                tx,
                tenant,
                wanted,
                expected_version=stored.version,
                by="admin",
                now=self.clock.now(),
            )

    async def settings(self, tenant: int = 1) -> PeopleSettings:
        async with self.database.read() as tx:
            return (await load_people_settings(tx, tenant)).value

    async def sync(
        self,
        tenant: int = 1,
        *,
        full: bool = False,
        person: str = "",
        preview: bool = False,
    ) -> StoredRun:
        """Ask for a run, let everything come to rest, and answer the run."""
        mode = Mode.FULL if full else Mode.DELTA
        await self.people.start(tenant, Ask(mode, Trigger.ADMINISTRATOR, "admin", person, preview))
        await self.runner.idle()
        return (await self.runs(tenant))[0]

    async def sync_photos(self, tenant: int = 1) -> StoredRun:
        """Ask for a look at everybody's photo, let it come to rest, and answer the run."""
        await self.photos.start(tenant, trigger=Trigger.ADMINISTRATOR, by="admin")
        await self.runner.idle()
        return (await self.runs(tenant))[0]

    async def sweep_photos(self) -> int:
        """Look for photo runs that are due, and let them come to rest; how many were begun."""
        begun = await self.photos.sweep()
        await self.runner.idle()
        return begun

    async def sweep(self, *, after_s: float = 0.0) -> int:
        """Let time pass, look for what is due, and let it come to rest; returns what was begun."""
        self.clock.advance(after_s)
        begun = await self.people.sweep()
        await self.runner.idle()
        return begun

    async def restart(self, hook: Hook | None = None, *, forget_work: bool = False) -> None:
        """What a start after a crash does; with `forget_work` the runner's tables are gone."""
        await self.runner.stop()
        await self.connections.close()
        if forget_work:
            self.journal = Journal()
        self.build(hook)
        await self.runner.start()
        await self.people.take_stock()
        await self.photos.take_stock()

    async def approve(self, plan: int, tenant: int = 1, *, release: bool = False) -> StoredRun:
        """Approve a plan and let it be carried out."""
        await self.people.approve(tenant, plan, by="admin", release=release)
        await self.runner.idle()
        return (await self.runs(tenant))[0]

    async def decide(self, plan: int, status: PlanStatus, *, by: str, tenant: int = 1) -> None:
        """A decision about a proposed plan of which nothing follows yet."""
        async with self.database.write() as tx:
            now = self.clock.now()
            assert await move_plan(tx, tenant, plan, [PlanStatus.PROPOSED], status, now=now, by=by)

    async def runs(self, tenant: int = 1) -> tuple[StoredRun, ...]:
        """Runs, the newest first."""
        async with self.database.read() as tx:
            return await list_runs(tx, tenant)

    async def plans(self, tenant: int = 1) -> tuple[StoredPlan, ...]:
        """Plans, the newest first."""
        async with self.database.read() as tx:
            found = [await load_plan(tx, tenant, one.id) for one in await list_plans(tx, tenant)]
        return tuple(one for one in found if one is not None)

    async def actions(self, plan: int, tenant: int = 1) -> tuple[StoredAction, ...]:
        """A plan's actions in their order (the first 1,000)."""
        async with self.database.read() as tx:
            return (await load_actions(tx, tenant, plan, limit=1000)).actions

    async def links(self, tenant: int = 1) -> dict[ObjectId, Link]:
        async with self.database.read() as tx:
            return await load_all_links(tx, tenant, {})

    async def extensions(self, tenant: int = 1) -> list[Extension]:
        """Extensions as the phone system itself tells them, by number."""
        found = [
            one async for page in self.phone(tenant).read_extensions() for one in page.extensions
        ]
        return sorted(found, key=lambda one: (len(one.number), one.number))

    async def by_name(self, tenant: int = 1) -> dict[str, Extension]:
        """Extensions of the phone system by the name they bear."""
        return {
            f"{one.fields.first_name} {one.fields.last_name}".strip(): one
            for one in await self.extensions(tenant)
        }

    async def numbers(self, tenant: int = 1) -> dict[str, str]:
        """Numbers of the phone system by the name they bear."""
        return {name: str(one.number) for name, one in (await self.by_name(tenant)).items()}

    async def departments(self, tenant: int = 1) -> dict[str, list[str]]:
        """Departments of the phone system by name, and whose extensions are in them."""
        members: dict[str, list[str]] = {}
        people = await self.by_name(tenant)
        for department in await self.phone(tenant).read_departments():
            members[department.name] = sorted(
                name for name, one in people.items() if department.key in one.departments
            )
        return members

    async def pictured(self, tenant: int = 1) -> list[Extension]:
        """Extensions as we last saw them, by number."""
        async with self.database.read() as tx:
            found = await load_extensions(tx, tenant)
        return sorted(found.values(), key=lambda one: (len(one.number), one.number))

    async def number_of(self, person: str, tenant: int = 1) -> str | None:
        """The number of a person's extension."""
        link = (await self.links(tenant)).get(ObjectId(person))
        return None if link is None else link.number

    async def alarms(self, tenant: int = 1) -> tuple[Alarm, ...]:
        """Alarms that stand."""
        async with self.database.read() as tx:
            return await open_alarms(tx, tenant)

    async def lines(self, tenant: int = 1, limit: int = 500) -> tuple[StoredLine, ...]:
        """The journal, the newest line first."""
        async with self.database.read() as tx:
            return (await load_lines(tx, tenant, limit=limit)).lines

    @asynccontextmanager
    async def _open_transport(self, _ca_bundle: str) -> AsyncIterator[Transport]:
        yield _ByHost(self)


class Interlude:
    """A hook for `House.restart`: does something when a step of that name was done so often.

    A coroutine goes on beside the run.
    """

    def __init__(self, step: str, nth: int, action: Callable[[], object]) -> None:
        self._step = step
        self._left = nth
        self._action = action
        self.begun: list[asyncio.Future[Any]] = []

    def __call__(self, border: Border, _run: RunId, step: str) -> None:
        if border is Border.RECORDED and step == self._step:
            self._left -= 1
            if self._left == 0 and asyncio.iscoroutine(doing := self._action()):
                self.begun.append(asyncio.ensure_future(doing))


class _ByHost:
    """Sends a request into the stage that its address names."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def send(self, request: Request) -> Response:
        host = request.url.split("/")[2]
        response: Response = await AsgiTransport(self._house.stages[host]).send(request)
        if self._house.tamper is not None:
            response = replace(response, body=self._house.tamper(response.body))
        return response


class _Rehearsed:
    """SQLite for one test after the other, with the same engines, and a copy of the same house:
    its key, and a database with the first tenant and nothing else.

    An engine compiles each statement once; bringing a file to its shape takes time, and so does
    waiting until a key is safe on the disk.
    """

    def __init__(self) -> None:
        self._place = inline_sqlite.Place()
        self._empty = self._key = b""
        self._database: Database | None = None

    async def open(self, url: str, folder: Path) -> Database:
        path = self._place.path = Path(url.removeprefix("sqlite:///"))
        if self._database is None:
            self._database = await Database.open(url, sqlite_connect=self._place.connect)
            first = House(self._database, folder, VirtualClock(), seed=1)
            await first.setup.first_tenant()
            await first.connections.close()
            await self._database.close()
            self._take_in(path, folder / KEY)
        self._lay_out(path, folder / KEY)
        return self._database

    def _take_in(self, path: Path, key: Path) -> None:
        self._empty, self._key = path.read_bytes(), key.read_bytes()

    def _lay_out(self, path: Path, key: Path) -> None:
        path.write_bytes(self._empty)
        key.touch(0o600)
        key.write_bytes(self._key)


_rehearsed = _Rehearsed()


@asynccontextmanager
async def open_house(url: str, folder: Path, *, seed: int = 1) -> AsyncIterator[House]:
    """A house on an empty database, with its first tenant and a started runner."""
    asyncio.get_running_loop().set_default_executor(inline_sqlite.InlineExecutor())
    sqlite = url.startswith("sqlite:")
    database = await (_rehearsed.open(url, folder) if sqlite else Database.open(url))
    try:
        house = House(database, folder, VirtualClock(), seed)
        await house.setup.first_tenant()
        await house.runner.start()
        try:
            yield house
        finally:
            await house.runner.stop()
            await house.connections.close()
    finally:
        await database.close()
