"""The page of numbers: pools in figures, why a number is so, and what is held of released ones."""

from datetime import timedelta

import pytest

from core.sketches import person
from doubles.house import House
from doubles.web_fillings import fill, group_id, save_persons
from doubles.web_visitor import Console, Visitor
from jackfield.core.departments import Group
from jackfield.core.extensions import FormerExtension
from jackfield.core.number_pools import DepartmentRange, NumberRules
from jackfield.core.numbering import parse_range
from jackfield.core.people import GroupId
from jackfield.core.rules import PeopleRules
from jackfield.store.groups import save_groups
from jackfield.store.phone_numbers import note_numbers
from jackfield.store.released import save_former

ANN = person("Ann Field")


@pytest.fixture
async def office(house: House) -> None:
    """Twenty people from 200 on, a group with numbers of its own, and 400 is held for Ann."""
    now = house.clock.now()
    async with house.database.write() as tx:
        await fill(tx, 20, now)
        await save_persons(tx, [ANN], now)
        await save_groups(tx, 1, [Group(group_id(1), "Sales <b>")], 1, now=now)
        await note_numbers(tx, 1, used=[str(200 + one) for one in range(20)])
        await save_former(tx, 1, {ANN.id: FormerExtension("400")}, now=now - timedelta(days=3))
    await choose(house, parse_range("300-309"))


async def choose(house: House, *ranges: object) -> None:
    numbers = NumberRules(
        ranges=(parse_range("200-499"),),
        departments=(DepartmentRange(group_id(1), ranges),),  # type: ignore[arg-type]
    )
    await house.choose(PeopleRules(numbers=numbers))


@pytest.mark.usefixtures("office")
class TestPools:
    """How full they are, at a glance."""

    async def test_each_pool_stands_there_with_its_figures(self, admin: Visitor) -> None:
        page = (await admin.get("/numbers")).page

        assert "Everybody 200–299, 310–499" in page.text
        assert "290 20 1 0 269 — not known yet" in page.text
        assert "Sales <b> 300–309" in page.text
        assert "10 0 0 0 10 — not known yet" in page.text

    async def test_a_pool_without_numbers_is_marked(self, house: House, admin: Visitor) -> None:
        await choose(house, parse_range("200-219"))

        page = (await admin.get("/numbers")).page

        assert "Sales <b> 200–219" in page.text
        assert "Has run out" in page.text

    async def test_many_pools_are_paged(self, house: House, admin: Visitor) -> None:
        """A page that does not exist is the last one, and says so."""
        many = tuple(
            DepartmentRange(GroupId(f"g{n}"), (parse_range(str(1000 + n)),)) for n in range(120)
        )
        await house.choose(PeopleRules(numbers=NumberRules(departments=many)))

        first = (await admin.get("/numbers")).page
        last = (await admin.get("/numbers?page=9")).page

        assert "121 pools, page 1 of 3" in first.text
        assert "Page 9 is not there (any more); this is the last one." in last.text
        assert "g119" in last.text

    async def test_only_the_list_is_sent_where_only_that_is_asked(self, admin: Visitor) -> None:
        part = await admin.part("/numbers", "list")

        assert part.text.lstrip().startswith('<section class="card" id="list"')


@pytest.mark.usefixtures("office")
class TestWhy:
    """An administrator types a number."""

    @pytest.mark.parametrize(
        ("number", "said"),
        [
            pytest.param("203", "It is the extension of Person 0003", id="used"),
            pytest.param(" 400 ", "Ann Field (ann-field@example.org) had it until", id="held"),
            pytest.param("305", "It is in the pool of “Sales <b>” (300–309).", id="department"),
            pytest.param("5000000", "The phone system has no such extension number", id="none"),
        ],
    )
    async def test_the_page_tells_in_sentences(
        self, admin: Visitor, number: str, said: str
    ) -> None:
        answer = await admin.get(f"/numbers?number={number.replace(' ', '+')}")

        assert answer.status == 200
        assert said in answer.page.text

    async def test_what_is_no_number_is_said_beside_the_field(self, admin: Visitor) -> None:
        """And what was typed stays there."""
        answer = await admin.get("/numbers?number=2o3")
        part = await admin.part("/numbers?number=2o3", "why")

        assert answer.status == 422
        field = next(one for one in answer.page.all("input") if one.get("id") == "number")
        assert (field["value"], field["aria-invalid"]) == ("2o3", "true")
        assert "“2o3” is not a number" in answer.page.text
        assert part.status == 200
        assert "“2o3” is not a number" in part.page.text


@pytest.mark.usefixtures("office")
class TestHeld:
    """Numbers that are kept for who had them."""

    async def test_they_are_found_by_number_and_by_name(self, admin: Visitor) -> None:
        everything = (await admin.get("/numbers/held")).page
        by_name = (await admin.get("/numbers/held?q=field")).page
        by_number = (await admin.part("/numbers/held?q=40", "list")).page
        none = (await admin.get("/numbers/held?q=nobody")).page

        for page in (everything, by_name, by_number):
            assert "Ann Field" in page.text
            assert "release-400" in page.ids()
        assert "No held number fits." in none.text

    async def test_releasing_asks_once_more_and_is_journalled(
        self, house: House, admin: Visitor
    ) -> None:
        """Without a script: a page, a button, and the list again."""
        asked = await admin.get("/numbers/held/400/release")
        answer = await admin.post("/numbers/held/400/release")
        after = (await admin.get("/numbers/held")).page
        again = await admin.post("/numbers/held/400/release")
        late = await admin.get("/numbers/held/400/release")

        assert "Release number 400 now?" in asked.page.text
        assert "it is held for them until" in asked.page.text
        assert (answer.status, answer.headers["location"]) == (303, "/numbers/held")
        assert "No number is held." in after.text
        assert (again.status, late.status) == (409, 409)
        assert "is not held (any more)" in again.page.text
        assert "confirm-ok" not in late.page.ids()
        (line,) = [one for one in await house.lines() if one.kind == "number.released"]
        assert line.by == "administrator"

    async def test_in_the_dialog_the_list_looks_again(self, admin: Visitor) -> None:
        """The dialog closes by itself, and it is said."""
        await admin.get("/numbers/held")
        asked = await admin.get("/numbers/held/400/release", hx_request="true")
        answer = await admin.post("/numbers/held/400/release", hx_request="true")

        assert asked.text.lstrip().startswith("<dialog")
        assert answer.status == 204
        assert "Number 400 is free." in answer.headers["hx-trigger"]
        assert "jackfield:numbers" in answer.headers["hx-trigger"]

    @pytest.mark.parametrize(
        ("path", "status"),
        [
            pytest.param("/numbers/held?after=abc", 400, id="no place"),
            pytest.param("/numbers/held?before=1e3", 400, id="another spelling"),
            pytest.param("/numbers/held?after=400&before=400", 400, id="two places"),
            pytest.param("/numbers/held/4oo/release", 404, id="no number"),
            pytest.param("/numbers/held/401/release", 409, id="not held"),
            pytest.param("/numbers?page=0", 400, id="no page"),
        ],
    )
    async def test_what_cannot_be_asked_is_refused(
        self, admin: Visitor, path: str, status: int
    ) -> None:
        assert (await admin.get(path)).status == status

    async def test_a_viewer_only_looks(self, console: Console) -> None:
        """As everywhere."""
        viewer = await console.signed_in("viewer")
        await viewer.get("/numbers/held")

        answer = await viewer.post("/numbers/held/400/release")

        assert answer.status == 403


async def test_a_thousand_held_numbers_are_paged_there_and_back(
    house: House, admin: Visitor
) -> None:
    """By the arrows, each once."""
    people = [person(f"Leaver {n:03d}") for n in range(120)]
    async with house.database.write() as tx:
        await save_persons(tx, people, house.clock.now())
        former = {one.id: FormerExtension(str(500 + n)) for n, one in enumerate(people)}
        await save_former(tx, 1, former, now=house.clock.now())

    seen: list[str] = []
    path: str | None = "/numbers/held"
    while path is not None:
        page = (await admin.get(path)).page
        seen += [one.removeprefix("release-") for one in page.ids() if one.startswith("release-")]
        path = next((str(a["href"]) for a in page.all("a") if a.get("id") == "page-next"), None)

    assert seen == [str(500 + n) for n in range(120)]
