"""The phone port's promises about texts, and about many writes in one call."""

import pytest

from contract.phone_system.places import (
    Place,
    code,
    departments,
    founded,
    hired,
    new_extension,
    read,
    settle,
)
from jackfield.core.extensions import (
    ExtensionFields,
    ExtensionKey,
    ExtensionNumber,
    Field,
)
from jackfield.pbx.port import (
    WRITE_LIMIT,
    CreateDepartmentWrite,
    CreateExtensionWrite,
    Done,
    RefusalCode,
    Refused,
    RemoveExtensionWrite,
    UpdateExtensionWrite,
)

NOWHERE = ExtensionKey("nowhere")


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param(" ", id="a_space"),
        pytest.param("Zoë Ångström-Łukasiewicz", id="accents"),
        pytest.param("Zoe\u0308", id="decomposed"),
        pytest.param("李小龍", id="chinese"),
        pytest.param("محمد عبد الله", id="right_to_left"),
        pytest.param("👩🏽‍🚀", id="emoji_sequence"),
        pytest.param('O\'Brien "Bob" \\ % _ ; --', id="quotes"),
        pytest.param("<script>alert(1)</script>", id="markup"),
        pytest.param("{'$expand': 'x'}", id="braces"),
    ],
)
async def test_text_comes_back_as_it_was_written(place: Place, text: str) -> None:
    """A name is the person's, to the last accent; a difference would be written every night."""
    can = place.phones().capabilities
    fields = ExtensionFields(**{field.value: text for field in can.fields})
    (made,) = await hired(place, new_extension(1, fields=fields))
    (changed,) = await hired(place, new_extension(2))

    await settle(place, [UpdateExtensionWrite(changed.key, dict.fromkeys(can.fields, text))])

    standing = (await read(place)).extensions
    assert standing[made.key].fields == fields
    assert standing[changed.key].fields == fields


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("a\0b", id="nul"),
        pytest.param("a\ud800b", id="half_a_surrogate_pair"),
        pytest.param("a\nb", id="line_end"),
        pytest.param("a\x1bb", id="escape"),
    ],
)
async def test_text_that_is_none_is_kept_exactly_or_refused(place: Place, text: str) -> None:
    """Mangled in silence it would differ at every comparison, for ever."""
    (before,) = await hired(place, new_extension(1))

    outcomes = await settle(
        place,
        [
            new_extension(2, fields=ExtensionFields(first_name=text)),
            UpdateExtensionWrite(before.key, {Field.FIRST_NAME: text}),
            new_extension(3),
        ],
    )

    assert isinstance(outcomes[2], Done)
    for outcome in outcomes[:2]:
        if isinstance(outcome, Refused):
            assert outcome.code is RefusalCode.VALUE_INVALID
        else:
            assert outcome.extension is not None
            assert outcome.extension.fields.first_name == text


async def test_text_is_as_long_as_the_phone_system_says(place: Place) -> None:
    """Plans cut names to the limit they are told; one character more is refused, not cut."""
    length = place.phones().capabilities.name_length
    fits, too_long = "é" * length, "é" * (length + 1)
    (before,) = await hired(place, new_extension(1, fields=ExtensionFields(first_name=fits)))

    created, changed = await settle(
        place,
        [
            new_extension(2, fields=ExtensionFields(last_name=too_long)),
            UpdateExtensionWrite(before.key, {Field.FIRST_NAME: too_long}),
        ],
    )

    assert code(created) is RefusalCode.VALUE_INVALID
    assert code(changed) is RefusalCode.VALUE_INVALID
    assert (await read(place)).extensions == {before.key: before}


async def test_names_and_mail_may_be_the_same_for_two(place: Place) -> None:
    """Two people are called Ada Lovelace, and a shared address is nobody's key."""
    fields = ExtensionFields("Ada", "Lovelace", "info@example.com")

    made = await hired(place, *(new_extension(n, fields=fields) for n in range(1, 4)))

    assert len({extension.key for extension in made}) == 3
    assert len({extension.external_key for extension in made}) == 3


async def test_empty_external_key_is_refused(place: Place) -> None:
    """Two creations without a key would be taken for one."""
    outcomes = await settle(
        place,
        [
            CreateExtensionWrite("", ExtensionNumber("1001"), ExtensionFields()),
            CreateDepartmentWrite("", "Sales"),
        ],
    )

    assert [code(outcome) for outcome in outcomes] == [RefusalCode.VALUE_INVALID] * 2


async def test_answers_come_in_the_order_of_the_writes(place: Place) -> None:
    """The fifth answer is about the fifth write, refused ones included."""
    (first,) = await hired(place, new_extension(1, "1001"))

    outcomes = await settle(
        place,
        [
            new_extension(5, "1005"),
            new_extension(6, "1001"),
            CreateDepartmentWrite("g", "Sales"),
            RemoveExtensionWrite(NOWHERE, ExtensionNumber("1009")),
            UpdateExtensionWrite(first.key, {Field.FIRST_NAME: "Eve"}),
            new_extension(4, "1004"),
            UpdateExtensionWrite(NOWHERE, {Field.FIRST_NAME: "Eve"}),
        ],
    )

    def said(outcome: Done | Refused) -> str:
        if isinstance(outcome, Refused):
            return outcome.code
        if outcome.extension:
            return f"{outcome.extension.number} {outcome.extension.fields.first_name}"
        return outcome.department.name if outcome.department else "gone"

    assert [said(outcome) for outcome in outcomes] == [
        "1005 Ada",
        "number_taken",
        "Sales",
        "gone",
        "1001 Eve",
        "1004 Ada",
        "not_found",
    ]


async def test_five_hundred_writes_fit_into_one_call(place: Place) -> None:
    """The size plans are cut to; every write is answered, the refused ones among them too."""
    (sales,) = await founded(place, "Sales")
    writes = [new_extension(n, None, sales, primary=sales) for n in range(1, WRITE_LIMIT)]
    writes.append(new_extension(WRITE_LIMIT, writes[0].number))

    outcomes = await settle(place, writes)

    assert [code(outcome) for outcome in outcomes] == [None] * 499 + [RefusalCode.NUMBER_TAKEN]
    standing = (await read(place)).extensions.values()
    assert {e.number for e in standing} == {write.number for write in writes}
    assert {e.primary for e in standing} == {sales}
    assert {e.external_key for e in standing} == {write.external_key for write in writes[:-1]}


async def test_more_writes_than_the_limit_are_a_mistake_of_the_caller(place: Place) -> None:
    """Nothing of them is tried."""
    with pytest.raises(ValueError, match="501"):
        await place.phones().write([new_extension(n) for n in range(WRITE_LIMIT + 1)])

    assert (await read(place)).extensions == {}


async def test_no_writes_are_no_answers(place: Place) -> None:
    """A plan may have nothing to do."""
    assert await settle(place, []) == []
    assert await departments(place) == await departments(place)
