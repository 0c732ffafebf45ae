"""Why is this so? The answers for one person, as the console and the command line give them."""

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
    view,
)
from jackfield.core.departments import DepartmentRules, DepartmentSource
from jackfield.core.explanations import explain_person
from jackfield.core.extensions import Field
from jackfield.core.people import LeaverCause, LeaverPolicy, Scope, ScopeRules
from jackfield.core.pictures import Summary
from jackfield.core.plan import plan
from jackfield.core.rules import PeopleRules

ANN, BOB = person("Ann Field"), person("Bob Hill")
SALES = group("Sales")
RULES = PeopleRules(
    ScopeRules(Scope.SELECTED_GROUPS, selected_groups=(SALES.id,)),
    departments=DepartmentRules(DepartmentSource.SCOPE),
)


def test_somebody_in_order_is_explained_from_scope_to_departments():
    """An administrator who asks why must not have to read the documents."""
    sales, hand = department("Sales"), department("Hand")
    seen = view(
        [ANN],
        links=[link(ANN, "100", departments=(sales.key,))],
        extensions=[
            extension("100", fields_of(ANN), departments=(sales.key, hand.key), primary=sales.key)
        ],
        members={"sales": [ANN]},
        groups=[SALES],
        departments=[sales, hand],
        department_links=[department_link(SALES, sales)],
    )
    limits = replace(LIMITS, writable=frozenset(Field) - {Field.COMPANY})

    assert explain_person(seen, RULES, limits, ANN.id) == (
        "In scope: a member of the selected group “Sales”.",
        "Has extension 100.",
        "First name: “Ann”, from Microsoft 365 (givenName).",
        "Last name: “Field”, from Microsoft 365 (surname).",
        "E-mail: “ann-field@example.org”, from Microsoft 365 (mail, else the sign-in name).",
        "Mobile: empty, from Microsoft 365 (mobilePhone).",
        "Job title: empty, from Microsoft 365 (jobTitle).",
        "Company: empty, the phone system's own, which takes no other.",
        "Outbound caller ID: empty, from Microsoft 365 (businessPhones).",
        "Office: empty, from Microsoft 365 (officeLocation).",
        (
            "Departments by group: “Sales”; the first one is primary, unless another was chosen in"
            " the phone system."
        ),
        "Given in the phone system, so never taken away: “Hand”.",
        "Nothing is to be done.",
    )


def test_a_department_that_is_gone_is_named():
    """Why is Ann no longer in Sales? Because the phone system has lost it."""
    sales, hand = department("Sales"), department("Hand")
    seen = view(
        [ANN],
        links=[link(ANN, "100", departments=(sales.key,))],
        extensions=[extension("100", fields_of(ANN))],
        members={"sales": [ANN]},
        groups=[SALES],
        departments=[hand],
        department_links=[department_link(SALES, sales)],
    )

    said = explain_person(seen, RULES, LIMITS, ANN.id)

    assert (
        "Gone from the phone system, and given again once it stands: “Sales”. It is made again by"
        " the next sync, or, where many are gone, when you release it."
    ) in said


def test_a_difference_is_told_with_its_reason():
    """The same words as in the preview."""
    renamed = replace(ANN, given_name="Anna")
    seen = replace(settled(ANN, BOB), people={ANN.id: renamed, BOB.id: BOB})

    sentences = explain_person(seen, PeopleRules(), LIMITS, ANN.id)

    assert sentences[-2:] == (
        "Next sync: Update extension 100 of Ann Field. Differs from Microsoft 365: first name.",
        "First name: “Ann” becomes “Anna”. Changed in Microsoft 365 (givenName).",
    )


def test_a_department_to_come_is_told_as_in_the_preview():
    """By its name, with its reason."""
    sales = department("Sales")
    seen = view(
        [ANN],
        links=[link(ANN, "100")],
        extensions=[extension("100", fields_of(ANN))],
        members={"sales": [ANN]},
        groups=[SALES],
        departments=[sales],
        department_links=[department_link(SALES, sales)],
    )

    sentences = explain_person(seen, RULES, LIMITS, ANN.id)

    assert sentences[-3].startswith("Next sync: Update extension 100 of Ann Field.")
    assert sentences[-2].startswith("Departments: empty becomes “Sales”. ")
    assert sentences[-1].startswith("Primary department: empty becomes “Sales”. ")


def test_somebody_out_of_scope_is_told_why_and_nothing_else():
    """The commonest question: why has Bob no phone?"""
    seen = view([replace(BOB, has_mailbox=False)])

    assert explain_person(seen, PeopleRules(), LIMITS, BOB.id) == (
        "Not in scope: no licence with a mailbox, and only people with one are included.",
        "No extension is linked to this person.",
        "Nothing is to be done.",
    )


def test_a_leaver_is_told_the_policy():
    """Why does this phone still work? Because the policy says so."""
    gone = replace(ANN, enabled=False)
    seen = view(
        [gone],
        links=[link(ANN, "100", left=LeaverCause.DISABLED)],
        extensions=[extension("100", fields_of(ANN), enabled=False)],
    )
    rules = PeopleRules(on_disabled=LeaverPolicy.DISABLE)

    assert explain_person(seen, rules, LIMITS, ANN.id)[1:] == (
        "Has extension 100, which is disabled.",
        (
            "A leaver (disabled in Microsoft 365); the policy for this cause is to disable the"
            " extension."
        ),
        "Nothing is to be done.",
    )


def test_nobody_is_in_scope_and_a_leaver_at_once():
    """Two sentences that contradict each other explain nothing."""
    gone = replace(ANN, enabled=False)
    seen = view([gone], links=[link(ANN, "100")], extensions=[extension("100", fields_of(ANN))])

    first = explain_person(seen, PeopleRules(), LIMITS, ANN.id)[0]

    assert first == (
        "Not in scope while the account is disabled; once it is enabled, in scope: everyone is"
        " selected."
    )


def test_a_disabled_newcomer_is_told_to_wait():
    """In scope and yet without a phone: the account is off."""
    sentences = explain_person(view([replace(ANN, enabled=False)]), PeopleRules(), LIMITS, ANN.id)

    assert "The account is disabled; an extension is made once it is enabled." in sentences


def test_what_a_guard_holds_is_told_from_the_plan():
    """Planned alone, one removal trips no guard; the plan at hand knows better."""
    crowd = [person(f"Person {n}") for n in range(8)]
    seen = settled(*(replace(one, enabled=False) for one in crowd))
    rules = PeopleRules(on_disabled=LeaverPolicy.REMOVE, remove_after=AT_ONCE)

    sentences = explain_person(seen, rules, LIMITS, crowd[0].id, plan(seen, rules, LIMITS))

    assert sentences[-1].startswith("Held back by a guard: Remove extension 100 of Person 0.")


def test_a_doubt_is_told_with_the_next_step():
    """The administrator can end it, and must know how."""
    seen = view([ANN], extensions=[extension("300", fields_of(ANN), external_key="somebody")])

    last = explain_person(seen, PeopleRules(), LIMITS, ANN.id)[-1]

    assert last.startswith("Refused: Extension 300 bears")
    assert last.endswith("or decide under Users > Doubtful matches.")


def test_unreadable_groups_are_told():
    """Nobody loses anything meanwhile, and nobody should wonder."""
    seen = settled(ANN, groups=[SALES], summary=Summary(linked=1, groups_readable=False))

    sentences = explain_person(seen, RULES, LIMITS, ANN.id)

    assert (
        "Groups cannot be read at present, so nobody loses anything for want of one." in sentences
    )
    assert sentences[-1] == "Nothing is to be done."


def test_an_unknown_person_is_told_so():
    """An object ID from an old journal line still gets an answer."""
    seen = replace(settled(ANN), people={}, memberships={})

    sentences = explain_person(seen, PeopleRules(), LIMITS, ANN.id)

    assert sentences[0] == "Microsoft 365 no longer has this account."
    assert sentences[-1].startswith("Next sync: Keep extension 100 of Ann Field, who has left.")


@pytest.mark.parametrize("seed", SEEDS[:40])
def test_everybody_can_be_explained(seed):
    """Whatever the pictures: an answer, made of sentences, that agrees with the plan."""
    world = Rehearsal(random.Random(seed))
    seen = world.view()
    made = plan(seen, world.rules, world.limits)
    touched = {getattr(action, "person", None) for action in made.actions + made.held} | {
        refusal.subject for refusal in made.refusals
    }

    for id_ in (*world.people, *world.links):
        sentences = explain_person(seen, world.rules, world.limits, id_, made)

        assert all(one[0].isupper() and one[-1] in ".”" for one in sentences)
        assert (sentences[-1] == "Nothing is to be done.") is (id_ not in touched)
