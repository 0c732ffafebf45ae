"""Extensions and departments made, changed and removed by hand over the API."""

from typing import Any

import pytest
import pytest_asyncio

from doubles.api_caller import ApiCaller
from doubles.faulty_phones import Faults, FaultyPhones
from jackfield.core.extensions import ExtensionFields
from jackfield.flows.by_hand import HandRefused, PhonesByHand, Reason
from jackfield.flows.phones import PhoneReading
from m365_emulator.tenant import Tenant

EVERYTHING = {
    "number": "0207",
    "first_name": "Ada",
    "last_name": "Lovelace",
    "email": "ada@example.org",
    "mobile": "+44 20 7946 0001",
    "job_title": "Countess",
    "company": "Analytical",
    "caller_id": "+442079460002",
    "office": "Room 7",
}


together = pytest.mark.asyncio(loop_scope="module")
"""In one installation, in which nothing is changed."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def standing(shared: ApiCaller) -> dict[str, str]:
    """Keys of what stands there: an extension 200, two departments."""
    return {
        "BEN": await make(shared, "200", first_name="Ben"),
        "SALES": (await shared.post("/departments", {"name": "Sales"}))["key"],
        "SUPPORT": (await shared.post("/departments", {"name": "Support"}))["key"],
    }


def filled(body: Any, standing: dict[str, str]) -> Any:
    """A body with the keys of what stands there."""
    if isinstance(body, dict):
        return {name: filled(value, standing) for name, value in body.items()}
    if isinstance(body, list):
        return [filled(value, standing) for value in body]
    return standing.get(body, body) if isinstance(body, str) else body


async def lines(api: ApiCaller, kind: str) -> list[tuple[str, str]]:
    """What the journal keeps of a kind, the newest first: text and who did it."""
    found = (await api.get("/journal", kind=kind))["lines"]
    return [(line["text"], line["by"]) for line in found]


async def make(api: ApiCaller, number: str, **fields: Any) -> str:
    """An extension made by hand; its key."""
    key: str = (await api.post("/extensions", {"number": number, **fields}))["key"]
    return key


async def test_an_extension_is_made_with_everything(api: ApiCaller) -> None:
    """The reception's phone belongs to nobody in Microsoft 365."""
    first = (await api.post("/departments", {"name": "Reception"}))["key"]
    second = (await api.post("/departments", {"name": "House"}))["key"]
    wanted = {**EVERYTHING, "departments": [first, second], "primary_department": second}

    made = await api.post("/extensions", wanted)

    assert made == {**wanted, "key": made["key"], "enabled": True, "person": None}
    assert (await api.get("/extensions"))["extensions"] == [made]
    assert await api.get(f"/extensions/{made['key']}") == made
    assert await lines(api, "extension.made") == [("Extension 0207 made by hand.", "token test")]


@together
@pytest.mark.parametrize(
    ("status", "body", "says"),
    [
        pytest.param(422, {"number": ""}, "is empty", id="no_number"),
        pytest.param(422, {"number": "2"}, "lies outside", id="too_short"),
        pytest.param(422, {"number": "2" * 16}, "has 16 digits; at most 15", id="too_long"),
        pytest.param(422, {"number": "20a"}, "only the digits 0 to 9 are", id="letters"),
        pytest.param(422, {"number": "٢٠٠"}, "only the digits 0 to 9 are", id="other_digits"),
        pytest.param(422, {"number": " 200"}, "“ 200” has spaces around it", id="space"),
        pytest.param(422, {"number": "99"}, "lies outside 100–999999", id="outside_the_range"),
        pytest.param(409, {"number": "200"}, "Number 200 is taken by Ben.", id="taken"),
        pytest.param(400, {}, "missing required field `number`", id="missing"),
        pytest.param(400, {"number": 200}, "Expected `str`, got `int`", id="as_a_number"),
        pytest.param(400, {"number": None}, "Expected `str`, got `null`", id="null"),
        pytest.param(
            422, {"number": "201", "first_name": "x" * 257}, "First name has 257", id="long_name"
        ),
        pytest.param(
            422, {"number": "201", "email": "a\nb"}, "E-mail has characters", id="mail_of_two_lines"
        ),
        pytest.param(
            422, {"number": "201", "company": "a\nb"}, "characters that are no text", id="newline"
        ),
        pytest.param(
            422, {"number": "201", "departments": ["nope"]}, "key nope", id="unknown_department"
        ),
        pytest.param(
            422,
            {"number": "201", "primary_department": "nope"},
            "no department with the key nope",
            id="unknown_primary",
        ),
        pytest.param(
            422,
            {"number": "201", "primary_department": "SUPPORT"},
            "must be one of the departments",
            id="primary_not_joined",
        ),
        pytest.param(
            400, {"number": "201", "departments": "SUPPORT"}, "Expected `array`", id="no_list"
        ),
    ],
)
async def test_an_extension_that_cannot_be_is_refused(
    shared: ApiCaller, standing: dict[str, str], status: int, body: dict[str, Any], says: str
) -> None:
    """Said in words of the phone system, and nothing is left behind."""
    answer = await shared.ask("POST", "/extensions", filled(body, standing))

    assert answer.status == status, answer.content
    assert says in answer.detail
    assert [one["number"] for one in (await shared.get("/extensions"))["extensions"]] == ["200"]


async def test_a_change_says_in_the_journal_what_it_changed(api: ApiCaller) -> None:
    """Weeks later somebody asks why the lamp of the reception is gone."""
    house = (await api.post("/departments", {"name": "House"}))["key"]
    desk = (await api.post("/departments", {"name": "Desk"}))["key"]
    key = await make(api, "200", first_name="Ben", departments=[house], primary_department=house)

    changed = await api.patch(
        f"/extensions/{key}",
        {
            "first_name": "Benjamin",
            "enabled": False,
            "add_departments": [desk],
            "remove_departments": [house],
            "primary_department": desk,
        },
    )

    told = (
        "Extension 200 changed by hand: first name from “Ben” to “Benjamin”; joins “Desk”;"
        " leaves “House”; primary department “Desk”; disabled."
    )
    assert changed["first_name"] == "Benjamin"
    assert changed["enabled"] is False
    assert (changed["departments"], changed["primary_department"]) == ([desk], desk)
    assert await lines(api, "extension.changed") == [(told, "token test")]


@pytest.mark.parametrize("body", [{}, {"first_name": None}, {"first_name": "Ben"}])
async def test_no_change_is_no_news(api: ApiCaller, body: dict[str, Any]) -> None:
    """What is left out stays, and the journal keeps what happened."""
    key = await make(api, "200", first_name="Ben")
    before = await api.get(f"/extensions/{key}")

    assert await api.patch(f"/extensions/{key}", body) == before
    assert await lines(api, "extension.changed") == []


@together
@pytest.mark.parametrize(
    ("status", "body", "says"),
    [
        pytest.param(422, {"company": "x" * 300}, "Company has 300 characters", id="too_long"),
        pytest.param(422, {"add_departments": ["no"]}, "no department with the key no", id="join"),
        pytest.param(422, {"remove_departments": ["no"]}, "key no", id="leave"),
        pytest.param(
            422,
            {"add_departments": ["SUPPORT"], "remove_departments": ["SUPPORT"]},
            "cannot join and leave",
            id="both",
        ),
        pytest.param(
            422, {"primary_department": "SUPPORT"}, "one of the departments", id="not_a_member"
        ),
        pytest.param(400, {"number": "201"}, "unknown field `number`", id="the_number_stays"),
        pytest.param(400, {"enabled": "perhaps"}, "`enabled`: Expected `bool", id="no_switch"),
        pytest.param(400, [], "Expected `object`", id="no_object"),
    ],
)
async def test_a_change_that_cannot_be_changes_nothing(
    shared: ApiCaller, standing: dict[str, str], status: int, body: Any, says: str
) -> None:
    """All of it or nothing."""
    path = f"/extensions/{standing['BEN']}"
    before = await shared.get(path)

    answer = await shared.ask("PATCH", path, filled(body, standing))

    assert answer.status == status, answer.content
    assert says in answer.detail
    assert await shared.get(path) == before


async def test_a_removed_extension_is_gone_and_its_number_free(api: ApiCaller) -> None:
    """Once; the second try says that there is none."""
    key = await make(api, "200", first_name="Ben", last_name="Bit")

    await api.delete(f"/extensions/{key}")

    again = await api.ask("DELETE", f"/extensions/{key}")
    assert again.status == 404
    assert again.detail == f"There is no extension with the key {key}."
    assert (await api.get("/extensions"))["extensions"] == []
    assert await lines(api, "extension.removed") == [
        ("Extension 200 removed by hand.", "token test")
    ]
    assert await make(api, "200") != key


async def test_departments_live_from_making_to_removal(api: ApiCaller) -> None:
    """Made, renamed, emptied, removed; each once in the journal."""
    made = await api.post("/departments", {"name": "  Reception "})
    key = made["key"]
    member = await make(api, "200", departments=[key])

    renamed = await api.patch(f"/departments/{key}", {"name": "Front desk"})
    full = await api.ask("DELETE", f"/departments/{key}")
    await api.patch(f"/extensions/{member}", {"remove_departments": [key]})
    await api.delete(f"/departments/{key}")
    gone = await api.ask("DELETE", f"/departments/{key}")

    assert made == {
        "key": key,
        "name": "Reception",
        "members": 0,
        "group": None,
        "flag": None,
        "reasons": [
            "Made in the phone system by hand: no group of Microsoft 365 stands behind it.",
            "A sync never renames or removes it, and neither gives nor takes its members.",
        ],
    }
    assert renamed == {**made, "name": "Front desk", "members": 1}
    assert full.status == 409
    assert full.detail == (
        "The department “Front desk” has members (1); take them out of it first."
    )
    assert gone.status == 404
    assert gone.detail == f"There is no department with the key {key}."
    assert (await api.get("/departments"))["departments"] == []
    assert await lines(api, "department.") == [
        (text, "token test")
        for text in (
            "Department Front desk removed by hand.",
            "Begins by hand to remove department Front desk.",
            f"Not done by hand: to remove department Front desk. {full.detail}",
            "Begins by hand to remove department Front desk.",
            "Department Reception renamed to Front desk by hand.",
            "Begins by hand to rename department Reception to Front desk.",
            "Department Reception made by hand.",
            "Begins by hand to make department Reception.",
        )
    ]


@together
@pytest.mark.parametrize(
    ("status", "name", "says"),
    [
        pytest.param(409, "Sales", "There is a department called “Sales” already.", id="taken"),
        pytest.param(409, "SALES", "already", id="taken_in_capitals"),
        pytest.param(409, " Sales ", "already", id="taken_with_spaces"),
        pytest.param(422, "   ", "A department needs a name.", id="blank"),
        pytest.param(422, "x" * 257, "has 257 characters", id="too_long"),
        pytest.param(422, "a\tb", "characters that are no text", id="control"),
        pytest.param(400, "", "length >= 1", id="empty"),
        pytest.param(400, None, "Expected `str`, got `null`", id="null"),
    ],
)
@pytest.mark.parametrize("verb", ["POST", "PATCH"])
async def test_a_department_name_that_cannot_be_is_refused(
    shared: ApiCaller, standing: dict[str, str], verb: str, status: int, name: Any, says: str
) -> None:
    """By making it or by renaming to it."""
    path = "/departments" if verb == "POST" else f"/departments/{standing['SUPPORT']}"

    answer = await shared.ask(verb, path, {"name": name})

    assert answer.status == status, answer.content
    assert says in answer.detail
    names = [one["name"] for one in (await shared.get("/departments"))["departments"]]
    assert names == ["Sales", "Support"]


async def test_a_department_may_change_its_case_and_keep_its_name(api: ApiCaller) -> None:
    """Its own name is not in its way; the same name is no news."""
    key = (await api.post("/departments", {"name": "sales"}))["key"]

    await api.patch(f"/departments/{key}", {"name": "sales"})
    renamed = await api.patch(f"/departments/{key}", {"name": "Sales"})

    assert renamed["name"] == "Sales"
    assert len(await lines(api, "department.renamed")) == 1


async def test_a_groups_department_that_was_removed_comes_back(
    api: ApiCaller, tenant: Tenant
) -> None:
    """As an extension of a person in scope does."""
    group = tenant.create_group("Sales")
    await api.choose(rules={"departments": {"source": "chosen", "groups": [group.id]}})
    await api.sync(full=True)
    (found,) = (await api.get("/departments"))["departments"]

    await api.delete(f"/departments/{found['key']}")
    await api.sync(full=True)

    (back,) = (await api.get("/departments"))["departments"]
    assert (back["name"], back["group"], back["flag"]) == ("Sales", group.id, None)
    history = (await api.get("/journal", subject=group.id, kind="department.removed"))["lines"]
    assert len(history) == 1


async def test_a_flag_tells_that_a_group_is_gone(api: ApiCaller, tenant: Tenant) -> None:
    """The department stands, and says why nobody follows it any more."""
    group = tenant.create_group("Sales")
    await api.choose(rules={"departments": {"source": "chosen", "groups": [group.id]}})
    await api.sync(full=True)
    tenant.delete_group(group.id)

    await api.sync(full=True)

    (found,) = (await api.get("/departments"))["departments"]
    assert (found["name"], found["group"], found["flag"]) == ("Sales", group.id, "vanished")


async def test_lists_are_filtered_ordered_and_paged(api: ApiCaller, tenant: Tenant) -> None:
    """Each answer leads to the next, and nobody is left out or told twice."""
    for name in ("Cem Three", "Ada One", "Ben Two"):
        tenant.hire(name)
    gone = tenant.hire("Zoe Gone")
    await api.sync(full=True)
    tenant.delete(gone.id)
    await api.sync(full=True)
    sales = (await api.post("/departments", {"name": "Sales"}))["key"]
    await make(api, "900", first_name="Aaron", departments=[sales])
    ben = (await api.get("/extensions", search="two ben"))["extensions"][0]["key"]
    await api.patch(f"/extensions/{ben}", {"enabled": False})

    async def names(**query: Any) -> list[str]:
        seen: list[str] = []
        after = None
        while True:
            page = await api.get("/extensions", limit=2, after=after, **query)
            assert len(page["extensions"]) <= 2
            seen += [one["first_name"] for one in page["extensions"]]
            after = page["next"]
            if after is None:
                return seen

    assert await names() == ["Aaron", "Ada", "Ben", "Cem", "Zoe"]
    assert await names(order="number") == ["Ada", "Ben", "Cem", "Zoe", "Aaron"]
    assert await names(source="local") == ["Aaron"]
    assert await names(source="microsoft365") == ["Ada", "Ben", "Cem", "Zoe"]
    assert await names(department=sales) == ["Aaron"]
    assert await names(department="x999") == []
    assert await names(enabled=False) == ["Ben"]
    assert await names(leavers=True) == ["Zoe"]
    assert await names(leavers=False, source="microsoft365") == ["Ada", "Ben", "Cem"]
    assert await names(search="900") == ["Aaron"]
    assert await names(search="nobody") == []


async def test_departments_are_searched_and_paged(api: ApiCaller) -> None:
    """By name, whatever its case and accents."""
    for name in ("Zürich", "sales Berlin", "Sales Zürich", "Support"):
        await api.post("/departments", {"name": name})

    first = await api.get("/departments", limit=3)
    second = await api.get("/departments", limit=3, after=first["next"])
    found = await api.get("/departments", search="SALES zur")
    bad = await api.ask("GET", "/departments", after="nowhere")

    assert [one["name"] for one in first["departments"]] == [
        "sales Berlin",
        "Sales Zürich",
        "Support",
    ]
    assert [one["name"] for one in second["departments"]] == ["Zürich"]
    assert second["next"] is None
    assert [one["name"] for one in found["departments"]] == ["Sales Zürich"]
    assert bad.status == 400


async def test_a_phone_system_with_a_console_of_its_own_says_so(api: ApiCaller) -> None:
    """What is made and removed there is not made and removed here."""
    house = api.house
    reading = PhoneReading(house.database, house.phone, house.clock)
    phones = PhonesByHand(house.database, house.phone, lambda _tenant: None, reading, house.clock)

    for refused in (
        phones.create_extension(1, "200", ExtensionFields(), by="admin"),
        phones.create_department(1, "Sales", by="admin"),
        phones.remove_department(1, "x1", by="admin"),
    ):
        with pytest.raises(HandRefused) as error:
            await refused
        assert error.value.reason is Reason.CONFLICT
        assert str(error.value) == (
            "Extensions and departments of Built-in phone system are made and removed in its own"
            " console."
        )


async def test_a_phone_system_that_does_not_answer_is_later(api: ApiCaller) -> None:
    """503 tells a script to come back; nothing is journalled as done that may not be."""
    key = await make(api, "200", first_name="Ben")
    faults = Faults(away=True)
    api.house.phones[1] = FaultyPhones(api.house.phone(1), faults)

    away = [
        await api.ask("GET", f"/extensions/{key}"),
        await api.ask("PATCH", f"/extensions/{key}", {"first_name": "Benjamin"}),
        await api.ask("DELETE", f"/extensions/{key}"),
    ]
    faults.away, faults.lose_one_in = False, 1
    lost = await api.ask("PATCH", f"/extensions/{key}", {"first_name": "Benjamin"})
    faults.lose_one_in, faults.refuse_every = 0, 1
    full = await api.ask("PATCH", f"/extensions/{key}", {"first_name": "Benjamin"})

    assert [answer.status for answer in away] == [503, 503, 503]
    assert away[1].detail == "The phone system cannot be used: Lost for the test."
    assert lost.status == 503
    assert lost.detail == (
        "The phone system did not answer; look whether it was done, then try again."
    )
    assert (full.status, full.body["detail"]) == (409, "Refused for the test")
    assert (await api.get("/extensions"))["extensions"][0]["number"] == "200"
    assert await lines(api, "extension.changed") == []


async def test_an_extension_is_removed_for_good_where_that_is_asked_for(
    api: ApiCaller, tenant: Tenant
) -> None:
    """In one call: between two, a sync could bring it back."""
    ada = str(tenant.hire("Ada One").id)
    await api.sync(full=True)
    (one,) = (await api.get("/extensions"))["extensions"]

    wrong = await api.ask("DELETE", f"/extensions/{one['key']}", not_agin=True)
    answer = await api.ask("DELETE", f"/extensions/{one['key']}", not_again=True)
    await api.sync(full=True)

    assert wrong.status == 400
    assert "Did you mean 'not_again'?" in wrong.detail
    assert answer.status == 204
    assert (await api.get("/extensions"))["extensions"] == []
    settings = (await api.get("/settings/people"))["settings"]
    assert settings["rules"]["not_recreated"] == [ada]
