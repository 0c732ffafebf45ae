"""What a plan is made from: the three pictures of those asked for, put together into one view.

What is loaded for a few touched people gives the same plan as loading everyone, restricted to them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from jackfield.core.dangers import Danger
from jackfield.core.departments import Group, groups_of_interest
from jackfield.core.extensions import (
    Department,
    DepartmentKey,
    DepartmentLink,
    Extension,
    ExtensionKey,
    ExtensionNumber,
    FormerExtension,
    Link,
    Verdict,
)
from jackfield.core.fields import addresses
from jackfield.core.memberships import resolve_memberships
from jackfield.core.number_pools import Released
from jackfield.core.people import GroupId, ObjectId, Person, Standing
from jackfield.core.pictures import Summary, View
from jackfield.core.rules import PeopleRules
from jackfield.flows.runs import GROUPS, NO_GROUPS, WORK
from jackfield.store.alarms import open_alarms
from jackfield.store.crossings import load_unlinked_extensions
from jackfield.store.cursors import Resource, load_cursor
from jackfield.store.groups import Edges, load_edges, load_groups
from jackfield.store.held_actions import count_elsewhere, load_unreleased
from jackfield.store.links import count_links, load_all_links, load_department_links, load_links
from jackfield.store.matches import load_decisions
from jackfield.store.people import count_people, load_people, load_people_of_addresses
from jackfield.store.phone_departments import load_departments
from jackfield.store.phone_numbers import load_used_numbers
from jackfield.store.phones import load_extensions
from jackfield.store.released import load_former, load_released
from jackfield.store.schedule import load_due
from jackfield.store.transaction import Transaction

_RECENT = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Pictures:
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
    decisions: Mapping[ObjectId, Mapping[ExtensionKey, Verdict]]
    unreleased: Mapping[tuple[Danger, ObjectId], int]
    summary: Summary
    now: datetime


async def fetch(
    tx: Transaction,
    tenant: int,
    ids: Sequence[ObjectId] | None,
    *,
    hold_days: int,
    now: datetime,
) -> Pictures:
    """The pictures of those asked for, or of everybody; released numbers as far as still held."""
    people = await load_people(tx, tenant, ids)
    decisions = await load_decisions(tx, tenant)
    same_address: dict[str, int] | None = None
    if ids is None:
        extensions = await load_extensions(tx, tenant)
        links = await load_all_links(tx, tenant, extensions)
    else:
        links = await load_links(tx, tenant, ids)
        wanted = sorted({address for one in people.values() for address in addresses(one)})
        extensions = await load_extensions(tx, tenant, sorted(link.key for link in links.values()))
        extensions |= await load_unlinked_extensions(
            tx, tenant, addresses=wanted, persons=sorted(people)
        )
        decided = sorted({key for one in people for key in decisions.get(one, ())})
        extensions |= await load_extensions(tx, tenant, decided)
        bearers = await load_people_of_addresses(tx, tenant, wanted)
        same_address = {address: len(found) for address, found in bearers.items()}
    cursor = await load_cursor(tx, tenant, Resource.USERS)
    elsewhere = await _elsewhere(tx, tenant, None if ids is None else set(ids), now)
    judged_at = (await load_due(tx, tenant, WORK)).last_full_at
    return Pictures(
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
        decisions=decisions,
        unreleased=await load_unreleased(tx, tenant, since=judged_at),
        summary=replace(
            elsewhere,
            people_now=(await count_people(tx, tenant)).present,
            linked=(await count_links(tx, tenant)).linked,
            round_finished=cursor.finished_at is not None and cursor.full_finished_at is not None,
            people_accepted=cursor.accepted_people,
            groups_readable=await _groups_are_readable(tx, tenant),
        ),
        now=now,
    )


def put_together(pictures: Pictures, rules: PeopleRules) -> View:
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
        decisions=pictures.decisions,
        unreleased=pictures.unreleased,
        summary=pictures.summary,
        now=pictures.now,
    )


async def _groups_are_readable(tx: Transaction, tenant: int) -> bool:
    """Whether what is known of groups is what Microsoft 365 has.

    They were read to an end once, and the last try to read on was not turned away.
    """
    if (await load_cursor(tx, tenant, Resource.GROUPS)).full_finished_at is None:
        return False
    return not any(one.kind in {GROUPS, NO_GROUPS} for one in await open_alarms(tx, tenant))


async def _elsewhere(
    tx: Transaction, tenant: int, slice_: AbstractSet[str] | None, now: datetime
) -> Summary:
    """What guards count besides the slice: many small plans must not do what a big one may not."""
    counted = await count_elsewhere(tx, tenant, since=now - _RECENT, slice_=slice_)
    return Summary(
        removals_elsewhere=counted[Danger.REMOVES],
        disables_elsewhere=counted[Danger.DISABLES],
        renumberings_elsewhere=counted[Danger.RENUMBERS],
        lost_elsewhere=counted[Danger.MADE_AGAIN],
        memberships_elsewhere=counted[Danger.LEAVES],
        departments_elsewhere=counted[Danger.REBUILDS],
    )
