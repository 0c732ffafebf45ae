"""Every route of the API, found in the router: who may, what it takes, what it answers.

A new route fails here until it has an example of a good and of a bad call.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from litestar.routes import HTTPRoute

from doubles.api_caller import API, ApiCaller
from doubles.house import SECRET
from doubles.json_schema import complaints, resolve
from jackfield.core.attributes import AttributeRules
from jackfield.core.rules import PeopleRules
from jackfield.store.phone_state import save_identity
from jackfield.store.settings import Approval
from jackfield.web.api import api_router
from m365_emulator.portraits import Kind

ROUTES = sorted(
    (method, route.path_format.removeprefix(API))
    for route in api_router().routes
    if isinstance(route, HTTPRoute)
    for method in route.methods
    if method != "OPTIONS"
)
CHANGES = [(method, path) for method, path in ROUTES if method != "GET"]


OF_FIXED_LENGTH = {"/runs/history"}
"""Lists that do not grow with what is there: a period has thirty stretches at most."""
READINGS = [path for method, path in ROUTES if method == "GET"]


@dataclass(frozen=True)
class Example:
    """A good call of a route (`path` filled in, `body`), its status, and a bad one."""

    status: int = 200
    path: str = ""
    body: Any = None
    query: dict[str, Any] = field(default_factory=dict)
    bad: tuple[int, str, Any] = (400, "", None)
    """Status, path (with `?name=value`) and body of a call that is refused; "" = the same path."""
    before: Callable[[ApiCaller], Awaitable[None]] | None = None


async def propose(api: ApiCaller) -> None:
    """A plan waits: plan 2, for one newcomer."""
    await api.house.choose(PeopleRules(), approval=Approval.BY_HAND)
    next(iter(api.house.stages.values())).tenant.hire("Nina Newcomer")
    run = await api.sync()
    assert run["plan"] == 2


async def a_department(api: ApiCaller) -> None:
    made = await api.post("/departments", {"name": "Reception"})
    assert made["key"] == "x42"


async def a_doubt(api: ApiCaller) -> None:
    """An extension made by hand bears the address of two newcomers."""
    tenant = next(iter(api.house.stages.values())).tenant
    tenant.hire("Nina Newcomer", mail="both@example.org")
    tenant.hire("Nino Newcomer", mail="both@example.org")
    made = await api.post("/extensions", {"number": "700", "email": "both@example.org"})
    assert made["key"] == "x42"
    await api.sync()


async def a_decision(api: ApiCaller) -> None:
    await a_doubt(api)
    (person,) = (await api.get("/people", limit=1))["people"]
    body = {"extensions": ["x42"], "verdict": "not_theirs"}
    await api.ask("POST", f"/matches/{person['id']}", body)


async def a_held_number(api: ApiCaller) -> None:
    """Somebody made extension 700 by hand, and removed it."""
    made = await api.post("/extensions", {"number": "700"})
    await api.ask("DELETE", f"/extensions/{made['key']}")
    await api.sync()


async def a_reservation(api: ApiCaller) -> None:
    await api.post("/numbers/reserved", {"numbers": "700-709"})


async def numbers_of_a_department(api: ApiCaller) -> None:
    (group,) = (await api.get("/groups", limit=1))["groups"]
    await api.put(f"/numbers/departments/{group['id']}", {"numbers": "600-699"})


async def an_account(api: ApiCaller) -> None:
    await api.console.rooms.signin.ensure_owner()


async def two_accounts(api: ApiCaller) -> None:
    await an_account(api)
    await api.post("/accounts", {"name": "ben"})


async def another_phone_system(api: ApiCaller) -> None:
    """The one whose extensions are linked is not the one that answers."""
    async with api.house.database.write() as tx:
        await save_identity(tx, 1, "another")


async def a_photo(api: ApiCaller) -> None:
    """Of the first person by name, looked at."""
    (person,) = (await api.get("/people", limit=1))["people"]
    next(iter(api.house.stages.values())).tenant.photos.make_up(person["id"], Kind.PORTRAIT)
    await api.house.sync_photos()


async def a_second_tenant(api: ApiCaller) -> None:
    made = await api.post("/tenants", {"name": "Contoso"})
    assert made["number"] == 2
    api.about("1")


NOBODY = "00000000-0000-4000-8000-000000000000"
CONNECT = {
    "tenant_id": "TENANT",
    "client_id": "CLIENT",
    "client_secret": SECRET,
    "login_url": "http://localhost:8365",
    "graph_url": "http://localhost:8365",
}
EXAMPLES: dict[tuple[str, str], Example] = {
    ("GET", "/status"): Example(bad=(400, "/status?x=1", None)),
    ("GET", "/graph"): Example(bad=(400, "/graph?x=1", None)),
    ("GET", "/processes"): Example(bad=(400, "/processes?x=1", None)),
    ("GET", "/connection"): Example(bad=(400, "/connection?x=1", None)),
    ("POST", "/connection"): Example(
        body=CONNECT, bad=(422, "", {**CONNECT, "client_secret": "wrong"})
    ),
    ("GET", "/journal"): Example(
        query={"kind": "create_extension.", "text": "extension", "limit": 3},
        bad=(400, "/journal?before=-1", None),
    ),
    ("GET", "/alarms"): Example(
        query={"open_only": False}, bad=(400, "/alarms?open_only=perhaps", None)
    ),
    ("GET", "/tenants"): Example(bad=(400, "/tenants?limit=0", None)),
    ("POST", "/tenants"): Example(201, body={"name": "Contoso"}, bad=(422, "", {"name": "77"})),
    ("GET", "/tenants/{tenant}"): Example(path="/tenants/1", bad=(404, "/tenants/77", None)),
    ("PATCH", "/tenants/{tenant}"): Example(
        path="/tenants/1", body={"name": "Ours"}, bad=(404, "/tenants/77", {"name": "Ours"})
    ),
    ("DELETE", "/tenants/{tenant}"): Example(
        204,
        path="/tenants/2",
        query={"name": "Contoso"},
        before=a_second_tenant,
        bad=(409, "/tenants/1?name=Wrong", None),
    ),
    ("GET", "/people"): Example(query={"limit": 5}, bad=(400, "/people?limit=501", None)),
    ("GET", "/people/not-synced"): Example(bad=(400, "/people/not-synced?after=x", None)),
    ("GET", "/people/{person}"): Example(
        path="/people/PERSON", bad=(404, f"/people/{NOBODY}", None)
    ),
    ("GET", "/people/{person}/photo"): Example(
        path="/people/PERSON/photo", before=a_photo, bad=(404, f"/people/{NOBODY}/photo", None)
    ),
    ("GET", "/photos"): Example(
        query={"status": "shown", "limit": 2}, before=a_photo, bad=(400, "/photos?after=x", None)
    ),
    ("POST", "/photos/sync"): Example(202, bad=(400, "/photos/sync?x=1", None)),
    ("POST", "/people/sync"): Example(202, body={"full": True}, bad=(400, "", {"person": 5})),
    ("POST", "/people/plan"): Example(202, bad=(400, "/people/plan?x=1", None)),
    ("GET", "/matches"): Example(bad=(400, "/matches?x=1", None)),
    ("GET", "/matches/decided"): Example(bad=(400, "/matches/decided?limit=0", None)),
    ("POST", "/matches/{person}"): Example(
        204,
        path="/matches/PERSON",
        body={"extensions": ["x42"], "verdict": "not_theirs"},
        before=a_doubt,
        bad=(404, f"/matches/{NOBODY}", {"extensions": ["x42"], "verdict": "theirs"}),
    ),
    ("DELETE", "/matches/{person}/{extension}"): Example(
        204,
        path="/matches/PERSON/x42",
        before=a_decision,
        bad=(404, "/matches/PERSON/x77", None),
    ),
    ("GET", "/groups"): Example(query={"search": "a"}, bad=(400, "/groups?limit=x", None)),
    ("GET", "/groups/{group}"): Example(path="/groups/GROUP", bad=(404, "/groups/none", None)),
    ("GET", "/runs"): Example(bad=(400, "/runs?limit=0", None)),
    ("GET", "/runs/history"): Example(
        query={"period": "week"}, bad=(400, "/runs/history?period=year", None)
    ),
    ("GET", "/runs/{run}"): Example(path="/runs/1", bad=(404, "/runs/77", None)),
    ("GET", "/plans"): Example(query={"status": "applied"}, bad=(400, "/plans?status=burnt", None)),
    ("GET", "/plans/{plan}"): Example(path="/plans/1", bad=(404, "/plans/77", None)),
    ("GET", "/plans/{plan}/refusals"): Example(
        path="/plans/1/refusals", query={"limit": 1}, bad=(404, "/plans/77/refusals", None)
    ),
    ("GET", "/plans/{plan}/notices"): Example(
        path="/plans/1/notices", query={"limit": 1}, bad=(404, "/plans/77/notices", None)
    ),
    ("GET", "/plans/{plan}/actions"): Example(
        path="/plans/1/actions",
        query={"kind": "create_extension", "status": "done", "held": False, "limit": 2},
        bad=(404, "/plans/77/actions", None),
    ),
    ("POST", "/plans/{plan}/approve"): Example(
        202,
        path="/plans/2/approve",
        body={"release_held": True},
        before=propose,
        bad=(409, "/plans/1/approve", {}),
    ),
    ("POST", "/plans/{plan}/undo"): Example(
        201, path="/plans/1/undo", bad=(404, "/plans/77/undo", None)
    ),
    ("POST", "/plans/{plan}/refuse"): Example(
        path="/plans/2/refuse", before=propose, bad=(409, "/plans/1/refuse", None)
    ),
    ("GET", "/extensions"): Example(
        query={"order": "number", "source": "microsoft365", "enabled": True, "leavers": False},
        bad=(400, "/extensions?order=luck", None),
    ),
    ("POST", "/extensions"): Example(201, body={"number": "700"}, bad=(409, "", {"number": "100"})),
    ("GET", "/extensions/{key}"): Example(path="/extensions/x1", bad=(404, "/extensions/y", None)),
    ("PATCH", "/extensions/{key}"): Example(
        path="/extensions/x1", body={"job_title": "Chef"}, bad=(404, "/extensions/y", {})
    ),
    ("DELETE", "/extensions/{key}"): Example(
        204, path="/extensions/x1", bad=(404, "/extensions/y", None)
    ),
    ("GET", "/numbers"): Example(query={"limit": 5}, bad=(400, "/numbers?after=x", None)),
    ("GET", "/numbers/held"): Example(
        query={"search": "70", "limit": 5}, bad=(400, "/numbers/held?after=x", None)
    ),
    ("GET", "/numbers/reserved"): Example(bad=(400, "/numbers/reserved?after=x", None)),
    ("POST", "/numbers/reserved"): Example(
        201,
        body={"numbers": "700-709", "person": "PERSON", "note": "lifts", "confirm": True},
        bad=(422, "", {"numbers": "x"}),
    ),
    ("DELETE", "/numbers/reserved/{numbers}"): Example(
        204,
        path="/numbers/reserved/700-709",
        before=a_reservation,
        bad=(404, "/numbers/reserved/799", None),
    ),
    ("GET", "/numbers/departments"): Example(bad=(400, "/numbers/departments?limit=0", None)),
    ("PUT", "/numbers/departments/{group}"): Example(
        path="/numbers/departments/GROUP",
        body={"numbers": "600-699"},
        bad=(422, "/numbers/departments/none", {"numbers": "600-699"}),
    ),
    ("DELETE", "/numbers/departments/{group}"): Example(
        204,
        path="/numbers/departments/GROUP",
        before=numbers_of_a_department,
        bad=(404, "/numbers/departments/none", None),
    ),
    ("GET", "/numbers/{number}"): Example(path="/numbers/100", bad=(404, "/numbers/seven", None)),
    ("POST", "/numbers/{number}/release"): Example(
        204,
        path="/numbers/700/release",
        before=a_held_number,
        bad=(404, "/numbers/100/release", None),
    ),
    ("GET", "/departments"): Example(
        query={"search": "a"}, bad=(400, "/departments?limit=0", None)
    ),
    ("POST", "/departments"): Example(201, body={"name": "Sales"}, bad=(422, "", {"name": " "})),
    ("GET", "/departments/{key}"): Example(
        path="/departments/x42", before=a_department, bad=(404, "/departments/y", None)
    ),
    ("PATCH", "/departments/{key}"): Example(
        path="/departments/x42",
        body={"name": "Front desk"},
        before=a_department,
        bad=(404, "/departments/y", {"name": "Front desk"}),
    ),
    ("DELETE", "/departments/{key}"): Example(
        204, path="/departments/x42", before=a_department, bad=(404, "/departments/y", None)
    ),
    ("GET", "/settings/people"): Example(bad=(400, "/settings/people?x=1", None)),
    ("PUT", "/settings/people"): Example(body="SETTINGS", bad=(400, "", {"version": 1})),
    ("POST", "/settings/people/preview"): Example(body="SETTINGS", bad=(400, "", {"version": 1})),
    ("POST", "/settings/people/try"): Example(
        body={"person": "PERSON", "attributes": msgspec.to_builtins(AttributeRules())},
        bad=(404, "", {"person": "x", "attributes": msgspec.to_builtins(AttributeRules())}),
    ),
    ("GET", "/settings/people/explained"): Example(
        bad=(400, "/settings/people/explained?x=1", None)
    ),
    ("GET", "/tokens"): Example(bad=(400, "/tokens?limit=0", None)),
    ("POST", "/tokens"): Example(
        201, body={"name": "backup", "days": 30, "role": "viewer"}, bad=(400, "", {"name": ""})
    ),
    ("DELETE", "/tokens/{token}"): Example(
        204, path="/tokens/TOKEN", bad=(404, "/tokens/none", None)
    ),
    ("GET", "/accounts"): Example(before=an_account, bad=(400, "/accounts?limit=0", None)),
    ("POST", "/accounts"): Example(
        201,
        body={"name": "Ann", "role": "viewer", "tenant": 1},
        before=an_account,
        bad=(422, "", {"name": "a/b"}),
    ),
    ("DELETE", "/accounts/{name}"): Example(
        204, path="/accounts/ben", before=two_accounts, bad=(404, "/accounts/nobody", None)
    ),
    ("POST", "/accounts/reset-password"): Example(
        body={"name": "admin"}, before=an_account, bad=(404, "", {"name": "nobody"})
    ),
    ("POST", "/key/rotate"): Example(bad=(400, "/key/rotate?x=1", None)),
    ("POST", "/phone-system/accept"): Example(
        before=another_phone_system, bad=(400, "/phone-system/accept?x=1", None)
    ),
}


async def filled(api: ApiCaller, example: Example) -> tuple[str, Any]:
    """The example's path and body with the ids of this installation."""
    path, body = example.path, example.body
    if "PERSON" in path:
        path = path.replace("PERSON", (await api.get("/people", limit=1))["people"][0]["id"])
    if "GROUP" in path:
        path = path.replace("GROUP", (await api.get("/groups", limit=1))["groups"][0]["id"])
    if "TOKEN" in path:
        path = path.replace("TOKEN", (await api.get("/tokens"))["tokens"][0]["id"])
    if isinstance(body, dict) and body.get("person") == "PERSON":
        body = {**body, "person": (await api.get("/people", limit=1))["people"][0]["id"]}
    if body == "SETTINGS":
        body = await api.get("/settings/people")
    if isinstance(body, dict) and body.get("tenant_id") == "TENANT":
        (host, stage), *_ = api.house.stages.items()
        ids = {"tenant_id": stage.tenant.id, "client_id": api.house.apps[host]}
        body = {**body, **ids}
    return path, body


def described(document: dict[str, Any], method: str, path: str) -> dict[str, Any]:
    found: dict[str, Any] = document["paths"][f"{API}{path}"][method.lower()]
    return found


def address(path: str) -> str:
    """An address that is fit for the route, of something or of nothing."""
    for number in ("{plan}", "{tenant}"):
        path = path.replace(number, "1")
    return f"{API}{path.replace('{', '').replace('}', '')}"


async def good_call(api: ApiCaller, document: dict[str, Any], method: str, path: str) -> list[str]:
    """Make the example's good call; what of the answer is not as described."""
    example = EXAMPLES[method, path]
    if example.before is not None:
        await example.before(api)
    asked, body = await filled(api, example)
    answer = await api.ask(method, asked or path, body, **example.query)
    if answer.status != example.status:
        return [f"{answer.status}: {answer.content.decode()}"]
    told = described(document, method, path)["responses"][str(example.status)]
    if example.status == 204:
        return [] if answer.content == b"" and "content" not in told else ["204 with a body"]
    media_type = answer.headers["content-type"].partition(";")[0]
    if media_type not in told["content"]:
        return [f"{media_type} instead of {', '.join(told['content'])}"]
    if media_type != "application/json":
        return []
    return complaints(answer.body, told["content"]["application/json"]["schema"], document)


@pytest.mark.parametrize(
    ("method", "path"), [pytest.param(*one, id=" ".join(one)) for one in CHANGES]
)
async def test_a_change_is_answered_as_described(
    synced: ApiCaller, document: dict[str, Any], method: str, path: str
) -> None:
    """Whoever generates a client from the document gets what it promises."""
    assert await good_call(synced, document, method, path) == []


async def test_every_reading_is_answered_as_described(
    synced: ApiCaller, document: dict[str, Any]
) -> None:
    """The same for what only looks; a viewer's token is enough for all of it."""
    await a_department(synced)
    viewer = await synced.with_token("viewer")

    found = {
        path: await good_call(viewer, document, "GET", path)
        for path in READINGS
        if path != "/departments/{key}"
    }
    found["/departments/{key}"] = complaints(
        await viewer.get("/departments/x42"),
        {"$ref": "#/components/schemas/DepartmentOut"},
        document,
    )

    assert {path: wrong for path, wrong in found.items() if wrong} == {}


async def test_a_bad_call_is_refused_as_described(
    synced: ApiCaller, document: dict[str, Any]
) -> None:
    """A refusal says what is wrong in the one form that errors have, and is no surprise."""
    for method, path in ROUTES:
        status, asked, bad = EXAMPLES[method, path].bad
        plain, _, query = (asked or path).partition("?")
        _, body = await filled(synced, Example(body=bad))

        answer = await synced.ask(method, plain, body, **dict(re.findall(r"(\w+)=([^&]*)", query)))

        assert answer.status == status, (method, path, answer.content)
        assert len(answer.detail) > 15
        told = described(document, method, path)["responses"][str(status)]
        schema = told["content"]["application/problem+json"]["schema"]
        assert complaints(answer.body, schema, document) == []


async def test_nobody_is_let_in_without_a_good_token(
    api: ApiCaller, document: dict[str, Any]
) -> None:
    """The API does what an administrator may do, so whoever asks must show who they are."""
    expired = await api.with_token(lasts=timedelta(hours=1))
    revoked = await api.with_token(name="revoked")
    tokens = (await api.get("/tokens"))["tokens"]
    await api.delete(f"/tokens/{next(t['id'] for t in tokens if t['name'] == 'revoked')}")
    api.house.clock.advance(3600)
    given = {
        "none": {},
        "wrong": {"authorization": f"Bearer jackfield_0_{'x' * 43}"},
        "of another kind": {"authorization": "Basic YWRtaW46YWRtaW4="},
        "no token at all": {"authorization": "Bearer ' OR 1=1 --"},
        "expired": {"authorization": f"Bearer {expired.token}"},
        "revoked": {"authorization": f"Bearer {revoked.token}"},
    }

    for method, path in ROUTES:
        for name, headers in given.items():
            answer = await api.send(method, address(path), b"", headers)

            assert answer.status == 401, (method, path, name)
            assert "Authorization: Bearer" in answer.detail
            assert answer.headers["www-authenticate"] == 'Bearer realm="Jackfield"'
        assert "401" in described(document, method, path)["responses"]


async def test_a_viewers_token_changes_nothing(api: ApiCaller, document: dict[str, Any]) -> None:
    """What only looks cannot do harm when it is lost."""
    viewer = await api.with_token("viewer")

    for method, path in CHANGES:
        answer = await viewer.ask(method, address(path).removeprefix(API), {})

        assert answer.status == 403, (method, path)
        assert answer.detail == "Your account may look, but not change anything."
        assert "403" in described(document, method, path)["responses"]


async def test_a_session_needs_the_form_token_for_changes(api: ApiCaller) -> None:
    """A browser sends its cookie by itself, also when another site makes it ask."""
    visitor = await api.console.signed_in()
    json = {"content-type": "application/json"}
    foreign = {**json, "origin": "https://evil.example", "x-csrftoken": visitor.token}
    ours = {**json, "x-csrftoken": visitor.token}

    for method, path in CHANGES:
        answers = [
            await visitor.ask(method, address(path), body=b"{}", headers=headers)
            for headers in (json, foreign, ours)
        ]

        assert [answers[0].status, answers[1].status] == [403, 403], (method, path)
        assert answers[2].status not in {401, 403}, (method, path)
    assert (await visitor.get(f"{API}/status")).status == 200


async def test_a_misspelt_parameter_is_refused(api: ApiCaller) -> None:
    """Left out in silence it would answer another question, and a script would believe it."""
    for method, path in ROUTES:
        answer = await api.ask(method, address(path).removeprefix(API), {}, limt=5)

        assert answer.status == 400, (method, path)
        assert answer.detail.startswith("This call has no parameter 'limt'; it takes ")


async def test_a_parameter_given_twice_is_refused(api: ApiCaller) -> None:
    """One of the two would be left out in silence."""
    headers = {"authorization": f"Bearer {api.token}"}

    answer = await api.send("GET", f"{API}/people", b"", headers, "limit=5&limit=6")

    assert answer.status == 400
    assert answer.detail == "The parameter 'limit' is given more than once."


async def test_an_unknown_field_is_refused(synced: ApiCaller, document: dict[str, Any]) -> None:
    """Dropped in silence it would look as if it had been done."""
    taking = []
    for method, path in ROUTES:
        if "requestBody" not in described(document, method, path):
            continue
        asked, body = await filled(synced, EXAMPLES[method, path])

        answer = await synced.ask(method, asked or path, {**(body or {}), "colour": "red"})

        assert answer.status == 400, (method, path)
        assert answer.detail == "The body: Object contains unknown field `colour`."
        taking.append(path)
    assert len(taking) > 8


async def test_lists_are_paged(document: dict[str, Any]) -> None:
    """A list without pages grows until nobody can read it."""
    paged = set()
    for path in READINGS:
        route = described(document, "GET", path)
        answer = route["responses"]["200"]["content"]
        if "application/json" not in answer:
            continue
        schema = answer["application/json"]["schema"]
        answered = resolve(schema["$ref"], document)["properties"]
        takes = {one["name"] for one in route.get("parameters", []) if one["in"] == "query"}
        lists = [name for name, part in answered.items() if "$ref" in part.get("items", {})]
        if not lists or "{" in path.rsplit("/", 1)[-1] or path in OF_FIXED_LENGTH:
            continue
        assert "limit" in takes, path
        assert "next" in answered, path
        assert takes & {"after", "before"}, path
        paged.add(path)
    assert len(paged) == 23


def test_every_route_has_an_example_and_no_example_is_of_nothing() -> None:
    """A new route without one is a route without a test."""
    assert EXAMPLES.keys() == set(ROUTES)
    assert len(ROUTES) > 30
