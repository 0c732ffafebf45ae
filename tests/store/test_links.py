"""What both sides agreed on: one person, one extension; one group, one department."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from jackfield.core.departments import Group
from jackfield.core.extensions import (
    DepartmentFlag,
    DepartmentKey,
    DepartmentLink,
    Extension,
    ExtensionFields,
    ExtensionKey,
    ExtensionNumber,
    Link,
)
from jackfield.core.memberships import resolve_memberships
from jackfield.core.number_forecast import Newcomers
from jackfield.core.people import (
    GroupId,
    LeaverCause,
    ObjectId,
    Person,
    Scope,
    ScopeJudge,
    ScopeRules,
    UserType,
)
from jackfield.store.crossings import load_waiting
from jackfield.store.database import Database
from jackfield.store.errors import LinkTaken
from jackfield.store.groups import (
    Member,
    MemberKind,
    apply_member_changes,
    load_edges,
    save_groups,
)
from jackfield.store.links import (
    LinkCounts,
    count_links,
    load_all_links,
    load_department_links,
    load_links,
    load_links_of_extensions,
    load_newcomers,
    remove_links,
    save_department_links,
    save_links,
)
from jackfield.store.people import load_people
from jackfield.store.people_rounds import save_people
from jackfield.store.phones import save_extensions

ANNA = Link(
    ObjectId("a"),
    ExtensionKey("1"),
    ExtensionNumber("0100"),
    ExtensionFields("Anna", "Ögren", "a@x.example"),
    (DepartmentKey("d1"), DepartmentKey("d2")),
)
BO = Link(
    ObjectId("b"),
    ExtensionKey("2"),
    ExtensionNumber("101"),
    ExtensionFields(),
    left=LeaverCause.DELETED,
    left_at=datetime(2026, 3, 1, 8, 30, tzinfo=UTC),
)


async def test_links_come_back_as_they_were_agreed(database: Database, now: datetime) -> None:
    """The merge base: what differs from it was changed by somebody."""
    async with database.write() as tx:
        await save_links(tx, 1, [BO, ANNA], now=now)

    async with database.read() as tx:
        assert await load_all_links(tx, 1, {}) == {"a": ANNA, "b": BO}
        assert await load_links(tx, 1, [ANNA.person, ObjectId("none")]) == {"a": ANNA}
        assert await load_links_of_extensions(tx, 1, [BO.key]) == {"2": BO}
        assert await count_links(tx, 1) == LinkCounts(2, 1)


async def test_what_stands_as_agreed_is_kept_once(database: Database, now: datetime) -> None:
    """A picture of 100,000 people would hold every name twice."""
    standing = {one.key: Extension(one.key, one.number, one.agreed) for one in (ANNA, BO)}
    standing[BO.key] = replace(standing[BO.key], fields=ExtensionFields("Another"))
    async with database.write() as tx:
        await save_links(tx, 1, [ANNA, BO], now=now)

    async with database.read() as tx:
        found = await load_all_links(tx, 1, standing)

    assert found == {"a": ANNA, "b": BO}
    assert found[ANNA.person].agreed is ANNA.agreed


async def test_a_link_is_changed_and_removed(database: Database, now: datetime) -> None:
    """A leaver who is back, and one whose extension was removed."""
    async with database.write() as tx:
        await save_links(tx, 1, [ANNA, BO], now=now)
    back = replace(BO, left=None, left_at=None, departments=(DepartmentKey("d1"),))

    async with database.write() as tx:
        await save_links(tx, 1, [back], now=now)
        removed = await remove_links(tx, 1, [ANNA.person, ObjectId("none")])

    async with database.read() as tx:
        assert await load_all_links(tx, 1, {}) == {"b": back}
    assert removed == 1


async def test_an_extension_cannot_be_two_peoples(database: Database, now: datetime) -> None:
    """Two people with one phone would take calls, voicemail and presence from one another."""
    async with database.write() as tx:
        await save_links(tx, 1, [ANNA], now=now)

    with pytest.raises(LinkTaken):
        async with database.write() as tx:
            await save_links(tx, 1, [replace(BO, key=ANNA.key)], now=now)

    async with database.read() as tx:
        assert await load_all_links(tx, 1, {}) == {"a": ANNA}


async def test_who_waits_for_an_extension(database: Database, now: datetime) -> None:
    """Every slice that is planned holds them, or numbers would depend on the order of changes."""
    people = [Person(ObjectId(one), f"{one}@x.example") for one in "abcd"]
    standing = Extension(ANNA.key, ANNA.number, ANNA.agreed)
    async with database.write() as tx:
        await save_people(tx, 1, people, {one.id: 0 for one in people}, 1, now=now)
        await save_extensions(tx, 1, [standing], 1)
        await save_links(tx, 1, [ANNA, BO], now=now)

    async with database.read() as tx:
        waiting = await load_waiting(tx, 1, ScopeRules(mailbox_licence_only=False))

    assert waiting == ["b", "c", "d"]


@pytest.mark.parametrize("scope", Scope)
@pytest.mark.parametrize("mailbox_licence_only", [True, False])
@pytest.mark.parametrize("guests", [True, False])
async def test_who_is_out_of_scope_anyway_does_not_wait(
    database: Database, now: datetime, scope: Scope, mailbox_licence_only: bool, guests: bool
) -> None:
    """A third of a tenant would be looked at each minute; who may be in scope must never be missed.

    Disabled people are disabled when first seen here.
    """
    kinds = [
        Person(
            ObjectId(f"p{number}"),
            f"p{number}@x.example",
            user_type=UserType.GUEST if guest else UserType.MEMBER,
            is_resource_account=resource,
            has_mailbox=mailbox,
            enabled=enabled,
        )
        for number, (guest, resource, mailbox, enabled) in enumerate(
            product([True, False], repeat=4)
        )
    ]
    group, inner = GroupId("g"), GroupId("in g")
    memberships = [Member(group, inner, MemberKind.GROUP), Member(inner, group, MemberKind.GROUP)]
    memberships += [Member(group, one.id) for one in kinds[::3]]
    memberships += [Member(inner, one.id) for one in kinds[1::3]]
    rules = ScopeRules(
        scope,
        frozenset(one.id for one in kinds[::2]),
        (group,),
        guests=guests,
        mailbox_licence_only=mailbox_licence_only,
    )
    async with database.write() as tx:
        await save_people(tx, 1, kinds, {one.id: 0 for one in kinds}, 1, now=now)
        await save_groups(tx, 1, [Group(group, "Sales"), Group(inner, "West")], 1, now=now)
        await apply_member_changes(tx, 1, memberships, [], 1)
        stored = await load_people(tx, 1)
        edges = await load_edges(tx, 1)
    judge = ScopeJudge(rules)
    groups = resolve_memberships(edges.people, edges.nested, {group})
    expected = {
        one.id for one in stored.values() if judge(one, groups.get(one.id, frozenset())).in_scope
    }

    async with database.read() as tx:
        waiting = set(await load_waiting(tx, 1, rules))

    selected = rules.selected_users if scope is Scope.ALL_EXCEPT_SELECTED else frozenset()
    assert waiting - selected == expected


async def test_department_links(database: Database) -> None:
    """Bound by the group's id and never by its name; a department has one group."""
    sales = DepartmentLink(GroupId("g1"), DepartmentKey("d1"), "Sales 2", "Sales")
    west = DepartmentLink(GroupId("g2"), DepartmentKey("d2"), "West", "West")
    async with database.write() as tx:
        await save_department_links(tx, 1, [sales, west])
    flagged = replace(west, flag=DepartmentFlag.VANISHED)
    async with database.write() as tx:
        await save_department_links(tx, 1, [flagged])

    async with database.read() as tx:
        assert await load_department_links(tx, 1) == {"g1": sales, "g2": flagged}
    with pytest.raises(LinkTaken):
        async with database.write() as tx:
            await save_department_links(tx, 1, [replace(sales, group=GroupId("g3"))])


async def test_newcomers_are_those_after_the_first_day(database: Database, now: datetime) -> None:
    """Everybody else came with the first sync; another tenant's first day is its own."""
    late = Link(ObjectId("c"), ExtensionKey("3"), ExtensionNumber("102"), ExtensionFields())
    async with database.write() as tx:
        await save_links(tx, 2, [ANNA], now=now - timedelta(days=200))
        await save_links(tx, 1, [ANNA], now=now - timedelta(days=20))
        await save_links(tx, 1, [BO], now=now - timedelta(days=19, hours=1))
        await save_links(tx, 1, [late], now=now - timedelta(days=5))
        await save_links(tx, 1, [ANNA, late], now=now)

    async with database.read() as tx:
        known = await load_newcomers(tx, 1, since=now - timedelta(days=90))
        recent = await load_newcomers(tx, 1, since=now - timedelta(days=2))
        nobody = await load_newcomers(tx, 3, since=now)

    assert known.first_at == now - timedelta(days=20)
    assert list(known.recent) == [("102", now - timedelta(days=5))]
    assert list(recent.recent) == []
    assert nobody == Newcomers()
