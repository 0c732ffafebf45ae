"""The archive of photos: whose are to be looked at, what is kept, and what is forgotten."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from core.sketches import person
from jackfield.core.extensions import ExtensionFields, ExtensionKey, ExtensionNumber, Link
from jackfield.core.people import LeaverCause, ObjectId, Standing
from jackfield.core.photos import Avatar, Kept, PhotoState
from jackfield.store.avatars import load_avatars, remove_avatars, save_avatars
from jackfield.store.database import Database
from jackfield.store.images import forget_images, load_image, save_images
from jackfield.store.links import remove_links, save_links
from jackfield.store.people_rounds import save_people
from jackfield.store.photos import (
    Photo,
    count_photos,
    count_unlooked,
    forget_photos,
    list_photos,
    list_unlooked,
    load_photos,
    mark_looked_at,
    save_photos,
)
from jackfield.store.transaction import Transaction

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
ADA = Avatar(b"a picture of Ada", "image/jpeg")


def id_of(n: int) -> ObjectId:
    return ObjectId(f"00000000-0000-4000-8000-{n:012d}")


def photo(n: int, state: PhotoState = PhotoState.SHOWN, digest: str = "") -> Photo:
    return Photo(id_of(n), ExtensionKey(f"key {n}"), Kept(state, "etag", digest, digest, "mark"))


async def settle(tx: Transaction, tenant: int, *numbers: int, left: bool = False) -> None:
    """People with an extension each."""
    people = [person(id_of(n)) for n in numbers]
    hashes = {one.id: 1 for one in people}
    await save_people(tx, tenant, people, hashes, 1, now=NOON)
    cause = LeaverCause.DISABLED if left else None
    await save_links(
        tx,
        tenant,
        [
            Link(
                id_of(n),
                ExtensionKey(f"key {n}"),
                ExtensionNumber(str(100 + n)),
                ExtensionFields(),
                left=cause,
                left_at=NOON if left else None,
            )
            for n in numbers
        ],
        now=NOON,
    )


async def unlooked(tx: Transaction, tenant: int, since: datetime | None = None) -> list[ObjectId]:
    found = await list_unlooked(tx, tenant, since=since, limit=50)
    assert len(found) == await count_unlooked(tx, tenant, since=since)
    return [one.person for one in found]


async def test_whoever_was_never_asked_for_is_to_be_looked_at(database: Database) -> None:
    """Leavers keep what they have; people without an extension and deleted ones show nothing."""
    async with database.write() as tx:
        await settle(tx, 1, 1, 2)
        await settle(tx, 1, 3, left=True)
        await settle(tx, 2, 7)
        gone = replace(person(id_of(4)), standing=Standing.RECYCLED)
        off = replace(person(id_of(5)), enabled=False)
        await settle(tx, 1, 4, 5)
        await save_people(
            tx,
            1,
            [gone, off, person(id_of(6))],
            dict.fromkeys(map(id_of, (4, 5, 6)), 2),
            1,
            now=NOON,
        )

    async with database.read() as tx:
        assert await unlooked(tx, 1) == [id_of(1), id_of(2)]
        behind = await list_unlooked(tx, 1, since=None, after=id_of(1), limit=5)
        assert [(one.person, one.key) for one in behind] == [(id_of(2), ExtensionKey("key 2"))]


async def test_a_nightly_look_is_at_everybody_not_asked_for_since(database: Database) -> None:
    """A run that died goes on with those it had not reached."""
    later = NOON + timedelta(hours=1)
    async with database.write() as tx:
        await settle(tx, 1, 1, 2, 3)
        await save_photos(tx, 1, [photo(1), photo(2), photo(3)], now=NOON)
        await mark_looked_at(tx, 1, [id_of(2)], now=later)

    async with database.read() as tx:
        assert await unlooked(tx, 1) == []
        assert await unlooked(tx, 1, since=later) == [id_of(1), id_of(3)]


async def test_another_extension_is_a_reason_to_look(database: Database) -> None:
    """It was removed and made again: the new one shows nobody's face yet."""
    async with database.write() as tx:
        await settle(tx, 1, 1, 2)
        moved = replace(photo(1), key=ExtensionKey("an earlier one"))
        await save_photos(tx, 1, [moved, photo(2)], now=NOON)

    async with database.read() as tx:
        assert await unlooked(tx, 1) == [id_of(1)]


async def test_photos_are_listed_and_counted_by_state(database: Database) -> None:
    """Whose photo cannot be shown is what an administrator asks."""
    noted = replace(
        photo(2, PhotoState.UNUSABLE), because="It is no picture.", next_step="Mend it."
    )
    async with database.write() as tx:
        await save_photos(
            tx,
            1,
            [photo(1), noted, photo(3, PhotoState.UNREAD), photo(4, PhotoState.NONE)],
            now=NOON,
        )

    async with database.read() as tx:
        counts = await count_photos(tx, 1)
        states = [PhotoState.UNUSABLE, PhotoState.UNREAD]
        first = await list_photos(tx, 1, states, limit=1)
        second = await list_photos(tx, 1, states, limit=1, after=first.next)
        known = await load_photos(tx, 1, [id_of(2), id_of(9)])

    assert set(counts.values()) == {1}
    assert first.photos == (replace(noted, checked_at=NOON),)
    assert [one.person for one in second.photos] == [id_of(3)]
    assert second.next is None
    assert known == {id_of(2): first.photos[0]}


async def test_a_picture_is_kept_once_and_as_long_as_anybody_shows_it(database: Database) -> None:
    """Forty thousand pictures of people who have left would be a leak of another kind."""
    async with database.write() as tx:
        await settle(tx, 1, 1)
        await save_images(tx, 1, [ADA, ADA, Avatar(b"nobody's", "image/png")])
        await save_photos(tx, 1, [photo(1, digest=ADA.digest)], now=NOON)
        await save_avatars(tx, 1, {ExtensionKey("key 1"): ADA.digest})
        assert await forget_images(tx, 1) == 1

    async with database.write() as tx:
        await remove_links(tx, 1, [id_of(1)])
        assert await forget_photos(tx, 1) == 1
        assert await forget_images(tx, 1) == 0
        assert await load_image(tx, 1, ADA.digest) == ADA
        assert await load_image(tx, 2, ADA.digest) is None

    async with database.write() as tx:
        await remove_avatars(tx, 1, [ExtensionKey("key 1")])
        assert await forget_images(tx, 1) == 1
        assert await load_avatars(tx, 1, [ExtensionKey("key 1")]) == {}
        assert await load_image(tx, 1, ADA.digest) is None
