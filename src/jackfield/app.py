"""The fuse box: builds every object once, wires it, starts it in order and stops it in order.

The only file that names a phone system. Nobody below reads settings; they are handed values.
"""

from __future__ import annotations

import asyncio
import os
import random
from contextlib import AbstractAsyncContextManager, suppress
from datetime import timedelta
from importlib.metadata import version
from io import TextIOWrapper
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from uuid import uuid4

import msgspec
import structlog

from jackfield.clock import SystemClock
from jackfield.durable import Durable, GivenUp, Lane, NotRunningError
from jackfield.flows.applying import Applying
from jackfield.flows.by_hand import PhonesByHand
from jackfield.flows.connections import Connections
from jackfield.flows.directory import DirectoryReading
from jackfield.flows.doubts import Doubts
from jackfield.flows.health import Health
from jackfield.flows.keys import KeyRotation
from jackfield.flows.numbers import Numbers
from jackfield.flows.outages import LOOK_EVERY_S, Outages
from jackfield.flows.people import APPLY, PERSON, SYNC, PeopleSync
from jackfield.flows.people_run import PeopleRun
from jackfield.flows.phones import PhoneReading
from jackfield.flows.planning import Planning
from jackfield.flows.setup import Setup
from jackfield.flows.signin import LocalSignIn
from jackfield.flows.trials import Trials
from jackfield.flows.undo import Undoing
from jackfield.flows.watched_phones import WatchedPhones
from jackfield.graph.transport import AiohttpTransport, Transport
from jackfield.holding import InUse, make_folder, take_lock
from jackfield.pbx.builtin import BuiltInPhones
from jackfield.settings import DATABASE_FILE, KEY_FILE, SERVER_FILE, ServerFile, Settings
from jackfield.store.database import Database
from jackfield.store.errors import DatabaseUnusable, SecretUnreadable, StoreError
from jackfield.store.leases import Lease, give_up_lease, renew_lease, take_lease
from jackfield.store.schema import INSTALLATION
from jackfield.store.tokens import create_token, revoke_namesakes, revoke_token
from jackfield.store.vault import Vault
from jackfield.web.live import Hub, look_at
from jackfield.web.login_limit import LoginLimit
from jackfield.web.rooms import Rooms

if TYPE_CHECKING:
    from litestar import Litestar

SWEEP_EVERY_S = 1.0
FIGURES_EVERY_S = 60.0
FORGET_EVERY_S = 6 * 3600.0
RUNS_KEPT = timedelta(days=30)
LEASE_S = 5.0
FAREWELL_S = 0.5

_log = structlog.get_logger("jackfield.app")


class App:
    """The product in one process. Enter it to open the database; `start_work` begins the work."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.clock = SystemClock()
        self.new_password: str | None = None
        """The first administrator's password, if this server has made it."""
        self.port = settings.listen_port
        self.lost = asyncio.Event()
        """Set when another process has taken the database over: this one must end."""
        self._name = uuid4().hex
        self._lease: Lease | None = None
        self._lock: TextIOWrapper | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._token = ""
        self._token_id = ""
        self._running = False

    async def __aenter__(self) -> Self:
        make_folder(self.settings.data_dir)
        self._lock = await take_lock(self.settings.data_dir, self.clock)
        try:
            self.database = await Database.open(database_url(self.settings))
            try:
                await self._build()
            except BaseException:
                await self._end_tasks()
                await self.database.close()
                raise
        except BaseException:
            self._lock.close()
            raise
        return self

    async def _build(self) -> None:
        """Every object, in the order in which they need each other."""
        settings = self.settings
        if not self.database.sqlite:
            await self._take_database()
        self.vault = Vault.open(settings.data_dir / KEY_FILE)
        async with self.database.read() as tx:
            await self.vault.check(tx)
        clock, database = self.clock, self.database
        self.connections = Connections(
            database,
            self.vault,
            clock,
            open_transport=_open_transport,
            data_dir=settings.data_dir,
            rng=random.Random(),
        )
        self.health = Health(database, self.connections, clock)
        self.setup = Setup(database, self.vault, self.connections, clock)
        self.tenant = await self.setup.first_tenant()
        self.signin = LocalSignIn(database, clock)
        self.outages = Outages(database, self.connections.reaches, clock)
        self.planning = Planning(database, self._phone_of, clock)
        reading = PhoneReading(database, self._phone_of, clock)
        self.by_hand = PhonesByHand(database, self._phone_of, self._directory_of, reading, clock)
        self.people = PeopleSync(database, clock)
        flows = PeopleRun(
            database,
            DirectoryReading(database, self.connections, clock),
            reading,
            self.planning,
            Applying(database, self._phone_of, clock),
            clock,
        )
        lane = Lane("people", poll=0.5, concurrency=8)
        person = Lane("person", poll=0.5, concurrency=8)
        self.durable = Durable(
            database.url, "main", [lane, person], given_up=self._given_up, clock=clock
        )
        self.durable.define(SYNC, lane, flows.sync)
        self.durable.define(PERSON, person, flows.sync)
        self.durable.define(APPLY, lane, flows.apply)
        self.people.work_with(self.durable)
        self.hub = Hub(look_at(database, self.tenant, clock), clock)
        self.rooms = Rooms(
            settings=settings,
            tenant=self.tenant,
            database=database,
            clock=clock,
            people=self.people,
            planning=self.planning,
            setup=self.setup,
            signin=self.signin,
            login_limit=LoginLimit(clock),
            phones=self.by_hand,
            doubts=Doubts(database, self.planning, clock),
            undoing=Undoing(database, clock),
            numbers=Numbers(database, self.planning.limits, clock),
            trials=Trials(database, self.connections, self.planning.limits),
            keys=KeyRotation(database, self.vault, clock),
            hub=self.hub,
            graph_figures=self.health.figures,
        )

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.hub.stop()
        if self._token_id:
            (self.settings.data_dir / SERVER_FILE).unlink(missing_ok=True)
        await self._end_tasks()
        with suppress(NotRunningError, RuntimeError):
            await self.durable.stop()
        try:
            async with asyncio.timeout(FAREWELL_S):
                await self._say_farewell()
        except (StoreError, TimeoutError) as trouble:
            # The next start finds an expired lease and revokes the token.
            why = str(trouble) or "no answer"
            _log.warning("app.no_farewell", because=f"The database did not take it: {why}")
        await self.connections.close()
        await self.database.close()
        if self._lock is not None:
            self._lock.close()

    async def _say_farewell(self) -> None:
        """Give back what this process holds in the database."""
        async with self.database.write() as tx:
            if self._token_id:
                await revoke_token(tx, INSTALLATION, self._token_id, now=self.clock.now())
            if not self.database.sqlite:
                await give_up_lease(tx, INSTALLATION, "process", self._name)

    async def _end_tasks(self) -> None:
        for task in self._tasks:
            task.cancel()
        for ended in await asyncio.gather(*self._tasks, return_exceptions=True):
            if isinstance(ended, Exception):
                _log.error("task.died", error=str(ended))

    @property
    def url(self) -> str:
        """The address of the console as people type it."""
        settings = self.settings
        return settings.public_url.rstrip("/") if settings.public_url else self._own_url

    @property
    def _own_url(self) -> str:
        host = self.settings.listen_host
        shown = f"[{host}]" if ":" in host else host
        return f"http://{shown}:{self.port}"

    @property
    def site(self) -> Litestar:
        """The web application."""
        from jackfield.web.api import api_router
        from jackfield.web.site import build_site

        return build_site(self.rooms, [api_router(self.rooms)])

    async def start_runs(self) -> None:
        """Start the durable runner: what is asked for is done, and nothing begins by itself.

        May be called again after it has failed.
        """
        if not self._running:
            await self.durable.start()
            self._running = True
            self._begin("outages", self.outages.look, LOOK_EVERY_S)
        await self.people.take_stock()

    async def start_work(self) -> None:
        """Start the durable runner, and whatever looks at the clock."""
        await self.start_runs()
        self._begin("sweep", self._sweep, SWEEP_EVERY_S)
        self._begin("figures", self.health.write_figures, FIGURES_EVERY_S)
        self._begin("forget", self._forget_old, FORGET_EVERY_S)

    async def command_token(self) -> str:
        """A token for commands on this machine, revoked when the process ends."""
        if not self._token:
            async with self.database.write() as tx:
                self._token, token = await create_token(
                    tx,
                    INSTALLATION,
                    name="command line",
                    role="owner",
                    created_by="Jackfield",
                    now=self.clock.now(),
                )
                # One process at a time works here: those of killed ones are nobody's.
                await revoke_namesakes(tx, INSTALLATION, token, now=self.clock.now())
            self._token_id = token.id
        return self._token

    async def announce(self) -> None:
        """Leave address and token for commands on this machine, readable by the owner only."""
        file = ServerFile(self._own_url, await self.command_token(), os.getpid())
        path = self.settings.data_dir / SERVER_FILE
        beside = path.with_suffix(".new")
        beside.unlink(missing_ok=True)
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as out:
            out.write(msgspec.json.encode(file))
        beside.replace(path)

    async def _take_database(self) -> None:
        """Hold a PostgreSQL database for this process. Raises `InUse`.

        One process works at a time; the lease of a killed one runs out within seconds.
        """
        patience = LEASE_S + 2.0
        while not await self._renew_database():
            if patience <= 0:
                raise InUse("The database", "that holds its lease")
            await self.clock.sleep(0.5)
            patience -= 0.5
        self._begin("lease", self._keep_database, LEASE_S / 5)

    async def _renew_database(self) -> bool:
        async with self.database.write() as tx:
            length, now = timedelta(seconds=LEASE_S), self.clock.now()
            if self._lease is None:
                lease = await take_lease(
                    tx, INSTALLATION, "process", self._name, length=length, now=now
                )
            else:
                lease = await renew_lease(tx, INSTALLATION, self._lease, length=length, now=now)
        self._lease = lease or self._lease
        return lease is not None

    async def _keep_database(self) -> None:
        if not await self._renew_database():
            _log.critical("database.taken_over")
            self.lost.set()

    def watch(self) -> None:
        """Let the hub look for changes while somebody watches."""
        self._tasks.append(asyncio.create_task(self.hub.run(), name="hub"))

    def _begin(self, name: str, work: Any, every_s: float) -> None:
        self._tasks.append(asyncio.create_task(self._repeat(name, work, every_s), name=name))

    async def _repeat(self, name: str, work: Any, every_s: float) -> None:
        """Do something now and then, for ever; a failure is said once until it works again."""
        failing = False
        while True:
            try:
                await work()
            except Exception as error:
                if not failing:
                    _log.exception("task.failed", task=name, error=str(error))
                failing = True
            else:
                failing = False
            await self.clock.sleep(every_s)

    async def _sweep(self) -> None:
        await self.people.sweep()

    async def _forget_old(self) -> None:
        await self.health.forget_old()
        await self.durable.purge(RUNS_KEPT)

    def _directory_of(self, tenant: int) -> BuiltInPhones:
        return BuiltInPhones(self.database, tenant, self.clock)

    def _phone_of(self, tenant: int) -> WatchedPhones:
        phones = self._directory_of(tenant)
        return WatchedPhones(phones, self.outages.phones[tenant], self.clock)

    async def _given_up(self, run: GivenUp) -> None:
        _log.error("run.given_up", flow=run.flow, run=run.run_id)


async def examine_database(settings: Settings) -> tuple[str, str] | None:
    """Open the database and read its secrets; what is wrong and what to do about it, or None."""
    try:
        database = await Database.open(database_url(settings))
    except DatabaseUnusable as error:
        return error.text, error.next_step
    try:
        async with database.read() as tx:
            await Vault.open(settings.data_dir / KEY_FILE, create=False).check(tx)
    except SecretUnreadable as error:
        return str(error), ""
    finally:
        await database.close()
    return None


def database_url(settings: Settings) -> str:
    """The address of our own database."""
    return settings.database_url or f"sqlite:///{settings.data_dir / DATABASE_FILE}"


def _open_transport(ca_bundle: Path | None) -> AbstractAsyncContextManager[Transport]:
    return AiohttpTransport(ca_bundle=ca_bundle, user_agent=f"Jackfield/{version('jackfield')}")
