"""Rules tried on a person: the words of every reason, and that they promise what a plan does."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.sketches import LIMITS, extension, link, person, view
from jackfield.core.attributes import CHOICES, AttributeRules, NumberForm, Source
from jackfield.core.extensions import ExtensionFields, Field
from jackfield.core.fields import wanted_fields
from jackfield.core.plan import plan
from jackfield.core.rules import PeopleRules
from jackfield.core.trials import try_rules

ANN = person(
    "Ann Field",
    mobile_phone="+44 7700 900101",
    business_phone="020 7946 0101",
    usage_location="GB",
    job_title="Engineer",
    company_name="Field Ltd",
    department="Works",
    office_location="Room 7",
    extension_attributes=("", "Nr 2"),
)
USUAL = wanted_fields(ANN, AttributeRules(), LIMITS).fields


def told(field, someone=ANN, standing=USUAL, given_=USUAL, limits=LIMITS, **chosen):
    """What is given, what the extension would get, and why, for one field."""
    tried = try_rules(someone, AttributeRules(**chosen), limits, standing, given_)
    (one,) = [one for one in tried if one.field is field]
    return one.given, one.value, one.because


def test_every_field_is_told_in_the_words_of_both_sides():
    """The administrator compares what stands in Entra with what will stand on the phone."""
    tried = try_rules(ANN, AttributeRules(office=Source.NOT_SYNCED), LIMITS, USUAL, USUAL)

    assert [(one.label, one.attribute, one.given, one.stands, one.value) for one in tried] == [
        ("First name", "givenName", "Ann", "Ann", "Ann"),
        ("Last name", "surname", "Field", "Field", "Field"),
        ("E-mail", "mail, else the sign-in name", *["ann-field@example.org"] * 3),
        ("Mobile", "mobilePhone", *["+44 7700 900101"] * 3),
        ("Job title", "jobTitle", *["Engineer"] * 3),
        ("Company", "companyName", *["Field Ltd"] * 3),
        ("Outbound caller ID", "businessPhones", "020 7946 0101", *["+442079460101"] * 2),
        ("Office", "", "", "Room 7", "Room 7"),
    ]


BY_HAND = replace(USUAL, caller_id="12")
BARE = replace(ANN, given_name="", surname="", display_name="")
REASONS = [
    pytest.param(told(Field.FIRST_NAME), ("Ann", "Ann", "As in Microsoft 365."), id="as_it_is"),
    pytest.param(
        told(Field.JOB_TITLE, replace(ANN, job_title=" CTO\x07 ")),
        (" CTO\x07 ", "CTO", "Without what a phone cannot show."),
        id="cleaned",
    ),
    pytest.param(
        told(Field.JOB_TITLE, replace(ANN, job_title="")),
        ("", "", "Not set in Microsoft 365."),
        id="not_set",
    ),
    pytest.param(
        told(Field.JOB_TITLE, replace(ANN, job_title="\x07")),
        ("\x07", "", "Not set in Microsoft 365."),
        id="nothing_visible",
    ),
    pytest.param(
        told(Field.FIRST_NAME, replace(BARE, display_name="Dr Ann")),
        ("", "Dr Ann", "Neither first nor last name is set; the display name stands in for both."),
        id="display_name_instead",
    ),
    pytest.param(
        told(Field.FIRST_NAME, BARE),
        (
            "",
            "ann-field",
            "Neither first nor last name is set; the sign-in name stands in for both.",
        ),
        id="sign_in_name_instead",
    ),
    pytest.param(
        told(Field.FIRST_NAME, replace(ANN, display_name=""), name=Source.DISPLAY_NAME),
        ("", "Ann Field", "There is no display name; another name of the account stands in."),
        id="other_name_instead",
    ),
    pytest.param(
        told(Field.LAST_NAME, name=Source.DISPLAY_NAME),
        ("", "", "The display name stands whole in the first name."),
        id="no_last_name",
    ),
    pytest.param(
        told(Field.EMAIL, replace(ANN, mail="")),
        (
            "ann-field@example.org",
            "ann-field@example.org",
            "There is no mail, and the sign-in name is the address.",
        ),
        id="upn",
    ),
    pytest.param(
        told(Field.EMAIL, replace(ANN, mail="", upn="ann_x#EXT#@y.example")),
        ("ann_x#EXT#@y.example", "", "There is no mail, and the sign-in name is no address."),
        id="guest",
    ),
    pytest.param(
        told(Field.CALLER_ID),
        ("020 7946 0101", "+442079460101", "Read as a number of GB, the usage location."),
        id="U-11 usage_location",
    ),
    pytest.param(
        told(Field.CALLER_ID, replace(ANN, usage_location=""), default_country="GB"),
        ("020 7946 0101", "+442079460101", "Read as a number of GB, the default country."),
        id="U-11 default_country",
    ),
    pytest.param(
        told(Field.CALLER_ID, caller_id=Source.MOBILE_PHONE),
        ("+44 7700 900101", "+447700900101", "Written in international form."),
        id="U-11 international",
    ),
    pytest.param(
        told(Field.CALLER_ID, caller_id_form=NumberForm.AS_IT_CAME),
        ("020 7946 0101", "020 7946 0101", "As in Microsoft 365."),
        id="U-11 as_it_came",
    ),
    pytest.param(
        told(Field.CALLER_ID, replace(ANN, business_phone="ask")),
        (
            "ask",
            "",
            "Outbound caller ID: “ask” (businessPhones) is not a phone number; it was left out.",
        ),
        id="U-11 no_number",
    ),
    pytest.param(
        told(Field.CALLER_ID, standing=BY_HAND),
        (
            "020 7946 0101",
            "12",
            "Set in the phone system, so it stays. Clear it there to let it follow again.",
        ),
        id="U-11 by_hand",
    ),
    pytest.param(
        told(Field.CALLER_ID, given_=replace(USUAL, caller_id="")),
        (
            "020 7946 0101",
            "+442079460101",
            "Stands so in the phone system already, and follows from now on.",
        ),
        id="U-11 agreed",
    ),
    pytest.param(
        told(Field.COMPANY, company=Source.NOT_SYNCED),
        ("", "Field Ltd", "Not synced: it is the phone system's own."),
        id="not_synced",
    ),
    pytest.param(
        told(Field.COMPANY, standing=None, given_=None, company=Source.NOT_SYNCED),
        ("", "", "Not synced, so it stays empty."),
        id="not_synced_when_made",
    ),
    pytest.param(
        told(Field.COMPANY, follow_details=False),
        (
            "Field Ltd",
            "Field Ltd",
            "Filled in when the extension was made, and the phone system's own since.",
        ),
        id="details_off",
    ),
    pytest.param(
        told(Field.COMPANY, standing=None, given_=None, follow_details=False),
        (
            "Field Ltd",
            "Field Ltd",
            "As in Microsoft 365. From then on it is the phone system's own.",
        ),
        id="details_off_when_made",
    ),
    pytest.param(
        told(Field.COMPANY, company=Source.EXTENSION_ATTRIBUTE_2),
        ("Nr 2", "Nr 2", "As in Microsoft 365."),
        id="free_attribute",
    ),
    pytest.param(
        told(
            Field.COMPANY,
            replace(ANN, extension_attributes=None),
            company=Source.EXTENSION_ATTRIBUTE_2,
        ),
        (
            "",
            "Field Ltd",
            (
                "Company: extensionAttribute2 has not been read from Microsoft 365 yet; the field"
                " stays as it is until the next sync has read everyone."
            ),
        ),
        id="free_attribute_not_read",
    ),
    pytest.param(
        told(Field.COMPANY, limits=replace(LIMITS, name_length=5)),
        (
            "Field Ltd",
            "Field",
            "Company has 9 characters; the phone system takes 5, so it was cut.",
        ),
        id="too_long",
    ),
    pytest.param(
        told(Field.COMPANY, limits=replace(LIMITS, writable=frozenset({Field.FIRST_NAME}))),
        ("Field Ltd", "Field Ltd", "The phone system takes none."),
        id="not_taken",
    ),
    pytest.param(
        told(Field.COMPANY, replace(BARE, upn="", mail="")),
        ("Field Ltd", "Field Ltd", "The account has no name and no sign-in name that can be read."),
        id="nameless",
    ),
]


@pytest.mark.parametrize(("found", "expected"), REASONS)
def test_a_reason_is_given_for_every_case(found, expected):
    """Who asks why a field is as it is finds the answer beside it."""
    assert found == expected


@given(
    chosen=st.fixed_dictionaries({rule: st.sampled_from(takes) for rule, takes in CHOICES.items()}),
    details=st.booleans(),
    stands=st.none() | st.sampled_from([USUAL, BY_HAND, ExtensionFields("By", "Hand")]),
    phone=st.sampled_from(["", "020 7946 0101", "ask", "+1 425 555 0100"]),
)
def test_a_trial_promises_what_the_plan_does(chosen, details, stands, phone):
    """Two answers to one question would be worse than none."""
    someone = replace(ANN, business_phone=phone)
    rules = AttributeRules(details, **chosen)
    seen = (
        view([someone])
        if stands is None
        else view(
            [someone],
            links=[link(ANN, "100", agreed=USUAL)],
            extensions=[extension("100", stands)],
        )
    )

    tried = try_rules(someone, rules, LIMITS, stands, None if stands is None else USUAL)
    actions = plan(seen, PeopleRules(attributes=rules), LIMITS).actions

    promised = {one.field: one.value for one in tried}
    if stands is None:
        assert promised == {field: getattr(actions[0].fields, field) for field in Field}
    else:
        done = {field: getattr(stands, field) for field in Field}
        for action in actions:
            done |= {change.field: change.after for change in action.changes}
        assert promised == done
    assert all(one.because.endswith(".") for one in tried)
