"""What saving another scope would lead to, asked before it is saved. Reads, and changes nothing."""

from __future__ import annotations

import asyncio
from datetime import datetime

from jackfield.core.memberships import resolve_memberships
from jackfield.core.people import ObjectId, Person
from jackfield.core.rules import PeopleRules
from jackfield.core.scope_change import Leaving, becomes, is_many, new_leavers, newly_hit
from jackfield.store.cursors import Resource, load_cursor
from jackfield.store.database import Database
from jackfield.store.groups import Edges, load_edges
from jackfield.store.links import load_all_links, load_linked
from jackfield.store.people import load_people
from jackfield.store.phones import load_extensions


class ManyLeavers(Exception):
    """A scope that makes more leavers than whoever saves it has said to know of."""

    def __init__(self, leaving: Leaving) -> None:
        super().__init__(leaving.text)
        self.leaving = leaving


async def check_leavers(
    database: Database,
    tenant: int,
    stored: PeopleRules,
    wanted: PeopleRules,
    *,
    known: int,
    now: datetime,
) -> None:
    """Raises `ManyLeavers` where another scope makes so many that it is asked about.

    `known` is of how many whoever saves it was told before.
    """
    leaving = await foresee_leavers(database, tenant, stored, wanted, now=now)
    if leaving is not None and leaving.count > known:
        raise ManyLeavers(leaving)


async def foresee_leavers(
    database: Database, tenant: int, stored: PeopleRules, wanted: PeopleRules, *, now: datetime
) -> Leaving | None:
    """Who would become a leaver, or is one and would lose the extension, where they are many.

    Many is more than the guards' figures. None too where groups decide and were never read: nobody
    is taken for a leaver then.
    """
    leaving = await _foresee_by_scope(database, tenant, stored, wanted)
    if leaving is not None or _policies(stored) == _policies(wanted):
        return leaving
    async with database.read() as tx:
        extensions = await load_extensions(tx, tenant)
        links = await load_all_links(tx, tenant, extensions)
    return await asyncio.to_thread(newly_hit, links.values(), extensions, stored, wanted, now)


def _policies(rules: PeopleRules) -> tuple[object, ...]:
    return rules.on_deleted, rules.on_disabled, rules.on_out_of_scope, rules.remove_after


async def _foresee_by_scope(
    database: Database, tenant: int, stored: PeopleRules, wanted: PeopleRules
) -> Leaving | None:
    if stored.scope == wanted.scope:
        return None
    by_groups = {*stored.scope.selected_groups, *wanted.scope.selected_groups}
    async with database.read() as tx:
        if by_groups:
            groups = await load_cursor(tx, tenant, Resource.GROUPS)
            if groups.full_finished_at is None:
                return None
        linked = await load_linked(tx, tenant)
        people = await load_people(tx, tenant, linked)
        edges = await load_edges(tx, tenant, linked) if by_groups else Edges()

    def judge(people: list[Person]) -> tuple[ObjectId, ...]:
        memberships = resolve_memberships(edges.people, edges.nested, by_groups)
        return new_leavers(people, memberships, stored.scope, wanted.scope)

    leaving = await asyncio.to_thread(judge, list(people.values()))
    if not is_many(len(leaving), len(linked), wanted):
        return None
    return Leaving(leaving, len(linked), becomes(wanted))
