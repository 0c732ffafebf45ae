"""The rules of departments, by their ids; the wording of the rules is in docs/people-sync.md."""

from dataclasses import replace

import pytest

from core.sketches import (
    LIMITS,
    department,
    department_link,
    extension,
    fields_of,
    group,
    link,
    only,
    person,
    rule,
    settled,
    view,
)
from jackfield.core.actions import (
    CreateDepartment,
    CreateExtension,
    FlagDepartment,
    KeepLeaver,
    RenameDepartment,
    UpdateExtension,
)
from jackfield.core.departments import (
    DepartmentRules,
    DepartmentSource,
    department_groups,
    explain_departments,
    groups_of_interest,
)
from jackfield.core.extensions import DepartmentFlag, DepartmentKey
from jackfield.core.people import GroupId, LeaverCause, Scope, ScopeRules, Standing
from jackfield.core.pictures import Summary
from jackfield.core.plan import plan
from jackfield.core.rules import PeopleRules

ANN, BOB, CYD = person("Ann Field"), person("Bob Hill"), person("Cyd Lake")
SALES, OPS = group("Sales"), group("Ops")
D_SALES, D_OPS = department("Sales"), department("Ops")
BOTH = PeopleRules(departments=DepartmentRules(DepartmentSource.CHOSEN, (OPS.id, SALES.id)))
ONLY_SALES = PeopleRules(departments=DepartmentRules(DepartmentSource.CHOSEN, (SALES.id,)))


def of_kind(made, kind):
    return [action for action in made.actions if isinstance(action, kind)]


@rule("D-01")
def test_a_selected_group_becomes_a_department_with_its_members():
    """Departments are made from group names, and people stand in them from their first day."""
    rules = PeopleRules(ScopeRules(Scope.SELECTED_GROUPS, selected_groups=(SALES.id,)))
    seen = view([ANN], members={"sales": [ANN]}, groups=[SALES])

    first, second = plan(seen, rules, LIMITS).actions

    assert isinstance(first, CreateDepartment)
    assert (first.group, first.name, first.group_name) == (SALES.id, "Sales", "Sales")
    assert isinstance(second, CreateExtension)
    assert (second.groups, second.primary) == ((SALES.id,), SALES.id)


@rule("D-01")
def test_people_who_have_an_extension_become_members_too():
    """A group selected later must fill its department with those who are there already."""
    seen = settled(ANN, members={"sales": [ANN]}, groups=[SALES])

    update = plan(seen, ONLY_SALES, LIMITS).actions[1]

    assert isinstance(update, UpdateExtension)
    assert (update.departments.add, update.departments.primary) == ((SALES.id,), SALES.id)
    assert "Member in Microsoft 365: “Sales”" in update.because


@pytest.mark.parametrize(
    ("standing", "expected"),
    [
        pytest.param(["Sales"], "Sales 1", id="D-02 one by hand"),
        pytest.param(["SALES", "sales 1"], "Sales 2", id="D-02 whatever the case"),
        pytest.param(["Sales 1"], "Sales", id="D-02 only what clashes counts"),
        pytest.param(["Sales  "], "Sales 1", id="D-02 spaces do not tell names apart"),
    ],
)
def test_a_department_made_by_hand_is_neither_used_nor_changed(standing, expected):
    """Somebody's department has rules and rights of its own; nobody is put into it by a name."""
    seen = view(groups=[SALES], departments=[department(name) for name in standing])

    created = only(plan(seen, ONLY_SALES, LIMITS))

    assert isinstance(created, CreateDepartment)
    assert created.name == expected
    assert ("left alone" in created.because) is (expected != "Sales")


@rule("D-02")
def test_groups_of_one_name_get_departments_of_their_own():
    """Microsoft 365 allows two groups called Sales; each has its own members."""
    twin = replace(group("SALES"), id=GroupId("sales-2"))
    rules = PeopleRules(departments=DepartmentRules(DepartmentSource.CHOSEN, (SALES.id, twin.id)))

    made = plan(view(groups=[SALES, twin]), rules, LIMITS)

    assert [action.name for action in made.actions] == ["Sales", "SALES 1"]
    assert f"{SALES.id}, whose department has the name" in made.actions[1].because
    assert f"this one, {twin.id}." in made.actions[1].because


@rule("D-02")
def test_a_group_called_like_one_that_has_a_department_names_both():
    """Whoever looks for “Sales 1” in Microsoft 365 finds two groups called Sales, by their ids."""
    twin = replace(group("Sales"), id=GroupId("a-sales"))
    rules = PeopleRules(departments=DepartmentRules(DepartmentSource.CHOSEN, (SALES.id, twin.id)))
    seen = view(
        groups=[SALES, twin],
        departments=[D_SALES],
        department_links=[department_link(SALES, D_SALES)],
    )

    created = only(plan(seen, rules, LIMITS))

    assert created.name == "Sales 1"
    assert f"{SALES.id}, whose department has the name" in created.because


@rule("D-02")
def test_a_numbered_name_still_fits_the_phone_system():
    """A cut name may clash where the whole one did not."""
    long = group("A department name of the longer kind")
    limits = replace(LIMITS, name_length=12)
    rules = PeopleRules(departments=DepartmentRules(DepartmentSource.CHOSEN, (long.id,)))

    created = only(
        plan(view(groups=[long], departments=[department("A department")]), rules, limits)
    )

    assert created.name == "A departme 1"


@rule("D-03")
def test_a_department_is_found_again_by_the_groups_id():
    """Without the link every run would make one more "Sales n"."""
    by_hand, ours = department("Sales"), department("Sales 1")
    seen = view(
        groups=[SALES],
        departments=[by_hand, ours],
        department_links=[department_link(SALES, ours)],
    )

    assert plan(seen, ONLY_SALES, LIMITS).actions == ()
    assert plan(replace(seen, departments={ours.key: ours}), ONLY_SALES, LIMITS).actions == ()


@rule("D-03")
def test_a_department_whose_link_was_lost_is_found_by_its_key():
    """A creation whose answer was lost must not end in a second department."""
    made_before = department("Sales", external_key=SALES.id)

    created = only(plan(view(groups=[SALES], departments=[made_before]), ONLY_SALES, LIMITS))

    assert (created.group, created.name) == (SALES.id, "Sales")


def test_a_department_deleted_by_hand_is_made_again():
    """As with extensions: still selected in Microsoft 365 means it shall be there."""
    seen = settled(
        ANN,
        members={"sales": [ANN]},
        groups=[SALES],
        department_links=[department_link(SALES, D_SALES)],
    )
    seen = replace(seen, links={ANN.id: replace(seen.links[ANN.id], departments=(D_SALES.key,))})

    created, update = plan(seen, ONLY_SALES, LIMITS).actions

    assert isinstance(created, CreateDepartment)
    assert "deleted in the phone system" in created.because
    assert update.departments.add == (SALES.id,)


RENAMED = replace(SALES, name="Sales & Service")


@rule("D-04")
def test_a_renamed_group_renames_its_department():
    """T of D-04: the name follows, members and settings stay."""
    seen = view(
        groups=[RENAMED], departments=[D_SALES], department_links=[department_link(SALES, D_SALES)]
    )

    renamed = only(plan(seen, ONLY_SALES, LIMITS))

    assert isinstance(renamed, RenameDepartment)
    assert (renamed.before, renamed.after) == ("Sales", "Sales & Service")
    assert renamed.because == (
        "The group was renamed in Microsoft 365: “Sales” is now “Sales & Service”."
    )


@rule("D-04")
def test_a_department_renamed_by_hand_keeps_that_name():
    """Whoever renamed it had a reason; the link does not depend on names."""
    by_hand = replace(D_SALES, name="The sellers")
    seen = view(
        groups=[RENAMED], departments=[by_hand], department_links=[department_link(SALES, D_SALES)]
    )

    assert plan(seen, ONLY_SALES, LIMITS).actions == ()


@rule("D-04")
def test_a_new_name_that_somebody_has_gets_a_number_too():
    """Renaming must not take over a department either."""
    seen = view(
        groups=[replace(SALES, name="Ops")],
        departments=[D_SALES, D_OPS],
        department_links=[department_link(SALES, D_SALES)],
    )

    assert only(plan(seen, ONLY_SALES, LIMITS)).after == "Ops 1"


@rule("D-04")
def test_a_change_of_case_is_a_renaming_of_its_own():
    """The department's own old name is no clash."""
    seen = view(
        groups=[replace(SALES, name="SALES")],
        departments=[D_SALES],
        department_links=[department_link(SALES, D_SALES)],
    )

    assert only(plan(seen, ONLY_SALES, LIMITS)).after == "SALES"


@rule("D-05")
def test_without_the_right_to_read_groups_departments_and_members_stay_as_they_are():
    """An old consent lacks the permission: other syncs go on, nobody leaves for want of it."""
    rules = PeopleRules(ScopeRules(Scope.SELECTED_GROUPS, selected_groups=(SALES.id,)))
    blind = Summary(linked=1, groups_readable=False)
    someone = replace(ANN, job_title="Engineer")
    seen = settled(someone, groups=[RENAMED], departments=[D_OPS], summary=blind)
    seen = replace(seen, department_links={OPS.id: department_link(OPS, D_OPS, flag=None)})

    update = only(plan(seen, rules, LIMITS))

    assert isinstance(update, UpdateExtension)
    assert [change.after for change in update.changes] == ["Engineer"]
    assert update.departments is None


@rule("D-05")
def test_without_the_right_to_read_groups_other_causes_of_leaving_still_count():
    """A disabled account is known without any group."""
    rules = PeopleRules(ScopeRules(Scope.SELECTED_GROUPS, selected_groups=(SALES.id,)))
    seen = settled(replace(ANN, enabled=False), summary=Summary(linked=1, groups_readable=False))

    assert only(plan(seen, rules, LIMITS)).cause is LeaverCause.DISABLED


@rule("D-05")
def test_a_leaver_does_not_come_back_for_want_of_groups():
    """Neither out nor in: what cannot be read changes nothing."""
    rules = PeopleRules(ScopeRules(Scope.SELECTED_GROUPS, selected_groups=(SALES.id,)))
    seen = view(
        [ANN],
        links=[link(ANN, "100", left=LeaverCause.OUT_OF_SCOPE)],
        extensions=[extension("100", fields_of(ANN))],
        summary=Summary(linked=1, groups_readable=False),
    )

    assert plan(seen, rules, LIMITS).actions == ()


# --- flags -----------------------------------------------------------------------------------

LINKED = view(
    groups=[SALES], departments=[D_SALES], department_links=[department_link(SALES, D_SALES)]
)


@pytest.mark.parametrize(
    ("seen", "rules", "flag"),
    [
        pytest.param(
            replace(LINKED, groups={SALES.id: replace(SALES, standing=Standing.RECYCLED)}),
            ONLY_SALES,
            DepartmentFlag.VANISHED,
            id="recycled",
        ),
        pytest.param(replace(LINKED, groups={}), ONLY_SALES, DepartmentFlag.VANISHED, id="unknown"),
        pytest.param(LINKED, PeopleRules(), DepartmentFlag.DESELECTED, id="deselected"),
    ],
)
def test_a_department_without_its_group_is_left_standing_and_flagged(seen, rules, flag):
    """Deleting a department would take call routing with it; that is a person's decision."""
    flagged = only(plan(seen, rules, LIMITS))

    assert isinstance(flagged, FlagDepartment)
    assert (flagged.flag, flagged.name) == (flag, "Sales")
    assert "stay as they are" in flagged.because

    known = {SALES.id: department_link(SALES, D_SALES, flag=flag)}
    assert plan(replace(seen, department_links=known), rules, LIMITS).actions == ()


def test_a_group_that_is_back_takes_its_flag_away():
    """Restored from the recycle bin within 30 days, or selected again."""
    known = {SALES.id: department_link(SALES, D_SALES, flag=DepartmentFlag.VANISHED)}

    flagged = only(plan(replace(LINKED, department_links=known), ONLY_SALES, LIMITS))

    assert isinstance(flagged, FlagDepartment)
    assert flagged.flag is None


# --- memberships -----------------------------------------------------------------------------


def standing_in(keys=(), primary=None, given=(), member_of=(), rules=BOTH):
    """Ann's update, whose extension stands in departments `keys`, some given by Jackfield."""
    seen = view(
        [ANN],
        links=[link(ANN, "100", departments=given)],
        extensions=[extension("100", fields_of(ANN), departments=tuple(keys), primary=primary)],
        members={group_id: [ANN] for group_id in member_of},
        groups=[SALES, OPS],
        departments=[D_SALES, D_OPS, department("Hand")],
        department_links=[department_link(SALES, D_SALES), department_link(OPS, D_OPS)],
    )
    found = of_kind(plan(seen, rules, LIMITS), UpdateExtension)
    return found[0].departments if found else None


HAND = DepartmentKey("d-hand")


@pytest.mark.parametrize(
    ("about", "add", "remove", "primary"),
    [
        pytest.param(
            {"member_of": ["sales", "ops"]}, (OPS.id, SALES.id), (), OPS.id, id="both, in order"
        ),
        pytest.param(
            {"keys": [D_SALES.key], "given": (D_SALES.key,), "primary": D_SALES.key},
            (),
            (D_SALES.key,),
            None,
            id="left the group",
        ),
        pytest.param(
            {"keys": [D_SALES.key], "given": (), "primary": D_SALES.key},
            None,
            None,
            None,
            id="given by hand is never taken",
        ),
        pytest.param(
            {"keys": [], "given": (D_SALES.key,), "member_of": ["sales"]},
            (SALES.id,),
            (),
            SALES.id,
            id="taken by hand is put back",
        ),
        pytest.param(
            {"keys": [HAND], "primary": HAND, "member_of": ["sales"]},
            (SALES.id,),
            (),
            None,
            id="primary chosen by hand stays",
        ),
        pytest.param(
            {
                "keys": [D_SALES.key, D_OPS.key],
                "given": (D_SALES.key, D_OPS.key),
                "primary": D_SALES.key,
                "member_of": ["sales", "ops"],
            },
            (),
            (),
            OPS.id,
            id="primary by the order, among Jackfield's",
        ),
        pytest.param(
            {
                "keys": [D_SALES.key, D_OPS.key],
                "given": (D_SALES.key, D_OPS.key),
                "primary": D_OPS.key,
                "member_of": ["sales"],
            },
            (),
            (D_OPS.key,),
            SALES.id,
            id="primary moves on when it is taken",
        ),
        pytest.param(
            {
                "keys": [D_SALES.key, D_OPS.key],
                "given": (D_SALES.key, D_OPS.key),
                "primary": D_OPS.key,
                "member_of": ["sales"],
                "rules": ONLY_SALES,
            },
            None,
            None,
            None,
            id="a deselected department keeps member and primary",
        ),
        pytest.param(
            {"keys": [D_SALES.key], "primary": DepartmentKey("gone"), "member_of": ["sales"]},
            (),
            (),
            SALES.id,
            id="a primary department that is gone is replaced",
        ),
    ],
)
def test_memberships_given_by_jackfield_follow_the_groups(about, add, remove, primary):
    """What was given by hand stays, what Jackfield gave follows: one can tell them apart."""
    change = standing_in(**about)

    if add is None:
        assert change is None
    else:
        assert (change.add, change.remove, change.primary) == (add, remove, primary)
        assert change.because.endswith(".")


def test_a_leavers_memberships_stay():
    """A kept extension is kept as it is."""
    seen = settled(
        replace(ANN, enabled=False),
        members={"sales": [ANN]},
        groups=[SALES],
        departments=[D_SALES],
        department_links=[department_link(SALES, D_SALES)],
    )

    assert isinstance(only(plan(seen, ONLY_SALES, LIMITS)), KeepLeaver)


# --- which groups ----------------------------------------------------------------------------

LAB, BOARD = group("Lab"), replace(group("board"), id=GroupId("z-board"))
GROUPS = {known.id: known for known in (SALES, OPS, LAB, BOARD)}
BY_GROUPS = ScopeRules(Scope.SELECTED_GROUPS, selected_groups=(SALES.id, OPS.id))


@pytest.mark.parametrize(
    ("source", "listed", "scope", "populated", "expected"),
    [
        pytest.param(DepartmentSource.NONE, (SALES.id,), BY_GROUPS, ["lab"], [], id="none"),
        pytest.param(
            DepartmentSource.SCOPE, (), BY_GROUPS, [], ["sales", "ops"], id="scope, in its order"
        ),
        pytest.param(
            DepartmentSource.SCOPE,
            (OPS.id,),
            BY_GROUPS,
            [],
            ["ops", "sales"],
            id="scope, the administrator's order first",
        ),
        pytest.param(DepartmentSource.SCOPE, (SALES.id,), ScopeRules(), [], [], id="scope of all"),
        pytest.param(
            DepartmentSource.CHOSEN,
            (GroupId("lab"), SALES.id, GroupId("lab"), GroupId("gone")),
            ScopeRules(),
            [],
            ["lab", "sales"],
            id="chosen, each once, without the gone",
        ),
        pytest.param(
            DepartmentSource.ALL,
            (SALES.id,),
            ScopeRules(),
            ["lab", "z-board", "sales"],
            ["sales", "z-board", "lab"],
            id="all with members, listed first, then by name",
        ),
    ],
)
def test_which_groups_become_departments_and_in_which_order(
    source, listed, scope, populated, expected
):
    """The order decides who is whose primary department, so it must never depend on chance."""
    rules = DepartmentRules(source, listed)

    found = department_groups(rules, scope, GROUPS, {GroupId(id_) for id_ in populated})

    assert list(found) == expected


def test_under_all_a_group_becomes_a_department_once_a_member_is_in_scope():
    """Thousands of distribution lists of guests and machines are of no use in a phone system."""
    rules = PeopleRules(departments=DepartmentRules(DepartmentSource.ALL))
    unlicensed = replace(BOB, has_mailbox=False)
    seen = view(
        [ANN, unlicensed], members={"sales": [ANN], "ops": [unlicensed]}, groups=[SALES, OPS]
    )

    made = plan(seen, rules, LIMITS)

    assert [action.group for action in of_kind(made, CreateDepartment)] == [SALES.id]


def test_under_all_a_department_that_ran_empty_is_still_followed():
    """The last member's holiday replacement should find the department as it was."""
    rules = PeopleRules(departments=DepartmentRules(DepartmentSource.ALL))

    assert plan(LINKED, rules, LIMITS).actions == ()


@pytest.mark.parametrize("source", DepartmentSource)
@pytest.mark.parametrize("scope", Scope)
def test_under_every_scope_it_is_said_which_groups_become_departments(source, scope):
    """The combination "departments from the scope, scope is everyone" gives none, and surprises."""
    rules = DepartmentRules(source, (OPS.id, GroupId("gone")))
    scope_rules = ScopeRules(scope, selected_groups=(SALES.id,))

    sentences = " ".join(explain_departments(rules, scope_rules, GROUPS))

    named = department_groups(rules, scope_rules, GROUPS, frozenset())
    assert sentences
    assert all(f"“{GROUPS[group_id].name}”" in sentences for group_id in named)
    if not named and source is not DepartmentSource.ALL:
        assert "No group becomes a department" in sentences


def test_a_chosen_group_that_is_gone_is_named():
    """A name that silently drops out of a list is looked for at length."""
    rules = DepartmentRules(DepartmentSource.CHOSEN, (SALES.id, OPS.id))
    gone = {SALES.id: SALES, OPS.id: replace(OPS, standing=Standing.GONE)}

    sentences = explain_departments(rules, ScopeRules(), gone)

    assert sentences[0].startswith("These groups become departments: “Sales”.")
    assert "left out: “Ops”" in sentences[-1]


def test_a_selected_group_that_is_gone_is_named_too():
    """The scope's own list can lose a group as well."""
    rules = DepartmentRules(DepartmentSource.SCOPE)
    scope = ScopeRules(Scope.SELECTED_GROUPS, selected_groups=(SALES.id, GroupId("gone")))

    assert explain_departments(rules, scope, GROUPS) == (
        "The selected groups become departments: “Sales”.",
        (
            "No longer in Microsoft 365, so left out: “gone”. A department that was made for one of"
            " them stays, flagged."
        ),
    )


def test_under_all_the_order_of_primary_departments_is_said():
    """Those the administrator listed come first, all others by name."""
    rules = DepartmentRules(DepartmentSource.ALL, (OPS.id, SALES.id))

    assert explain_departments(rules, ScopeRules(), GROUPS) == (
        "Every group with at least one member in scope (everyone) becomes a department.",
        (
            "The primary department of a person in several is the first of this order: “Ops”,"
            " “Sales”, then all others by name."
        ),
    )
    unlisted = explain_departments(DepartmentRules(DepartmentSource.ALL), ScopeRules(), GROUPS)
    assert unlisted[1] == (
        "The primary department of a person in several is the first of them by name."
    )


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        pytest.param(DepartmentSource.NONE, {"sales"}, id="none"),
        pytest.param(DepartmentSource.SCOPE, {"sales"}, id="scope"),
        pytest.param(DepartmentSource.CHOSEN, {"sales", "ops"}, id="chosen"),
        pytest.param(DepartmentSource.ALL, {"sales", "ops", "lab", "z-board"}, id="all"),
    ],
)
def test_only_groups_of_interest_need_their_members_read(source, expected):
    """A tenant with 5,000 groups of which two matter should read two."""
    rules = DepartmentRules(source, (OPS.id,))
    scope = ScopeRules(Scope.SELECTED_GROUPS, selected_groups=(SALES.id,))

    assert groups_of_interest(rules, scope, GROUPS) == expected


@pytest.mark.parametrize(
    ("about", "expected"),
    [
        pytest.param({"name": "  Sales\u202e\n team "}, "Sales team", id="cleaned"),
        pytest.param({"name": "", "mail": "sales@example.org"}, "sales", id="by mail"),
        pytest.param({"name": "\u200b"}, "Group 0123abcd", id="by id"),
    ],
)
def test_a_group_without_a_fit_name_still_becomes_a_department(about, expected):
    """Names are free text; a department needs one that can be shown."""
    odd = replace(SALES, id=GroupId("0123abcd-4567"), **about)
    rules = PeopleRules(departments=DepartmentRules(DepartmentSource.CHOSEN, (odd.id,)))

    assert only(plan(view(groups=[odd]), rules, LIMITS)).name == expected
