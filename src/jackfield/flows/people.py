"""People sync, one run at a time: observe Microsoft 365 and the phone system, decide, act, record.

A run is a row of durable steps; whatever a step does is safe to do again. Which runs are due is
looked up from the tables, so a lost nudge costs seconds. Rules are in `core`, writes in
`applying.py`, the rows of runs in `runs.py`; this file only keeps the order.
"""

from __future__ import annotations

from collections.abc import Coroutine
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import structlog

from jackfield.clock import Clock
from jackfield.core.actions import RefusalKind
from jackfield.core.people import ObjectId
from jackfield.core.schedule import Mode, ScheduleRules, due
from jackfield.durable import DurableError, Json, Run, RunId, Runner, StepFailedError
from jackfield.flows.applying import Applying
from jackfield.flows.connections import NotConnected
from jackfield.flows.directory import DirectoryReading
from jackfield.flows.outcomes import Started, applied, closed, nothing_planned, planned
from jackfield.flows.phones import PhoneReading
from jackfield.flows.planning import Made, Planning
from jackfield.flows.runs import (
    GROUPS,
    GUARD,
    PHONES,
    WORK,
    LeaseLost,
    Runs,
    failure_of,
)
from jackfield.graph.errors import (
    AgainLater,
    GraphError,
    NotFound,
    PermissionMissing,
    Rejected,
)
from jackfield.pbx.port import PhoneSystemError, PhoneSystemUnreachable
from jackfield.store.cursors import Resource, accept_people, load_cursor
from jackfield.store.database import Database
from jackfield.store.errors import CursorMoved, StoreError
from jackfield.store.leases import list_leases
from jackfield.store.people import count_people
from jackfield.store.planned import add_unsettled
from jackfield.store.plans import (
    ActionStatus,
    PlanStatus,
    StoredPlan,
    count_outcomes,
    find_holding,
    list_plans,
    load_plan,
    load_unsettled,
    move_plan,
    release_held,
    skip_pending,
)
from jackfield.store.runs import RunStatus, Trigger, list_runs
from jackfield.store.schedule import Due, load_due, want
from jackfield.store.settings import Approval, load_people_settings
from jackfield.store.tenants import TenantState, load_connection, load_tenants
from jackfield.store.transaction import Transaction

SYNC = "people.sync"
APPLY = "people.apply"
PATIENCE = 5
"""How often a step is tried while somebody says "later"; then the run is over, and due again."""
LONGEST_WAIT_S = 900.0
HURRIED_PATIENCE = 2
HURRIED_WAIT_S = 5.0
"""While a person waits for the answer."""
LONGEST_NAP_S = 60.0
"""A waiting run shows that it lives: well within the lease."""

_NO_GROUPS = "Groups, and with them departments, stay as they are; people are synced all the same."
_DISBELIEF = frozenset({RefusalKind.EMPTY_ANSWER, RefusalKind.SHRUNK_ANSWER})
_log = structlog.get_logger("jackfield.flows.people")


@dataclass(frozen=True, slots=True)
class Ask:
    """What a run is asked to do."""

    mode: Mode = Mode.DELTA
    trigger: Trigger = Trigger.SCHEDULE
    by: str = ""
    person: str = ""
    """Only this person, by object ID or UPN."""
    preview: bool = False
    """Stop with the plan; nothing is changed."""

    def as_json(self) -> dict[str, Json]:
        return {
            "mode": self.mode.value,
            "trigger": self.trigger.value,
            "by": self.by,
            "person": self.person,
            "preview": self.preview,
        }

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Ask:
        return cls(
            Mode(document["mode"]),
            Trigger(document["trigger"]),
            document["by"],
            document["person"],
            document["preview"],
        )

    @property
    def kind(self) -> str:
        if self.preview:
            return "preview"
        return "person" if self.person else self.mode.value

    @property
    def is_for_all(self) -> bool:
        """Whether it does what a schedule or a wish waits for."""
        return not self.preview and not self.person


class PlanNotOpen(Exception):
    """The plan cannot be approved or turned down any more; the text says why."""


class PeopleSync:
    """Runs people sync for all tenants of the installation."""

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
        self._runner: Runner | None = None

    def work_with(self, runner: Runner) -> None:
        """The durable runner that `start` and `sweep` hand runs to."""
        self._runner = runner

    # --- What begins a run ------------------------------------------------------------------------

    async def sweep(self) -> int:
        """Queue what is due, for every tenant; returns how many runs were asked for.

        What is wrong with one tenant is raised after all others were served.
        """
        async with self._database.read() as tx:
            tenants = await load_tenants(tx)
        begun = 0
        trouble: StoreError | None = None
        for tenant in tenants:
            if tenant.state is not TenantState.ACTIVE:
                continue
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
            approved = await list_plans(tx, tenant, status=PlanStatus.APPROVED)
        if state.not_before is not None and self._clock.now() < state.not_before:
            return 0
        for plan in approved:
            await self._apply_later(tenant, plan.id, plan.decided_by)
        # Switched off is the schedule, not what somebody asks for.
        mode = self._due(settings.schedule, state) if settings.enabled else state.wanted
        if mode is not None:
            await self._enqueue(tenant, Ask(mode))
        return len(approved) + (mode is not None)

    def _due(self, rules: ScheduleRules, state: Due) -> Mode | None:
        return due(
            rules,
            now=self._clock.now(),
            last_full_at=state.last_full_at,
            last_delta_at=state.last_delta_at,
            wanted=state.wanted,
        )

    async def take_stock(self) -> None:
        """After a start: what was under way when the process died goes on by itself, or is over.

        The runner's own records may be gone; what is left to do then, the tables tell the next
        `sweep`.
        """
        async with self._database.read() as tx:
            tenants = [one.number for one in await load_tenants(tx)]
        for tenant in tenants:
            async with self._database.read() as tx:
                running = await list_runs(tx, tenant, status=RunStatus.RUNNING, limit=500)
                leases = await list_leases(tx, tenant, WORK)
            # A run that died before its row was begun holds nothing but the lease.
            holders = [one.owner for one in leases if one.owner and one.name == WORK]
            flows = dict.fromkeys([*(one.flow for one in running), *holders])
            lost = [flow for flow in flows if not await self.is_waiting(flow)]
            await self._runs.bury(tenant, lost, alive=len(lost) < len(flows))

    async def is_waiting(self, flow: str) -> bool:
        """Whether the runner knows a run of this id that has not ended."""
        assert self._runner is not None  # noqa: S101 - wired by app.py
        try:
            return await self._runner.is_alive(RunId(flow))
        except DurableError:
            return False

    async def start(self, tenant: int, ask: Ask) -> RunId:
        """Begin a run now; it waits its turn behind other runs of the tenant.

        While a run for everybody is under way, that one is answered, and the wish is kept for the
        moment it ends.
        """
        if ask.is_for_all:
            async with self._database.write() as tx:
                await want(tx, tenant, WORK, ask.mode, now=self._clock.now())
        return await self._enqueue(tenant, ask)

    async def approve(self, tenant: int, plan: int, *, by: str, release: bool) -> RunId:
        """Carry out a stored plan as it was shown; with `release`, what a guard holds too.

        Raises `PlanNotOpen`.
        """
        async with self._database.write() as tx:
            stored = await load_plan(tx, tenant, plan)
            if stored is None:
                raise PlanNotOpen(f"There is no plan {plan}.")
            cursor = await load_cursor(tx, tenant, Resource.USERS)
            # Fewer may have been accepted since, with another plan.
            disbelieved = cursor.accepted_people > stored.people_now and any(
                refusal.kind in _DISBELIEF for refusal in stored.refusals
            )
            open_states = [PlanStatus.PROPOSED]
            if release and stored.status is PlanStatus.APPLIED:
                if not stored.held and not disbelieved:
                    raise PlanNotOpen(f"Plan {plan} holds nothing back.")
                open_states.append(PlanStatus.APPLIED)
            now = self._clock.now()
            moved = await move_plan(
                tx, tenant, plan, open_states, PlanStatus.APPROVED, now=now, by=by
            )
            if not moved:
                raise PlanNotOpen(
                    f"Plan {plan} is {stored.status}; only a proposed plan can be approved. "
                    "Make a new plan to see what is to be done now."
                )
            if release:
                await release_held(tx, tenant, plan)
                if disbelieved:
                    await accept_people(tx, tenant, stored.people_now)
        return await self._apply_later(tenant, plan, by)

    async def turn_down(self, tenant: int, plan: int, *, by: str) -> None:
        """Refuse a plan, or the rest of one that was carried out in part. Raises `PlanNotOpen`."""
        now = self._clock.now()
        waiting = [PlanStatus.PROPOSED, PlanStatus.APPROVED]
        async with self._database.write() as tx:
            begun = (await count_outcomes(tx, tenant, plan)).ended > 0
            # What is done is not refused: the plan ends as far as it came.
            end = PlanStatus.APPLIED if begun else PlanStatus.REFUSED
            if not await move_plan(tx, tenant, plan, waiting, end, now=now, by=by):
                raise PlanNotOpen(f"Plan {plan} is not waiting for a decision.")
            if begun:
                await skip_pending(tx, tenant, plan, text=f"Turned down by {by}.", now=now)
                await _plan_again(tx, tenant, plan, now)

    async def _enqueue(self, tenant: int, ask: Ask) -> RunId:
        assert self._runner is not None  # noqa: S101 - wired by app.py
        return await self._runner.enqueue(SYNC, tenant, ask.as_json(), key=_key(tenant, ask))

    async def _apply_later(self, tenant: int, plan: int, by: str) -> RunId:
        assert self._runner is not None  # noqa: S101 - wired by app.py
        return await self._runner.enqueue(APPLY, tenant, plan, by, key=f"{WORK}:{tenant}:{plan}")

    # --- The flows --------------------------------------------------------------------------------

    async def sync(self, run: Run, tenant: int, document: dict[str, Any]) -> Json:
        """Observe, decide and, unless a plan was all that was asked for, act."""
        return await self._whole(run, tenant, self._sync(run, tenant, document))

    async def _sync(self, run: Run, tenant: int, document: dict[str, Any]) -> Json:
        await self._hold(run, tenant)
        began = await run.step("begin", self._begin, run.id, tenant, document)
        document = {**document, "mode": began["mode"]}
        read = await self._observe(run, tenant, Ask.from_json(document))
        if read.get("failed"):
            return await run.step("fail", self._fail, run.id, tenant, read)
        made = await run.step(
            "plan",
            self._plan,
            run.id,
            tenant,
            document,
            str(read.get("person", "")),
            bool(read["groups_readable"]),
        )
        started: dict[str, Any] = {}
        if made["plan"] and made["apply"]:
            started = await self._apply(run, tenant, int(made["plan"]))
            if started.get("failed"):
                return await run.step("fail", self._fail, run.id, tenant, started)
        mark = began["mark"]
        return await run.step("end", self._end, run.id, tenant, made, started, mark)

    async def apply(self, run: Run, tenant: int, plan: int, by: str) -> Json:
        """Carry out an approved plan."""
        return await self._whole(run, tenant, self._apply_plan(run, tenant, plan, by), plan)

    async def _apply_plan(self, run: Run, tenant: int, plan: int, by: str) -> Json:
        await self._hold(run, tenant)
        await run.step("begin", self._begin_apply, run.id, tenant, by)
        started = await self._apply(run, tenant, plan)
        if started.get("failed"):
            return await run.step("fail", self._fail, run.id, tenant, started)
        return await run.step("end", self._end_apply, run.id, tenant, plan, started)

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
            await run.step("licences", self._read_licences, tenant)
        phones = await self._patiently(run, tenant, "phones", self._read_phones, everything)
        return phones if phones.get("failed") else observed

    async def _observe_person(self, run: Run, tenant: int, ask: Ask) -> dict[str, Any]:
        read = await self._patiently(
            run, tenant, "person", self._read_person, ask.person, hurried=True
        )
        if read.get("failed"):
            return read
        groups = {"groups_readable": False}
        if read["groups_known"]:
            groups = await self._walk(run, tenant, Resource.GROUPS, Mode.DELTA, hurried=True)
        return {**read, **groups}

    async def _walk(
        self, run: Run, tenant: int, resource: Resource, mode: Mode, *, hurried: bool = False
    ) -> dict[str, Any]:
        """Read a round to its end. Missing permission for groups stops nothing else."""
        more = await run.step("round", self._begin_round, tenant, resource.value, mode.value)
        while more["more"]:
            name = f"page {resource}"
            more = await self._patiently(
                run, tenant, name, self._read_page, resource.value, hurried=hurried
            )
            if more.get("unreadable"):
                return {"groups_readable": False}
            if more.get("failed"):
                return more
        return {"groups_readable": True}

    async def _apply(self, run: Run, tenant: int, plan: int) -> dict[str, Any]:
        """Carry out a plan; answers what it had behind it, `failed`, or `closed`."""
        started: dict[str, Any] = await run.step(
            "start applying", self._start_applying, tenant, plan
        )
        while not started["closed"]:
            chunk = await self._patiently(run, tenant, "apply", self._apply_chunk, plan)
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
            return await work
        except DurableError as error:
            if not isinstance(error, StepFailedError):
                raise
            taken_over = error.kind == LeaseLost.__name__
            failed |= {"text": str(error), "taken_over": taken_over}
        except Exception as error:
            _log.exception("people.run_broke", tenant=tenant, run=run.id)
            failed |= {"text": f"{type(error).__name__}: {error}"}
        finally:
            self._runs.forget(run.id)
        return await run.step("fail", self._fail, run.id, tenant, failed)

    async def _hold(self, run: Run, tenant: int) -> None:
        """Wait until no other run works for the tenant."""
        pause = 0.5
        while not await run.step("lease", self._runs.take_lease, str(run.id), tenant):
            await run.sleep(pause)
            pause = min(5.0, pause * 1.5)

    async def _patiently(
        self, run: Run, tenant: int, name: str, step: Any, *args: Json, hurried: bool = False
    ) -> dict[str, Any]:
        """A step, again while somebody says "later"; between tries the run sleeps."""
        patience, longest = PATIENCE, LONGEST_WAIT_S
        if hurried:
            patience, longest = HURRIED_PATIENCE, HURRIED_WAIT_S
        for tries in range(patience):
            done: dict[str, Any] = await run.step(name, step, run.id, tenant, *args)
            if not done.get("later") or tries == patience - 1:
                return done
            wait = min(longest, max(float(done["later"]), 2.0**tries))
            while wait > 0:
                await run.sleep(min(wait, LONGEST_NAP_S))
                wait -= LONGEST_NAP_S
                await run.step("keep", self._runs.keep_lease, str(run.id), tenant)
        raise AssertionError(name)

    # --- The steps: each does one thing, safe to repeat, and answers JSON -------------------------

    async def _begin(self, flow: str, tenant: int, document: dict[str, Any]) -> dict[str, Any]:
        ask = Ask.from_json(document)
        async with self._database.read() as tx:
            state = await load_due(tx, tenant, WORK)
        if ask.is_for_all and state.wanted is Mode.FULL:
            # Asked for while this run stood in the queue: it settles that wish too.
            ask = Ask(Mode.FULL, ask.trigger, ask.by)
        await self._runs.begin(flow, tenant, trigger=ask.trigger, mode=ask.kind, by=ask.by)
        return {"mark": state.mark if ask.is_for_all else None, "mode": ask.mode.value}

    async def _begin_apply(self, flow: str, tenant: int, by: str) -> None:
        trigger = Trigger.ADMINISTRATOR
        await self._runs.begin(flow, tenant, trigger=trigger, mode="approved", by=by)

    async def _begin_round(self, tenant: int, resource: str, mode: str) -> dict[str, Json]:
        progress = await self._directory.begin(tenant, Resource(resource), Mode(mode))
        return {"more": progress.more}

    async def _read_page(self, flow: str, tenant: int, resource: str) -> dict[str, Any]:
        await self._runs.keep_lease(flow, tenant)
        users = resource == Resource.USERS.value
        try:
            read = self._directory.read_users if users else self._directory.read_groups
            progress = await read(tenant)
        except CursorMoved:
            return {"more": True}
        except (PermissionMissing, NotFound, Rejected) as error:
            if users:
                return _failed(error)
            next_step = error.next_step if isinstance(error, PermissionMissing) else _NO_GROUPS
            await self._runs.begin_alarm(tenant, GROUPS, error.what, next_step)
            return {"unreadable": True}
        except (GraphError, NotConnected, StoreError) as error:
            return _failed(error)
        if not users and not progress.more:
            await self._runs.end_alarm(tenant, GROUPS)
        if progress.full and users:
            await self._runs.report(flow, tenant, progress.read, 0, stage="Reading people")
        return {"more": progress.more}

    async def _read_licences(self, tenant: int) -> None:
        """Names of licences are for reading only: without them the sync goes on."""
        try:
            await self._directory.read_licences(tenant)
        except (GraphError, NotConnected, StoreError) as error:
            _log.info("licences.not_read", tenant=tenant, because=str(error))

    async def _read_person(self, flow: str, tenant: int, person: str) -> dict[str, Any]:
        await self._runs.keep_lease(flow, tenant)
        try:
            found = await self._directory.read_person(tenant, person)
        except NotFound:
            text = f"There is no user {person!r} in Microsoft 365."
            return {"failed": True, "text": f"{text} Give a UPN or an object ID."}
        except (GraphError, NotConnected, StoreError) as error:
            return _failed(error)
        groups_known = await self._directory.is_read(tenant, Resource.GROUPS)
        return {"person": found, "groups_known": groups_known}

    async def _read_phones(self, flow: str, tenant: int, everything: bool) -> dict[str, Any]:
        await self._runs.keep_lease(flow, tenant)
        try:
            await self._phones.read(tenant, everything=everything)
        except PhoneSystemError as error:
            return _phones_failed(error)
        await self._runs.end_alarm(tenant, PHONES)
        return {}

    async def _plan(
        self,
        flow: str,
        tenant: int,
        document: dict[str, Any],
        person: str,
        groups_readable: bool,
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
            groups_readable=groups_readable,
            person=ObjectId(person) if person else None,
            preview=ask.preview,
        )
        by_itself = approval is Approval.AUTOMATIC and not ask.preview
        return {**asdict(made), "apply": by_itself and bool(made.plan)}

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

    async def _apply_chunk(self, flow: str, tenant: int, plan: int) -> dict[str, Any]:
        await self._runs.keep_lease(flow, tenant)
        run = await self._runs.load(flow, tenant)
        try:
            async with self._phones.undisturbed(tenant):
                chunk = await self._applying.chunk(tenant, plan, run)
            if chunk is not None and chunk.overtaken:
                await self._phones.read(tenant, everything=False)
        except PhoneSystemError as error:
            return _phones_failed(error)
        if chunk is None:
            return {"more": False}
        stage = "Writing to the phone system"
        await self._runs.report(flow, tenant, chunk.done, chunk.total, stage=stage)
        return {"more": True}

    async def _end(
        self,
        flow: str,
        tenant: int,
        made: dict[str, Any],
        started: dict[str, Any],
        mark: int | None,
    ) -> dict[str, Any]:
        guarded, plan = bool(made["guarded"]), int(made["plan"])
        stored = await self._close_plan(tenant, plan) if made["apply"] else None
        async with self._database.read() as tx:
            people = (await count_people(tx, tenant)).present
            if plan and stored is None:
                stored = await load_plan(tx, tenant, plan)
            progress = await count_outcomes(tx, tenant, plan)
        if stored is None:
            outcome = nothing_planned(people, guarded=guarded)
        elif started.get("closed"):
            outcome = closed(stored, people)
        elif made["apply"]:
            outcome = applied(stored, progress, _started(started), people, guarded=guarded)
        else:
            outcome = planned(stored, people, guarded=guarded)
        if mark is not None and guarded:
            await self._runs.begin_alarm(
                tenant,
                GUARD,
                outcome.text,
                "Look at the plan and release what is meant; what is not stays undone.",
            )
        elif mark is not None and made["everyone"]:
            await self._runs.end_alarm(tenant, GUARD)
        await self._runs.end(flow, tenant, outcome, mark=mark)
        if int(made["total"]) >= 1_000:
            await self._database.analyze()
        return {"status": outcome.status.value}

    async def _end_apply(
        self, flow: str, tenant: int, plan: int, started: dict[str, Any]
    ) -> dict[str, Any]:
        stored = await self._close_plan(tenant, plan)
        async with self._database.read() as tx:
            people = (await count_people(tx, tenant)).present
            progress = await count_outcomes(tx, tenant, plan)
        if stored is None:
            outcome = nothing_planned(people, guarded=False)
        elif started["closed"]:
            outcome = closed(stored, people)
        else:
            outcome = applied(stored, progress, _started(started), people, guarded=False)
            if not await self._guards_wait(tenant, plan):
                await self._runs.end_alarm(tenant, GUARD)
        came_through = not started["closed"] and outcome.status is not RunStatus.FAILED
        await self._runs.end(flow, tenant, outcome, mark=None, came_through=came_through)
        return {"status": outcome.status.value}

    async def _guards_wait(self, tenant: int, applied_plan: int) -> bool:
        """Whether a guard still waits for somebody to look, now that this plan is carried out."""
        async with self._database.read() as tx:
            if await find_holding(tx, tenant):
                return True
            (newest, *_) = await list_plans(tx, tenant, limit=1)
            accepted = (await load_cursor(tx, tenant, Resource.USERS)).accepted_people
        disbelieves = any(one.kind in _DISBELIEF for one in newest.refusals)
        return disbelieves and newest.id != applied_plan and newest.people_now < accepted

    async def _fail(self, flow: str, tenant: int, failed: dict[str, Any]) -> dict[str, Any]:
        await self._runs.fail(flow, tenant, failure_of(failed))
        return {"status": RunStatus.FAILED.value}

    async def _close_plan(self, tenant: int, plan: int) -> StoredPlan | None:
        now = self._clock.now()
        async with self._database.write() as tx:
            await move_plan(tx, tenant, plan, [PlanStatus.APPLYING], PlanStatus.APPLIED, now=now)
            await _plan_again(tx, tenant, plan, now)
            return await load_plan(tx, tenant, plan)


async def _plan_again(tx: Transaction, tenant: int, plan: int, now: datetime) -> None:
    """Whoever a plan did not come through for is looked at again."""
    unsettled = await load_unsettled(tx, tenant, plan, now=now)
    people = None if unsettled is None else [ObjectId(one) for one in unsettled]
    await add_unsettled(tx, tenant, people)


def _started(document: dict[str, Any]) -> Started:
    return Started(int(document.get("ended", 0)), int(document.get("done", 0)))


def _failed(error: Exception) -> dict[str, Any]:
    """What a step answers about an error it met; `later` asks for another try."""
    failed: dict[str, Any] = {
        "failed": True,
        "text": getattr(error, "what", None) or str(error),
        "next_step": getattr(error, "next_step", ""),
    }
    if isinstance(error, AgainLater):
        failed["later"] = float(error.retry_after_s or 1.0)
    return failed


def _phones_failed(error: PhoneSystemError) -> dict[str, Any]:
    return {
        "failed": True,
        "text": f"The phone system: {error}",
        "next_step": "Check that the phone system runs and that Jackfield may use it.",
        "alarm": PHONES,
        "later": 15.0 if isinstance(error, PhoneSystemUnreachable) else 0.0,
    }


def _key(tenant: int, ask: Ask) -> str:
    """Asking twice for the same is asking once, as long as the first has not ended."""
    if ask.preview:
        return f"{WORK}:{tenant}:preview"
    return f"{WORK}:{tenant}:{ask.person.lower()}" if ask.person else f"{WORK}:{tenant}"


__all__ = ["APPLY", "SYNC", "Ask", "Made", "PeopleSync", "PlanNotOpen"]
