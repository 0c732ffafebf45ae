"""What it means for runs and alarms that Microsoft 365 or a phone system cannot be reached.

Looks at how the calls of this process fare (`core/reach.py`) and brings the rows of runs and the
alarms in line: a run says what it waits for, an outage is said once when it begins and once when it
ends. An outage of the database is written down when it is over, for nothing can be written before.
Calls and their repetition are elsewhere; nothing here makes one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from jackfield.clock import Clock
from jackfield.core.reach import FELT_AFTER, Reach, Trouble
from jackfield.core.waiting import MICROSOFT, PHONES, Waits, at
from jackfield.flows.failures import GRAPH_AWAY, PHONES_AWAY
from jackfield.store.alarms import begin_alarm, end_alarm, list_alarms, open_alarms
from jackfield.store.database import Database
from jackfield.store.errors import DatabaseUnusable
from jackfield.store.leases import live_leases, take_lease
from jackfield.store.runs import RunStatus, list_runs, save_waits
from jackfield.store.sequences import hold
from jackfield.store.tenants import is_there, load_tenants
from jackfield.store.transaction import Transaction

LOOK_EVERY_S = 1.0
DATABASE_AWAY = "database.away"
"""Alarm: our own database could not be used; begun and ended when it is over."""
TOLD_AGAIN_S = 5.0
"""Among several processes: how often what is known here is held against what stands there."""
COMES_AND_GOES = timedelta(seconds=20)
"""A database that is lost again so soon was not back: a disk is full for the large writes first."""
CLAIM = timedelta(seconds=15)
"""How long a process that has met an outage, and is silent since, is believed."""
AWAY = "away."
ALARMS = {MICROSOFT: GRAPH_AWAY, PHONES: PHONES_AWAY}

_log = structlog.get_logger("jackfield.flows.outages")


@dataclass(frozen=True, slots=True)
class _Seen:
    """What was found at one look; the same found again changes nothing."""

    trouble: Trouble | None = None
    outage: bool = False
    good: bool = False
    over: bool = False


class Outages:
    """Keeps what is said about outages true."""

    def __init__(
        self,
        database: Database,
        microsoft: MutableMapping[int, Reach],
        clock: Clock,
        process_name: Callable[[], str] = lambda: "",
    ) -> None:
        """`microsoft` is how the calls to Microsoft 365 fare, by tenant; it may grow."""
        self._process_name = process_name
        self._told_at: dict[tuple[int, str], float] = {}
        self._database = database
        self._microsoft = microsoft
        self._clock = clock
        self.phones: defaultdict[int, Reach] = defaultdict(lambda: Reach(PHONES))
        """How the calls to each tenant's phone system fare."""
        self.carries: Callable[[str], bool] = lambda _flow: True
        """Whether a run is carried by this process: a peer's may fare otherwise, and says so."""
        self._seen: dict[tuple[int, str], _Seen] = {}
        self._no_database: tuple[datetime, DatabaseUnusable] | None = None
        """Since when it cannot be used, and why: as far as is known."""
        self._last_without: tuple[datetime, datetime] | None = None
        """Since when and until when that was so the last time."""
        database.tell = self._lost_database

    async def look(self) -> None:
        """Bring runs and alarms in line with what is known now.

        Costs nothing while all goes well or nothing has changed.
        """
        if not await self._has_database():
            return
        now = self._clock.now()
        for reaches in (self._microsoft, self.phones):
            for tenant, reach in list(reaches.items()):
                trouble = reach.trouble(now)
                if trouble is not None and not trouble.is_felt(now):
                    continue
                seen = _Seen(
                    trouble,
                    outage=trouble is not None and trouble.is_outage(now),
                    good=trouble is None and reach.good_since is not None,
                    over=trouble is None and reach.is_over(now),
                )
                key = (tenant, reach.name)
                known = self._seen.get(key, _Seen()) == seen
                if known and not await self._is_to_tell_again(key, seen):
                    continue
                async with self._database.write() as tx:
                    there = await is_there(tx, tenant)
                    if there:
                        await self._tell(tx, tenant, reach.name, seen, now)
                if not there:
                    # Its alarm would bring rows of a removed tenant back, again and again.
                    reaches.pop(tenant, None)
                    self._seen.pop(key, None)
                    self._told_at.pop(key, None)
                    continue
                self._seen[key] = seen
                self._told_at[key] = self._clock.monotonic()

    async def _is_to_tell_again(self, key: tuple[int, str], seen: _Seen) -> bool:
        """Where others speak of the same outage too: it may stand otherwise than we left it."""
        if self._database.sqlite or not (seen.outage or seen.over):
            return False
        at = self._clock.monotonic()
        if at - self._told_at.get(key, at) < TOLD_AGAIN_S:
            return False
        self._told_at[key] = at
        tenant, name = key
        async with self._database.read() as tx:
            said = any(one.kind == ALARMS[name] for one in await open_alarms(tx, tenant))
        return seen.outage or said

    def _lost_database(self, error: DatabaseUnusable) -> None:
        if self._no_database is None:
            now = self._clock.now()
            since, until = self._last_without or (now, now)
            self._no_database = (since if now - until < COMES_AND_GOES else now, error)
            _log.warning("outage.began", what="the database", because=str(error))

    async def _has_database(self) -> bool:
        """Whether the database can be used; where it could not be, write down from when to when."""
        if self._no_database is None:
            return True
        since, error = self._no_database
        now = self._clock.now()
        try:
            async with self._database.write() as tx:
                tenants = await load_tenants(tx)
            # One at a time: whoever wrote it for some and met the next outage goes on behind them.
            for tenant in tenants if now - since >= FELT_AFTER else ():
                async with self._database.write() as tx:
                    if await is_there(tx, tenant.number):
                        await _tell_of_database(tx, tenant.number, since, now, error)
        except DatabaseUnusable:
            return False
        self._no_database, self._last_without = None, (since, now)
        _log.info("outage.ended", what="the database", lasted_s=(now - since).total_seconds())
        return True

    async def _tell(
        self, tx: Transaction, tenant: int, name: str, seen: _Seen, now: datetime
    ) -> None:
        trouble = seen.trouble
        for run in await list_runs(tx, tenant, status=[RunStatus.RUNNING]):
            if not self.carries(run.flow):
                continue
            before = run.waits if run.waits is not None and run.waits.what == name else None
            if trouble is not None:
                waits = Waits(name, trouble.what, trouble.since, trouble.until)
                if before is not None:
                    waits = _joined(before, waits, now)
                await save_waits(tx, tenant, run.id, waits)
            elif seen.good and before is not None:
                await save_waits(tx, tenant, run.id, None)
        if trouble is not None and seen.outage:
            text = trouble.what
            if trouble.throttled and trouble.until is not None:
                text = f"{text} It goes on at {at(trouble.until, now)}."
            begun = await begin_alarm(
                tx, tenant, ALARMS[name], text=text, next_step=trouble.next_step, now=now
            )
            await self._claim(tx, tenant, name, now)
            if begun:
                _log.warning("outage.began", tenant=tenant, what=name, because=text)
        elif seen.over and not await self._is_met_elsewhere(tx, tenant, name, now):
            ended = await end_alarm(tx, tenant, ALARMS[name], now=now)
            if ended is not None:
                _log.info("outage.ended", tenant=tenant, what=name)

    async def _claim(self, tx: Transaction, tenant: int, name: str, now: datetime) -> None:
        """While it lasts, no other process says that the outage is over."""
        if not self._database.sqlite:
            mine = self._process_name()
            await take_lease(tx, tenant, f"{AWAY}{name}.{mine}", mine, length=CLAIM, now=now)

    async def _is_met_elsewhere(
        self, tx: Transaction, tenant: int, name: str, now: datetime
    ) -> bool:
        if self._database.sqlite:
            return False
        claims = await live_leases(tx, tenant, f"{AWAY}{name}.", now=now)
        return any(one.owner != self._process_name() for one in claims)


async def _tell_of_database(
    tx: Transaction, tenant: int, since: datetime, now: datetime, error: DatabaseUnusable
) -> None:
    await hold(tx, tenant)
    if any(
        one.kind == DATABASE_AWAY and one.ended_at is not None and one.ended_at >= since
        for one in await list_alarms(tx, tenant)
    ):
        return  # another process was faster, and met the same outage
    text = (
        f"The database could not be used from {at(since, now)} to {at(now, now)}; what was under"
        f" way went on afterwards. {error.text}"
    )
    next_step = error.next_step
    await begin_alarm(tx, tenant, DATABASE_AWAY, text=text, next_step=next_step, now=since)
    await end_alarm(tx, tenant, DATABASE_AWAY, now=now)


def _joined(before: Waits, waits: Waits, now: datetime) -> Waits:
    """A run that sleeps until its next try knows better when that is."""
    later = before.until
    if later is not None and later > now and (waits.until is None or waits.until < later):
        waits = replace(waits, until=later)
    return replace(waits, since=min(before.since, waits.since))
