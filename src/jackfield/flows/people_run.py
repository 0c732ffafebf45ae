"""One people run from its first step to its last: observe, decide, act, record.

A run is a row of durable steps; whatever a step does is safe to do again. This file keeps their
order. What begins a run is in `people.py`, the steps that read in `reading.py`, those that end it
in `settling.py`; rules are in `core`, writes in `applying.py`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import msgspec
import structlog

from jackfield.clock import Clock
from jackfield.core.people import ObjectId
from jackfield.core.schedule import Mode
from jackfield.durable import DurableError, Json, Run, RunId
from jackfield.flows.applying import Applying, Chunk
from jackfield.flows.asks import Ask
from jackfield.flows.directory import DirectoryReading
from jackfield.flows.failures import Failed, phones_failed
from jackfield.flows.numbers import Numbers
from jackfield.flows.outcomes import Started
from jackfield.flows.patience import Patience, patiently
from jackfield.flows.people import mode_due
from jackfield.flows.phones import PhoneReading
from jackfield.flows.planning import Planning
from jackfield.flows.reading import Found, ReadingSteps
from jackfield.flows.runs import WORK, Runs, Turn
from jackfield.flows.settling import Planned, SettlingSteps
from jackfield.flows.steps import (
    A,
    Ended,
    More,
    Read,
    Stint,
    Ts,
    answered,
    broken,
    document_of,
)
from jackfield.flows.watched_phones import hurried
from jackfield.pbx.port import PhoneSystemError
from jackfield.store.cursors import Resource
from jackfield.store.database import Database
from jackfield.store.outcomes import count_done, count_outcomes
from jackfield.store.plan_actions import ActionStatus
from jackfield.store.plans import PlanStatus, load_outline, move_plan
from jackfield.store.runs import Trigger
from jackfield.store.schedule import load_due
from jackfield.store.settings import Approval, load_people_settings
from jackfield.store.transaction import Transaction

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
        self._reading = ReadingSteps(directory, phones, self._runs, clock)
        numbers = Numbers(database, planning.limits, clock)
        self._settling = SettlingSteps(database, self._runs, numbers, clock)

    def carries(self, flow: str) -> bool:
        """Whether a run is carried by this process."""
        return self._runs.carries(flow)

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
        return await self._carry_out(run, tenant, made.plan, ask.patience, end)

    async def apply(self, run: Run, tenant: int, plan: int, by: str) -> Json:
        """Carry out an approved plan."""
        ask = Ask(trigger=Trigger.ADMINISTRATOR, by=by, plan=plan)
        return await self._whole(run, tenant, self._apply_plan(run, tenant, ask), plan)

    async def _apply_plan(self, run: Run, tenant: int, ask: Ask) -> Ended | Failed:
        turn = await self._hold(run, tenant, ask)
        if isinstance(turn, Failed):
            return turn
        await run.step("begin", self._begin_apply, run.id, tenant, ask)

        async def end(started: Started) -> Ended:
            step = self._settling.end_apply
            return await answered(run, Ended, "end", step, run.id, tenant, ask.plan, started)

        return await self._carry_out(run, tenant, ask.plan, ask.patience, end)

    async def _observe(self, run: Run, tenant: int, ask: Ask) -> Found | Failed | None:
        """Look at everybody, or at one person: then it answers whom."""
        found = None
        if ask.person:
            found = await self._observe_person(run, tenant, ask)
            if isinstance(found, Failed):
                return found
        else:
            for resource in (Resource.USERS, Resource.GROUPS):
                walked = await self._walk(run, tenant, ask.patience, resource, ask.mode)
                if isinstance(walked, Failed):
                    return walked
        everything = ask.mode is Mode.FULL and not ask.person
        if everything:
            await run.step("licences", self._reading.read_licences, tenant)
        read_phones = self._reading.read_phones
        phones = await self._patiently(
            run, tenant, ask.patience, Read, "phones", read_phones, everything
        )
        return phones if isinstance(phones, Failed) else found

    async def _observe_person(self, run: Run, tenant: int, ask: Ask) -> Found | Failed:
        read_person = self._reading.read_person
        found = await self._patiently(
            run, tenant, ask.patience, Found, "person", read_person, ask.person
        )
        if isinstance(found, Found) and found.groups_known:
            walked = await self._walk(run, tenant, ask.patience, Resource.GROUPS, Mode.DELTA)
            if isinstance(walked, Failed):
                return walked
        return found

    async def _walk(
        self, run: Run, tenant: int, patience: Patience, resource: Resource, mode: Mode
    ) -> Read | Failed:
        """Read a round to its end. Missing permission for groups stops nothing else."""
        begin, read_page = self._reading.begin_round, self._reading.read_page
        page = await answered(run, More, "round", begin, tenant, resource, mode)
        while page.more:
            name = f"page {resource}"
            read = await self._patiently(run, tenant, patience, More, name, read_page, resource)
            if isinstance(read, Failed):
                return read
            page = read
        return Read()

    async def _carry_out(
        self,
        run: Run,
        tenant: int,
        plan: int,
        patience: Patience,
        end: Callable[[Started], Awaitable[Ended]],
    ) -> Ended | Failed:
        """Carry a plan out and `end` the run, which is given what the plan had behind it.

        A database that was cut off may have lost what it had acknowledged. So it is the table that
        says whether anything is left, not the count kept here: what is left is done then.
        """
        began: Started | None = None
        while True:
            started = await self._apply(run, tenant, plan, patience)
            if isinstance(started, Failed):
                return started
            began = msgspec.structs.replace(began or started, closed=started.closed)
            ended = await end(began)
            if not ended.is_left:
                return ended

    async def _apply(
        self, run: Run, tenant: int, plan: int, patience: Patience
    ) -> Started | Failed:
        """Carry out a plan; answers what it had behind it."""
        start = self._start_applying
        started = await answered(run, Started, "start applying", start, tenant, plan)
        while not started.closed:
            apply = self._apply_chunk
            chunk = await self._patiently(run, tenant, patience, More, "apply", apply, plan)
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

    async def _hold(self, run: Run, tenant: int, ask: Ask) -> Turn | Failed:
        """Wait until no other run works for the tenant."""
        patience, pause, waited = ask.patience, 0.5, 0.0
        while True:
            turn = await answered(run, Turn, "lease", self._runs.take_turn, run.id, tenant, ask)
            if turn.held:
                return turn
            if turn.stuck and waited >= patience.turn_s:
                return Failed(turn.because, patience.next_step)
            await run.sleep(pause)
            waited += pause
            pause = min(patience.look_again_s, pause * 1.5)

    async def _patiently(
        self,
        run: Run,
        tenant: int,
        patience: Patience,
        kind: type[A],
        name: str,
        step: Callable[[RunId, int, Patience, *Ts], Awaitable[A | Failed]],
        *args: *Ts,
    ) -> A | Failed:
        """A step that knows how much patience there is, again while somebody says "later"."""
        return await patiently(run, self._runs, tenant, patience, kind, name, step, patience, *args)

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
        await self._runs.begin(flow, tenant, ask)
        return Began(ask.mode, state.mark if ask.is_for_all else None)

    async def _begin_apply(self, flow: str, tenant: int, ask: Ask) -> None:
        await self._runs.begin(flow, tenant, ask)

    async def _plan(self, flow: str, tenant: int, ask: Ask, person: ObjectId | None) -> Planned:
        await self._runs.keep_lease(flow, tenant)
        run = await self._runs.load(flow, tenant)
        if run.stage or ask.kind != Mode.DELTA:
            await self._runs.report(flow, tenant, 0, 0, stage="Planning")
        async with self._database.read() as tx:
            approval = (await load_people_settings(tx, tenant)).value.approve

        async def fence(tx: Transaction) -> None:
            await self._runs.fence(tx, flow, tenant)

        made = await self._planning.make(
            tenant,
            run,
            everything=ask.preview or (ask.mode is Mode.FULL and not ask.person),
            person=person,
            preview=ask.preview,
            fence=fence,
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
            stored = await load_outline(tx, tenant, plan)
            progress = await count_outcomes(tx, tenant, plan)
            kinds = await count_done(tx, tenant, plan)
        closed = stored is None or stored.status is not PlanStatus.APPLYING
        done = progress.by_status.get(ActionStatus.DONE, 0)
        return Started(closed, progress.ended, done, kinds)

    async def _apply_chunk(
        self, flow: str, tenant: int, patience: Patience, plan: int
    ) -> More | Failed:
        await self._runs.keep_lease(flow, tenant)
        run = await self._runs.load(flow, tenant)

        async def fence(tx: Transaction) -> None:
            await self._runs.fence(tx, flow, tenant)

        stint = Stint(self._clock)
        done: Chunk | None = None
        while True:
            try:
                with hurried(patience.call_s):
                    async with self._phones.undisturbed(tenant):
                        chunk = await self._applying.chunk(tenant, plan, run, fence)
                    if chunk is not None and chunk.overtaken:
                        await self._phones.read(tenant, everything=False)
            except PhoneSystemError as error:
                return phones_failed(error)
            done = chunk or done
            if chunk is None or not stint.goes_on(chunk.size):
                break
        if done is not None:
            stage = "Writing to the phone system"
            await self._runs.report(flow, tenant, done.done, done.total, stage=stage)
        return More(chunk is not None)
