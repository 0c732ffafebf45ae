"""Reserved numbers and the ranges of departments: added, refused beside the field, removed."""

import pytest

from core.sketches import person
from doubles.house import House
from doubles.web_fillings import fill, group_id, person_id, save_persons
from doubles.web_visitor import Answer, Visitor
from jackfield.core.departments import Group
from jackfield.core.number_pools import DepartmentRange, NumberRules, Reservation
from jackfield.core.numbering import parse_range
from jackfield.core.rules import PeopleRules
from jackfield.store.groups import save_groups

ANN = person("Ann Field")
SALES = group_id(1)


@pytest.fixture
async def office(house: House) -> None:
    """Ann, a group of her own name, and two groups of one name."""
    now = house.clock.now()
    async with house.database.write() as tx:
        await save_persons(tx, [ANN], now)
        named = ("Sales", "Twins", "Twins")
        groups = [Group(group_id(at), name) for at, name in enumerate(named, start=1)]
        await save_groups(tx, 1, groups, 1, now=now)


async def numbers(house: House) -> NumberRules:
    return (await house.settings()).rules.numbers


async def reserve(admin: Visitor, **fields: str) -> Answer:
    await admin.get("/numbers/reserved")
    return await admin.post("/numbers/reserved", {"version": "0", **fields})


async def give(admin: Visitor, **fields: str) -> Answer:
    await admin.get("/numbers/departments")
    return await admin.post("/numbers/departments", {"version": "0", **fields})


@pytest.mark.usefixtures("office")
async def test_a_reservation_is_added_shown_and_removed(house: House, admin: Visitor) -> None:
    """For a person by their sign-in name, without a script."""
    answer = await reserve(admin, numbers="500 - 519", whose=ANN.upn, note=" lifts ")
    page = (await admin.get("/numbers/reserved")).page
    kept = await numbers(house)
    gone = await admin.post("/numbers/reserved/remove", {"numbers": "500-519", "whose": ANN.id})

    assert (answer.status, answer.headers["location"]) == (303, "/numbers/reserved")
    assert kept.reserved == (Reservation(parse_range("500-519"), ANN.id, "lifts"),)
    assert "500-519 Ann Field" in page.text
    assert gone.status == 303
    assert (await numbers(house)).reserved == ()


@pytest.mark.usefixtures("office")
async def test_the_journal_tells_for_whom_by_name(admin: Visitor) -> None:
    """The list of reservations does; nobody knows a colleague by an object ID."""
    await reserve(admin, numbers="500", whose=ANN.upn, note="lifts")
    await give(admin, version="1", whose="Sales", numbers="200-299")

    told = (await admin.get("/journal?kind=settings")).page.text

    assert "Reserved numbers from 0 to 1 (added 500 for Ann Field, lifts)" in told
    assert "Ranges of departments from 0 to 1 (added 200-299 for Sales)" in told


@pytest.mark.usefixtures("office")
@pytest.mark.parametrize(
    ("fields", "place", "said"),
    [
        pytest.param({"numbers": "5oo"}, "numbers", "“5oo” is not a number", id="digits"),
        pytest.param({"numbers": ""}, "numbers", "is empty", id="empty"),
        pytest.param({"numbers": "9", "whose": "bob"}, "whose", "no person “bob”", id="person"),
        pytest.param(
            {"numbers": "9", "note": "x" * 201},
            "note",
            "The note has 201 characters; at most 200.",
            id="long note",
        ),
    ],
)
async def test_a_wrong_reservation_is_said_beside_its_field(
    house: House, admin: Visitor, fields: dict[str, str], place: str, said: str
) -> None:
    """And what was typed stays."""
    typed = {"note": "kept", **fields}

    answer = await reserve(admin, **typed)

    assert answer.status == 422
    assert f"{place}-wrong" in answer.page.ids()
    assert said in answer.page.text
    assert f'value="{typed["note"]}"' in answer.text
    assert (await numbers(house)).reserved == ()


async def test_numbers_are_reserved_once(house: House, admin: Visitor) -> None:
    """A second reservation over the first would hide one of them."""
    rules = NumberRules(reserved=(Reservation(parse_range("500-519")),))
    await house.choose(PeopleRules(numbers=rules))

    answer = await reserve(admin, version="1", numbers="490-600")

    assert answer.status == 422
    assert "Numbers of 490–600 are reserved already" in answer.page.text


@pytest.mark.usefixtures("office")
async def test_a_department_gets_other_numbers_and_loses_them(house: House, admin: Visitor) -> None:
    """By the group's whole name; the ranges are those that were typed last."""
    await give(admin, whose="sales", numbers="200-299")
    await give(admin, version="1", whose=SALES, numbers="300-349, 360")
    kept = await numbers(house)
    page = (await admin.get("/numbers/departments")).page
    await admin.post("/numbers/departments/remove", {"numbers": "300-349, 360", "whose": SALES})

    ranges = (parse_range("300-349"), parse_range("360"))
    assert kept.departments == (DepartmentRange(SALES, ranges),)
    assert "Sales 300-349, 360" in page.text
    assert (await numbers(house)).departments == ()


@pytest.mark.usefixtures("office")
@pytest.mark.parametrize(
    ("fields", "place", "said"),
    [
        pytest.param({"whose": "Twins"}, "whose", "2 groups are called “Twins”", id="two"),
        pytest.param({"whose": "Sale"}, "whose", "There is no group “Sale”", id="none"),
        pytest.param({"whose": ""}, "whose", "Name the group", id="unnamed"),
        pytest.param({"numbers": "1-2-3"}, "numbers", "is not a number", id="no range"),
        pytest.param({"numbers": " "}, "numbers", "Give its ranges", id="no ranges"),
        pytest.param({"numbers": "1-9"}, "numbers", "no extension numbers in 1–9", id="elsewhere"),
    ],
)
async def test_a_wrong_range_is_said_beside_its_field(
    house: House, admin: Visitor, fields: dict[str, str], place: str, said: str
) -> None:
    answer = await give(admin, **{"whose": "Sales", "numbers": "200-299", **fields})

    assert answer.status == 422
    assert f"{place}-wrong" in answer.page.ids()
    assert said in answer.page.text
    assert (await numbers(house)).departments == ()


async def test_somebody_elses_saving_is_told_before_mine(house: House, admin: Visitor) -> None:
    """Nothing is saved until I have seen it; then both stand."""
    await house.choose(PeopleRules(numbers=NumberRules("300")))

    answer = await reserve(admin, version="0", numbers="500", note="mine")
    untouched = await numbers(house)
    again = await admin.post("/numbers/reserved", {"version": "1", "numbers": "500"})

    assert answer.status == 409
    assert "admin changed these settings while you did" in answer.page.text
    assert "Starting number: nothing became “300”." in answer.page.text
    assert 'value="mine"' in answer.text
    assert 'name="version" value="1"' in answer.text
    assert untouched.reserved == ()
    assert again.status == 303
    assert await numbers(house) == NumberRules("300", reserved=(Reservation(parse_range("500")),))


async def test_a_removal_fits_whatever_else_was_saved(house: House, admin: Visitor) -> None:
    """It names exactly what it takes; what is not there any more is no error."""
    two = (Reservation(parse_range("500")), Reservation(parse_range("600")))
    await house.choose(PeopleRules(numbers=NumberRules(reserved=two)))
    await admin.get("/numbers/reserved")
    await house.choose(PeopleRules(numbers=NumberRules("300", reserved=two)))

    for _ in range(2):
        answer = await admin.post("/numbers/reserved/remove", {"numbers": "500", "whose": ""})
        assert answer.status == 303

    assert await numbers(house) == NumberRules("300", reserved=two[1:])


async def test_a_reservation_of_a_number_in_use_says_so(house: House, admin: Visitor) -> None:
    """It takes nothing away from anybody, and the administrator learns that before it is saved."""
    async with house.database.write() as tx:
        await fill(tx, 3, house.clock.now())
    asked = await reserve(admin, numbers="200", note="kept")
    (sure,) = [one["value"] for one in asked.page.all("input") if one.get("name") == "sure"]
    other = await reserve(admin, numbers="201", sure=sure)
    untouched = await numbers(house)
    await reserve(admin, numbers="200", sure=sure)
    has = "777: Has 201 and keeps it; this counts once another number is needed."
    await reserve(admin, version="1", numbers="777", whose=person_id(1), sure=has)

    assert asked.status == 422
    assert sure == "200: In use: Person 0000 has it and keeps it."
    assert f"Not saved yet. {sure} Reserve it all the same?" in asked.page.text
    assert 'value="kept"' in asked.text
    assert "201: In use: Person 0001 has it" in other.page.text
    assert untouched.reserved == ()

    page = (await admin.get("/numbers/reserved")).page

    assert "In use: Person 0000 has it and keeps it." in page.text
    assert "Has 201 and keeps it" in page.text
