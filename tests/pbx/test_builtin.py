"""What the built-in phone directory promises beyond the phone port."""

import asyncio
from datetime import timedelta

import pytest

from contract.phone_system.builtin_house import BuiltInHouse, BuiltInPlace
from contract.phone_system.places import (
    code,
    departments,
    founded,
    hired,
    new_extension,
    person,
    read,
    settle,
    settle_one,
)
from jackfield.core.extensions import (
    DepartmentKey,
    ExtensionFields,
    ExtensionNumber,
    Field,
)
from jackfield.core.numbering import NumberRange
from jackfield.pbx.builtin import PAGE_SIZE, REMOVALS_KEPT, BuiltInPhones
from jackfield.pbx.port import (
    WRITE_LIMIT,
    DirectoryByHand,
    Done,
    PhoneSystem,
    PhoneSystemForgot,
    RefusalCode,
    Refused,
    RemoveExtensionWrite,
    RenameDepartmentWrite,
    UpdateExtensionWrite,
)


@pytest.fixture
async def place(house: BuiltInHouse) -> BuiltInPlace:
    return await house.place(1)


async def test_it_is_a_phone_system_with_a_directory_kept_by_hand(place: BuiltInPlace) -> None:
    """mypy reads this: the two faces that `app.py` hands to the flows."""
    phones: PhoneSystem = place.directory()
    by_hand: DirectoryByHand = place.directory()

    assert phones.capabilities.changes
    assert code(await by_hand.create_department("Board")) is None


# --- numbers


@pytest.mark.parametrize(
    ("number", "refused"),
    [
        pytest.param("99", True, id="below_the_range"),
        pytest.param("100", False, id="its_first"),
        pytest.param("999999", False, id="its_last"),
        pytest.param("1000000", True, id="above_the_range"),
        pytest.param("0200", False, id="leading_zero"),
        pytest.param("0099", True, id="leading_zero_below"),
        pytest.param("000200", False, id="as_long_as_the_last"),
        pytest.param("0000200", True, id="longer_than_the_last"),
    ],
)
async def test_numbers_belong_to_a_range_by_value_and_length(
    place: BuiltInPlace, number: str, *, refused: bool
) -> None:
    """An administrator may start at "0200", and then there are people with such numbers."""
    outcome = await settle_one(place, new_extension(1, number))

    assert code(outcome) is (RefusalCode.NUMBER_INVALID if refused else None)


async def test_number_with_a_zero_is_a_number_of_its_own(place: BuiltInPlace) -> None:
    """Dialled differently, they must not be taken for one."""
    made = await hired(place, new_extension(1, "0200"), new_extension(2, "200"))

    assert [extension.number for extension in made] == ["0200", "200"]


async def test_ranges_are_those_it_was_given(place: BuiltInPlace) -> None:
    """A provider gives each customer a range; numbers that stand outside it stay."""
    await hired(place, new_extension(1, "200"))
    ranges = (NumberRange("3000", "3999"), NumberRange("70", "79"))
    phones = BuiltInPhones(place.database, place.tenant, place.clock, ranges)

    outcomes = await phones.write(
        [
            new_extension(2, "3000"),
            new_extension(3, "75"),
            new_extension(4, "201"),
            new_extension(1, "201"),
        ]
    )

    assert phones.capabilities.ranges == ranges
    refused = [isinstance(outcome, Refused) for outcome in outcomes]
    assert refused == [False, False, True, False]


# --- by hand


async def test_by_hand_the_same_checks_hold(place: BuiltInPlace) -> None:
    """What a sync may not write, an administrator's slip must not either."""
    directory = place.directory()
    fields = ExtensionFields(first_name="Ada")
    (sales,) = await founded(place, "Sales")
    made = await directory.create_extension("204", fields, (sales,), sales)
    assert isinstance(made, Done)

    refused = [
        await directory.create_extension("204", fields),
        await directory.create_extension("2a4", fields),
        await directory.create_extension("205", ExtensionFields(email="x" * 257)),
        await directory.create_extension("205", fields, (DepartmentKey("x99"),)),
        await directory.create_extension("205", fields, (), sales),
        await directory.create_department("SALES"),
        await directory.create_department(" "),
        await directory.create_department("a\x07b"),
    ]

    assert [code(outcome) for outcome in refused] == [
        RefusalCode.NUMBER_TAKEN,
        RefusalCode.NUMBER_INVALID,
        RefusalCode.VALUE_INVALID,
        RefusalCode.NOT_FOUND,
        RefusalCode.VALUE_INVALID,
        RefusalCode.NAME_TAKEN,
        RefusalCode.VALUE_INVALID,
        RefusalCode.VALUE_INVALID,
    ]
    assert made.extension is not None
    assert (await read(place)).extensions == {made.extension.key: made.extension}
    assert made.extension.external_key is None


async def test_refusals_say_who_is_in_the_way(place: BuiltInPlace) -> None:
    """An administrator reads them; "constraint failed" helps nobody."""
    fields = ExtensionFields("Ada", "Lovelace")
    (made,) = await hired(place, new_extension(1, "204", fields=fields))

    taken = await settle_one(place, new_extension(2, "204"))
    outside = await settle_one(place, new_extension(2, "1"))
    longer = await settle_one(place, new_extension(2, "1" * 16))
    stale = await settle_one(
        place,
        UpdateExtensionWrite(made.key, {Field.FIRST_NAME: "Eve"}, {Field.FIRST_NAME: "Bob"}),
    )

    assert isinstance(taken, Refused)
    assert taken.text == "Number 204 is taken by Ada Lovelace."
    assert isinstance(outside, Refused)
    assert outside.text.startswith("Number 1 lies outside ")
    assert isinstance(longer, Refused)
    assert "has 16 digits; at most 15 are possible." in longer.text
    assert isinstance(stale, Refused)
    assert stale.text == (
        "First name of 204 (Ada Lovelace) was changed meanwhile: it is “Ada” and no longer “Bob”."
    )


async def test_department_with_members_is_left_standing(place: BuiltInPlace) -> None:
    """Calls would go nowhere; the administrator empties it first."""
    directory = place.directory()
    (sales,) = await founded(place, "Sales")
    (member,) = await hired(place, new_extension(1, None, sales, primary=sales))

    full = await directory.remove_department(sales)
    await settle(place, [UpdateExtensionWrite(member.key, remove_departments=(sales,))])
    empty = await directory.remove_department(sales)
    again = await directory.remove_department(sales)

    assert isinstance(full, Refused)
    assert (full.code, "“Sales”" in full.text) == (RefusalCode.PROTECTED, True)
    assert isinstance(empty, Done)
    assert isinstance(again, Done)
    assert await departments(place) == {}


@pytest.mark.parametrize("key", ["", "x99", "a\0b", "\ud800"])
async def test_removing_a_department_that_is_none_is_done(place: BuiltInPlace, key: str) -> None:
    """Two administrators press the button at once."""
    assert isinstance(await place.directory().remove_department(DepartmentKey(key)), Done)


async def test_removed_department_gives_its_name_back_and_is_made_anew(
    place: BuiltInPlace,
) -> None:
    """A repeat must not find what an administrator has removed."""
    (first,) = await founded(place, "Sales")
    await place.directory().remove_department(first)

    (second,) = await founded(place, "Sales")

    assert second != first


async def test_what_was_made_by_hand_is_seen_as_a_change(place: BuiltInPlace) -> None:
    """The next round must know that a number is taken."""
    start = await read(place)

    key = await place.extension_by_hand("204", ExtensionFields())

    assert set((await read(place, start.cursor)).extensions) == {key}


# --- cursors


async def test_cursor_of_another_tenant_is_forgotten(house: BuiltInHouse) -> None:
    """Change numbers are counted for each tenant; one customer's must not skip another's people."""
    one, other = await house.place(1), await house.place(2)
    for place in (one, other):
        await hired(place, new_extension(1))
    cursor = (await read(one)).cursor

    with pytest.raises(PhoneSystemForgot):
        await read(other, cursor)


async def test_cursor_lives_as_long_as_the_removals_it_could_miss(place: BuiltInPlace) -> None:
    """A month without a round, and nothing removed meanwhile: no need to read everything."""
    first, second, third = await hired(place, *(new_extension(n) for n in range(1, 4)))
    await settle(place, [RemoveExtensionWrite(first.key, first.number)])
    before = await read(place)
    place.clock.at += REMOVALS_KEPT + timedelta(days=1)
    await settle(place, [RemoveExtensionWrite(second.key, second.number)])

    changes = await read(place, before.cursor)

    assert changes.removed == {second.key}
    assert set((await read(place)).extensions) == {third.key}


async def test_many_changes_and_removals_come_in_pages(place: BuiltInPlace) -> None:
    """A range that was cleared out must not become one answer of a hundred thousand keys."""
    made = []
    for start in range(0, 3 * WRITE_LIMIT, WRITE_LIMIT):
        numbers = range(start, start + WRITE_LIMIT)
        made += await hired(place, *(new_extension(n) for n in numbers))
    cursor = (await read(place)).cursor
    gone, stays = made[: 2 * WRITE_LIMIT + 100], made[2 * WRITE_LIMIT + 100 :]
    for start in range(0, len(gone), WRITE_LIMIT):
        some = gone[start : start + WRITE_LIMIT]
        await settle(place, [RemoveExtensionWrite(e.key, e.number) for e in some])
    await settle(place, [UpdateExtensionWrite(e.key, enabled=False) for e in stays])

    pages = [page async for page in place.phones().read_extensions(cursor)]

    assert max(len(page.removed) for page in pages) <= PAGE_SIZE
    assert max(len(page.extensions) for page in pages) <= 2 * PAGE_SIZE
    assert [page.cursor is None for page in pages] == [True] * (len(pages) - 1) + [False]
    assert {key for page in pages for key in page.removed} == {e.key for e in gone}
    assert {e.key for page in pages for e in page.extensions} == {e.key for e in stays}


# --- one transaction a call


async def test_writers_at_the_same_time_do_not_share_a_number(place: BuiltInPlace) -> None:
    """Two processes, a console and a sync: one of them is told that the number is taken."""
    outcomes = await asyncio.gather(
        *(settle_one(place, new_extension(n, "204")) for n in range(1, 9)),
        *(place.directory().create_extension("204", ExtensionFields()) for _ in range(4)),
    )

    made = [outcome for outcome in outcomes if isinstance(outcome, Done)]
    assert len(made) == 1
    assert len((await read(place)).extensions) == 1


async def test_same_person_hired_at_the_same_time_has_one_extension(place: BuiltInPlace) -> None:
    """A run that was taken over may still be writing when its successor begins."""
    outcomes = await asyncio.gather(
        *(settle_one(place, new_extension(1, str(1000 + n))) for n in range(8))
    )

    keys = {o.extension.key for o in outcomes if isinstance(o, Done) and o.extension}
    assert len(keys) == 1
    assert sum(o.created for o in outcomes if isinstance(o, Done)) == 1


async def test_updates_at_the_same_time_see_one_another(place: BuiltInPlace) -> None:
    """Of two who expect "Ada" the second one must hear that it is "Ada" no longer."""
    (made,) = await hired(place, new_extension(1))

    outcomes = await asyncio.gather(
        *(
            settle_one(
                place,
                UpdateExtensionWrite(
                    made.key, {Field.FIRST_NAME: f"Nr {n}"}, {Field.FIRST_NAME: "Ada"}
                ),
            )
            for n in range(8)
        )
    )

    assert sorted(str(code(outcome)) for outcome in outcomes) == ["None"] + ["stale"] * 7


async def test_call_that_breaks_leaves_nothing_behind(place: BuiltInPlace) -> None:
    """All of a call or nothing of it, when the process is stopped in the middle."""
    (sales,) = await founded(place, "Sales")
    before = await read(place)

    class StoppedError(Exception):
        pass

    class StoppingClock:
        def now(self) -> None:
            raise StoppedError

    stopped = BuiltInPhones(place.database, place.tenant, StoppingClock())  # type: ignore[arg-type]
    (made,) = await hired(place, new_extension(9))
    with pytest.raises(StoppedError):
        await stopped.write(
            [
                new_extension(1),
                RenameDepartmentWrite(sales, "Vertrieb", "Sales"),
                RemoveExtensionWrite(made.key, made.number),
            ]
        )

    assert set((await read(place, before.cursor)).extensions) == {made.key}
    assert (await departments(place))[sales].name == "Sales"


async def test_keys_are_never_given_twice(place: BuiltInPlace) -> None:
    """A link that outlived its extension must not point to somebody else's."""
    keys = set()
    for n in range(5):
        (made,) = await hired(place, new_extension(n, "1001"))
        keys.add(made.key)
        await settle(place, [RemoveExtensionWrite(made.key, ExtensionNumber("1001"))])

    assert len(keys) == 5
    assert person(0) not in keys
