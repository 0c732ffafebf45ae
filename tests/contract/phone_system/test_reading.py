"""The phone port's promises about reading: pages that miss nobody, and cursors."""

import pytest

from contract.phone_system.places import (
    TELL_CHANGES,
    TELL_NO_CHANGES,
    House,
    Place,
    departments,
    founded,
    hired,
    new_extension,
    person,
    read,
    settle,
    used_numbers,
)
from jackfield.core.extensions import ExtensionKey, Field
from jackfield.pbx.port import (
    Done,
    PhoneSystemForgot,
    PhoneSystemUnreachable,
    RemoveExtensionWrite,
    RenameDepartmentWrite,
    UpdateExtensionWrite,
)

tells_changes = pytest.mark.parametrize("house", TELL_CHANGES, indirect=True)


@pytest.mark.parametrize("house", TELL_NO_CHANGES, indirect=True)
async def test_a_system_without_changes_gives_no_cursor_and_takes_none(place: Place) -> None:
    """A caller that kept a cursor from elsewhere has to read afresh, and is told so."""
    assert not place.phones().capabilities.changes
    assert (await read(place)).cursor is None
    with pytest.raises(PhoneSystemForgot):
        await read(place, "12")


@tells_changes
async def test_changes_since_a_cursor_are_exactly_what_changed(place: Place) -> None:
    """50,000 extensions need not be read because one was renamed."""
    (sales,) = await founded(place, "Sales")
    a, b, c, _ = await hired(place, *(new_extension(n) for n in range(1, 5)))
    start = await read(place)

    await settle(
        place,
        [
            UpdateExtensionWrite(a.key, {Field.FIRST_NAME: "Eve"}),
            UpdateExtensionWrite(b.key, add_departments=(sales,)),
            RemoveExtensionWrite(c.key, c.number),
            new_extension(9),
        ],
    )
    changes = await read(place, start.cursor)

    changed = {extension.external_key for extension in changes.extensions.values()}
    assert changed == {person(1), person(2), person(9)}
    assert changes.removed == {c.key}
    again = await read(place, changes.cursor)
    assert (again.extensions, again.removed) == ({}, set())
    assert again.cursor is not None


@tells_changes
async def test_writes_that_change_nothing_are_no_changes(place: Place) -> None:
    """Else each round would make work for the next one, without end."""
    (sales,) = await founded(place, "Sales")
    (first,) = await hired(place, new_extension(1, None, sales, primary=sales))
    start = await read(place)

    await settle(
        place,
        [
            new_extension(1),
            UpdateExtensionWrite(first.key, {Field.FIRST_NAME: "Ada"}, enabled=True),
            UpdateExtensionWrite(first.key, add_departments=(sales,), primary=sales),
            UpdateExtensionWrite(first.key, external_key=person(1)),
            RemoveExtensionWrite(ExtensionKey("nowhere"), first.number),
        ],
    )
    changes = await read(place, start.cursor)

    assert (changes.extensions, changes.removed) == ({}, set())


@tells_changes
async def test_created_and_removed_in_between_is_removed_at_most(place: Place) -> None:
    """A cursor tells of the end of a story, not of its chapters."""
    start = await read(place)
    (first,) = await hired(place, new_extension(1))
    await settle(place, [RemoveExtensionWrite(first.key, first.number)])

    changes = await read(place, start.cursor)

    assert changes.extensions == {}
    assert changes.removed <= {first.key}


@tells_changes
async def test_cursor_of_an_empty_system_serves(place: Place) -> None:
    """The first read of a new installation finds nothing; the next one must not miss anything."""
    start = await read(place)
    await hired(place, new_extension(1))

    changes = await read(place, start.cursor)

    assert [extension.number for extension in changes.extensions.values()] == ["1001"]


@tells_changes
async def test_old_cursor_is_forgotten(place: Place) -> None:
    """Removals are not remembered for ever; then everything is read, and nobody looks gone."""
    first, second = await hired(place, new_extension(1), new_extension(2))
    old = await read(place)
    await settle(place, [RemoveExtensionWrite(first.key, first.number)])
    await place.forget_changes()

    with pytest.raises(PhoneSystemForgot):
        await read(place, old.cursor)

    fresh = await read(place)
    assert set(fresh.extensions) == {second.key}
    assert (await read(place, fresh.cursor)).extensions == {}


@tells_changes
@pytest.mark.parametrize("cursor", ["", "x", "-1", "1", "999999999999", "١", "1.2.3", "' OR 1=1"])
async def test_cursor_that_is_none_is_forgotten(place: Place, cursor: str) -> None:
    """A cursor of another phone system, or of a backup, must not pass for "nothing changed"."""
    await hired(place, new_extension(1))

    with pytest.raises(PhoneSystemForgot):
        await read(place, cursor)


async def test_extension_that_stands_is_in_every_full_read(place: Place) -> None:
    """Somebody else's removal between two pages must not make a person look gone: they would be
    given a second extension.
    """
    count = 1030  # more than a page may hold
    made = []
    for start in range(1, count + 1, 500):
        numbers = range(start, min(start + 500, count + 1))
        made += await hired(place, *(new_extension(n) for n in numbers))
    early, late = made[0], made[-1]

    seen_early: set[ExtensionKey] = set()
    seen: set[ExtensionKey] = set()
    pages, cursor = 0, None
    for attempt in range(100):
        seen, pages, cursor = set(), 0, None
        try:
            async for page in place.phones().read_extensions():
                if pages == 0:
                    seen_early = {extension.key for extension in page.extensions}
                    await settle(place, [RemoveExtensionWrite(early.key, early.number)])
                    change = {Field.FIRST_NAME: f"Attempt {attempt}"}
                    await settle(place, [UpdateExtensionWrite(late.key, change)])
                pages += 1
                seen |= {extension.key for extension in page.extensions}
                cursor = page.cursor
        except PhoneSystemUnreachable:
            continue
        break

    assert pages >= 2
    assert seen >= {extension.key for extension in made[1:]}
    assert len(seen_early) < count
    if cursor is not None:
        after = await read(place, cursor)
        assert late.key in after.extensions
        assert early.key in after.removed or early.key not in seen


@tells_changes
async def test_rename_of_a_department_changes_no_extension(place: Place) -> None:
    """Memberships are by key."""
    (sales,) = await founded(place, "Sales")
    await hired(place, new_extension(1, None, sales))
    start = await read(place)

    await settle(place, [RenameDepartmentWrite(sales, "Vertrieb", "Sales")])

    assert (await read(place, start.cursor)).extensions == {}


async def test_two_tenants_do_not_know_of_each_other(house: House) -> None:
    """A provider's customers have the same numbers, and may have the same ids."""
    one, other = await house.place(1), await house.place(2)
    for place in (one, other):
        (sales,) = await founded(place, "Sales")
        await hired(place, new_extension(1, "1001", sales, primary=sales), new_extension(2, "1002"))
    before = await read(other), await departments(other), await used_numbers(other)
    (first,) = [e for e in (await read(one)).extensions.values() if e.number == "1001"]
    (selling,) = [d for d in (await departments(one)).values() if d.name == "Sales"]

    outcomes = await settle(
        one,
        [
            UpdateExtensionWrite(first.key, {Field.FIRST_NAME: "Eve"}),
            RenameDepartmentWrite(selling.key, "Vertrieb", "Sales"),
            RemoveExtensionWrite(first.key, first.number),
            new_extension(3, "1001"),
        ],
    )

    assert all(isinstance(outcome, Done) for outcome in outcomes)
    after = await read(other), await departments(other), await used_numbers(other)
    assert after == before
    if before[0].cursor is not None:
        changes = await read(other, before[0].cursor)
        assert (changes.extensions, changes.removed) == ({}, set())


async def test_capabilities_hold_still(place: Place) -> None:
    """Plans are cut to them; a plan made by one process is applied by another."""
    before = place.phones().capabilities
    await hired(place, new_extension(1))

    after = place.phones().capabilities

    assert before == after
    assert before.ranges
    assert (await read(place)).cursor is None or before.changes
