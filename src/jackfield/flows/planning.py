"""Making a plan: what matters is loaded, `core.plan` decides, it is stored."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import datetime

from jackfield.clock import Clock
from jackfield.core.actions import DISBELIEF, GUARDS, CreateDepartment, Plan, Refusal, RefusalKind
from jackfield.core.attributes import AttributeRules
from jackfield.core.explanations import NEXT_SYNC, explain_person
from jackfield.core.novelty import LastPlan, is_repeated, meant_by, says_nothing_new
from jackfield.core.people import ObjectId, ScopeRules
from jackfield.core.pictures import View
from jackfield.core.plan import plan as make_plan
from jackfield.core.rules import PeopleRules, PhoneLimits
from jackfield.flows.drafting import store_ahead
from jackfield.flows.phones import PhoneOf
from jackfield.flows.run_rows import Fence
from jackfield.flows.views import Pictures, fetch, put_together
from jackfield.store.crossings import load_waiting
from jackfield.store.cursors import accept_people
from jackfield.store.database import Database
from jackfield.store.held_actions import find_holding, load_held, withdraw_held, withdraw_held_from
from jackfield.store.links import load_links_of_extensions
from jackfield.store.matches import note_doubtful
from jackfield.store.outcomes import load_proposed_people
from jackfield.store.people import load_touched
from jackfield.store.phone_state import load_phone_state
from jackfield.store.phones import load_touched_extensions
from jackfield.store.planned import Planned, add_unsettled, load_planned, save_planned
from jackfield.store.plans import (
    PlanStatus,
    Versions,
    find_plan_of_run,
    load_newest_plan,
    save_plan,
    supersede_plans,
)
from jackfield.store.runs import StoredRun
from jackfield.store.schema import CHUNK
from jackfield.store.sequences import latest_change
from jackfield.store.settings import PeopleSettings, Stored, load_people_settings
from jackfield.store.tenants import load_connection
from jackfield.store.transaction import Transaction

EVERYONE = "everyone"
TOUCHED = "touched people"
_OF_RUNS = "run"
"""The purpose of their drafts: of a tenant's runs only one is at work."""
_WITHDRAWN = "Withdrawn: everyone was planned again since, without this."
_OTHERWISE = "Withdrawn: the person was planned again since, without this."


AT_ONCE = 2
"""Plans made at once in one process: that of a large tenant fills a core and much memory."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A view and everything else a plan depends on, as of one moment of the database."""

    view: View
    settings: PeopleSettings
    versions: Versions
    people_now: int
    scope: str
    added: int
    """Who was added to the unsettled after this is not in the view."""
    at: datetime
    """Before anything was read."""


@dataclass(frozen=True, slots=True)
class _Fetched:
    pictures: Pictures
    settings: PeopleSettings
    versions: Versions


@dataclass(frozen=True, slots=True)
class Made:
    """The plan a run has made; `plan` is 0 where there was nothing to do."""

    plan: int
    total: int = 0
    guarded: bool = False
    doubtful: int = 0
    """People of whom it is doubtful whether an extension is theirs."""
    everyone: bool = False
    """Everybody was judged, so that what no guard objects to is safe."""


class Planning:
    """Makes and stores plans."""

    def __init__(self, database: Database, phone_of: PhoneOf, clock: Clock) -> None:
        self._database = database
        self._phone_of = phone_of
        self._clock = clock
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def make(
        self,
        tenant: int,
        run: StoredRun,
        *,
        everything: bool,
        person: ObjectId | None = None,
        preview: bool = False,
        fence: Fence | None = None,
    ) -> Made:
        """Plan for everyone, one person, or the touched; a repeat answers the stored plan.

        `fence` raises inside each transaction where another process works for the tenant by now.
        """
        async with self._database.read() as tx:
            known = await find_plan_of_run(tx, tenant, run.flow)
        if known is not None:
            everyone = known.scope == EVERYONE
            doubtful = _doubtful(known.refusals)
            return Made(known.id, known.total, bool(known.guards), doubtful, everyone)
        # One person is soon planned, and somebody waits for it.
        async with nullcontext() if person else self._turns:
            loaded = await self.load(tenant, everything=everything, person=person)
            if loaded is None:
                return Made(0)
            plan = await self._plan(tenant, loaded)
            return await self._save(tenant, run, loaded, plan, preview=preview, fence=fence)

    async def rules(self, tenant: int) -> PeopleRules:
        """What the administrator chose, with the organisation's country where none was chosen."""
        async with self._database.read() as tx:
            return (await _load_settings(tx, tenant)).value.rules

    def limits(self, tenant: int) -> PhoneLimits:
        """What the tenant's phone system can take."""
        can = self._phone_of(tenant).capabilities
        return PhoneLimits(can.ranges, can.name_length, can.fields)

    async def explain(
        self, tenant: int, person: ObjectId, turned_down: int | None = None
    ) -> tuple[str, ...]:
        """Why it is so for one person: scope, number, fields, departments, and what comes next.

        `turned_down`: the plan that had an extension for the person, where it was turned down.
        """
        loaded = await self.load(tenant, everything=False, person=person)
        if loaded is None:
            return ()
        when = f"Next full sync, since plan {turned_down} was turned down" if turned_down else ""
        return await asyncio.to_thread(
            explain_person,
            loaded.view,
            loaded.settings.rules,
            self.limits(tenant),
            person,
            when=when or NEXT_SYNC,
        )

    async def load(
        self,
        tenant: int,
        *,
        everything: bool,
        person: ObjectId | None = None,
    ) -> Loaded | None:
        """The view to plan from; None where nobody is touched."""
        now = self._clock.now()
        async with self._database.read() as tx:
            stored = await _load_settings(tx, tenant)
            marks = await load_planned(tx, tenant)
            ids: list[ObjectId] | None = None
            scope = EVERYONE
            if person is not None:
                ids, scope = [person], person
            elif not (everything or marks is None or _must_plan_everyone(marks, stored.version)):
                ids, scope = await _touched(tx, tenant, marks, stored.value.rules.scope), TOUCHED
                if not ids:
                    return None
                # The plan takes the place of proposals: whom they were about is not forgotten.
                proposed = await load_proposed_people(tx, tenant)
                if proposed is None:
                    ids, scope = None, EVERYONE
                else:
                    ids = sorted({*ids, *map(ObjectId, proposed)})
            fetched = await self._fetch(tx, tenant, stored, ids, now)
        return await _loaded(fetched, scope, 0 if marks is None else marks.added, now)

    async def plan_waiting(self, tenant: int) -> tuple[View, Plan]:
        """What the next sync would do for everyone who waits for an extension; nothing is stored.

        Takes its turn among the plans of runs: before a first sync everybody waits.
        """
        async with self._turns:
            now = self._clock.now()
            async with self._database.read() as tx:
                stored = await _load_settings(tx, tenant)
                ids = await load_waiting(tx, tenant, stored.value.rules.scope)
                fetched = await self._fetch(tx, tenant, stored, ids, now)
            loaded = await _loaded(fetched, TOUCHED, 0, now)
            return loaded.view, await self._plan(tenant, loaded)

    async def _plan(self, tenant: int, loaded: Loaded) -> Plan:
        rules, limits = loaded.settings.rules, self.limits(tenant)
        return await asyncio.to_thread(make_plan, loaded.view, rules, limits)

    async def _fetch(
        self,
        tx: Transaction,
        tenant: int,
        stored: Stored[PeopleSettings],
        ids: list[ObjectId] | None,
        now: datetime,
    ) -> _Fetched:
        state = await load_phone_state(tx, tenant)
        versions = Versions(await latest_change(tx, tenant), state.version, stored.version)
        pictures = await fetch(
            tx,
            tenant,
            ids,
            hold_days=stored.value.rules.numbers.hold_days,
            now=now,
        )
        return _Fetched(pictures, stored.value, versions)

    async def _save(
        self,
        tenant: int,
        run: StoredRun,
        loaded: Loaded,
        plan: Plan,
        *,
        preview: bool,
        fence: Fence | None,
    ) -> Made:
        now = self._clock.now()
        kinds = {refusal.kind for refusal in plan.refusals}
        guarded, everyone = bool(kinds & GUARDS), loaded.scope == EVERYONE
        doubtful = _doubtful(plan.refusals)
        new_departments = any(isinstance(one, CreateDepartment) for one in plan.actions)
        for_one = loaded.scope not in {EVERYONE, TOUCHED}
        replaced = loaded.scope if for_one else None
        draft = None
        if plan.actions or preview or await self._holds_much_that_is_new(tenant, plan, loaded):
            draft = await store_ahead(self._database, self._clock, tenant, plan, _OF_RUNS, fence)
        async with self._database.write() as tx:
            if fence is not None:
                await fence(tx)
            if for_one and new_departments and not preview:
                await add_unsettled(tx, tenant, None)
            elif not for_one and not preview:
                marks = Planned(
                    loaded.versions.people_seq,
                    loaded.versions.phones_version,
                    loaded.versions.settings_version,
                    None if new_departments and not everyone else (),
                    loaded.added,
                )
                await save_planned(tx, tenant, marks)
            if not for_one:
                await note_doubtful(tx, tenant, doubtful, now=loaded.at)
            disbelieved = kinds & DISBELIEF
            if not preview and everyone and not disbelieved:
                await accept_people(tx, tenant, loaded.people_now)
            latest, last = await _last(tx, tenant)
            nothing_new = (
                draft is None
                and not (preview or plan.actions)
                and says_nothing_new(plan, last, everyone=everyone)
            )
            stands = latest if nothing_new and is_repeated(plan, last) else 0
            meant = {meant_by(action) for action in plan.held}
            if not everyone and not preview:
                judged = {*loaded.view.people, *loaded.view.links}
                await withdraw_held_from(tx, tenant, judged, but=meant, text=_OTHERWISE, now=now)
            if nothing_new:
                if everyone:
                    keeps = latest if plan.held else 0
                    await withdraw_held(tx, tenant, text=_WITHDRAWN, now=now, by=keeps, but=meant)
                if not plan.held:
                    await supersede_plans(tx, tenant, now=now, scope=replaced, by=stands)
                return Made(0, guarded=guarded, doubtful=doubtful, everyone=everyone)
            id_ = await save_plan(
                tx,
                tenant,
                plan,
                now=now,
                made_by=run.by,
                versions=loaded.versions,
                people_now=loaded.people_now,
                scope=loaded.scope,
                run=run.flow,
                draft=draft,
            )
            if everyone and not preview and await find_holding(tx, tenant):
                meant |= {meant_by(action) for action in plan.actions}
                await withdraw_held(tx, tenant, text=_WITHDRAWN, now=now, by=id_, but=meant)
            await supersede_plans(tx, tenant, now=now, scope=replaced, by=id_)
        return Made(id_, len(plan.actions), guarded, doubtful, everyone)

    async def _holds_much_that_is_new(self, tenant: int, plan: Plan, loaded: Loaded) -> bool:
        if len(plan.held) <= CHUNK:
            return False
        async with self._database.read() as tx:
            _, last = await _last(tx, tenant)
        return not says_nothing_new(plan, last, everyone=loaded.scope == EVERYONE)


async def _load_settings(tx: Transaction, tenant: int) -> Stored[PeopleSettings]:
    """The administrator's choices; where no country is chosen, the organisation's own counts."""
    stored = await load_people_settings(tx, tenant)
    rules = stored.value.rules
    attributes = await at_home(tx, tenant, rules.attributes)
    return replace(stored, value=replace(stored.value, rules=replace(rules, attributes=attributes)))


async def at_home(tx: Transaction, tenant: int, rules: AttributeRules) -> AttributeRules:
    """The rules with the organisation's own country, where none was chosen."""
    connection = None if rules.default_country else await load_connection(tx, tenant)
    return replace(rules, default_country=connection.usage_country) if connection else rules


def _doubtful(refusals: Sequence[Refusal]) -> int:
    return sum(one.kind is RefusalKind.DOUBTFUL_MATCH for one in refusals)


def _must_plan_everyone(marks: Planned, settings_version: int) -> bool:
    return marks.settings_version != settings_version or marks.unsettled is None


async def _touched(
    tx: Transaction, tenant: int, marks: Planned, rules: ScopeRules
) -> list[ObjectId]:
    """Who must be looked at again; with anybody at all, everyone who waits for an extension."""
    people, _ = await load_touched(tx, tenant, marks.people_seq)
    state = await load_phone_state(tx, tenant)
    touched = {*people, *(marks.unsettled or ())}
    if state.version > marks.phones_version:
        keys = await load_touched_extensions(tx, tenant, marks.phones_version)
        linked = await load_links_of_extensions(tx, tenant, keys)
        touched |= {link.person for link in linked.values()}
    elif not touched:
        return []
    touched |= set(await load_waiting(tx, tenant, rules))
    return sorted(touched)


async def _loaded(fetched: _Fetched, scope: str, added: int, now: datetime) -> Loaded:
    """What was fetched, put together outside of the database's time."""
    view = await asyncio.to_thread(put_together, fetched.pictures, fetched.settings.rules)
    people_now = fetched.pictures.summary.people_now
    return Loaded(view, fetched.settings, fetched.versions, people_now, scope, added, now)


async def _last(tx: Transaction, tenant: int) -> tuple[int, LastPlan | None]:
    """The newest plan's id, and what a new one is compared with."""
    stored = await load_newest_plan(tx, tenant)
    if stored is None:
        return 0, None
    waits = stored.status is PlanStatus.PROPOSED
    return stored.id, LastPlan(
        waits=waits,
        open=waits or stored.status is PlanStatus.APPLIED,
        total=stored.total,
        refusals=stored.refusals,
        held=await load_held(tx, tenant, stored.id) if stored.held else frozenset(),
    )
