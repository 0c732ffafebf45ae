"""Signing in and out, and what becomes of those who are not signed in."""

import msgspec
import pytest

from doubles.house import House
from doubles.web_visitor import Console, Doorplate, Visitor, open_console
from jackfield.web.security import own_path

PAGES = [
    "/",
    "/users",
    "/users/not-synced",
    "/users/matches",
    "/departments",
    "/plans",
    "/runs",
    "/journal",
]


@pytest.mark.parametrize("path", PAGES)
async def test_strangers_are_sent_to_the_sign_in_page_and_back(console: Console, path: str) -> None:
    """A link from a mail must lead to where it points, after the password."""
    answer = await console.visitor().get(f"{path}?q=a%20b")

    assert answer.status == 303
    assert answer.headers["location"] == f"/login?next={path}%3Fq%3Da%2520b"


async def test_the_right_password_opens_the_page_that_was_asked_for(console: Console) -> None:
    """The whole way, with the product's own password."""
    password = await console.rooms.signin.ensure_owner()
    visitor = console.visitor()
    page = await visitor.get("/login?next=/users")

    answer = await visitor.post(
        "/login", {"name": "Admin", "password": str(password), "next": "/users"}
    )

    assert page.status == 200
    assert (answer.status, answer.headers["location"]) == (303, "/users")
    assert "admin" in (await visitor.get("/users")).page.text


async def test_a_sign_in_ends_the_session_that_the_browser_had(console: Console) -> None:
    """Whoever knew the old cookie is out with it."""
    password = str(await console.rooms.signin.ensure_owner())
    visitor, form = console.visitor(), {"name": "admin", "password": password}
    await visitor.get("/login")
    await visitor.post("/login", form)
    before = dict(visitor.cookies)
    await visitor.post("/login", form)
    thief = console.visitor()
    thief.cookies = before

    assert visitor.cookies != before
    assert (await visitor.get("/users")).status == 200
    assert (await thief.get("/users")).status == 303


async def test_an_unknown_name_and_a_wrong_password_read_the_same(console: Console) -> None:
    """The page must not tell which names exist."""
    await console.rooms.signin.ensure_owner()
    visitor = console.visitor()
    await visitor.get("/login")

    wrong = await visitor.post("/login", {"name": "admin", "password": "x"})
    unknown = await visitor.post("/login", {"name": "nobody", "password": "x"})

    assert (wrong.status, unknown.status) == (401, 401)
    assert "The name or the password is wrong." in wrong.page.text
    assert wrong.text.replace("admin", "nobody") == unknown.text


async def test_after_many_wrong_passwords_the_name_waits(console: Console) -> None:
    """Sooner than the address does, which may be that of a whole office."""
    await console.rooms.signin.ensure_owner()
    visitor = console.visitor()
    await visitor.get("/login")

    statuses = []
    for _ in range(6):
        answer = await visitor.post("/login", {"name": "admin", "password": "x"})
        statuses.append(answer.status)

    assert statuses == [401] * 5 + [429]
    assert int(answer.headers["retry-after"]) >= 1


async def test_an_address_may_try_again_after_a_minute(house: House, console: Console) -> None:
    """The limit ends by itself; nobody has to call anybody."""
    visitor = console.visitor()
    await visitor.get("/login")
    for _ in range(10):
        await visitor.post("/login", {"name": "nobody"})

    refused = await visitor.post("/login", {"name": "nobody"})
    house.clock.advance(61)
    tried = await visitor.post("/login", {"name": "nobody"})

    assert refused.status == 429
    assert "from your address" in refused.page.text
    assert int(refused.headers["retry-after"]) <= 61
    assert tried.status == 401


async def test_signing_in_never_takes_over_a_session_the_browser_brought(console: Console) -> None:
    """Else whoever planted the cookie would be signed in as well."""
    password = await console.rooms.signin.ensure_owner()
    visitor = console.visitor()
    visitor.cookies["jackfield"] = "planted"
    await visitor.get("/login")

    await visitor.post("/login", {"name": "admin", "password": str(password)})

    assert visitor.cookies["jackfield"] != "planted"
    visitor.cookies["jackfield"] = "planted"
    assert (await visitor.get("/")).status == 303


async def test_signing_out_ends_the_session_for_good(admin: Visitor) -> None:
    """A copied cookie must not survive."""
    copied = dict(admin.cookies)

    answer = await admin.post("/logout")

    assert (answer.status, answer.headers["location"]) == (303, "/login")
    assert "jackfield" not in admin.cookies
    admin.cookies = copied
    assert (await admin.get("/")).status == 303


async def test_who_is_signed_in_does_not_sign_in_again(admin: Visitor) -> None:
    """The sign-in page leads on."""
    answer = await admin.get("/login?next=/runs")

    assert (answer.status, answer.headers["location"]) == (303, "/runs")


@pytest.mark.parametrize(
    ("plate", "host", "name", "secure"),
    [
        pytest.param(Doorplate(), "127.0.0.1:8200", "jackfield", False, id="loopback_http"),
        pytest.param(
            Doorplate(url="https://pbx.example.org"),
            "pbx.example.org",
            "__Host-jackfield",
            True,
            id="https",
        ),
    ],
)
async def test_the_cookies_are_as_narrow_as_the_address_allows(
    house: House, plate: Doorplate, host: str, name: str, secure: bool
) -> None:
    """Over https they never leave it, nor go to a sister host."""
    console = await open_console(house, plate)
    password = await console.rooms.signin.ensure_owner()
    visitor = console.visitor(host=host, scheme=plate.url.split(":", maxsplit=1)[0])

    form = await visitor.get("/login")
    answer = await visitor.post("/login", {"name": "admin", "password": str(password)})

    for cookie in (answer.cookies[name], form.cookies[f"{name}-form"]):
        assert bool(cookie["secure"]) is secure
        assert cookie["httponly"]
        assert cookie["samesite"].lower() == "lax"
        assert cookie["path"] == "/"
        assert not cookie["domain"]


async def test_an_open_page_does_not_keep_its_session_alive(house: House, admin: Visitor) -> None:
    """Pages bring themselves up to date all day; a tab that nobody looks at must sign out."""
    house.clock.advance(7 * 3600)
    by_itself = await admin.part("/running", "running", x_by_itself="yes")
    house.clock.advance(2 * 3600)

    assert by_itself.status == 200
    assert (await admin.get("/users")).status == 303


async def test_a_visit_keeps_the_session_alive(house: House, admin: Visitor) -> None:
    """Whoever works with it is not thrown out in the middle."""
    for _ in range(3):
        house.clock.advance(7 * 3600)
        assert (await admin.get("/users")).status == 200


async def test_a_part_of_a_page_sends_the_whole_page_to_sign_in(console: Console) -> None:
    """A swapped-in sign-in page inside a table would help nobody."""
    answer = await console.visitor().part(
        "/running", "running", hx_current_url="http://127.0.0.1:8200/users?q=x"
    )

    assert answer.status == 401
    assert answer.headers["hx-redirect"] == "/login?next=/users%3Fq%3Dx"


async def test_the_live_stream_says_401_to_strangers(console: Console) -> None:
    """A redirect would make the browser try for ever."""
    answer = await console.visitor().get("/live", accept="text/event-stream")

    assert answer.status == 401


async def test_the_api_says_401_and_how_to_do_better(console: Console) -> None:
    """Programs cannot follow a redirect to a form."""
    answer = await console.visitor().get("/api/v1/status")

    assert answer.status == 401
    assert answer.headers["www-authenticate"] == 'Bearer realm="Jackfield"'
    problem = msgspec.json.decode(answer.body)
    assert problem["status"] == 401
    assert "Authorization: Bearer" in problem["detail"]


async def test_who_may_only_look_changes_nothing(console: Console) -> None:
    """A role that is not an administrator's opens pages and no doors."""
    visitor = await console.signed_in("reader")

    looked = await visitor.get("/users")
    tried = await visitor.post("/sync", {"mode": "full"})

    assert looked.status == 200
    assert tried.status == 403
    assert "may look" in tried.page.text


@pytest.mark.hostile
@pytest.mark.parametrize(
    "next_",
    [
        "//evil.example",
        "https://evil.example/",
        "/\\evil.example",
        "\\\\evil.example",
        "javascript:alert(1)",
        "/\x0d\x0aset-cookie: a=b",
        "/users\\..\\",
        "",
        "users",
        "/login?next=/login",
        "/logout",
    ],
)
def test_the_way_back_never_leaves_the_console(next_: str) -> None:
    """A link to our sign-in page must not end on somebody else's."""
    assert own_path(next_) == "/"


@pytest.mark.parametrize("path", ["/", "/users?q=a&after=b", "/people/0a-1", "/plans/3?kind=x#y"])
def test_the_way_back_keeps_our_own_paths(path: str) -> None:
    """What was asked for is what is opened."""
    assert own_path(path) == path
