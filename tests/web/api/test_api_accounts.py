"""Local accounts over the API: made for all or for one tenant, listed, removed; never the last."""

from __future__ import annotations

import asyncio

import pytest

from doubles.api_caller import ApiCaller
from jackfield.flows.signin import SignedIn, SignInRefused


@pytest.fixture
async def owned(api: ApiCaller) -> ApiCaller:
    """An installation with its first administrator and a second tenant."""
    await api.console.rooms.signin.ensure_owner()
    await api.house.tenants.add("Harbour Dental", by="admin")
    return api


async def names(api: ApiCaller) -> list[str]:
    return [one["name"] for one in (await api.get("/accounts"))["accounts"]]


async def told(api: ApiCaller) -> list[tuple[str, str]]:
    """Who did what to accounts, the newest first."""
    lines = (await api.get("/journal", installation=True, kind="account."))["lines"]
    return [(one["text"], one["by"]) for one in lines]


async def test_an_administrator_of_one_tenant_sees_that_one_alone(owned: ApiCaller) -> None:
    """A customer's own administrator, with a password that is shown once."""
    made = await owned.post("/accounts", {"name": " Ann  Field ", "tenant": 2})

    signin = owned.console.rooms.signin
    session = await signin.sign_in("ann field", made["password"], "::1")
    assert isinstance(session, SignedIn)
    viewer = await signin.viewer(session.cookie)
    assert viewer is not None
    assert (viewer.name, viewer.role, viewer.tenant) == ("ann field", "administrator", 2)
    listed = (await owned.get("/accounts"))["accounts"]
    assert [(one["name"], one["role"], one["tenant"]) for one in listed] == [
        ("admin", "administrator", None),
        ("ann field", "administrator", 2),
    ]
    assert (
        "The local account ann field was made (administrator of tenant 2, “Harbour Dental”).",
        "token test",
    ) in await told(owned)


async def test_a_viewer_changes_nothing(owned: ApiCaller) -> None:
    """Enough for whoever only watches."""
    made = await owned.post("/accounts", {"name": "watch", "role": "viewer"})

    visitor = owned.console.visitor()
    await visitor.get("/login")
    await visitor.post("/login", {"name": "watch", "password": made["password"]})

    assert (await visitor.get("/tenants")).status == 200
    assert (await visitor.post("/tenants", {"name": "Mine"})).status == 403


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        pytest.param({"name": "ADMIN"}, 409, "already", id="taken_in_another_case"),
        pytest.param({"name": "a/b"}, 422, "letters, digits", id="slash"),
        pytest.param({"name": " "}, 422, "letters, digits", id="blank"),
        pytest.param({"name": "-rf"}, 422, "begins with a letter", id="option"),
        pytest.param({"name": "ann\u202e"}, 422, "letters, digits", id="turned"),
        pytest.param({"name": "ß" * 100}, 422, "has 200 characters; an account's has at most 100",
                     id="long"),
        pytest.param({"name": "x" * 101}, 400, "length <= 100", id="longer"),
        pytest.param({"name": "ann", "tenant": 9}, 409, "no tenant 9; nothing was", id="tenant"),
        pytest.param({"name": "ann", "tenant": 0}, 400, "`tenant`", id="tenant_0"),
        pytest.param({"name": "ann", "role": "owner"}, 400, "administrator, viewer", id="role"),
        pytest.param({"name": "ann", "password": "x"}, 400, "password", id="password"),
    ],
)  # fmt: skip
async def test_an_account_that_cannot_be_made_says_why(
    owned: ApiCaller, body: object, status: int, says: str
) -> None:
    """And none is made."""
    answer = await owned.ask("POST", "/accounts", body)

    assert answer.status == status
    assert says in answer.detail
    assert await names(owned) == ["admin"]


async def test_a_removed_account_is_out_at_once(owned: ApiCaller) -> None:
    """Also where somebody else gets its name later."""
    signin = owned.console.rooms.signin
    first = await owned.post("/accounts", {"name": "ann", "tenant": 2})
    session = await signin.sign_in("ann", first["password"], "::1")
    assert isinstance(session, SignedIn)

    await owned.delete("/accounts/ANN")
    again = await owned.ask("DELETE", "/accounts/ann")
    await owned.post("/accounts", {"name": "ann", "tenant": 1})

    assert again.status == 404
    assert await signin.viewer(session.cookie) is None
    assert isinstance(await signin.sign_in("ann", first["password"], "::1"), SignInRefused)
    assert ("The local account ann was removed.", "token test") in await told(owned)


async def test_the_sessions_of_a_removed_tenant_open_no_other(owned: ApiCaller) -> None:
    """Its accounts went with it; their names may be given again."""
    signin = owned.console.rooms.signin
    first = await owned.post("/accounts", {"name": "ann", "tenant": 2})
    session = await signin.sign_in("ann", first["password"], "::1")
    assert isinstance(session, SignedIn)

    await owned.ask("DELETE", "/tenants/2", name="Harbour Dental")
    await owned.post("/accounts", {"name": "ann"})

    assert await signin.viewer(session.cookie) is None


async def test_the_last_administrator_of_the_installation_stays(owned: ApiCaller) -> None:
    """A tenant's own, or one who only looks, could let nobody in again."""
    await owned.post("/accounts", {"name": "ann", "tenant": 2})
    await owned.post("/accounts", {"name": "watch", "role": "viewer"})

    refused = await owned.ask("DELETE", "/accounts/admin")
    await owned.post("/accounts", {"name": "ben"})
    both = await asyncio.gather(
        owned.ask("DELETE", "/accounts/admin"), owned.ask("DELETE", "/accounts/ben")
    )

    assert refused.status == 409
    assert "admin is the last local administrator of the installation" in refused.detail
    assert sorted(one.status for one in both) == [204, 409]
    assert len(await names(owned)) == 3


async def test_accounts_come_in_pages(owned: ApiCaller) -> None:
    """By name."""
    for name in ("zoe", "ben", "ann"):
        await owned.post("/accounts", {"name": name, "tenant": 1})

    page = await owned.get("/accounts", limit=3)
    rest = await owned.get("/accounts", limit=3, after=page["next"])

    assert [one["name"] for one in page["accounts"]] == ["admin", "ann", "ben"]
    assert ([one["name"] for one in rest["accounts"]], rest["next"]) == (["zoe"], None)


async def test_nobody_of_one_tenant_may_make_accounts(owned: ApiCaller) -> None:
    """It would be a way to see the others."""
    theirs = await owned.with_token(tenant=2)

    for method, path in (
        ("GET", "/accounts"),
        ("POST", "/accounts"),
        ("DELETE", "/accounts/admin"),
    ):
        assert (await theirs.ask(method, path, {"name": "ann"})).status == 403
