"""Leavers over weeks: what the phone system has while the days pass, and what comes back."""

from doubles.house import House
from jackfield.core.people import LeaverPolicy
from jackfield.core.rules import PeopleRules, RemoveAfter
from m365_emulator.server import Emulator

DAY_S = 24 * 3600.0
LATER = PeopleRules(
    on_deleted=LeaverPolicy.REMOVE,
    on_disabled=LeaverPolicy.REMOVE,
    remove_after=RemoveAfter(deleted=30, disabled=10),
)


async def office(house: House, *names: str) -> tuple[Emulator, dict[str, str]]:
    """A connected organisation of the named people, synced once."""
    stage = house.raise_stage(people=0)
    ids = {name: str(stage.tenant.hire(name).id) for name in names}
    await house.connect(stage)
    await house.choose(LATER)
    await house.sync(full=True)
    return stage, ids


async def phones(house: House) -> dict[str, bool]:
    """The numbers there are, and whether they are enabled."""
    return {one.number: one.enabled for one in await house.extensions()}


async def test_u_04_a_leaver_is_disabled_at_once_and_removed_when_the_days_are_over(
    house: House,
) -> None:
    """From the deletion on, by the full syncs of the nights."""
    stage, ids = await office(house, "Ada One", "Ben Two")
    stage.tenant.delete(ids["Ben Two"])
    await house.sync()
    at_once = await phones(house)

    house.clock.advance(29 * DAY_S)
    await house.sync(full=True)
    a_day_before = await phones(house)
    house.clock.advance(DAY_S)
    await house.sync(full=True)

    assert at_once == a_day_before == {"100": True, "101": False}
    assert await phones(house) == {"100": True}


async def test_u_05_whoever_is_deleted_after_being_disabled_has_the_days_of_the_deleted(
    house: House,
) -> None:
    """Each cause counts from when it was noted."""
    stage, ids = await office(house, "Ada One", "Ben Two")
    stage.tenant.disable(ids["Ben Two"])
    await house.sync()
    house.clock.advance(9 * DAY_S)
    stage.tenant.delete(ids["Ben Two"])
    await house.sync()

    house.clock.advance(29 * DAY_S)
    await house.sync(full=True)

    assert await phones(house) == {"100": True, "101": False}
