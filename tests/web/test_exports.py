"""What is exported: everything that fits the filters, harmless in a spreadsheet."""

import csv
import io
from datetime import UTC, datetime

import pytest

from doubles.house import House
from doubles.web_fillings import a_person, fill, fill_with, person_id, save_persons
from doubles.web_visitor import Answer, Console, Visitor
from jackfield.core.actions import CreateExtension, Plan, RemoveExtension
from jackfield.core.extensions import ExtensionFields, ExtensionKey, ExtensionNumber
from jackfield.core.people import LeaverCause, ObjectId
from jackfield.store.journal import Line, append_lines
from jackfield.store.plans import Versions, save_plan
from jackfield.store.runs import RunStatus, Trigger, begin_run, end_run


def rows(answer: Answer) -> list[list[str]]:
    """The rows below the heads."""
    assert answer.status == 200
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    text = answer.body.decode("utf-8-sig")
    assert answer.body.startswith("\ufeff".encode())
    return list(csv.reader(io.StringIO(text)))[1:]


async def test_the_journal_is_exported_whole_and_filtered(house: House, admin: Visitor) -> None:
    """More than one page of it, and only what the page would show."""
    async with house.database.write() as tx:
        now = house.clock.now()
        many = [Line("settings.changed", f"Line {n}", by="owner") for n in range(1_200)]
        await append_lines(tx, 1, [*many, Line("alarm.begun", "Something, “quoted”")], now=now)

    everything = rows(await admin.get("/journal.csv"))
    alarms = rows(await admin.get("/journal.csv?kind=alarm."))
    found = rows(await admin.get("/journal.csv?q=Line+77"))

    assert [row[4] for row in everything[:2]] == ["Something, “quoted”", "Line 1199"]
    assert len(everything) == 1_201
    assert [row[1] for row in alarms] == ["alarm.begun"]
    assert {row[4] for row in found} == {"Line 77", *(f"Line 77{n}" for n in range(10))}


async def test_the_journal_of_a_day_is_that_of_the_readers_time_zone(
    house: House, admin: Visitor
) -> None:
    """Half past midnight in Berlin is still the day before in UTC."""
    async with house.database.write() as tx:
        for hour, day in ((22, 22), (23, 22), (12, 23)):
            at = datetime(2026, 11, day, hour, 30, tzinfo=UTC)
            await append_lines(tx, 1, [Line("alarm.begun", f"{day} at {hour}")], now=at)

    async def told(asked: str) -> list[str]:
        page = (await admin.get(f"/journal?{asked}")).page
        file = [row[4] for row in rows(await admin.get(f"/journal.csv?{asked}"))]
        assert [one for one in file if one in page.text] == file
        assert page.text.count(" at ") == len(file)
        return file

    assert await told("since=2026-11-23") == ["23 at 12"]
    assert await told("since=2026-11-23&zone=Europe/Berlin") == ["23 at 12", "22 at 23"]
    assert await told("until=2026-11-22&zone=Europe/Berlin") == ["22 at 22"]
    assert await told("since=2026-11-22&until=2026-11-22") == ["22 at 23", "22 at 22"]


async def test_days_that_are_none_are_named(admin: Visitor) -> None:
    """The page says so where its lines would be; a file would be empty without a word."""
    backwards = "since=2026-11-23&until=2026-11-22"

    page = await admin.get(f"/journal?{backwards}")
    file = await admin.get(f"/journal.csv?{backwards}")

    assert "The last day is before the first." in page.page.text
    assert (file.status, "is before “since”" in file.page.text) == (400, True)


async def test_a_plan_is_exported_with_its_differences(house: House, admin: Visitor) -> None:
    """One row for each difference; held actions say so."""
    made = CreateExtension(
        ObjectId("p1"), "Ann", ExtensionNumber("100"), ExtensionFields("Ann", "F."), (), None, "new"
    )
    gone = RemoveExtension(
        ObjectId("p2"),
        "Bob",
        ExtensionKey("e2"),
        ExtensionNumber("101"),
        LeaverCause.DELETED,
        "gone",
    )
    async with house.database.write() as tx:
        plan = Plan((made,), (gone,))
        now = house.clock.now()
        id_ = await save_plan(tx, 1, plan, now=now, made_by="owner", versions=Versions())

    everything = rows(await admin.get(f"/plans/{id_}/actions.csv"))
    held = rows(await admin.get(f"/plans/{id_}/actions.csv?held=yes"))

    assert [(row[2], row[8], row[10]) for row in everything] == [
        ("Create extension 100 for Ann", "Number", "100"),
        ("Create extension 100 for Ann", "First name", "Ann"),
        ("Create extension 100 for Ann", "Last name", "F."),
        ("Remove extension 101 of Bob", "", ""),
    ]
    assert [(row[3], row[5]) for row in held] == [("Bob", "held back")]


async def test_lists_are_exported_whole_and_filtered(house: House, admin: Visitor) -> None:
    """More than one piece of them, with the words of their pages."""
    now = house.clock.now()
    async with house.database.write() as tx:
        await fill(tx, 3, now)
        late = [a_person(number) for number in range(600, 1_200)]
        await save_persons(tx, late, now)
        for number in range(3):
            run = await begin_run(
                tx,
                1,
                f"flow {number}",
                kind="people",
                trigger=Trigger.ADMINISTRATOR,
                mode="full",
                now=now,
            )
            await end_run(tx, 1, run.id, RunStatus.DONE, now=now, text="3 changes.")

    users = rows(await admin.get("/users.csv?order=number"))
    found = rows(await admin.get("/users.csv?q=0001&source=microsoft365"))
    uncovered = rows(await admin.get("/users/not-synced.csv"))
    runs = rows(await admin.get("/runs.csv"))
    pools = rows(await admin.get("/numbers.csv"))

    assert [(row[0], row[2], row[10], row[15]) for row in users] == [
        (str(200 + at), f"{at:04d}", "Microsoft 365", person_id(at)) for at in range(3)
    ]
    assert [row[0] for row in found] == ["201"]
    assert [row[3] for row in uncovered] == [one.id for one in late]
    assert all(row[6] for row in uncovered)
    assert [(row[1], row[5], row[6]) for row in runs] == [("Full sync", "Done", "3 changes.")] * 3
    assert [row[0] for row in pools] == ["everybody"]


async def test_departments_are_exported_with_their_groups(house: House, admin: Visitor) -> None:
    """As the page names them; one that no group feeds is made by hand."""
    async with house.database.write() as tx:
        await fill_with(tx, "Sales", house.clock.now())

    everything = rows(await admin.get("/departments.csv"))

    page = (await admin.get("/departments")).page.text
    assert everything
    for name, group, _, members, state in everything:
        assert f"{name} " in page
        assert group in page
        assert members.isdigit()
        assert state in page


@pytest.mark.parametrize(
    "path", ["/users", "/users/not-synced", "/departments", "/numbers", "/runs"]
)
async def test_every_list_offers_its_file(house: House, admin: Visitor, path: str) -> None:
    """Below the list, with what was asked of it."""
    async with house.database.write() as tx:
        await fill_with(tx, "Sales", house.clock.now())
        await save_persons(tx, [a_person(number) for number in range(600, 602)], house.clock.now())

    (file,) = [one for one in (await admin.get(path)).page.all("a") if "download" in one]

    assert (await admin.get(str(file["href"]))).status == 200


@pytest.mark.parametrize(
    ("name", "cell"),
    [
        *((text, f"'{text}") for text in ("=1+1", "+44 20", "-2", "@SUM(A1)", " =1", "\uff1d1")),
        ("Ada;=1+1", "Ada;'=1+1"),
        ("Ada; =1", "Ada;' =1"),
        ("Ada\n@SUM(A1)", "Ada\n'@SUM(A1)"),
        ("\t=1", "'\t'=1"),
        ("Ada-Li; Ben+", "Ada-Li; Ben+"),
    ],
)
async def test_no_cell_is_carried_out_by_a_spreadsheet(
    house: House, admin: Visitor, name: str, cell: str
) -> None:
    """Anybody who may change their own name in the tenant could else reach the administrator."""
    async with house.database.write() as tx:
        await append_lines(tx, 1, [Line("person.odd", "x", name=name)], now=house.clock.now())

    (row,) = rows(await admin.get("/journal.csv?kind=person."))

    assert row[2] == cell


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/journal.csv?kind=nonsense", 400),
        ("/plans/77/actions.csv", 404),
        ("/users.csv?status=perhaps", 400),
        ("/users.csv?order=luck", 400),
        ("/journal.csv?since=yesterday", 400),
        ("/journal.csv?until=2026-02-30", 400),
        ("/journal.csv?since=0001-01-01", 400),
        ("/journal.csv?since=2026-11-23&zone=Mars/Olympus", 400),
        ("/journal.csv?since=2026-11-23&zone=../etc", 400),
        ("/runs.csv?show_all=no", 400),
        ("/plans/77/actions.csv?held=perhaps", 400),
    ],
)
async def test_an_export_of_nothing_that_is_is_refused(
    admin: Visitor, path: str, status: int
) -> None:
    """As the pages do."""
    assert (await admin.get(path)).status == status


async def test_strangers_get_no_export(console: Console) -> None:
    """The journal names everybody."""
    for path in ("/journal.csv", "/users.csv", "/users/not-synced.csv", "/runs.csv"):
        assert (await console.visitor().get(path)).status in {303, 401}


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("/users.csv?foo=1", "no filter “foo”; it takes department, order, q, sku, source, status"),
        ("/users.csv?sourc=local", "no filter “sourc”"),
        ("/users.csv?request=1", "no filter “request”"),
        ("/users/not-synced.csv?source=local", "it takes q"),
        ("/numbers.csv?q=1", "no filter “q”; it takes none"),
        ("/plans/1/actions.csv?limit=5", "it takes held, kind, q"),
        ("/journal.csv?q=a&q=b", "“q” stands in the address more than once"),
        (f"/journal.csv?q={'a' * 400}", "“q” in the address has 400 characters; at most 200"),
    ],
    ids=["unknown", "misspelt", "inner", "no_source", "none", "limit", "twice", "too_long"],
)
async def test_a_file_gives_no_more_than_was_asked_for(
    admin: Visitor, asked: str, told: str
) -> None:
    """A filter that is misspelt would hand out everybody, and the file does not say so."""
    answer = await admin.get(asked)

    assert answer.status == 400
    assert told in answer.page.text


async def test_a_page_passes_over_what_a_mail_program_adds(admin: Visitor) -> None:
    """It shows which filters are set, which a file does not."""
    assert (await admin.get("/users?utm_source=mail")).status == 200
