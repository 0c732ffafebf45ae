"""Saving a scope that would make many people leavers: it is said first."""

from __future__ import annotations

from dataclasses import replace

from doubles.house import House
from doubles.web_visitor import Visitor
from jackfield.core.people import GroupId, LeaverPolicy, Scope, ScopeRules
from jackfield.core.rules import PeopleRules
from jackfield.flows.scope_changes import foresee_leavers
from jackfield.store.cursors import forget_cursors
from jackfield.store.settings import Approval, load_people_settings
from web.test_sync_form import VALID


async def _synced(house: House, people: int = 8) -> dict[str, str]:
    """A house of so many newcomers with an extension; a form that selects one of them."""
    stage = house.raise_stage(people=0)
    for number in range(people):
        stage.tenant.hire(f"Nina Newcomer{number}")
    await house.connect(stage, sync=True)
    await house.choose(PeopleRules(on_out_of_scope=LeaverPolicy.DISABLE))
    await house.sync(full=True)
    return {
        **VALID,
        "version": str(await _version(house)),
        "on_out_of_scope": "disable",
        "scope": Scope.SELECTED.value,
        "users": min(await house.links()),
    }


async def _version(house: House) -> int:
    async with house.database.read() as tx:
        return (await load_people_settings(tx, 1)).version


async def test_many_leavers_are_told_before_anything_is_saved(house: House, admin: Visitor) -> None:
    """One click too many must not cost a company its phones."""
    form = await _synced(house)

    answer = await admin.post("/users/m365", form)

    assert answer.status == 409
    said = "Not saved yet: 7 people of 8 with an extension would fall out of scope."
    assert said in answer.page.text
    assert "As chosen, their extensions are disabled" in answer.page.text
    assert ", Nina Newcomer" in answer.page.text
    assert {"sync-preview", "sync-save"} <= set(answer.page.ids())
    assert (await house.settings()).rules.scope.scope is Scope.ALL


async def test_who_was_told_can_save_all_the_same(house: House, admin: Visitor) -> None:
    """It is a question, no refusal; the guards stand behind it."""
    form = await _synced(house)
    sure = {**form, "leavers": "7", "drastic": "save"}

    answer = await admin.post("/users/m365", sure)

    assert answer.status == 303
    stored = await house.settings()
    assert (stored.rules.scope.scope, stored.approve) == (Scope.SELECTED, Approval.AUTOMATIC)


async def test_preview_first_lets_nothing_happen_unseen(house: House, admin: Visitor) -> None:
    """Plans wait from then on, and the first one is made at once."""
    form = await _synced(house)
    careful = {**form, "leavers": "7", "drastic": "preview"}

    answer = await admin.post("/users/m365", careful)
    await house.runner.idle()

    stored = await house.settings()
    assert (answer.status, answer.headers["location"]) == (303, "/plans")
    assert (stored.rules.scope.scope, stored.approve) == (Scope.SELECTED, Approval.BY_HAND)
    assert (await house.plans())[0].held_counts == {"disable_extension": 7}


async def test_an_answer_counts_for_as_many_as_were_told(house: House, admin: Visitor) -> None:
    """Who goes on choosing after the question is asked again where it became worse."""
    form = await _synced(house)
    worse = {**form, "leavers": "6", "drastic": "save"}

    assert (await admin.post("/users/m365", worse)).status == 409
    assert (await house.settings()).rules.scope.scope is Scope.ALL


async def test_few_leavers_are_nothing_to_ask_about(house: House, admin: Visitor) -> None:
    """The same figures as the guards': five of eight are let through."""
    form = await _synced(house)
    ids = sorted((await house.links()).keys())
    few = {**form, "users": " ".join(ids[:3])}

    assert (await admin.post("/users/m365", few)).status == 303


async def test_groups_that_were_never_read_make_nobody_a_leaver(house: House) -> None:
    """As in the sync itself: what is not known counts against nobody."""
    await _synced(house)
    stored = (await house.settings()).rules
    group = ScopeRules(Scope.SELECTED_GROUPS, selected_groups=(GroupId("a group"),))
    wanted = replace(stored, scope=group)
    known = await foresee_leavers(house.database, 1, stored, wanted, now=house.clock.now())
    async with house.database.write() as tx:
        await forget_cursors(tx, 1)

    unknown = await foresee_leavers(house.database, 1, stored, wanted, now=house.clock.now())

    assert known is not None
    assert known.count == 8
    assert unknown is None


async def test_a_policy_that_hits_standing_leavers_is_told_too(
    house: House, admin: Visitor
) -> None:
    """Seventy kept leavers became seventy removals, and nothing said so."""
    form = {**await _synced(house), "scope": Scope.ALL.value, "users": ""}
    (stage,) = house.stages.values()
    for person in sorted(await house.links())[:7]:
        stage.tenant.delete(person)
    rules = PeopleRules(on_deleted=LeaverPolicy.KEEP, on_out_of_scope=LeaverPolicy.DISABLE)
    await house.choose(rules)
    await house.sync(full=True)
    await house.approve((await house.plans())[0].id, release=True)
    form |= {"version": str(await _version(house)), "on_deleted": "remove"}

    at_once = await admin.post("/users/m365", {**form, "remove_after_deleted": "0"})
    kept = await admin.post("/users/m365", {**form, "on_deleted": "keep"})

    said = "7 people of 8 with an extension have left, and by this policy would lose it at once."
    assert at_once.status == 409
    assert f"Not saved yet: {said}" in at_once.page.text
    assert "their extensions are removed; a guard holds that back" in at_once.page.text
    assert kept.status == 303
