"""What begins a run about photos: everybody's after each full people run, newcomers' in between.

A lane of its own: people never wait for pictures. What a run does is in `photos_run.py`.
"""

from __future__ import annotations

import msgspec

from jackfield.clock import Clock
from jackfield.core.schedule import Mode, photos_due
from jackfield.durable import DurableError, RunId, Runner
from jackfield.flows.run_rows import INTERRUPTED
from jackfield.flows.runs import WORK as PEOPLE
from jackfield.flows.steps import document_of
from jackfield.store.database import Database
from jackfield.store.errors import StoreError
from jackfield.store.leases import give_up_lease, list_leases
from jackfield.store.runs import UNDER_WAY, RunStatus, Trigger, end_run, list_runs
from jackfield.store.schedule import Due, load_due, want
from jackfield.store.settings import PeopleSettings, load_people_settings
from jackfield.store.tenants import load_connection, load_tenants

PHOTOS = "photos.sync"
WORK = "photos"
DENIED = "photos.denied"
"""Alarm: not a single photo may be read."""


class PhotosAsk(msgspec.Struct, frozen=True):
    """What a run is asked to do."""

    mode: Mode = Mode.DELTA
    """Everybody's photos, or those that were never looked at."""
    trigger: Trigger = Trigger.SCHEDULE
    by: str = ""


def photos_mode_due(settings: PeopleSettings, state: Due, people: Due) -> Mode | None:
    """The look that is due by itself, or None; `people` is how people sync stands."""
    if not settings.enabled:
        # Switched off is the schedule, not what somebody asks for.
        return state.wanted
    return photos_due(
        people_full_at=people.last_full_at,
        last_full_at=state.last_full_at,
        wanted=state.wanted,
    )


class PhotosOff(Exception):
    """Photos are switched off, so nobody's is looked at."""

    next_step = "Switch them on first: Users > M365, or `photos` in the settings."

    def __init__(self) -> None:
        super().__init__(f"Photos are switched off. {self.next_step}")


class PhotoSync:
    """Begins photo runs for all tenants of the installation."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._runner: Runner | None = None

    def work_with(self, runner: Runner) -> None:
        """The durable runner that `start` and `sweep` hand runs to."""
        self._runner = runner

    async def sweep(self) -> int:
        """Queue what is due, for every tenant; returns how many runs were asked for.

        What is wrong with one tenant is raised after all others were served.
        """
        async with self._database.read() as tx:
            tenants = await load_tenants(tx)
        begun = 0
        trouble: StoreError | None = None
        for tenant in tenants:
            try:
                begun += await self._sweep(tenant.number)
            except StoreError as error:
                trouble = trouble or error
        if trouble is not None:
            raise trouble
        return begun

    async def _sweep(self, tenant: int) -> int:
        async with self._database.read() as tx:
            if await load_connection(tx, tenant) is None:
                return 0
            settings = (await load_people_settings(tx, tenant)).value
            state = await load_due(tx, tenant, WORK)
            people = await load_due(tx, tenant, PEOPLE)
        if not settings.photos:
            return 0
        if state.not_before is not None and self._clock.now() < state.not_before:
            return 0
        mode = photos_mode_due(settings, state, people)
        if mode is None:
            return 0
        await self._enqueue(tenant, PhotosAsk(mode))
        return 1

    async def start(self, tenant: int, *, trigger: Trigger, by: str) -> RunId:
        """Look at everybody's photo now. Raises `PhotosOff`.

        While a run is under way, that one is answered, and the wish is kept for its end.
        """
        async with self._database.write() as tx:
            if not (await load_people_settings(tx, tenant)).value.photos:
                raise PhotosOff
            await want(tx, tenant, WORK, Mode.FULL, now=self._clock.now())
        return await self._enqueue(tenant, PhotosAsk(Mode.FULL, trigger, by))

    async def take_stock(self) -> None:
        """After a start: what was under way when the process died goes on by itself, or is over."""
        assert self._runner is not None  # noqa: S101 - wired by app.py
        async with self._database.read() as tx:
            tenants = [one.number for one in await load_tenants(tx)]
        for tenant in tenants:
            async with self._database.read() as tx:
                running = await list_runs(tx, tenant, kind=WORK, status=UNDER_WAY, limit=500)
                leases = await list_leases(tx, tenant, WORK)
            lost = {run.flow: run.id for run in running}
            lost |= {one.owner: lost.get(one.owner, 0) for one in leases if one.name == WORK}
            for flow, run in lost.items():
                if not flow or await self._is_alive(flow):
                    continue
                async with self._database.write() as tx:
                    await give_up_lease(tx, tenant, WORK, flow)
                    now = self._clock.now()
                    await end_run(tx, tenant, run, RunStatus.FAILED, now=now, text=INTERRUPTED)

    async def _is_alive(self, flow: str) -> bool:
        assert self._runner is not None  # noqa: S101 - wired by app.py
        try:
            return await self._runner.is_alive(RunId(flow))
        except DurableError:
            return False

    async def _enqueue(self, tenant: int, ask: PhotosAsk) -> RunId:
        assert self._runner is not None  # noqa: S101 - wired by app.py
        return await self._runner.enqueue(PHOTOS, tenant, document_of(ask), key=f"{WORK}:{tenant}")
