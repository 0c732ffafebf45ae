"""A group with 60,000 members: more people than a statement takes values, in either database."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import String, Table, cast, literal, select, true

from jackfield.core.departments import Group
from jackfield.core.extensions import (
    Extension,
    ExtensionFields,
    ExtensionKey,
    ExtensionNumber,
    Link,
)
from jackfield.core.people import GroupId, ObjectId, Person, Scope, ScopeRules
from jackfield.flows.views import fetch
from jackfield.store.crossings import load_waiting
from jackfield.store.database import Database
from jackfield.store.group_counts import count_people_in
from jackfield.store.groups import (
    Member,
    MemberKind,
    apply_member_changes,
    group_members,
    save_groups,
)
from jackfield.store.links import links, save_links
from jackfield.store.people import people
from jackfield.store.people_rounds import save_people
from jackfield.store.phones import phone_extensions, save_extensions
from jackfield.store.transaction import Transaction

pytestmark = pytest.mark.sim

NOW = datetime(2026, 11, 28, tzinfo=UTC)
MEMBERS = 60_000
WAITING = 100
"""Members without an extension."""
OTHERS = 10_000
"""People without an extension who are in no group."""
TOUCHED = 33_000
"""More than the 32,766 values that SQLite takes in a statement; PostgreSQL takes 65,535."""
COMPANY, CROWD = GroupId("company"), GroupId("crowd")
RULES = ScopeRules(Scope.SELECTED_GROUPS, selected_groups=(COMPANY,), mailbox_licence_only=False)


async def multiply(tx: Transaction, table: Table, count: int, **differ: str) -> None:
    """Copies of what stands in a table of one row, each with other values in some columns."""
    first = select(literal(1).label("n")).cte("numbers", recursive=True)
    numbers = first.union_all(select(first.c.n + 1).where(first.c.n < count))
    columns = [
        literal(differ[one.name]).concat(cast(numbers.c.n, String)) if one.name in differ else one
        for one in table.c
    ]
    copies = select(*columns).select_from(table.join(numbers, true()))
    await tx.run(table.insert().from_select(list(table.c), copies))


async def fill(database: Database) -> None:
    """A crowd inside a company inside the crowd; all but a hundred have an extension."""
    someone = Person(ObjectId("p"), "someone@x.example", mail="someone@x.example")
    agreed = Link(someone.id, ExtensionKey("x"), ExtensionNumber("1"), ExtensionFields())
    async with database.write() as tx:
        await save_people(tx, 1, [someone], {someone.id: 0}, 1, now=NOW)
        await multiply(tx, people, MEMBERS + OTHERS - 1, id="p")
        await save_links(tx, 1, [agreed], now=NOW)
        await multiply(tx, links, MEMBERS - WAITING - 1, person="p", key="x", number="1")
        await save_groups(tx, 1, [Group(COMPANY, "Company"), Group(CROWD, "Crowd")], 1, now=NOW)
        await apply_member_changes(tx, 1, [Member(CROWD, someone.id)], [], 1)
        await multiply(tx, group_members, MEMBERS - 1, member="p")
        circle = [
            Member(COMPANY, CROWD, MemberKind.GROUP),
            Member(CROWD, COMPANY, MemberKind.GROUP),
        ]
        await apply_member_changes(tx, 1, circle, [], 1)
        await save_extensions(tx, 1, [Extension(agreed.key, agreed.number, agreed.agreed)], 1)
        await multiply(tx, phone_extensions, MEMBERS - WAITING - 1, key="x", number="1")
    await database.analyze()


async def test_a_selected_group_with_60_000_members(database: Database) -> None:
    """Who of it waits is asked by each round, how many it has by each look; others are left out."""
    await fill(database)

    async with database.read() as tx:
        waiting = await load_waiting(tx, 1, RULES)
        counts = await count_people_in(tx, 1, [COMPANY], RULES)

    assert waiting == sorted(f"p{n}" for n in range(MEMBERS - WAITING, MEMBERS))
    assert counts == {COMPANY: MEMBERS}


async def test_a_slice_of_33_000_people(database: Database) -> None:
    """Somebody moves a large group under a selected one: all of them are looked at again."""
    await fill(database)
    touched = [ObjectId(f"p{n + 1}") for n in range(TOUCHED)]

    async with database.read() as tx:
        pictures = await fetch(tx, 1, touched, hold_days=30, now=NOW)

    assert len(pictures.people) == len(pictures.links) == len(pictures.extensions) == TOUCHED
    assert len(pictures.edges.people[CROWD]) == TOUCHED
