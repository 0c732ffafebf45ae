"""What people and programs are told when something cannot be."""

import contextlib
import sqlite3
from pathlib import Path

import msgspec
import pytest
from litestar import Router, get
from sqlalchemy import text

from doubles.house import House
from doubles.web_visitor import Console, Visitor, open_console
from jackfield.store.errors import DatabaseUnusable
from jackfield.web.site import build_site


@get("/fault", include_in_schema=False)
async def fault() -> None:
    """Something that nobody thought of."""
    raise RuntimeError("the password is hunter2")


@get("/full", include_in_schema=False)
async def full() -> None:
    """A disk without room."""
    raise DatabaseUnusable(
        "The disk that holds the database /data/jackfield.db is full.",
        "Free some space; Jackfield goes on by itself.",
    )


@pytest.fixture
async def troubled(console: Console) -> Visitor:
    """Somebody signed in to a console with two rooms that only fail."""
    admin = await console.signed_in()
    routers = [Router("/pages", route_handlers=[fault, full])]
    routers += [Router("/api/v1/bad", route_handlers=[fault, full])]
    admin.site = build_site(console.rooms, routers)
    return admin


async def test_a_fault_is_told_calmly_and_without_its_inside(troubled: Visitor) -> None:
    """The log has the details; a page that shows them helps an attacker and nobody else."""
    answer = await troubled.get("/pages/fault")

    assert answer.status == 500
    assert "Jackfield met a fault of its own" in answer.page.text
    assert "Number" in answer.page.text
    assert "hunter2" not in answer.text
    assert "RuntimeError" not in answer.text
    assert "administrator" in answer.page.text


async def test_a_fault_in_a_part_is_one_line(troubled: Visitor) -> None:
    """It is said in a box of the page; a page inside a page would be unreadable."""
    answer = await troubled.part("/pages/fault", "list")

    assert answer.status == 500
    assert answer.headers["content-type"].startswith("text/plain")
    assert len(answer.body) < 400


async def test_a_fault_of_the_api_is_a_problem_document(troubled: Visitor) -> None:
    """Programs read status and detail."""
    answer = await troubled.get("/api/v1/bad/fault")

    problem = msgspec.json.decode(answer.body)
    assert (answer.status, problem["status"]) == (500, 500)
    assert "hunter2" not in problem["detail"]


async def test_an_unusable_database_names_the_next_step(troubled: Visitor) -> None:
    """The administrator of this machine can do something about it, and is told what."""
    page, problem = await troubled.get("/pages/full"), await troubled.get("/api/v1/bad/full")

    assert page.status == 503
    assert page.headers["retry-after"] == "5"
    assert "is full. Free some space; Jackfield goes on by itself." in page.page.text
    assert problem.status == 503
    assert "Free some space" in msgspec.json.decode(problem.body)["detail"]


async def test_a_damaged_database_ends_in_a_page_too(admin: Visitor, tmp_path: Path) -> None:
    """Also where it shows only in the middle of looking somebody up."""
    file = tmp_path / "jackfield.db"
    with contextlib.closing(sqlite3.connect(file)) as beside:
        beside.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    file.write_bytes(b"not a database" * 1000)

    answer = await admin.get("/users")

    assert answer.status == 503
    assert "backup" in answer.page.text


async def test_settings_that_cannot_be_read_are_said_and_not_replaced(
    house: House, admin: Visitor
) -> None:
    """Defaults in place of what was chosen could remove people."""
    await house.choose(enabled=True)
    async with house.database.write() as tx:
        await tx.connection.execute(text("UPDATE settings SET document = '{\"enabled\": 7}'"))

    answer = await admin.get("/")

    assert answer.status == 503
    assert "The settings 'people' of tenant 1" in answer.page.text


async def test_without_a_house_there_is_still_a_sign_in_page(house: House) -> None:
    """What needs no database is answered without it."""
    console = await open_console(house)

    answer = await console.visitor().get("/login")

    assert answer.status == 200


@pytest.mark.parametrize("path", ["/plans/999", "/plans/abc", "/nope", "/people/x/y/z"])
async def test_what_is_not_there_keeps_the_menu(console: Console, path: str) -> None:
    """The way out is where it always is; strangers learn nothing, whatever they ask for."""
    admin = await console.signed_in()

    answer = await admin.get(path)
    bare = await console.visitor().get(path)

    assert answer.status == 404
    assert "menu-journal" in answer.page.ids()
    assert all(one["value"] for one in answer.page.all("input") if one["name"] == "_csrf_token")
    assert bare.status in {303, 404}
    assert "menu-journal" not in bare.text
    assert "content-security-policy" in answer.headers
