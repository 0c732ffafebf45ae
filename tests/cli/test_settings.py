"""`jackfield settings`: what is shown can be set, and what would harm is asked about."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from doubles.house import House
from doubles.keyboard import HouseDoor
from jackfield.cli.exits import CommandFailed, Exit
from jackfield.cli.main import main
from jackfield.cli.settings import (
    assigning,
    export,
    read_document,
    replacing,
    save,
    show,
    tell_trial,
)
from jackfield.core.choice_text import parse_assignment
from jackfield.core.choice_words import LABELS
from jackfield.core.people import Scope
from jackfield.store.settings import Approval
from m365_emulator.tenant import Tenant

Captured = pytest.CaptureFixture[str]


@pytest.fixture
async def tenant(house: House) -> Tenant:
    """Eight newcomers, each with an extension, and a group."""
    stage = house.raise_stage(people=0)
    hired = [stage.tenant.hire(f"Nina Newcomer{number}") for number in range(8)]
    stage.tenant.create_group("Sales, EMEA", members=[one.id for one in hired[:2]])
    await house.connect(stage, sync=True)
    await house.sync(full=True)
    return stage.tenant


async def put(door: HouseDoor, *typed: str, yes: bool = False, dry_run: bool = False) -> int:
    change = assigning([parse_assignment(one) for one in typed])
    return await save(door, change, yes=yes, dry_run=dry_run)


async def test_everything_is_shown_with_the_console_s_words(
    door: HouseDoor, capsys: Captured
) -> None:
    """One line each, in the order of the dialog."""
    code = await show(door, list(LABELS))

    lines = capsys.readouterr().out.splitlines()
    assert code == Exit.DONE
    assert [one.split()[0] for one in lines] == list(LABELS)
    assert lines[1].split(maxsplit=2)[1:] == ["SyncAllUsers", "Who is synchronised: Everyone"]


async def test_what_changes_is_said_and_saved(door: HouseDoor, capsys: Captured) -> None:
    """With both values, as the journal has it."""
    code = await put(door, "guests=on", "nightly_hour=3")

    assert code == Exit.DONE
    assert capsys.readouterr().out.splitlines() == [
        "Include guests from off to on.",
        "Hour of the nightly sync from “2” to “3”.",
        "Saved as version 1.",
    ]
    stored = await door.api.house.settings()
    assert (stored.rules.scope.guests, stored.schedule.nightly_hour) == (True, 3)


async def test_a_dry_run_saves_nothing(door: HouseDoor, capsys: Captured) -> None:
    """And says that it did not."""
    await put(door, "guests=on", dry_run=True)

    assert capsys.readouterr().out.endswith("Nothing was saved: --dry-run.\n")
    assert not (await door.api.house.settings()).rules.scope.guests


async def test_what_stands_already_is_not_saved_again(door: HouseDoor, capsys: Captured) -> None:
    """A script that runs each night fills no journal."""
    code = await put(door, "guests=off")

    assert code == Exit.DONE
    assert capsys.readouterr().out == "Nothing to change: all of it stands so already.\n"
    assert ("PUT", "/settings/people") not in door.asked


@pytest.mark.usefixtures("tenant")
async def test_many_leavers_are_told_and_nothing_is_saved(
    door: HouseDoor, capsys: Captured
) -> None:
    """As the console asks; a script that does not look must not empty a company."""
    upn = (await door.api.get("/people", limit=1))["people"][0]["upn"]

    refused = await put(door, "scope=SyncSelected", f"selected_users={upn}")
    told = capsys.readouterr().out

    assert refused == Exit.REFUSED
    assert "7 people of 8 with an extension would fall out of scope." in told
    assert "newcomer7@" in told
    assert "To save it: --yes." in told
    assert (await door.api.house.settings()).rules.scope.scope is Scope.ALL


@pytest.mark.usefixtures("tenant")
async def test_yes_saves_all_the_same(door: HouseDoor) -> None:
    """It is a question, no refusal."""
    upn = (await door.api.get("/people", limit=1))["people"][0]["upn"]

    code = await put(door, "scope=SyncSelected", f"selected_users={upn}", yes=True)

    rules = (await door.api.house.settings()).rules
    assert code == Exit.DONE
    assert (rules.scope.scope, len(rules.scope.selected_users)) == (Scope.SELECTED, 1)


@pytest.mark.usefixtures("tenant")
async def test_people_and_groups_are_named_as_people_know_them(
    door: HouseDoor, capsys: Captured
) -> None:
    """By UPN and by name, added and taken out, and shown so."""
    people = (await door.api.get("/people", limit=2))["people"]
    first, second = (one["upn"] for one in people)
    await put(door, f"not_recreated={first}, {second}", 'departments.groups="Sales, EMEA"')
    await put(door, f"not_recreated-={people[0]['id']}")
    capsys.readouterr()

    await show(door, ["rules.not_recreated", "rules.departments.groups"])

    rules = (await door.api.house.settings()).rules
    assert rules.not_recreated == {people[1]["id"]}
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[1] == second
    assert '"Sales, EMEA"' in lines[1]


@pytest.mark.usefixtures("tenant")
async def test_rules_are_tried_on_a_person_and_not_saved(door: HouseDoor, capsys: Captured) -> None:
    """What a field would get beside what it has."""
    upn = (await door.api.get("/people", limit=1))["people"][0]["upn"]
    before = await door.api.get("/settings/people")

    code = await tell_trial(door, upn, [parse_assignment("attributes.name=displayName")])

    lines = capsys.readouterr().out.splitlines()
    assert code == Exit.DONE
    assert lines[0].endswith("extension 100.")
    assert "  First name: “Nina Newcomer0” (now “Nina”). " in lines[1]
    assert await door.api.get("/settings/people") == before


@pytest.mark.usefixtures("tenant")
async def test_many_people_are_looked_for_in_one_list(
    door: HouseDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thousand UPNs are three questions, not a thousand."""
    monkeypatch.setattr("jackfield.cli.naming.FEW", 1)
    people = (await door.api.get("/people"))["people"]
    upns = ", ".join(one["upn"].upper() for one in people[:4])

    await put(door, f"not_recreated={upns}")

    assert (await door.api.house.settings()).rules.not_recreated == {
        one["id"] for one in people[:4]
    }
    assert sum(path.startswith("/people") for _, path in door.asked) == 1


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        pytest.param("nightly_hour=24", "In `settings.schedule`: The hour", id="rule"),
        pytest.param("time_zone=Mars/Olympus", "There is no time zone", id="zone"),
        pytest.param("scope=SyncSelected", "everybody would leave", id="nobody"),
        pytest.param(
            "selected_users=nobody@x.example",
            "`rules.scope.selected_users`: There is no",
            id="person",
        ),
        pytest.param("selected_groups=None", "There is no group 'None'", id="group"),
        pytest.param("selected_groups=A/B", "Give the object ID of the group", id="slash"),
    ],
)
async def test_a_value_that_cannot_be_used_is_the_command_s_usage(
    door: HouseDoor, typed: str, says: str
) -> None:
    """By the same rules as in the console and over the API."""
    with pytest.raises(CommandFailed) as refused:
        await put(door, typed)

    assert refused.value.code is Exit.USAGE
    assert says in str(refused.value)


async def test_a_file_is_put_in_place_of_what_stands(
    door: HouseDoor, tmp_path: Path, capsys: Captured
) -> None:
    """From one installation to another, or back from a repository."""
    stored = await door.api.get("/settings/people")
    stored["settings"]["approve"] = "by_hand"
    whole, inside = tmp_path / "show.json", tmp_path / "export.json"
    whole.write_bytes(msgspec.json.encode(stored))
    inside.write_bytes(msgspec.json.encode(stored["settings"]))

    await save(door, replacing(read_document(inside)))
    again = await save(door, replacing(read_document(whole)))

    assert (await door.api.house.settings()).approve is Approval.BY_HAND
    assert again == Exit.DONE
    assert capsys.readouterr().out.endswith("Nothing to change: all of it stands so already.\n")


async def test_a_file_with_a_misspelt_choice_is_refused(door: HouseDoor, tmp_path: Path) -> None:
    """Left out in silence it would be a default."""
    settings = (await door.api.get("/settings/people"))["settings"]
    file = tmp_path / "export.json"
    file.write_bytes(msgspec.json.encode({**settings, "aprove": "by_hand"}))

    with pytest.raises(CommandFailed, match="aprove"):
        await save(door, replacing(read_document(file)))


async def test_an_export_replaces_no_file_unasked(door: HouseDoor, tmp_path: Path) -> None:
    """It may be the only copy of what was chosen before."""
    file = tmp_path / "choices.json"
    await export(door, file, replace=False)

    with pytest.raises(CommandFailed, match="--replace replaces it") as refused:
        await export(door, file, replace=False)
    await export(door, file, replace=True)

    assert refused.value.code is Exit.USAGE
    assert read_document(file) == (await door.api.get("/settings/people"))["settings"]
    with pytest.raises(CommandFailed, match="Cannot write"):
        await export(door, tmp_path / "nowhere" / "choices.json", replace=False)


@pytest.mark.parametrize("content", ["[1]", "{", '{"version": 1, "settings": 5}'])
def test_a_file_that_is_no_document_is_said_so(tmp_path: Path, content: str) -> None:
    """Before anything is asked of a server."""
    file = tmp_path / "choices.json"
    file.write_text(content)

    with pytest.raises(CommandFailed, match="Cannot use") as refused:
        read_document(file)

    assert refused.value.code is Exit.USAGE


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        pytest.param(["set"], "takes at least one key=value", id="nothing"),
        pytest.param(["set", "guest=on"], "Did you mean `rules.scope.guests`?", id="near"),
        pytest.param(["set", "guests=on", "guests=off"], "more than once", id="twice"),
        pytest.param(["try", "ann", "guests=on"], "takes rules.attributes....", id="no_field"),
        pytest.param(["show", "guest"], "Did you mean `rules.scope.guests`?", id="show"),
    ],
)
def test_keys_are_judged_before_a_server_is_looked_for(
    tmp_path: Path, capsys: Captured, arguments: list[str], says: str
) -> None:
    """As all arguments are."""
    code = main(["settings", *arguments, "--data-dir", str(tmp_path)])

    assert code == Exit.USAGE
    assert says in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
