"""Changes are taken from our own pages only."""

import msgspec
import pytest

from doubles.web_visitor import Console, Visitor
from jackfield.store.schema import INSTALLATION
from jackfield.store.tokens import create_token

CHANGES = [
    "/sync",
    "/users/m365",
    "/users/m365/departments",
    "/users/m365/try",
    "/plans/1/approve",
    "/logout",
]


@pytest.mark.parametrize("path", CHANGES)
async def test_a_form_without_our_token_changes_nothing(admin: Visitor, path: str) -> None:
    """Another site can send a form, and the browser adds the cookie."""
    answer = await admin.post(path, token="")

    assert answer.status == 403
    assert "Reload" in answer.page.text
    assert (await admin.get("/")).status == 200


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"origin": "https://evil.example"}, id="another_site"),
        pytest.param({"origin": "null"}, id="a_sandboxed_frame"),
        pytest.param({"origin": "http://127.0.0.1.evil.example"}, id="looks_like_ours"),
        pytest.param({"origin": "http://[oops"}, id="malformed"),
        pytest.param({"origin": "http://localhost:8200"}, id="another_name_of_this_machine"),
    ],
)
async def test_the_right_token_from_another_site_is_refused(
    admin: Visitor, headers: dict[str, str]
) -> None:
    """A token that leaked is of no use elsewhere."""
    answer = await admin.post("/sync", {"mode": "delta"}, **headers)

    assert answer.status == 403


async def test_a_browser_that_says_cross_site_is_believed(admin: Visitor) -> None:
    """Some requests carry no origin, but say where they come from."""
    body = f"_csrf_token={admin.token}&mode=delta".encode()
    sent = {
        "content-type": "application/x-www-form-urlencoded",
        "sec-fetch-site": "cross-site",
    }

    answer = await admin.ask("POST", "/sync", body=body, headers=sent)

    assert answer.status == 403


async def test_a_token_of_somebody_else_does_not_fit(console: Console, admin: Visitor) -> None:
    """Each browser has its own."""
    other = console.visitor()
    await other.get("/login")

    assert (await admin.post("/sync", {"mode": "delta"}, token=other.token)).status == 403


async def test_the_sign_in_form_is_protected_too(console: Console) -> None:
    """Else somebody could be signed in, unnoticed, as somebody else."""
    visitor = console.visitor()

    assert (await visitor.post("/login", {"name": "admin"}, token="")).status == 403


async def test_a_form_cookie_that_is_not_ours_is_replaced(console: Console) -> None:
    """After the secret was lost, loading the page again is enough, as its refusal says."""
    visitor = console.visitor()
    await visitor.get("/login")
    (name,) = visitor.cookies
    visitor.cookies[name] = "0" * 128

    foreign = await visitor.get("/login")
    mended = await visitor.post("/login", {"name": "admin", "password": "wrong"})
    kept = await visitor.get("/login")

    assert foreign.cookies[name].value != "0" * 128
    assert mended.status != 403
    assert name not in kept.cookies


class TestApi:
    """Programs bring a token of their own and no cookie."""

    async def secret(self, console: Console, role: str = "administrator") -> str:
        async with console.house.database.write() as tx:
            secret, _ = await create_token(
                tx,
                INSTALLATION,
                name="script",
                role=role,
                created_by="test",
                now=console.house.clock.now(),
            )
        return secret

    async def sync(self, visitor: Visitor, **headers: str) -> int:
        sent = {"content-type": "application/json", **headers}
        answer = await visitor.ask("POST", "/api/v1/people/plan", body=b"{}", headers=sent)
        return answer.status

    async def test_a_token_needs_no_form_token(self, console: Console) -> None:
        secret = await self.secret(console)

        status = await self.sync(console.visitor(), authorization=f"Bearer {secret}")

        assert status in {200, 201, 202}

    async def test_a_token_opens_no_page(self, console: Console) -> None:
        """Pages are for browsers; a token in a header must not make them a back door."""
        secret = await self.secret(console)

        answer = await console.visitor().get("/users", authorization=f"Bearer {secret}")

        assert answer.status == 303

    async def test_a_wrong_token_is_401_even_with_a_session(self, admin: Visitor) -> None:
        """Whoever sends a token means it."""
        assert await self.sync(admin, authorization="Bearer jackfield_0_wrong") == 401

    async def test_a_session_needs_the_form_token(self, admin: Visitor) -> None:
        """A cookie alone is what another site could make a browser send."""
        assert await self.sync(admin) == 403
        with_token = await self.sync(admin, **{"x-csrftoken": admin.token})
        assert with_token in {200, 201, 202}

    async def test_what_the_api_wants_instead_is_said(self, admin: Visitor) -> None:
        """A program has no page to reload."""
        answer = await admin.ask("POST", "/api/v1/people/plan", body=b"{}")

        detail = msgspec.json.decode(answer.body)["detail"]
        assert answer.status == 403
        assert "X-CSRFToken" in detail
        assert "Authorization: Bearer" in detail
        assert "page was open" not in detail

    async def test_nobody_at_all_is_401(self, console: Console) -> None:
        """Not 403: the remedy is to sign in."""
        assert await self.sync(console.visitor()) == 401

    async def test_problems_are_told_as_json(self, console: Console) -> None:
        """A script must not get a page to read."""
        secret = await self.secret(console)

        answer = await console.visitor().get("/api/v1/plans/999", authorization=f"Bearer {secret}")

        assert answer.status == 404
        assert answer.headers["content-type"].startswith("application/problem+json")
        assert msgspec.json.decode(answer.body)["status"] == 404
