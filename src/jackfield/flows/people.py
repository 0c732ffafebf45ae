"""People sync, one run at a time: observe Microsoft 365 and the phone system, decide, act, record.

A run is a row of durable steps; whatever a step does is safe to do again. Which runs are due is
looked up from the tables, so a lost nudge costs seconds. Rules are in `core`, writes in
`applying.py`; this file only keeps the order.
"""

from __future__ import annotations

from collections.abc import Coroutine
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import structlog

from jackfield.clock import Clock
from jackfield.core.people import ObjectId
from jackfield.core.schedule import Mode, due
from jackfield.durable import DurableError, Json, Run, RunId, Runner, StepFailedError
from jackfield.flows.applying import Applying
from jackfield.flows.connections import NotConnected
from jackfield.flows.directory import DirectoryReading
from jackfield.flows.phones import PhoneReading
from jackfield.flows.planning import Made, Planning
from jackfield.graph.errors import AgainLater, GraphError, NotFound, PermissionMissing
from jackfield.pbx.port import PhoneSystemError, PhoneSystemUnreachable
from jackfield.store.alarms import begin_alarm, end_alarm
from jackfield.store.cursors import Resource, load_cursor
from jackfield.store.database import Database
from jackfield.store.errors import CursorMoved, StoreError
from jackfield.store.leases import give_up_lease, take_lease
from jackfield.store.people import count_people
from jackfield.store.planned import add_unsettled
from jackfield.store.plans import (
    ActionStatus,
    PlanStatus,
    count_outcomes,
    list_plans,
    load_plan,
    load_unsettled,
    move_plan,
    release_held,
)
from jackfield.store.runs import (
    RunStatus,
    StoredRun,
    Trigger,
    begin_run,
    end_run,
    list_runs,
    load_run_of_flow,
    report_progress,
)
from jackfield.store.schedule import Due, load_due, postpone, settle, want
from jackfield.store.settings import Approval, load_people_settings
from jackfield.store.tenants import TenantState, load_connection, load_tenants

WORK = "people"
SYNC = "people.sync"
APPLY = "people.apply"
LEASE = timedelta(seconds=180)
"""How long a run may be silent before another may take the tenant over; longer than any step."""
RENEW_EVERY_S = 20.0
PATIENCE = 8
"""How often a run waits for somebody who says "later" before it gives up until it is due again."""
LONGEST_WAIT_S = 120.0

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


class PlanNotOpen(Exception):
    """The plan cannot be approved or turned down any more; the text says why."""


class LeaseLost(Exception):
    """The run was silent for too long, and another one works for its tenant."""


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
        self._runner: Runner | None = None
        self._renewed: dict[str, float] = {}

    def work_with(self, runner: Runner) -> None:
        """The durable runner that `start` and `sweep` hand runs to."""
        self._runner = runner

    # --- What begins a run -------------------------------------------------------------------------

    async def sweep(self) -> int:
        """Queue what is due, for every tenant; returns how many runs were asked for."""
        begun = 0
        async with self._database.read() as tx:
            for tenant in await load_tenants(tx):
                if tenant.state is not TenantState.ACTIVE:
                    continue
                if await load_connection(tx, tenant.number) is None:
                    continue
                stored = await load_people_settings(tx, tenant.number)
                if not stored.value.enabled:
                    continue
                state = await load_due(tx, tenant.number, WORK)
                mode = self._due(stored.value.schedule, state)
                if mode is None:
                    continue
                begun += 1
                await self._enqueue(tenant.number, Ask(mode))
        return begun

    async def take_stock(self) -> None:
        """After a start: what was under way when the process died either goes on by itself or is
        taken up here.

        The runner's own records may be gone; the tables say what is left to do.
        """
        async with self._database.read() as tx:
            tenants = [one.number for one in await load_tenants(tx)]
        for tenant in tenants:
            async with self._database.read() as tx:
                running = await list_runs(tx, tenant, status=RunStatus.RUNNING, limit=500)
                open_plans = [
                    plan
                    for status in (PlanStatus.APPROVED, PlanStatus.APPLYING)
                    for plan in await list_plans(tx, tenant, status=status)
                ]
            lost = {one.flow for one in running if not await self._is_alive(one.flow)}
            async with self._database.write() as tx:
                for one in running:
                    if one.flow in lost:
                        await give_up_lease(tx, tenant, WORK, one.flow)
                        await end_run(
                            tx,
                            tenant,
                            one.id,
                            RunStatus.FAILED,
                            now=self._clock.now(),
                            text="Interrupted when the process ended; what was left goes on in a run of its own.",
                        )
            alive = {one.flow for one in running} - lost
            for plan in open_plans:
                if not alive:
                    await self._apply_later(tenant, plan.id, plan.decided_by)

    async def _is_alive(self, flow: str) -> bool:
        assert self._runner is not None  # noqa: S101 - wired by app.py
        try:
            await self._runner.wait(RunId(flow), timeout_s=2.0)
        except TimeoutError:
            return True
        except DurableError:
            return False
        return False

    async def start(self, tenant: int, ask: Ask) -> RunId:
        """Begin a run now; it waits its turn behind other runs of the tenant.

        While a run for everybody is under way, that one is answered, and the wish is kept for the
        moment it ends.
        """
        async with self._database.write() as tx:
            if not ask.preview and not ask.person:
                await want(tx, tenant, WORK, ask.mode, now=self._clock.now())
        return await self._enqueue(tenant, ask)

    async def approve(self, tenant: int, plan: int, *, by: str, release: bool) -> RunId:
        """Carry out a stored plan as it was shown. Raises `PlanNotOpen`."""
        now = self._clock.now()
        async with self._database.write() as tx:
            stored = await load_plan(tx, tenant, plan)
            if stored is None:
                raise PlanNotOpen(f"There is no plan {plan}.")
            open_states = (
                [PlanStatus.PROPOSED, PlanStatus.APPLIED] if release else [PlanStatus.PROPOSED]
            )
            if release and not stored.held and stored.status is PlanStatus.APPLIED:
                raise PlanNotOpen(f"Plan {plan} holds nothing back.")
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
        return await self._apply_later(tenant, plan, by)

    async def turn_down(self, tenant: int, plan: int, *, by: str) -> None:
        """Refuse a proposed plan. Raises `PlanNotOpen`."""
        async with self._database.write() as tx:
            if not await move_plan(
                tx,
                tenant,
                plan,
                [PlanStatus.PROPOSED],
                PlanStatus.REFUSED,
                now=self._clock.now(),
                by=by,
            ):
                raise PlanNotOpen(f"Plan {plan} is not waiting for a decision.")

    def _due(self, rules: Any, state: Due) -> Mode | None:
        now = self._clock.now()
        if state.not_before is not None and now < state.not_before and state.wanted is None:
            return None
        return due(
            rules,
            now=now,
            last_full_at=state.last_full_at,
            last_delta_at=state.last_delta_at,
            wanted=state.wanted,
        )

    async def _enqueue(self, tenant: int, ask: Ask) -> RunId:
        assert self._runner is not None  # noqa: S101 - wired by app.py
        return await self._runner.enqueue(SYNC, tenant, ask.as_json(), key=_key(tenant, ask))

    async def _apply_later(self, tenant: int, plan: int, by: str) -> RunId:
        assert self._runner is not None  # noqa: S101 - wired by app.py
        return await self._runner.enqueue(APPLY, tenant, plan, by, key=f"{WORK}:{tenant}:{plan}")

    # --- The flows -----------------------------------------------------------------------------------

    async def sync(self, run: Run, tenant: int, document: dict[str, Any]) -> Json:
        """Observe, decide and, unless a plan was all that was asked for, act."""
        return await self._whole(run, tenant, self._sync(run, tenant, document))

    async def _sync(self, run: Run, tenant: int, document: dict[str, Any]) -> Json:
        ask = Ask.from_json(document)
        await self._hold(run, tenant)
        began = await run.step("begin", self._begin, run.id, tenant, document)
        read = await self._observe(run, tenant, ask)
        if read.get("failed"):
            return await run.step("fail", self._fail, run.id, tenant, read)
        person = str(read.get("person", ""))
        made = await run.step(
            "plan", self._plan, run.id, tenant, document, person, bool(read["groups_readable"])
        )
        if made["plan"] and made["apply"]:
            failed = await self._apply(run, tenant, int(made["plan"]))
            if failed is not None:
                return await run.step("fail", self._fail, run.id, tenant, failed)
        return await run.step("end", self._end, run.id, tenant, document, made, began)

    async def apply(self, run: Run, tenant: int, plan: int, by: str) -> Json:
        """Carry out an approved plan."""
        return await self._whole(run, tenant, self._apply_plan(run, tenant, plan, by))

    async def _apply_plan(self, run: Run, tenant: int, plan: int, by: str) -> Json:
        await self._hold(run, tenant)
        await run.step("begin", self._begin_apply, run.id, tenant, by)
        failed = await self._apply(run, tenant, plan)
        if failed is not None:
            return await run.step("fail", self._fail, run.id, tenant, failed)
        return await run.step("end", self._end_apply, run.id, tenant, plan)

    async def _observe(self, run: Run, tenant: int, ask: Ask) -> dict[str, Any]:
        if ask.person:
            read = await self._patiently(
                run, "person", self._read_person, run.id, tenant, ask.person
            )
            if read.get("failed"):
                return read
            phones = await self._patiently(run, "phones", self._read_phones, run.id, tenant, False)
            return phones if phones.get("failed") else {**read, "groups_readable": True}
        groups_readable = True
        full = ask.mode is Mode.FULL
        for resource in (Resource.USERS, Resource.GROUPS):
            more = await run.step(
                "round", self._begin_round, tenant, resource.value, ask.mode.value
            )
            while more["more"]:
                more = await self._patiently(
                    run, f"page {resource}", self._read_page, run.id, tenant, resource.value
                )
                if more.get("failed"):
                    if resource is Resource.GROUPS and more.get("permission"):
                        groups_readable = False
                        break
                    return more
        read = await self._patiently(run, "phones", self._read_phones, run.id, tenant, full)
        return read if read.get("failed") else {"groups_readable": groups_readable}

    async def _apply(self, run: Run, tenant: int, plan: int) -> dict[str, Any] | None:
        await run.step("start applying", self._start_applying, tenant, plan)
        while True:
            chunk = await self._patiently(run, "apply", self._apply_chunk, run.id, tenant, plan)
            if chunk.get("failed"):
                return chunk
            if not chunk["did"]:
                return None

    async def _whole(self, run: Run, tenant: int, work: Coroutine[Any, Any, Json]) -> Json:
        """Let no run end without saying so, whatever happens in it."""
        try:
            return await work
        except DurableError as error:
            if not isinstance(error, StepFailedError):
                raise
            text = str(error)
        except Exception as error:
            _log.exception("people.run_broke", tenant=tenant, run=run.id)
            text = f"{type(error).__name__}: {error}"
        finally:
            self._renewed.pop(run.id, None)
        failed: dict[str, Json] = {"failed": True, "text": text}
        return await run.step("fail", self._fail, run.id, tenant, failed)

    async def _hold(self, run: Run, tenant: int) -> None:
        """Wait until no other run works for the tenant."""
        while not await run.step("lease", self._take_lease, run.id, tenant):
            await run.sleep(0.5)

    async def _patiently(self, run: Run, name: str, step: Any, *args: Json) -> dict[str, Any]:
        """A step, again while somebody says "later"; between tries the run sleeps."""
        for tries in range(PATIENCE):
            done: dict[str, Any] = await run.step(name, step, *args)
            if not done.get("later") or tries == PATIENCE - 1:
                return done
            await run.sleep(min(LONGEST_WAIT_S, max(float(done["later"]), 2.0**tries)))
        raise AssertionError(name)

    async def _take_lease(self, flow: str, tenant: int) -> bool:
        async with self._database.write() as tx:
            lease = await take_lease(tx, tenant, WORK, flow, length=LEASE, now=self._clock.now())
        self._renewed[flow] = self._clock.monotonic()
        return lease is not None

    async def _keep_lease(self, flow: str, tenant: int) -> None:
        """Renew the lease now and then; a run that has lost it stops before it writes anything
        more.
        """
        if self._clock.monotonic() - self._renewed.get(flow, -RENEW_EVERY_S) < RENEW_EVERY_S:
            return
        if not await self._take_lease(flow, tenant):
            raise LeaseLost(f"Another process works for tenant {tenant} now.")

    # --- The steps: each does one thing, safe to repeat, and answers JSON ---------------------------------

    async def _begin(self, flow: str, tenant: int, document: dict[str, Any]) -> dict[str, Json]:
        ask = Ask.from_json(document)
        async with self._database.write() as tx:
            await begin_run(
                tx,
                tenant,
                flow,
                kind=WORK,
                trigger=ask.trigger,
                mode=ask.kind,
                now=self._clock.now(),
                by=ask.by,
            )
            state = await load_due(tx, tenant, WORK)
        return {"mark": state.mark}

    async def _begin_apply(self, flow: str, tenant: int, by: str) -> None:
        async with self._database.write() as tx:
            await begin_run(
                tx,
                tenant,
                flow,
                kind=WORK,
                trigger=Trigger.ADMINISTRATOR,
                mode="approved",
                now=self._clock.now(),
                by=by,
            )

    async def _begin_round(self, tenant: int, resource: str, mode: str) -> dict[str, Json]:
        progress = await self._directory.begin(tenant, Resource(resource), Mode(mode))
        return {"more": progress.more}

    async def _read_page(self, flow: str, tenant: int, resource: str) -> dict[str, Any]:
        await self._keep_lease(flow, tenant)
        users = resource == Resource.USERS.value
        try:
            read = self._directory.read_users if users else self._directory.read_groups
            progress = await read(tenant)
        except CursorMoved:
            return {"more": True}
        except PermissionMissing as error:
            if users:
                return _failed(error)
            await self._groups_unreadable(tenant, error)
            return {**_failed(error), "permission": True}
        except (GraphError, NotConnected, StoreError) as error:
            return _failed(error)
        if not users and not progress.more:
            await self._end_alarm(tenant, "graph.groups")
        if progress.full and users:
            async with self._database.write() as tx:
                run = await _run(load_run_of_flow, tx, tenant, flow)
                await report_progress(tx, tenant, run.id, progress.read, 0, stage="Reading people")
        return {"more": progress.more}

    async def _read_person(self, flow: str, tenant: int, person: str) -> dict[str, Any]:
        try:
            found = await self._directory.read_person(tenant, person)
        except NotFound:
            return {
                "failed": True,
                "text": f"There is no user {person!r} in Microsoft 365. Give a UPN or an object ID.",
            }
        except (GraphError, NotConnected, StoreError) as error:
            return _failed(error)
        return {"person": found}

    async def _read_phones(self, flow: str, tenant: int, everything: bool) -> dict[str, Any]:
        await self._keep_lease(flow, tenant)
        try:
            await self._phones.read(tenant, everything=everything)
        except PhoneSystemError as error:
            return await self._phones_failed(tenant, error)
        await self._end_alarm(tenant, "phones.unreachable")
        return {}

    async def _plan(
        self,
        flow: str,
        tenant: int,
        document: dict[str, Any],
        person: str,
        groups_readable: bool,
    ) -> dict[str, Any]:
        ask = Ask.from_json(document)
        async with self._database.write() as tx:
            run = await _run(load_run_of_flow, tx, tenant, flow)
            if ask.kind != Mode.DELTA:
                await report_progress(tx, tenant, run.id, 0, 0, stage="Planning")
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
        return {
            "plan": made.plan,
            "total": made.total,
            "held": made.held,
            "guarded": made.guarded,
            "apply": by_itself and bool(made.plan),
        }

    async def _start_applying(self, tenant: int, plan: int) -> None:
        async with self._database.write() as tx:
            await move_plan(
                tx,
                tenant,
                plan,
                [PlanStatus.PROPOSED, PlanStatus.APPROVED],
                PlanStatus.APPLYING,
                now=self._clock.now(),
            )

    async def _apply_chunk(self, flow: str, tenant: int, plan: int) -> dict[str, Any]:
        await self._keep_lease(flow, tenant)
        async with self._database.read() as tx:
            run = await _run(load_run_of_flow, tx, tenant, flow)
            stored = await load_plan(tx, tenant, plan)
        if stored is None or stored.status is not PlanStatus.APPLYING:
            return {"did": 0}
        try:
            did = await self._applying.chunk(tenant, plan, run)
        except PhoneSystemError as error:
            return await self._phones_failed(tenant, error)
        async with self._database.write() as tx:
            done = run.done + did
            await report_progress(
                tx, tenant, run.id, done, stored.total, stage="Writing to the phone system"
            )
        return {"did": did}

    async def _end(
        self,
        flow: str,
        tenant: int,
        document: dict[str, Any],
        made: dict[str, Any],
        began: dict[str, Any],
    ) -> dict[str, Any]:
        ask = Ask.from_json(document)
        now = self._clock.now()
        if made["apply"]:
            await self._close_plan(tenant, int(made["plan"]))
        async with self._database.write() as tx:
            run = await _run(load_run_of_flow, tx, tenant, flow)
            if not ask.preview and not ask.person:
                cursor = await load_cursor(tx, tenant, Resource.USERS)
                full = cursor.full_finished_at is not None and (
                    ask.mode is Mode.FULL or cursor.full_finished_at >= run.started_at
                )
                state = await load_due(tx, tenant, WORK)
                await settle(
                    tx,
                    tenant,
                    WORK,
                    Due(tenant, WORK, state.wanted, mark=int(began["mark"])),
                    full_began_at=run.started_at if full else None,
                    delta_began_at=None if full else run.started_at,
                )
            status, text, counts = await self._outcome(tx, tenant, made)
            if made["guarded"]:
                await begin_alarm(
                    tx,
                    tenant,
                    "people.guard",
                    text=text,
                    next_step="Look at the plan and release what is meant, or turn it down.",
                    now=now,
                )
            elif ask.kind == Mode.FULL:
                await end_alarm(tx, tenant, "people.guard", now=now)
            await end_alarm(tx, tenant, "people.sync", now=now)
            await end_run(tx, tenant, run.id, status, now=now, counts=counts, text=text)
            await give_up_lease(tx, tenant, WORK, flow)
        if made["total"] >= 1_000:
            await self._database.analyze()
        return {"status": status.value}

    async def _end_apply(self, flow: str, tenant: int, plan: int) -> dict[str, Any]:
        await self._close_plan(tenant, plan)
        async with self._database.write() as tx:
            run = await _run(load_run_of_flow, tx, tenant, flow)
            made = {"plan": plan, "apply": True, "guarded": False, "total": 1, "held": 0}
            status, text, counts = await self._outcome(tx, tenant, made)
            stored = await load_plan(tx, tenant, plan)
            if stored is not None and not stored.held:
                await end_alarm(tx, tenant, "people.guard", now=self._clock.now())
            await end_run(
                tx, tenant, run.id, status, now=self._clock.now(), counts=counts, text=text
            )
            await give_up_lease(tx, tenant, WORK, flow)
        return {"status": status.value}

    async def _fail(self, flow: str, tenant: int, failed: dict[str, Any]) -> dict[str, Any]:
        now = self._clock.now()
        text = str(failed.get("text", "The run failed."))
        async with self._database.write() as tx:
            run = await _run(load_run_of_flow, tx, tenant, flow)
            state = await load_due(tx, tenant, WORK)
            wait = timedelta(seconds=min(3600.0, 30.0 * 2 ** min(state.failures, 7)))
            await postpone(tx, tenant, WORK, not_before=now + wait)
            await add_unsettled(tx, tenant, None)
            await end_run(tx, tenant, run.id, RunStatus.FAILED, now=now, text=text)
            await give_up_lease(tx, tenant, WORK, flow)
            if run.mode not in {"person", "preview"}:
                await begin_alarm(
                    tx,
                    tenant,
                    "people.sync",
                    text=text,
                    next_step=str(failed.get("next_step", "")),
                    now=now,
                )
        _log.warning("people.run_failed", tenant=tenant, run=run.id, because=text)
        return {"status": RunStatus.FAILED.value}

    # --- Small parts ------------------------------------------------------------------------------------

    async def _close_plan(self, tenant: int, plan: int) -> None:
        async with self._database.write() as tx:
            await move_plan(
                tx,
                tenant,
                plan,
                [PlanStatus.APPLYING],
                PlanStatus.APPLIED,
                now=self._clock.now(),
            )
            unsettled = await load_unsettled(tx, tenant, plan)
            await add_unsettled(tx, tenant, [ObjectId(one) for one in unsettled])

    async def _outcome(
        self, tx: Any, tenant: int, made: dict[str, Any]
    ) -> tuple[RunStatus, str, dict[str, int]]:
        people = (await count_people(tx, tenant)).present
        if not made["plan"]:
            text = f"Nothing to do for {people:,} people."
            if made["guarded"]:
                return RunStatus.REFUSED, "A guard still holds actions of an earlier plan back.", {}
            return RunStatus.DONE, text, {"people": people}
        stored = await load_plan(tx, tenant, int(made["plan"]))
        if stored is None:
            return RunStatus.DONE, "The plan is gone.", {}
        progress = await count_outcomes(tx, tenant, stored.id)
        done = progress.by_status.get(ActionStatus.DONE, 0)
        counts = {"people": people, "changes": done, **stored.counts}
        if not made["apply"]:
            text = f"Plan {stored.id} with {stored.total:,} actions waits for approval."
            if not stored.total:
                text = "Nothing would be done."
            if stored.held:
                text += f" A guard holds {stored.held:,} back."
            status = RunStatus.REFUSED if made["guarded"] else RunStatus.DONE
            return status, text, {**counts, "changes": 0}
        missed = progress.total - done
        text = f"{done:,} of {progress.total:,} actions done for {people:,} people."
        if missed:
            text += f" {missed:,} did not come through; see the plan."
        if progress.held:
            text += f" A guard holds {progress.held:,} back until an administrator releases them."
        status = RunStatus.REFUSED if made["guarded"] else RunStatus.DONE
        return status, text, counts

    async def _phones_failed(self, tenant: int, error: PhoneSystemError) -> dict[str, Any]:
        async with self._database.write() as tx:
            await begin_alarm(
                tx,
                tenant,
                "phones.unreachable",
                text=str(error),
                next_step="Check that the phone system runs and that Jackfield may use it.",
                now=self._clock.now(),
            )
        later = 5.0 if isinstance(error, PhoneSystemUnreachable) else 0.0
        return {"failed": True, "text": f"The phone system: {error}", "later": later}

    async def _groups_unreadable(self, tenant: int, error: PermissionMissing) -> None:
        async with self._database.write() as tx:
            await begin_alarm(
                tx,
                tenant,
                "graph.groups",
                text=error.what,
                next_step=error.next_step,
                now=self._clock.now(),
            )

    async def _end_alarm(self, tenant: int, kind: str) -> None:
        async with self._database.write() as tx:
            await end_alarm(tx, tenant, kind, now=self._clock.now())


async def _run(load: Any, tx: Any, tenant: int, flow: str) -> StoredRun:
    run: StoredRun | None = await load(tx, tenant, flow)
    if run is None:
        raise StoreError(f"The run {flow} of tenant {tenant} has no row.")
    return run


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


def _key(tenant: int, ask: Ask) -> str:
    """Asking twice for the same is asking once, as long as the first has not ended."""
    if ask.preview:
        return f"{WORK}:{tenant}:preview"
    return f"{WORK}:{tenant}:{ask.person.lower()}" if ask.person else f"{WORK}:{tenant}"


__all__ = ["APPLY", "SYNC", "Ask", "Made", "PeopleSync", "PlanNotOpen"]
