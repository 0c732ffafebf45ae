"""The picture of the tenant's people."""

from dataclasses import replace
from datetime import datetime

from jackfield.core.people import ObjectId, Person, Standing
from jackfield.store.database import Database
from jackfield.store.people import (
    count_people,
    finish_round,
    load_hashes,
    load_people,
    load_people_of_addresses,
    load_touched,
    mark_removed,
    mark_seen,
    save_people,
    search_people,
)

ANNA = Person(
    ObjectId("a"),
    "anna@x.example",
    "Anna Ögren",
    "Anna",
    "Ögren",
    "Anna.Ogren@x.example",
    mobile_phone="+49 170 1234711",
    skus=("s1", "s2"),
    has_mailbox=True,
)
BO = Person(ObjectId("b"), "bo@x.example", "Bo Ek", enabled=False)


async def test_people_come_back_as_they_were_saved(database: Database, now: datetime) -> None:
    """Everything later is decided from this picture."""
    async with database.write() as tx:
        await save_people(tx, 1, [ANNA, BO], {ANNA.id: -5, BO.id: 2**63 - 1}, 1, now=now)

    async with database.read() as tx:
        people = await load_people(tx, 1)
        hashes = await load_hashes(tx, 1)

    assert people == {"a": ANNA, "b": replace(BO, disabled_when_first_seen=True)}
    assert hashes == {"a": -5, "b": 2**63 - 1}


async def test_whoever_a_finished_round_did_not_meet_is_gone(
    database: Database, now: datetime
) -> None:
    """A leaver whom delta did not report must still be noticed."""
    async with database.write() as tx:
        await save_people(tx, 1, [ANNA, BO], {ANNA.id: 1, BO.id: 2}, 1, now=now)
    async with database.write() as tx:
        await mark_seen(tx, 1, [ANNA.id], 2)
        gone = await finish_round(tx, 1, 2, now=now)

    async with database.read() as tx:
        people = await load_people(tx, 1)
        counts = await count_people(tx, 1)
        hashes = await load_hashes(tx, 1)
        touched, until = await load_touched(tx, 1, 1)

    assert gone == 1
    assert people[BO.id].standing is Standing.GONE
    assert (counts.present, counts.gone) == (1, 1)
    assert list(hashes) == ["a"]
    assert (touched, until) == (["b"], 2)


async def test_search(database: Database, now: datetime) -> None:
    """smoke"""
    async with database.write() as tx:
        await save_people(tx, 1, [ANNA, BO], {ANNA.id: 1, BO.id: 2}, 1, now=now)
    async with database.read() as tx:
        for typed in ("ogr an", "4711", "anna.ogren@x", "", "0170 1234711"):
            found = await search_people(tx, 1, typed)
            assert found.refs[0] == "a", typed
        assert (await load_people_of_addresses(tx, 1, ["anna@x.example"])) == {
            "anna@x.example": ["a"]
        }
    async with database.write() as tx:
        await mark_removed(tx, 1, [ANNA.id], Standing.RECYCLED, now=now)
