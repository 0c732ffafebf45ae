"""Finding people, and paging through what was found, both ways."""

import random
from collections.abc import Callable
from datetime import datetime

import pytest

from jackfield.core.people import ObjectId, Person
from jackfield.store.crossings import search_uncovered
from jackfield.store.database import Database
from jackfield.store.people import PRESENT_PEOPLE, people, search_people
from jackfield.store.people_rounds import save_people
from jackfield.store.search import Found, Listing, find

PEOPLE = [
    Person(ObjectId("anna"), "anna@x.example", "Anna Meier", mobile_phone="+49 170 5554711"),
    Person(ObjectId("anne"), "anne@x.example", "Anne-Marie O'Brien", business_phone="0711 204-204"),
    Person(ObjectId("jose"), "jose@x.example", "José Ñandú", mail="Jose.N@other.example"),
    Person(ObjectId("lee"), "lee@x.example", "李小龍"),
    Person(ObjectId("max"), "max@x.example", "Max 100% Under_score"),
    Person(ObjectId("mia"), "mia@x.example", "Mia Meiermann"),
]


async def fill(database: Database, now: datetime, persons: list[Person]) -> None:
    async with database.write() as tx:
        await save_people(tx, 1, persons, {one.id: 0 for one in persons}, 1, now=now)


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        pytest.param("", "anna anne jose max mia lee", id="everyone_in_order"),
        pytest.param("meier", "anna mia", id="beginning_of_a_word"),
        pytest.param("MEIER an", "anna", id="words_in_any_order"),
        pytest.param("meier anna", "anna", id="last_name_first"),
        pytest.param("eier", "", id="not_the_middle_of_a_word"),
        pytest.param("jose nan", "jose", id="accents_folded"),
        pytest.param("o'brien", "anne", id="apostrophe"),
        pytest.param("anne-marie", "anne", id="hyphen"),
        pytest.param("小龍", "lee", id="given_name_without_spaces"),
        pytest.param("李", "lee", id="one_character"),
        pytest.param("4711", "anna", id="end_of_a_number"),
        pytest.param("0170 555 4711", "anna", id="national_number"),
        pytest.param("+49 (170) 5554711", "anna", id="whole_number"),
        pytest.param("204204", "anne", id="number_without_punctuation"),
        pytest.param("jose@", "jose", id="upn"),
        pytest.param("JOSE.N@OTHER", "jose", id="mail"),
        pytest.param("a@x.example", "", id="not_the_middle_of_an_address"),
        pytest.param("100%", "max", id="percent_is_no_wildcard"),
        pytest.param("100_", "max", id="underscore_is_no_wildcard"),
        pytest.param("%", "", id="only_punctuation"),
        pytest.param("' OR 1=1 --", "", id="no_sql"),
        pytest.param("\0", "", id="nul"),
        pytest.param("x" * 3000, "", id="very_long"),
        pytest.param("a b c d e f g h i j k", "", id="many_words"),
        pytest.param("m m m", "anna anne max mia", id="the_same_word_twice"),
    ],
)
async def test_people_are_found(database: Database, now: datetime, typed: str, found: str) -> None:
    """The same on both databases, whatever is typed."""
    await fill(database, now, PEOPLE)

    async with database.read() as tx:
        result = await search_people(tx, 1, typed)

    assert list(result.refs) == found.split()
    assert (result.total, result.more) == (len(result.refs), False)


@pytest.mark.parametrize("typed", ["henry.ward", "ward", "HENRY", "henry.ward@x.example"])
async def test_who_has_no_name_is_found_by_what_is_shown(
    database: Database, now: datetime, typed: str
) -> None:
    """Pages show the sign-in name then, so that is what is typed; also among those not synced."""
    await fill(database, now, [*PEOPLE, Person(ObjectId("h"), "henry.ward@x.example", "")])

    async with database.read() as tx:
        found = [await search_people(tx, 1, typed), await search_uncovered(tx, 1, typed)]

    assert [one.refs for one in found] == [("h",), ("h",)]


@pytest.fixture
def crowd(rng: random.Random) -> list[Person]:
    """Many people, names twice, a common beginning and a rare one."""
    names = ["Anna", "Anton", "Berta", "Bo", "Änne"]
    return [
        Person(
            ObjectId(f"{rng.getrandbits(64):016x}"),
            f"u{number}@x.example",
            f"{rng.choice(names)} {rng.choice(names)}{'' if number % 50 else ' Rare'}",
        )
        for number in range(300)
    ]


async def walk(
    page: Callable[[str | None, str | None], "object"], first: Found
) -> tuple[list[str], list[str]]:
    """Everything met on the way to the last page, and on the way back."""
    forth, last = list(first.refs), first
    while last.next:
        last = await page(last.next, None)  # type: ignore[misc]
        forth += last.refs
    back = list(last.refs)
    while last.previous:
        last = await page(None, last.previous)  # type: ignore[misc]
        back = list(last.refs) + back
    assert last.previous is None
    return forth, back


@pytest.mark.parametrize("typed", ["", "a", "an be", "rare", "rare an", "u1"])
async def test_pages_lead_through_everyone_and_back(
    database: Database, now: datetime, crowd: list[Person], typed: str
) -> None:
    """Nobody is met twice or left out, also where many bear the same name."""
    await fill(database, now, crowd)

    async def page(after: str | None, before: str | None) -> Found:
        async with database.read() as tx:
            return await search_people(tx, 1, typed, limit=7, after=after, before=before)

    first = await page(None, None)
    forth, back = await walk(page, first)

    assert first.previous is None
    assert len(set(forth)) == len(forth) == first.total
    assert back == forth


@pytest.mark.parametrize("stretch", [1, 16, 400])
@pytest.mark.parametrize("typed", ["a", "an be", "rare", "bo rare", "zz"])
async def test_whoever_stands_behind_the_first_stretch_is_found(
    database: Database, now: datetime, crowd: list[Person], typed: str, stretch: int
) -> None:
    """Where it ends must not be seen."""
    await fill(database, now, crowd)
    listing = Listing(people, people.c.id, people.c.words, PRESENT_PEOPLE.always, stretch=stretch)

    async with database.read() as tx:
        usual = await search_people(tx, 1, typed, limit=300)
        found = await find(tx, 1, listing, typed, order=people.c.sort, limit=300)

    assert found == usual


async def test_the_total_is_counted_up_to_a_thousand(database: Database, now: datetime) -> None:
    """A page must not wait for a count that nobody reads."""
    await fill(
        database, now, [Person(ObjectId(f"{n:05d}"), f"p{n}", f"Same {n:05d}") for n in range(1100)]
    )

    async with database.read() as tx:
        first = await search_people(tx, 1, "same", limit=10)
        second = await search_people(tx, 1, "same", limit=10, after=first.next)

    assert (first.total, first.more) == (1000, True)
    assert (second.total, second.more) == (1000, True)
    assert second.refs[0] == "00010"


@pytest.mark.parametrize("cursor", ["x", "!!!", "eyJhIjoxfQ", "W10", "é", "A" * 5000])
async def test_a_cursor_that_cannot_be_read_means_the_first_page(
    database: Database, now: datetime, cursor: str
) -> None:
    """It stands in the address bar, and people shorten addresses."""
    await fill(database, now, PEOPLE)

    async with database.read() as tx:
        found = await search_people(tx, 1, "", limit=2, after=cursor)

    assert found.refs == ("anna", "anne")
