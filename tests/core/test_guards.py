"""What a plan does not do unseen: the guards, and what they leave alone."""

from dataclasses import replace

import pytest

from core.sketches import LIMITS, extension, fields_of, link, person, settled, view
from jackfield.core.people import LeaverPolicy, Standing
from jackfield.core.plan import (
    GUARDS,
    CreateExtension,
    GuardRules,
    KeepLeaver,
    PeopleRules,
    RefusalKind,
    RemoveExtension,
    Summary,
    Threshold,
    UpdateExtension,
    plan,
)

CROWD = [person(f"Person {n:03}") for n in range(100)]
REMOVE = PeopleRules(on_deleted=LeaverPolicy.REMOVE)
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


def test_new_numbers_elsewhere_count_in_too():
    """The same for people who would get another number."""
    lost = link(CROWD[0], "500")
    summary = Summary(linked=10, renumberings_elsewhere=5)
    seen = view(CROWD[:1], links=[lost], used=["500"], summary=summary)

    assert kinds(plan(seen, PeopleRules(), LIMITS)) == [RefusalKind.TOO_MANY_RENUMBERINGS]


def test_too_many_new_numbers_are_held():
    """A phone system restored from the wrong backup would cost a whole company its numbers."""
    people = CROWD[:20]
    links = [link(one, str(500 + offset)) for offset, one in enumerate(people)]
    seen = view(people, links=links, used=[str(500 + offset) for offset in range(6)])

    made = plan(seen, PeopleRules(), LIMITS)

    assert kinds(made) == [RefusalKind.TOO_MANY_RENUMBERINGS]
    assert [action.previous_number for action in made.held] == [str(500 + n) for n in range(6)]
    assert [action.number for action in made.actions] == [str(506 + n) for n in range(14)]


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

    made = plan(seen, PeopleRules(on_deleted=policy), LIMITS)

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
