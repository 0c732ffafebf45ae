"""Changed rules reach back to Graph: what a field follows is asked for before it is believed."""

from dataclasses import replace
from typing import Any

from doubles.house import House, Interlude
from jackfield.core.attributes import AttributeRules, Source
from jackfield.core.people import ObjectId
from jackfield.core.rules import PeopleRules
from jackfield.store.cursors import Resource, load_cursor
from jackfield.store.people import load_people
from m365_emulator.server import Emulator

SEVENTH = "extensionAttribute7"
RULES = PeopleRules(
    attributes=AttributeRules(
        company=Source.EXTENSION_ATTRIBUTE_3, caller_id=Source.EXTENSION_ATTRIBUTE_7
    )
)


def beside(**values: str) -> dict[str, Any]:
    return {"onPremisesExtensionAttributes": values}


async def office(house: House) -> Emulator:
    """Three people under the usual rules; two of them have numbers in a free attribute."""
    stage = house.raise_stage(people=0)
    for name, number in (("Ada One", "020 7946 0001"), ("Ben Two", "020 7946 0002")):
        stage.tenant.hire(
            name,
            usageLocation="GB",
            businessPhones=["020 7946 0100"],
            companyName="Usual",
            **beside(extensionAttribute3="House of " + name[:3], extensionAttribute7=number),
        )
    stage.tenant.hire("Cem Three", usageLocation="GB", businessPhones=["020 7946 0103"])
    await house.connect(stage)
    await house.sync(full=True)
    return stage


async def shown(house: House) -> dict[str, tuple[str, str]]:
    return {
        name: (one.fields.company, one.fields.caller_id)
        for name, one in (await house.by_name()).items()
    }


def selected(stage: Emulator, after: int) -> list[bool]:
    """For each question about users since: whether the free attributes were asked for."""
    return [
        "onPremisesExtensionAttributes" in one.query
        for one in stage.journal.last(1000, after=after)
        if one.path.startswith("/v1.0/users") and "$select" in one.query
    ]


async def test_a_rule_that_needs_more_has_everyone_read_again_with_it(house: House) -> None:
    """A delta link gives what it was made for, and nobody else's change would ever show more."""
    stage = await office(house)
    before = stage.journal.total
    await house.choose(RULES)

    await house.sync()

    assert set(selected(stage, before)) == {True}
    assert await shown(house) == {
        "Ada One": ("House of Ada", "+442079460001"),
        "Ben Two": ("House of Ben", "+442079460002"),
        "Cem Three": ("", ""),
    }


async def test_from_then_on_changes_are_enough(house: House) -> None:
    """Everyone again each minute would be a hundred times the work."""
    stage = await office(house)
    await house.choose(RULES)
    await house.sync()
    await house.sync()
    before, people = stage.journal.total, {one.display_name: one for one in stage.tenant.people()}
    stage.tenant.update(people["Ada One"].id, **beside(extensionAttribute7="020 7946 0009"))
    stage.tenant.update(people["Ben Two"].id, onPremisesExtensionAttributes=None)

    await house.sync()

    paths = [one.path for one in stage.journal.last(100, after=before)]
    assert paths == ["/v1.0/users/delta", "/v1.0/groups/delta"]
    assert await shown(house) == {
        "Ada One": ("", "+442079460009"),
        "Ben Two": ("", ""),
        "Cem Three": ("", ""),
    }


async def test_nothing_is_cleared_for_what_was_not_read(house: House) -> None:
    """The rule is changed while a round runs that has not asked for its attribute."""
    stage = await office(house)
    usual = await shown(house)
    people = {one.display_name: one for one in stage.tenant.people()}
    stage.tenant.update(people["Cem Three"].id, companyName="New")
    hook = Interlude("page users", 1, lambda: house.choose(RULES))
    await house.restart(hook)

    await house.sync()
    between = await shown(house)
    reasons = await house.planning.explain(1, ObjectId(people["Ada One"].id))
    await house.sync()

    assert between == usual
    assert (
        "Outbound caller ID: extensionAttribute7 has not been read from Microsoft 365 yet; the"
        " field stays as it is until the next sync has read everyone."
    ) in reasons
    assert reasons[-1] == "Nothing is to be done."
    assert (await shown(house))["Ada One"] == ("House of Ada", "+442079460001")


async def test_one_person_is_read_with_what_the_rules_need(house: House) -> None:
    """Sync now for somebody must not wait for everybody."""
    stage = await office(house)
    ada = next(one for one in stage.tenant.people() if one.display_name == "Ada One")
    await house.choose(RULES)

    await house.sync(person=ada.user_principal_name)

    assert (await shown(house))["Ada One"] == ("House of Ada", "+442079460001")
    assert (await shown(house))["Ben Two"] == ("Usual", "+442079460100")


async def test_what_no_rule_follows_is_forgotten_with_the_next_full_round(house: House) -> None:
    """A customer's directory may keep there what is nobody's business."""
    await office(house)
    await house.choose(RULES)
    await house.sync()
    await house.choose(PeopleRules())

    async def known() -> tuple[set[bool], tuple[str, ...]]:
        async with house.database.read() as tx:
            people = await load_people(tx, 1)
            cursor = await load_cursor(tx, 1, Resource.USERS)
        return {one.extension_attributes is None for one in people.values()}, cursor.extras

    await house.sync()
    after_delta = await known()
    await house.sync(full=True)

    assert after_delta == ({False}, ("onPremisesExtensionAttributes",))
    assert await known() == ({True}, ())
    assert (await shown(house))["Ada One"] == ("Usual", "+442079460100")


async def test_a_newcomer_waits_for_what_is_not_read_but_not_for_a_phone(house: House) -> None:
    """The extension is made, and the field follows with the reading of everyone."""
    stage = await office(house)
    dan = stage.tenant.hire("Dan Four", usageLocation="GB", **beside(extensionAttribute3="Dan's"))
    await house.sync()
    await house.choose(replace(RULES, recreate=True))

    async with house.database.read() as tx:
        (before,) = (await load_people(tx, 1, [ObjectId(dan.id)])).values()
    await house.sync()

    assert before.extension_attributes is None
    assert (await shown(house))["Dan Four"] == ("Dan's", "")
