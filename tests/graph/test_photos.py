"""Photos over Graph: ETags by the twenty, pictures one by one, and never one that is too large."""

import random
from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from doubles.asgi_transport import AsgiTransport
from doubles.scripted_graph import ScriptedGraph, answer, batch_body, refused
from doubles.virtual_clock import VirtualClock
from jackfield.core.people import ObjectId
from jackfield.core.reach import Reach
from jackfield.core.waiting import MICROSOFT
from jackfield.graph.auth import TokenSource
from jackfield.graph.client import GraphClient
from jackfield.graph.cloud import own_cloud
from jackfield.graph.credentials import SecretCredential
from jackfield.graph.errors import (
    MalformedAnswer,
    NotFound,
    PermissionMissing,
    Rejected,
    Throttled,
    TooLarge,
)
from jackfield.graph.meter import Meter
from jackfield.graph.pace import Pace
from jackfield.graph.photos import (
    MOST_PICTURE_BYTES,
    PhotoHead,
    fetch_photo_heads,
    fetch_picture,
    is_denied,
)
from m365_emulator.clock import Clock
from m365_emulator.faults import Order
from m365_emulator.portraits import Kind
from m365_emulator.server import Emulator

CLOUD = own_cloud("http://localhost:8365", "http://localhost:8365")


class Room:
    """An emulated tenant of thirty people, and a client of it on the same virtual time."""

    def __init__(self, clock: VirtualClock, roles: list[str]) -> None:
        self.clock = clock
        self.stage = Emulator(people=30, seed=5, clock=Clock(clock.now), sleep=clock.sleep)
        self.photos = self.stage.tenant.photos
        app = self.stage.register(secret="the-secret", roles=roles)
        transport = AsgiTransport(self.stage)
        secret = SecretCredential(app.app_id, "the-secret")
        self.client = GraphClient(
            "1",
            CLOUD,
            TokenSource(CLOUD, self.stage.tenant.id, secret, transport, clock),
            transport,
            pace=Pace(clock, random.Random(3)),
            meter=Meter(),
            reach=Reach(MICROSOFT),
            clock=clock,
        )

    def hire(self, name: str, photo: bytes | Kind | None, **properties: Any) -> ObjectId:
        user = self.stage.tenant.hire(name, **properties)
        self.photos.remove(user.id)
        if isinstance(photo, Kind):
            self.photos.make_up(user.id, photo)
        elif photo is not None:
            self.photos.set(user.id, photo)
        return ObjectId(user.id)

    def paths(self) -> list[str]:
        lines = self.stage.journal.last(100)
        return [line.path.rpartition("/users/")[2] for line in lines if "/users/" in line.path]


@pytest.fixture
def room(clock: VirtualClock) -> Room:
    return Room(clock, ["ProfilePhoto.Read.All"])


async def test_each_of_many_is_told_by_itself(room: Room) -> None:
    """Three batches; who has no photo, no mailbox or no account stops nobody."""
    having = room.hire("Ada Byron", Kind.PORTRAIT)
    bare = room.hire("Bob Bare", None)
    cold = room.hire("Cy Cold", None, mail=None)
    nobody = ObjectId("00000000-0000-4000-8000-000000000000")
    ids = [having, bare, cold, nobody]
    ids += [ObjectId(each.id) for each in room.stage.tenant.people() if each.id not in ids]

    heads = await fetch_photo_heads(room.client, ids)

    kept = room.photos.of(having)
    assert kept is not None
    assert heads[having] == PhotoHead(kept.etag, 504, 504)
    assert heads[bare] is None
    assert isinstance(heads[cold], NotFound)
    assert isinstance(heads[nobody], NotFound)
    assert len(heads) == 34
    assert sum(isinstance(each, PhotoHead) for each in heads.values()) > 8


async def test_a_pixel_is_no_photo(room: Room) -> None:
    """Microsoft documents two ways to say that there is none; this is the other."""
    bare = room.hire("Bob Bare", None)
    tenant = room.stage.tenant
    tenant.quirks = replace(tenant.quirks, missing_photo_as_pixel=True)

    assert await fetch_photo_heads(room.client, [bare]) == {bare: None}


async def test_a_size_near_the_avatars_is_read_where_there_is_one(room: Room) -> None:
    """A tenth of the bytes of the largest; who has no such size is read whole."""
    large = room.hire("Ada Byron", Kind.PORTRAIT)
    small = room.hire("Bob Small", b"GIF89a tiny")

    heads = await fetch_photo_heads(room.client, [large, small])
    await fetch_picture(room.client, large, _seen(heads[large]))
    raw = await fetch_picture(room.client, small, _seen(heads[small]))
    lost = await fetch_picture(room.client, small, PhotoHead("x", 504, 504))

    assert raw == lost == b"GIF89a tiny"
    assert room.paths()[2:] == [
        f"{large}/photos/360x360/$value",
        f"{small}/photo/$value",
        f"{small}/photos/360x360/$value",
        f"{small}/photo/$value",
    ]


async def test_a_picture_that_is_too_large_is_not_read(room: Room) -> None:
    """20 MB of somebody's holiday must not stand in memory; nor is it asked for again."""
    heavy = room.hire("Hal Heavy", Kind.HUGE)

    with pytest.raises(TooLarge, match=r"more than 4,194,304 bytes"):
        await fetch_picture(room.client, heavy, PhotoHead("x"))

    assert room.paths() == [f"{heavy}/photo/$value"]
    assert MOST_PICTURE_BYTES == 4 * 1024 * 1024


async def test_a_photo_that_went_meanwhile_is_not_found(room: Room) -> None:
    """Between the ETag and the picture somebody may remove it."""
    bare = room.hire("Bob Bare", None)

    with pytest.raises(NotFound):
        await fetch_picture(room.client, bare, PhotoHead("x"))


async def test_a_missing_permission_is_told_as_denied(clock: VirtualClock) -> None:
    """Exchange refuses part by part, in the words it also has for one mailbox's policy."""
    room = Room(clock, ["GroupMember.Read.All"])
    person = room.hire("Ada Byron", Kind.PORTRAIT)

    heads = await fetch_photo_heads(room.client, [person])
    with pytest.raises(Rejected) as whole:
        await fetch_picture(room.client, person, PhotoHead("x"))

    told = heads[person]
    assert isinstance(told, Rejected)
    assert is_denied(told)
    assert is_denied(whole.value)
    lacks = PermissionMissing("", "", permission="ProfilePhoto.Read.All")
    assert is_denied(lacks)
    assert not is_denied(NotFound("", ""))


async def test_a_throttled_picture_waits_as_long_as_it_is_told(room: Room) -> None:
    """Retry-After is obeyed by whoever uses the workload, and the picture comes."""
    person = room.hire("Ada Byron", b"picture")
    room.stage.faults.switch_on(
        Order(kind="throttled", path="/v1.0/users/*/photo/*", count=1, retry_after_s=17)
    )
    began = room.clock.monotonic()

    assert await fetch_picture(room.client, person, PhotoHead("x")) == b"picture"
    assert room.clock.monotonic() - began >= 17


async def test_only_the_throttled_part_of_a_batch_is_asked_again(
    client: Callable[..., GraphClient], clock: VirtualClock
) -> None:
    """Nineteen good answers are not thrown away for one."""
    head = {"id": "96x96", "width": 96, "height": 96, "@odata.mediaEtag": '"A1"'}
    good = {"id": "0", "status": 200, "body": head}
    wait = {"id": "1", "status": 429, "headers": {"Retry-After": "5"}, "body": {}}
    graph = ScriptedGraph(
        answer({"responses": [good, wait]}), answer({"responses": [{**good, "id": "1"}]})
    )
    began = clock.monotonic()

    heads = await fetch_photo_heads(client(graph), [ObjectId("a"), ObjectId("b")])

    assert heads == dict.fromkeys((ObjectId("a"), ObjectId("b")), PhotoHead('"A1"', 96, 96))
    assert [part["url"] for part in batch_body(graph.sent[1])] == ["/users/b/photo"]
    assert clock.monotonic() - began >= 5


async def test_an_answer_without_an_etag_is_refused_for_that_person_alone(
    client: Callable[..., GraphClient],
) -> None:
    """Without one nobody could tell whether the photo has changed."""
    good = {"id": "0", "status": 200, "body": {"@odata.mediaEtag": '"A1"'}}
    graph = ScriptedGraph(answer({"responses": [good, {**good, "id": "1", "body": {}}]}))

    heads = await fetch_photo_heads(client(graph), [ObjectId("a"), ObjectId("b")])

    assert heads[ObjectId("a")] == PhotoHead('"A1"')
    assert isinstance(heads[ObjectId("b")], MalformedAnswer)


async def test_a_whole_batch_that_is_throttled_for_long_is_everybodys_business(
    client: Callable[..., GraphClient],
) -> None:
    """The caller comes back later, and asks nobody else meanwhile."""
    graph = ScriptedGraph(refused(429, "TooManyRequests", retry_after="600"))

    with pytest.raises(Throttled) as told:
        await fetch_photo_heads(client(graph), [ObjectId("a")])

    assert told.value.retry_after_s >= 600


def _seen(head: object) -> PhotoHead:
    assert isinstance(head, PhotoHead)
    return head
