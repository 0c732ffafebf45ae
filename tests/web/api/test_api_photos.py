"""People's photos over the API: U-12 as somebody outside sees it, and what comes of bad ones."""

import io
from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image

from doubles.api_caller import ApiCaller
from doubles.house import House
from jackfield.core.photos import Avatar
from jackfield.flows.avatars import make_avatar
from m365_emulator.faults import Kind as Fault
from m365_emulator.faults import Order
from m365_emulator.portraits import Kind, draw
from m365_emulator.resources import ObjectId
from m365_emulator.tenant import Tenant


def hire(tenant: Tenant, name: str, kind: Kind | None = Kind.PORTRAIT) -> ObjectId:
    """Somebody new, with a photo of that kind."""
    user = tenant.hire(name)
    if kind is None:
        tenant.photos.remove(user.id)
    else:
        tenant.photos.make_up(user.id, kind)
    return user.id


async def look(api: ApiCaller) -> Any:
    """A look at everybody's photo, to its end."""
    api.house.clock.advance(1)
    return await api.ended((await api.post("/photos/sync"))["id"])


async def avatar(api: ApiCaller, person: str) -> bytes | None:
    answer = await api.ask("GET", f"/people/{person}/photo")
    assert answer.status in {200, 404}
    return answer.content if answer.status == 200 else None


def wanted(tenant: Tenant, person: ObjectId) -> bytes:
    """The avatar that the photo in Microsoft 365 leads to."""
    return make_avatar(tenant.photos.content(person, 360)).content


async def marks(house: House) -> list[str]:
    """The avatars that stand in the phone system."""
    extensions = await house.extensions()
    return list((await house.phone(1).read_avatars([one.key for one in extensions])).values())


def mark(content: bytes | None) -> list[str]:
    return [] if content is None else [Avatar(content, "image/jpeg").digest]


@pytest.mark.parametrize(
    "on", [pytest.param(True, id="U-12 photos on"), pytest.param(False, id="U-12 photos off")]
)
async def test_the_avatar_follows_the_photo(api: ApiCaller, tenant: Tenant, on: bool) -> None:
    """Set, changed, taken away in Microsoft 365: it follows while photos are on, else it stays."""
    ada = hire(tenant, "Ada Lovelace")
    await api.sync(full=True)
    first = await look(api)
    begun = wanted(tenant, ada)
    assert (first["kind"], first["by"], first["counts"]["set"]) == ("photos", "token test", 1)
    assert await avatar(api, ada) == begun
    await api.choose(photos=on)

    async def followed() -> bytes | None:
        """The avatar after another look, which the phone system has too."""
        if on:
            await look(api)
        else:
            refused = await api.ask("POST", "/photos/sync")
            assert refused.status == 409
            assert refused.detail.startswith("Photos are switched off. Switch them on first")
        content = await avatar(api, ada)
        assert await marks(api.house) == mark(content)
        return content

    tenant.photos.make_up(ada, Kind.PORTRAIT)
    changed = await followed()
    tenant.photos.remove(ada)
    gone = await followed()

    assert (begun != changed) is on
    assert gone == (None if on else begun)
    assert (await api.get(f"/people/{ada}"))["photo"]["status"] == ("none" if on else "shown")


async def test_an_avatar_is_private_and_sent_once(api: ApiCaller, tenant: Tenant) -> None:
    """Whoever has it is told that it still holds; no proxy keeps a face."""
    ada = hire(tenant, "Ada Lovelace")
    await api.sync(full=True)
    await look(api)
    path = f"/people/{ada}/photo"
    first = await (await api.with_token("viewer")).ask("GET", path)
    etag = first.headers["etag"]

    async def again(given: str) -> tuple[int, bytes]:
        headers = {"authorization": f"Bearer {api.token}", "if-none-match": given}
        answer = await api.send("GET", f"/api/v1{path}", headers=headers)
        return answer.status, answer.content

    assert first.content.startswith(b"\xff\xd8\xff")
    assert Image.open(io.BytesIO(first.content)).size == (256, 256)
    assert first.headers["content-type"] == "image/jpeg"
    assert first.headers["x-content-type-options"] == "nosniff"
    assert first.headers["cache-control"] == "private, no-cache"
    assert "content-encoding" not in first.headers
    for given in (etag, f'"another", W/{etag}', "*"):
        assert await again(given) == (304, b"")
    assert await again('"another"') == (200, first.content)
    unsigned = await api.send("GET", f"/api/v1{path}")
    assert unsigned.status == 401


async def test_who_has_no_avatar_is_told_why(api: ApiCaller, tenant: Tenant) -> None:
    """Not synced yet, no photo, a photo that is no use: three next steps."""
    ada, ben = hire(tenant, "Ada Lovelace", None), hire(tenant, "Ben Byron", Kind.NOT_A_PICTURE)

    async def why(person: str) -> str:
        answer = await api.ask("GET", f"/people/{person}/photo")
        assert answer.status == 404
        return answer.detail

    assert (await why("nobody")).startswith("There is no person 'nobody'")
    await api.sync(full=True)
    assert "The photo of Ada Lovelace has not been looked at" in await why(ada)
    await look(api)
    assert await why(ada) == "Ada Lovelace has no photo in Microsoft 365."
    assert (await why(ben)).startswith(
        "There is no avatar of Ben Byron. The photo in Microsoft 365 is no picture"
    )


def noise(width: int, height: int, kind: str, **more: object) -> bytes:
    out = io.BytesIO()
    Image.effect_noise((width, height), 90).convert("RGB").save(out, kind, **more)
    return out.getvalue()


def bomb() -> bytes:
    """48 million pixels in a file of some 6 kB; no square, so that Graph has no smaller size."""
    out = io.BytesIO()
    Image.new("1", (8_000, 6_000)).save(out, "PNG")
    return out.getvalue()


def moving() -> bytes:
    """Three red pictures and a blue one, as a GIF that moves."""
    red, blue = Image.new("RGB", (300, 300), "red"), Image.new("RGB", (300, 300), "blue")
    out = io.BytesIO()
    red.save(out, "GIF", save_all=True, append_images=[blue, red, red])
    return out.getvalue()


BAD = [
    pytest.param(lambda: b"Name;Number\nAda;100\n", "is no picture", id="text_file"),
    pytest.param(lambda: draw("ada", 360)[:3000], "is damaged", id="truncated_jpeg"),
    pytest.param(bomb, "more than 16 million pixels", id="decompression_bomb"),
    pytest.param(
        lambda: noise(300, 200, "JPEG") + bytes(20 * 1024 * 1024), "larger than 4 MB", id="20_mb"
    ),
    pytest.param(lambda: b"", "an empty file", id="nothing"),
]


@pytest.mark.parametrize(("photo", "because"), BAD)
async def test_a_bad_photo_is_noted_on_its_person_and_stops_nobody(
    api: ApiCaller, tenant: Tenant, photo: Callable[[], bytes], because: str
) -> None:
    """The note says what is wrong and what to do; everybody else has their avatar."""
    ada, ben = hire(tenant, "Ada Lovelace"), hire(tenant, "Ben Byron")
    tenant.photos.set(ada, photo())
    await api.sync(full=True)

    run = await look(api)

    assert run["status"] == "done"
    assert run["text"] == (
        "Looked at the photo of 2 people: 1 set as avatar, 1 cannot be an avatar."
    )
    told = (await api.get(f"/people/{ada}"))["photo"]
    assert (told["status"], told["avatar"]) == ("unusable", False)
    assert because in told["because"]
    assert "in Microsoft 365" in told["next_step"]
    assert await avatar(api, ben) == wanted(tenant, ben)
    listed = await api.get("/photos", status="unusable")
    assert [(one["person"], one["display_name"]) for one in listed["photos"]] == [
        (ada, "Ada Lovelace")
    ]
    (line,) = (await api.get("/journal", subject=ada, kind="photo.unusable"))["lines"]
    assert because in line["text"]


async def test_of_a_picture_that_moves_the_first_is_taken(api: ApiCaller, tenant: Tenant) -> None:
    """An avatar stands still."""
    ada = hire(tenant, "Ada Lovelace", None)
    tenant.photos.set(ada, moving())
    await api.sync(full=True)
    await look(api)

    content = await avatar(api, ada)

    assert content is not None
    found = Image.open(io.BytesIO(content))
    assert getattr(found, "n_frames", 1) == 1
    red, green, blue = found.getpixel((128, 128))  # type: ignore[misc]
    assert red > 200
    assert max(green, blue) < 60


@pytest.mark.parametrize(
    ("order", "because"),
    [
        pytest.param(
            Order(kind=Fault.DENIED),
            "Jackfield may not read the photo.",
            id="403",
        ),
        pytest.param(
            Order(kind=Fault.THROTTLED, retry_after_s=7),
            "The photo could not be read. Microsoft 365 throttles Jackfield (429)",
            id="429",
        ),
    ],
)
async def test_a_photo_that_cannot_be_read_is_noted_on_its_person(
    api: ApiCaller, tenant: Tenant, order: Order, because: str
) -> None:
    """Refused or throttled for ever for one person: the run ends, and all others are served."""
    ada, ben = hire(tenant, "Ada Lovelace"), hire(tenant, "Ben Byron")
    await api.sync(full=True)
    stage = next(iter(api.house.stages.values()))
    for path in (f"/v1.0/users/{ada}/photo/*", f"/v1.0/users/{ada}/photos/*"):
        stage.faults.switch_on(Order(**{**_given(order), "path": path}))

    run = await look(api)

    assert run["status"] == "done"
    assert run["counts"]["unread"] == 1
    told = (await api.get(f"/people/{ada}"))["photo"]
    assert told["status"] == "unread"
    assert told["because"].startswith(because)
    assert told["next_step"]
    assert await avatar(api, ben) == wanted(tenant, ben)


def _given(order: Order) -> dict[str, Any]:
    return {name: getattr(order, name) for name in order.__struct_fields__}


async def test_the_status_counts_photos(api: ApiCaller, tenant: Tenant) -> None:
    """A monitor sees how many have a face, and when that was last looked at."""
    for name, kind in (
        ("Ada One", Kind.PORTRAIT),
        ("Ben Two", Kind.TURNED),
        ("Cy Three", None),
        ("Dee Four", Kind.HUGE),
    ):
        hire(tenant, name, kind)
    before = (await api.get("/status"))["photos"]
    await api.sync(full=True)

    run = await look(api)

    figures = {"on": True, "shown": 0, "none": 0, "unusable": 0, "unread": 0, "last_run": None}
    assert before == figures
    status = await api.get("/status")
    assert status["photos"] == {**figures, "shown": 2, "none": 1, "unusable": 1, "last_run": run}
    assert status["last_run"]["kind"] == "people"
    page = await api.get("/photos", limit=3)
    rest = await api.get("/photos", limit=3, after=page["next"])
    assert len(page["photos"] + rest["photos"]) == 4
    assert rest["next"] is None


async def test_a_run_that_waits_for_its_turn_is_one_about_photos(
    api: ApiCaller, tenant: Tenant
) -> None:
    """Asked for twice it is one run; its kind is told before it has begun."""
    hire(tenant, "Ada Lovelace")
    await api.sync(full=True)

    begun = await api.post("/photos/sync")
    again = await api.post("/photos/sync")

    assert (begun["kind"], begun["status"]) == ("photos", "queued")
    ended = await api.ended(begun["id"])
    assert ended["status"] == "done"
    assert again["id"] in {begun["id"], ended["id"]}
