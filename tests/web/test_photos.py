"""People's photos in the console: U-12 through buttons and pages, faces, and what is amiss."""

import pytest

from doubles.house import House
from doubles.web_visitor import Console, Page, Visitor
from jackfield.flows.avatars import make_avatar
from m365_emulator.faults import Kind as Fault
from m365_emulator.faults import Order
from m365_emulator.portraits import Kind
from m365_emulator.server import Emulator


async def office(house: House, **photos: Kind | None) -> tuple[Emulator, dict[str, str]]:
    """People with extensions and these photos, whose photos nobody has looked at yet."""
    stage = house.raise_stage(people=0)
    ids = {}
    for name, kind in photos.items():
        user = stage.tenant.hire(f"{name} Byron")
        stage.tenant.photos.remove(user.id)
        if kind is not None:
            stage.tenant.photos.make_up(user.id, kind)
        ids[name] = str(user.id)
    await house.connect(stage, sync=True)
    await house.sync(full=True)
    return stage, ids


async def look(house: House, admin: Visitor) -> Page:
    """A click on the button, let come to rest; the bars of what ran."""
    house.clock.advance(1)
    await admin.get("/")
    await admin.post("/sync", {"mode": "photos"}, hx_request="true")
    await house.runner.idle()
    return (await admin.get("/running")).page


def faces(page: Page) -> list[str]:
    return [str(image["src"]) for image in page.all("img")]


@pytest.mark.parametrize(
    "on", [pytest.param(True, id="U-12 photos on"), pytest.param(False, id="U-12 photos off")]
)
async def test_the_face_follows_the_photo(house: House, admin: Visitor, on: bool) -> None:
    """In the list and on the person's page, by the button; switched off it stays as it is."""
    stage, ids = await office(house, Ada=Kind.PORTRAIT, Ben=None)
    ended = await look(house, admin)
    assert "Photos: Looked at the photo of 2 people: 1 set as avatar." in ended.text
    (before,) = faces((await admin.get("/users")).page)
    await house.choose(photos=on)
    stage.tenant.photos.make_up(ids["Ada"], Kind.PORTRAIT)

    ended = await look(house, admin)

    (after,) = faces((await admin.get("/users")).page)
    assert (after != before) is on
    assert faces((await admin.get(f"/people/{ids['Ada']}")).page) == [after]
    assert faces((await admin.get(f"/people/{ids['Ben']}")).page) == []
    shown = make_avatar(stage.tenant.photos.content(ids["Ada"], 360)).content
    assert ((await admin.get(after)).body == shown) is on
    stage.tenant.photos.remove(ids["Ada"])
    await look(house, admin)
    assert faces((await admin.get("/users")).page) == ([] if on else [before])


async def test_switched_off_the_button_says_so(house: House, admin: Visitor) -> None:
    """Nothing begins, and where to switch it on is named."""
    await office(house, Ada=Kind.PORTRAIT)
    await house.choose(photos=False)
    await admin.get("/")

    answer = await admin.post("/sync", {"mode": "photos"}, hx_request="true")

    assert "Photos are switched off. Switch them on first: Users > M365" in answer.page.text
    assert [run.kind for run in await house.runs()] == ["people"]
    assert "switched off" in (await admin.get("/")).page.text


async def test_an_avatar_is_kept_by_the_browser_alone(
    house: House, console: Console, admin: Visitor
) -> None:
    """By its mark for a day, else asked about each time; without a sign-in there is none."""
    _, ids = await office(house, Ada=Kind.PORTRAIT)
    await look(house, admin)
    (address,) = faces((await admin.get("/users")).page)

    marked = await admin.get(address)
    plain = await admin.get(f"/people/{ids['Ada']}/photo")
    again = await admin.get(address, if_none_match=marked.headers["etag"])
    stranger = await console.visitor().get(address)

    assert marked.headers["content-type"] == "image/jpeg"
    assert marked.headers["x-content-type-options"] == "nosniff"
    assert marked.headers["cache-control"] == "private, max-age=86400, immutable"
    assert plain.headers["cache-control"] == "private, no-cache"
    assert plain.body == marked.body
    assert (again.status, again.body) == (304, b"")
    assert stranger.status == 303
    assert stranger.headers["cache-control"] == "no-store"
    assert (await admin.get("/people/nobody/photo")).status == 404
    assert (await admin.get(address)).headers["content-security-policy"]


async def test_what_is_wrong_with_a_photo_stands_on_its_persons_page(
    house: House, admin: Visitor
) -> None:
    """With the next step; the list of users finds all of them, and Overview counts them."""
    stage, ids = await office(
        house, Ada=Kind.PORTRAIT, Ben=Kind.NOT_A_PICTURE, Cy=Kind.PORTRAIT, Dee=Kind.PORTRAIT
    )
    for name, kind in (("Cy", Fault.DENIED), ("Dee", Fault.THROTTLED)):
        for part in ("photo", "photos"):
            path = f"/v1.0/users/{ids[name]}/{part}/*"
            stage.faults.switch_on(Order(kind=kind, path=path, retry_after_s=3))

    await look(house, admin)

    told = {name: (await admin.get(f"/people/{one}")).page.text for name, one in ids.items()}
    assert "Photo Is the avatar" in told["Ada"]
    assert (
        "Photo Cannot be the avatar The photo in Microsoft 365 is no picture (it begins like a web"
        " page). Set a JPEG or PNG as the photo in Microsoft 365."
    ) in told["Ben"]
    assert "Photo Not read Jackfield may not read the photo. Grant ProfilePhoto" in told["Cy"]
    assert (
        "Photo Not read The photo could not be read. Microsoft 365 throttles Jackfield (429)"
    ) in told["Dee"]
    listed = (await admin.get("/users?status=photos")).page.text
    assert [name for name in ids if f"{name} Byron" in listed] == ["Ben", "Cy", "Dee"]
    overview = (await admin.get("/")).page.text
    assert "Photos 1 of 4 with an extension 1 cannot be used, 2 not read Looked" in overview


async def test_how_a_sync_ended_still_stands_while_photos_are_looked_at(
    house: House, admin: Visitor
) -> None:
    """Photos follow by themselves; what somebody has asked for must not be pushed away."""
    await office(house, Ada=Kind.PORTRAIT)
    await admin.get("/")
    await admin.post("/sync", {"mode": "full"}, hx_request="true")
    await house.runner.idle()
    house.clock.advance(2)

    assert await house.sweep_photos() == 1

    assert "Full sync: " in (await admin.get("/running")).page.text
