"""The outbound caller ID: from what people type as their office phone to E.164, and whose it is."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.sketches import LIMITS, extension, fields_of, link, only, person, rule, settled, view
from jackfield.core.actions import AdoptExtension, CreateExtension, UpdateExtension
from jackfield.core.attributes import AttributeRules, NumberForm, Source
from jackfield.core.callerid import (
    Claim,
    CountryError,
    claim,
    country_of,
    parse_country,
    parse_number,
)
from jackfield.core.explanations import explain_person
from jackfield.core.extensions import ExtensionNumber, Field, FormerExtension
from jackfield.core.people import ScopeRules
from jackfield.core.plan import plan
from jackfield.core.rules import PeopleRules
from jackfield.core.updates import agreed_on_creation

RULES = PeopleRules(ScopeRules(), attributes=AttributeRules(default_country="GB"))
NUMBER = "+442079460101"
OTHER = "+442079460102"
ANN = person("Ann Field", business_phone="020 7946 0101", usage_location="GB")
SYNCED = replace(fields_of(ANN), caller_id=NUMBER)


def stands(caller_id, given, someone=ANN):
    """Ann with an extension that shows `caller_id`; Jackfield last gave it `given`."""
    fields = fields_of(ANN)
    return view(
        [someone],
        links=[link(ANN, "100", agreed=replace(fields, caller_id=given))],
        extensions=[extension("100", replace(fields, caller_id=caller_id), external_key=ANN.id)],
    )


@pytest.mark.parametrize(
    ("text", "country", "number"),
    [
        pytest.param("+44 20 7946 0101", "", NUMBER, id="U-11 international"),
        pytest.param("020 7946 0101", "GB", NUMBER, id="U-11 national"),
        pytest.param("+44 (0)20 7946 0101", "DE", NUMBER, id="U-11 trunk zero in brackets"),
        pytest.param("0044 20 7946 0101", "GB", NUMBER, id="U-11 exit code"),
        pytest.param("011 44 20 7946 0101", "US", NUMBER, id="U-11 exit code of another country"),
        pytest.param("(425) 555-0100", "US", "+14255550100", id="U-11 brackets"),
        pytest.param("+1 425 555 0100 x1234", "US", "+14255550100", id="U-11 extension behind"),
        pytest.param("06 1234 5678", "IT", "+390612345678", id="U-11 a zero that stays"),
        pytest.param("030/901820", "DE", "+4930901820", id="U-11 slash"),
        pytest.param("٠٢٠ ٧٩٤٦ ٠١٠١", "GB", NUMBER, id="U-11 Arabic digits"),
    ],
)
def test_a_number_becomes_e164(text, country, number):
    """Trunks take nothing else, and what people type is everything else."""
    assert parse_number(text, country).number == number


@pytest.mark.parametrize(
    ("text", "country", "trouble"),
    [
        pytest.param("ask reception", "GB", "is not a phone number", id="U-11 words"),
        pytest.param("1234", "GB", "has no area code", id="U-11 an extension"),
        pytest.param("12", "GB", "is too short for a phone number", id="U-11 too short"),
        pytest.param("555-0100", "US", "has no area code", id="U-11 local"),
        pytest.param(
            "+44 20 7946 0101 0102", "GB", "is too long for a phone number", id="U-11 long"
        ),
        pytest.param("1" * 300, "GB", "is too long for a phone number", id="U-11 endless"),
        pytest.param(
            "020 7946 0101; 020 7946 0102", "GB", "is not a phone number", id="U-11 two numbers"
        ),
        pytest.param(
            "+999 1234567", "", "begins with a country code that does not exist", id="U-11 +999"
        ),
        pytest.param(
            "020 7946 0101",
            "",
            "has no country code, and neither the person's usage location nor the default country"
            " says one",
            id="U-11 no country",
        ),
    ],
)
def test_what_is_no_number_says_why(text, country, trouble):
    """One bad record is shown, never guessed at, and stops nobody else."""
    reading = parse_number(text, country)

    assert (reading.number, reading.trouble) == ("", trouble)


def test_a_text_is_parsed_once():
    """Fifty thousand numbers a night are read again only where somebody changed one."""
    parse_number.cache_clear()

    for _ in range(3):
        parse_number("020 7946 0101", "GB")

    assert parse_number.cache_info().misses == 1


@pytest.mark.parametrize(
    ("location", "default", "expected"),
    [
        pytest.param("DE", "GB", "DE", id="U-11 the person's"),
        pytest.param("", "GB", "GB", id="U-11 the tenant's"),
        pytest.param("AQ", "GB", "GB", id="U-11 one without telephones"),
        pytest.param("??", "", "", id="U-11 none"),
    ],
)
def test_the_country_is_the_persons_else_the_tenants(location, default, expected):
    """A colleague abroad types a number as it is dialled there."""
    someone = replace(ANN, usage_location=location)

    assert country_of(someone, AttributeRules(default_country=default)) == expected


def test_a_default_country_is_read_leniently_and_refused_clearly():
    """It is typed once, and everybody's number hangs on it."""
    assert (parse_country(" gb "), parse_country("")) == ("GB", "")
    with pytest.raises(CountryError, match="“Germany” is no country: give its two letters"):
        parse_country("Germany")


@rule("U-11")
def test_a_new_extension_shows_the_office_phone():
    """Whoever is called back should reach the one who called."""
    creation = only(plan(view([ANN]), RULES, LIMITS))

    assert isinstance(creation, CreateExtension)
    assert creation.fields.caller_id == NUMBER


@rule("U-11")
def test_an_office_phone_that_is_no_number_leaves_a_note_on_the_person():
    """The extension is made all the same, and the administrator finds what to mend."""
    made = plan(view([replace(ANN, business_phone="ask reception")]), RULES, LIMITS)

    (creation,) = made.actions
    assert creation.fields.caller_id == ""
    assert [(one.subject, one.text) for one in made.notices] == [
        (
            ANN.id,
            (
                "Outbound caller ID: “ask reception” (businessPhones) is not a phone number; it was"
                " left out."
            ),
        )
    ]


@pytest.mark.parametrize(
    ("standing", "given", "phone", "after"),
    [
        pytest.param("", "", "020 7946 0101", NUMBER, id="U-11 nothing stands"),
        pytest.param("", NUMBER, "020 7946 0101", NUMBER, id="U-11 emptied by hand"),
        pytest.param(OTHER, OTHER, "020 7946 0101", NUMBER, id="U-11 changed in Microsoft 365"),
        pytest.param(NUMBER, NUMBER, "", "", id="U-11 removed in Microsoft 365"),
        pytest.param(NUMBER, NUMBER, "ask reception", "", id="U-11 no number any more"),
        pytest.param(NUMBER, NUMBER, "020 7946 0101", None, id="U-11 as it should be"),
        pytest.param("12", NUMBER, "020 7946 0101", None, id="U-11 set by hand"),
        pytest.param("12", NUMBER, "", None, id="U-11 by hand, removed in Microsoft 365"),
        pytest.param("12", "", "", None, id="U-11 by hand, never ours"),
        pytest.param("", "", "", None, id="U-11 nothing anywhere"),
    ],
)
def test_a_number_follows_unless_it_was_set_by_hand(standing, given, phone, after):
    """A hunt group's number on the assistant's phone is no mistake of the directory's."""
    seen = stands(standing, given, replace(ANN, business_phone=phone))

    made = plan(seen, RULES, LIMITS)

    changes = [change for action in made.actions for change in action.changes]
    expected = [] if after is None else [(Field.CALLER_ID, standing, after)]
    assert [(one.field, one.before, one.after) for one in changes] == expected


@rule("U-11")
def test_a_number_that_both_sides_say_is_agreed_on():
    """An answer that was lost must not turn our own number into somebody's for ever."""
    update = only(plan(stands(NUMBER, ""), RULES, LIMITS))

    assert isinstance(update, UpdateExtension)
    assert update.because == "Follows Microsoft 365 from now on: outbound caller ID."
    (change,) = update.changes
    assert (change.before, change.after) == (NUMBER, NUMBER)


@rule("U-11")
@pytest.mark.parametrize("standing", ["", "12", NUMBER])
def test_switched_off_it_is_left_untouched(standing):
    """The phone system's own then, whatever stands there and whoever set it."""
    rules = replace(RULES, attributes=AttributeRules(caller_id=Source.NOT_SYNCED))

    made = plan(stands(standing, NUMBER), rules, LIMITS)

    assert made.actions == ()


@rule("U-11")
def test_as_it_came_is_how_3cx_writes_it():
    """Some trunks are taught the numbers as the directory spells them."""
    rules = replace(RULES, attributes=AttributeRules(caller_id_form=NumberForm.AS_IT_CAME))

    creation = only(plan(view([ANN]), rules, LIMITS))
    noted = plan(view([replace(ANN, business_phone="ask")]), rules, LIMITS)

    assert creation.fields.caller_id == "020 7946 0101"
    assert noted.actions[0].fields.caller_id == ""
    assert len(noted.notices) == 1


@rule("U-11")
def test_an_adopted_extension_keeps_the_number_that_was_set_by_hand():
    """It stood there before Jackfield came."""
    theirs = extension("204", replace(fields_of(ANN), caller_id="12"))

    adoption = only(plan(view([ANN], extensions=[theirs]), RULES, LIMITS))

    assert isinstance(adoption, AdoptExtension)
    assert adoption.changes == ()


@rule("U-11")
def test_a_phone_system_without_caller_ids_is_never_asked_for_one():
    """And nobody is told about office phones then."""
    limits = replace(LIMITS, writable=frozenset(Field) - {Field.CALLER_ID})
    someone = replace(ANN, business_phone="ask reception")

    made = plan(settled(someone), RULES, limits)

    assert (made.actions, made.notices) == ((), ())


@rule("U-11")
def test_a_number_set_by_hand_is_explained():
    """Why does this phone not show what Microsoft 365 says?"""
    sentences = explain_person(stands("12", NUMBER), RULES, LIMITS, ANN.id)

    assert (
        "Outbound caller ID: “12”, set in the phone system, so left as it is; Microsoft 365 says"
        f" “{NUMBER}” (businessPhones)."
    ) in sentences
    assert sentences[-1] == "Nothing is to be done."


@given(st.sampled_from(["", "1", "2"]), st.sampled_from(["", "1", "2"]), st.sampled_from(["", "1"]))
def test_a_number_of_somebody_elses_is_never_ours(standing, given_, wanted):
    """What we neither gave nor would give is by hand, whatever else is the case."""
    strange = standing not in {"", given_, wanted}

    assert (claim(standing, given_, wanted) is Claim.BY_HAND) is strange


@rule("U-11")
def test_whoever_is_back_gets_the_number_that_was_set_by_hand():
    """It is part of what the removed extension was; Microsoft 365 still has no say in it."""
    by_hand = replace(fields_of(ANN), caller_id="12")
    former = FormerExtension(ExtensionNumber("100"), by_hand, given_caller_id=False)

    creation = only(plan(view([ANN], former={ANN.id: former}), RULES, LIMITS))

    assert isinstance(creation, CreateExtension)
    assert (creation.fields.caller_id, creation.kept_caller_id) == ("12", "12")
    assert agreed_on_creation(creation, creation.fields).caller_id == ""


@rule("U-11")
def test_whoever_is_back_gets_the_office_phone_of_today():
    """A number that Jackfield had given is not remembered against Microsoft 365."""
    former = FormerExtension(ExtensionNumber("100"), SYNCED)
    moved = replace(ANN, business_phone="020 7946 0102")

    creation = only(plan(view([moved], former={ANN.id: former}), RULES, LIMITS))

    assert (creation.fields.caller_id, creation.kept_caller_id) == (OTHER, "")
    assert agreed_on_creation(creation, creation.fields).caller_id == OTHER


@rule("U-11")
def test_an_extension_that_was_made_before_its_answer_was_lost_is_ours_as_asked_for():
    """And what somebody set there since is not."""
    creation = only(plan(view([ANN]), RULES, LIMITS))

    assert agreed_on_creation(creation, creation.fields).caller_id == NUMBER
    assert agreed_on_creation(creation, replace(SYNCED, caller_id="12")).caller_id == ""
