"""The phone port's promises about avatars."""

import pytest

from contract.phone_system.places import (
    HAVE_AVATARS,
    HAVE_NO_AVATARS,
    Place,
    avatars,
    code,
    hired,
    new_extension,
    read,
    settle,
    settle_avatars,
)
from jackfield.core.extensions import ExtensionKey
from jackfield.core.photos import Avatar
from jackfield.pbx.port import AvatarWrite, Done, Outcome, RefusalCode, RemoveExtensionWrite

ADA = Avatar(b"a picture of Ada", "image/jpeg")
BEN = Avatar(b"a picture of Ben", "image/png")


def mark(outcome: Outcome) -> str:
    assert isinstance(outcome, Done), outcome
    return outcome.avatar


@pytest.mark.parametrize("house", HAVE_AVATARS, indirect=True)
async def test_an_avatar_stands_until_it_is_taken_away(place: Place) -> None:
    """Its mark tells whether it still is the one that was set; the extension stays as it is."""
    first, second = await hired(place, new_extension(1), new_extension(2))

    marks = [mark(one) for one in await settle_avatars(place, AvatarWrite(first.key, ADA))]
    stood = await avatars(place, first.key, second.key)
    others = await settle_avatars(place, AvatarWrite(first.key, BEN))
    changed = await avatars(place, first.key)
    await settle_avatars(place, AvatarWrite(first.key, None))

    assert marks != [""]
    assert stood == {first.key: marks[0]}
    assert changed == {first.key: mark(others[0])} != stood
    assert await avatars(place, first.key) == {}
    assert (await read(place)).extensions[first.key] == first


@pytest.mark.parametrize("house", HAVE_AVATARS, indirect=True)
async def test_a_repeated_avatar_bears_the_same_mark(place: Place) -> None:
    """A lost answer is repeated; nobody may take the second for somebody else's picture."""
    (extension,) = await hired(place, new_extension(1))
    write = AvatarWrite(extension.key, ADA, expected="")

    once = await settle_avatars(place, write)
    twice = await settle_avatars(place, write, write)

    assert {mark(one) for one in (*once, *twice)} == {mark(once[0])}


@pytest.mark.parametrize("house", HAVE_AVATARS, indirect=True)
async def test_another_avatar_than_expected_is_left_alone(place: Place) -> None:
    """What somebody set by hand is not Jackfield's to take away."""
    (extension,) = await hired(place, new_extension(1))
    ours = mark((await settle_avatars(place, AvatarWrite(extension.key, ADA)))[0])
    theirs = mark((await settle_avatars(place, AvatarWrite(extension.key, BEN)))[0])

    (removal,) = await settle_avatars(place, AvatarWrite(extension.key, None, expected=ours))
    (first,) = await settle_avatars(place, AvatarWrite(extension.key, ADA, expected=""))

    assert (code(removal), code(first)) == (RefusalCode.STALE, RefusalCode.STALE)
    assert await avatars(place, extension.key) == {extension.key: theirs}
    (gone,) = await settle_avatars(place, AvatarWrite(extension.key, None, expected=theirs))
    (again,) = await settle_avatars(place, AvatarWrite(extension.key, None, expected=ours))
    assert [mark(gone), mark(again)] == ["", ""]


@pytest.mark.parametrize("house", HAVE_AVATARS, indirect=True)
async def test_an_avatar_goes_with_its_extension(place: Place) -> None:
    """Whoever gets the number next must not wear somebody else's face."""
    (extension,) = await hired(place, new_extension(1))
    await settle_avatars(place, AvatarWrite(extension.key, ADA))
    await settle(place, [RemoveExtensionWrite(extension.key, extension.number)])
    (other,) = await hired(place, new_extension(2, extension.number))

    late, nobody = await settle_avatars(
        place, AvatarWrite(extension.key, ADA), AvatarWrite(ExtensionKey("nobody"), BEN)
    )

    assert await avatars(place, extension.key, other.key, ExtensionKey("nobody")) == {}
    assert (code(late), code(nobody)) == (RefusalCode.NOT_FOUND, RefusalCode.NOT_FOUND)


@pytest.mark.parametrize("house", HAVE_AVATARS, indirect=True)
async def test_one_refused_avatar_stops_no_other(place: Place) -> None:
    """Five hundred go in one call."""
    (extension,) = await hired(place, new_extension(1))

    outcomes = await settle_avatars(
        place,
        AvatarWrite(ExtensionKey("nobody"), ADA),
        AvatarWrite(extension.key, BEN, expected="another"),
        AvatarWrite(extension.key, ADA),
        AvatarWrite(extension.key, BEN),
    )

    assert [code(one) for one in outcomes[:3]] == [RefusalCode.NOT_FOUND, RefusalCode.STALE, None]
    assert set((await avatars(place, extension.key)).values()) <= {
        mark(one) for one in outcomes[2:]
    }


@pytest.mark.parametrize("house", HAVE_NO_AVATARS, indirect=True)
async def test_a_phone_system_without_avatars_refuses_them(place: Place) -> None:
    """It says so beforehand, and never pretends."""
    (extension,) = await hired(place, new_extension(1))

    (outcome,) = await settle_avatars(place, AvatarWrite(extension.key, ADA))

    assert not place.phones().capabilities.photos
    assert code(outcome) is not None
    assert await avatars(place, extension.key) == {}


async def test_more_than_five_hundred_avatars_are_too_many(place: Place) -> None:
    """Pages of writes stay bounded, whoever sends them."""
    writes = [AvatarWrite(ExtensionKey(f"nobody {n}"), None) for n in range(501)]

    with pytest.raises(ValueError, match="501"):
        await place.phones().write_avatars(writes)
