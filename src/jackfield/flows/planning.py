"""Making a plan: what matters of the three pictures is loaded, `core.plan` decides, it is stored.

What is loaded for a few touched people gives the same plan as loading everyone, restricted to them.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from jackfield.clock import Clock
from jackfield.core.actions import GUARDS, CreateDepartment, Plan, RefusalKind
from jackfield.core.dangers import Danger
from jackfield.core.departments import Group, groups_of_interest
from jackfield.core.explanations import explain_person
from jackfield.core.extensions import (
    Department,
    DepartmentKey,
    DepartmentLink,
    Extension,
    ExtensionKey,
    ExtensionNumber,
    FormerExtension,
    Link,
)
from jackfield.core.fields import addresses
from jackfield.core.memberships import resolve_memberships
from jackfield.core.novelty import LastPlan, is_repeated, says_nothing_new
from jackfield.core.number_pools import Released
from jackfield.core.people import GroupId, ObjectId, Person, Standing
from jackfield.core.pictures import Summary, View
from jackfield.core.plan import plan as make_plan
from jackfield.core.rules import PeopleRules, PhoneLimits
from jackfield.flows.phones import PhoneOf
from jackfield.store.cursors import Resource, accept_people, load_cursor
from jackfield.store.database import Database
from jackfield.store.groups import Edges, load_edges, load_groups
from jackfield.store.held import count_elsewhere, load_held, withdraw_held
from jackfield.store.links import (
    count_links,
    load_department_links,
    load_links,
    load_links_of_extensions,
)
from jackfield.store.outcomes import load_proposed_people
from jackfield.store.people import count_people, load_people, load_people_of_addresses, load_touched
from jackfield.store.phones import (
    load_departments,
    load_extensions,
    load_phone_state,
    load_touched_extensions,
    load_used_numbers,
)
from jackfield.store.pictures import load_unlinked_extensions, load_waiting
from jackfield.store.planned import Planned, add_unsettled, load_planned, save_planned
from jackfield.store.plans import (
    PlanStatus,
    StoredPlan,
    Versions,
    find_plan_of_run,
    list_plans,
    save_plan,
    supersede_plans,
)
from jackfield.store.released import load_former, load_released
from jackfield.store.runs import StoredRun
from jackfield.store.sequences import latest_change
from jackfield.store.settings import PeopleSettings, load_people_settings
from jackfield.store.transaction import Transaction

EVERYONE = "everyone"
TOUCHED = "touched people"
_RECENT = timedelta(hours=1)
_WITHDRAWN = "Withdrawn: everyone was planned again since, without this or in a newer plan."


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


@dataclass(frozen=True, slots=True)
class _Pictures:
    """What was fetched for a view; nothing is counted or resolved yet."""

    people: Mapping[ObjectId, Person]
    links: Mapping[ObjectId, Link]
    extensions: Mapping[ExtensionKey, Extension]
    same_address: Mapping[str, int] | None
    """None = to be counted: everyone is there."""
    groups: Mapping[GroupId, Group]
    edges: Edges
    departments: Mapping[DepartmentKey, Department]
    department_links: Mapping[GroupId, DepartmentLink]
    used_numbers: AbstractSet[str]
    released: Mapping[ExtensionNumber, Released]
    former: Mapping[ObjectId, FormerExtension]
    summary: Summary
    now: datetime


@dataclass(frozen=True, slots=True)
class Made:
    """The plan a run has made; `plan` is 0 where there was nothing to do."""

    plan: int
    total: int = 0
    held: int = 0
    guarded: bool = False
    everyone: bool = False
    """Everybody was judged, so that what no guard objects to is safe."""


class Planning:
    """Makes and stores plans."""

    def __init__(self, database: Database, phone_of: PhoneOf, clock: Clock) -> None:
        self._database = database
        self._phone_of = phone_of
        self._clock = clock

    async def make(
        self,
        tenant: int,
        run: StoredRun,
        *,
        everything: bool,
        groups_readable: bool,
        person: ObjectId | None = None,
        preview: bool = False,
    ) -> Made:
        """Plan for everyone, one person, or the touched; a repeat answers the stored plan."""
        async with self._database.read() as tx:
            known = await find_plan_of_run(tx, tenant, run.flow)
        if known is not None:
            everyone = known.scope == EVERYONE
            return Made(known.id, known.total, known.held, is_guarded(known), everyone)
        loaded = await self.load(
            tenant, everything=everything, groups_readable=groups_readable, person=person
        )
        if loaded is None:
            return Made(0)
        limits = self.limits(tenant)
        plan = await asyncio.to_thread(make_plan, loaded.view, loaded.settings.rules, limits)
        return await self._save(tenant, run, loaded, plan, preview=preview, by=run.by)

    def limits(self, tenant: int) -> PhoneLimits:
        """What the tenant's phone system can take."""
        can = self._phone_of(tenant).capabilities
        return PhoneLimits(can.ranges, can.name_length, can.fields)

    async def explain(self, tenant: int, person: ObjectId) -> tuple[str, ...]:
        """Why it is so for one person: scope, number, fields, departments, and what comes next."""
        loaded = await self.load(tenant, everything=False, person=person)
        if loaded is None:
            return ()
        return await asyncio.to_thread(
            explain_person, loaded.view, loaded.settings.rules, self.limits(tenant), person
        )

    async def load(
        self,
        tenant: int,
        *,
        everything: bool,
        groups_readable: bool = True,
        person: ObjectId | None = None,
    ) -> Loaded | None:
        """The view to plan from; None where nobody is touched."""
        now = self._clock.now()
        async with self._database.read() as tx:
            stored = await load_people_settings(tx, tenant)
            marks = await load_planned(tx, tenant)
            state = await load_phone_state(tx, tenant)
            versions = Versions(await latest_change(tx, tenant), state.version, stored.version)
            ids: list[ObjectId] | None = None
            scope = EVERYONE
            if person is not None:
                ids, scope = [person], person
            elif not (everything or marks is None or _must_plan_everyone(marks, stored.version)):
                ids, scope = await _touched(tx, tenant, marks), TOUCHED
                if not ids:
                    return None
                # The plan takes the place of proposals: whom they were about is not forgotten.
                proposed = await load_proposed_people(tx, tenant)
                if proposed is None:
                    ids, scope = None, EVERYONE
                else:
                    ids = sorted({*ids, *map(ObjectId, proposed)})
            pictures = await _fetch(
                tx,
                tenant,
                ids,
                groups_readable=groups_readable,
                hold_days=stored.value.rules.numbers.hold_days,
                now=now,
            )
        people_now = pictures.summary.people_now
        view = await asyncio.to_thread(put_together, pictures, stored.value.rules)
        return Loaded(
            view,
            stored.value,
            versions,
            people_now,
            scope,
            0 if marks is None else marks.added,
        )

    async def _save(
        self,
        tenant: int,
        run: StoredRun,
        loaded: Loaded,
        plan: Plan,
        *,
        preview: bool,
        by: str,
    ) -> Made:
        now = self._clock.now()
        kinds = {refusal.kind for refusal in plan.refusals}
        guarded, everyone = bool(kinds & GUARDS), loaded.scope == EVERYONE
        new_departments = any(isinstance(one, CreateDepartment) for one in plan.actions)
        for_one = loaded.scope not in {EVERYONE, TOUCHED}
        replaced = loaded.scope if for_one else None
        async with self._database.write() as tx:
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
            disbelieved = kinds & {RefusalKind.EMPTY_ANSWER, RefusalKind.SHRUNK_ANSWER}
            if not preview and everyone and not disbelieved:
                await accept_people(tx, tenant, loaded.people_now)
            latest, last = await _last(tx, tenant)
            nothing_new = (
                not preview and not plan.actions and says_nothing_new(plan, last, everyone=everyone)
            )
            stands = latest if nothing_new and is_repeated(plan, last) else 0
            if everyone and not preview:
                keeps = latest if nothing_new and plan.held else 0
                await withdraw_held(tx, tenant, text=_WITHDRAWN, now=now, except_for=keeps)
            if nothing_new:
                if not plan.held:
                    await supersede_plans(tx, tenant, now=now, scope=replaced, except_for=stands)
                return Made(0, guarded=guarded, everyone=everyone)
            await supersede_plans(tx, tenant, now=now, scope=replaced)
            id_ = await save_plan(
                tx,
                tenant,
                plan,
                now=now,
                made_by=by,
                versions=loaded.versions,
                people_now=loaded.people_now,
                scope=loaded.scope,
                run=run.flow,
            )
        return Made(id_, len(plan.actions), len(plan.held), guarded, everyone)


def is_guarded(plan: StoredPlan) -> bool:
    """Whether a guard refused something of the plan."""
    return any(refusal.kind in GUARDS for refusal in plan.refusals)


def _must_plan_everyone(marks: Planned, settings_version: int) -> bool:
    return marks.settings_version != settings_version or marks.unsettled is None


async def _touched(tx: Transaction, tenant: int, marks: Planned) -> list[ObjectId]:
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
    touched |= set(await load_waiting(tx, tenant))
    return sorted(touched)


async def _fetch(
    tx: Transaction,
    tenant: int,
    ids: Sequence[ObjectId] | None,
    *,
    groups_readable: bool,
    hold_days: int,
    now: datetime,
) -> _Pictures:
    people = await load_people(tx, tenant, ids)
    links = await load_links(tx, tenant, ids)
    same_address: dict[str, int] | None = None
    if ids is None:
        extensions = await load_extensions(tx, tenant)
    else:
        wanted = sorted({address for one in people.values() for address in addresses(one)})
        extensions = await load_extensions(tx, tenant, sorted(link.key for link in links.values()))
        extensions |= await load_unlinked_extensions(
            tx, tenant, addresses=wanted, persons=sorted(people)
        )
        bearers = await load_people_of_addresses(tx, tenant, wanted)
        same_address = {address: len(found) for address, found in bearers.items()}
    cursor = await load_cursor(tx, tenant, Resource.USERS)
    elsewhere = await _elsewhere(tx, tenant, None if ids is None else set(ids), now)
    return _Pictures(
        people=people,
        links=links,
        extensions=extensions,
        same_address=same_address,
        groups=await load_groups(tx, tenant),
        edges=await load_edges(tx, tenant, ids),
        departments=await load_departments(tx, tenant),
        department_links=await load_department_links(tx, tenant),
        used_numbers=await load_used_numbers(tx, tenant),
        released=await load_released(tx, tenant, since=now - timedelta(days=hold_days)),
        former=await load_former(tx, tenant, None if ids is None else sorted(people)),
        summary=replace(
            elsewhere,
            people_now=(await count_people(tx, tenant)).present,
            linked=(await count_links(tx, tenant)).linked,
            round_finished=cursor.finished_at is not None and cursor.full_finished_at is not None,
            people_accepted=cursor.accepted_people,
            groups_readable=groups_readable,
        ),
        now=now,
    )


def put_together(pictures: _Pictures, rules: PeopleRules) -> View:
    """The view of what was fetched. Takes a second for many people: not for the event loop."""
    groups, links = pictures.groups, pictures.department_links
    interest = groups_of_interest(rules.departments, rules.scope, groups) | set(links)
    same_address = pictures.same_address
    if same_address is None:
        same = Counter(
            address
            for one in pictures.people.values()
            if one.standing is Standing.PRESENT
            for address in addresses(one)
        )
        same_address = {address: count for address, count in same.items() if count > 1}
    return View(
        people=pictures.people,
        links=pictures.links,
        extensions=pictures.extensions,
        memberships=resolve_memberships(pictures.edges.people, pictures.edges.nested, interest),
        same_address=same_address,
        groups={group: groups[group] for group in interest if group in groups},
        departments=pictures.departments,
        department_links=links,
        used_numbers=pictures.used_numbers,
        released=pictures.released,
        former={
            person: former
            for person, former in pictures.former.items()
            if person in pictures.people and person not in pictures.links
        },
        summary=pictures.summary,
        now=pictures.now,
    )


async def _elsewhere(
    tx: Transaction, tenant: int, slice_: AbstractSet[str] | None, now: datetime
) -> Summary:
    """What guards count besides the slice: many small plans must not do what a big one may not."""
    since = now - _RECENT

    async def count(danger: Danger) -> int:
        return await count_elsewhere(tx, tenant, danger, since=since, slice_=slice_)

    return Summary(
        removals_elsewhere=await count(Danger.REMOVES),
        disables_elsewhere=await count(Danger.DISABLES),
        renumberings_elsewhere=await count(Danger.RENUMBERS),
        lost_elsewhere=await count(Danger.MADE_AGAIN),
        memberships_elsewhere=await count(Danger.LEAVES),
    )


async def _last(tx: Transaction, tenant: int) -> tuple[int, LastPlan | None]:
    """The newest plan's id, and what a new one is compared with."""
    latest = await list_plans(tx, tenant, limit=1)
    if not latest:
        return 0, None
    (stored,) = latest
    waits = stored.status is PlanStatus.PROPOSED
    return stored.id, LastPlan(
        waits=waits,
        open=waits or stored.status is PlanStatus.APPLIED,
        total=stored.total,
        refusals=stored.refusals,
        held=await load_held(tx, tenant, stored.id) if stored.held else frozenset(),
    )
