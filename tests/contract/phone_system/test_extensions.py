"""The phone port's promises about extensions."""

import pytest

from contract.phone_system.places import (
    HAVE_OTHER_NUMBERS,
    Place,
    departments,
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
    WRITE_LIMIT,
    CreateDepartmentWrite,
    CreateExtensionWrite,
    Done,
    RefusalCode,
    Refused,
    RemoveExtensionWrite,
    UpdateExtensionWrite,
    Write,
)

NOWHERE = ExtensionKey("nowhere")
NO_DEPARTMENT = DepartmentKey("no such department")


def code(outcome: Done | Refused) -> RefusalCode | None:
    """Why it was refused; None for what was done."""
    return outcome.code if isinstance(outcome, Refused) else None


async def test_created_extension_stands_as_it_was_asked_for(place: Place) -> None:
    """What a plan promised is what a phone gets."""
    sales, support = await founded(place, "Sales", "Support")
    fields = ExtensionFields("Ada", "Lovelace", "ada@example.com", "+441234567890", "Countess", "A")

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


async def test_update_changes_what_it_names_and_nothing_else(place: Place) -> None:
    """Microsoft 365 owns the synced fields, the phone system its own."""
    sales, support = await founded(place, "Sales", "Support")
    (before,) = await hired(place, new_extension(1, None, sales, primary=sales))

    outcome = await settle_one(
        place,
        UpdateExtensionWrite(
            before.key,
            {Field.LAST_NAME: "Byron"},
            {Field.LAST_NAME: "Nr 1", Field.FIRST_NAME: "Ada"},
            add_departments=(support,),
            primary=support,
        ),
    )

    assert isinstance(outcome, Done)
    after = outcome.extension
    assert after is not None
    assert after.fields.last_name == "Byron"
    assert after.fields.first_name == "Ada"
    assert after.fields.email == before.fields.email
    assert (after.number, after.enabled) == (before.number, before.enabled)
    assert set(after.departments) == {sales, support}
    assert after.primary == support
    assert (await read(place)).extensions == {after.key: after}


async def test_repeated_update_is_done_again(place: Place) -> None:
    """The values it expected are gone, because it was done: that is no stale write."""
    sales, support = await founded(place, "Sales", "Support")
    (before,) = await hired(place, new_extension(1, None, sales, primary=sales))
    write = UpdateExtensionWrite(
        before.key,
        {Field.FIRST_NAME: "Grace"},
        {Field.FIRST_NAME: "Ada"},
        add_departments=(support,),
        remove_departments=(sales,),
        primary=support,
        enabled=False,
    )

    first = await settle_one(place, write)
    second = await settle_one(place, write)

    assert first == second
    assert isinstance(second, Done)


@pytest.mark.parametrize(
    ("expected", "changes", "refused"),
    [
        pytest.param({"first_name": "Ada"}, {"first_name": "Eve"}, False, id="as_expected"),
        pytest.param({"first_name": "Eve"}, {"first_name": "Ada"}, False, id="already_so"),
        pytest.param({"first_name": "Bob"}, {"first_name": "Eve"}, True, id="neither"),
        pytest.param({"first_name": ""}, {"first_name": "Eve"}, True, id="expected_empty"),
        pytest.param({"first_name": "ada"}, {"first_name": "Eve"}, True, id="case_counts"),
        pytest.param({"last_name": "No"}, {"first_name": "Eve"}, True, id="a_field_beside"),
        pytest.param({"mobile": ""}, {"mobile": "+441234567890"}, False, id="was_empty"),
        pytest.param({}, {"first_name": "Eve"}, False, id="expects_nothing"),
    ],
)
async def test_update_of_values_nobody_expected_is_refused_whole(
    place: Place, expected: dict[str, str], changes: dict[str, str], *, refused: bool
) -> None:
    """A plan that has grown old must not overwrite what it has not seen."""
    (sales,) = await founded(place, "Sales")
    (before,) = await hired(place, new_extension(1))
    write = UpdateExtensionWrite(
        before.key,
        {Field(name): text for name, text in changes.items()},
        {Field(name): text for name, text in expected.items()},
        add_departments=(sales,),
        enabled=False,
    )

    outcome = await settle_one(place, write)

    assert code(outcome) is (RefusalCode.STALE if refused else None)
    after = (await read(place)).extensions[before.key]
    assert (after == before) is refused


async def test_field_that_the_phone_system_lacks_is_refused_in_an_update(place: Place) -> None:
    """A plan that asks for it would never come to an end."""
    lacking = set(Field) - place.phones().capabilities.fields
    (before,) = await hired(place, new_extension(1))

    outcomes = await settle(
        place, [UpdateExtensionWrite(before.key, {field: "x"}) for field in sorted(lacking)]
    )

    assert {code(outcome) for outcome in outcomes} <= {RefusalCode.VALUE_INVALID}
    assert (await read(place)).extensions == {before.key: before}


async def test_memberships_are_added_and_taken_one_by_one(place: Place) -> None:
    """Memberships that were given by hand stay, whatever the phone system's own way of writing."""
    sales, support, board = await founded(place, "Sales", "Support", "Board")
    (before,) = await hired(place, new_extension(1, None, sales, support, primary=sales))

    add_standing_take_absent = UpdateExtensionWrite(
        before.key, add_departments=(support,), remove_departments=(board,)
    )
    unchanged = await settle_one(place, add_standing_take_absent)
    take = UpdateExtensionWrite(before.key, remove_departments=(support,), add_departments=(board,))
    changed = await settle_one(place, take)

    assert isinstance(unchanged, Done)
    assert unchanged.extension == before
    assert isinstance(changed, Done)
    assert changed.extension is not None
    assert set(changed.extension.departments) == {sales, board}
    assert changed.extension.primary == sales


async def test_primary_department_that_is_taken_falls_back_to_a_member_or_none(
    place: Place,
) -> None:
    """A primary department the extension is not in would route calls by strangers' office hours."""
    sales, support = await founded(place, "Sales", "Support")
    (before,) = await hired(place, new_extension(1, None, sales, support, primary=sales))

    one = await settle_one(place, UpdateExtensionWrite(before.key, remove_departments=(sales,)))
    none = await settle_one(place, UpdateExtensionWrite(before.key, remove_departments=(support,)))

    for outcome, gone in ((one, {sales}), (none, {sales, support})):
        assert isinstance(outcome, Done)
        assert outcome.extension is not None
        assert not gone & set(outcome.extension.departments)
        assert outcome.extension.primary in {None, *outcome.extension.departments}


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        pytest.param("unknown", RefusalCode.NOT_FOUND, id="adds_an_unknown_one"),
        pytest.param("primary", RefusalCode.VALUE_INVALID, id="primary_is_not_a_membership"),
        pytest.param("both", RefusalCode.VALUE_INVALID, id="adds_and_takes_the_same"),
    ],
)
async def test_impossible_memberships_are_refused_whole(
    place: Place, how: str, expected: RefusalCode
) -> None:
    """Half a write is worse than none: nobody would look for the other half."""
    sales, support = await founded(place, "Sales", "Support")
    (before,) = await hired(place, new_extension(1, None, sales, primary=sales))
    name = {Field.FIRST_NAME: "Grace"}
    update = {
        "unknown": UpdateExtensionWrite(
            before.key, name, add_departments=(support, NO_DEPARTMENT), primary=support
        ),
        "primary": UpdateExtensionWrite(before.key, name, primary=support),
        "both": UpdateExtensionWrite(
            before.key, name, add_departments=(support,), remove_departments=(support,)
        ),
    }[how]

    outcome = await settle_one(place, update)

    assert code(outcome) is expected
    assert (await read(place)).extensions == {before.key: before}


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


async def test_enabled_mark_goes_off_and_on(place: Place) -> None:
    """A leaver who comes back gets the phone back."""
    (before,) = await hired(place, new_extension(1))

    off = await settle_one(place, UpdateExtensionWrite(before.key, enabled=False))
    stays = await settle_one(place, UpdateExtensionWrite(before.key, {Field.FIRST_NAME: "Eve"}))
    on = await settle_one(place, UpdateExtensionWrite(before.key, enabled=True))

    states = [o.extension.enabled for o in (off, stays, on) if isinstance(o, Done) and o.extension]
    assert states == [False, False, True]


async def test_adopted_extension_is_found_by_its_new_key(place: Place) -> None:
    """What stood there before the first sync becomes the person's, number and all."""
    key = await place.extension_by_hand("1007", ExtensionFields("Ada", "L", "ada@example.com"))
    assert (await read(place)).extensions[key].external_key is None

    adopted = await settle_one(place, UpdateExtensionWrite(key, external_key=person(1)))
    found = await settle_one(place, new_extension(1, "1001"))

    assert isinstance(adopted, Done)
    assert isinstance(found, Done)
    assert found.extension == adopted.extension
    assert found.extension is not None
    assert found.extension.key == key
    assert found.extension.external_key == person(1)


async def test_one_person_is_bound_to_one_extension(place: Place) -> None:
    """No extension for two people, no person with two extensions."""
    first, second = await hired(place, new_extension(1), new_extension(2))
    by_hand = await place.extension_by_hand("1007", ExtensionFields("Ada", "L", "ada@example.com"))

    outcomes = await settle(
        place,
        [
            UpdateExtensionWrite(by_hand, external_key=person(1)),
            UpdateExtensionWrite(first.key, external_key=person(2)),
            UpdateExtensionWrite(first.key, external_key=person(3)),
            UpdateExtensionWrite(second.key, external_key=person(2)),
        ],
    )

    assert [code(outcome) for outcome in outcomes] == [RefusalCode.KEY_TAKEN] * 3 + [None]


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
