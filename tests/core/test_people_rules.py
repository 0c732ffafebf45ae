"""The rules of people sync, by their ids; the wording of the rules is in docs/people-sync.md."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from core.sketches import (
    AT_ONCE,
    LIMITS,
    department,
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
    AdoptExtension,
    CreateExtension,
    DisableExtension,
    KeepLeaver,
    RefusalKind,
    RemoveExtension,
    UpdateExtension,
)
from jackfield.core.extensions import ExtensionFields, Field, FormerExtension, Verdict
from jackfield.core.number_pools import NumberRules, Released
from jackfield.core.numbering import NumberRange
from jackfield.core.people import (
    GroupId,
    LeaverCause,
    LeaverPolicy,
    Scope,
    ScopeReason,
    ScopeRules,
    ScopeVerdict,
    Standing,
    UserType,
    explain,
    judge,
)
from jackfield.core.plan import plan
from jackfield.core.rules import PeopleRules, PhoneLimits, RemoveAfter

ANN, BOB, CYD, DAN = person("Ann Field"), person("Bob Hill"), person("Cyd Lake"), person("Dan Moor")
EVERYONE = PeopleRules()


def numbers(made, kind=CreateExtension):
    return {action.person: action.number for action in made.actions if isinstance(action, kind)}


# --- fields follow, one way ------------------------------------------------------------------


@rule("U-01")
def test_a_field_changed_in_the_phone_system_is_put_back():
    """Microsoft 365 owns the synced fields; an administrator must see why theirs was undone."""
    changed = replace(fields_of(ANN), first_name="Annie")
    seen = view([ANN], links=[link(ANN, "100")], extensions=[extension("100", changed)])

    update = only(plan(seen, EVERYONE, LIMITS))

    assert isinstance(update, UpdateExtension)
    (change,) = update.changes
    assert (change.field, change.before, change.after) == (Field.FIRST_NAME, "Annie", "Ann")
    assert change.because.startswith("Changed in the phone system; put back")


@pytest.mark.parametrize(
    ("agreed", "standing", "wanted", "reason"),
    [
        pytest.param("Ann", "Ann", "Anna", "Changed in Microsoft 365 (givenName)", id="U-01 ours"),
        pytest.param("Ann", "Annie", "Ann", "Changed in the phone system", id="U-01 theirs"),
        pytest.param("Ann", "Annie", "Anna", "Changed on both sides", id="U-01 both"),
    ],
)
def test_a_difference_tells_which_side_made_it(agreed, standing, wanted, reason):
    """The preview is only trusted when it says who changed what."""
    someone = replace(ANN, given_name=wanted)
    seen = view(
        [someone],
        links=[link(ANN, "100", agreed=replace(fields_of(ANN), first_name=agreed))],
        extensions=[extension("100", replace(fields_of(ANN), first_name=standing))],
    )

    update = only(plan(seen, EVERYONE, LIMITS))

    assert update.changes[0].because.startswith(reason)
    assert update.changes[0].after == wanted


@rule("U-01")
def test_a_field_that_is_empty_in_microsoft_365_is_emptied():
    """One way, always: a mobile number that was deleted there must not live on here."""
    standing = replace(fields_of(ANN), mobile="+44 7700 900101")
    seen = view(
        [ANN],
        links=[link(ANN, "100", agreed=standing)],
        extensions=[extension("100", standing)],
    )

    update = only(plan(seen, EVERYONE, LIMITS))

    assert [(change.field, change.after) for change in update.changes] == [(Field.MOBILE, "")]


@rule("U-01")
def test_nothing_is_done_where_both_sides_say_the_same():
    """A sync that writes without need wears out phone systems and journals."""
    made = plan(settled(ANN, BOB), EVERYONE, LIMITS)

    assert made.actions == ()


def test_fields_that_the_phone_system_cannot_write_are_left_out():
    """A phone system without a company field must not be asked for one every minute."""
    someone = replace(ANN, company_name="Field Ltd", job_title="Engineer")
    limits = replace(LIMITS, writable=frozenset(Field) - {Field.COMPANY})
    seen = view(
        [someone, replace(BOB, company_name="Hill Ltd")],
        links=[link(ANN, "100")],
        extensions=[extension("100", replace(fields_of(ANN), company="by hand"))],
    )

    created, updated = plan(seen, EVERYONE, limits).actions

    assert [change.field for change in updated.changes] == [Field.JOB_TITLE]
    assert created.fields.company == ""


# --- everyone selected has an extension ------------------------------------------------------


@rule("U-02")
def test_everyone_selected_gets_an_extension():
    """The main job: whoever is selected exists in the phone system after the run."""
    made = plan(view([ANN, BOB, CYD]), EVERYONE, LIMITS)

    assert numbers(made) == {ANN.id: "100", BOB.id: "101", CYD.id: "102"}
    assert all(action.because for action in made.actions)


@rule("U-03")
def test_a_deleted_extension_comes_back_with_its_old_number():
    """Somebody deleted the wrong phone; its owner must not get another number for it."""
    seen = view([ANN, BOB], links=[link(BOB, "105")])

    made = plan(seen, EVERYONE, LIMITS)

    assert numbers(made) == {ANN.id: "100", BOB.id: "105"}
    assert made.actions[1].previous_number == "105"
    assert "deleted in the phone system" in made.actions[1].because


@rule("U-03")
def test_a_deleted_extension_gets_another_number_where_its_own_is_taken():
    """Nobody's number is ever taken away, not even to give it back to whom it was."""
    seen = view([BOB], links=[link(BOB, "105")], used=["105", "100"])

    created = only(plan(seen, EVERYONE, LIMITS))

    assert (created.number, created.previous_number) == ("101", "105")


@rule("U-03")
def test_a_newcomer_does_not_get_the_number_that_somebody_gets_back():
    """Ann sorts before Bob and would take his number, if numbers given back did not come first."""
    seen = view([ANN, BOB], links=[link(BOB, "100")])

    assert numbers(plan(seen, EVERYONE, LIMITS)) == {ANN.id: "101", BOB.id: "100"}


@rule("U-03")
def test_a_deleted_extension_that_was_made_again_by_hand_is_taken_over():
    """Two extensions for one person would both ring, or neither."""
    by_hand = extension("300", fields_of(BOB))
    seen = view([BOB], links=[link(BOB, "105")], extensions=[by_hand])

    adoption = only(plan(seen, EVERYONE, LIMITS))

    assert isinstance(adoption, AdoptExtension)
    assert (adoption.number, adoption.replaces) == ("300", "e105")


@pytest.mark.sim
@rule("U-06")
def test_there_is_no_limit_of_650_people():
    """3CX stops at 650 people; a hospital with 100,000 is planned in one go."""
    crowd = [person(f"Given{n:06} Surname") for n in range(100_000)]
    limits = PhoneLimits((NumberRange("100000", "999999"),))

    made = plan(view(crowd), EVERYONE, limits)

    assert len(made.actions) == 100_000
    assert made.actions[650].number == "100650"
    assert made.refusals == ()


# --- numbers ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("start", "used", "expected"),
    [
        pytest.param("200", [], "200", id="U-07 the start itself"),
        pytest.param("200", ["200", "201"], "202", id="U-07 the lowest free one"),
        pytest.param("200", ["100"], "200", id="U-07 free ones below do not matter"),
        pytest.param("998", ["998"], "999", id="U-07 the last of the range"),
        pytest.param("0200", [], None, id="U-07 a width that no range has"),
    ],
)
def test_a_number_is_the_lowest_free_one_from_the_start_on(start, used, expected):
    """The starting number is a floor: below it live the numbers that people gave out by hand."""
    rules = PeopleRules(numbers=NumberRules(start))

    made = plan(view([ANN], used=used), rules, LIMITS)

    assert numbers(made) == ({ANN.id: expected} if expected else {})


@rule("U-07")
def test_without_a_free_number_from_the_start_on_each_person_is_told_so():
    """Never below the start, even when nothing else is free; and nobody is forgotten silently."""
    rules = PeopleRules(numbers=NumberRules("998"))

    made = plan(view([ANN, BOB, CYD, DAN]), rules, LIMITS)

    assert numbers(made) == {ANN.id: "998", BOB.id: "999"}
    assert [(refusal.kind, refusal.subject) for refusal in made.refusals] == [
        (RefusalKind.RANGE_EXHAUSTED, CYD.id),
        (RefusalKind.RANGE_EXHAUSTED, DAN.id),
    ]
    assert made.refusals[0].because == "There is no free number from 998 on."
    assert made.refusals[0].next_step


@rule("U-08")
def test_without_a_start_the_first_range_serves_and_only_it():
    """The second range is somebody else's: queues, another site, a department."""
    limits = PhoneLimits((NumberRange("20", "21"), NumberRange("10", "15")))

    made = plan(view([ANN, BOB, CYD], used=["20"]), EVERYONE, limits)

    assert numbers(made) == {ANN.id: "21"}
    assert [refusal.subject for refusal in made.refusals] == [BOB.id, CYD.id]


@rule("U-09")
def test_numbers_go_by_display_name_whatever_order_people_come_in():
    """Preview and apply must agree, and so must tomorrow's run; names are compared casefolded."""
    upper = person("Ann Field", id="z", display_name="ANN FIELD")
    twin = person("Ann Field", id="y", display_name="ann field")
    crowd = [DAN, upper, CYD, twin, BOB]

    made = plan(view(crowd), EVERYONE, LIMITS)
    again = plan(view(reversed(crowd)), EVERYONE, LIMITS)

    assert list(numbers(made).items()) == [
        ("y", "100"),
        ("z", "101"),
        (BOB.id, "102"),
        (CYD.id, "103"),
        (DAN.id, "104"),
    ]
    assert again == made


# --- who is in scope -------------------------------------------------------------------------

SALES = GroupId("sales")
SCOPES = {
    Scope.ALL: {"ann-field", "bob-hill", "cyd-lake"},
    Scope.ALL_EXCEPT_SELECTED: {"bob-hill", "cyd-lake"},
    Scope.SELECTED: {"ann-field"},
    Scope.SELECTED_GROUPS: {"bob-hill"},
}


@pytest.mark.parametrize(
    ("scope", "expected"),
    [pytest.param(scope, found, id=f"U-13 {scope.value}") for scope, found in SCOPES.items()],
)
def test_the_four_scopes_are_those_of_the_manual(scope, expected):
    """Whoever knows 3CX finds the same four selections, and the same people in them."""
    rules = PeopleRules(ScopeRules(scope, frozenset({ANN.id}), (SALES,)))
    seen = view([ANN, BOB, CYD], members={SALES: [BOB]}, groups=[group("Sales")])

    made = plan(seen, rules, LIMITS)

    assert set(numbers(made)) == expected
    reason = made.actions[-1].because
    assert reason.startswith("In scope: ")
    assert ("“Sales”" in reason) is (scope is Scope.SELECTED_GROUPS)


@rule("U-14")
def test_somebody_in_no_selected_group_is_not_synced():
    """Only members of the selected groups get an extension."""
    rules = ScopeRules(Scope.SELECTED_GROUPS, selected_groups=(SALES,))

    verdict = judge(BOB, frozenset({GroupId("ops")}), rules)

    assert (verdict.in_scope, verdict.reason) == (False, ScopeReason.NOT_IN_GROUPS)


@pytest.mark.parametrize(
    ("policy", "kind"),
    [
        pytest.param(LeaverPolicy.KEEP, KeepLeaver, id="U-14 keep"),
        pytest.param(LeaverPolicy.DISABLE, DisableExtension, id="U-14 disable"),
        pytest.param(LeaverPolicy.REMOVE, RemoveExtension, id="U-14 remove"),
    ],
)
def test_somebody_who_left_the_selected_groups_falls_under_the_policy_out_of_scope(policy, kind):
    """What happens to the phone is the administrator's choice, and it is said beforehand."""
    rules = PeopleRules(
        ScopeRules(Scope.SELECTED_GROUPS, selected_groups=(SALES,)),
        on_out_of_scope=policy,
        remove_after=AT_ONCE,
    )

    action = only(plan(settled(BOB), rules, LIMITS))

    assert isinstance(action, kind)
    assert action.cause is LeaverCause.OUT_OF_SCOPE
    assert action.because.startswith("Not in scope: not a member of any selected group.")


@rule("U-14")
def test_a_selected_group_that_was_deleted_takes_in_nobody():
    """Its members are still listed for a while; the group is gone all the same."""
    rules = PeopleRules(ScopeRules(Scope.SELECTED_GROUPS, selected_groups=(SALES,)))
    gone = replace(group("Sales"), standing=Standing.RECYCLED)

    made = plan(view([ANN], members={SALES: [ANN]}, groups=[gone]), rules, LIMITS)

    assert made.actions == ()


def test_the_group_that_brought_somebody_in_is_the_first_selected_one():
    """The reason shown must not change with the order in which Graph lists groups."""
    ops = GroupId("ops")
    rules = ScopeRules(Scope.SELECTED_GROUPS, selected_groups=(ops, SALES, ops))

    verdict = judge(ANN, frozenset({SALES, ops}), rules)

    assert (verdict.reason, verdict.group) == (ScopeReason.IN_GROUP, ops)
    assert explain(verdict, "Operations") == (
        "In scope: a member of the selected group “Operations”."
    )


@pytest.mark.parametrize("reason", ScopeReason)
def test_every_verdict_is_a_sentence(reason):
    """The licence column and the coverage page show it as it is."""
    sentence = explain(ScopeVerdict(reason.value.startswith("in_"), reason))

    assert sentence.startswith(("In scope: ", "Not in scope: "))
    assert sentence.startswith("In scope") is reason.value.startswith("in_")


GUEST = person("Gil Guest", user_type=UserType.GUEST)


@pytest.mark.parametrize("guests", [False, True], ids=["off", "on"])
@pytest.mark.parametrize(
    "scope",
    [pytest.param(scope, id=f"U-15 {scope.value}") for scope in Scope],
)
def test_guests_come_in_by_their_switch_in_every_scope(scope, guests):
    """A guest is somebody else's employee: only the switch lets one in, whatever is selected."""
    chosen = frozenset() if scope is Scope.ALL_EXCEPT_SELECTED else frozenset({GUEST.id})
    rules = ScopeRules(scope, chosen, (SALES,), guests=guests)

    verdict = judge(GUEST, frozenset({SALES}), rules)

    assert verdict.in_scope is guests
    assert guests or verdict.reason is ScopeReason.GUEST


# --- extensions that stand already -----------------------------------------------------------


@pytest.mark.parametrize(
    ("email", "about"),
    [
        pytest.param("ANN-field@Example.org", {}, id="U-16 by mail in any case"),
        pytest.param("ann@old.example", {"upn": "Ann@old.example"}, id="U-16 by UPN"),
    ],
)
def test_an_extension_with_the_persons_address_is_taken_over(email, about):
    """People who had a phone before the first sync keep it, number and all."""
    someone = replace(ANN, **about)
    before = ExtensionFields("Ann", "", email, mobile="123")
    seen = view([someone], extensions=[extension("345", before)])

    adoption = only(plan(seen, EVERYONE, LIMITS))

    assert isinstance(adoption, AdoptExtension)
    assert (adoption.person, adoption.number) == (ANN.id, "345")
    reasons = {change.field: change.because.partition(" (")[0] for change in adoption.changes}
    assert reasons == {
        Field.LAST_NAME: "Microsoft 365 says otherwise",
        Field.EMAIL: "Microsoft 365 says otherwise",
        Field.MOBILE: "Not set in Microsoft 365",
    }


DOUBTS = [
    pytest.param(
        [ANN],
        [extension("300", fields_of(ANN)), extension("301", fields_of(ANN))],
        {},
        id="U-16 two extensions bear it",
    ),
    pytest.param(
        [ANN],
        [extension("300", fields_of(ANN))],
        {"ann-field@example.org": 2},
        id="U-16 two people of the tenant bear it",
    ),
    pytest.param(
        [replace(ANN, upn="ann@old.example")],
        [
            extension("300", fields_of(ANN)),
            extension("301", ExtensionFields(email="ann@old.example")),
        ],
        {},
        id="U-16 mail and UPN lead to different ones",
    ),
    pytest.param(
        [ANN],
        [extension("300", fields_of(ANN), external_key="somebody-else")],
        {},
        id="U-16 it was made for another account",
    ),
    pytest.param(
        [ANN],
        [extension("300", external_key=ANN.id), extension("301", external_key=ANN.id)],
        {},
        id="U-16 two were made for this person",
    ),
]


@pytest.mark.parametrize(
    ("people", "extensions", "same"), [one for one in DOUBTS if "another account" not in one.id]
)
def test_what_was_decided_to_be_theirs_is_taken_over(people, extensions, same):
    """Once, and from then on; whoever else bears the address is left alone."""
    chosen = extensions[-1]
    seen = view(people, extensions=extensions, same_address=same)
    decided = replace(seen, decisions={ANN.id: {chosen.key: Verdict.THEIRS}})

    actions = plan(decided, EVERYONE, LIMITS).actions

    adopted = [one for one in actions if isinstance(one, AdoptExtension)]
    assert [(one.person, one.key) for one in adopted] == [(ANN.id, chosen.key)]
    assert "An administrator decided" in adopted[0].because


@pytest.mark.parametrize(("people", "extensions", "same"), DOUBTS)
def test_what_was_decided_not_to_be_theirs_does_not_stand_in_the_way(people, extensions, same):
    """The person gets an extension of their own."""
    seen = view(people, extensions=extensions, same_address=same)
    verdicts = {one.key: Verdict.NOT_THEIRS for one in extensions}
    decided = replace(seen, decisions={ANN.id: verdicts})

    made = plan(decided, EVERYONE, LIMITS)

    (creation,) = [one for one in made.actions if isinstance(one, CreateExtension)]
    assert creation.person == ANN.id


@rule("U-16")
def test_an_extension_that_is_somebodys_by_decision_is_nobody_elses():
    """Also before it is linked: the other person must not get it by the address."""
    seen = view([BOB], extensions=[extension("300", fields_of(BOB))])
    decided = replace(seen, decisions={ANN.id: {"e300": Verdict.THEIRS}})

    assert isinstance(only(plan(decided, EVERYONE, LIMITS)), CreateExtension)


@pytest.mark.parametrize(("people", "extensions", "same"), DOUBTS)
def test_a_doubtful_match_creates_nothing_and_is_shown(people, extensions, same):
    """A wrong adoption hands one person's phone to another; a second phone confuses both."""
    seen = view([*people, BOB], extensions=extensions, same_address=same)

    made = plan(seen, EVERYONE, LIMITS)

    assert numbers(made) == {BOB.id: "100"}
    (refusal,) = made.refusals
    assert (refusal.kind, refusal.subject) == (RefusalKind.DOUBTFUL_MATCH, ANN.id)
    assert "300" in refusal.because
    assert refusal.next_step


@rule("U-16")
def test_two_newcomers_with_one_address_never_share_an_extension():
    """Even when the count of the whole tenant is not at hand."""
    twin = person("Ann Twin", mail=ANN.mail)
    seen = view([ANN, twin], extensions=[extension("300", fields_of(ANN))])

    made = plan(seen, EVERYONE, LIMITS)

    assert made.actions == ()
    assert [refusal.subject for refusal in made.refusals] == [ANN.id, twin.id]


@rule("U-16")
def test_an_extension_that_carries_the_object_id_is_the_persons_own():
    """A creation whose answer was lost is found again, whatever became of its address."""
    made_before = extension("300", external_key=ANN.id)
    seen = view([ANN], extensions=[made_before])

    adoption = only(plan(seen, EVERYONE, LIMITS))

    assert isinstance(adoption, AdoptExtension)
    assert adoption.key == made_before.key


# --- accounts that are no people -------------------------------------------------------------

NOT_BY_THEMSELVES = [
    pytest.param({"has_mailbox": False}, ScopeReason.NO_MAILBOX_LICENCE, id="no mailbox licence"),
    pytest.param(
        {"is_resource_account": True}, ScopeReason.RESOURCE_ACCOUNT, id="resource account"
    ),
    pytest.param(
        {"enabled": False, "disabled_when_first_seen": True},
        ScopeReason.DISABLED_WHEN_FIRST_SEEN,
        id="disabled when first seen",
    ),
]


@pytest.mark.parametrize(("about", "reason"), NOT_BY_THEMSELVES)
@pytest.mark.parametrize(
    "scope",
    [
        pytest.param(scope, id=f"U-17 {scope.value}")
        for scope in (Scope.ALL, Scope.ALL_EXCEPT_SELECTED, Scope.SELECTED_GROUPS)
    ],
)
def test_rooms_and_service_accounts_never_come_by_themselves(scope, about, reason):
    """Shared mailboxes and rooms would eat up the phone system's licences."""
    rules = ScopeRules(scope, selected_groups=(SALES,))

    verdict = judge(replace(ANN, **about), frozenset({SALES}), rules)

    assert (verdict.in_scope, verdict.reason) == (False, reason)


@pytest.mark.parametrize(("about", "reason"), NOT_BY_THEMSELVES)
@rule("U-17")
def test_whoever_is_selected_by_name_counts(about, reason):
    """The administrator has named this very account; that is also the way around the rule."""
    someone = replace(ANN, **about)
    rules = PeopleRules(ScopeRules(Scope.SELECTED, frozenset({ANN.id})))

    made = plan(view([someone]), rules, LIMITS)
    after = plan(
        view([someone], links=[link(ANN, "100")], extensions=[extension("100", fields_of(ANN))]),
        rules,
        LIMITS,
    )

    assert numbers(made) == {ANN.id: "100"}
    assert after.actions == ()
    assert reason


@rule("U-17")
def test_everyone_means_everyone_once_the_licence_switch_is_off():
    """C is one click away: then shared mailboxes come too, resource accounts still do not."""
    rules = ScopeRules(mailbox_licence_only=False)

    assert judge(replace(ANN, has_mailbox=False), frozenset(), rules).in_scope
    assert not judge(replace(ANN, is_resource_account=True), frozenset(), rules).in_scope


@rule("U-17")
def test_losing_the_licence_is_leaving_the_scope_never_a_silent_removal():
    """A lapsed subscription must not take phones away unless the administrator wants that."""
    someone = replace(ANN, has_mailbox=False)

    kept = only(plan(settled(someone), EVERYONE, LIMITS))
    removed = only(
        plan(
            settled(someone),
            PeopleRules(on_out_of_scope=LeaverPolicy.REMOVE, remove_after=AT_ONCE),
            LIMITS,
        )
    )

    assert isinstance(kept, KeepLeaver)
    assert isinstance(removed, RemoveExtension)
    assert removed.cause is LeaverCause.OUT_OF_SCOPE
    assert "no licence with a mailbox" in removed.because


# --- leavers ---------------------------------------------------------------------------------

CAUSES = [
    pytest.param({"standing": Standing.RECYCLED}, LeaverCause.DELETED, id="U-04 recycled"),
    pytest.param({"standing": Standing.GONE}, LeaverCause.DELETED, id="U-04 purged"),
    pytest.param({"enabled": False}, LeaverCause.DISABLED, id="U-05 disabled"),
    pytest.param(
        {"enabled": False, "has_mailbox": False}, LeaverCause.DISABLED, id="U-05 before its licence"
    ),
    pytest.param({"has_mailbox": False}, LeaverCause.OUT_OF_SCOPE, id="U-17 unlicensed"),
]


@pytest.mark.parametrize(("about", "cause"), CAUSES)
@pytest.mark.parametrize("policy", LeaverPolicy)
def test_each_cause_of_leaving_has_its_own_policy(about, cause, policy):
    """Leavers who keep a phone are feared, and so is a policy that hits the wrong ones."""
    policies = {
        LeaverCause.DELETED: "on_deleted",
        LeaverCause.DISABLED: "on_disabled",
        LeaverCause.OUT_OF_SCOPE: "on_out_of_scope",
    }
    rules = PeopleRules(**{policies[cause]: policy}, remove_after=AT_ONCE)

    action = only(plan(settled(replace(ANN, **about)), rules, LIMITS))

    expected = {
        LeaverPolicy.KEEP: KeepLeaver,
        LeaverPolicy.DISABLE: DisableExtension,
        LeaverPolicy.REMOVE: RemoveExtension,
    }
    assert isinstance(action, expected[policy])
    assert action.cause is cause


def test_a_leaver_is_said_once():
    """A kept leaver shows up in one plan, not in every one from then on."""
    someone = replace(ANN, standing=Standing.RECYCLED)
    seen = view(
        [someone],
        links=[link(ANN, "100", left=LeaverCause.DELETED)],
        extensions=[extension("100", ExtensionFields("changed by hand"))],
    )

    assert plan(seen, EVERYONE, LIMITS).actions == ()


def leaver_since(days, *, enabled=False, cause=LeaverCause.DELETED):
    """Ann, deleted in Microsoft 365, and noted as `cause` so many days ago."""
    now = datetime(2026, 3, 31, tzinfo=UTC)
    left = replace(link(ANN, "100"), left=cause, left_at=now - timedelta(days=days))
    return view(
        [replace(ANN, standing=Standing.RECYCLED)],
        links=[left],
        extensions=[extension("100", fields_of(ANN), enabled=enabled)],
        now=now,
    )


REMOVED_LATER = PeopleRules(on_deleted=LeaverPolicy.REMOVE, remove_after=RemoveAfter(deleted=30))


@rule("U-04")
def test_an_extension_that_is_to_be_removed_later_is_disabled_until_then():
    """The phone is dead at once; the number is not gone until it is sure."""
    seen = replace(
        settled(replace(ANN, standing=Standing.RECYCLED)), now=datetime(2026, 3, 31, tzinfo=UTC)
    )

    action = only(plan(seen, REMOVED_LATER, LIMITS))

    assert isinstance(action, DisableExtension)
    assert action.because.endswith("The extension is disabled. It is removed from 2026-04-30 on.")


@pytest.mark.parametrize(("days", "removed"), [(0, False), (29, False), (30, True), (400, True)])
@rule("U-04")
def test_a_leaver_is_removed_when_the_days_are_over(days, removed):
    """Not a day before, and not never."""
    actions = plan(leaver_since(days), REMOVED_LATER, LIMITS).actions

    assert [type(action) for action in actions] == ([RemoveExtension] if removed else [])


def back_after_removal(used=(), **former):
    """Ann, whose extension 107 was removed ten days ago, is in scope again; Bob is new."""
    now = datetime(2026, 3, 31, tzinfo=UTC)
    return view(
        [ANN, BOB],
        departments=[department("By hand"), department("Other")],
        used={str(number) for number in range(100, 107)} | set(used),
        released={"107": Released("107", now - timedelta(days=10), ANN.id)},
        former={ANN.id: FormerExtension("107", **former)},
        now=now,
    )


@rule("U-04")
def test_whoever_is_back_gets_the_number_and_the_departments_back():
    """Restored from the recycle bin: nobody else has got the number, and nothing is forgotten."""
    seen = back_after_removal(by_hand=("d-by hand", "d-gone"), primary="d-by hand")

    anns, bobs = plan(seen, EVERYONE, LIMITS).actions

    assert (anns.person, anns.number, anns.former_number) == (ANN.id, "107", "107")
    assert (anns.kept_departments, anns.kept_primary) == (("d-by hand",), "d-by hand")
    assert anns.because.endswith(
        "The person is back after the extension was removed; it is made again with its old number."
    )
    assert bobs.number == "108"


@rule("U-04")
def test_a_number_that_is_taken_is_not_had_back():
    """The extension comes back all the same, and the reason says why it has another number."""
    anns, bobs = plan(back_after_removal(used=["107"]), EVERYONE, LIMITS).actions

    assert (anns.number, anns.former_number, bobs.number) == ("108", "107", "109")
    assert "its old number 107 is taken" in anns.because


@rule("U-08")
@pytest.mark.parametrize(("days", "number"), [(29, "108"), (30, "107")])
def test_a_released_number_is_held_for_thirty_days(days, number):
    """Callers of somebody who left last week must not reach a stranger."""
    now = datetime(2026, 3, 31, tzinfo=UTC)
    seen = view(
        [BOB],
        used={str(taken) for taken in range(100, 107)},
        released={"107": Released("107", now - timedelta(days=days), ANN.id)},
        now=now,
    )

    assert only(plan(seen, EVERYONE, LIMITS)).number == number


DELETED_STAYS = [
    pytest.param({"recreate": False}, "for anybody", id="U-03 for everybody"),
    pytest.param({"not_recreated": frozenset({ANN.id})}, "for this person", id="U-03 for one"),
]


@pytest.mark.parametrize(("choice", "whom"), DELETED_STAYS)
def test_an_extension_deleted_by_hand_stays_so_where_that_is_chosen(choice, whom):
    """It is said once, and nobody else waits for it."""
    rules = PeopleRules(**choice)
    seen = view([ANN, BOB], links=[link(ANN, "100")])

    bobs, anns = sorted(plan(seen, rules, LIMITS).actions, key=lambda one: one.person, reverse=True)
    noted = link(ANN, "100", left=LeaverCause.DELETED_BY_HAND)
    later = plan(view([ANN], links=[noted]), rules, LIMITS)

    assert isinstance(anns, KeepLeaver)
    assert anns.cause is LeaverCause.DELETED_BY_HAND
    assert anns.because.endswith(f"As chosen, it is not made again {whom}.")
    assert isinstance(bobs, CreateExtension)
    assert later.actions == ()


@rule("U-03")
def test_an_extension_that_is_there_again_is_followed_and_keeps_its_state():
    """It only was not found for a while; that it is disabled was decided in the phone system."""
    away = link(ANN, "100", left=LeaverCause.DELETED_BY_HAND)
    stands = extension("100", fields_of(ANN), enabled=False)

    update = only(plan(view([ANN], links=[away], extensions=[stands]), EVERYONE, LIMITS))

    assert update.returns
    assert not update.enables
    assert update.because == (
        "The extension stands in the phone system again, and is followed again."
    )


@rule("U-03")
def test_an_extension_deleted_by_hand_is_made_again_once_that_is_chosen_again():
    """With its number, as ever."""
    seen = view([ANN], links=[link(ANN, "100", left=LeaverCause.DELETED_BY_HAND)])

    action = only(plan(seen, EVERYONE, LIMITS))

    assert isinstance(action, CreateExtension)
    assert (action.number, action.previous_number) == ("100", "100")


def test_another_cause_begins_the_days_anew():
    """Long disabled and deleted today: the deletion can be undone for thirty days all the same."""
    seen = leaver_since(400, cause=LeaverCause.DISABLED)

    action = only(plan(seen, REMOVED_LATER, LIMITS))

    assert isinstance(action, KeepLeaver)
    assert action.because.endswith("It is removed from 2026-04-30 on.")


def test_a_leavers_extension_that_was_enabled_by_hand_is_disabled_again():
    """Until it is removed it must not ring."""
    action = only(plan(leaver_since(3, enabled=True), REMOVED_LATER, LIMITS))

    assert isinstance(action, DisableExtension)


def test_a_new_policy_reaches_leavers_of_old():
    """Changing "keep" to "disable" must not need a list of names."""
    someone = replace(ANN, standing=Standing.RECYCLED)
    left = link(ANN, "100", left=LeaverCause.DELETED)
    seen = view([someone], links=[left], extensions=[extension("100", fields_of(ANN))])

    action = only(plan(seen, PeopleRules(on_deleted=LeaverPolicy.DISABLE), LIMITS))

    assert isinstance(action, DisableExtension)


def test_an_extension_that_is_disabled_already_is_not_disabled_again():
    """Nothing is written where nothing would change; that somebody left is noted all the same."""
    someone = replace(ANN, standing=Standing.RECYCLED)
    seen = view(
        [someone],
        links=[link(ANN, "100")],
        extensions=[extension("100", fields_of(ANN), enabled=False)],
    )

    action = only(plan(seen, PeopleRules(on_deleted=LeaverPolicy.DISABLE), LIMITS))

    assert isinstance(action, KeepLeaver)
    assert action.because.endswith("The extension is disabled already.")


@pytest.mark.parametrize("enabled", [True, False], ids=["kept", "disabled"])
def test_a_leaver_who_is_back_gets_the_extension_back(enabled):
    """Parental leave, a mistake in the directory: the same number, and changes catch up."""
    someone = replace(ANN, surname="Field-Hill")
    seen = view(
        [someone],
        links=[link(ANN, "100", left=LeaverCause.DISABLED)],
        extensions=[extension("100", fields_of(ANN), enabled=enabled)],
    )

    update = only(plan(seen, EVERYONE, LIMITS))

    assert isinstance(update, UpdateExtension)
    assert update.returns
    assert [change.after for change in update.changes] == ["Field-Hill"]
    assert ("enabled again" in update.because) is not enabled


def test_a_leavers_deleted_extension_stays_deleted():
    """Removing a leaver's phone by hand is what the manual asks for; it must not come back."""
    someone = replace(ANN, enabled=False)
    seen = view([someone], links=[link(ANN, "100")])

    kept = only(plan(seen, PeopleRules(on_disabled=LeaverPolicy.DISABLE), LIMITS))
    noted = replace(seen, links={ANN.id: link(ANN, "100", left=LeaverCause.DISABLED)})

    assert isinstance(kept, KeepLeaver)
    assert kept.because.endswith("The extension was deleted in the phone system already.")
    assert plan(noted, PeopleRules(on_disabled=LeaverPolicy.DISABLE), LIMITS).actions == ()


def test_an_account_disabled_meanwhile_waits_until_it_is_enabled():
    """Else "remove" would take the extension away that the same rules had just made."""
    someone = replace(ANN, enabled=False)
    for scope in (ScopeRules(), ScopeRules(Scope.SELECTED, frozenset({ANN.id}))):
        rules = PeopleRules(scope, on_disabled=LeaverPolicy.REMOVE, remove_after=AT_ONCE)

        assert plan(view([someone]), rules, LIMITS).actions == ()


def test_somebody_selected_by_name_who_is_disabled_later_is_a_leaver():
    """Being selected by name does not keep a leaver's phone alive."""
    rules = PeopleRules(
        ScopeRules(Scope.SELECTED, frozenset({ANN.id})), on_disabled=LeaverPolicy.DISABLE
    )

    action = only(plan(settled(replace(ANN, enabled=False)), rules, LIMITS))

    assert isinstance(action, DisableExtension)


def test_a_link_whose_person_is_unknown_belongs_to_somebody_deleted():
    """The tenant's picture may forget the purged; their extensions must not be forgotten."""
    seen = replace(settled(ANN), people={}, memberships={})

    action = only(plan(seen, PeopleRules(on_deleted=LeaverPolicy.DISABLE), LIMITS))

    assert isinstance(action, DisableExtension)
    assert (action.cause, action.name) == (LeaverCause.DELETED, "Ann Field")
