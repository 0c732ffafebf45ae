"""The double is a 3CX to its fingertips: its habits are there, and its errors are understood."""

import pytest

from doubles.threecx_errors import RefusedByPbx, accepted, refusal
from doubles.threecx_habits import Notes, ThreeCxHabits
from doubles.threecx_pbx import PAGE_CAP, Answer, Line, ThreeCx
from jackfield.core.extensions import (
    DepartmentKey,
    ExtensionFields,
    ExtensionKey,
    ExtensionNumber,
)
from jackfield.pbx.port import (
    CreateExtensionWrite,
    Done,
    PhoneSystemRefusesUs,
    PhoneSystemUnreachable,
    RefusalCode,
    Refused,
    RemoveExtensionWrite,
    Unanswered,
)


@pytest.fixture
def pbx() -> ThreeCx:
    return ThreeCx()


def phones_of(pbx: ThreeCx, notes: Notes | None = None, *, lost_of: int = 0) -> ThreeCxHabits:
    return ThreeCxHabits(Line(pbx, lost_of=lost_of), notes or Notes())


def hire(n: int) -> CreateExtensionWrite:
    fields = ExtensionFields(first_name="Ada", email=f"p{n}@example.com")
    return CreateExtensionWrite(f"person {n}", ExtensionNumber(str(1000 + n)), fields)


# --- the far side


def test_pages_end_at_the_cap_without_a_next_link(pbx: ThreeCx) -> None:
    """A client that follows next links reads 100 users and believes that is all."""
    for n in range(PAGE_CAP + 20):
        pbx.answer("POST", "Users", body={"Number": str(1000 + n)})

    status, body = pbx.answer("GET", "Users", {"$top": "500", "$count": "true"})

    assert status == 200
    assert len(body["value"]) == PAGE_CAP
    assert body["@odata.count"] == PAGE_CAP + 20
    assert "@odata.nextLink" not in body


def test_number_cannot_change(pbx: ThreeCx) -> None:
    """Renumbering is removing and creating."""
    _, made = pbx.answer("POST", "Users", body={"Number": "204"})

    status, body = pbx.answer("PATCH", f"Users({made['Id']})", body={"Number": "205"})

    assert status == 400
    assert body["error"]["details"][0]["target"] == "Number"


def test_display_name_is_computed(pbx: ThreeCx) -> None:
    """It is nobody's to write."""
    body = {"Number": "204", "FirstName": "Ada", "LastName": "Lovelace"}
    _, made = pbx.answer("POST", "Users", body=body)

    pbx.answer("PATCH", f"Users({made['Id']})", body={"DisplayName": "The Countess"})

    assert pbx.answer("GET", f"Users({made['Id']})")[1]["DisplayName"] == "Lovelace, Ada"


def test_lists_replace_what_stood_there(pbx: ThreeCx) -> None:
    """Sending one membership takes all others away."""
    groups = [pbx.answer("POST", "Groups", body={"Name": n})[1]["Id"] for n in ("A", "B")]
    body = {"Number": "204", "Groups": [{"GroupId": group} for group in groups]}
    _, made = pbx.answer("POST", "Users", body=body)

    pbx.answer("PATCH", f"Users({made['Id']})", body={"Groups": [{"GroupId": groups[1]}]})

    _, user = pbx.answer("GET", f"Users({made['Id']})", {"$expand": "Groups"})
    assert user["Groups"] == [{"GroupId": groups[1]}]
    assert user["PrimaryGroupId"] == groups[1]


def test_primary_department_only_after_the_membership(pbx: ThreeCx) -> None:
    """Not even in the request that brings the membership."""
    _, group = pbx.answer("POST", "Groups", body={"Name": "Sales"})
    _, made = pbx.answer("POST", "Users", body={"Number": "204"})
    both = {"Groups": [{"GroupId": group["Id"]}], "PrimaryGroupId": group["Id"]}

    refused, _ = pbx.answer("PATCH", f"Users({made['Id']})", body=both)
    joined, _ = pbx.answer("PATCH", f"Users({made['Id']})", body={"Groups": both["Groups"]})
    chosen, _ = pbx.answer("PATCH", f"Users({made['Id']})", body={"PrimaryGroupId": group["Id"]})

    assert [refused, joined, chosen] == [400, 204, 204]


def test_mail_and_names_may_be_doubled(pbx: ThreeCx) -> None:
    """So neither finds one's own creation again by itself."""
    bodies = [{"Number": n, "EmailAddress": "info@example.com"} for n in ("204", "205")]

    assert [pbx.answer("POST", "Users", body=body)[0] for body in bodies] == [201, 201]
    assert [pbx.answer("POST", "Groups", body={"Name": "Sales"})[0] for _ in "ab"] == [201, 201]


async def test_line_loses_by_its_seed() -> None:
    """One in twenty, before or after; the same seed loses the same."""

    async def lost(seed: int) -> list[bool]:
        phones = ThreeCxHabits(Line(ThreeCx(), seed=seed), Notes())
        return [isinstance(o, Unanswered) for o in await phones.write([hire(n) for n in range(90)])]

    first, again, other = await lost(1), await lost(1), await lost(2)

    assert first == again
    assert first != other
    assert 2 <= sum(first) <= 20


# --- what the adapter makes of it


async def test_notes_outlive_the_adapter(pbx: ThreeCx) -> None:
    """They stand for our external key, which 3CX does not keep."""
    notes = Notes()
    (first,) = await phones_of(pbx, notes).write([hire(1)])

    (again,) = await phones_of(pbx, notes).write([hire(1)])
    (stranger,) = await phones_of(pbx).write([hire(1)])

    assert isinstance(first, Done)
    assert isinstance(again, Done)
    assert again.extension == first.extension
    assert isinstance(stranger, Refused)
    assert stranger.code is RefusalCode.NUMBER_TAKEN


async def test_people_without_departments_are_in_the_default_one(pbx: ThreeCx) -> None:
    """A phone system may add memberships of its own; a plan must not fight them."""
    (made,) = await phones_of(pbx).write([hire(1)])

    assert isinstance(made, Done)
    assert made.extension is not None
    (default,) = await phones_of(pbx).read_departments()
    assert default.name == "DEFAULT"
    assert made.extension.departments == (default.key,)


async def test_operator_of_a_department_is_protected(pbx: ThreeCx) -> None:
    """A leaver who is a department's operator has to be replaced by hand first."""
    phones = phones_of(pbx)
    (made,) = await phones.write([hire(1)])
    assert isinstance(made, Done)
    assert made.extension is not None
    pbx.operators.add(int(made.extension.key))

    (refused,) = await phones.write(
        [RemoveExtensionWrite(made.extension.key, made.extension.number)]
    )

    assert isinstance(refused, Refused)
    assert refused.code is RefusalCode.PROTECTED


async def test_full_phone_system_refuses_and_says_so() -> None:
    """The licence's number of extensions is the administrator's business."""
    outcomes = await phones_of(ThreeCx(capacity=1)).write([hire(1), hire(2)])

    assert isinstance(outcomes[0], Done)
    assert isinstance(outcomes[1], Refused)
    assert outcomes[1].code is RefusalCode.LIMIT


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        pytest.param(
            (401, {"error": "unauthorized", "error_description": "..."}),
            PhoneSystemRefusesUs,
            id="token_refused",
        ),
        pytest.param((403, ""), PhoneSystemRefusesUs, id="role_too_small"),
        pytest.param((429, ""), PhoneSystemUnreachable, id="too_fast"),
        pytest.param((500, ""), PhoneSystemUnreachable, id="its_own_fault"),
        pytest.param((503, "<html>"), PhoneSystemUnreachable, id="restarting"),
    ],
)
async def test_outage_is_raised_and_is_no_refusal(
    pbx: ThreeCx, answer: Answer, error: type[Exception]
) -> None:
    """Nobody's plan is wrong because the phone system is away."""
    pbx.outage = answer
    phones = phones_of(pbx)

    with pytest.raises(error):
        await phones.write([hire(1)])
    with pytest.raises(error):
        await phones.read_used_numbers()


async def test_answers_before_an_outage_are_kept(pbx: ThreeCx) -> None:
    """What is known to be done must not be asked for again as if it were not."""

    class Breaking(Line):
        async def send(self, *request: object, **more: object) -> Answer:
            if len(pbx.users) == 2:
                pbx.outage = (503, "")
            return await super().send(*request, **more)  # type: ignore[arg-type]

    phones = ThreeCxHabits(Breaking(pbx, lost_of=0), Notes())

    outcomes = await phones.write([hire(n) for n in range(4)])

    kinds = [type(outcome) for outcome in outcomes]
    assert kinds[0] is Done
    assert set(kinds[1:]) == {Unanswered}
    pbx.outage = None


# --- error answers


@pytest.mark.parametrize(
    ("code", "target", "meaning"),
    [
        pytest.param("WARNINGS.XAPI.ALREADY_IN_USE", "Number", RefusalCode.NUMBER_TAKEN, id="num"),
        pytest.param("WARNINGS.XAPI.DUPLICATE", "Name", RefusalCode.NAME_TAKEN, id="name"),
        pytest.param(
            "WARNINGS.INVALID_EXTENSION_NUMBER_LENGTH", "Number", RefusalCode.NUMBER_INVALID, id="l"
        ),
        pytest.param(
            "WARNINGS.DN_NUMBER_CANNOT_BE_USED", "Number", RefusalCode.NUMBER_INVALID, id="dn"
        ),
        pytest.param("WARNINGS.XAPI.INVALID", "Number", RefusalCode.NUMBER_INVALID, id="digits"),
        pytest.param("WARNINGS.XAPI.INVALID", "Mobile", RefusalCode.VALUE_INVALID, id="mobile"),
        pytest.param("WARNINGS.XAPI.REQUIRED", "FirstName", RefusalCode.VALUE_INVALID, id="need"),
        pytest.param(
            "WARNINGS.LENGTH_NOT_MORE_255", "FirstName", RefusalCode.VALUE_INVALID, id="long"
        ),
        pytest.param("WARNINGS.XAPI.NOT_FOUND", "Groups", RefusalCode.NOT_FOUND, id="gone"),
        pytest.param("WARNINGS.LIMIT_REACHED", "", RefusalCode.LIMIT, id="limit"),
        pytest.param("WARNINGS.NO_MORE_NUMBERS_AVAILABLE", "", RefusalCode.LIMIT, id="numbers"),
        pytest.param("WARNINGS.INVALID_LICENSE_TYPE", "", RefusalCode.LIMIT, id="licence"),
        pytest.param(
            "WARNINGS.OPERATOR_CANNOT_BE_DELETED", "Id", RefusalCode.PROTECTED, id="operator"
        ),
        pytest.param("WARNINGS.XAPI.FORBIDDEN_CHANGE", "Number", RefusalCode.PROTECTED, id="fix"),
        pytest.param("WARNINGS.MCM_MODE_REQUIRED", "", RefusalCode.OTHER, id="unheard_of"),
    ],
)
def test_codes_of_3cx_have_a_meaning_in_the_port(
    code: str, target: str, meaning: RefusalCode
) -> None:
    """What a flow does next hangs on the code alone."""
    assert refusal(code, target).code is meaning
    assert code.rpartition(".")[2] in refusal(code, target).text


@pytest.mark.parametrize(
    ("answer", "meaning"),
    [
        pytest.param(
            (
                400,
                {
                    "error": {
                        "code": "",
                        "message": "Number:\nWARNINGS.XAPI.ALREADY_IN_USE",
                        "details": [
                            {
                                "code": "",
                                "message": "WARNINGS.XAPI.ALREADY_IN_USE",
                                "target": "Number",
                            }
                        ],
                    }
                },
            ),
            RefusalCode.NUMBER_TAKEN,
            id="details",
        ),
        pytest.param(
            (400, {"error": {"code": "", "message": "Number:\nWARNINGS.XAPI.ALREADY_IN_USE"}}),
            RefusalCode.NUMBER_TAKEN,
            id="message_alone",
        ),
        pytest.param((400, {"error": "no idea"}), RefusalCode.OTHER, id="a_string"),
        pytest.param((400, ""), RefusalCode.OTHER, id="nothing"),
        pytest.param((404, {"error": "Resource not found"}), RefusalCode.NOT_FOUND, id="gone"),
        pytest.param((404, ""), RefusalCode.NOT_FOUND, id="gone_without_a_word"),
    ],
)
def test_error_bodies_come_in_every_shape(answer: Answer, meaning: RefusalCode) -> None:
    """An error about an error tells an administrator nothing."""
    with pytest.raises(RefusedByPbx) as raised:
        accepted(answer)

    assert raised.value.refused.code is meaning


async def test_keys_of_another_phone_system_are_not_found(pbx: ThreeCx) -> None:
    """No request is made for what cannot be a key here."""
    phones = phones_of(pbx)
    write = CreateExtensionWrite(
        "a", ExtensionNumber("204"), ExtensionFields(), (DepartmentKey("28) or (1 eq 1"),)
    )

    refused, removed = await phones.write(
        [write, RemoveExtensionWrite(ExtensionKey("x17"), ExtensionNumber("204"))]
    )

    assert isinstance(refused, Refused)
    assert refused.code is RefusalCode.NOT_FOUND
    assert isinstance(removed, Done)
