"""The rules about departments, from a group of the tenant to the phone system's department."""

from dataclasses import replace

import pytest

from core.sketches import AT_ONCE
from doubles.house import House
from jackfield.core.departments import DepartmentRules, DepartmentSource
from jackfield.core.people import GroupId, LeaverPolicy, ObjectId, Scope, ScopeRules
from jackfield.core.rules import PeopleRules
from jackfield.pbx.builtin import BuiltInPhones
from jackfield.pbx.port import Done, RenameDepartmentWrite, UpdateExtensionWrite
from jackfield.store.runs import RunStatus
from m365_emulator.resources import ObjectId as StageId
from m365_emulator.server import Emulator


async def office(house: House, groups: dict[str, list[str]]) -> tuple[Emulator, dict[str, StageId]]:
    """An organisation of the named people in the named groups, all of which become departments."""
    stage = house.raise_stage(people=0)
    tenant = stage.tenant
    ids: dict[str, StageId] = {}
    for name in sorted({name for members in groups.values() for name in members}):
        ids[name] = tenant.hire(name).id
    for name, members in groups.items():
        ids[name] = tenant.create_group(name, members=[ids[one] for one in members]).id
    await house.connect(stage)
    await house.choose(chosen(*[ids[name] for name in groups]))
    return stage, ids


def chosen(*groups: str) -> PeopleRules:
    listed = tuple(GroupId(one) for one in groups)
    return PeopleRules(departments=DepartmentRules(DepartmentSource.CHOSEN, listed))


async def department_by_hand(house: House, name: str) -> None:
    phone = house.phone(1)
    assert isinstance(phone, BuiltInPhones)
    assert isinstance(await phone.create_department(name), Done)


async def test_d_01_a_selected_group_becomes_a_department(house: House) -> None:
    """Created by the group's name, its members added, the first one primary."""
    await office(house, {"Sales": ["Ada One", "Ben Two"], "Support": ["Ben Two"]})

    await house.sync(full=True)

    assert await house.departments() == {"Sales": ["Ada One", "Ben Two"], "Support": ["Ben Two"]}
    ben = (await house.by_name())["Ben Two"]
    primary = {one.key: one.name for one in await house.phone(1).read_departments()}
    assert primary[ben.primary or ""] == "Sales"


async def test_d_01_selected_groups_of_the_scope_become_departments(house: House) -> None:
    """As in the phone system's own dialog: Select Departments selects people and departments."""
    _, ids = await office(house, {"Sales": ["Ada One"], "Support": ["Ben Two"]})
    scope = ScopeRules(Scope.SELECTED_GROUPS, selected_groups=(GroupId(ids["Sales"]),))
    await house.choose(PeopleRules(scope=scope))

    await house.sync(full=True)

    assert await house.departments() == {"Sales": ["Ada One"]}


async def test_d_01_nested_and_dynamic_groups_count_all_their_members(house: House) -> None:
    """Microsoft 365 tells direct members only; a department holds everybody below."""
    stage, ids = await office(house, {"Outer": ["Ada One"], "Inner": ["Ben Two"]})
    stage.tenant.add_member(ids["Outer"], ids["Inner"])
    ruled = stage.tenant.create_group("Ruled", membershipRule='user.city -eq "Ghent"')
    stage.tenant.hire("Cem Three", city="Ghent")
    await house.choose(chosen(ids["Outer"], ruled.id))

    await house.sync(full=True)

    departments = await house.departments()
    assert departments == {"Outer": ["Ada One", "Ben Two"], "Ruled": ["Cem Three"]}


async def test_d_02_a_department_made_by_hand_is_never_taken_over(house: House) -> None:
    """The group's own one gets a number behind its name."""
    await office(house, {"Sales": ["Ada One"]})
    await department_by_hand(house, "SALES")
    await department_by_hand(house, "Sales 1")

    await house.sync(full=True)

    assert await house.departments() == {"SALES": [], "Sales 1": [], "Sales 2": ["Ada One"]}


async def test_d_03_the_link_is_by_id_and_no_further_one_is_made(house: House) -> None:
    """Neither the next run nor a hand-made namesake leads to another department."""
    await office(house, {"Sales": ["Ada One"]})
    await department_by_hand(house, "Sales")
    await house.sync(full=True)

    again = await house.sync(full=True)

    assert again.text.startswith("Nothing to do")
    assert await house.departments() == {"Sales": [], "Sales 1": ["Ada One"]}


@pytest.mark.parametrize("full", [False, True], ids=["by_delta", "by_the_nightly_run"])
async def test_d_04_a_renamed_group_renames_its_department(house: House, full: bool) -> None:
    """Bound by id, the department follows; the members stay in it."""
    stage, ids = await office(house, {"Sales": ["Ada One"]})
    await house.sync(full=True)

    stage.tenant.rename_group(ids["Sales"], "Customers")
    await house.sync(full=full)

    assert await house.departments() == {"Customers": ["Ada One"]}


async def test_d_04_a_department_renamed_by_hand_keeps_its_name(house: House) -> None:
    """What somebody called it on purpose is not undone."""
    stage, ids = await office(house, {"Sales": ["Ada One"]})
    await house.sync(full=True)
    (sales,) = await house.phone(1).read_departments()
    await house.phone(1).write([RenameDepartmentWrite(sales.key, "Our heroes", "Sales")])

    stage.tenant.rename_group(ids["Sales"], "Customers")
    await house.sync(full=True)

    assert await house.departments() == {"Our heroes": ["Ada One"]}


async def test_d_04_a_vanished_group_leaves_its_department_flagged(house: House) -> None:
    """Nobody is moved because a group was deleted by mistake."""
    stage, ids = await office(house, {"Sales": ["Ada One"]})
    await house.sync(full=True)

    stage.tenant.delete_group(ids["Sales"])
    await house.sync()

    assert await house.departments() == {"Sales": ["Ada One"]}
    (action,) = await house.actions((await house.plans())[0].id)
    assert action.action.because.startswith("Its group was deleted in Microsoft 365")


async def test_d_05_without_the_permission_for_groups_everything_else_goes_on(
    house: House,
) -> None:
    """A consent older than the feature: said with the permission's name, and nobody suffers."""
    stage, ids = await office(house, {"Sales": ["Ada One"]})
    app = house.apps["localhost:8365"]
    await house.choose(
        PeopleRules(
            scope=ScopeRules(Scope.SELECTED_GROUPS, selected_groups=(GroupId(ids["Sales"]),)),
            on_out_of_scope=LeaverPolicy.REMOVE,
            remove_after=AT_ONCE,
        )
    )
    await house.sync(full=True)

    stage.registrations.grant(app, ["User.Read.All", "Organization.Read.All"])
    stage.tokens.revoke(app)
    ada = ids["Ada One"]
    stage.tenant.update(ada, jobTitle="Head of Sales")
    runs = [await house.sync(), await house.sync(full=True)]
    alarms = await house.alarms()

    assert [run.status for run in runs] == [RunStatus.DONE, RunStatus.DONE]
    (extension,) = await house.extensions()
    assert extension.fields.job_title == "Head of Sales"
    (alarm,) = alarms
    assert alarm.kind == "graph.groups"
    assert "GroupMember.Read.All" in alarm.text + alarm.next_step
    assert await house.departments() == {"Sales": ["Ada One"]}


async def test_d_05_why_says_what_the_sync_would_do_while_groups_cannot_be_read(
    house: House,
) -> None:
    """Whoever is selected by a group is neither in nor out, and nobody is told that they go."""
    stage, ids = await office(house, {"Sales": ["Ada One"], "Ops": ["Ben Two"]})
    await house.sync(full=True)
    app = house.apps["localhost:8365"]
    stage.registrations.grant(app, ["User.Read.All", "Organization.Read.All"])
    stage.tokens.revoke(app)
    await house.choose(
        PeopleRules(
            scope=ScopeRules(Scope.SELECTED_GROUPS, selected_groups=(GroupId(ids["Ops"]),)),
            on_out_of_scope=LeaverPolicy.REMOVE,
            remove_after=AT_ONCE,
        )
    )
    await house.sync(full=True)

    why = " ".join(await house.planning.explain(1, ObjectId(ids["Ada One"])))

    assert len(await house.extensions()) == 2
    assert "Groups cannot be read at present" in why
    assert "removed" not in why


async def test_d_05_ends_when_the_permission_is_granted(house: House) -> None:
    """What the groups say takes effect with the next look, not with the next night."""
    stage = house.raise_stage(people=0)
    app = house.apps["localhost:8365"]
    stage.registrations.grant(app, ["User.Read.All", "Organization.Read.All"])
    ada = stage.tenant.hire("Ada One")
    sales = stage.tenant.create_group("Sales", members=[ada.id])
    connected = await house.connect(stage)
    await house.choose(chosen(sales.id))
    first = await house.sync(full=True)
    assert await house.departments() == {}
    assert first.status is RunStatus.DONE

    stage.registrations.grant(
        app, ["User.Read.All", "Organization.Read.All", "GroupMember.Read.All"]
    )
    house.clock.advance(2 * 3600)  # the token that knows nothing of it runs out
    await house.sync()

    assert connected.missing == ("GroupMember.Read.All",)
    assert await house.departments() == {"Sales": ["Ada One"]}
    assert await house.alarms() == ()


async def test_members_come_and_go_with_the_delta(house: House) -> None:
    """Also through a group within the group, and without planning everybody."""
    stage, ids = await office(
        house, {"Sales": ["Ada One"], "Support": ["Ben Two"], "Inner": ["Cem Three"]}
    )
    await house.sync(full=True)

    stage.tenant.move(ids["Ada One"], remove=[ids["Sales"]], add=[ids["Support"]])
    await house.sync()
    moved = await house.departments()
    scope = (await house.plans())[0].scope
    stage.tenant.add_member(ids["Sales"], ids["Inner"])
    await house.sync()
    nested = await house.departments()
    stage.tenant.remove_member(ids["Sales"], ids["Inner"])
    await house.sync()

    assert scope == "touched people"
    assert moved == {"Inner": ["Cem Three"], "Sales": [], "Support": ["Ada One", "Ben Two"]}
    assert nested["Sales"] == ["Cem Three"]
    assert await house.departments() == moved


async def test_a_membership_given_by_hand_is_not_taken(house: House) -> None:
    """Jackfield takes back only what it gave."""
    stage, ids = await office(house, {"Sales": ["Ada One"], "Support": ["Ben Two"]})
    await house.sync(full=True)
    people = await house.by_name()
    support = people["Ben Two"].departments[0]
    await house.phone(1).write(
        [UpdateExtensionWrite(people["Ada One"].key, add_departments=(support,))]
    )
    stage.tenant.update(ids["Ada One"], jobTitle="Both")

    await house.sync(full=True)

    after = (await house.by_name())["Ada One"]
    expected = replace(people["Ada One"].fields, job_title="Both")
    assert support in after.departments
    assert after.fields == expected


async def test_a_department_deleted_in_the_phone_system_is_made_again(house: House) -> None:
    """By the next look, with its members."""
    stage, ids = await office(house, {"Sales": ["Ada One"], "Empty": []})
    await house.sync(full=True)
    phone = house.phone(1)
    assert isinstance(phone, BuiltInPhones)
    keys = {one.name: one.key for one in await phone.read_departments()}
    assert isinstance(await phone.remove_department(keys["Empty"]), Done)

    await house.sync()

    assert await house.departments() == {"Empty": [], "Sales": ["Ada One"]}
    assert stage.tenant.group(ids["Empty"]).display_name == "Empty"
