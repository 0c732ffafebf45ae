"""The rules about people, each told from the tenant's change to the phone system itself."""

from dataclasses import replace

import pytest

from doubles.house import House
from jackfield.core.attributes import AttributeRules, Source
from jackfield.core.extensions import ExtensionFields, Field
from jackfield.core.number_pools import NumberRules
from jackfield.core.numbering import NumberRange
from jackfield.core.people import LeaverPolicy, ObjectId, Scope, ScopeRules
from jackfield.core.rules import PeopleRules
from jackfield.core.schedule import ScheduleRules
from jackfield.pbx.builtin import BuiltInPhones
from jackfield.pbx.port import Done, RemoveExtensionWrite, UpdateExtensionWrite
from jackfield.store.plans import StoredPlan
from m365_emulator.resources import User
from m365_emulator.tenant import Tenant

DAY_S = 24 * 3600.0


async def empty_stage(house: House) -> Tenant:
    """A connected organisation that nobody works in yet."""
    stage = house.raise_stage(people=0)
    await house.connect(stage)
    return stage.tenant


async def by_hand(house: House, number: str, **fields: str) -> None:
    """An administrator makes an extension in the phone system."""
    phone = house.phone(1)
    assert isinstance(phone, BuiltInPhones)
    outcome = await phone.create_extension(number, ExtensionFields(**fields))
    assert isinstance(outcome, Done)


async def delete_by_hand(house: House, name: str) -> None:
    one = (await house.by_name())[name]
    await house.phone(1).write([RemoveExtensionWrite(one.key, one.number)])


def refused(plan: StoredPlan) -> dict[str, str]:
    """Who was refused, and why."""
    return {refusal.name: f"{refusal.kind}: {refusal.because}" for refusal in plan.refusals}


@pytest.mark.parametrize("full", [False, True], ids=["by_delta", "by_the_nightly_run"])
async def test_u_01_a_field_changed_in_the_phone_system_is_put_back(
    house: House, full: bool
) -> None:
    """One way, always: Microsoft 365 owns the synced fields."""
    tenant = await empty_stage(house)
    tenant.hire("Ada Lovelace", mobilePhone="+44 20 7946 0001", companyName="Analytical")
    await house.sync(full=True)
    (before,) = await house.extensions()
    changes = dict.fromkeys(set(Field) - {Field.CALLER_ID}, "x")
    changes |= {Field.EMAIL: "x@example.org", Field.MOBILE: "123"}
    await house.phone(1).write([UpdateExtensionWrite(before.key, changes)])

    run = await house.sync(full=full)

    assert run.text.startswith("Extension 100 of Ada Lovelace updated.")
    assert await house.extensions() == [before]
    (action,) = await house.actions((await house.plans())[0].id)
    assert "Changed in the phone system; put back" in action.action.changes[0].because


async def test_u_02_the_nightly_run_brings_everybody(house: House) -> None:
    """The full reconciliation stays, whatever the delta has missed."""
    tenant = await empty_stage(house)
    await house.choose(
        schedule=ScheduleRules(delta_interval_s=0, nightly_hour=2, time_zone="UTC"), enabled=True
    )
    await house.sweep()
    tenant.hire("Nina Newcomer")

    by_day = await house.sweep(after_s=3600)
    by_night = await house.sweep(after_s=DAY_S)

    assert (by_day, by_night) == (0, 1)
    assert await house.numbers() == {"Nina Newcomer": "100"}


async def test_u_02_a_newcomer_is_there_within_a_minute(house: House) -> None:
    """Nobody waits for the night."""
    tenant = await empty_stage(house)
    await house.choose(enabled=True)
    await house.sweep()
    tenant.hire("Nina Newcomer")

    await house.sweep(after_s=60)

    assert await house.numbers() == {"Nina Newcomer": "100"}


@pytest.mark.parametrize("full", [False, True], ids=["by_delta", "by_the_nightly_run"])
async def test_u_03_an_extension_deleted_in_the_phone_system_is_back_with_its_number(
    house: House, full: bool
) -> None:
    """Who is in the scope has an extension, and people know its number."""
    tenant = await empty_stage(house)
    for name in ("Ada One", "Ben Two", "Cem Three"):
        tenant.hire(name)
    await house.sync(full=True)
    before = await house.numbers()
    await delete_by_hand(house, "Ben Two")
    tenant.hire("Abe Zero")  # comes before Ben, and must not get his number

    await house.sync(full=full)

    assert await house.numbers() == {**before, "Abe Zero": "103"}


async def test_u_03_a_taken_number_is_not_taken_back(house: House) -> None:
    """A number is never taken from somebody who has it."""
    tenant = await empty_stage(house)
    tenant.hire("Ada One")
    tenant.hire("Ben Two")
    await house.sync(full=True)
    await delete_by_hand(house, "Ada One")
    await by_hand(house, "100", first_name="Reception")

    await house.sync()

    assert await house.numbers() == {"Reception": "100", "Ben Two": "101", "Ada One": "102"}


async def test_u_06_the_651st_user_is_synced(house: House) -> None:
    """There is no limit of 650."""
    stage = house.raise_stage(people=800)
    await house.connect(stage)
    everyone = ScopeRules(guests=True, mailbox_licence_only=False)
    await house.choose(PeopleRules(scope=everyone))

    run = await house.sync(full=True)

    in_scope = [
        one
        for one in stage.tenant.people()
        if one.account_enabled
        and not any(
            plan.service_plan_id == "f47330e9-c134-43b3-9993-e7f004506889"
            for plan in one.assigned_plans
        )
    ]
    assert run.counts["create_extension"] == len(await house.extensions())
    assert len(await house.extensions()) == len(in_scope) > 650


async def test_u_07_numbers_begin_at_the_start_number(house: House) -> None:
    """The lowest free one from there on, never one below."""
    tenant = await empty_stage(house)
    await house.choose(PeopleRules(numbers=NumberRules(start="205")))
    await by_hand(house, "206", first_name="Fax")
    for name in ("Ada One", "Ben Two", "Cem Three"):
        tenant.hire(name)

    await house.sync(full=True)

    numbers = await house.numbers()
    assert numbers == {"Fax": "206", "Ada One": "205", "Ben Two": "207", "Cem Three": "208"}


async def test_u_07_an_exhausted_range_is_an_error_of_its_people_only(house: House) -> None:
    """Below the start number nothing is given, even if nothing else is free."""
    house.phones[1] = BuiltInPhones(
        house.database, 1, house.clock, ranges=(NumberRange("100", "201"),)
    )
    tenant = await empty_stage(house)
    await house.choose(PeopleRules(numbers=NumberRules(start="200")))
    for name in ("Ada One", "Ben Two", "Cem Three", "Dan Four"):
        tenant.hire(name)

    run = await house.sync(full=True)

    assert await house.numbers() == {"Ada One": "200", "Ben Two": "201"}
    problems = refused((await house.plans())[0])
    assert problems.keys() == {"Cem Three", "Dan Four"}
    assert problems["Dan Four"].startswith("range_exhausted: There is no free number")
    assert "For 2 people nothing can be done" in run.text


async def test_u_08_without_a_start_number_the_first_range_serves(house: House) -> None:
    """The lowest free number of the phone system's first user range, in the system's order."""
    ranges = (NumberRange("300", "399"), NumberRange("100", "199"))
    house.phones[1] = BuiltInPhones(house.database, 1, house.clock, ranges=ranges)
    tenant = await empty_stage(house)
    await by_hand(house, "300", first_name="Fax")
    tenant.hire("Ada One")

    await house.sync(full=True)

    assert (await house.numbers())["Ada One"] == "301"


async def test_u_09_numbers_go_by_name_and_then_by_object_id(house: House) -> None:
    """The same order in every run and in the preview: display name casefolded, then object id."""
    tenant = await empty_stage(house)
    twins = sorted(tenant.hire("anna same").id for _ in range(3))
    for name in ("Zoe Last", "BERT middle", "Ärne after-z"):
        tenant.hire(name)
    await house.sync(preview=True)
    previewed = [one.action for one in await house.actions((await house.plans())[0].id)]

    await house.sync(full=True)

    shown = {one.person: one.number for one in previewed}
    assert [await house.number_of(one) for one in twins] == ["100", "101", "102"]
    numbers = await house.numbers()
    assert numbers["BERT middle"] == "103"
    assert numbers["Zoe Last"] == "104"
    assert numbers["Ärne after-z"] == "105"
    assert shown == {link.person: link.number for link in (await house.links()).values()}


def people_of(tenant: Tenant) -> tuple[User, User, User]:
    return tenant.hire("Ada One"), tenant.hire("Ben Two"), tenant.hire("Cem Three")


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        pytest.param(Scope.ALL, {"Ada One", "Ben Two", "Cem Three"}, id="U-13 all"),
        pytest.param(
            Scope.ALL_EXCEPT_SELECTED, {"Ada One", "Cem Three"}, id="U-13 all except selected"
        ),
        pytest.param(Scope.SELECTED, {"Ben Two"}, id="U-13 only selected"),
        pytest.param(Scope.SELECTED_GROUPS, {"Cem Three"}, id="U-13 selected groups"),
    ],
)
async def test_u_13_four_scopes(house: House, scope: Scope, expected: set[str]) -> None:
    """Exactly the four sets of the phone system's own dialog."""
    tenant = await empty_stage(house)
    _, ben, cem = people_of(tenant)
    group = tenant.create_group("Chosen", members=[cem.id])
    rules = ScopeRules(scope, frozenset({ObjectId(ben.id)}), (group.id,))
    await house.choose(PeopleRules(scope=rules))

    await house.sync(full=True)

    assert (await house.numbers()).keys() == expected


async def test_u_14_only_members_of_selected_groups(house: House) -> None:
    """A member of another group is nobody's business; who leaves the group is a leaver."""
    tenant = await empty_stage(house)
    ada, ben, _ = people_of(tenant)
    chosen = tenant.create_group("Chosen", members=[ada.id])
    tenant.create_group("Other", members=[ben.id])
    await house.choose(
        PeopleRules(
            scope=ScopeRules(Scope.SELECTED_GROUPS, selected_groups=(chosen.id,)),
            on_out_of_scope=LeaverPolicy.DISABLE,
        )
    )
    await house.sync(full=True)
    assert (await house.numbers()).keys() == {"Ada One"}

    tenant.move(ada.id, remove=[chosen.id])
    tenant.move(ben.id, add=[chosen.id])
    await house.sync()

    states = {name: one.enabled for name, one in (await house.by_name()).items()}
    assert states == {"Ada One": False, "Ben Two": True}


@pytest.mark.parametrize("guests", [False, True], ids=["off", "on"])
async def test_u_15_guests(house: House, guests: bool) -> None:
    """Guests get an extension when the administrator says so."""
    tenant = await empty_stage(house)
    tenant.hire("Ada One")
    tenant.hire("Gus Guest", userType="Guest")
    await house.choose(PeopleRules(scope=ScopeRules(guests=guests)))

    await house.sync(full=True)

    assert ("Gus Guest" in await house.numbers()) is guests


async def test_u_16_an_extension_with_the_same_mail_is_adopted(house: House) -> None:
    """The number that is on the business cards stays."""
    tenant = await empty_stage(house)
    ada = tenant.hire("Ada One")
    await by_hand(
        house, "777", first_name="A.", email=(ada.mail or "").upper(), company="From before"
    )

    await house.sync(full=True)

    (extension,) = await house.extensions()
    assert extension.number == "777"
    assert extension.external_key == ada.id
    assert extension.fields.first_name == "Ada"
    plan = (await house.plans())[0]
    assert plan.counts == {"adopt_extension": 1}


async def test_u_16_what_is_doubtful_creates_nothing(house: House) -> None:
    """Two extensions with one mail, or one mail on two people: somebody has to look."""
    tenant = await empty_stage(house)
    ada = tenant.hire("Ada One")
    ben = tenant.hire("Ben Two")
    tenant.update(ben.id, mail="office@example.org")
    cem = tenant.hire("Cem Three")
    tenant.update(cem.id, mail="Office@example.org")
    await by_hand(house, "701", first_name="Twice", email=ada.mail or "")
    await by_hand(house, "702", first_name="Twice", email=ada.mail or "")
    await by_hand(house, "703", first_name="Office", email="office@example.org")

    run = await house.sync(full=True)

    assert len(await house.extensions()) == 3
    problems = refused((await house.plans())[0])
    assert problems.keys() == {"Ada One", "Ben Two", "Cem Three"}
    assert "701, 702" in problems["Ada One"]
    assert "several people" in problems["Ben Two"]
    assert "For 3 people nothing can be done" in run.text


async def test_u_17_accounts_that_are_no_people_get_none(house: House) -> None:
    """Shared mailboxes, rooms, equipment and resource accounts do not talk on the phone."""
    stage = house.raise_stage(people=120)
    await house.connect(stage)

    await house.sync(full=True)

    licensed = {
        one.id
        for one in stage.tenant.people()
        if one.account_enabled
        and one.user_type != "Guest"
        and any(plan.service == "exchange" for plan in one.assigned_plans if _carries_mail(plan))
    }
    assert (await house.links()).keys() == licensed


async def test_u_17_one_click_takes_in_everyone(house: House) -> None:
    """The licence rule is the administrator's; who was disabled from the start waits anyway."""
    tenant = await empty_stage(house)
    tenant.hire("Una Unlicensed", skus=[])
    waits = tenant.hire("Dora Disabled", accountEnabled=False)
    await house.sync(full=True)
    assert await house.numbers() == {}

    await house.choose(PeopleRules(scope=ScopeRules(mailbox_licence_only=False)))
    await house.sync()
    assert (await house.numbers()).keys() == {"Una Unlicensed"}

    tenant.enable(waits.id)
    await house.sync()
    assert (await house.numbers()).keys() == {"Una Unlicensed", "Dora Disabled"}


async def test_u_17_who_loses_the_licence_is_a_leaver_and_not_removed(house: House) -> None:
    """A licence taken away by mistake must not cost a number."""
    tenant = await empty_stage(house)
    ada = tenant.hire("Ada One")
    await house.choose(PeopleRules(on_out_of_scope=LeaverPolicy.DISABLE))
    await house.sync(full=True)

    tenant.assign_licences(ada.id)
    await house.sync()
    (without,) = await house.extensions()
    tenant.assign_licences(ada.id, "SPB")
    await house.sync()
    (again,) = await house.extensions()

    assert (without.enabled, again.enabled) == (False, True)
    assert again == replace(without, enabled=True)


def _carries_mail(plan: object) -> bool:
    """Plans of Exchange that come with a mailbox (Microsoft's list of service plans)."""
    return getattr(plan, "capability_status", "") in {"Enabled", "Warning"} and getattr(
        plan, "service_plan_id", ""
    ) in {
        "9aaf7827-d63c-4b61-89c3-182f06f82e5c",
        "efb87545-963c-4e0d-99df-69c6916d9eb0",
        "4a82b400-a79f-41a4-b4e2-e94f5787b113",
    }


async def test_u_11_the_office_phone_becomes_the_outbound_caller_id(house: House) -> None:
    """From what somebody typed to what a trunk takes, and it follows every change."""
    tenant = await empty_stage(house)
    ada = tenant.hire("Ada Lovelace", businessPhones=["020 7946 0101"], usageLocation="GB")
    eve = tenant.hire("Eve Elsewhere", businessPhones=["(425) 555-0100"], usageLocation="US")
    tenant.hire("Nat Nowhere", businessPhones=["020 7946 0102"], usageLocation=None)
    tenant.hire("Tom Text", businessPhones=["ask reception"], usageLocation="GB")

    async def shown() -> dict[str, str]:
        return {name: one.fields.caller_id for name, one in (await house.by_name()).items()}

    await house.sync(full=True)
    first = await shown()
    plan = (await house.plans())[0]
    tenant.update(ada.id, businessPhones=["+44 20 7946 0199"])
    tenant.update(eve.id, businessPhones=[])
    await house.sync()

    assert first == {
        "Ada Lovelace": "+442079460101",
        "Eve Elsewhere": "+14255550100",
        "Nat Nowhere": "+442079460102",  # the organisation is a British one
        "Tom Text": "",
    }
    assert [(one.name, one.text) for one in plan.notices] == [
        (
            "Tom Text",
            (
                "Outbound caller ID: “ask reception” (businessPhones) is not a phone number; it was"
                " left out."
            ),
        )
    ]
    assert await shown() == {**first, "Ada Lovelace": "+442079460199", "Eve Elsewhere": ""}


async def test_u_11_a_caller_id_set_by_hand_stays(house: House) -> None:
    """Never overwritten and never cleared, until somebody clears it in the phone system."""
    tenant = await empty_stage(house)
    ada = tenant.hire("Ada Lovelace", businessPhones=["020 7946 0101"], usageLocation="GB")
    ben = tenant.hire("Ben Bitdiddle", businessPhones=[], usageLocation="GB")
    await house.sync(full=True)
    people = await house.by_name()

    async def set_by_hand(number: str) -> None:
        for name in ("Ada Lovelace", "Ben Bitdiddle"):
            change = {Field.CALLER_ID: number}
            await house.phone(1).write([UpdateExtensionWrite(people[name].key, change)])

    async def shown() -> list[str]:
        return [one.fields.caller_id for one in await house.extensions()]

    await set_by_hand("+442079460000")
    run = await house.sync(full=True)
    tenant.update(ada.id, businessPhones=[])
    tenant.update(ben.id, businessPhones=["020 7946 0102"])
    await house.sync()
    kept = await shown()
    await set_by_hand("")
    await house.sync()

    assert run.text.startswith("Nothing to do")
    assert kept == ["+442079460000", "+442079460000"]
    assert await shown() == ["", "+442079460102"]


async def test_u_11_an_adopted_extension_follows_where_both_say_the_same(house: House) -> None:
    """Who changes over from another sync has equal numbers on both sides, and they live on."""
    tenant = await empty_stage(house)
    ada = tenant.hire("Ada Lovelace", businessPhones=["020 7946 0101"], usageLocation="GB")
    await by_hand(house, "204", email=ada.mail or "", caller_id="+442079460101")
    await house.sync(full=True)
    link = (await house.links())[ObjectId(ada.id)]

    tenant.update(ada.id, businessPhones=["020 7946 0102"])
    await house.sync()

    assert link.agreed.caller_id == "+442079460101"
    assert (await house.by_name())["Ada Lovelace"].fields.caller_id == "+442079460102"


async def test_u_11_switched_off_the_caller_id_is_left_untouched(house: House) -> None:
    """What stands there stays, also what Jackfield had set."""
    tenant = await empty_stage(house)
    ada = tenant.hire("Ada Lovelace", businessPhones=["020 7946 0101"], usageLocation="GB")
    await house.sync(full=True)
    await house.choose(PeopleRules(attributes=AttributeRules(caller_id=Source.NOT_SYNCED)))
    tenant.update(ada.id, businessPhones=[])
    tenant.hire("Ben Bitdiddle", businessPhones=["020 7946 0102"], usageLocation="GB")

    await house.sync()

    numbers = {name: one.fields.caller_id for name, one in (await house.by_name()).items()}
    assert numbers == {"Ada Lovelace": "+442079460101", "Ben Bitdiddle": ""}
