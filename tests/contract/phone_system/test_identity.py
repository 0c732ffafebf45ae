"""A phone system says which one it is, so that its keys are never taken for another one's."""

from contract.phone_system.places import House, Place, identity


async def test_it_is_the_same_one_after_a_restart(place: Place) -> None:
    """Else every restart of an adapter would hold up the sync."""
    first = await identity(place)

    again = await identity(place)

    assert first
    assert again == first


async def test_another_one_is_another_one(house: House) -> None:
    """Two installations give out the same keys."""
    one, other = await house.place(1), await house.place(2)

    assert await identity(one) != await identity(other)
