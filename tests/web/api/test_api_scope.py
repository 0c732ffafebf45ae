"""Saving a scope over the API that would make many people leavers: it is said first."""

from __future__ import annotations

from typing import Any

import pytest

from doubles.api_caller import ApiCaller
from doubles.house import House
from jackfield.core.people import LeaverPolicy, Scope
from jackfield.core.rules import PeopleRules


@pytest.fixture
async def eight(house: House, api: ApiCaller) -> ApiCaller:
    """Eight newcomers, each with an extension."""
    stage = house.raise_stage(people=0)
    for number in range(8):
        stage.tenant.hire(f"Nina Newcomer{number}")
    await house.connect(stage, sync=True)
    await house.choose(PeopleRules(on_out_of_scope=LeaverPolicy.DISABLE))
    await house.sync(full=True)
    return api


async def drastic(api: ApiCaller, keep: int = 1) -> dict[str, Any]:
    """The settings as they stand, with only so many of the people selected."""
    document: dict[str, Any] = await api.get("/settings/people")
    scope = document["settings"]["rules"]["scope"]
    scope["scope"] = Scope.SELECTED.value
    scope["selected_users"] = sorted(await api.house.links())[:keep]
    return document


async def test_a_script_is_told_of_many_leavers_before_anything_is_saved(eight: ApiCaller) -> None:
    """The refusal says how many, what becomes of them, and how to go on."""
    answer = await eight.ask("PUT", "/settings/people", await drastic(eight))

    assert answer.status == 409
    assert answer.detail == (
        "Not saved: 7 people of 8 with an extension would fall out of scope. As chosen, their"
        " extensions are disabled; a guard holds that back until you release it. POST"
        " /settings/people/preview names them; to save it all the same, send"
        ' "leavers": 7 beside "settings".'
    )
    assert (await eight.house.settings()).rules.scope.scope is Scope.ALL


async def test_whoever_knows_how_many_saves_all_the_same(eight: ApiCaller) -> None:
    """For as many as they say, and no more."""
    document = await drastic(eight)

    few = await eight.ask("PUT", "/settings/people", {**document, "leavers": 6})
    saved = await eight.put("/settings/people", {**document, "leavers": 7})

    assert few.status == 409
    assert saved["settings"]["rules"]["scope"]["scope"] == Scope.SELECTED.value


async def test_few_leavers_are_saved_unasked(eight: ApiCaller) -> None:
    """The guards' figures decide: five of eight are let through."""
    saved = await eight.put("/settings/people", await drastic(eight, keep=3))

    assert saved["version"] == 3


async def test_a_preview_says_what_would_change_and_who_would_leave(eight: ApiCaller) -> None:
    """Everything that a person would look at before, and nothing is saved."""
    before = await eight.get("/settings/people")

    told = await eight.post("/settings/people/preview", await drastic(eight))

    assert told["changes"][0] == "Who is synchronised from “Everyone” to “Selected people”"
    assert "added Nina Newcomer" in told["changes"][1]
    assert (told["leaving"]["count"], told["leaving"]["linked"]) == (7, 8)
    names = [one["display_name"] for one in told["leaving"]["people"]]
    assert names == sorted(names)
    assert len(set(names)) == 7
    assert await eight.get("/settings/people") == before


async def test_a_preview_of_nothing_says_nothing(eight: ApiCaller) -> None:
    """A script can ask whether its document still is what stands."""
    told = await eight.post("/settings/people/preview", await eight.get("/settings/people"))

    assert told == {"changes": [], "leaving": None, "remarks": []}


async def test_a_preview_refuses_what_saving_would_refuse(eight: ApiCaller) -> None:
    """Impossible values, and settings that somebody else has changed meanwhile."""
    document = await drastic(eight)
    document["settings"]["schedule"]["nightly_hour"] = 24
    stale = {**await drastic(eight), "version": 1}

    impossible = await eight.ask("POST", "/settings/people/preview", document)
    moved = await eight.ask("POST", "/settings/people/preview", stale)

    assert (impossible.status, moved.status) == (422, 409)
    assert "it takes 0 to 23" in impossible.detail
    assert "at version 2, no longer at 1" in moved.detail


async def test_a_preview_remarks_on_what_may_not_be_meant(eight: ApiCaller) -> None:
    """As the console does after saving."""
    document = await eight.get("/settings/people")
    document["settings"]["rules"]["numbers"]["ranges"] = [
        {"first": "200", "last": "299"},
        {"first": "250", "last": "399"},
    ]

    told = await eight.post("/settings/people/preview", document)

    assert told["changes"] == ["Ranges for newcomers from nothing to “200-299, 250-399”"]
    assert told["remarks"] == ["The ranges 200-299 and 250-399 overlap; a number is given once."]
