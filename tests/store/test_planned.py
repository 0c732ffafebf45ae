"""Who has to be planned again: nobody who was named is forgotten by a plan that was under way."""

from jackfield.core.people import ObjectId
from jackfield.store.database import Database
from jackfield.store.planned import (
    UNSETTLED_LIMIT,
    Planned,
    add_unsettled,
    load_planned,
    save_planned,
)

ADA, BEN, CEM = ObjectId("ada"), ObjectId("ben"), ObjectId("cem")


async def add(database: Database, *people: ObjectId) -> None:
    async with database.write() as tx:
        await add_unsettled(tx, 1, people or None)


async def save(database: Database, marks: Planned) -> None:
    async with database.write() as tx:
        await save_planned(tx, 1, marks)


async def load(database: Database) -> Planned:
    async with database.read() as tx:
        marks = await load_planned(tx, 1)
    assert marks is not None
    return marks


async def test_a_plan_settles_whom_it_was_made_for(database: Database) -> None:
    """Otherwise everyone would be planned again for ever."""
    await save(database, Planned(5, 6, 7))
    await add(database, BEN, ADA)
    known = await load(database)

    await save(database, Planned(8, 9, 7, (), known.added))

    assert known.unsettled == (ADA, BEN)
    assert await load(database) == Planned(8, 9, 7, (), known.added)


async def test_who_is_named_while_a_plan_is_made_is_planned_again(database: Database) -> None:
    """The plan was computed from an older state, and its marks stand after it."""
    await save(database, Planned(5, 6, 7))
    await add(database, ADA)
    known = await load(database)
    await add(database, CEM)

    await save(database, Planned(8, 9, 7, (), known.added))

    assert (await load(database)).unsettled == (ADA, CEM)


async def test_everyone_named_while_a_plan_is_made_stays_everyone(database: Database) -> None:
    """A department that vanished meanwhile concerns people whom nobody can list."""
    await save(database, Planned(5, 6, 7))
    known = await load(database)
    await add(database)
    await add(database, ADA)

    await save(database, Planned(8, 9, 7, (), known.added))

    assert (await load(database)).unsettled is None


async def test_a_name_during_the_very_first_plan_counts_too(database: Database) -> None:
    """There are no marks yet that it could be added to."""
    await add(database, ADA)

    await save(database, Planned(8, 9, 7))

    assert (await load(database)).unsettled is None


async def test_nobody_is_no_change(database: Database) -> None:
    """A plan that left nobody behind makes no later plan look twice."""
    await save(database, Planned(5, 6, 7))

    async with database.write() as tx:
        await add_unsettled(tx, 1, ())

    assert await load(database) == Planned(5, 6, 7)


async def test_too_many_names_become_everyone(database: Database) -> None:
    """A list of everybody is no shorter than everybody."""
    await save(database, Planned(5, 6, 7))

    await add(database, *(ObjectId(str(at)) for at in range(UNSETTLED_LIMIT + 1)))

    assert (await load(database)).unsettled is None
