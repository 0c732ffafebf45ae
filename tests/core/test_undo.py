"""What a plan has done is taken back as far as it stands, and nothing else is touched."""

import random
from dataclasses import replace

import pytest

from core.rehearsal import SEEDS, Rehearsal
from core.sketches import (
    AT_ONCE,
    LIMITS,
    department,
    department_link,
    extension,
    fields_of,
    group,
    link,
    person,
    settled,
)
from jackfield.core.actions import (
    AdoptExtension,
    CreateDepartment,
    CreateExtension,
    DepartmentsChange,
    DisableExtension,
    FieldChange,
    FlagDepartment,
    KeepLeaver,
    RemoveExtension,
    RenameDepartment,
    UnlinkExtension,
    UpdateExtension,
)
from jackfield.core.extensions import ExtensionFields, Field, FormerExtension
from jackfield.core.people import LeaverCause, LeaverPolicy
from jackfield.core.plan import plan
from jackfield.core.rules import PeopleRules
from jackfield.core.undo import Stands, undo

ANN, BOB = person("Ann Field"), person("Bob Hill")
SALES, TEAM = group("Sales"), department("Sales")


def standing_of(world):
    return Stands(
        links=world.links,
        extensions=world.extensions,
        former={id_: one for id_, one in world.former.items() if id_ not in world.links},
        departments=world.departments,
        department_links=world.department_links,
        used_numbers=frozenset(world.used()),
    )


def shown(world, departments):
    """The phone system by number: fields, memberships in the departments of before, state."""
    return {
        one.number: (one.fields, frozenset(one.departments) & departments, one.enabled)
        for one in world.extensions.values()
    }


@pytest.mark.parametrize("seed", SEEDS)
def test_undoing_a_plan_brings_the_phone_system_back(seed):
    """Whatever the plan did; what cannot be taken back is said."""
    world = Rehearsal(random.Random(seed))
    known = frozenset(world.departments)
    before = shown(world, known)
    made = plan(world.view(), world.rules, world.limits)
    world.carry_out(made)

    back = undo(made.actions, standing_of(world), 1)
    world.carry_out(back)

    told = {notice.subject for notice in back.notices}
    spared = {
        action.number
        for action in made.actions
        if not isinstance(action, CreateDepartment | RenameDepartment | FlagDepartment)
        and action.person in told
    }
    after = shown(world, known)
    assert {number: one for number, one in after.items() if number not in spared} == {
        number: one for number, one in before.items() if number not in spared
    }


@pytest.mark.parametrize("seed", SEEDS)
def test_what_changed_since_is_left_alone(seed):
    """Hands in the phone system between the plan and its undoing are newer, and win."""
    world = Rehearsal(random.Random(seed))
    made = plan(world.view(), world.rules, world.limits)
    world.carry_out(made)
    for _ in range(3):
        world.disturb()

    back = undo(made.actions, standing_of(world), 1)

    for action in back.actions:
        for change in getattr(action, "changes", ()):
            assert getattr(world.extensions[action.key].fields, change.field) == change.before
    world.carry_out(back)


NOTHING = Stands()


def taken_back(action, standing=NOTHING):
    made = undo([action], standing, 7)
    assert not made.refusals
    return made.actions, [notice.text for notice in made.notices]


LINKED = Stands(
    links={ANN.id: link(ANN, "100")}, extensions={"e100": extension("100", fields_of(ANN))}
)


def test_a_created_extension_is_removed():
    """While it still has the number it was given."""
    creation = CreateExtension(ANN.id, "Ann", "100", fields_of(ANN), (), None, "")

    (removal,), _ = taken_back(creation, LINKED)
    renumbered = replace(LINKED, extensions={"e100": extension("105")})
    nothing, (told,) = taken_back(creation, renumbered)

    assert isinstance(removal, RemoveExtension)
    assert (removal.key, removal.number, removal.cause) == ("e100", "100", None)
    assert removal.because.startswith("Takes back what plan 7 did.")
    assert (nothing, told) == ((), "The extension has number 105 by now; it is left as it is.")


def test_an_adopted_extension_is_let_go_with_its_own_values():
    """It stood before, so it stays."""
    change = FieldChange(Field.FIRST_NAME, "A.", "Ann", "")
    adoption = AdoptExtension(ANN.id, "Ann", "e100", "100", (change,), None, "")

    (unlinked,), _ = taken_back(adoption, LINKED)

    assert isinstance(unlinked, UnlinkExtension)
    assert [(one.before, one.after) for one in unlinked.changes] == [("Ann", "A.")]
    assert not unlinked.stays_theirs
    (made_for_them,), _ = taken_back(replace(adoption, again=True), LINKED)
    assert isinstance(made_for_them, UnlinkExtension)
    assert made_for_them.stays_theirs


def test_a_field_that_changed_since_stays():
    """And is named."""
    changes = (
        FieldChange(Field.FIRST_NAME, "A.", "Ann", ""),
        FieldChange(Field.LAST_NAME, "F.", "Fjeld", ""),
    )
    update = UpdateExtension(ANN.id, "Ann", "e100", "100", changes, None, "")

    (back,), (told,) = taken_back(update, LINKED)

    assert [(one.field, one.after) for one in back.changes] == [(Field.FIRST_NAME, "A.")]
    assert told == "Last name is “Field” by now; it is left as it is."


def test_memberships_go_back_both_ways():
    """Given ones are taken, taken ones are given, and those of before are left."""
    ops, lab = group("Ops"), group("Lab")
    teams = [TEAM, department("Ops"), department("Lab")]
    change = DepartmentsChange(
        (SALES.id, lab.id), ("d-ops",), SALES.id, ("d-ops", "d-lab"), "d-ops", ""
    )
    update = UpdateExtension(ANN.id, "Ann", "e100", "100", (), change, "")
    standing = replace(
        LINKED,
        extensions={"e100": extension("100", departments=("d-sales", "d-lab"), primary="d-sales")},
        departments={one.key: one for one in teams},
        department_links={
            of.id: department_link(of, to) for of, to in zip((SALES, ops, lab), teams, strict=True)
        },
    )

    (back,), _ = taken_back(update, standing)

    assert back.departments.remove == ("d-sales",)
    assert back.departments.add == ("ops",)
    assert back.departments.primary == "ops"


LAB = department("Lab")
MOVED = UpdateExtension(
    ANN.id,
    "Ann",
    "e100",
    "100",
    (),
    DepartmentsChange((group("Lab").id,), (), "lab", ("d-sales",), "d-sales", ""),
    "",
)


@pytest.mark.parametrize(
    ("memberships", "primary", "given_back", "told"),
    [
        (("d-sales", "d-lab"), "d-lab", "sales", []),
        (
            ("d-sales", "d-lab", "d-board"),
            "d-board",
            None,
            ["The primary department is another one by now; it stays."],
        ),
        (
            ("d-lab",),
            "d-lab",
            None,
            ["The primary department of before is no longer theirs; it is not given back."],
        ),
        (("d-sales",), "d-sales", None, []),
    ],
    ids=["as the plan left it", "another chosen since", "taken out since", "undone by hand"],
)
def test_a_primary_department_that_was_chosen_since_stays(memberships, primary, given_back, told):
    """Only what the plan chose is changed back, and only to a department they are in."""
    teams = (TEAM, LAB, department("Board"))
    standing = replace(
        LINKED,
        extensions={"e100": extension("100", departments=memberships, primary=primary)},
        departments={one.key: one for one in teams},
        department_links={
            SALES.id: department_link(SALES, TEAM),
            "lab": department_link(group("Lab"), LAB),
        },
    )

    back, notices = taken_back(MOVED, standing)

    assert notices == told
    change = back[0].departments if back else None
    assert (change.primary if change else None) == given_back
    assert (change.remove if change else ()) == (("d-lab",) if "d-lab" in memberships else ())


def test_a_disabled_extension_is_enabled_and_one_that_came_back_is_disabled():
    """The leaver's note goes and comes with it."""
    disabling = DisableExtension(ANN.id, "Ann", "e100", "100", LeaverCause.DELETED, "")
    returning = UpdateExtension(
        ANN.id, "Ann", "e100", "100", (), None, "", returns=True, enables=True
    )
    disabled = replace(LINKED, extensions={"e100": extension("100", enabled=False)})

    (enabling,), _ = taken_back(disabling, disabled)
    (disabled_again,), _ = taken_back(returning, LINKED)

    assert isinstance(enabling, UpdateExtension)
    assert enabling.returns
    assert isinstance(disabled_again, DisableExtension)
    assert taken_back(disabling, LINKED) == ((), [])


def test_a_removed_extension_is_made_again_as_it_was():
    """Number, fields, departments of the groups and those given by hand."""
    removal = RemoveExtension(ANN.id, "Ann", "e100", "100", LeaverCause.DELETED, "")
    by_hand = department("By hand")
    former = FormerExtension("100", fields_of(ANN), (by_hand.key,), by_hand.key, (TEAM.key,))
    standing = Stands(
        former={ANN.id: former},
        departments={TEAM.key: TEAM, by_hand.key: by_hand},
        department_links={SALES.id: department_link(SALES, TEAM)},
    )

    (creation,), _ = taken_back(removal, standing)
    _, (taken,) = taken_back(removal, replace(standing, used_numbers=frozenset({"100"})))
    _, (unknown,) = taken_back(removal, Stands())
    _, (has_one,) = taken_back(removal, LINKED)

    assert (creation.number, creation.fields, creation.groups) == (
        "100",
        fields_of(ANN),
        (SALES.id,),
    )
    assert (creation.kept_departments, creation.kept_primary) == ((by_hand.key,), by_hand.key)
    assert taken.startswith("The number 100 is taken by now")
    assert unknown.startswith("What the extension was is not known")
    assert has_one == "The person has an extension again."


def test_departments_are_named_back_and_never_removed():
    """Somebody may be in them by now."""
    link_ = {SALES.id: department_link(SALES, TEAM)}
    standing = Stands(departments={TEAM.key: TEAM}, department_links=link_)
    renaming = RenameDepartment(SALES.id, "Sales", TEAM.key, "Selling", "Sales", "")
    creating = CreateDepartment(SALES.id, "Sales", "Sales", "")

    (back,), _ = taken_back(renaming, standing)
    nothing, (told,) = taken_back(creating, standing)
    _, (other,) = taken_back(replace(renaming, after="Vendors"), standing)
    crowded = replace(
        standing, departments={TEAM.key: TEAM, "d-2": replace(TEAM, key="d-2", name="selling")}
    )
    _, (clash,) = taken_back(renaming, crowded)

    assert (back.before, back.after) == ("Sales", "Selling")
    assert nothing == ()
    assert told == "The department stays; remove it by hand once it has no members."
    assert other.startswith("The department has another name by now")
    assert clash == "Another department is called “Selling” by now; it is left as it is."


def test_a_leaver_who_was_kept_needs_no_undoing():
    """Nothing was written."""
    keeping = KeepLeaver(ANN.id, "Ann", "e100", "100", LeaverCause.DELETED, "")

    assert taken_back(keeping, LINKED) == ((), [])


def test_a_mass_removal_is_taken_back_whole():
    """The case it was made for: forty leavers by mistake, forty extensions back."""
    crowd = [person(f"Person {n}") for n in range(40)]
    seen = settled(*(replace(one, enabled=False) for one in crowd))
    rules = PeopleRules(on_disabled=LeaverPolicy.REMOVE, remove_after=AT_ONCE)
    removals = plan(seen, rules, LIMITS).held
    former = {one.person: FormerExtension(one.number, ExtensionFields("x")) for one in removals}

    back = undo(removals, Stands(former=former), 7)

    assert len(back.actions) == 40
    assert {one.number for one in back.actions} == {one.number for one in removals}
