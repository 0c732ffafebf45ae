"""The picture of groups and of who is directly in them."""

from dataclasses import replace
from datetime import datetime
from itertools import product

import pytest

from doubles.web_fillings import save_persons
from jackfield.core.departments import Group, GroupKind
from jackfield.core.people import (
    GroupId,
    ObjectId,
    Person,
    Scope,
    ScopeRules,
    Standing,
    UserType,
    judge,
)
from jackfield.store.database import Database
from jackfield.store.group_counts import count_people_in
from jackfield.store.groups import (
    Edges,
    Member,
    MemberKind,
    apply_member_changes,
    finish_groups_round,
    load_edges,
    load_groups,
    load_skus,
    mark_groups_removed,
    mark_groups_seen,
    save_groups,
    save_skus,
    search_groups,
)
from jackfield.store.people_rounds import mark_removed

OPEN = ScopeRules(guests=True, mailbox_licence_only=False)
SALES = Group(
    GroupId("s"), "Sales Süd", GroupKind.MICROSOFT_365, dynamic=True, mail="sales@x.example"
)
WEST = Group(GroupId("w"), "West\0ern", description="all of the west")
MEMBERS = [
    Member(SALES.id, "a"),
    Member(SALES.id, "b"),
    Member(WEST.id, "b"),
    Member(WEST.id, SALES.id, MemberKind.GROUP),
    Member(WEST.id, "printer", MemberKind.OTHER),
]


async def save(database: Database, now: datetime) -> None:
    async with database.write() as tx:
        await save_groups(tx, 1, [SALES, WEST], 1, now=now)
        await apply_member_changes(tx, 1, MEMBERS, [], 1)


async def test_groups_and_members_come_back(database: Database, now: datetime) -> None:
    """Departments follow groups; a lost membership moves a person out of a queue."""
    await save(database, now)

    async with database.read() as tx:
        groups = await load_groups(tx, 1)
        some = await load_groups(tx, 1, [SALES.id])
        edges = await load_edges(tx, 1)
        of_a = await load_edges(tx, 1, [ObjectId("a")])

    assert groups == {"s": SALES, "w": replace(WEST, name="West\ufffdern")}
    assert list(some) == ["s"]
    assert edges == Edges({"s": ["a", "b"], "w": ["b"]}, {"w": ["s"]})
    assert of_a == Edges({"s": ["a"]}, {"w": ["s"]})


async def test_a_membership_is_given_and_taken(database: Database, now: datetime) -> None:
    """`members@delta` reports changes, and reports some of them twice."""
    await save(database, now)

    async with database.write() as tx:
        added = [Member(WEST.id, "a"), Member(WEST.id, "a"), Member(SALES.id, "a")]
        await apply_member_changes(tx, 1, added, [(SALES.id, "b"), (SALES.id, "nobody")], 1)

    async with database.read() as tx:
        edges = await load_edges(tx, 1)
    assert edges.people == {"s": ["a"], "w": ["a", "b"]}


async def test_a_finished_round_drops_what_it_did_not_meet(
    database: Database, now: datetime
) -> None:
    """A membership that ended while the cursor was lost must end here too."""
    await save(database, now)

    async with database.write() as tx:
        await mark_groups_seen(tx, 1, [SALES.id], 2)
        await apply_member_changes(tx, 1, [Member(SALES.id, "a")], [], 2)
        gone = await finish_groups_round(tx, 1, 2, now=now)

    async with database.read() as tx:
        groups = await load_groups(tx, 1)
        edges = await load_edges(tx, 1)
    assert gone == 1
    assert groups[WEST.id].standing is Standing.GONE
    assert edges == Edges({"s": ["a"]}, {})


async def test_a_deleted_group_has_no_members_until_it_returns(
    database: Database, now: datetime
) -> None:
    """Its department is left standing; a restored group has its members at once."""
    await save(database, now)

    async with database.write() as tx:
        await mark_groups_removed(tx, 1, [SALES.id], Standing.RECYCLED, now=now)
    async with database.read() as tx:
        deleted = await load_edges(tx, 1)
        picker = await search_groups(tx, 1, "sales")
    async with database.write() as tx:
        await save_groups(tx, 1, [SALES], 1, now=now)
    async with database.read() as tx:
        restored = await load_edges(tx, 1)

    assert deleted.people == {"w": ["b"]}
    assert picker.refs == ()
    assert restored.people == {"s": ["a", "b"], "w": ["b"]}


async def test_groups_are_found_by_name_and_mail(database: Database, now: datetime) -> None:
    """The picker of a tenant with four thousand groups."""
    await save(database, now)

    async with database.read() as tx:
        found = [(await search_groups(tx, 1, typed)).refs for typed in ("sud", "sales@", "", "x")]

    assert found == [("s",), ("s",), ("s", "w"), ()]


async def test_licences_have_names(database: Database) -> None:
    """A column of GUIDs helps nobody."""
    async with database.write() as tx:
        await save_skus(tx, 1, {"old": ("OLD", "")})
        await save_skus(tx, 1, {"id1": ("O365_BUSINESS", "Microsoft 365 Apps"), "id2": ("E5", "")})

    async with database.read() as tx:
        skus = await load_skus(tx, 1)

    assert skus == {"id1": ("O365_BUSINESS", "Microsoft 365 Apps"), "id2": ("E5", "")}


async def test_people_are_counted_as_a_scope_counts_them(database: Database, now: datetime) -> None:
    """Nested groups included, everybody once, whoever has left not at all; circles end."""
    await save(database, now)
    circle = [Member(SALES.id, WEST.id, MemberKind.GROUP), Member(WEST.id, "gone")]
    persons = [Person(ObjectId(one), upn=f"{one}@x.example") for one in ("a", "b", "gone")]
    async with database.write() as tx:
        await apply_member_changes(tx, 1, circle[1:], [], 1)
        await save_persons(tx, persons, now)
        await mark_removed(tx, 1, [ObjectId("gone")], Standing.GONE, now=now)
        counts = await count_people_in(tx, 1, [SALES.id, WEST.id, GroupId("none")], OPEN)
        await apply_member_changes(tx, 1, circle[:1], [], 1)
        turning = await count_people_in(tx, 1, [SALES.id, WEST.id], OPEN)

    assert counts == {"s": 2, "w": 2, "none": 0}
    assert turning == {"s": 2, "w": 2}


@pytest.mark.parametrize("guests", [False, True])
@pytest.mark.parametrize("mailbox_only", [False, True])
async def test_a_group_counts_whom_its_selection_takes_in(
    database: Database, now: datetime, guests: bool, mailbox_only: bool
) -> None:
    """What is offered is what comes: the rules that plan say the same of each of them."""
    traits = ("enabled", "has_mailbox", "is_resource_account")
    crowd = [
        Person(
            ObjectId(f"p{at}"),
            f"p{at}@x.example",
            user_type=kind,
            **dict(zip(traits, given, strict=True)),
        )
        for at, (kind, *given) in enumerate(product(UserType, *[(False, True)] * 3))
    ]
    rules = ScopeRules(
        Scope.SELECTED_GROUPS,
        selected_groups=(SALES.id,),
        guests=guests,
        mailbox_licence_only=mailbox_only,
    )
    async with database.write() as tx:
        await save_groups(tx, 1, [SALES], 1, now=now)
        await save_persons(tx, crowd, now)
        await apply_member_changes(tx, 1, [Member(SALES.id, one.id) for one in crowd], [], 1)
        counts = await count_people_in(tx, 1, [SALES.id], rules)

    taken = [one for one in crowd if judge(one, frozenset({SALES.id}), rules).in_scope]
    assert counts == {SALES.id: sum(one.enabled for one in taken)}
