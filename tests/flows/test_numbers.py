"""Numbers over time: what is told of them, what is let go, and the alarm when few are left."""

from dataclasses import replace

import pytest

from doubles.house import House
from jackfield.core.number_forecast import Supply
from jackfield.core.number_pools import DepartmentRange, NumberRules, Reservation
from jackfield.core.number_reasons import NumberState
from jackfield.core.numbering import NumberingError, parse_range
from jackfield.core.people import GroupId, LeaverPolicy
from jackfield.core.rules import PeopleRules, RemoveAfter
from jackfield.flows.numbers import SHORTAGE, NotHeld, Numbers
from m365_emulator.server import Emulator

DAY_S = 24 * 3600.0


def rules(numbers: str, **more: object) -> PeopleRules:
    """Newcomers get these numbers; who is deleted loses theirs at once."""
    return PeopleRules(
        numbers=NumberRules(ranges=(parse_range(numbers),), **more),  # type: ignore[arg-type]
        on_deleted=LeaverPolicy.REMOVE,
        remove_after=RemoveAfter(deleted=0),
    )


async def office(house: House, chosen: PeopleRules, *names: str) -> tuple[Emulator, Numbers]:
    """A connected organisation of the named people, synced once."""
    stage = house.raise_stage(people=0)
    for name in names:
        stage.tenant.hire(name)
    await house.connect(stage)
    await house.choose(chosen)
    await house.sync(full=True)
    return stage, Numbers(house.database, house.planning.limits, house.clock)


async def leave(house: House, stage: Emulator, name: str) -> None:
    links = {one.number: one.person for one in (await house.links()).values()}
    stage.tenant.delete(links[(await house.numbers())[name]])
    await house.sync(full=True)


async def shortages(house: House) -> dict[str, str]:
    """Alarms about numbers, by group."""
    return {one.subject: one.text for one in await house.alarms() if one.kind == SHORTAGE}


async def test_a_number_that_is_let_go_is_had_by_who_waits_for_one(house: House) -> None:
    """At the next look for changes, without a full sync."""
    stage, numbers = await office(house, rules("200-201"), "Ada One", "Zoe Stays")
    await leave(house, stage, "Ada One")
    stage.tenant.hire("Ben Two")
    await house.sync()
    before = await house.numbers()

    await numbers.release(1, "200", by="owner")
    await house.sync()

    assert before == {"Zoe Stays": "201"}
    assert await house.numbers() == {"Ben Two": "200", "Zoe Stays": "201"}
    line = next(one for one in await house.lines() if one.kind == "number.released")
    assert line.by == "owner"
    assert line.text.startswith("Number 200 is free at once; it would have been held for Ada One")


async def test_what_is_not_held_cannot_be_let_go(house: House) -> None:
    """Two administrators press the same button, or the number is back in use."""
    stage, numbers = await office(house, rules("200-209"), "Ada One", "Ben Two")
    await leave(house, stage, "Ben Two")
    await numbers.release(1, "201", by="owner")

    for number in ("201", "200", "999999"):
        with pytest.raises(NotHeld, match=f"The number {number} is not held"):
            await numbers.release(1, number, by="vera")
    with pytest.raises(NumberingError):
        await numbers.release(1, "2o1", by="vera")


async def test_a_number_is_explained_from_what_stands_now(house: House) -> None:
    """Used, then held, then free."""
    stage, numbers = await office(house, rules("200-209"), "Ada One", "Zoe Stays")
    used = await numbers.why(1, " 200 ")
    await leave(house, stage, "Ada One")
    held = await numbers.why(1, "200")
    page = await numbers.held(1, "ada")
    house.clock.advance(31 * DAY_S)
    free = await numbers.why(1, "200")

    assert used.reasons.state is NumberState.USED
    assert used.facts.link is not None
    assert used.reasons.sentences[0].startswith("It is the extension of Ada One")
    assert held.reasons.state is NumberState.HELD
    (one,) = page.numbers
    assert (one.released.number, one.until) == ("200", held.held_until)
    assert one.person is not None
    assert one.person.display_name == "Ada One"
    assert free.reasons.state is NumberState.FREE
    assert (await numbers.held(1)).numbers == ()


async def test_u_08_pools_tell_their_figures(house: House) -> None:
    """Everybody's and a department's, in one look."""
    chosen = rules("200-209", reserved=(Reservation(parse_range("208-209")),))
    stage, numbers = await office(house, chosen, "Ada One", "Ben Two", "Cyd Three")
    await leave(house, stage, "Ada One")
    group = GroupId(str(stage.tenant.create_group("Sales").id))
    await house.sync(full=True)
    department = DepartmentRange(group, (parse_range("300-309"),))
    await house.choose(replace(chosen, numbers=replace(chosen.numbers, departments=(department,))))

    everybody, sales = await numbers.pools(1)

    figures = (everybody.size, everybody.used, everybody.reserved, everybody.held, everybody.free)
    assert figures == (10, 2, 2, 1, 5)
    assert everybody.per_day is None
    assert (sales.group, sales.name, sales.numbers, sales.free) == (group, "Sales", "300–309", 10)


async def test_the_pace_is_that_of_those_who_came_after_the_first_day(house: House) -> None:
    """Thirty people on the first day say nothing; two in ten days do."""
    stage, numbers = await office(house, rules("200-239"), *(f"Ada {n:02d}" for n in range(30)))
    house.clock.advance(6 * DAY_S)
    stage.tenant.hire("Ben Two")
    await house.sync()
    house.clock.advance(5 * DAY_S)
    stage.tenant.hire("Cyd Three")
    await house.sync()

    (pool,) = await numbers.pools(1)

    assert (pool.used, pool.free) == (32, 8)
    assert pool.per_day == pytest.approx(2 / 10, rel=0.01)
    assert pool.supply is Supply.ENOUGH


async def test_an_alarm_stands_while_a_pool_has_run_out(house: House) -> None:
    """Said once when it begins and once when it ends, by the full syncs of the nights."""
    await office(house, rules("200-201"), "Ada One", "Ben Two")
    begun = await shortages(house)
    await house.sync(full=True)
    again = await house.alarms()
    await house.choose(rules("200-259"))
    await house.sync(full=True)

    assert begun == {"": "The pool of everybody has run out (200–201): newcomers get no extension."}
    assert [one.kind for one in again].count(SHORTAGE) == 1
    assert await shortages(house) == {}


async def test_a_preview_raises_no_alarm(house: House) -> None:
    """It only asks what would be."""
    stage = house.raise_stage(people=0)
    stage.tenant.hire("Ada One")
    await house.connect(stage)
    await house.choose(rules("200-200"))

    await house.sync(preview=True)

    assert await shortages(house) == {}
