"""Two customers behind one API: whose a call is about, and what the token of one never reaches."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from litestar.routes import HTTPRoute

from doubles.api_caller import API, ApiCaller
from jackfield.store.tenants import load_tenants, save_tenant
from jackfield.web.api import api_router
from jackfield.web.tenancy import ABOUT, About

ROUTES_ABOUT: dict[tuple[str, str], Any] = {
    (method, route.path_format.removeprefix(API)): handler.opt.get(ABOUT)
    for route in api_router().routes
    if isinstance(route, HTTPRoute)
    for handler in route.route_handlers
    for method in handler.http_methods
}
"""What each route of the API is about; None: one tenant."""


@pytest.fixture
async def two(api: ApiCaller) -> ApiCaller:
    """Two organisations with the same person, as tenants 1 and 2; the second one has Olga too."""
    house = api.house
    await house.tenants.add("Other", by="admin")
    for tenant, host in ((1, "localhost:8365"), (2, "localhost:8400")):
        stage = house.raise_stage(people=0, host=host)
        stage.tenant.hire("Nina Newcomer")
        if tenant == 2:
            stage.tenant.hire("Olga Other")
        await house.connect(stage, tenant, sync=True)
        await house.sync(tenant, full=True)
    return api


async def test_a_call_says_which_of_several_tenants_it_is_about(two: ApiCaller) -> None:
    """Guessing would show one customer's people to whoever works for another."""
    answer = await two.ask("GET", "/people")

    assert answer.status == 400
    assert answer.detail.startswith("There are several tenants: 1 (")
    assert "2 (Other). Name one, by name or number: a command with --tenant" in answer.detail
    assert "header Jackfield-Tenant" in answer.detail
    two.about("other")
    assert (await two.get("/status"))["people"] == 2
    two.about("1")
    assert (await two.get("/status"))["people"] == 1


async def test_a_number_is_never_somebody_elses_name(two: ApiCaller) -> None:
    """Names of digits stand in databases from before they were refused."""
    async with two.house.database.write() as tx:
        ours, _ = await load_tenants(tx)
        await save_tenant(tx, replace(ours, name="2"))
    two.about("2")

    assert (await two.get("/status"))["people"] == 2


async def test_a_name_that_no_tenant_can_have_is_unusable(api: ApiCaller) -> None:
    """409 would send whoever calls looking for what stands in the way."""
    blank = await api.ask("POST", "/tenants", {"name": "  "})
    taken = await api.ask("POST", "/tenants", {"name": "main"})

    assert (blank.status, taken.status) == (422, 409)


async def test_a_tenant_that_there_is_not_is_named(two: ApiCaller) -> None:
    """A misspelt customer must not become the first one."""
    two.about("Othr")

    answer = await two.ask("GET", "/people")

    assert answer.status == 404
    assert answer.detail.startswith("There is no tenant “Othr”; there are 1 (")


async def test_with_one_tenant_nobody_names_it(api: ApiCaller) -> None:
    """Whoever has one organisation never hears of tenants; naming it does no harm."""
    unnamed = await api.get("/status")
    api.about("1")

    assert await api.get("/status") == unnamed


async def test_the_token_of_one_tenant_needs_no_name_and_reaches_no_other(two: ApiCaller) -> None:
    """A customer's own script: its people, and 403 for anybody else's, whether there or not."""
    theirs = await two.with_token(tenant=2)

    assert (await theirs.get("/status"))["people"] == 2
    refusals = []
    for name in ("1", "77"):
        theirs.about(name)
        answer = await theirs.ask("GET", "/people")
        assert answer.status == 403
        refusals.append(answer.detail.replace(name, ""))
    assert refusals[0] == refusals[1].replace("77", "")


async def test_no_route_gives_the_token_of_one_tenant_anything_of_another(two: ApiCaller) -> None:
    """Every route of the router: with the other's name 403, without it the tenant's own.

    The other tenant has the same object ids, numbers, plans and runs; only its Olga is its own.
    """
    ours = await two.with_token(tenant=1)
    theirs = await two.with_token(tenant=2)
    (olga,) = (await theirs.get("/people", search="Olga"))["people"]
    known = {
        "person": (await ours.get("/people", limit=1))["people"][0]["id"],
        "plan": "1",
        "run": "1",
        "key": "x1",
        "number": "100",
        "numbers": "100",
        "group": (await ours.get("/groups", limit=1))["groups"][0]["id"],
        "tenant": "2",
        "token": "x",
        "name": "x",
        "extension": "x1",
    }
    for (method, path), about in ROUTES_ABOUT.items():
        asked = path.format(**known)
        ours.about("2")
        named = await ours.ask(method, asked, {})
        ours.about("")

        assert named.status == 403, (method, path)
        if about is About.INSTALLATION:
            answer = await ours.ask(method, asked, {})
            assert answer.status == 403, (method, path)
            assert "whole installation" in answer.detail
        elif method == "GET":
            answer = await ours.ask(method, asked)
            assert b"Olga" not in answer.content, path
            assert b"Other" not in answer.content, path
    assert (await ours.ask("GET", f"/people/{olga['id']}")).status == 404
    assert (await ours.ask("GET", "/tenants/2")).status == 404
    assert [one["number"] for one in (await ours.get("/tenants"))["tenants"]] == [1]
    answer = await ours.ask("GET", "/journal", installation=True)
    assert answer.status == 403


async def test_a_tenants_administrator_makes_tokens_for_that_tenant_alone(two: ApiCaller) -> None:
    """A token never opens more than the one that made it."""
    theirs = await two.with_token(tenant=2)

    made = await theirs.post("/tokens", {"name": "script"})

    assert made["token"].startswith("jackfield_2_")
    assert {one["name"] for one in (await theirs.get("/tokens"))["tokens"]} == {"test", "script"}
    two.about("2")
    assert {one["name"] for one in (await two.get("/tokens"))["tokens"]} == {"test", "script"}
    two.about("")
    assert "script" not in {one["name"] for one in (await two.get("/tokens"))["tokens"]}


async def test_every_tenant_is_told_with_its_state(two: ApiCaller) -> None:
    """Who looks after twenty customers begins the day with one list."""
    await two.post("/tenants", {"name": "New"})

    told = (await two.get("/tenants"))["tenants"]

    assert [(one["number"], one["sync"], one["people"]) for one in told] == [
        (1, "in_sync", 1),
        (2, "in_sync", 2),
        (3, "not_connected", 0),
    ]
    page = await two.get("/tenants", limit=2)
    rest = await two.get("/tenants", limit=2, after=page["next"])
    assert [one["number"] for one in page["tenants"] + rest["tenants"]] == [1, 2, 3]


async def test_a_removed_tenant_is_gone_with_its_tokens(two: ApiCaller) -> None:
    """The former customer's script is shut out at once; the other one's goes on."""
    ours, theirs = await two.with_token(tenant=1), await two.with_token(tenant=2)
    told = await two.get("/tenants/2")

    answer = await two.ask("DELETE", "/tenants/2", name="Other")

    assert "2 people" in told["removal"]
    assert answer.status == 204
    assert (await theirs.ask("GET", "/people")).status == 401
    assert (await ours.get("/status"))["people"] == 1
    assert (await two.get("/status"))["people"] == 1  # one tenant again: no name needed


async def test_a_removal_says_where_the_name_belongs(two: ApiCaller) -> None:
    """A body that is passed over would leave the caller to guess what is missing."""
    without = await two.ask("DELETE", "/tenants/2")
    in_body = await two.ask("DELETE", "/tenants/2", {"name": "Other"})
    in_both = await two.ask("DELETE", "/tenants/2", {"name": "Other"}, name="Other")

    assert without.status == in_body.status == in_both.status == 400
    assert without.detail == "The parameter 'name' is missing: give it in the address, as ?name=..."
    assert in_body.detail.startswith("This call takes no body; ")
    assert "?name=..." in in_body.detail
    assert [one["number"] for one in (await two.get("/tenants"))["tenants"]] == [1, 2]


async def test_a_body_that_a_call_would_pass_over_is_refused(api: ApiCaller) -> None:
    """Whoever sends one means something by it; nothing at all, spelled as JSON, is nothing."""
    meant = await api.ask("POST", "/key/rotate", {"key": "mine"})
    nothing = await api.ask("POST", "/key/rotate", {})

    assert meant.status == 400
    assert meant.detail == "This call takes no body; leave it out."
    assert nothing.status == 200


async def test_the_journal_of_the_installation_names_no_tenant(two: ApiCaller) -> None:
    """It is about none; that of a tenant has to be named where there are several."""
    unnamed = await two.ask("GET", "/journal")
    whole = await two.get("/journal", installation=True, kind="tenant.")
    two.about("2")
    theirs = await two.get("/journal", text="Olga")

    assert unnamed.status == 400
    assert "header Jackfield-Tenant" in unnamed.detail
    assert [one["kind"] for one in whole["lines"]] == ["tenant.named", "tenant.added"]
    assert theirs["lines"]
