"""People as no form would let them in: each gets a phone or a located word, and stops nobody."""

from functools import partial
from typing import Any

import msgspec
import pytest

from doubles.house import House
from jackfield.core.departments import DepartmentRules, DepartmentSource
from jackfield.core.extensions import ExtensionFields
from jackfield.core.rules import PeopleRules
from jackfield.pbx.builtin import BuiltInPhones
from jackfield.store.plan_actions import ActionStatus
from jackfield.store.runs import RunStatus
from m365_emulator.server import Emulator

pytestmark = pytest.mark.hostile

LONG = "Ä" * 300
RTL = "\u202eמוריס\u202c ליליאן"
ZALGO = "Z̵̢̛a̷l̸g̶o̴" * 30
FAMILY = "👩‍👩‍👧‍👦"

PEOPLE: dict[str, dict[str, Any]] = {
    "no_name": {"displayName": None, "givenName": None, "surname": None},
    "blank_name": {"displayName": " \t\u00a0\u200b", "givenName": "", "surname": " "},
    "no_mail": {"mail": None},
    "300_characters": {
        "displayName": LONG,
        "givenName": LONG,
        "surname": LONG,
        "jobTitle": LONG,
        "companyName": LONG,
    },
    "300_characters_of_mail": {"mail": f"{'m' * 300}@example.org"},
    "emoji": {"displayName": f"{FAMILY} Zoë", "givenName": FAMILY, "surname": "🎉"},
    "right_to_left": {"displayName": RTL, "givenName": RTL, "surname": "كوهين"},
    "control_characters": {
        "displayName": "Bell\x07 Null\x00 Esc\x1b[31m",
        "givenName": "Line\r\nbreak",
        "surname": "Tab\tbed",
        "jobTitle": "\x00",
    },
    "combining_marks": {"displayName": ZALGO, "givenName": ZALGO},
    "markup": {
        "displayName": "<script>alert(1)</script>",
        "givenName": "{{7*7}}",
        "surname": "'; DROP TABLE person; --",
    },
    "formula": {"displayName": "=HYPERLINK(1)", "jobTitle": "+cmd|' /C calc'!A0"},
    "mobile_in_words": {"mobilePhone": "ask reception"},
    "mobile_of_300_digits": {"mobilePhone": "+4" + "9" * 300},
    "mobile_in_other_digits": {"mobilePhone": "٠٥٠١٢٣٤٥٦٧"},
    "business_phone_nonsense": {"businessPhones": ["n/a", "\x00", ""]},
    "nothing_at_all": {
        "displayName": None,
        "givenName": None,
        "surname": None,
        "mail": None,
        "jobTitle": None,
        "department": None,
        "companyName": None,
        "usageLocation": None,
        "preferredLanguage": None,
        "userType": None,
    },
}


async def office(house: House) -> Emulator:
    """A connected organisation of one ordinary person, every group a department."""
    stage = house.raise_stage(people=0)
    stage.tenant.hire("Ada One")
    await house.connect(stage)
    await house.choose(PeopleRules(departments=DepartmentRules(DepartmentSource.ALL)))
    return stage


@pytest.mark.parametrize("kind", PEOPLE)
async def test_everybody_gets_a_phone_that_can_be_shown(house: House, kind: str) -> None:
    """Cleaned and cut, never refused for somebody's parents' taste; and the neighbour has one."""
    stage = await office(house)
    odd = stage.tenant.hire("Odd Person")
    stage.tenant.update(odd.id, **PEOPLE[kind])

    run = await house.sync(full=True)
    again = await house.sync(full=True)

    assert run.status is RunStatus.DONE
    assert run.counts["create_extension"] == 2
    assert again.text.startswith("Nothing to do")
    extension = next(one for one in await house.extensions() if one.external_key == odd.id)
    fields = extension.fields
    assert fields.first_name or fields.last_name
    for text in (fields.first_name, fields.last_name, fields.email, fields.mobile, fields.company):
        assert len(text) <= 256
        assert not any(ord(mark) < 32 or ord(mark) == 127 for mark in text)
    if fields.mobile:
        assert any(map(str.isdigit, fields.mobile))
    if fields.email:
        assert fields.email.count("@") == 1


async def test_what_was_cut_or_left_out_is_said_to_whom(house: House) -> None:
    """An administrator finds the person, the field and the reason in the plan."""
    stage = await office(house)
    odd = stage.tenant.hire("Odd Person")
    stage.tenant.update(odd.id, givenName=LONG, mobilePhone="ask reception")

    await house.sync(full=True)

    notices = {(one.subject, one.text) for one in (await house.plans())[0].notices}
    assert notices == {
        (
            odd.id,
            "First name has 300 characters; the phone system takes 256, so it was cut.",
        ),
        (odd.id, "Mobile “ask reception” is not a phone number; it was left out."),
    }


async def test_all_of_them_at_once(house: House) -> None:
    """By full round and by delta, and the tenant's own group names are no better."""
    stage = await office(house)
    ids = [stage.tenant.hire(f"Odd {kind}").id for kind in PEOPLE]
    await house.sync(full=True)
    for person, changes in zip(ids, PEOPLE.values(), strict=True):
        stage.tenant.update(person, **changes)
    for name in (LONG, LONG, "\x00\x1b", RTL, FAMILY, "<b>", "sales", "SALES"):
        stage.tenant.create_group(name, members=ids[:3])

    run = await house.sync()
    again = await house.sync(full=True)

    assert run.status is RunStatus.DONE
    assert "did not come through" not in run.text
    assert again.text.startswith("Nothing to do")
    assert len(await house.extensions()) == len(ids) + 1
    names = [one.name for one in await house.phone(1).read_departments()]
    assert len({name.casefold() for name in names}) == len(names) >= 8
    assert all(0 < len(name) <= 256 for name in names)
    assert not any(ord(mark) < 32 for name in names for mark in name)


async def test_a_upn_that_moves_to_somebody_else(house: House) -> None:
    """After a rename the old name is another person's: ids are what counts."""
    stage = await office(house)
    tenant = stage.tenant
    first = tenant.hire("Anna First", userPrincipalName=f"anna@{tenant.domain}")
    await house.sync(full=True)
    before = await house.number_of(first.id)

    tenant.rename(first.id, upn=f"anna.first@{tenant.domain}")
    second = tenant.hire("Anna Second", userPrincipalName=f"anna@{tenant.domain}")
    run = await house.sync()
    asked = await house.sync(person=f"anna@{tenant.domain}")

    assert (run.status, asked.status) == (RunStatus.DONE, RunStatus.DONE)
    assert await house.number_of(first.id) == before
    fields = {one.external_key: one.fields.email for one in await house.extensions()}
    assert fields[first.id] == f"anna.first@{tenant.domain}"
    assert fields[second.id] == f"anna@{tenant.domain}"


async def test_twins_in_everything_but_the_id(house: House) -> None:
    """The same display name and the same mail on several people: one extension for each."""
    stage = await office(house)
    ids = [stage.tenant.hire("Anna Müller").id for _ in range(4)]
    for person in ids[2:]:
        stage.tenant.update(person, mail="office@example.org")

    run = await house.sync(full=True)

    links = await house.links()
    assert run.status is RunStatus.DONE
    assert len({links[person].number for person in ids}) == 4  # type: ignore[index]


async def test_one_doubtful_person_stops_nobody(house: House) -> None:
    """The doubt is located, with the next step; everybody else has a phone."""
    stage = await office(house)
    odd = stage.tenant.hire("Odd Person")
    phone = house.phone(1)
    assert isinstance(phone, BuiltInPhones)
    for number in ("700", "701"):
        await phone.create_extension(number, ExtensionFields("Old", email=odd.mail or ""))

    await house.sync(full=True)

    (refusal,) = (await house.plans())[0].refusals
    assert refusal.subject == odd.id
    assert "700, 701" in refusal.because
    assert refusal.next_step
    assert "Ada One" in await house.numbers()
    assert "Odd Person" not in await house.numbers()


RECORDS: dict[str, bytes] = {
    "wrong_type": b'{"id":"%s","userPrincipalName":"x@example.org","displayName":17}',
    "plans_are_text": b'{"id":"%s","userPrincipalName":"x@example.org","assignedPlans":"none"}',
    "half_a_character": b'{"id":"%s","userPrincipalName":"x@example.org","displayName":"\\ud83d"}',
    "no_utf8": b'{"id":"%s","userPrincipalName":"x@example.org","displayName":"\xff\xfe"}',
    "no_id": b'{"userPrincipalName":"x@example.org"}',
    "id_of_5000": b'{"id":"' + b"9" * 5000 + b'","userPrincipalName":"x@example.org"}',
    "not_an_object": b'"surprise"',
    "deep": b'{"id":"%s","x":' + b"[" * 200 + b"]" * 200 + b"}",
}


WITHOUT_ID = {"no_id", "id_of_5000", "not_an_object"}
READABLE = {"half_a_character", "deep"}


def with_record(mark: bytes, raw: bytes, body: bytes) -> bytes:
    """A page of Graph's in which one record is another one."""
    if mark not in body or b'"value"' not in body:
        return body
    page = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    records = [bytes(one) for one in msgspec.json.decode(page["value"], type=list[msgspec.Raw])]
    value = b"[" + b",".join(raw if mark in one else one for one in records) + b"]"
    parts = [
        b'"' + name.encode() + b'":' + (value if name == "value" else bytes(part))
        for name, part in page.items()
    ]
    return b"{" + b",".join(parts) + b"}"


@pytest.mark.parametrize("kind", RECORDS)
async def test_a_record_that_graph_should_never_send(house: House, kind: str) -> None:
    """Named in the journal, nobody is taken for gone because of it, and the others are synced."""
    stage = await office(house)
    ben = stage.tenant.hire("Ben Two")
    await house.sync(full=True)
    mark = ben.id.encode()
    house.tamper = partial(with_record, mark, RECORDS[kind].replace(b"%s", mark))
    stage.tenant.hire("Nina Newcomer")

    run = await house.sync(full=True)
    standing = {one.kind for one in await house.alarms()}
    lines = [one for one in await house.lines() if one.kind == "person.unreadable"]
    house.tamper = None
    await house.sync(full=True)

    assert run.status is RunStatus.DONE, run.text
    assert "Nina Newcomer" in await house.numbers()
    assert {link.left for link in (await house.links()).values()} == {None}
    assert standing == ({"people.unreadable"} if kind in WITHOUT_ID else set())
    assert bool(lines) is (kind not in READABLE)
    assert await house.alarms() == ()
    for plan in await house.plans():
        assert {one.status for one in await house.actions(plan.id)} <= {ActionStatus.DONE}
