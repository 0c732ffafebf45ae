"""One people run from its first step to its last: observe, decide, act, record.

A run is a row of durable steps; whatever a step does is safe to do again. This file keeps their
order. What begins a run is in `people.py`, the steps that read in `reading.py`, those that end it
in `settling.py`; rules are in `core`, writes in `applying.py`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from contextlib import nullcontext
from dataclasses import asdict
from typing import Any

import structlog

from jackfield.clock import Clock
from jackfield.core.people import ObjectId
from jackfield.core.schedule import Mode
from jackfield.durable import DurableError, Json, Run, StepFailedError
from jackfield.flows.applying import Applying
from jackfield.flows.directory import DirectoryReading
from jackfield.flows.failures import phones_failed
from jackfield.flows.numbers import Numbers
from jackfield.flows.patience import patiently
from jackfield.flows.people import Ask, mode_due
from jackfield.flows.phones import PhoneReading
from jackfield.flows.planning import Planning
from jackfield.flows.reading import HURRIED_S, ReadingSteps
from jackfield.flows.run_rows import LeaseLost
from jackfield.flows.runs import WORK, Runs
from jackfield.flows.settling import SettlingSteps
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

    async def sync(self, run: Run, tenant: int, document: dict[str, Any]) -> Json:
        """Observe, decide and, unless a plan was all that was asked for, act."""
        return await self._whole(run, tenant, self._sync(run, tenant, document))

    async def _sync(self, run: Run, tenant: int, document: dict[str, Any]) -> Json:
        ask = Ask.from_json(document)
        stuck = await self._hold(run, tenant, ask)
        if stuck:
            return await run.step("fail", self._settling.fail, run.id, tenant, stuck)
        began = await run.step("begin", self._begin, run.id, tenant, document)
        if began["mode"] is None:
            return await run.step("leave", self._runs.leave, run.id, tenant)
        document = {**document, "mode": began["mode"]}
        read = await self._observe(run, tenant, Ask.from_json(document))
        if read.get("failed"):
            return await run.step("fail", self._settling.fail, run.id, tenant, read)
        made = await run.step(
            "plan",
            self._plan,
            run.id,
            tenant,
            document,
            str(read.get("person", "")),
        )

        async def end(started: dict[str, Any]) -> dict[str, Any]:
            step, mark = self._settling.end, began["mark"]
            return dict(await run.step("end", step, run.id, tenant, made, started, mark))

        if not (made["plan"] and made["apply"]):
            return await end({})
        return await self._carry_out(run, tenant, int(made["plan"]), end, hurry=bool(ask.person))

    async def apply(self, run: Run, tenant: int, plan: int, by: str) -> Json:
        """Carry out an approved plan."""
        return await self._whole(run, tenant, self._apply_plan(run, tenant, plan, by), plan)

    async def _apply_plan(self, run: Run, tenant: int, plan: int, by: str) -> Json:
        await self._hold(run, tenant, Ask(trigger=Trigger.ADMINISTRATOR, by=by), "approved")
        await run.step("begin", self._begin_apply, run.id, tenant, by)

        async def end(started: dict[str, Any]) -> dict[str, Any]:
            step = self._settling.end_apply
            return dict(await run.step("end", step, run.id, tenant, plan, started))

        return await self._carry_out(run, tenant, plan, end)

    async def _observe(self, run: Run, tenant: int, ask: Ask) -> dict[str, Any]:
        if ask.person:
            observed = await self._observe_person(run, tenant, ask)
        else:
            observed = await self._walk(run, tenant, Resource.USERS, ask.mode)
            if not observed.get("failed"):
                observed = await self._walk(run, tenant, Resource.GROUPS, ask.mode)
        if observed.get("failed"):
            return observed
        everything = ask.mode is Mode.FULL and not ask.person
        if everything:
            await run.step("licences", self._reading.read_licences, tenant)
        phones = await self._patiently(
            run,
            tenant,
            "phones",
            self._reading.read_phones,
            everything,
            bool(ask.person),
            hurry=bool(ask.person),
        )
        return phones if phones.get("failed") else observed

    async def _observe_person(self, run: Run, tenant: int, ask: Ask) -> dict[str, Any]:
        read = await self._patiently(
            run, tenant, "person", self._reading.read_person, ask.person, hurry=True
        )
        if read.get("failed"):
            return read
        if not read["groups_known"]:
            return read
        groups = await self._walk(run, tenant, Resource.GROUPS, Mode.DELTA, hurry=True)
        return {**read, **groups}

    async def _walk(
        self, run: Run, tenant: int, resource: Resource, mode: Mode, *, hurry: bool = False
    ) -> dict[str, Any]:
        """Read a round to its end. Missing permission for groups stops nothing else."""
        more = await run.step(
            "round", self._reading.begin_round, tenant, resource.value, mode.value
        )
        while more["more"]:
            name = f"page {resource}"
            more = await self._patiently(
                run, tenant, name, self._reading.read_page, resource.value, hurry, hurry=hurry
            )
            if more.get("failed"):
                return more
        return {}

    async def _carry_out(
        self,
        run: Run,
        tenant: int,
        plan: int,
        end: Callable[[dict[str, Any]], Awaitable[dict[str, Any]]],
        *,
        hurry: bool = False,
    ) -> Json:
        """Carry a plan out and `end` the run, which is given what the plan had behind it.

        A database that was cut off may have lost what it had acknowledged. So it is the table that
        says whether anything is left, not the count kept here: what is left is done then.
        """
        began: dict[str, Any] = {}
        while True:
            started = await self._apply(run, tenant, plan, hurry=hurry)
            if started.get("failed"):
                return await run.step("fail", self._settling.fail, run.id, tenant, started)
            began = {**started, **began, "closed": started["closed"]}
            ended = await end(began)
            if not ended.get("left"):
                return ended

    async def _apply(
        self, run: Run, tenant: int, plan: int, *, hurry: bool = False
    ) -> dict[str, Any]:
        """Carry out a plan; answers what it had behind it, `failed`, or `closed`."""
        started: dict[str, Any] = await run.step(
            "start applying", self._start_applying, tenant, plan
        )
        while not started["closed"]:
            chunk = await self._patiently(
                run, tenant, "apply", self._apply_chunk, plan, hurry, hurry=hurry
            )
            if chunk.get("failed"):
                return {**chunk, "plan": plan}
            if not chunk["more"]:
                break
        return started

    async def _whole(
        self, run: Run, tenant: int, work: Coroutine[Any, Any, Json], plan: int = 0
    ) -> Json:
        """Let no run end without saying so, whatever happens in it."""
        failed: dict[str, Json] = {"failed": True, "plan": plan}
        try:
            try:
                return await work
            except DurableError as error:
                if not isinstance(error, StepFailedError):
                    raise
                taken_over = error.kind == LeaseLost.__name__
                failed |= {"text": str(error), "taken_over": taken_over}
            except Exception as error:
                _log.exception("people.run_broke", tenant=tenant, run=run.id)
                failed |= {"text": f"{type(error).__name__}: {error}"}
            return await run.step("fail", self._settling.fail, run.id, tenant, failed)
        finally:
            self._runs.forget(run.id)

    async def _hold(self, run: Run, tenant: int, ask: Ask, mode: str = "") -> dict[str, Any]:
        """Wait until no other run works for the tenant.

        While a person waits for this one: not behind a run that does not get on; answers `failed`.
        """
        asked = (run.id, tenant, ask.trigger.value, mode or ask.kind, ask.by)
        pause, waited = 0.5, 0.0
        while True:
            turn = await run.step("lease", self._runs.take_turn, *asked)
            if turn["held"]:
                return {}
            if ask.person and turn["stuck"] and waited >= HURRIED_TURN_S:
                return {"failed": True, "text": turn["because"], "next_step": _ASK_AGAIN}
            await run.sleep(pause)
            waited += pause
            pause = min(HURRIED_PAUSE_S if ask.person else 5.0, pause * 1.5)

    async def _patiently(
        self, run: Run, tenant: int, name: str, step: Any, *args: Json, hurry: bool = False
    ) -> dict[str, Any]:
        """A step, again while somebody says "later"; between tries the run sleeps.

        In a `hurry` there is one try: who waits in person is told, and may ask again.
        """
        if not hurry:
            return await patiently(run, self._runs, tenant, name, step, *args)
        done: dict[str, Any] = await run.step(name, step, run.id, tenant, *args)
        return {**done, "next_step": _ASK_AGAIN} if done.get("later") else done

    # --- Steps: each does one thing, safe to repeat, and answers JSON -----------------------------

    async def _begin(self, flow: str, tenant: int, document: dict[str, Any]) -> dict[str, Any]:
        ask = Ask.from_json(document)
        async with self._database.read() as tx:
            settings = (await load_people_settings(tx, tenant)).value
            state = await load_due(tx, tenant, WORK)
        by_itself = ask.trigger is Trigger.SCHEDULE and ask.is_for_all
        if ask.trigger is not Trigger.SCHEDULE:
            self._directory.ask_again(tenant)
        if by_itself and mode_due(settings, state, self._clock.now()) is None:
            # A peer queued this when the same was about to be done.
            return {"mark": None, "mode": None}
        if ask.is_for_all and state.wanted is Mode.FULL:
            # Asked for while this run stood in the queue: it settles that wish too.
            ask = Ask(Mode.FULL, ask.trigger, ask.by)
        await self._runs.begin(flow, tenant, trigger=ask.trigger, mode=ask.kind, by=ask.by)
        return {"mark": state.mark if ask.is_for_all else None, "mode": ask.mode.value}

    async def _begin_apply(self, flow: str, tenant: int, by: str) -> None:
        trigger = Trigger.ADMINISTRATOR
        await self._runs.begin(flow, tenant, trigger=trigger, mode="approved", by=by)

    async def _plan(
        self,
        flow: str,
        tenant: int,
        document: dict[str, Any],
        person: str,
    ) -> dict[str, Any]:
        await self._runs.keep_lease(flow, tenant)
        ask = Ask.from_json(document)
        run = await self._runs.load(flow, tenant)
        if run.stage or ask.kind != Mode.DELTA:
            await self._runs.report(flow, tenant, 0, 0, stage="Planning")
        async with self._database.read() as tx:
            approval = (await load_people_settings(tx, tenant)).value.approve
        made = await self._planning.make(
            tenant,
            run,
            everything=ask.preview or (ask.mode is Mode.FULL and not ask.person),
            person=ObjectId(person) if person else None,
            preview=ask.preview,
        )
        by_itself = approval is Approval.AUTOMATIC and not ask.preview
        return {**asdict(made), "apply": by_itself and bool(made.plan), "person": person}

    async def _start_applying(self, tenant: int, plan: int) -> dict[str, Any]:
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
        return {"closed": closed, "ended": progress.ended, "done": done}

    async def _apply_chunk(self, flow: str, tenant: int, plan: int, hurry: bool) -> dict[str, Any]:
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
            return {"more": False}
        stage = "Writing to the phone system"
        await self._runs.report(flow, tenant, chunk.done, chunk.total, stage=stage)
        return {"more": True}
