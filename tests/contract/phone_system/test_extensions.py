"""The phone port's promises about creating and removing extensions."""

from dataclasses import replace

import pytest

from contract.phone_system.places import (
    HAVE_OTHER_NUMBERS,
    Place,
    code,
    founded,
    hired,
    new_extension,
    person,
    read,
    settle,
    settle_one,
    used_numbers,
)
from jackfield.core.extensions import (
    DepartmentKey,
    ExtensionFields,
    ExtensionKey,
    ExtensionNumber,
    Field,
)
from jackfield.pbx.port import (
    Done,
    RefusalCode,
    RemoveExtensionWrite,
    UpdateExtensionWrite,
    Write,
)

NO_DEPARTMENT = DepartmentKey("no such department")


async def test_created_extension_stands_as_it_was_asked_for(place: Place) -> None:
    """What a plan promised is what a phone gets."""
    sales, support = await founded(place, "Sales", "Support")
    fields = ExtensionFields(
        "Ada", "Lovelace", "ada@example.com", "+441234567890", "Countess", "A", "+441234567891"
    )

    outcome = await settle_one(
        place, new_extension(1, "1001", sales, support, primary=support, fields=fields)
    )

    assert isinstance(outcome, Done)
    extension = outcome.extension
    assert extension is not None
    assert (extension.number, extension.enabled) == ("1001", True)
    assert set(extension.departments) == {sales, support}
    assert extension.primary == support
    can = place.phones().capabilities
    for field in Field:
        expected = getattr(fields, field) if field in can.fields else ""
        assert getattr(extension.fields, field) == expected
    assert (await read(place)).extensions == {extension.key: extension}


async def test_an_extension_can_be_made_disabled(place: Place) -> None:
    """A leaver's removed extension is had back without ringing for a moment."""
    outcome = await settle_one(place, replace(new_extension(1), enabled=False))

    assert isinstance(outcome, Done)
    assert outcome.extension is not None
    assert not outcome.extension.enabled
    assert (await read(place)).extensions == {outcome.extension.key: outcome.extension}


async def test_repeated_creation_finds_the_first_one(place: Place) -> None:
    """An answer that was lost must not leave a person with two phones."""
    (first,) = await hired(place, new_extension(1))

    again = await settle_one(place, new_extension(1))

    assert isinstance(again, Done)
    assert again.extension == first
    assert not again.created
    assert len((await read(place)).extensions) == 1


async def test_repeated_creation_with_another_number_finds_the_first_one(place: Place) -> None:
    """A plan made afresh after a crash may have chosen another number for the same person."""
    (first,) = await hired(place, new_extension(1, "1001"))

    again = await settle_one(place, new_extension(1, "1005"))

    assert isinstance(again, Done)
    assert again.extension == first
    assert "1005" not in await used_numbers(place)


async def test_repeated_creation_leaves_later_changes_alone(place: Place) -> None:
    """Finding it again is no licence to undo what happened since."""
    (sales,) = await founded(place, "Sales")
    (first,) = await hired(place, new_extension(1))
    change = UpdateExtensionWrite(
        first.key, {Field.FIRST_NAME: "Grace"}, add_departments=(sales,), enabled=False
    )
    (changed,) = [o.extension for o in await settle(place, [change]) if isinstance(o, Done)]

    again = await settle_one(place, new_extension(1))

    assert isinstance(again, Done)
    assert again.extension == changed


async def test_same_write_twice_in_one_call_is_done_once(place: Place) -> None:
    """A caller that joined two lists must not create twice either."""
    first, second = await settle(place, [new_extension(1), new_extension(1)])

    assert isinstance(first, Done)
    assert isinstance(second, Done)
    assert first.extension is not None
    assert second.extension is not None
    assert first.extension.key == second.extension.key
    assert len((await read(place)).extensions) == 1


async def test_taken_number_is_refused_and_nothing_changes(place: Place) -> None:
    """Nobody loses a number to a newcomer."""
    (first,) = await hired(place, new_extension(1, "1001"))

    refused, other = await settle(place, [new_extension(2, "1001"), new_extension(3, "1003")])

    assert code(refused) is RefusalCode.NUMBER_TAKEN
    assert isinstance(other, Done)
    standing = (await read(place)).extensions
    assert standing[first.key] == first
    assert len(standing) == 2


async def test_number_taken_within_the_same_call_is_refused(place: Place) -> None:
    """The second of two newcomers with one number is told so."""
    first, second = await settle(place, [new_extension(1, "1001"), new_extension(2, "1001")])

    assert isinstance(first, Done)
    assert code(second) is RefusalCode.NUMBER_TAKEN


@pytest.mark.parametrize("house", HAVE_OTHER_NUMBERS, indirect=True)
async def test_number_held_by_something_else_is_used_and_refused(place: Place) -> None:
    """Queues and service accounts have numbers too."""
    assert place.occupied is not None

    outcome = await settle_one(place, new_extension(1, place.occupied))

    assert code(outcome) is RefusalCode.NUMBER_TAKEN
    assert place.occupied in await used_numbers(place)


async def test_refused_creation_is_tried_afresh_with_another_number(place: Place) -> None:
    """A refusal must not stick to the person."""
    await hired(place, new_extension(1, "1001"))
    await settle(place, [new_extension(2, "1001")])

    outcome = await settle_one(place, new_extension(2, "1002"))

    assert isinstance(outcome, Done)
    assert outcome.extension is not None
    assert outcome.extension.number == "1002"


@pytest.mark.parametrize(
    "number",
    [
        pytest.param("", id="empty"),
        pytest.param("7", id="one_digit"),
        pytest.param("1234567890123", id="thirteen_digits"),
        pytest.param("12a4", id="a_letter"),
        pytest.param("+1234", id="a_plus"),
        pytest.param(" 1234", id="a_space"),
        pytest.param("1234\n", id="a_line_end"),
        pytest.param("1'34", id="a_quote"),
        pytest.param("١٢٣٤", id="arabic_digits"),
        pytest.param("１２３４", id="full_width_digits"),
        pytest.param("²²²²", id="superscripts"),
    ],
)
async def test_number_that_is_none_is_refused(place: Place, number: str) -> None:
    """What a phone cannot dial is no extension number."""
    refused, other = await settle(place, [new_extension(1, number), new_extension(2)])

    assert code(refused) is RefusalCode.NUMBER_INVALID
    assert isinstance(other, Done)


async def test_used_numbers_are_those_that_cannot_be_given(place: Place) -> None:
    """Numbers come free with the extension, and only then."""
    first, second = await hired(place, new_extension(1, "1001"), new_extension(2, "1002"))

    await settle(place, [RemoveExtensionWrite(first.key, first.number)])

    used = await used_numbers(place)
    assert "1001" not in used
    assert second.number in used


@pytest.mark.parametrize(
    ("with_unknown", "expected"),
    [
        pytest.param(True, RefusalCode.NOT_FOUND, id="unknown_department"),
        pytest.param(False, RefusalCode.VALUE_INVALID, id="primary_is_not_a_membership"),
    ],
)
async def test_creation_with_impossible_departments_creates_nothing(
    place: Place, expected: RefusalCode, *, with_unknown: bool
) -> None:
    """A plan whose department is gone must be made afresh, without a stray extension."""
    sales, support = await founded(place, "Sales", "Support")
    chosen = (sales, NO_DEPARTMENT) if with_unknown else (sales,)

    refused, other = await settle(
        place, [new_extension(1, "1001", *chosen, primary=support), new_extension(2, "1001")]
    )

    assert code(refused) is expected
    assert isinstance(other, Done)
    assert len((await read(place)).extensions) == 1


async def test_hand_made_extension_is_never_taken_for_our_own_creation(place: Place) -> None:
    """Same number and same e-mail: an adoption for a plan to propose, not for a repeat to do."""
    writes = [new_extension(n) for n in range(1, 31)]
    keys = [await place.extension_by_hand(write.number, write.fields) for write in writes]

    outcomes = await settle(place, writes)

    assert {code(outcome) for outcome in outcomes} == {RefusalCode.NUMBER_TAKEN}
    standing = (await read(place)).extensions
    assert {standing[key].external_key for key in keys} == {None}


async def test_removal_repeated_is_done(place: Place) -> None:
    """A lost answer to a removal must not turn into an alarm."""
    (first,) = await hired(place, new_extension(1))
    removal = RemoveExtensionWrite(first.key, first.number)

    outcomes = [await settle_one(place, removal) for _ in range(2)]

    assert [isinstance(outcome, Done) for outcome in outcomes] == [True, True]
    assert (await read(place)).extensions == {}


async def test_removal_of_another_number_is_refused(place: Place) -> None:
    """The last look before something is gone for good."""
    (first,) = await hired(place, new_extension(1, "1001"))

    outcome = await settle_one(place, RemoveExtensionWrite(first.key, ExtensionNumber("1002")))

    assert code(outcome) is RefusalCode.STALE
    assert first.key in (await read(place)).extensions


async def test_person_who_was_removed_can_come_back(place: Place) -> None:
    """Found again means the one that stands, not the memory of one that is gone."""
    (first,) = await hired(place, new_extension(1, "1001"))

    outcomes = await settle(
        place, [RemoveExtensionWrite(first.key, first.number), new_extension(1, "1002")]
    )

    assert isinstance(outcomes[1], Done)
    standing = (await read(place)).extensions
    assert [extension.number for extension in standing.values()] == ["1002"]
    assert first.key not in standing


async def test_people_are_renumbered_by_removal_and_creation_in_one_call(place: Place) -> None:
    """Where a number cannot change, this is how it changes: no creation overtakes its removal."""
    people = range(1, 31)
    made = await hired(place, *(new_extension(n, f"1{n:03}") for n in people))
    writes: list[Write] = []
    for n, extension in zip(people, made, strict=True):
        removal = RemoveExtensionWrite(extension.key, extension.number)
        writes += [removal, new_extension(n, f"2{n:03}")]

    outcomes = await settle(place, writes)

    assert all(isinstance(outcome, Done) for outcome in outcomes)
    standing = (await read(place)).extensions.values()
    assert {(e.external_key, e.number) for e in standing} == {
        (person(n), f"2{n:03}") for n in people
    }


async def test_removal_does_not_overtake_the_creation_before_it(place: Place) -> None:
    """Found again and then removed is gone; the other way round it would stand once more."""
    people = range(1, 31)
    made = await hired(place, *(new_extension(n, f"1{n:03}") for n in people))
    writes: list[Write] = []
    for n, extension in zip(people, made, strict=True):
        removal = RemoveExtensionWrite(extension.key, extension.number)
        writes += [new_extension(n, f"2{n:03}"), removal]

    outcomes = await settle(place, writes)

    assert all(isinstance(outcome, Done) for outcome in outcomes)
    assert (await read(place)).extensions == {}


async def test_number_is_free_for_the_next_write_after_its_removal(place: Place) -> None:
    """Writes are carried out in their order, so a successor can inherit a number in one call."""
    (first,) = await hired(place, new_extension(1, "1001"))

    before, removal, after = await settle(
        place,
        [
            new_extension(2, "1001"),
            RemoveExtensionWrite(first.key, first.number),
            new_extension(3, "1001"),
        ],
    )

    assert code(before) is RefusalCode.NUMBER_TAKEN
    assert isinstance(removal, Done)
    assert isinstance(after, Done)


@pytest.mark.parametrize(
    "key",
    ["nowhere", "", "0", "-1", "1.5", "99999999999999999999999", "１", "x' OR 1=1 --", "é"],
)
async def test_unknown_key_is_not_found(place: Place, key: str) -> None:
    """A key from another phone system, or from a backup, is an answer and never an error."""
    update, removal = await settle(
        place,
        [
            UpdateExtensionWrite(ExtensionKey(key), {Field.FIRST_NAME: "x"}),
            RemoveExtensionWrite(ExtensionKey(key), ExtensionNumber("1001")),
        ],
    )

    assert code(update) is RefusalCode.NOT_FOUND
    assert isinstance(removal, Done)
