"""The picture of the tenant's people: what is remembered of them, and of who was seen when."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from jackfield.core.extensions import ExtensionFields, ExtensionKey, ExtensionNumber, Link
from jackfield.core.people import ObjectId, Person, Standing, UserType
from jackfield.store.crossings import forget_gone
from jackfield.store.database import Database
from jackfield.store.links import save_links
from jackfield.store.people import (
    PeopleCounts,
    count_people,
    load_people,
    load_people_of_addresses,
    load_person_history,
    load_touched,
    search_people,
)
from jackfield.store.people_rounds import (
    finish_round,
    load_hashes,
    mark_removed,
    mark_seen,
    save_people,
)

ANNA = Person(
    ObjectId("a"),
    "anna@x.example",
    "Anna Ögren",
    "Anna",
    "Ögren",
    "Anna.Ogren@x.example",
    mobile_phone="+49 170 1234711",
    job_title="Engineer",
    usage_location="DE",
    skus=("s2", "s1"),
    has_mailbox=True,
    has_teams=True,
)
BO = Person(ObjectId("b"), "bo@x.example", "Bo Ek", enabled=False)
CAT = Person(ObjectId("c"), "cat@x.example", "Cat", user_type=UserType.GUEST)


async def save(
    database: Database, now: datetime, *persons: Person, round_number: int = 1, tenant: int = 1
) -> None:
    async with database.write() as tx:
        hashes = {person.id: hash(person.upn) for person in persons}
        await save_people(tx, tenant, persons, hashes, round_number, now=now)


async def test_people_come_back_as_they_were_saved(database: Database, now: datetime) -> None:
    """Everything later is decided from this picture."""
    async with database.write() as tx:
        await save_people(tx, 1, [ANNA, CAT], {ANNA.id: -(2**63), CAT.id: 2**63 - 1}, 1, now=now)

    async with database.read() as tx:
        people = await load_people(tx, 1)
        some = await load_people(tx, 1, [CAT.id, ObjectId("nobody")])
        hashes = await load_hashes(tx, 1)

    assert people == {"a": ANNA, "c": CAT}
    assert some == {"c": CAT}
    assert hashes == {"a": -(2**63), "c": 2**63 - 1}


@pytest.mark.parametrize(
    ("seen", "remembered"),
    [
        pytest.param([False], True, id="disabled_at_first"),
        pytest.param([False, False], True, id="still_disabled"),
        pytest.param([False, True], False, id="enabled_since"),
        pytest.param([False, True, False], False, id="enabled_once_then_disabled"),
        pytest.param([True, False], False, id="disabled_later"),
    ],
)
async def test_who_was_disabled_when_first_seen_is_remembered(
    database: Database, now: datetime, seen: Sequence[bool], remembered: bool
) -> None:
    """U-14: such a person gets no extension; one who is disabled later keeps theirs."""
    for enabled in seen:
        # What the given value says must not matter: Graph does not know it.
        person = replace(BO, enabled=enabled, disabled_when_first_seen=not remembered)
        await save(database, now, person)

    async with database.read() as tx:
        people = await load_people(tx, 1)

    assert people[BO.id].disabled_when_first_seen is remembered


async def test_whoever_a_finished_round_did_not_meet_is_gone(
    database: Database, now: datetime
) -> None:
    """A leaver whom delta did not report must still be noticed."""
    await save(database, now, ANNA, BO)

    async with database.write() as tx:
        await mark_seen(tx, 1, [ANNA.id], 2)
        gone = await finish_round(tx, 1, 2, now=now)
        again = await finish_round(tx, 1, 2, now=now)

    async with database.read() as tx:
        people = await load_people(tx, 1)
        counts = await count_people(tx, 1)
        hashes = await load_hashes(tx, 1)
        touched = await load_touched(tx, 1, 1)
        history = await load_person_history(tx, 1, BO.id)
    assert (gone, again) == (1, 0)
    assert people[BO.id].standing is Standing.GONE
    assert counts == PeopleCounts(present=1, gone=1)
    assert list(hashes) == ["a"]
    assert touched == (["b"], 2)
    assert history is not None
    assert history.removed_at == now


async def test_a_deleted_person_can_come_back(database: Database, now: datetime) -> None:
    """Restoring from the recycle bin within 30 days is everyday work."""
    later = now + timedelta(days=3)
    await save(database, now, ANNA)
    async with database.write() as tx:
        first = await mark_removed(tx, 1, [ANNA.id], Standing.RECYCLED, now=now)
        second = await mark_removed(tx, 1, [ANNA.id], Standing.RECYCLED, now=later)
        await mark_removed(tx, 1, [ANNA.id], Standing.GONE, now=later)
    async with database.read() as tx:
        removed = await load_person_history(tx, 1, ANNA.id)

    await save(database, later, ANNA)

    async with database.read() as tx:
        people = await load_people(tx, 1)
        history = await load_person_history(tx, 1, ANNA.id)
    assert (first, second) == (1, 0)
    assert removed is not None
    assert removed.removed_at == now
    assert people[ANNA.id] == ANNA
    assert history is not None
    assert (history.first_seen_at, history.removed_at) == (now, None)


async def test_touched_people_are_those_since_a_change(database: Database, now: datetime) -> None:
    """A delta of two people must not plan a hundred thousand."""
    await save(database, now, ANNA, BO)
    async with database.read() as tx:
        _, until = await load_touched(tx, 1, 0)
    await save(database, now, CAT)
    async with database.write() as tx:
        await mark_seen(tx, 1, [ANNA.id], 1)

    async with database.read() as tx:
        everyone = await load_touched(tx, 1, 0)
        touched = await load_touched(tx, 1, until)
        none = await load_touched(tx, 1, touched[1])

    assert everyone == (["a", "b", "c"], 2)
    assert touched == (["c"], 2)
    assert none == ([], 2)


async def test_people_are_found_by_a_whole_address(database: Database, now: datetime) -> None:
    """An address that two people bear makes a match doubtful; nobody else may count."""
    twin = replace(CAT, mail="ANNA.ogren@x.example")
    gone = replace(BO, mail="anna.ogren@x.example", standing=Standing.GONE)
    await save(database, now, ANNA, twin, gone)
    asked = ["anna.ogren@x.example", "anna@x.example", "anna.ogren@x.exampl", "nobody@x.example"]

    async with database.read() as tx:
        bearers = await load_people_of_addresses(tx, 1, asked)

    assert bearers == {"anna.ogren@x.example": ["a", "c"], "anna@x.example": ["a"]}


async def test_a_new_name_is_found_and_the_old_one_is_not(
    database: Database, now: datetime
) -> None:
    """After a marriage the picker must not list the maiden name, nor the address that went."""
    await save(database, now, ANNA)
    renamed = replace(ANNA, surname="Lind", display_name="Anna Lind", mail="anna.lind@x.example")
    await save(database, now, renamed)

    async with database.read() as tx:
        found = {
            typed: (await search_people(tx, 1, typed)).refs
            for typed in ("anna", "lind", "ogren", "anna.lind@", "anna.ogren@x.example", "4711")
        }
        bearers = await load_people_of_addresses(tx, 1, ["anna.ogren@x.example"])

    assert found == {
        "anna": ("a",),
        "lind": ("a",),
        "ogren": (),
        "anna.lind@": ("a",),
        "anna.ogren@x.example": (),
        "4711": ("a",),
    }
    assert bearers == {}


async def test_a_page_with_doubles_is_saved(database: Database, now: datetime) -> None:
    """Delta repeats records within a page (Graph docs: replays); the last one counts."""
    await save(database, now, BO, ANNA, replace(BO, display_name="Bo Ekman"))

    async with database.read() as tx:
        people = await load_people(tx, 1)

    assert people[BO.id].display_name == "Bo Ekman"


@pytest.mark.parametrize(
    ("name", "stored"),
    [
        pytest.param("nul\0name", "nul\ufffdname", id="nul"),
        pytest.param("half \ud83d pair", "half \ufffd pair", id="half_a_surrogate_pair"),
        pytest.param("\u202eright to left", "\u202eright to left", id="override_is_kept"),
        pytest.param("X" * 5000, "X" * 5000, id="very_long"),
        pytest.param("😀🇩🇪", "😀🇩🇪", id="emoji"),
        pytest.param("", "", id="empty"),
    ],
)
async def test_no_text_stops_a_page(
    database: Database, now: datetime, name: str, stored: str
) -> None:
    """PostgreSQL refuses NUL, no database half a pair: one person must not stop the others."""
    await save(database, now, replace(BO, display_name=name, job_title=name), ANNA)

    async with database.read() as tx:
        people = await load_people(tx, 1)
        found = await search_people(tx, 1, "anna")

    assert people[BO.id].display_name == stored
    assert people[BO.id].job_title == stored
    assert found.refs == ("a",)


async def test_people_long_gone_are_forgotten_unless_linked(
    database: Database, now: datetime
) -> None:
    """Data protection wants leavers forgotten; an extension that still stands wants its person."""
    await save(database, now, ANNA, BO, CAT)
    link = Link(BO.id, ExtensionKey("1"), ExtensionNumber("100"), ExtensionFields())
    async with database.write() as tx:
        await save_links(tx, 1, [link], now=now)
        await mark_removed(tx, 1, [ANNA.id, BO.id], Standing.GONE, now=now)

    async with database.write() as tx:
        too_early = await forget_gone(tx, 1, before=now)
        forgotten = await forget_gone(tx, 1, before=now + timedelta(seconds=1))

    async with database.read() as tx:
        people = await load_people(tx, 1)
    assert (too_early, forgotten) == (0, 1)
    assert sorted(people) == ["b", "c"]


async def test_more_people_than_a_page_are_loaded_whole(database: Database, now: datetime) -> None:
    """Large pictures come in pages of 500; the last one is rarely full."""
    crowd = [Person(ObjectId(f"{number:05d}"), f"p{number}") for number in range(1203)]
    async with database.write() as tx:
        await save_people(tx, 1, crowd, {one.id: int(one.id) for one in crowd}, 1, now=now)
        inside = await load_hashes(tx, 1)

    async with database.read() as tx:
        people = await load_people(tx, 1)
        hashes = await load_hashes(tx, 1)

    assert people == {one.id: one for one in crowd}
    assert hashes == inside == {one.id: int(one.id) for one in crowd}
