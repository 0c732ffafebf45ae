"""What a plan does not do unseen: the guards, and what they leave alone."""

from dataclasses import replace

import pytest

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
    view,
)
from jackfield.core.actions import (
    GUARDS,
    AdoptExtension,
    CreateDepartment,
    CreateExtension,
    FlagDepartment,
    KeepLeaver,
    RefusalKind,
    RemoveExtension,
    UpdateExtension,
)
from jackfield.core.departments import DepartmentRules, DepartmentSource
from jackfield.core.extensions import Department
from jackfield.core.guards import Wanted, guard
from jackfield.core.people import LeaverCause, LeaverPolicy, Scope, ScopeRules, Standing
from jackfield.core.pictures import Summary
from jackfield.core.plan import plan
from jackfield.core.rules import GuardRules, PeopleRules, Threshold

CROWD = [person(f"Person {n:03}") for n in range(100)]
REMOVE = PeopleRules(on_deleted=LeaverPolicy.REMOVE, remove_after=AT_ONCE)
DISABLE = PeopleRules(on_deleted=LeaverPolicy.DISABLE)


def leaving(count, crowd=CROWD, **summary):
    """A settled office of which the first `count` were deleted."""
    people = [replace(one, standing=Standing.GONE) for one in crowd[:count]] + crowd[count:]
    return settled(*people, summary=Summary(**({"linked": len(crowd)} | summary)))


def kinds(made):
    return [refusal.kind for refusal in made.refusals]


@pytest.mark.parametrize(
    ("rules", "kind"),
    [
        pytest.param(REMOVE, RefusalKind.TOO_MANY_REMOVALS, id="removals"),
        pytest.param(DISABLE, RefusalKind.TOO_MANY_DISABLES, id="disables"),
    ],
)
@pytest.mark.parametrize(
    ("count", "crowd", "held"),
    [
        pytest.param(10, CROWD, False, id="10 of 100 are no more than 10 %"),
        pytest.param(11, CROWD, True, id="11 of 100 are"),
        pytest.param(5, CROWD[:6], False, id="5 of 6 are no more than 5"),
        pytest.param(6, CROWD[:6], True, id="all 6 of 6"),
    ],
)
def test_a_guard_trips_on_number_and_percent_together(rules, kind, count, crowd, held):
    """A big company loses ten people a day; a small office losing six lost its directory."""
    made = plan(leaving(count, crowd), rules, LIMITS)

    assert kinds(made) == ([kind] if held else [])
    assert len(made.held) == (count if held else 0)
    assert len(made.actions) == (0 if held else count)


def test_a_tripped_guard_holds_only_what_is_dangerous():
    """The other 499 actions of the morning must not wait for somebody to look."""
    newcomer = person("New Comer")
    renamed = replace(CROWD[-1], given_name="Renamed")
    seen = leaving(11, [*CROWD[:-1], renamed])
    seen = replace(
        seen,
        people=seen.people | {newcomer.id: newcomer},
        links=seen.links | {renamed.id: link(CROWD[-1], "199")},
        extensions=seen.extensions | {"e199": extension("199", fields_of(CROWD[-1]))},
    )

    made = plan(seen, REMOVE, LIMITS)

    assert [type(action) for action in made.actions] == [CreateExtension, UpdateExtension]
    assert {type(action) for action in made.held} == {RemoveExtension}
    (refusal,) = made.refusals
    assert refusal.kind in GUARDS
    assert refusal.held == 11
    assert refusal.subject == ""
    assert refusal.because.startswith("11 extensions would be removed, out of 100 linked people;")
    assert refusal.next_step


@pytest.mark.parametrize("others", [9, 10])
@pytest.mark.parametrize(
    ("rules", "elsewhere", "kind"),
    [
        pytest.param(REMOVE, "removals_elsewhere", RefusalKind.TOO_MANY_REMOVALS, id="removals"),
        pytest.param(DISABLE, "disables_elsewhere", RefusalKind.TOO_MANY_DISABLES, id="disables"),
    ],
)
def test_slices_cannot_slip_under_a_guard_one_by_one(rules, elsewhere, kind, others):
    """A delta a minute brings leavers in small slices; what waits elsewhere counts in."""
    seen = leaving(1, CROWD[:1], **{"linked": 100, elsewhere: others})

    made = plan(seen, rules, LIMITS)

    assert kinds(made) == ([kind] if others == 10 else [])
    assert len(made.held) == (1 if others == 10 else 0)


def test_losses_elsewhere_count_in_too():
    """One person after the other, each asked for by name, must not empty the guard's meaning."""
    for others, held in ((5, 1), (4, 0)):
        summary = Summary(linked=10, lost_elsewhere=others)
        seen = view(CROWD[:1], links=[link(CROWD[0], "500")], summary=summary)

        made = plan(seen, PeopleRules(), LIMITS)

        assert kinds(made) == ([RefusalKind.EXTENSIONS_LOST] if held else [])
        assert len(made.held) == held


def test_new_numbers_elsewhere_count_in_too():
    """The same for people who would get another number."""
    lost = link(CROWD[0], "500")
    summary = Summary(linked=10, renumberings_elsewhere=5)
    seen = view(CROWD[:1], links=[lost], used=["500"], summary=summary)

    assert kinds(plan(seen, PeopleRules(), LIMITS)) == [RefusalKind.TOO_MANY_RENUMBERINGS]


def test_too_many_new_numbers_are_held():
    """Where losses may pass, the wrong backup must still not cost a company its numbers."""
    rules = PeopleRules(guards=GuardRules(losses=Threshold(20)))
    people = CROWD[:20]
    links = [link(one, str(500 + offset)) for offset, one in enumerate(people)]
    seen = view(people, links=links, used=[str(500 + offset) for offset in range(6)])

    made = plan(seen, rules, LIMITS)

    assert kinds(made) == [RefusalKind.TOO_MANY_RENUMBERINGS]
    assert [action.previous_number for action in made.held] == [str(500 + n) for n in range(6)]
    assert [action.number for action in made.actions] == [str(506 + n) for n in range(14)]


def without_extensions(seen, count):
    """The same, but the first `count` extensions are gone from the phone system."""
    kept = dict(list(seen.extensions.items())[count:])
    return replace(
        seen, extensions=kept, used_numbers=frozenset(one.number for one in kept.values())
    )


@pytest.mark.parametrize(
    ("count", "crowd", "held"),
    [
        pytest.param(1, CROWD, False, id="one deleted by hand"),
        pytest.param(10, CROWD, False, id="10 of 100 are no more than 10 %"),
        pytest.param(11, CROWD, True, id="11 of 100 are"),
        pytest.param(100, CROWD, True, id="all 100"),
        pytest.param(5, CROWD[:5], False, id="5 of 5 are no more than 5"),
        pytest.param(6, CROWD[:6], True, id="all 6 of 6"),
    ],
)
def test_a_phone_system_that_suddenly_has_nothing_is_not_filled_anew(count, crowd, held):
    """Where records cannot be found again by our key, everybody would end with two extensions."""
    made = plan(without_extensions(settled(*crowd), count), PeopleRules(), LIMITS)

    assert kinds(made) == ([RefusalKind.EXTENSIONS_LOST] if held else [])
    again = made.held if held else made.actions
    assert [action.number for action in again] == [str(100 + n) for n in range(count)]
    assert len(made.actions) + len(made.held) == count
    if held:
        (refusal,) = made.refusals
        assert refusal.kind in GUARDS
        assert refusal.held == count
        assert refusal.because.startswith(f"{count} linked people have no extension any more, out")
        assert refusal.because.endswith("Made again, all of them keep their numbers.")
        assert "release the held actions" in refusal.next_step


def test_lost_extensions_are_held_and_nothing_else():
    """A newcomer gets a phone, but never the number of somebody who waits for theirs."""
    newcomer = person("New Comer")
    renamed = replace(CROWD[-1], given_name="Renamed")
    seen = without_extensions(settled(*CROWD), 50)
    seen = replace(seen, people=seen.people | {renamed.id: renamed, newcomer.id: newcomer})

    made = plan(seen, PeopleRules(), LIMITS)

    assert [(type(action), action.number) for action in made.actions] == [
        (CreateExtension, "200"),
        (UpdateExtension, "199"),
    ]
    assert {type(action) for action in made.held} == {CreateExtension}
    assert len(made.held) == 50


def test_extensions_under_other_keys_are_found_again_and_not_lost():
    """A restored phone system may have new keys for the same records; linking them harms nobody."""
    seen = settled(*CROWD[:20])
    seen = replace(
        seen,
        extensions={
            f"new {key}": replace(one, key=f"new {key}") for key, one in seen.extensions.items()
        },
    )

    made = plan(seen, PeopleRules(), LIMITS)

    assert {type(action) for action in made.actions} == {AdoptExtension}
    assert len(made.actions) == 20
    assert made.refusals == ()


def test_lost_extensions_whose_numbers_are_taken_are_held_too():
    """One refusal tells both: they are gone, and some would get another number."""
    people = CROWD[:20]
    links = [link(one, str(500 + offset)) for offset, one in enumerate(people)]
    seen = view(people, links=links, used=[str(500 + offset) for offset in range(6)])

    made = plan(seen, PeopleRules(), LIMITS)

    (refusal,) = made.refusals
    assert refusal.kind is RefusalKind.EXTENSIONS_LOST
    assert refusal.because.endswith(
        "Made again, 6 would get another number, because the old one is taken."
    )
    assert len(made.held) == 20
    assert made.actions == ()


SALES, OPS = group("Sales"), group("Ops")
DEPARTMENTS = (department("Sales"), department("Ops"))
BY_GROUPS = PeopleRules(departments=DepartmentRules(DepartmentSource.CHOSEN, ("sales", "ops")))


def staffed(*people, leaving=0, moving=0, groups=(SALES, OPS), **summary):
    """Everybody stands in Sales; the first are no longer in the group, the next ones are in Ops."""
    links = [link(one, str(100 + n), departments=("d-sales",)) for n, one in enumerate(people)]
    return view(
        people,
        links=links,
        extensions=[
            extension(str(100 + n), fields_of(one), departments=("d-sales",), primary="d-sales")
            for n, one in enumerate(people)
        ],
        members={"sales": people[leaving + moving :], "ops": people[leaving : leaving + moving]},
        groups=groups,
        departments=DEPARTMENTS,
        department_links=[
            department_link(of, to) for of, to in zip((SALES, OPS), DEPARTMENTS, strict=True)
        ],
        summary=Summary(**({"linked": len(people)} | summary)),
    )


@pytest.mark.parametrize(
    ("count", "crowd", "held"),
    [
        pytest.param(10, CROWD, False, id="10 of 100 are no more than 10 %"),
        pytest.param(11, CROWD, True, id="11 of 100 are"),
        pytest.param(100, CROWD, True, id="all 100"),
        pytest.param(5, CROWD[:6], False, id="5 of 6 are no more than 5"),
    ],
)
def test_groups_that_suddenly_have_no_members_take_no_departments(count, crowd, held):
    """A round of groups that answered nothing looks like everybody leaving their departments."""
    made = plan(staffed(*crowd, leaving=count), BY_GROUPS, LIMITS)

    assert kinds(made) == ([RefusalKind.MEMBERSHIPS_LOST] if held else [])
    assert len(made.held) == (count if held else 0)
    assert len(made.actions) == (0 if held else count)
    taking = (made.held or made.actions)[0]
    assert taking.departments.remove == ("d-sales",)
    assert taking.because == "No longer a member in Microsoft 365: “Sales”."
    if held:
        (refusal,) = made.refusals
        assert refusal.kind in GUARDS
        assert refusal.held == count
        assert refusal.because.startswith(f"{count} people would lose a department, out of 100")
        assert refusal.next_step


def test_memberships_elsewhere_count_in_too():
    """Delta after delta could take every membership, a few at a time."""
    for others, held in ((10, 1), (9, 0)):
        seen = staffed(*CROWD[:1], leaving=1, linked=100, memberships_elsewhere=others)

        made = plan(seen, BY_GROUPS, LIMITS)

        assert kinds(made) == ([RefusalKind.MEMBERSHIPS_LOST] if held else [])
        assert len(made.held) == held


def test_a_held_membership_keeps_no_other_change_of_the_person_back():
    """A new name, a new department and a return are done; only what is taken waits."""
    seen = staffed(*CROWD[:20], moving=10)
    moved = replace(CROWD[0], given_name="Moved")
    seen = replace(
        seen,
        people=seen.people | {moved.id: moved},
        links=seen.links
        | {CROWD[1].id: replace(seen.links[CROWD[1].id], left=LeaverCause.OUT_OF_SCOPE)},
    )

    made = plan(seen, BY_GROUPS, LIMITS)

    assert len(made.actions) == len(made.held) == 10
    first, second = made.actions[:2]
    assert [change.after for change in first.changes] == ["Moved"]
    assert (first.departments.add, first.departments.remove) == (("ops",), ())
    assert first.departments.primary is None
    assert first.because == (
        "Differs from Microsoft 365: first name. Member in Microsoft 365: “Ops”."
    )
    assert second.returns
    taking = made.held[0]
    assert (taking.person, taking.changes, taking.returns) == (moved.id, (), False)
    assert (taking.departments.add, taking.departments.remove) == ((), ("d-sales",))
    assert taking.departments.primary == "ops"


GONE = (replace(SALES, standing=Standing.GONE), replace(OPS, standing=Standing.GONE))


def test_departments_whose_groups_are_suddenly_gone_are_not_flagged_unseen():
    """Nothing is written to the phone system, but a department that is flagged is not followed."""
    strict = replace(BY_GROUPS, guards=GuardRules(memberships=Threshold(1, 10.0)))

    made = plan(staffed(*CROWD[:20], groups=GONE), strict, LIMITS)

    assert kinds(made) == [RefusalKind.MEMBERSHIPS_LOST]
    assert {type(action) for action in made.held} == {FlagDepartment}
    assert made.refusals[0].because.startswith(
        "2 departments have lost their group, out of 2 linked departments;"
    )
    assert made.actions == ()


def test_few_departments_whose_groups_are_gone_are_flagged():
    """Two groups of a small office are deleted on purpose, and everybody keeps the membership."""
    made = plan(staffed(*CROWD[:20], groups=GONE), BY_GROUPS, LIMITS)

    assert {type(action) for action in made.actions} == {FlagDepartment}
    assert made.refusals == ()


def departed(count, of, *, found_again=False, **summary):
    """Twenty people in `of` departments, of which the first `count` are gone from the phones."""
    groups = [group(f"Team {n:02}") for n in range(of)]
    made = [department(one.name) for one in groups]
    standing = tuple(one.key for one in made[count:])
    people = CROWD[:20]
    return view(
        people,
        links=[
            link(one, str(100 + n), departments=tuple(d.key for d in made))
            for n, one in enumerate(people)
        ],
        extensions=[
            extension(
                str(100 + n),
                fields_of(one),
                departments=standing,
                primary=standing[0] if standing else None,
            )
            for n, one in enumerate(people)
        ],
        members={one.id: people for one in groups},
        groups=groups,
        departments=[
            *made[count:],
            *(
                Department(f"new {one.key}", one.name, of_group.id)
                for one, of_group in zip(made[:count], groups[:count], strict=True)
                if found_again
            ),
        ],
        department_links=[department_link(g, d) for g, d in zip(groups, made, strict=True)],
        summary=Summary(**({"linked": len(people)} | summary)),
    )


ALL_GROUPS = PeopleRules(departments=DepartmentRules(DepartmentSource.ALL))


@pytest.mark.parametrize(
    ("count", "of", "held"),
    [
        pytest.param(1, 50, False, id="one removed by hand"),
        pytest.param(5, 5, False, id="5 of 5 are no more than 5"),
        pytest.param(6, 60, False, id="6 of 60 are no more than 10 %"),
        pytest.param(6, 6, True, id="all 6 of 6"),
        pytest.param(7, 60, True, id="7 of 60"),
    ],
)
def test_a_phone_system_that_lost_its_departments_does_not_get_them_anew(count, of, held):
    """Where they cannot be found again by our key, everybody would be in two of each."""
    made = plan(departed(count, of), ALL_GROUPS, LIMITS)

    assert kinds(made) == ([RefusalKind.DEPARTMENTS_LOST] if held else [])
    again = made.held if held else [one for one in made.actions if one.kind.endswith("department")]
    assert {type(action) for action in again} == {CreateDepartment}
    assert [action.previous for action in again] == [f"d-team {n:02}" for n in range(count)]
    assert len(made.held) == (count if held else 0)
    if held:
        (refusal,) = made.refusals
        assert refusal.kind in GUARDS
        assert refusal.held == count
        assert refusal.because.startswith(
            f"{count} departments are gone from the phone system, out of {of} linked departments;"
        )
        assert "release the held actions" in refusal.next_step


def test_nobody_is_given_a_department_that_is_held():
    """The phone system would refuse it for each of them; everything else goes on."""
    seen = departed(7, 8)
    renamed, newcomer = replace(CROWD[0], given_name="Renamed"), person("New Comer")
    everywhere = frozenset(seen.groups)
    seen = replace(
        seen,
        people=seen.people | {renamed.id: renamed, newcomer.id: newcomer},
        memberships=seen.memberships | {newcomer.id: everywhere},
    )

    made = plan(seen, ALL_GROUPS, LIMITS)

    creation, update = made.actions
    assert (creation.groups, creation.primary) == (("team 07",), "team 07")
    assert [change.after for change in update.changes] == ["Renamed"]
    assert update.departments is None


def test_departments_that_are_found_again_by_our_key_are_not_lost():
    """A restored phone system may have new keys for the same departments."""
    made = plan(departed(8, 8, found_again=True), ALL_GROUPS, LIMITS)

    assert made.refusals == ()
    creations = [one for one in made.actions if isinstance(one, CreateDepartment)]
    assert [one.previous for one in creations] == [None] * 8


def test_departments_made_again_a_short_while_ago_count_in_too():
    """Plan after plan could make a whole set again, a few at a time."""
    for others, held in ((5, 1), (4, 0)):
        made = plan(departed(1, 10, departments_elsewhere=others), ALL_GROUPS, LIMITS)

        assert kinds(made) == ([RefusalKind.DEPARTMENTS_LOST] if held else [])
        assert len(made.held) == held


@pytest.mark.parametrize(
    ("policy", "kind"),
    [
        pytest.param(LeaverPolicy.REMOVE, RefusalKind.TOO_MANY_REMOVALS, id="remove"),
        pytest.param(LeaverPolicy.DISABLE, RefusalKind.TOO_MANY_DISABLES, id="disable"),
    ],
)
@pytest.mark.parametrize("groups", [GONE, (SALES, OPS)], ids=["no groups", "no members"])
def test_nobody_loses_the_phone_because_the_groups_of_the_scope_ran_empty(policy, kind, groups):
    """Under this scope everybody would be a leaver; the guards of leavers see them."""
    rules = PeopleRules(
        ScopeRules(Scope.SELECTED_GROUPS, selected_groups=("sales", "ops")),
        on_out_of_scope=policy,
        remove_after=AT_ONCE,
    )

    made = plan(staffed(*CROWD[:20], leaving=20, groups=groups), rules, LIMITS)

    assert kinds(made) == [kind]
    assert len(made.held) == 20


@pytest.mark.parametrize(
    ("now", "accepted", "kind"),
    [
        pytest.param(0, 100, RefusalKind.EMPTY_ANSWER, id="empty"),
        pytest.param(0, 1, RefusalKind.EMPTY_ANSWER, id="empty, of one"),
        pytest.param(70, 100, RefusalKind.SHRUNK_ANSWER, id="30 % fewer"),
        pytest.param(71, 100, None, id="29 % fewer"),
        pytest.param(7, 10, None, id="three fewer in a small office"),
        pytest.param(6, 10, RefusalKind.SHRUNK_ANSWER, id="four fewer in a small office"),
        pytest.param(100, 100, None, id="as many"),
        pytest.param(300, 100, None, id="grown"),
        pytest.param(0, 0, None, id="never accepted"),
    ],
)
@pytest.mark.parametrize("policy", LeaverPolicy)
def test_an_answer_that_is_suddenly_short_is_not_believed(now, accepted, kind, policy):
    """A Graph outage or a lost permission looks like everybody leaving at once."""
    seen = leaving(2, people_now=now, people_accepted=accepted)

    made = plan(seen, PeopleRules(on_deleted=policy, remove_after=AT_ONCE), LIMITS)

    assert kinds(made) == ([kind] if kind else [])
    assert (len(made.held), len(made.actions)) == ((2, 0) if kind else (0, 2))


def test_a_short_answer_is_said_even_where_nobody_would_leave():
    """The next plan may touch leavers; the administrator hears of it before."""
    made = plan(leaving(0, people_now=0, people_accepted=9), PeopleRules(), LIMITS)

    assert kinds(made) == [RefusalKind.EMPTY_ANSWER]
    assert made.refusals[0].held == 0


def test_an_unfinished_round_deletes_nobody():
    """Who was not on the pages that came may be on those that did not."""
    gone, off = replace(CROWD[0], standing=Standing.GONE), replace(CROWD[1], enabled=False)
    seen = settled(gone, off, summary=Summary(linked=2, round_finished=False))

    made = plan(seen, REMOVE, LIMITS)

    assert kinds(made) == [RefusalKind.UNFINISHED_ROUND]
    assert [action.person for action in made.held] == [gone.id]
    assert [(type(action), action.person) for action in made.actions] == [(KeepLeaver, off.id)]


def test_keeping_leavers_trips_no_guard():
    """The default policy writes nothing, so there is nothing to fear from it."""
    made = plan(leaving(100), PeopleRules(), LIMITS)

    assert len(made.actions) == 100
    assert made.refusals == ()


def test_the_thresholds_are_the_administrators():
    """A provider with ten customers of ten people each wants other figures than a ministry."""
    strict = replace(REMOVE, guards=GuardRules(removals=Threshold(0, 0.0)))

    made = plan(leaving(1), strict, LIMITS)

    assert kinds(made) == [RefusalKind.TOO_MANY_REMOVALS]


def test_large_figures_are_written_as_everywhere() -> None:
    """12000 and 20000 in one sentence are soon misread."""
    summary = Summary(people_now=12_000, people_accepted=20_000)

    guarded = guard(Wanted(linked=14_000), summary, GuardRules())

    (refusal,) = guarded.refusals
    assert "answered with 12,000 people, where there were 20,000." in refusal.because
