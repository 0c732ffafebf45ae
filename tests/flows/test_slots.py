"""Who holds a slot knows how many do."""

from doubles.house import House
from jackfield.flows.slots import Slot


def slot_of(house: House, told: list[int]) -> Slot:
    roles = ("web",)
    return Slot(house.database, house.clock, roles=roles, works=False, share=told.append)


async def test_everybody_is_told_of_who_comes_and_who_goes(house: House) -> None:
    """What is limited for all of them together is shared among those alive."""
    first_told: list[int] = []
    second_told: list[int] = []
    first, second = slot_of(house, first_told), slot_of(house, second_told)

    await first.take()
    await second.take()
    await first.keep()
    await second.leave()
    await first.keep()

    assert first_told == [1, 2, 1]
    assert second_told == [2]
