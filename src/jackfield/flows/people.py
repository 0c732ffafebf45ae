"""What begins a people run, and what is decided about its plan.

Which runs are due is looked up from the tables, so a lost nudge costs seconds. What a run does, and
in which order, is in `people_run.py`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import quote

from jackfield.clock import Clock
from jackfield.core.journal_kinds import LineKind
from jackfield.core.schedule import Mode, due
from jackfield.durable import RunId, Runner
from jackfield.flows.asks import Ask
from jackfield.flows.held_actions import Held, load_all_held, load_held_back
from jackfield.flows.outcomes import stands
from jackfield.flows.runs import WORK, Runs
from jackfield.flows.settling import plan_again
from jackfield.flows.steps import document_of
from jackfield.flows.sweeps import Sweep, is_alive, lost_runs
from jackfield.store.cursors import accept_people
from jackfield.store.database import Database
from jackfield.store.held_actions import release_held, turn_down_held
from jackfield.store.journal import Line, append_lines
from jackfield.store.outcomes import count_outcomes, skip_pending
from jackfield.store.plans import (
    UNDO,
    PlanOutline,
    PlanStatus,
    list_plans,
    load_outline,
    move_plan,
)
from jackfield.store.schedule import Due, load_due, want
from jackfield.store.sequences import hold
from jackfield.store.settings import (
    Approval,
    PeopleSettings,
    load_people_settings,
    save_people_settings,
)
from jackfield.store.transaction import Transaction

SYNC = "people.sync"
PERSON = "people.person"
"""The same flow as `SYNC` for one person: in a lane of its own, for somebody waits for it."""
APPLY = "people.apply"
AT_ONCE = 64
"""Runs of one process. Wide, because a run that waits for Microsoft or for a phone system costs
next to nothing and must hold up no other tenant's; what does cost is limited where it happens
(`planning.py`: `AT_ONCE`)."""
_RELEASE = (
    "Release it with `jackfield plan approve {plan} --release-held`, with `release_held` over the"
    " API, or on the plan's page."
)

_CLOSED = "There is nothing to decide about it."
_STILL_TIME = (
    "What of it is not carried out yet can still be turned down: on the plan's page, or with"
    " `also_approved` over the API."
)


class PlanNotOpen(Exception):
    """The plan cannot be approved or turned down any more; the text says why."""


class PlanHeld(PlanNotOpen):
    """A guard holds all that is left of the plan, and it was to be approved without a release."""

    def __init__(self, held: Held) -> None:
        self.held = held
        super().__init__(f"{held} {_RELEASE.format(plan=held.plan.id)}")


@dataclass(frozen=True, slots=True)
class _Known:
    """What decides what is due in a tenant, besides the time."""

    settings: PeopleSettings
    state: Due
    approved: tuple[PlanOutline, ...]


async def _load_known(tx: Transaction, tenant: int) -> _Known:
    return _Known(
        (await load_people_settings(tx, tenant)).value,
        await load_due(tx, tenant, WORK),
        await list_plans(tx, tenant, status=PlanStatus.APPROVED),
    )


class PeopleSync:
    """Begins people runs for all tenants of the installation."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._runs = Runs(database, clock)
        self._runner: Runner | None = None
        self._sweep = Sweep(database, _load_known, self._begin_due)

    def work_with(self, runner: Runner) -> None:
        """The durable runner that `start` and `sweep` hand runs to."""
        self._runner = runner

    # --- What begins a run ------------------------------------------------------------------------

    async def sweep(self) -> int:
        """Queue what is due, for every tenant; returns how many runs were asked for."""
        return await self._sweep.look()

    async def _begin_due(self, tenant: int, known: _Known) -> int:
        now = self._clock.now()
        if known.state.not_before is not None and now < known.state.not_before:
            return 0
        for plan in known.approved:
            await self._apply_later(tenant, plan.id, plan.decided_by)
        mode = mode_due(known.settings, known.state, now)
        if mode is not None:
            await self._enqueue(tenant, Ask(mode))
        return len(known.approved) + (mode is not None)

    async def take_stock(self) -> None:
        """After a start: what was under way when the process died goes on by itself, or is over.

        The runner's own records may be gone; what is left to do then, the tables tell the next
        `sweep`.
        """
        async for tenant, lost in lost_runs(self._database, self._at_work(), WORK):
            await self._runs.bury(tenant, lost)

    async def is_waiting(self, flow: str) -> bool:
        """Whether the runner knows a run of this id that has not ended."""
        return await is_alive(self._at_work(), flow)

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

        Raises `PlanNotOpen`, also for whoever was a moment later than another decision; without
        `release`, `PlanHeld` where a guard holds all of it.
        """
        async with self._database.write() as tx:
            # One decision after the other: each sees what the one before it has made of the plan.
            await hold(tx, tenant)
            stored = await load_outline(tx, tenant, plan)
            if stored is None:
                raise PlanNotOpen(f"There is no plan {plan}.")
            held = await load_held_back(tx, tenant, stored)
            if held is not None and held.is_all and not release:
                raise PlanHeld(held)
            open_states = [PlanStatus.PROPOSED]
            if release and stored.status is PlanStatus.APPLIED:
                if held is None:
                    raise PlanNotOpen(f"Plan {plan} holds nothing back.")
                open_states.append(PlanStatus.APPLIED)
            now = self._clock.now()
            moved = await move_plan(
                tx, tenant, plan, open_states, PlanStatus.APPROVED, now=now, by=by
            )
            if not moved:
                raise PlanNotOpen(
                    f"{_decided(stored)}; only a proposed plan can be approved. "
                    "Make a new plan to see what is to be done now."
                )
            if release:
                await release_held(tx, tenant, plan)
                if held is not None and held.count_waits:
                    await accept_people(tx, tenant, stored.people_now)
            if stored.scope.startswith(UNDO):
                await _wait_for_approval(tx, tenant, by=by, now=now)
            what = _approved(stored, released=release and held is not None)
            await _write_down(tx, tenant, plan, LineKind.PLAN_APPROVED, what, by=by, now=now)
        return await self._apply_later(tenant, plan, by)

    async def turn_down(
        self, tenant: int, plan: int, *, by: str, also_approved: bool = False
    ) -> None:
        """Refuse a plan, or what guards hold back of one that is carried out otherwise.

        With `also_approved`, one that waits to be carried out, or the rest of one: whoever did not
        know of an approval does not take it back. Raises `PlanNotOpen`.
        """
        now = self._clock.now()
        waiting = [PlanStatus.PROPOSED]
        if also_approved:
            waiting.append(PlanStatus.APPROVED)
        async with self._database.write() as tx:
            await hold(tx, tenant)
            stored = await load_outline(tx, tenant, plan)
            if stored is None:
                raise PlanNotOpen(f"There is no plan {plan}.")
            done = (await count_outcomes(tx, tenant, plan)).ended
            begun = done > 0
            left = _actions(stored.total - done if begun else stored.total + stored.held)
            told = f"Turned down by {by} after {done:,} of {_actions(stored.total)}."
            # What is done is not refused: the plan ends as far as it came.
            end = PlanStatus.APPLIED if begun and stored.total else PlanStatus.REFUSED
            if stored.status is PlanStatus.APPLIED and stored.held:
                begun, left = False, f"{_actions(stored.held)} that guards held back"
                if stored.total:
                    await turn_down_held(tx, tenant, plan, text=f"Turned down by {by}.", now=now)
                else:  # there never was more of it
                    await move_plan(tx, tenant, plan, [PlanStatus.APPLIED], end, now=now, by=by)
            elif not await move_plan(
                tx, tenant, plan, waiting, end, now=now, by=by, text=told if begun else None
            ):
                still = stored.status is PlanStatus.APPROVED
                raise PlanNotOpen(f"{_decided(stored)}. {_STILL_TIME if still else _CLOSED}")
            if begun:
                await skip_pending(tx, tenant, plan, text=f"Turned down by {by}.", now=now)
                await plan_again(tx, tenant, plan, now)
            so_far = ", as far as it was not done yet" if begun else ""
            what = f"Plan {plan} ({left}) was turned down{so_far}."
            await _write_down(tx, tenant, plan, LineKind.PLAN_TURNED_DOWN, what, by=by, now=now)
            all_held = await load_all_held(tx, tenant)
        await self._runs.tell_held(tenant, all_held, over=True)

    async def _enqueue(self, tenant: int, ask: Ask) -> RunId:
        name = PERSON if ask.person else SYNC
        return await self._at_work().enqueue(name, tenant, document_of(ask), key=_key(tenant, ask))

    def _at_work(self) -> Runner:
        assert self._runner is not None  # noqa: S101 - wired by app.py
        return self._runner

    async def _apply_later(self, tenant: int, plan: int, by: str) -> RunId:
        return await self._at_work().enqueue(APPLY, tenant, plan, by, key=f"{WORK}:{tenant}:{plan}")


def mode_due(settings: PeopleSettings, state: Due, now: datetime) -> Mode | None:
    """The round that is due for everybody, or None."""
    if not settings.enabled:
        # Switched off is the schedule, not what somebody asks for.
        return state.wanted
    return due(
        settings.schedule,
        now=now,
        last_full_at=state.last_full_at,
        last_delta_at=state.last_delta_at,
        wanted=state.wanted,
    )


def _decided(plan: PlanOutline) -> str:
    """Where a plan stands and who has decided so: for somebody who wanted to, too."""
    by = f" (decided by {plan.decided_by})" if plan.decided_by else ""
    return f"Plan {plan.id} {stands(plan)}{by}"


async def _write_down(
    tx: Transaction, tenant: int, plan: int, kind: LineKind, text: str, *, by: str, now: datetime
) -> None:
    """Who decided so: the first question after a mass removal."""
    await append_lines(tx, tenant, [Line(kind, text, by=by, data={"plan": plan})], now=now)


def _approved(plan: PlanOutline, *, released: bool) -> str:
    """What this decision lets go, and what not, whatever was decided about the plan before."""
    if plan.status is PlanStatus.APPLIED:
        return f"What guards held back of plan {plan.id} ({_actions(plan.held)}) was approved."
    if released:
        count = _actions(plan.total + plan.held)
        return f"Plan {plan.id} ({count}) was approved, with what guards held back."
    stays = f"; guards hold back {_actions(plan.held)} more" if plan.held else ""
    return f"Plan {plan.id} ({_actions(plan.total)}) was approved{stays}."


def _actions(count: int) -> str:
    return "1 action" if count == 1 else f"{count:,} actions"


async def _wait_for_approval(tx: Transaction, tenant: int, *, by: str, now: datetime) -> None:
    """The next sync must not do again by itself what an administrator takes back."""
    stored = await load_people_settings(tx, tenant)
    if stored.value.approve is not Approval.BY_HAND:
        await save_people_settings(
            tx,
            tenant,
            replace(stored.value, approve=Approval.BY_HAND),
            expected_version=stored.version,
            by=by,
            now=now,
        )


def _key(tenant: int, ask: Ask) -> str:
    """Asking twice for the same is asking once, as long as the first has not ended."""
    if ask.preview:
        return f"{WORK}:{tenant}:preview"
    return f"{WORK}:{tenant}:{_in_address(ask.person)}" if ask.person else f"{WORK}:{tenant}"


def _in_address(person: str) -> str:
    """Whom somebody named, as part of an id that addresses are made of: no slash, nor a `%`."""
    return quote(person.lower().replace("~", "~7E"), safe="@#").replace("%", "~")
