"""The phone port's promises about changing extensions: fields, memberships, whose they are."""

import pytest

from contract.phone_system.places import (
    Place,
    code,
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
    Field,
)
from jackfield.pbx.port import (
    Done,
    RefusalCode,
    UpdateExtensionWrite,
)

NO_DEPARTMENT = DepartmentKey("no such department")


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


async def test_a_released_extension_is_nobodys(place: Place) -> None:
    """What was taken over by mistake is as if it had been made by hand; again changes nothing."""
    (ours,) = await hired(place, new_extension(1, "1001"))

    release = UpdateExtensionWrite(ours.key, release=True)
    outcomes = [await settle_one(place, release) for _ in range(2)]
    released = (await read(place)).extensions[ours.key]
    others = await settle_one(place, UpdateExtensionWrite(ours.key, external_key=person(2)))
    made = await settle_one(place, new_extension(1, "1002"))

    assert all(isinstance(one, Done) for one in outcomes)
    assert (released.external_key, released.number) == (None, "1001")
    assert isinstance(others, Done)
    assert isinstance(made, Done)
    assert made.extension is not None
    assert made.extension.key != ours.key


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
