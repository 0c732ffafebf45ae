"""One people run from its first step to its last: observe, decide, act, record.

A run is a row of durable steps; whatever a step does is safe to do again. This file keeps their
order. What begins a run is in `people.py`, the steps that read in `reading.py`, those that end it
in `settling.py`; rules are in `core`, writes in `applying.py`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import nullcontext

import msgspec
import structlog

from jackfield.clock import Clock
from jackfield.core.people import ObjectId
from jackfield.core.schedule import Mode
from jackfield.durable import DurableError, Json, Run, RunId
from jackfield.flows.applying import Applying
from jackfield.flows.directory import DirectoryReading
from jackfield.flows.failures import Failed, phones_failed
from jackfield.flows.numbers import Numbers
from jackfield.flows.outcomes import Started
from jackfield.flows.patience import patiently
from jackfield.flows.people import Ask, mode_due
from jackfield.flows.phones import PhoneReading
from jackfield.flows.planning import Planning
from jackfield.flows.reading import HURRIED_S, Found, ReadingSteps
from jackfield.flows.runs import WORK, Runs, Turn
from jackfield.flows.settling import Planned, SettlingSteps
from jackfield.flows.steps import (
    A,
    Ended,
    More,
    Read,
    Ts,
    answered,
    broken,
    document_of,
    tried,
)
from jackfield.flows.watched_phones import hurried
from jackfield.pbx.port import PhoneSystemError
from jackfield.store.cursors import Resource
from jackfield.store.database import Database
from jackfield.store.outcomes import count_outcomes
from jackfield.store.plan_actions import ActionStatus
from jackfield.store.plans import PlanStatus, load_plan, move_plan
from jackfield.store.runs import Trigger
from jackfield.store.schedule import load_due
from jackfield.store.settings import Approval, load_people_settings
from jackfield.store.transaction import Transaction

HURRIED_TURN_S = 3.0
"""While a person waits: how long behind a run that does not get on."""
HURRIED_PAUSE_S = 1.0

_ASK_AGAIN = "Ask again once it works; the regular sync does the same by itself."

_log = structlog.get_logger("jackfield.flows.people")


class Began(msgspec.Struct, frozen=True):
    """As what a run has begun."""

    mode: Mode | None
    """None = there is nothing left to do."""
    mark: int | None = None
    """How far it settles what was wanted; None = it does not."""


class PeopleRun:
    """The flows `people.sync` and `people.apply`."""

    def __init__(
        self,
        database: Database,
        directory: DirectoryReading,
        phones: PhoneReading,
        planning: Planning,
        applying: Applying,
        clock: Clock,
    ) -> None:
        self._database = database
        self._directory = directory
        self._phones = phones
        self._planning = planning
        self._applying = applying
        self._clock = clock
        self._runs = Runs(database, clock)
        self._reading = ReadingSteps(directory, phones, self._runs)
        numbers = Numbers(database, planning.limits, clock)
        self._settling = SettlingSteps(database, self._runs, numbers, clock)

    async def sync(self, run: Run, tenant: int, document: Json) -> Json:
        """Observe, decide and, unless a plan was all that was asked for, act."""
        ask = msgspec.convert(document, Ask)
        return await self._whole(run, tenant, self._sync(run, tenant, ask))

    async def _sync(self, run: Run, tenant: int, ask: Ask) -> Ended | Failed:
        turn = await self._hold(run, tenant, ask)
        if isinstance(turn, Failed):
            return turn
        began = await answered(run, Began, "begin", self._begin, run.id, tenant, ask)
        if began.mode is None:
            return await answered(run, Ended, "leave", self._runs.leave, run.id, tenant)
        ask = msgspec.structs.replace(ask, mode=began.mode)
        read = await self._observe(run, tenant, ask)
        if isinstance(read, Failed):
            return read
        made = await answered(
            run, Planned, "plan", self._plan, run.id, tenant, ask, read.person if read else None
        )

        async def end(started: Started) -> Ended:
            step, mark = self._settling.end, began.mark
            return await answered(run, Ended, "end", step, run.id, tenant, made, started, mark)

        if not (made.plan and made.apply):
            return await end(Started())
        return await self._carry_out(run, tenant, made.plan, end, hurry=bool(ask.person))

    async def apply(self, run: Run, tenant: int, plan: int, by: str) -> Json:
        """Carry out an approved plan."""
        return await self._whole(run, tenant, self._apply_plan(run, tenant, plan, by), plan)

    async def _apply_plan(self, run: Run, tenant: int, plan: int, by: str) -> Ended | Failed:
        await self._hold(run, tenant, Ask(trigger=Trigger.ADMINISTRATOR, by=by), "approved")
        await run.step("begin", self._begin_apply, run.id, tenant, by)

        async def end(started: Started) -> Ended:
            step = self._settling.end_apply
            return await answered(run, Ended, "end", step, run.id, tenant, plan, started)

        return await self._carry_out(run, tenant, plan, end)

    async def _observe(self, run: Run, tenant: int, ask: Ask) -> Found | Failed | None:
        """Look at everybody, or at one person: then it answers whom."""
        found = None
        if ask.person:
            found = await self._observe_person(run, tenant, ask)
            if isinstance(found, Failed):
                return found
        else:
            for resource in (Resource.USERS, Resource.GROUPS):
                walked = await self._walk(run, tenant, resource, ask.mode)
                if isinstance(walked, Failed):
                    return walked
        everything = ask.mode is Mode.FULL and not ask.person
        if everything:
            await run.step("licences", self._reading.read_licences, tenant)
        hurry = bool(ask.person)
        read_phones = self._reading.read_phones
        phones = await self._patiently(
            run, tenant, Read, "phones", read_phones, everything, hurry, hurry=hurry
        )
        return phones if isinstance(phones, Failed) else found

    async def _observe_person(self, run: Run, tenant: int, ask: Ask) -> Found | Failed:
        read_person = self._reading.read_person
        found = await self._patiently(
            run, tenant, Found, "person", read_person, ask.person, hurry=True
        )
        if isinstance(found, Found) and found.groups_known:
            walked = await self._walk(run, tenant, Resource.GROUPS, Mode.DELTA, hurry=True)
            if isinstance(walked, Failed):
                return walked
        return found

    async def _walk(
        self, run: Run, tenant: int, resource: Resource, mode: Mode, *, hurry: bool = False
    ) -> Read | Failed:
        """Read a round to its end. Missing permission for groups stops nothing else."""
        begin, read_page = self._reading.begin_round, self._reading.read_page
        page = await answered(run, More, "round", begin, tenant, resource, mode)
        while page.more:
            name = f"page {resource}"
            read = await self._patiently(
                run, tenant, More, name, read_page, resource, hurry, hurry=hurry
            )
            if isinstance(read, Failed):
                return read
            page = read
        return Read()

    async def _carry_out(
        self,
        run: Run,
        tenant: int,
        plan: int,
        end: Callable[[Started], Awaitable[Ended]],
        *,
        hurry: bool = False,
    ) -> Ended | Failed:
        """Carry a plan out and `end` the run, which is given what the plan had behind it.

        A database that was cut off may have lost what it had acknowledged. So it is the table that
        says whether anything is left, not the count kept here: what is left is done then.
        """
        began: Started | None = None
        while True:
            started = await self._apply(run, tenant, plan, hurry=hurry)
            if isinstance(started, Failed):
                return started
            began = msgspec.structs.replace(began or started, closed=started.closed)
            ended = await end(began)
            if not ended.is_left:
                return ended

    async def _apply(
        self, run: Run, tenant: int, plan: int, *, hurry: bool = False
    ) -> Started | Failed:
        """Carry out a plan; answers what it had behind it."""
        start = self._start_applying
        started = await answered(run, Started, "start applying", start, tenant, plan)
        while not started.closed:
            chunk = await self._patiently(
                run, tenant, More, "apply", self._apply_chunk, plan, hurry, hurry=hurry
            )
            if isinstance(chunk, Failed):
                return msgspec.structs.replace(chunk, plan=plan)
            if not chunk.more:
                break
        return started

    async def _whole(
        self, run: Run, tenant: int, work: Awaitable[Ended | Failed], plan: int = 0
    ) -> Json:
        """Let no run end without saying so, whatever happens in it."""
        try:
            try:
                ended = await work
            except Exception as error:
                ended = msgspec.structs.replace(broken(error), plan=plan)
                if not isinstance(error, DurableError):
                    _log.exception("people.run_broke", tenant=tenant, run=run.id)
            if isinstance(ended, Failed):
                fail = self._settling.fail
                ended = await answered(run, Ended, "fail", fail, run.id, tenant, ended)
            return document_of(ended)
        finally:
            self._runs.forget(run.id)

    async def _hold(self, run: Run, tenant: int, ask: Ask, mode: str = "") -> Turn | Failed:
        """Wait until no other run works for the tenant.

        While a person waits for this one: not behind a run that does not get on.
        """
        asked = (run.id, tenant, ask.trigger.value, mode or ask.kind, ask.by)
        pause, waited = 0.5, 0.0
        while True:
            turn = await answered(run, Turn, "lease", self._runs.take_turn, *asked)
            if turn.held:
                return turn
            if ask.person and turn.stuck and waited >= HURRIED_TURN_S:
                return Failed(turn.because, _ASK_AGAIN)
            await run.sleep(pause)
            waited += pause
            pause = min(HURRIED_PAUSE_S if ask.person else 5.0, pause * 1.5)

    async def _patiently(
        self,
        run: Run,
        tenant: int,
        kind: type[A],
        name: str,
        step: Callable[[RunId, int, *Ts], Awaitable[A | Failed]],
        *args: *Ts,
        hurry: bool = False,
    ) -> A | Failed:
        """A step, again while somebody says "later"; between tries the run sleeps.

        In a `hurry` there is one try: who waits in person is told, and may ask again.
        """
        if not hurry:
            return await patiently(run, self._runs, tenant, kind, name, step, *args)
        done = await tried(run, kind, name, step, run.id, tenant, *args)
        if isinstance(done, Failed) and done.later:
            return msgspec.structs.replace(done, next_step=_ASK_AGAIN)
        return done

    # --- Steps: each does one thing, and is safe to repeat ----------------------------------------

    async def _begin(self, flow: str, tenant: int, ask: Ask) -> Began:
        async with self._database.read() as tx:
            settings = (await load_people_settings(tx, tenant)).value
            state = await load_due(tx, tenant, WORK)
        by_itself = ask.trigger is Trigger.SCHEDULE and ask.is_for_all
        if ask.trigger is not Trigger.SCHEDULE:
            self._directory.ask_again(tenant)
        if by_itself and mode_due(settings, state, self._clock.now()) is None:
            # A peer queued this when the same was about to be done.
            return Began(None)
        if ask.is_for_all and state.wanted is Mode.FULL:
            # Asked for while this run stood in the queue: it settles that wish too.
            ask = Ask(Mode.FULL, ask.trigger, ask.by)
        await self._runs.begin(flow, tenant, trigger=ask.trigger, mode=ask.kind, by=ask.by)
        return Began(ask.mode, state.mark if ask.is_for_all else None)

    async def _begin_apply(self, flow: str, tenant: int, by: str) -> None:
        trigger = Trigger.ADMINISTRATOR
        await self._runs.begin(flow, tenant, trigger=trigger, mode="approved", by=by)

    async def _plan(self, flow: str, tenant: int, ask: Ask, person: ObjectId | None) -> Planned:
        await self._runs.keep_lease(flow, tenant)
        run = await self._runs.load(flow, tenant)
        if run.stage or ask.kind != Mode.DELTA:
            await self._runs.report(flow, tenant, 0, 0, stage="Planning")
        async with self._database.read() as tx:
            approval = (await load_people_settings(tx, tenant)).value.approve
        made = await self._planning.make(
            tenant,
            run,
            everything=ask.preview or (ask.mode is Mode.FULL and not ask.person),
            person=person,
            preview=ask.preview,
        )
        by_itself = approval is Approval.AUTOMATIC and not ask.preview
        return Planned(
            made.plan,
            made.total,
            made.guarded,
            made.doubtful,
            made.everyone,
            apply=by_itself and bool(made.plan),
            person=person or "",
        )

    async def _start_applying(self, tenant: int, plan: int) -> Started:
        async with self._database.write() as tx:
            await move_plan(
                tx,
                tenant,
                plan,
                [PlanStatus.PROPOSED, PlanStatus.APPROVED],
                PlanStatus.APPLYING,
                now=self._clock.now(),
            )
            stored = await load_plan(tx, tenant, plan)
            progress = await count_outcomes(tx, tenant, plan)
        closed = stored is None or stored.status is not PlanStatus.APPLYING
        done = progress.by_status.get(ActionStatus.DONE, 0)
        return Started(closed, progress.ended, done)

    async def _apply_chunk(self, flow: str, tenant: int, plan: int, hurry: bool) -> More | Failed:
        await self._runs.keep_lease(flow, tenant)
        run = await self._runs.load(flow, tenant)

        async def fence(tx: Transaction) -> None:
            await self._runs.fence(tx, flow, tenant)

        try:
            with hurried(HURRIED_S) if hurry else nullcontext():
                async with self._phones.undisturbed(tenant):
                    chunk = await self._applying.chunk(tenant, plan, run, fence)
                if chunk is not None and chunk.overtaken:
                    await self._phones.read(tenant, everything=False)
        except PhoneSystemError as error:
            return phones_failed(error)
        if chunk is None:
            return More(False)
        stage = "Writing to the phone system"
        await self._runs.report(flow, tenant, chunk.done, chunk.total, stage=stage)
        return More(True)
