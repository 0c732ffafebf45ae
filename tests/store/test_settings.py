"""The administrator's choices: typed, versioned, journalled, and refused when broken."""

from dataclasses import replace
from datetime import datetime

import pytest

from core.sketches import AT_ONCE
from jackfield.core.departments import DepartmentRules, DepartmentSource
from jackfield.core.number_pools import NumberRules
from jackfield.core.people import GroupId, LeaverPolicy, ObjectId, Scope, ScopeRules
from jackfield.core.rules import GuardRules, PeopleRules, Threshold
from jackfield.core.schedule import ScheduleRules
from jackfield.store.database import Database
from jackfield.store.errors import BrokenDocument, VersionMoved
from jackfield.store.journal import load_lines
from jackfield.store.settings import (
    Approval,
    PeopleSettings,
    Stored,
    load_people_settings,
    save_people_settings,
    settings,
)

CHOSEN = PeopleSettings(
    enabled=True,
    rules=PeopleRules(
        scope=ScopeRules(
            Scope.SELECTED_GROUPS,
            frozenset(map(ObjectId, "xyz")),
            (GroupId("g2"), GroupId("g1")),
            guests=True,
        ),
        numbers=NumberRules("0200"),
        departments=DepartmentRules(DepartmentSource.CHOSEN, (GroupId("g1"),)),
        on_deleted=LeaverPolicy.REMOVE,
        remove_after=AT_ONCE,
    ),
    schedule=ScheduleRules(0, 23, "Europe/Berlin"),
    approve=Approval.BY_HAND,
)


async def save(
    database: Database, now: datetime, value: PeopleSettings, version: int, by: str = "anna"
) -> Stored[PeopleSettings]:
    async with database.write() as tx:
        return await save_people_settings(tx, 1, value, expected_version=version, by=by, now=now)


async def spoil(database: Database, now: datetime, document: str) -> None:
    await save(database, now, PeopleSettings(), 0)
    async with database.write() as tx:
        await tx.run(settings.update().values(document=document))


async def test_settings_come_back_as_they_were_saved(database: Database, now: datetime) -> None:
    """The order of groups is the administrator's, and decides the primary department."""
    async with database.read() as tx:
        before = await load_people_settings(tx, 1)
    saved = await save(database, now, CHOSEN, 0)

    async with database.read() as tx:
        loaded = await load_people_settings(tx, 1)

    assert before == Stored(PeopleSettings(), 0)
    assert before.value.schedule == ScheduleRules(60, 2, "")
    assert saved == loaded == Stored(CHOSEN, 1, now, "anna")


async def test_settings_saved_before_a_guard_existed_are_read_with_its_default(
    database: Database, now: datetime
) -> None:
    """An upgrade must not turn the settings into a broken document, nor leave a guard off."""
    await spoil(database, now, '{"rules": {"guards": {"removals": {"number": 1, "percent": 2.0}}}}')

    async with database.read() as tx:
        guards = (await load_people_settings(tx, 1)).value.rules.guards

    assert guards == GuardRules(removals=Threshold(1, 2.0))
    assert {guards.losses, guards.departments, guards.memberships} == {Threshold(5, 10.0)}


async def test_of_two_administrators_the_second_is_told(database: Database, now: datetime) -> None:
    """Saving over somebody's change in silence is how a scope grows overnight."""
    await save(database, now, CHOSEN, 0)
    with pytest.raises(VersionMoved):
        await save(database, now, PeopleSettings(), 0, by="bo")

    await save(database, now, replace(CHOSEN, enabled=False), 1)
    with pytest.raises(VersionMoved):
        await save(database, now, PeopleSettings(), 1, by="bo")

    async with database.read() as tx:
        assert (await load_people_settings(tx, 1)).version == 2


async def test_every_change_is_in_the_journal(database: Database, now: datetime) -> None:
    """Who switched guests on, and when?"""
    await save(database, now, PeopleSettings(enabled=True), 0)
    guests = replace(PeopleSettings().rules, scope=ScopeRules(guests=True))
    await save(database, now, PeopleSettings(enabled=True, rules=guests), 1, by="bo")

    async with database.read() as tx:
        page = await load_lines(tx, 1)

    second, first = page.lines
    assert first.text == "The people settings were changed: People sync from off to on."
    assert (first.by, second.by, second.kind) == ("anna", "bo", "settings.changed")
    assert second.text == ("The people settings were changed: Include guests from off to on.")
    assert second.data["before"]["rules"]["scope"]["guests"] is False
    assert second.data["after"]["rules"]["scope"]["guests"] is True


@pytest.mark.parametrize(
    ("value", "said"),
    [
        pytest.param(PeopleSettings(schedule=ScheduleRules(nightly_hour=24)), "0 to 23", id="hour"),
        pytest.param(
            PeopleSettings(schedule=ScheduleRules(delta_interval_s=1)),
            "0 .off. or 5",
            id="interval",
        ),
        pytest.param(
            PeopleSettings(schedule=ScheduleRules(time_zone="Europe/Atlantis")),
            "time zone",
            id="zone",
        ),
    ],
)
async def test_values_that_cannot_be_kept_are_refused(
    database: Database, now: datetime, value: PeopleSettings, said: str
) -> None:
    """The message stands beside the field; nothing is half saved."""
    with pytest.raises(ValueError, match=said):
        await save(database, now, value, 0)

    async with database.read() as tx:
        assert (await load_people_settings(tx, 1)).version == 0


@pytest.mark.parametrize(
    ("document", "place"),
    [
        pytest.param("{", "truncated", id="not_json"),
        pytest.param('{"enabled": "perhaps"}', r"\$\.enabled", id="wrong_type"),
        pytest.param(
            '{"rules": {"scope": {"scope": "x"}}}', r"\$\.rules\.scope\.scope", id="value"
        ),
        pytest.param('{"rules": {"numbres": {}}}', r"\$\.rules\.numbres", id="unknown_key"),
        pytest.param('{"schedule": {"nightly_hour": 99}}', "0 to 23", id="impossible"),
        pytest.param("[]", "Expected `object`", id="no_object"),
    ],
)
async def test_a_broken_document_is_named_with_its_place(
    database: Database, now: datetime, document: str, place: str
) -> None:
    """A backup of a newer version, or a hand in the database: never a silent default."""
    await spoil(database, now, document)

    async with database.read() as tx:
        with pytest.raises(BrokenDocument, match=place) as caught:
            await load_people_settings(tx, 1)

    assert "'people' of tenant 1 (version 1, by anna)" in str(caught.value)
    await save(database, now, CHOSEN, caught.value.version)
