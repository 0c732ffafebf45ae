"""Held numbers: which they are, in which order, and found by number or by whose they were."""

from datetime import datetime, timedelta

import pytest

from core.sketches import person
from doubles.web_fillings import save_persons
from jackfield.core.extensions import FormerExtension
from jackfield.store.database import Database
from jackfield.store.held_numbers import list_held, load_held_number
from jackfield.store.phone_numbers import is_used, note_numbers
from jackfield.store.released import note_released, save_former

ANN, BOB = person("Ann Field"), person("Bob O'Neil")


@pytest.fixture
async def held(database: Database, now: datetime) -> Database:
    """Six numbers of the last forty days, one of them in use again."""
    async with database.write() as tx:
        await save_persons(tx, [ANN, BOB], now)
        await save_former(
            tx,
            1,
            {ANN.id: FormerExtension("1200"), BOB.id: FormerExtension("0300")},
            now=now - timedelta(days=5),
        )
        await note_released(tx, 1, ["205"], now=now - timedelta(days=40))
        await note_released(tx, 1, ["204", "1201", "99"], now=now)
        await note_released(tx, 2, ["203"], now=now)
        await note_numbers(tx, 1, used=["204"])
    return database


async def numbers(database: Database, now: datetime, typed: str = "", **more: object) -> list[str]:
    async with database.read() as tx:
        page = await list_held(tx, 1, typed, since=now - timedelta(days=30), **more)  # type: ignore[arg-type]
    assert page.found.refs == tuple(one.number for one in page.numbers)
    return [one.number for one in page.numbers]


async def test_what_is_held_is_listed_short_numbers_first(held: Database, now: datetime) -> None:
    """Not what is in use again, whose time is over, or another tenant's."""
    assert await numbers(held, now) == ["99", "0300", "1200", "1201"]


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        pytest.param("120", ["1200", "1201"], id="digits"),
        pytest.param("99", ["99"], id="two digits"),
        pytest.param("0300", ["0300"], id="a zero before"),
        pytest.param("field ann", ["1200"], id="names in any order"),
        pytest.param("oneil", [], id="no such beginning"),
        pytest.param("neil", ["0300"], id="a part of a name"),
        pytest.param("ann-field@example.org", ["1200"], id="an address"),
        pytest.param("%", [], id="nothing to search for"),
        pytest.param("204", [], id="in use again"),
    ],
)
async def test_they_are_found_by_number_and_by_person(
    held: Database, now: datetime, typed: str, expected: list[str]
) -> None:
    """Who asks has a number on a slip of paper, or a name."""
    assert await numbers(held, now, typed) == expected


async def test_pages_lead_there_and_back(held: Database, now: datetime) -> None:
    """A place is a number, which stays one when it is let go meanwhile."""
    since = now - timedelta(days=30)
    async with held.read() as tx:
        first = (await list_held(tx, 1, since=since, limit=2)).found
        second = (await list_held(tx, 1, since=since, limit=2, after=first.next)).found
        back = (await list_held(tx, 1, since=since, limit=2, before=second.previous)).found

    assert (first.refs, first.previous, first.next) == (("99", "0300"), None, "0300")
    assert (second.refs, second.previous, second.next) == (("1200", "1201"), "1200", None)
    assert (back.refs, back.previous, back.next) == (("99", "0300"), None, "0300")
    assert (first.total, second.total) == (4, 4)


async def test_one_number_tells_whose_it_was(held: Database, now: datetime) -> None:
    """As long as it is held."""
    since = now - timedelta(days=30)
    async with held.read() as tx:
        known = await load_held_number(tx, 1, "1200", since=since)
        used = await load_held_number(tx, 1, "204", since=since)
        over = await load_held_number(tx, 1, "205", since=since)
        assert await is_used(tx, 1, "204")
        assert not await is_used(tx, 1, "1200")

    assert known is not None
    assert (known.person, known.at) == (ANN.id, now - timedelta(days=5))
    assert (used, over) == (None, None)
