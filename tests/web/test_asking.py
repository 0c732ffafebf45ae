"""What an address may ask: a wrong part is named, with a way back, never left out in silence."""

from urllib.parse import quote

import pytest

from doubles.house import House
from doubles.web_fillings import fill
from doubles.web_visitor import Console, Visitor
from jackfield.core.extensions import Department, DepartmentKey
from jackfield.store.phone_departments import add_departments

pytestmark = pytest.mark.hostile
GARBAGE = ["garbage", "!!!", "W10", "-1", "A" * 5_000, quote('"><script>alert(1)</script>')]
PLACED = ["/users", "/users/not-synced", "/users/m365/people", "/users/m365/groups/scope_groups"]


@pytest.mark.parametrize("garbage", GARBAGE)
@pytest.mark.parametrize("name", ["after", "before"])
@pytest.mark.parametrize("path", PLACED)
async def test_a_place_that_no_list_has_given_is_refused(
    admin: Visitor, path: str, name: str, garbage: str
) -> None:
    """Page one in its place would be taken for the end of the list."""
    answer = await admin.get(f"{path}?{name}={garbage}")

    assert answer.status == 400
    assert f"“{name}” in the address is no place that this list has given." in answer.page.text
    assert "<script>" not in answer.text
    assert [one["href"] for one in answer.page.all("a") if one.get("id") == "back"] == [path]


NUMBERED = [
    ("/departments", "page"),
    ("/runs", "before"),
    ("/journal", "before"),
    ("/plans/1", "after"),
    ("/live", "seen"),
]
NO_NUMBERS = [
    "garbage",
    "-1",
    "1.5",
    "1e99",
    "1e3",
    " 1",
    "9" * 20,
    "%D9%A3",
    "%C2%B2",
    "0x10",
    "",
    "1%00",
]


@pytest.mark.parametrize("garbage", NO_NUMBERS)
@pytest.mark.parametrize(("path", "name"), NUMBERED)
async def test_a_number_that_is_none_is_refused(
    admin: Visitor, path: str, name: str, garbage: str
) -> None:
    """By its name, without the framework's inner words."""
    answer = await admin.get(f"{path}?{name}={garbage}")

    assert answer.status == 400
    assert f"“{name}” in the address" in answer.page.text
    assert "Validation" not in answer.text
    assert [one["href"] for one in answer.page.all("a") if one.get("id") == "back"] == [path]


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("/users?source=evil", "“source” in the address is “evil”; it takes microsoft365, local."),
        ("/users?order=evil", "“order” in the address is “evil”; it takes name, number."),
        ("/users?status=evil", "“status” in the address is “evil”"),
        ("/users?status=" + "x" * 500, "“status” in the address is “xxx"),
        ("/runs?show_all=no", "“show_all” in the address is “no”; it takes yes."),
        ("/journal?kind=evil", "“kind” in the address is “evil”; it takes create_extension, "),
        ("/runs/history?period=evil", "it takes day, week, month, quarter."),
        ("/plans/1?kind=evil", "“kind” in the address is “evil”; it takes create_department"),
        ("/plans/1?held=maybe", "“held” in the address is “maybe”; it takes yes, no."),
        ("/users?q=%00", "“q” in the address holds characters that are no text."),
        ("/journal?person=a%07b", "“person” in the address holds characters that are no text."),
        ("/users?q=x%1B%5B2J", "“q” in the address holds characters that are no text."),
        ("/people/a%00b", "The address holds characters that are no text."),
        ("/departments?page=0", "“page” in the address takes a number"),
    ],
)
async def test_a_filter_that_does_not_exist_is_refused(
    admin: Visitor, path: str, says: str
) -> None:
    """Everything in its place would be taken for what was asked for."""
    answer = await admin.get(path)

    assert answer.status == 400
    assert says in answer.page.text


async def test_a_part_of_a_page_says_it_in_one_line(admin: Visitor) -> None:
    """What htmx asks for is put into the line above the page."""
    answer = await admin.part("/users?after=garbage", "list")

    assert answer.status == 400
    assert answer.text == "“after” in the address is no place that this list has given."


@pytest.mark.parametrize("path", ["/plans/99999999999999999999", "/runs/99999999999999999999"])
async def test_a_number_too_large_in_the_path_has_no_way_back(admin: Visitor, path: str) -> None:
    """A button that leads to the same refusal would be none."""
    answer = await admin.get(path)

    assert answer.status == 400
    assert "makes no sense" in answer.page.text
    assert "back" not in answer.page.ids()
    assert "overview" in answer.page.ids()


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("/departments?page=1000000000", "Page 1,000,000,000 is not there (any more)"),
        ("/runs?before=1", "There is no older run."),
        ("/journal?before=1", "There is no older line."),
        ("/plans/1?after=1000000000", "There is no further action."),
    ],
)
async def test_a_place_behind_the_end_says_so(
    house: House, admin: Visitor, path: str, says: str
) -> None:
    """The list may have become shorter since the link was made; it is not empty."""
    await house.connect(house.raise_stage(5))
    await house.choose(enabled=True)
    await house.sync(full=True)
    async with house.database.write() as tx:
        await add_departments(tx, 1, [Department(DepartmentKey("d1"), "Reception")])

    answer = await admin.get(path)

    assert answer.status == 200
    assert says in answer.page.text


@pytest.mark.parametrize(
    "path",
    [
        "/users?q=" + quote("'; DROP TABLE person; --"),
        "/users?q=" + "x" * 10_000,
        "/users?q=%ff%fe",
        "/users?q=Anna%09Lind%0A",
        "/users/extension",
        "/users?department=evil&sku=evil",
        "/journal?before=0&person=%22%3E%3Cscript%3E",
        "/people/%22%3E%3Cscript%3Ealert(1)",
        "/users/m365/people?q=%25_",
        "/users/m365/groups/evil?q=a",
    ],
)
async def test_strange_searches_end_in_a_page(house: House, admin: Visitor, path: str) -> None:
    """Whatever is searched for, nothing breaks."""
    async with house.database.write() as tx:
        await fill(tx, 3, house.clock.now())

    answer = await admin.get(path)

    assert answer.status in {200, 404}
    assert "<script>" not in answer.text


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/json", b'{"mode": "full"}'),
        ("text/plain", b"mode=full"),
        ("application/xml", b"<mode>full</mode>"),
        ("", b"mode=full"),
    ],
)
@pytest.mark.parametrize("path", ["/sync", "/users/m365", "/plans/1/approve"])
async def test_what_is_no_form_is_refused(
    house: House, admin: Visitor, path: str, kind: str, body: bytes
) -> None:
    """Taken for an empty form it would begin something, or name eleven missing fields."""
    headers = {"content-type": kind, "x-csrftoken": admin.token}

    answer = await admin.ask("POST", path, body=body, headers=headers)

    assert answer.status == 415
    assert "This page takes a form; what came is" in answer.page.text
    assert await house.runs() == ()


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("multipart/form-data; boundary=y", b"--x\r\nContent-Disposition: form-data; name=a"),
        ("multipart/form-data", b"--x"),
    ],
)
async def test_a_form_that_is_cut_off_is_refused(admin: Visitor, kind: str, body: bytes) -> None:
    """In our own words."""
    headers = {"content-type": kind, "x-csrftoken": admin.token}

    answer = await admin.ask("POST", "/sync", body=body, headers=headers)

    assert answer.status == 400
    assert "makes no sense" in answer.page.text
    assert "Invalid" not in answer.text


@pytest.mark.parametrize(
    ("path", "form", "says"),
    [
        (
            "/sync",
            {"mode": "evil"},
            "“mode” in the form is “evil”; it takes delta, full, preview, photos.",
        ),
        ("/sync", {}, "“mode” in the form is “none”; it takes delta, full, preview, photos."),
        ("/sync", {"mode": "delta", "person": "a\x00b"}, "“person” in the form holds characters"),
        ("/sync", {"mode": "delta", "person": "a\x1bb"}, "“person” in the form holds characters"),
        ("/users/m365", {"start": "1\x0000"}, "“start” in the form holds characters"),
        ("/users/m365/people", {"users": "a\x00"}, "“users” in the form holds characters"),
        ("/users/matches", {"person": "\x00"}, "“person” in the form holds characters"),
        ("/login", {"name": "a\x00", "password": "x"}, "“name” in the form holds characters"),
    ],
)
async def test_fields_that_no_browser_sends_are_refused(
    house: House, admin: Visitor, path: str, form: dict[str, str], says: str
) -> None:
    """By their names, before anything is begun; no database is asked for them."""
    answer = await admin.post(path, form)

    assert answer.status == 400
    assert says in answer.page.text
    assert await house.runs() == ()


@pytest.mark.parametrize(
    "path", ["a%00b.css", "a" * 5_000, "../site.py", "%2e%2e/site.py", "", "vendor"]
)
async def test_no_path_leads_out_of_the_static_files(console: Console, path: str) -> None:
    """Nobody is signed in here: it must be neither a file of the disk nor a fault."""
    answer = await console.visitor().get(f"/static/{path}")

    assert answer.status == 404


async def test_head_is_answered_like_get_without_its_body(admin: Visitor) -> None:
    """Monitors and link checkers ask so."""
    get = await admin.get("/users")
    head = await admin.ask("HEAD", "/users")
    api = await admin.ask("HEAD", "/api/v1/status")
    nothing = await admin.ask("HEAD", "/nowhere")
    stream = await admin.ask("HEAD", "/live")
    changed = await admin.ask("HEAD", "/sync")

    assert (head.status, head.body) == (get.status, b"")
    assert head.headers["content-type"] == get.headers["content-type"]
    assert (api.status, nothing.status, stream.status, changed.status) == (200, 404, 405, 405)
    assert nothing.body == b""
