"""The picture of the phone system: what was read, and nothing of what is gone."""

from dataclasses import replace
from datetime import datetime

from jackfield.core.extensions import (
    Department,
    DepartmentKey,
    Extension,
    ExtensionFields,
    ExtensionKey,
    ExtensionNumber,
    Link,
)
from jackfield.core.people import ObjectId
from jackfield.store.crossings import load_unlinked_extensions
from jackfield.store.database import Database
from jackfield.store.links import save_links
from jackfield.store.phone_departments import (
    add_departments,
    count_department_members,
    load_departments,
    save_departments,
)
from jackfield.store.phone_numbers import load_used_numbers, save_used_numbers
from jackfield.store.phone_state import begin_reading, load_phone_state
from jackfield.store.phones import (
    count_extensions,
    drop_extensions,
    finish_reading,
    load_extensions,
    save_extensions,
)

SALES, ALL = DepartmentKey("d1"), DepartmentKey("d2")
ANNA = Extension(
    ExtensionKey("1"),
    ExtensionNumber("0200"),
    ExtensionFields("Anna", "Meier", "Anna@x.example", "+49 170 1", "Engineer", "X"),
    (SALES, ALL),
    SALES,
    external_key="oid-anna",
)
HALL = Extension(ExtensionKey("2"), ExtensionNumber("201"), ExtensionFields("Hall"), enabled=False)


async def read(database: Database, now: datetime, *found: Extension) -> tuple[int, int]:
    """A full reading; how many were different, and how many were dropped."""
    async with database.write() as tx:
        number = await begin_reading(tx, 1)
        different = await save_extensions(tx, 1, found, number)
        dropped = await finish_reading(tx, 1, cursor="c", now=now, round_number=number)
    return different, dropped


async def test_extensions_come_back_as_they_were_read(database: Database, now: datetime) -> None:
    """Before-values are compared with this picture: it must be exact."""
    figures = await read(database, now, ANNA, HALL)

    async with database.read() as tx:
        everything = await load_extensions(tx, 1)
        one = await load_extensions(tx, 1, [HALL.key, ExtensionKey("none")])
        state = await load_phone_state(tx, 1)
        members = await count_department_members(tx, 1)
        count = await count_extensions(tx, 1)

    assert figures == (2, 0)
    assert everything == {"1": ANNA, "2": HALL}
    assert one == {"2": HALL}
    assert (state.cursor, state.round, state.version, state.read_at) == ("c", 1, 1, now)
    assert members == {SALES: 1, ALL: 1}
    assert count == 2


async def test_reading_the_same_again_changes_nothing(database: Database, now: datetime) -> None:
    """Otherwise every reading of a hundred thousand would ask for a new plan of everyone."""
    await read(database, now, ANNA, HALL)
    async with database.read() as tx:
        before = await load_phone_state(tx, 1)

    shuffled = replace(ANNA, departments=(ALL, SALES))
    figures = await read(database, now, HALL, shuffled)

    async with database.read() as tx:
        after = await load_phone_state(tx, 1)
    assert figures == (0, 0)
    assert after.version == before.version
    assert after.round == 2


async def test_what_a_full_reading_does_not_meet_is_gone(database: Database, now: datetime) -> None:
    """An extension deleted in the phone system must be noticed; its person waits for a new one."""
    await read(database, now, ANNA, HALL)

    figures = await read(database, now, HALL)

    async with database.read() as tx:
        left = await load_extensions(tx, 1)
        members = await count_department_members(tx, 1)
        again = await load_unlinked_extensions(
            tx, 1, addresses=["anna@x.example"], persons=[ObjectId("oid-anna")]
        )
        state = await load_phone_state(tx, 1)
    assert figures == (0, 1)
    assert left == {"2": HALL}
    assert members == {}
    assert again == {}
    assert state.version == 2


async def test_a_change_replaces_fields_and_memberships(database: Database, now: datetime) -> None:
    """A department taken away by hand must not come back by itself."""
    await read(database, now, ANNA)
    changed = replace(
        ANNA,
        fields=replace(ANNA.fields, last_name="Lind", mobile=""),
        departments=(ALL, DepartmentKey("d3")),
        primary=None,
        enabled=False,
    )

    async with database.write() as tx:
        await save_extensions(tx, 1, [changed], 1)
        state = await load_phone_state(tx, 1)

    async with database.read() as tx:
        assert await load_extensions(tx, 1) == {"1": changed}
        assert await count_department_members(tx, 1) == {ALL: 1, "d3": 1}
        assert state.version == 2


async def test_unlinked_extensions_are_found_by_address_or_external_key(
    database: Database, now: datetime
) -> None:
    """Adopting what stands already; a linked extension is never offered to somebody else."""
    other = Extension(
        ExtensionKey("3"), ExtensionNumber("203"), ExtensionFields("A", "B", "b@x.example")
    )
    taken = Extension(
        ExtensionKey("4"), ExtensionNumber("204"), ExtensionFields("T", "", "t@x.example")
    )
    await read(database, now, ANNA, HALL, other, taken)
    async with database.write() as tx:
        link = Link(ObjectId("t"), taken.key, taken.number, taken.fields)
        await save_links(tx, 1, [link], now=now)

    async with database.read() as tx:
        found = await load_unlinked_extensions(
            tx,
            1,
            addresses=["b@x.example", "t@x.example", "hall"],
            persons=[ObjectId("oid-anna"), ObjectId("t")],
        )
        by_address = await load_unlinked_extensions(tx, 1, addresses=["anna@x.example"], persons=[])

    assert sorted(found) == ["1", "3"]
    assert list(by_address) == ["1"]


async def test_departments_are_replaced_and_added(database: Database) -> None:
    """A department renamed by hand keeps its name; one that is gone is not planned for."""
    sales = Department(SALES, "Sales", "oid-sales")
    everyone = Department(ALL, "All")
    async with database.write() as tx:
        await save_departments(tx, 1, [sales, everyone])
        first = await load_phone_state(tx, 1)
    async with database.write() as tx:
        await save_departments(tx, 1, [everyone, sales])
        same = await load_phone_state(tx, 1)
    renamed = replace(sales, name="Verkauf")
    async with database.write() as tx:
        await save_departments(tx, 1, [renamed])
        await add_departments(tx, 1, [Department(DepartmentKey("d9"), "New", "oid-new")])
        second = await load_phone_state(tx, 1)

    async with database.read() as tx:
        departments = await load_departments(tx, 1)

    assert departments == {"d1": renamed, "d9": Department(DepartmentKey("d9"), "New", "oid-new")}
    assert (first.version, same.version, second.version) == (1, 1, 2)


async def test_used_numbers_are_those_named_and_those_just_given(
    database: Database, now: datetime
) -> None:
    """A number that is taken between two readings must not be given twice."""
    await read(database, now, ANNA)
    async with database.write() as tx:
        await save_used_numbers(tx, 1, ["0200", "800", "900"])
    async with database.write() as tx:
        await save_used_numbers(tx, 1, ["0200", "900"])
        await save_extensions(tx, 1, [HALL], 1)

    async with database.read() as tx:
        numbers = await load_used_numbers(tx, 1)
    async with database.write() as tx:
        dropped = await drop_extensions(tx, 1, [HALL.key, ExtensionKey("none")])

    assert numbers == {"0200", "900", "201"}
    assert dropped == 1
