"""The fuse box: builds every object once, wires it, starts it in order and stops it in order.

The only file that names a phone system. Nobody below reads settings; they are handed values.
"""

from __future__ import annotations

import asyncio
import os
import random
import secrets
from contextlib import suppress
from datetime import timedelta
from enum import Enum, auto
from types import TracebackType
from typing import TYPE_CHECKING, Self

import structlog

from jackfield.background import Background
from jackfield.clock import SystemClock
from jackfield.durable import Durable, GivenUp, Lane, NotRunningError
from jackfield.flows.applying import Applying
from jackfield.flows.by_hand import PhonesByHand
from jackfield.flows.connections import Connections
from jackfield.flows.directory import DirectoryReading
from jackfield.flows.doubts import Doubts
from jackfield.flows.graph_budget import GraphBudgets
from jackfield.flows.health import Health
from jackfield.flows.keys import KeyRotation
from jackfield.flows.known_phones import KnownPhones
from jackfield.flows.numbers import Numbers
from jackfield.flows.outages import LOOK_EVERY_S, Outages
from jackfield.flows.people import APPLY, AT_ONCE, PERSON, SYNC, PeopleSync
from jackfield.flows.people_run import PeopleRun
from jackfield.flows.phones import PhoneReading
from jackfield.flows.photos import PHOTOS, PhotoSync
from jackfield.flows.photos_run import PhotosRun
from jackfield.flows.planning import Planning
from jackfield.flows.replacing import Replacing
from jackfield.flows.setup import Setup
from jackfield.flows.signin import LocalSignIn
from jackfield.flows.slots import KEEP_EVERY_S, TOKEN_MAKER, Slot, command_token_name
from jackfield.flows.tenants import Tenants
from jackfield.flows.trials import Trials
from jackfield.flows.turns import Turns
from jackfield.flows.undo import Undoing
from jackfield.flows.watched_phones import WatchedPhones
from jackfield.graph.transport import open_transport
from jackfield.holding import Held, check_not_foreign, make_folder, take_place
from jackfield.opening import database_url, open_vault
from jackfield.pbx.builtin import BuiltInPhones
from jackfield.settings import DATABASE_FILE, KEY_FILE, Role, ServerFile, Settings
from jackfield.store.database import Database
from jackfield.store.errors import StoreError
from jackfield.store.processes import load_processes
from jackfield.store.schema import INSTALLATION
from jackfield.store.tokens import create_token, revoke_token, revoke_tokens_named
from jackfield.web.live import Hubs
from jackfield.web.login_limit import LoginLimit
from jackfield.web.rooms import Rooms

if TYPE_CHECKING:
    from litestar import Litestar

SWEEP_EVERY_S = 1.0
PHOTOS_EVERY_S = 5.0
PHOTOS_AT_ONCE = 16
FIGURES_EVERY_S = 60.0
FOLLOW_EVERY_S = 1.0
CLEAR_EVERY_S = 5.0
FORGET_EVERY_S = 6 * 3600.0
RUNS_KEPT = timedelta(days=30)
FAREWELL_S = 0.5
COMMAND_LASTS = timedelta(days=1)
ALONE = "main"
"""The runner's name for a process that has its database for itself."""

CSRF = "web.csrf"

_log = structlog.get_logger("jackfield.app")


class For(Enum):
    """What an application is started for."""

    SERVING = auto()
    ASKING = auto()
    """One command that asks for runs; where nobody else carries them, it does."""
    LOOKING = auto()
    """One command that asks for none."""


class App:
    """The product in one process. Enter it to open the database; `start_work` begins the work."""

    def __init__(self, settings: Settings, purpose: For = For.SERVING) -> None:
        self.settings = settings
        self.purpose = purpose
        self.clock = SystemClock()
        self.new_password: str | None = None
        """The first administrator's password, if this server has made it."""
        self.port = settings.listen_port
        self.works = False
        """Whether runs are carried in this process; else it only asks for them."""
        self.slot: Slot | None = None
        """Its place among the processes on a database that several may share."""
        self._held: Held | None = None
        self._background = Background(self.clock)
        self._token = ""
        self._token_id = ""
        self._running = False

    async def __aenter__(self) -> Self:
        make_folder(self.settings.data_dir)
        # On PostgreSQL the key file is what stands there from the beginning.
        known_by = KEY_FILE if self.settings.database_url else DATABASE_FILE
        check_not_foreign(self.settings.data_dir, known_by=known_by)
        self._held = await take_place(
            self.settings.data_dir, self.clock, shared=bool(self.settings.database_url)
        )
        try:
            self.database = await Database.open(database_url(self.settings))
            try:
                await self._build()
            except BaseException:
                await self._background.end()
                await self.database.close()
                raise
        except BaseException:
            self._held.close()
            raise
        return self

    async def _build(self) -> None:
        """Every object, in the order in which they need each other."""
        settings = self.settings
        clock, database = self.clock, self.database
        roles = tuple(role.value for role in settings.roles)
        self.vault = await open_vault(settings, database)
        self.works = await self._is_to_work()
        self.connections = Connections(
            database,
            self.vault,
            clock,
            open_transport=open_transport,
            rng=random.Random(),
        )
        if not database.sqlite and (self.works or self.purpose is For.SERVING):
            share = self.connections.pace.share_among
            self.slot = Slot(database, clock, roles=roles, works=self.works, share=share)
            await self.slot.take()
            self._background.repeat("slot", self.slot.keep, KEEP_EVERY_S)
        self.figures = Health(database, self.connections, clock)
        self.setup = Setup(database, self.vault, self.connections, clock)
        self.tenant = await self.setup.first_tenant()
        self.signin = LocalSignIn(database, clock)
        self.outages = Outages(database, self.connections.reaches, clock, self.process_name)
        self.planning = Planning(database, self._phone_of, clock)
        turns = Turns(database, clock, self.process_name)
        reading = PhoneReading(database, self._phone_of, clock, turns)
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
        lane = Lane("people", poll=1.0, concurrency=AT_ONCE)
        person = Lane("person", poll=1.0, concurrency=8)
        quiet = Lane("photos", poll=5.0, concurrency=PHOTOS_AT_ONCE)
        self.durable = Durable(
            database.url,
            ALONE if self.slot is None else self.slot.name,
            [lane, person, quiet],
            given_up=self._given_up,
            work=self.works,
            clock=clock,
        )
        self.durable.define(SYNC, lane, flows.sync)
        self.durable.define(PERSON, person, flows.sync)
        self.durable.define(APPLY, lane, flows.apply)
        self.people.work_with(self.durable)
        self.photos = PhotoSync(database, clock)
        faces = PhotosRun(database, self.connections, self._phone_of, clock)
        self.durable.define(PHOTOS, quiet, faces.sync)
        self.photos.work_with(self.durable)
        if not database.sqlite:
            self.outages.carries = lambda flow: flows.carries(flow) or faces.carries(flow)
        self.hubs = Hubs(database, clock)
        self.tenants = Tenants(database, self.connections, clock)
        self.house = Rooms(
            settings=settings,
            tenant=self.tenant,
            database=database,
            clock=clock,
            people=self.people,
            photos=self.photos,
            planning=self.planning,
            setup=self.setup,
            signin=self.signin,
            login_limit=LoginLimit(clock),
            phones=self.by_hand,
            doubts=Doubts(database, self.planning, clock),
            undoing=Undoing(database, clock),
            numbers=Numbers(database, self.planning.limits, clock),
            replacing=Replacing(database, self._phone_of, clock),
            trials=Trials(database, self.connections, self.planning.limits),
            keys=KeyRotation(database, self.vault, clock, self.process_name),
            tenants=self.tenants,
            hubs=self.hubs,
            graph_figures=self.figures.figures,
            budgets=GraphBudgets(database, self.connections, clock),
            roles=roles,
            process_name=self.process_name,
            csrf_secret=await self._shared_secret(),
        )

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        await self.hubs.close()
        if self._token_id:
            assert self._held is not None  # noqa: S101 - held from entering to leaving
            self._held.place.server_file.unlink(missing_ok=True)
        await self._background.end()
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
        if self._held is not None:
            self._held.close()

    async def _say_farewell(self) -> None:
        """Give back what this process holds in the database."""
        if self._token_id and not self.database.replaced.is_set():
            async with self.database.write() as tx:
                await revoke_token(tx, INSTALLATION, self._token_id, now=self.clock.now())
        if self.slot is not None:
            await self.slot.leave()

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

    def process_name(self) -> str:
        """Its name among its peers; "" where it has none."""
        return "" if self.slot is None else self.slot.name

    @property
    def site(self) -> Litestar:
        """The web application."""
        from jackfield.web.api import api_router
        from jackfield.web.site import build_site

        return build_site(self.house, [api_router()])

    @property
    def health_site(self) -> Litestar:
        """What a process without a console answers."""
        from jackfield.web.health import build_health_site

        return build_health_site(self.house)

    async def start_runs(self) -> None:
        """Start the durable runner: what is asked for is done, and nothing begins by itself.

        May be called again after it has failed.
        """
        if not self._running:
            await self.durable.start()
            self._running = True
            if self.works:
                self._background.repeat("outages", self.outages.look, LOOK_EVERY_S)
        if self.works:
            if self.slot is not None:
                self._background.repeat("peers", self._look_at_peers, KEEP_EVERY_S)
                self._background.repeat("connections", self.connections.follow, FOLLOW_EVERY_S)
            await self._take_stock()

    async def start_work(self) -> None:
        """Start the durable runner, and whatever looks at the clock."""
        await self.start_runs()
        self._background.repeat("figures", self.figures.write_figures, FIGURES_EVERY_S)
        if self.works:
            self._background.repeat("sweep", self.people.sweep, SWEEP_EVERY_S)
            self._background.repeat("sweep photos", self.photos.sweep, PHOTOS_EVERY_S)
            self._background.repeat("clear", self.tenants.clear, CLEAR_EVERY_S)
            self._background.repeat("forget", self._forget_old, FORGET_EVERY_S)

    async def command_token(self) -> str:
        """A token for commands on this machine, revoked when the process ends."""
        if not self._token:
            now = self.clock.now()
            name = command_token_name(self.process_name())
            passing = self.slot is None and not self.database.sqlite
            async with self.database.write() as tx:
                if not passing:
                    # Nobody else is at work under this name: those of killed ones are nobody's.
                    await revoke_tokens_named(
                        tx, INSTALLATION, name, created_by=TOKEN_MAKER, now=now
                    )
                self._token, token = await create_token(
                    tx,
                    INSTALLATION,
                    name=name,
                    role="owner",
                    created_by=TOKEN_MAKER,
                    now=now,
                    expires_at=now + COMMAND_LASTS if passing else None,
                )
            self._token_id = token.id
        return self._token

    async def announce(self) -> None:
        """Say that the process is there: to its peers, and to commands on this machine.

        The file with address and token is readable by its owner only.
        """
        serves = Role.WEB in self.settings.roles
        if self.slot is not None:
            await self.slot.announce(self._own_url if serves else "")
        if not serves:
            return
        assert self._held is not None  # noqa: S101 - held from entering to leaving
        self._held.place.leave(ServerFile(self._own_url, await self.command_token(), os.getpid()))

    async def lost(self) -> None:
        """Return when this process must end: a peer has its work, or the tables are newer."""
        events = [self.database.replaced]
        if self.slot is not None:
            events.append(self.slot.upgraded)
        waiting = [asyncio.create_task(event.wait()) for event in events]
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waiting:
                task.cancel()
        if self.database.replaced.is_set():
            _log.critical("process.replaced", next_step="Start it again; nothing is lost.")

    async def _shared_secret(self) -> str:
        """What all processes sign form tokens with: a page of one may be sent to another."""
        made = secrets.token_hex(32)
        async with self.database.write() as tx:
            return (
                await self.vault.agree(tx, INSTALLATION, CSRF, made, now=self.clock.now())
            ).decode()

    async def _is_to_work(self) -> bool:
        match self.purpose:
            case For.SERVING:
                return Role.SYNC in self.settings.roles
            case For.ASKING if self.database.sqlite:
                return True
            case For.ASKING:
                async with self.database.read() as tx:
                    peers = await load_processes(tx, now=self.clock.now())
                return not any(Role.SYNC.value in one.roles for one in peers)
            case For.LOOKING:
                return False

    async def _look_at_peers(self) -> None:
        assert self.slot is not None  # noqa: S101 - begun only with one
        if await self.slot.adopt(self.durable):
            await self._take_stock()

    async def _take_stock(self) -> None:
        await self.people.take_stock()
        await self.photos.take_stock()

    async def _forget_old(self) -> None:
        await self.figures.forget_old()
        await self.durable.purge(RUNS_KEPT)

    def _directory_of(self, tenant: int) -> BuiltInPhones:
        return BuiltInPhones(self.database, tenant, self.clock)

    def _phone_of(self, tenant: int) -> WatchedPhones:
        phones = KnownPhones(self._directory_of(tenant), self.database, tenant)
        return WatchedPhones(phones, self.outages.phones[tenant], self.clock)

    async def _given_up(self, run: GivenUp) -> None:
        _log.error("run.given_up", flow=run.flow, run=run.run_id)
