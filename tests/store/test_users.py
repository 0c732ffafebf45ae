"""The list of users: extensions with whoever is behind them."""

from dataclasses import replace
from datetime import datetime

import pytest

from jackfield.core.extensions import (
    DepartmentKey,
    Extension,
    ExtensionFields,
    ExtensionKey,
    ExtensionNumber,
    Link,
)
from jackfield.core.people import LeaverCause, ObjectId, Person, Standing
from jackfield.store.database import Database
from jackfield.store.links import save_links
from jackfield.store.people_rounds import mark_removed, save_people
from jackfield.store.phones import save_extensions
from jackfield.store.users import Order, Source, UserFilter, count_leavers, list_users


def extension(key: str, number: str, first: str, last: str, *departments: str) -> Extension:
    return Extension(
        ExtensionKey(key),
        ExtensionNumber(number),
        ExtensionFields(first, last, f"{first}@x.example".lower(), "+49 170 5550" + number),
        tuple(map(DepartmentKey, departments)),
        external_key=f"oid-{key}",
    )


EXTENSIONS = [
    extension("1", "1000", "Anna", "Meier", "sales"),
    extension("2", "0200", "Bo", "Ek", "sales", "west"),
    extension("3", "201", "Émile", "Zola"),
    replace(extension("4", "99", "Hall", ""), enabled=False),
]


@pytest.fixture
async def filled(database: Database, now: datetime) -> Database:
    people = [
        Person(ObjectId("oid-1"), "anna@x.example", skus=("sku-e5", "sku-phone")),
        Person(ObjectId("oid-2"), "bo@x.example", skus=("sku-e3",)),
    ]
    links = [
        Link(ObjectId("oid-1"), ExtensionKey("1"), ExtensionNumber("1000"), ExtensionFields()),
        Link(
            ObjectId("oid-2"),
            ExtensionKey("2"),
            ExtensionNumber("0200"),
            ExtensionFields(),
            left=LeaverCause.DISABLED,
        ),
    ]
    async with database.write() as tx:
        await save_people(tx, 1, people, {one.id: 0 for one in people}, 1, now=now)
        await save_extensions(tx, 1, EXTENSIONS, 1)
        await save_links(tx, 1, links, now=now)
    return database


@pytest.mark.parametrize(
    ("asked", "keys"),
    [
        pytest.param(UserFilter(), "1 2 3 4", id="everyone"),
        pytest.param(UserFilter(text="emile"), "3", id="name"),
        pytest.param(UserFilter(text="zol em"), "3", id="names_in_any_order"),
        pytest.param(UserFilter(text="20"), "3", id="beginning_of_a_number"),
        pytest.param(UserFilter(text="0200"), "2", id="leading_zero"),
        pytest.param(UserFilter(text="200"), "2", id="end_of_a_number_or_of_the_extension"),
        pytest.param(UserFilter(text="0170 5550201"), "3", id="mobile"),
        pytest.param(UserFilter(text="bo@x"), "2", id="mail"),
        pytest.param(UserFilter(source=Source.MICROSOFT_365), "1 2", id="microsoft365"),
        pytest.param(UserFilter(source=Source.LOCAL), "3 4", id="local"),
        pytest.param(UserFilter(department=DepartmentKey("sales")), "1 2", id="department"),
        pytest.param(UserFilter(department=DepartmentKey("west"), text="an"), "", id="both"),
        pytest.param(UserFilter(sku="sku-e5"), "1", id="licence"),
        pytest.param(UserFilter(enabled=False), "4", id="disabled"),
        pytest.param(UserFilter(enabled=True), "1 2 3", id="enabled"),
        pytest.param(UserFilter(leavers=True), "2", id="leavers"),
        pytest.param(UserFilter(leavers=False), "1 3 4", id="not_leavers"),
    ],
)
async def test_users_are_filtered(filled: Database, asked: UserFilter, keys: str) -> None:
    """What an administrator asks of the page a hundred times a week."""
    async with filled.read() as tx:
        page = await list_users(tx, 1, asked)

    assert [user.extension.key for user in page.users] == keys.split()
    assert page.found.total == len(page.users)


async def test_a_leaver_whom_a_guard_holds_is_listed_and_counted(
    filled: Database, now: datetime
) -> None:
    """Overview counted people whom the list did not show: nothing had been done about them yet."""
    async with filled.write() as tx:
        await mark_removed(tx, 1, [ObjectId("oid-1")], Standing.RECYCLED, now=now)
        page = await list_users(tx, 1, UserFilter(leavers=True))
        staying = await list_users(tx, 1, UserFilter(leavers=False))
        count = await count_leavers(tx, 1)

    assert [one.left for one in page.users] == [LeaverCause.DELETED, LeaverCause.DISABLED]
    assert count == page.found.total == 2
    assert [one.left for one in staying.users] == [None, None]


async def test_users_come_with_person_and_link(filled: Database) -> None:
    """The licence column and the source are the person's, not the extension's."""
    async with filled.read() as tx:
        page = await list_users(tx, 1)
    anna, _, emile, _ = page.users

    assert anna.source is Source.MICROSOFT_365
    assert anna.person is not None
    assert anna.person.skus == ("sku-e5", "sku-phone")
    assert (emile.source, emile.link, emile.person) == (Source.LOCAL, None, None)


async def test_users_are_paged_by_number_both_ways(filled: Database) -> None:
    """Sorted as people count: 99, 201, 0200, 1000."""
    async with filled.read() as tx:
        first = await list_users(tx, 1, order=Order.NUMBER, limit=3)
        second = await list_users(tx, 1, order=Order.NUMBER, limit=3, after=first.found.next)
        back = await list_users(tx, 1, order=Order.NUMBER, limit=3, before=second.found.previous)

    assert [user.extension.number for user in first.users] == ["99", "201", "0200"]
    assert [user.extension.number for user in second.users] == ["1000"]
    assert second.found.next is None
    assert back.users == first.users
    assert back.found.previous is None
