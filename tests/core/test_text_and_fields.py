"""What people type into directories, and what arrives on a phone."""

import unicodedata
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.sketches import LIMITS, person, view
from jackfield.core.actions import RefusalKind
from jackfield.core.attributes import AttributeRules
from jackfield.core.extensions import ExtensionFields, Field
from jackfield.core.fields import addresses, shown_name, wanted_fields
from jackfield.core.people import ObjectId, Person
from jackfield.core.plan import plan
from jackfield.core.rules import PeopleRules
from jackfield.core.text import clean, clean_address, cut

RULES = AttributeRules()
FAMILY = "👨‍👩‍👧"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(None, "", id="none"),
        pytest.param("  Ann \t\n Field ", "Ann Field", id="white space"),
        pytest.param("Ann\u00a0Field", "Ann Field", id="no-break space"),
        pytest.param("Ann\x00\x07 \x1b[31mField", "Ann [31mField", id="control characters"),
        pytest.param("Zoe\u0308", "Zoë", id="composed"),
        pytest.param("\u202eelgoog\u202c", "elgoog", id="right-to-left override"),
        pytest.param("\u2066Ann\u2069", "Ann", id="isolates"),
        pytest.param("محمد علي", "محمد علي", id="Arabic"),
        pytest.param("אבי\u200f (IT)", "אבי\u200f (IT)", id="right-to-left mark"),
        pytest.param("علی\u200cرضا", "علی\u200cرضا", id="Persian non-joiner"),
        pytest.param(f"Ann {FAMILY}", f"Ann {FAMILY}", id="emoji"),
        pytest.param("山田　太郎", "山田 太郎", id="ideographic space"),
        pytest.param("\u200f\u200d", "", id="nothing visible"),
        pytest.param("An\ud800n", "Ann", id="half of a character"),
        pytest.param("\ufeffAnn\u200b", "Ann", id="byte order mark"),
    ],
)
def test_text_is_cleaned_but_not_flattened(text, expected):
    """Names of every script are names; characters that steer a terminal or a page are not."""
    assert clean(text) == expected


@given(st.text())
def test_cleaning_is_done_once_and_for_all(text):
    """What was cleaned and written must not look different when it is cleaned again."""
    cleaned = clean(text)

    assert clean(cleaned) == cleaned
    assert clean_address(clean_address(text)) == clean_address(text)
    assert unicodedata.is_normalized("NFC", cleaned)
    assert not {unicodedata.category(letter) for letter in cleaned} & {"Cc", "Cs"}
    assert cleaned == cleaned.strip()
    cleaned.encode()


@pytest.mark.parametrize(
    ("text", "length", "expected"),
    [
        pytest.param("Ann", 3, "Ann", id="fits"),
        pytest.param("Ann Field", 4, "Ann", id="no space at the end"),
        pytest.param(f"A{FAMILY}", 3, "A", id="not inside a family"),
        pytest.param("🇩🇪🇫🇷", 3, "🇩🇪", id="not inside a flag"),
        pytest.param("👍🏽", 1, "👍", id="a skin tone alone stays behind"),
        pytest.param("A\u0323\u0302\u0301b", 2, "A\u0323", id="nothing before the marks to end at"),
        pytest.param("xe\u0301y", 2, "x", id="not between letter and mark"),
    ],
)
def test_a_cut_does_not_tear_characters(text, length, expected):
    """Half a flag is two boxes on a display."""
    assert cut(text, length) == expected


@given(st.text(), st.integers(1, 20))
def test_a_cut_fits(text, length):
    """Whatever the text, the phone system takes it."""
    assert len(cut(text, length)) <= length
    assert text.startswith(cut(text, length))


@pytest.mark.parametrize(
    ("about", "expected"),
    [
        pytest.param({}, ("Ann", "Field"), id="given name and surname"),
        pytest.param({"surname": ""}, ("Ann", ""), id="given name only"),
        pytest.param({"given_name": None}, ("", "Field"), id="surname only, none for the other"),
        pytest.param(
            {"given_name": "", "surname": " ", "display_name": "Room 4 (Lab)"},
            ("Room 4 (Lab)", ""),
            id="display name, whole",
        ),
        pytest.param(
            {"given_name": "", "surname": "", "display_name": "\u200b"},
            ("ann-field", ""),
            id="sign-in name",
        ),
        pytest.param(
            {
                "given_name": "",
                "surname": "",
                "display_name": "",
                "upn": "gil_partner.example#EXT#@example.org",
            },
            ("gil_partner.example", ""),
            id="guest's sign-in name",
        ),
    ],
)
def test_a_name_is_found_wherever_there_is_one(about, expected):
    """Accounts made by scripts often lack one half or both."""
    wanted = wanted_fields(person("Ann Field", **about), RULES, LIMITS)

    assert (wanted.fields.first_name, wanted.fields.last_name) == expected


@pytest.mark.parametrize(
    ("about", "expected"),
    [
        pytest.param({}, "ann-field@example.org", id="mail"),
        pytest.param({"mail": "", "upn": "ann@x.example"}, "ann@x.example", id="else the UPN"),
        pytest.param(
            {"mail": None, "upn": "ann_x.example#EXT#@example.org"}, "", id="a guest's UPN is none"
        ),
        pytest.param({"mail": "not an address", "upn": "a@x.example"}, "a@x.example", id="no @"),
        pytest.param({"mail": "\u200eann@x.example\u200e"}, "ann@x.example", id="invisible marks"),
    ],
)
def test_the_address_is_one_that_mail_reaches(about, expected):
    """Voicemail is sent there."""
    assert wanted_fields(person("Ann Field", **about), RULES, LIMITS).fields.email == expected


def test_mobile_title_and_company_come_as_they_are():
    """What came is kept; E.164 is made where it is dialled."""
    someone = person(
        "Ann Field",
        mobile_phone="\u202a+44 7700 900101\u202c",
        job_title="CTO ",
        company_name="ACME",
    )

    assert wanted_fields(someone, RULES, LIMITS).fields == ExtensionFields(
        "Ann", "Field", "ann-field@example.org", "+44 7700 900101", "CTO", "ACME"
    )


def test_what_is_too_long_is_cut_and_said():
    """300 characters are allowed in Entra; the person gets a phone all the same."""
    someone = person(
        "Ann Field", given_name="A" * 300, mail=f"{'a' * 60}@example.org", mobile_phone="1" * 60
    )
    limits = replace(LIMITS, name_length=50)

    made = plan(view([someone]), PeopleRules(), limits)

    (created,) = made.actions
    assert created.fields == ExtensionFields("A" * 50, "Field")
    assert [notice.text for notice in made.notices] == [
        "First name has 300 characters; the phone system takes 50, so it was cut.",
        "E-mail has 72 characters; the phone system takes 50, so it was left out.",
        "Mobile has 60 characters; the phone system takes 50, so it was left out.",
    ]
    assert {notice.subject for notice in made.notices} == {someone.id}


def test_a_mobile_that_is_no_number_is_left_out_and_said():
    """People write "ask reception" there, and a phone would dial it."""
    wanted = wanted_fields(person("Ann Field", mobile_phone="ask reception"), RULES, LIMITS)

    assert wanted.fields.mobile == ""
    assert [(one.field, one.text) for one in wanted.remarks] == [
        (Field.MOBILE, "Mobile “ask reception” is not a phone number; it was left out.")
    ]


def test_somebody_without_any_name_is_refused_and_the_others_go_on():
    """One bad record must never stop a run."""
    nameless = Person(ObjectId("0"), upn="\u200b", has_mailbox=True)
    fine = person("Ann Field")

    made = plan(view([nameless, fine]), PeopleRules(), LIMITS)

    assert [action.person for action in made.actions] == [fine.id]
    (refusal,) = made.refusals
    assert (refusal.kind, refusal.subject, refusal.name) == (RefusalKind.UNUSABLE_PERSON, "0", "0")


def test_names_shown_are_never_empty():
    """Pages and sentences need something to call a person by."""
    assert shown_name(Person(ObjectId("7"), upn="")) == "7"
    assert shown_name(Person(ObjectId("7"), upn="a@b")) == "a@b"
    assert shown_name(Person(ObjectId("7"), upn="a@b", surname="Field")) == "Field"


@pytest.mark.parametrize(
    ("mail", "upn", "expected"),
    [
        ("Ann@X.example", "ann@x.example", ("ann@x.example",)),
        ("ann@x.example", "a@y.example", ("ann@x.example", "a@y.example")),
        (None, "a@y.example", ("a@y.example",)),
        ("ann@x.example", "", ("ann@x.example",)),
        ("", "", ()),
    ],
)
def test_the_addresses_to_compare_are_casefolded_and_each_once(mail, upn, expected):
    """The same address as mail and UPN is one address, not two people."""
    assert addresses(Person(ObjectId("1"), upn=upn, mail=mail)) == expected


texts = st.text(max_size=12) | st.none()


@given(
    person_=st.builds(
        Person,
        id=st.just(ObjectId("1")),
        upn=st.text(max_size=12),
        display_name=texts,
        given_name=texts,
        surname=texts,
        mail=texts,
        mobile_phone=texts,
        business_phone=texts,
        usage_location=st.sampled_from(["", "GB", "xx"]),
        job_title=texts,
        company_name=texts,
    ),
    length=st.integers(1, 8),
)
def test_the_wanted_fields_always_fit_and_stay(person_, length):
    """What would be written is clean and short enough, so writing it ends the matter."""
    wanted = wanted_fields(person_, RULES, replace(LIMITS, name_length=length))

    if wanted is not None:
        for field in Field:
            value = getattr(wanted.fields, field)
            assert len(value) <= length
            assert clean(value) == value
        assert wanted.fields.first_name or wanted.fields.last_name
