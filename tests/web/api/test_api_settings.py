"""The administrator's choices over the API: nothing is guessed, and every mistake has its place."""

import copy
from typing import Any

import msgspec
import pytest

from doubles.api_caller import ApiCaller
from doubles.choices import merge
from jackfield.core.attributes import CHOICES, NumberForm
from jackfield.core.departments import DepartmentSource
from jackfield.core.people import LeaverPolicy, Scope
from jackfield.store.settings import Approval, PeopleSettings

ADA = "3d1e1c4a-9c1d-4b6e-8b0f-0123456789ab"
SALES = "5f0e1c4a-9c1d-4b6e-8b0f-0123456789ab"
SELECTED = {"rules": {"scope": {"selected_users": [ADA], "selected_groups": [SALES]}}}
CHOSEN = {"rules": {"departments": {"groups": [SALES]}}}


together = pytest.mark.asyncio(loop_scope="module")
"""In one installation: what a test leaves behind disturbs no other."""


async def defaults(api: ApiCaller) -> dict[str, Any]:
    """A document that sets everything back, whatever was saved before."""
    stored = await api.get("/settings/people")
    settings = msgspec.to_builtins(PeopleSettings())
    return {"version": stored["version"], "settings": settings}


def changed(document: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """The document with some of its settings changed."""
    copied = copy.deepcopy(document)
    merge(copied["settings"], changes)
    return copied


def nested(path: str, value: Any) -> dict[str, Any]:
    """`{"a": {"b": value}}` for "a.b"."""
    for name in reversed(path.split(".")):
        value = {name: value}
    return value


@pytest.mark.parametrize("saved_before", [False, True])
async def test_what_get_gives_put_takes(api: ApiCaller, saved_before: bool) -> None:
    """A script that changes one thing sends the rest back as it came."""
    if saved_before:
        await api.choose(enabled=True, **SELECTED)
    document = await api.get("/settings/people")

    answer = await api.put("/settings/people", document)

    assert answer["settings"] == document["settings"]
    assert answer["version"] == document["version"] + 1
    assert await api.get("/settings/people") == answer
    (line, *_) = (await api.get("/journal", kind="settings.changed"))["lines"]
    assert (line["text"], line["by"]) == (
        "The people settings were saved without a change.",
        "token test",
    )


ENUMS = {
    "rules.scope.scope": Scope,
    "rules.departments.source": DepartmentSource,
    "rules.on_deleted": LeaverPolicy,
    "rules.on_disabled": LeaverPolicy,
    "rules.on_out_of_scope": LeaverPolicy,
    "rules.attributes.caller_id_form": NumberForm,
    "approve": Approval,
}


@together
@pytest.mark.parametrize(
    ("path", "value"),
    [pytest.param(p, m.value, id=f"{p}={m.value}") for p, kind in ENUMS.items() for m in kind],
)
async def test_every_choice_of_an_enumeration_is_taken(
    shared: ApiCaller, path: str, value: str
) -> None:
    """Each is spelled in the document, so each must do."""
    document = changed(changed(await defaults(shared), SELECTED), CHOSEN)

    answer = await shared.put("/settings/people", changed(document, nested(path, value)))

    at = answer["settings"]
    for name in path.split("."):
        at = at[name]
    assert at == value


@together
@pytest.mark.parametrize("path", ENUMS)
async def test_another_value_is_refused_with_those_there_are(shared: ApiCaller, path: str) -> None:
    """Who mistypes one sees what it takes, and where."""
    document = changed(await defaults(shared), nested(path, "Sometimes"))

    answer = await shared.ask("PUT", "/settings/people", document)

    members = ", ".join(member.value for member in ENUMS[path])
    assert answer.status == 400
    assert answer.detail == (
        f"The body's `settings.{path}`: Invalid enum value 'Sometimes'; it takes {members}."
    )


SOURCE = "rules.departments.source"
RANGE = {"first": "200", "last": "299"}
ELSEWHERE = {"first": "10", "last": "19"}
GOOD = [
    pytest.param("schedule.time_zone", "Europe/Berlin", "Europe/Berlin", id="zone"),
    pytest.param("schedule.time_zone", "", "", id="zone_of_the_host"),
    pytest.param("schedule.nightly_hour", 0, 0, id="midnight"),
    pytest.param("schedule.nightly_hour", 23, 23, id="hour_23"),
    pytest.param("schedule.delta_interval_s", 0, 0, id="no_delta"),
    pytest.param("schedule.delta_interval_s", 5, 5, id="shortest"),
    pytest.param("schedule.delta_interval_s", 86_400, 86_400, id="a_day"),
    pytest.param("rules.numbers.start", "200", "200", id="start"),
    pytest.param("rules.numbers.start", "0200", "0200", id="start_with_zero"),
    pytest.param("rules.numbers.start", " 200 ", "200", id="start_with_spaces"),
    pytest.param("rules.numbers.start", "", None, id="no_start"),
    pytest.param("rules.numbers.start", "999999", "999999", id="last_number"),
    pytest.param("rules.scope.selected_users", [ADA.upper()], [ADA], id="id_in_capitals"),
    pytest.param("rules.scope.selected_groups", [SALES, SALES], [SALES], id="twice"),
    pytest.param("rules.guards.removals.percent", 100, 100.0, id="guard_of_all"),
    pytest.param("rules.guards.removals.number", 0, 0, id="guard_of_none"),
    *(
        pytest.param(f"rules.attributes.{rule}", source, source, id=f"{rule}={source}")
        for rule, takes in CHOICES.items()
        for source in takes
    ),
    pytest.param("rules.attributes.follow_details", False, False, id="details_off"),
    pytest.param("rules.attributes.default_country", " gb", "GB", id="country"),
    pytest.param("rules.scope.guests", True, True, id="guests"),
    pytest.param("rules.remove_after.deleted", 0, 0, id="removed_at_once"),
    pytest.param("rules.numbers.ranges", [RANGE], [RANGE], id="range"),
    pytest.param(
        "rules.numbers.departments",
        [{"group": SALES.upper(), "ranges": [RANGE]}],
        [{"group": SALES, "ranges": [RANGE]}],
        id="range_of_a_department",
    ),
    pytest.param(
        "rules.numbers.reserved",
        [{"numbers": RANGE, "person": ADA.upper(), "note": " lifts "}],
        [{"numbers": RANGE, "person": ADA, "note": "lifts"}],
        id="reserved",
    ),
    pytest.param("rules.not_recreated", [ADA.upper()], [ADA], id="not_recreated"),
    pytest.param("photos", False, False, id="photos_off"),
]


@together
@pytest.mark.parametrize(("path", "value", "kept"), GOOD)
async def test_a_usable_value_is_kept(shared: ApiCaller, path: str, value: Any, kept: Any) -> None:
    """At the ends of what is allowed too, and in the one spelling that is compared later."""
    document = changed(await defaults(shared), nested(path, value))

    answer = await shared.put("/settings/people", document)

    at = answer["settings"]
    for name in path.split("."):
        at = at[name]
    assert at == kept
    assert await shared.get("/settings/people") == answer


BAD = [
    pytest.param(
        422, "schedule.time_zone", "Mars/Olympus", "no time zone 'Mars/Olympus'", id="zone"
    ),
    pytest.param(422, "schedule.time_zone", "../etc/passwd", "no time zone", id="zone_as_path"),
    pytest.param(422, "schedule.time_zone", "Europe", "no time zone", id="zone_as_folder"),
    pytest.param(422, "schedule.nightly_hour", 24, "is 24; it takes 0 to 23", id="hour"),
    pytest.param(422, "schedule.nightly_hour", -1, "is -1; it takes 0 to 23", id="hour_below"),
    pytest.param(400, "schedule.nightly_hour", "two", "Expected `int`", id="hour_in_words"),
    pytest.param(400, "schedule.nightly_hour", "2", "Expected `int`", id="hour_as_text"),
    pytest.param(400, "schedule.nightly_hour", 2.5, "Expected `int`", id="half_an_hour"),
    pytest.param(422, "schedule.delta_interval_s", 4, "0 (off) or 5 to 86,400", id="interval"),
    pytest.param(
        422, "schedule.delta_interval_s", 86_401, "0 (off) or 5 to 86,400", id="interval_above"
    ),
    pytest.param(422, "schedule.delta_interval_s", -60, "0 (off) or 5", id="interval_below"),
    pytest.param(
        422,
        "rules.attributes.email",
        "jobTitle",
        "`settings.rules.attributes.email`: This field does not follow “jobTitle”; it takes",
        id="job_title_as_mail",
    ),
    pytest.param(422, "rules.attributes.default_country", "Germany", "two letters", id="country"),
    pytest.param(422, "rules.numbers.start", "20o", "is not a number", id="start"),
    pytest.param(422, "rules.numbers.start", "٢٠٠", "is not a number", id="start_in_arabic"),
    pytest.param(422, "rules.numbers.start", "2" * 16, "has 16 digits", id="start_too_long"),
    pytest.param(422, "rules.numbers.start", "1000000", "100–999999", id="start_above_ranges"),
    pytest.param(400, "rules.numbers.start", 200, "Expected `str | null`", id="start_as_number"),
    pytest.param(422, "rules.remove_after.deleted", -1, "0 to 3650", id="days"),
    pytest.param(422, "rules.numbers.ranges", [ELSEWHERE], "no extension numbers", id="elsewhere"),
    pytest.param(
        422,
        "rules.numbers.ranges",
        [{"first": "9", "last": "1"}],
        "ends before it begins",
        id="range_backwards",
    ),
    pytest.param(422, "rules.numbers.hold_days", 366, "0 to 365", id="hold_days"),
    pytest.param(
        422,
        "rules.numbers.departments",
        [{"group": "sales", "ranges": [RANGE]}],
        "which is no object ID",
        id="range_of_no_group",
    ),
    pytest.param(
        422,
        "rules.numbers.reserved",
        [{"numbers": RANGE, "person": "ada", "note": ""}],
        "which is no object ID",
        id="reserved_for_nobody",
    ),
    pytest.param(
        422,
        "rules.numbers.reserved",
        [{"numbers": RANGE, "person": "", "note": "x" * 201}],
        "reserved[0].note` has 201 characters; at most 200",
        id="note_too_long",
    ),
    pytest.param(422, "rules.not_recreated", ["ada"], "which is no object ID", id="not_recreated"),
    pytest.param(422, "rules.guards.removals.percent", 101, "0 to 100", id="percent_above"),
    pytest.param(422, "rules.guards.disables.number", -1, "0 or more", id="number_below"),
    pytest.param(422, "rules.guards.shrink_percent", -0.5, "0 to 100", id="shrink_below"),
    pytest.param(422, "rules.guards.shrink_number", -1, "0 or more", id="shrink_number_below"),
    pytest.param(
        422, "rules.scope.selected_users", ["ada"], "“ada”, which is no object ID", id="user"
    ),
    pytest.param(
        422, "rules.scope.selected_groups", [f"{SALES}x"], "which is no object ID", id="group"
    ),
    pytest.param(422, "rules.departments.groups", [""], "which is no object ID", id="no_group"),
    pytest.param(
        400, "rules.scope.selected_users", ADA, "Expected `array`, got `str`", id="no_list"
    ),
    pytest.param(
        422, "rules.scope.scope", "SyncSelected", "everybody would leave", id="nobody_selected"
    ),
    pytest.param(
        422,
        "rules.scope.scope",
        "SyncSelectedGroups",
        "In `settings.rules.scope.selected_groups`: No group is selected",
        id="no_group_selected",
    ),
    pytest.param(
        422, SOURCE, "chosen", "departments.groups`: No group is chosen", id="no_group_chosen"
    ),
    pytest.param(400, "rules.scope.guests", "perhaps", "Expected `bool`", id="no_switch"),
    pytest.param(400, "rules", None, "Expected `object`, got `null`", id="no_rules"),
]


@together
@pytest.mark.parametrize(("status", "path", "value", "says"), BAD)
async def test_an_unusable_value_is_refused_at_its_place(
    shared: ApiCaller, status: int, path: str, value: Any, says: str
) -> None:
    """The message names the field, and nothing is half saved."""
    before = await shared.get("/settings/people")
    document = changed(await defaults(shared), nested(path, value))

    answer = await shared.ask("PUT", "/settings/people", document)

    assert answer.status == status, answer.content
    assert says in answer.detail
    assert path.split(".", maxsplit=1)[0] in answer.detail
    assert await shared.get("/settings/people") == before


@together
@pytest.mark.parametrize(
    "path", ["enabled", "rules", "rules.scope.guests", "rules.guards.removals.percent", "approve"]
)
async def test_a_missing_field_is_no_default(shared: ApiCaller, path: str) -> None:
    """A script that leaves out what it does not know would reset it for everybody."""
    document = await defaults(shared)
    *parents, last = path.split(".")
    at = document["settings"]
    for name in parents:
        at = at[name]
    del at[last]

    answer = await shared.ask("PUT", "/settings/people", document)

    assert answer.status == 400
    assert answer.detail.startswith(f"The body's `settings.{path}` is missing: ")


@together
@pytest.mark.parametrize("path", ["colour", "rules.colour", "rules.guards.removals.colour"])
async def test_an_unknown_field_is_refused_at_any_depth(shared: ApiCaller, path: str) -> None:
    """It may be a misspelt one, and then the right one is missing."""
    document = changed(await defaults(shared), nested(path, "red"))

    answer = await shared.ask("PUT", "/settings/people", document)

    assert answer.status == 400
    assert answer.detail == f"The body's `settings.{path}`: Object contains unknown field."


@pytest.mark.parametrize("version", [0, 2, 77])
async def test_who_was_slower_is_told(api: ApiCaller, version: int) -> None:
    """Two administrators never undo each other's choices unseen."""
    await api.choose(enabled=True)
    document = await api.get("/settings/people")
    assert document["version"] == 1

    answer = await api.ask("PUT", "/settings/people", {**document, "version": version})

    assert answer.status == 409
    assert f"no longer at version {version}" in answer.detail
    said = " UTC, token test: The people settings were changed: People sync from off to on."
    assert (said in answer.detail) is (version == 0)
    assert answer.detail.endswith("Read them again, then change what stands now.")
    assert await api.get("/settings/people") == document


@together
async def test_a_value_of_a_megabyte_is_not_sent_back(shared: ApiCaller) -> None:
    """The refusal shows how it begins; nobody needs the rest again."""
    document = changed(await defaults(shared), {"schedule": {"time_zone": "A" * 1_000_000}})

    answer = await shared.ask("PUT", "/settings/people", document)

    assert answer.status == 422
    assert "There is no time zone 'AAA" in answer.body["detail"]
    assert len(answer.content) < 2_500


@together
@pytest.mark.parametrize("version", [-1, "1", None, 2**40])
async def test_a_version_that_is_none_is_refused(shared: ApiCaller, version: Any) -> None:
    """It is what protects against lost changes."""
    document = await defaults(shared)

    answer = await shared.ask("PUT", "/settings/people", {**document, "version": version})

    assert answer.status == 400
    assert "`version`" in answer.detail


async def test_what_the_choices_lead_to_is_said(synced: ApiCaller) -> None:
    """Which groups become departments, and which one is a person's primary."""
    before = await synced.get("/settings/people/explained")
    groups = (await synced.get("/groups", limit=2))["groups"]
    await synced.choose(
        rules={"departments": {"source": "chosen", "groups": [one["id"] for one in groups]}}
    )

    after = await synced.get("/settings/people/explained")

    assert before["departments"][0].startswith("No group becomes a department: ")
    assert all(one["name"] in after["departments"][0] for one in groups)
    assert "primary department" in after["departments"][1]


async def test_new_choices_reach_the_next_sync(synced: ApiCaller) -> None:
    """Saving is all there is to do: the next run looks at everybody again."""
    linked = (await synced.get("/status"))["linked"]
    someone = (await synced.get("/people/not-synced", limit=1))["people"][0]
    await synced.choose(
        leavers=linked,
        rules={"scope": {"scope": "SyncSelected", "selected_users": [someone["id"]]}},
    )

    run = await synced.sync()

    assert run["counts"]["create_extension"] == 1
    assert run["counts"]["keep_leaver"] == linked
    person = await synced.get(f"/people/{someone['id']}")
    assert "In scope: selected by name." in person["reasons"]
