"""What begins a run about photos: everybody's after each full people run, newcomers' in between.

A lane of its own: people never wait for pictures. What a run does is in `photos_run.py`.
"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from jackfield.clock import Clock
from jackfield.core.schedule import Mode, photos_due
from jackfield.durable import RunId, Runner
from jackfield.flows.run_rows import RunRows
from jackfield.flows.runs import WORK as PEOPLE
from jackfield.flows.steps import document_of
from jackfield.flows.sweeps import Sweep, lost_runs
from jackfield.store.database import Database
from jackfield.store.runs import Trigger
from jackfield.store.schedule import Due, load_due, want
from jackfield.store.settings import PeopleSettings, load_people_settings
from jackfield.store.transaction import Transaction

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


@dataclass(frozen=True, slots=True)
class _Known:
    """What decides what is due in a tenant, besides the time."""

    settings: PeopleSettings
    state: Due
    people: Due


async def _load_known(tx: Transaction, tenant: int) -> _Known:
    return _Known(
        (await load_people_settings(tx, tenant)).value,
        await load_due(tx, tenant, WORK),
        await load_due(tx, tenant, PEOPLE),
    )


class PhotoSync:
    """Begins photo runs for all tenants of the installation."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._rows = RunRows(database, clock, WORK)
        self._runner: Runner | None = None
        self._sweep = Sweep(database, _load_known, self._begin_due)

    def work_with(self, runner: Runner) -> None:
        """The durable runner that `start` and `sweep` hand runs to."""
        self._runner = runner

    async def sweep(self) -> int:
        """Queue what is due, for every tenant; returns how many runs were asked for."""
        return await self._sweep.look()

    async def _begin_due(self, tenant: int, known: _Known) -> int:
        state = known.state
        if not known.settings.photos:
            return 0
        if state.not_before is not None and self._clock.now() < state.not_before:
            return 0
        mode = photos_mode_due(known.settings, state, known.people)
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
        async for tenant, lost in lost_runs(self._database, self._at_work(), WORK):
            await self._rows.bury(tenant, lost)

    async def _enqueue(self, tenant: int, ask: PhotosAsk) -> RunId:
        return await self._at_work().enqueue(
            PHOTOS, tenant, document_of(ask), key=f"{WORK}:{tenant}"
        )

    def _at_work(self) -> Runner:
        assert self._runner is not None  # noqa: S101 - wired by app.py
        return self._runner
