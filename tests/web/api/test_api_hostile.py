"""Input meant to do harm: each is refused calmly, or taken for the harmless text that it is."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field

import msgspec
import pytest

from doubles.api_caller import API, Answer, ApiCaller, call
from doubles.house import open_house
from doubles.web_visitor import HOST, open_console

pytestmark = pytest.mark.hostile
together = pytest.mark.asyncio(loop_scope="module")

DEEP = b"[" * 100_000
LONG = "9" * 5_000
BOMB = "%" * 100 + "_" * 50 + "\\" * 40
FORGED = [
    base64.urlsafe_b64encode(msgspec.json.encode(mark)).decode()
    for mark in (["a\x00b", "c", 1, False], ["a", "' OR 1=1 --", 2**70, True], {"order": "a"}, [])
]


@dataclass(frozen=True)
class Attack:
    """One request, and the statuses that are a calm answer to it."""

    status: int
    method: str = "GET"
    path: str = "/status"
    body: bytes = b""
    query: str = ""
    headers: dict[str, str] = field(default_factory=dict)


ATTACKS = {
    "nul_in_a_name": Attack(400, "POST", "/departments", b'{"name": "a\\u0000b"}'),
    "nul_in_a_token": Attack(400, "POST", "/tokens", b'{"name": "\\u0000"}'),
    "nul_in_an_account": Attack(400, "POST", "/accounts/reset-password", b'{"name":"a\\u0000"}'),
    "nul_in_a_search": Attack(400, path="/people", query="search=%00"),
    "nul_in_an_address": Attack(400, path="/people/a%00b"),
    "nul_in_a_forged_mark": Attack(400, path="/people", query=f"after={FORGED[0]}"),
    "sql_in_a_forged_mark": Attack(200, path="/people", query=f"after={FORGED[1]}"),
    "a_mark_of_another_shape": Attack(400, path="/people", query=f"after={FORGED[2]}"),
    "an_empty_mark": Attack(400, path="/people", query=f"after={FORGED[3]}"),
    "no_utf8_in_a_body": Attack(400, "POST", "/departments", b'{"name": "\xff\xfe"}'),
    "no_utf8_in_an_address": Attack(400, path="/extensions/%ff"),
    "no_utf8_in_a_search": Attack(400, path="/people", query="search=%ff"),
    "no_utf8_after_all": Attack(400, "POST", "/departments", b'\xff\xfe{\x00"\x00n\x00'),
    "half_a_character": Attack(400, "POST", "/departments", b'{"name": "\\ud800"}'),
    "deep_json": Attack(400, "POST", "/departments", DEEP),
    "deep_object": Attack(400, "POST", "/departments", b'{"name":' * 50_000),
    "endless_number": Attack(400, "POST", "/tokens", b'{"name":"x","days":' + b"9" * 4000 + b"}"),
    "infinite_number": Attack(400, "POST", "/tokens", b'{"name": "x", "days": 1e999}'),
    "not_a_number": Attack(400, "POST", "/tokens", b'{"name": "x", "days": NaN}'),
    "one_for_yes": Attack(400, "POST", "/people/sync", b'{"full": 1}'),
    "a_text_for_a_number": Attack(400, "POST", "/tokens", b'{"name": "x", "days": "30"}'),
    "a_name_twice": Attack(400, "POST", "/departments", b'{"name": "x", "name": "y"}'),
    "a_byte_order_mark": Attack(400, "POST", "/departments", b'\xef\xbb\xbf{"name": "x"}'),
    "two_documents": Attack(400, "POST", "/departments", b'{"name": "x"} {"name": "y"}'),
    "cut_json": Attack(400, "POST", "/departments", b'{"name": "x'),
    "a_bell_in_a_name": Attack(400, "POST", "/departments", b'{"name": "a\\u0007b"}'),
    "an_escape_in_a_token": Attack(400, "POST", "/tokens", b'{"name": "a\\u001b[2Jb"}'),
    "a_control_in_a_key": Attack(400, "POST", "/tokens", b'{"n\\bame": "x"}'),
    "two_lines_in_a_token": Attack(422, "POST", "/tokens", b'{"name": "a\\nb"}'),
    "a_blank_token": Attack(422, "POST", "/tokens", b'{"name": "  "}'),
    "an_escape_in_a_person": Attack(400, "POST", "/people/sync", b'{"person": "a\\u001bb"}'),
    "two_lines_in_a_person": Attack(422, "POST", "/people/sync", b'{"person": "a\\nb"}'),
    "nobody_to_sync": Attack(422, "POST", "/people/sync", b'{"person": " "}'),
    "a_form": Attack(400, "POST", "/departments", b"name=x"),
    "xml_with_an_entity": Attack(
        400, "POST", "/departments", b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a/>'
    ),
    "packed_json": Attack(
        400, "POST", "/departments", b"\x1f\x8b\x08\x00", headers={"content-encoding": "gzip"}
    ),
    "five_megabytes": Attack(413, "POST", "/departments", b'"' + b"x" * 5_000_000 + b'"'),
    "a_length_that_is_none": Attack(
        413, "POST", "/departments", b"{}", headers={"content-length": "-1"}
    ),
    "a_large_plan": Attack(400, path=f"/plans/{LONG[:30]}"),
    "an_endless_plan": Attack(404, path=f"/plans/{LONG}"),
    "a_negative_plan": Attack(400, path="/plans/-1"),
    "a_large_place": Attack(400, path="/journal", query=f"before={LONG}"),
    "a_large_limit": Attack(400, path="/people", query="limit=999999999"),
    "a_long_search": Attack(400, path="/people", query=f"search={LONG}"),
    "a_long_mark": Attack(400, path="/people", query=f"after={LONG}"),
    "a_long_key": Attack(400, path=f"/extensions/{LONG}"),
    "sql_in_a_search": Attack(200, path="/people", query="search='%20OR%201=1;--"),
    "sql_in_a_kind": Attack(400, path="/journal", query="kind=x'%20UNION%20SELECT%201--"),
    "sql_in_a_mark": Attack(400, path="/people", query="after=1'%20OR%20'1'='1"),
    "sql_in_a_key": Attack(404, path="/extensions/x1'%20OR%20'1'='1"),
    "wildcards": Attack(200, path="/people", query=f"search={BOMB.replace('%', '%25')}"),
    "a_way_up": Attack(404, path="/extensions/..%2f..%2f..%2fetc%2fpasswd"),
    "a_way_round": Attack(404, path="/../../static/../../etc/passwd"),
    "a_script": Attack(404, path="/people/%3Cscript%3Ealert(1)%3C%2Fscript%3E"),
    "a_template": Attack(404, path="/people/%7B%7B7*7%7D%7D"),
    "a_thousand_parameters": Attack(400, query="&".join(f"a{n}=1" for n in range(1000))),
    "a_strange_verb": Attack(405, "BREW", "/status"),
    "zone_way_up": Attack(400, "PUT", "/settings/people", b'{"version":0,"settings":{"schedule":'
    b'{"time_zone":"../../../../etc/passwd"}}}'),
}  # fmt: skip


async def attacked(api: ApiCaller, attack: Attack) -> Answer:
    headers = {"authorization": f"Bearer {api.token}", **attack.headers}
    path = f"{API}{attack.path}"
    return await api.send(attack.method, path, attack.body, headers, attack.query)


def is_calm(answer: Answer) -> bool:
    """One form of error, in few words, and nothing of our insides."""
    if answer.status < 300:
        return True
    detail = answer.detail
    words = ("Traceback", "sqlalchemy", "sqlite", "asyncpg", "msgspec", "litestar", "jackfield.")
    return len(detail) < 700 and not any(word in detail for word in words)


@together
@pytest.mark.parametrize("attack", [pytest.param(one, id=name) for name, one in ATTACKS.items()])
async def test_it_is_answered_calmly(shared: ApiCaller, attack: Attack) -> None:
    """No fault, no traceback, nothing changed, and the next one is served."""
    before = await shared.get("/status")

    answer = await attacked(shared, attack)

    assert answer.status == attack.status, answer.content[:300]
    assert is_calm(answer)
    assert await shared.get("/status") == before
    assert (await shared.get("/departments"))["departments"] == []


async def test_it_is_answered_the_same_on_the_other_database(
    migrated_url: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """PostgreSQL stores no NUL and no half characters, and counts in 64 bits."""
    if migrated_url.startswith("sqlite"):
        return  # the table above
    async with open_house(migrated_url, tmp_path_factory.mktemp("house")) as house:
        api = await ApiCaller(await open_console(house), "").with_token()

        answers = {name: await attacked(api, attack) for name, attack in ATTACKS.items()}

        assert {name: one.status for name, one in answers.items()} == {
            name: attack.status for name, attack in ATTACKS.items()
        }
        assert all(map(is_calm, answers.values()))


TOKENS = {
    "none": "Bearer",
    "blank": "Bearer    ",
    "endless": f"Bearer {'x' * 100_000}",
    "sql": "Bearer jackfield_0_' OR 1=1 --",
    "of_no_tenant": f"Bearer jackfield_999999999_{'x' * 43}",
    "of_a_number_too_large": f"Bearer jackfield_{'9' * 30}_{'x' * 43}",
    "in_arabic_digits": "Bearer jackfield_\u0660_x",
    "binary": "Bearer \xff\xfe\x00",
    "another_scheme": f"Basic {base64.b64encode(b'admin:admin').decode()}",
}


@together
@pytest.mark.parametrize("given", [pytest.param(t, id=name) for name, t in TOKENS.items()])
async def test_no_such_token_opens_anything(shared: ApiCaller, given: str) -> None:
    """Whatever it is, it is none of ours."""
    raw = given.encode("utf-8") if not given.isascii() else given.encode()

    answer = await shared.send(
        "GET", f"{API}/status", b"", {"authorization": raw.decode("latin-1")}
    )

    assert answer.status == 401
    assert is_calm(answer)


@together
async def test_a_body_without_an_end_is_cut_off(shared: ApiCaller) -> None:
    """It says no length and never stops; four megabytes are enough."""
    pieces = 0

    async def endless() -> dict[str, object]:
        nonlocal pieces
        pieces += 1
        return {"type": "http.request", "body": b"x" * 65_536, "more_body": True}

    async def app(scope: object, _receive: object, send: object) -> None:
        await shared.console.site(scope, endless, send)  # type: ignore[arg-type]

    headers = {"host": HOST, "authorization": f"Bearer {shared.token}"}
    answer = await call(app, "POST", f"{API}/departments", b"", headers)

    assert answer.status == 413
    assert pieces < 80
    assert is_calm(answer)


@together
@pytest.mark.parametrize(
    "name",
    [
        pytest.param("\u202egnp.exe", id="reads_backwards"),
        pytest.param("👩‍👩‍👧‍👦 Vertrieb", id="emoji"),
        pytest.param("مبيعات", id="right_to_left"),
        pytest.param("<b>Sales</b>", id="markup"),
        pytest.param("=HYPERLINK(1)", id="a_formula"),
        pytest.param("{{7*7}}", id="a_template"),
        pytest.param("Z̷̡͇a̶l̸g̵o̶", id="marks_upon_marks"),
    ],
)
async def test_strange_names_are_names(shared: ApiCaller, name: str) -> None:
    """They come back as they were given, and are found and removed again."""
    made = await shared.post("/departments", {"name": name})

    listed = (await shared.get("/departments"))["departments"]
    await shared.delete(f"/departments/{made['key']}")

    assert [one["name"] for one in listed] == [name]


@together
@pytest.mark.parametrize(
    ("call", "body", "said"),
    [
        pytest.param(
            "/people/sync",
            b'{"full": true, "person": "a", "full": false}',
            "The body's `full` is given more than once.",
            id="a_field_twice",
        ),
        pytest.param(
            "/settings/people/try",
            b'{"person": "a", "attributes": {"name": "displayName", "name": "not_synced"}}',
            "The body's `attributes.name` is given more than once.",
            id="a_field_twice_inside",
        ),
        pytest.param(
            "/people/sync",
            b'{"full": 1}',
            "The body's `full`: Expected `bool`, got `int`.",
            id="one_for_yes",
        ),
    ],
)
async def test_what_could_be_meant_otherwise_is_named(
    shared: ApiCaller, call: str, body: bytes, said: str
) -> None:
    """Readers differ in which of two values counts, and in whether 1 is a yes."""
    answer = await attacked(shared, Attack(400, "POST", call, body))

    assert (answer.status, answer.detail) == (400, said)
