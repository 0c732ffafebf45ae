"""Which attribute feeds which field: every choice there is, and what is left alone."""

from dataclasses import replace

import pytest

from core.sketches import LIMITS, extension, fields_of, link, only, person, rule, view
from jackfield.core.actions import AdoptExtension, UpdateExtension
from jackfield.core.attributes import (
    CHOICES,
    AttributeRules,
    AttributesError,
    Source,
    check_attributes,
    extras,
)
from jackfield.core.explanations import explain_person
from jackfield.core.extensions import ExtensionFields, ExtensionNumber, Field, FormerExtension
from jackfield.core.fields import LABELS, attribute, wanted_fields
from jackfield.core.plan import plan
from jackfield.core.rules import PeopleRules

ANN = person(
    "Ann Field",
    upn="ann@sign-in.example",
    mail="ann@mail.example",
    display_name="Dr Ann Field",
    mobile_phone="+44 7700 900101",
    business_phone="+44 20 7946 0101",
    job_title="Engineer",
    company_name="Field Ltd",
    department="Works",
    office_location="Room 7",
)
USUAL = wanted_fields(ANN, AttributeRules(), LIMITS).fields
BY_HAND = ExtensionFields("By", "Hand", "by@hand.example", "123", "Boss", "Theirs", "12", "Here")


def rules(**chosen):
    return PeopleRules(attributes=AttributeRules(**chosen))


def test_the_usual_rules():
    """What nine installations in ten want."""
    assert (
        ExtensionFields(
            "Ann",
            "Field",
            "ann@mail.example",
            "+44 7700 900101",
            "Engineer",
            "Field Ltd",
            "+442079460101",
            "Room 7",
        )
        == USUAL
    )


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        ({"name": Source.DISPLAY_NAME}, {"first_name": "Dr Ann Field", "last_name": ""}),
        ({"email": Source.MAIL}, {"email": "ann@mail.example"}),
        ({"email": Source.USER_PRINCIPAL_NAME}, {"email": "ann@sign-in.example"}),
        ({"email": Source.NOT_SYNCED}, {"email": ""}),
        ({"mobile": Source.BUSINESS_PHONES}, {"mobile": "+44 20 7946 0101"}),
        ({"mobile": Source.NOT_SYNCED}, {"mobile": ""}),
        ({"job_title": Source.DEPARTMENT}, {"job_title": "Works"}),
        ({"job_title": Source.NOT_SYNCED}, {"job_title": ""}),
        ({"company": Source.DEPARTMENT}, {"company": "Works"}),
        ({"company": Source.OFFICE_LOCATION}, {"company": "Room 7"}),
        ({"company": Source.NOT_SYNCED}, {"company": ""}),
        ({"office": Source.DEPARTMENT}, {"office": "Works"}),
        ({"office": Source.NOT_SYNCED}, {"office": ""}),
        ({"caller_id": Source.MOBILE_PHONE}, {"caller_id": "+447700900101"}),
        ({"caller_id": Source.NOT_SYNCED}, {"caller_id": ""}),
        ({"name": Source.NOT_SYNCED}, {}),
        ({"follow_details": False}, {}),
    ],
    ids=str,
)
def test_a_new_extension_is_filled_by_the_rules(chosen, expected):
    """Each choice changes its own field and no other; nobody is made without a name."""
    creation = only(plan(view([ANN]), rules(**chosen), LIMITS))

    assert creation.fields == replace(USUAL, **expected)


@pytest.mark.parametrize("rule_", CHOICES)
def test_a_field_that_is_not_synced_is_left_alone(rule_):
    """Whatever stands there and whoever wrote it; every other field is put right."""
    seen = view(
        [ANN],
        links=[link(ANN, "100", agreed=USUAL)],
        extensions=[extension("100", replace(BY_HAND, caller_id=USUAL.caller_id))],
    )

    update = only(plan(seen, rules(**{rule_: Source.NOT_SYNCED}), LIMITS))

    own = {"first_name", "last_name"} if rule_ == "name" else {rule_}
    assert isinstance(update, UpdateExtension)
    assert {change.field for change in update.changes} == set(Field) - own - {Field.CALLER_ID}


@rule("U-01")
def test_with_the_details_switched_off_only_the_caller_id_is_followed():
    """The phone system's administrators keep names and titles by themselves then."""
    seen = view(
        [ANN],
        links=[link(ANN, "100", agreed=USUAL)],
        extensions=[extension("100", replace(BY_HAND, caller_id=""))],
    )

    update = only(plan(seen, rules(follow_details=False), LIMITS))

    assert [change.field for change in update.changes] == [Field.CALLER_ID]


@rule("U-16")
def test_with_the_details_switched_off_an_adopted_extension_stays_as_it_is():
    """It was somebody's before; only its person becomes known."""
    theirs = extension("204", replace(BY_HAND, email=ANN.mail))

    adoption = only(plan(view([ANN], extensions=[theirs]), rules(follow_details=False), LIMITS))

    assert isinstance(adoption, AdoptExtension)
    assert adoption.changes == ()


def test_with_the_details_switched_off_whoever_is_back_gets_what_they_had():
    """What the phone system knew of them was its own."""
    former = FormerExtension(ExtensionNumber("100"), BY_HAND, given_caller_id=False)

    seen = view([ANN], former={ANN.id: former})
    creation = only(plan(seen, rules(follow_details=False), LIMITS))

    assert creation.fields == BY_HAND


@pytest.mark.parametrize(
    ("rule_", "cleared"),
    [
        ("mobile", "mobile_phone"),
        ("job_title", "job_title"),
        ("company", "company_name"),
        ("office", "office_location"),
        ("caller_id", "business_phone"),
    ],
)
def test_a_cleared_attribute_clears_its_field(rule_, cleared):
    """A number that is nobody's any more must not live on in the phone system."""
    seen = view(
        [replace(ANN, **{cleared: ""})],
        links=[link(ANN, "100", agreed=USUAL)],
        extensions=[extension("100", USUAL)],
    )

    update = only(plan(seen, rules(), LIMITS))

    assert [(change.field, change.after) for change in update.changes] == [(rule_, "")]


def test_a_name_that_is_the_phone_systems_own_need_not_be_usable():
    """Somebody without any name in Microsoft 365 is no reason to leave their mobile behind."""
    nameless = replace(
        ANN, upn="", display_name="", given_name="", surname="", mail="", mobile_phone="+44 1"
    )
    standing = replace(BY_HAND, email="", caller_id="")

    wanted = wanted_fields(nameless, AttributeRules(name=Source.NOT_SYNCED), LIMITS, standing)
    unusable = wanted_fields(nameless, AttributeRules(name=Source.NOT_SYNCED), LIMITS)

    assert (wanted.fields.first_name, wanted.fields.mobile) == ("By", "+44 1")
    assert unusable is None


@pytest.mark.parametrize("rule_", CHOICES)
def test_a_choice_that_a_field_does_not_take_is_refused_with_those_it_does(rule_):
    """A job title that follows the mail would be a slip of the hand."""
    wrong = next(source for source in Source if source not in CHOICES[rule_])

    with pytest.raises(AttributesError, match="it takes ") as refused:
        check_attributes(AttributeRules(**{rule_: wrong}))

    assert refused.value.rule == rule_


def test_the_defaults_are_the_first_choices_and_every_field_has_some():
    """The form and the documents list them in this order."""
    usual = AttributeRules()

    assert {rule_: takes[0] for rule_, takes in CHOICES.items()} == {
        rule_: getattr(usual, rule_) for rule_ in CHOICES
    }
    assert all(Source.NOT_SYNCED in takes for takes in CHOICES.values())
    assert set(LABELS) == set(Field)
    check_attributes(usual)


def test_the_attribute_of_a_field_is_named_as_entra_names_it():
    """The administrator looks it up there."""
    chosen = AttributeRules(name=Source.DISPLAY_NAME, email=Source.USER_PRINCIPAL_NAME)

    assert [attribute(field, chosen) for field in Field] == [
        "displayName",
        "displayName",
        "userPrincipalName",
        "mobilePhone",
        "jobTitle",
        "companyName",
        "businessPhones",
        "officeLocation",
    ]


def test_a_field_of_the_phone_systems_own_is_explained():
    """Why does the title not follow?"""
    seen = view([ANN], links=[link(ANN, "100")], extensions=[extension("100", fields_of(ANN))])

    followed = explain_person(seen, rules(job_title=Source.NOT_SYNCED), LIMITS, ANN.id)
    fresh = explain_person(view([ANN]), rules(follow_details=False), LIMITS, ANN.id)

    assert "Job title: empty, the phone system's own, since it is not synced." in followed
    assert (
        "Job title: “Engineer”, from Microsoft 365 (jobTitle), when the extension is made." in fresh
    )


@pytest.mark.parametrize("rule_", [name for name, takes in CHOICES.items() if len(takes) > 10])
def test_a_free_attribute_feeds_a_field(rule_):
    """Where a company keeps the number of the day in attribute 15, that is where it is."""
    someone = replace(ANN, extension_attributes=(*[""] * 14, "020 7946 0199"))
    chosen = rules(**{rule_: Source.EXTENSION_ATTRIBUTE_15}, default_country="GB")

    creation = only(plan(view([someone]), chosen, LIMITS))

    expected = "+442079460199" if rule_ == "caller_id" else "020 7946 0199"
    assert creation.fields == replace(USUAL, **{rule_: expected})


@pytest.mark.parametrize("known", [(), ("", "one", "more")])
def test_a_free_attribute_that_is_not_set_clears_its_field(known):
    """It was read, and there is nothing in it."""
    seen = view(
        [replace(ANN, extension_attributes=known)],
        links=[link(ANN, "100", agreed=USUAL)],
        extensions=[extension("100", USUAL)],
    )

    update = only(plan(seen, rules(office=Source.EXTENSION_ATTRIBUTE_1), LIMITS))

    assert [(change.field, change.after) for change in update.changes] == [(Field.OFFICE, "")]


def test_a_free_attribute_that_was_not_read_changes_nothing_and_is_said():
    """Not known is not the same as not set: a whole company would lose its numbers."""
    seen = view([ANN], links=[link(ANN, "100", agreed=USUAL)], extensions=[extension("100", USUAL)])
    chosen = rules(office=Source.EXTENSION_ATTRIBUTE_1, caller_id=Source.EXTENSION_ATTRIBUTE_2)

    made = plan(seen, chosen, LIMITS)

    assert made.actions == ()
    assert [one.text.split(" has ")[0] for one in made.notices] == [
        "Outbound caller ID: extensionAttribute2",
        "Office: extensionAttribute1",
    ]


def test_graph_is_asked_for_free_attributes_only_where_a_rule_follows_one():
    """What nobody needs is not fetched, and not kept."""
    assert extras(AttributeRules()) == ()
    assert extras(AttributeRules(office=Source.EXTENSION_ATTRIBUTE_9)) == (
        "onPremisesExtensionAttributes",
    )
