"""Faces in a real browser: they come through the policy of our pages, and initials stay beneath."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from axe_playwright_python.sync_playwright import Axe

from doubles.web_fillings import connect, extension_key, fill, person_id
from doubles.web_served import Served, serve
from jackfield.core.photos import Kept, PhotoState
from jackfield.flows.avatars import make_avatar
from jackfield.store.images import save_images
from jackfield.store.photos import Photo, save_photos
from m365_emulator.portraits import draw

if TYPE_CHECKING:
    from playwright.sync_api import Page

PEOPLE = 12
WITH_A_FACE = 8


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Twelve people: eight with a face, one whose photo is no picture, one whose was not read."""
    with serve(tmp_path_factory.mktemp("faces")) as served:
        served.write(lambda tx: _filled(tx, served))
        yield served


async def _filled(tx: Any, served: Served) -> None:
    await connect(tx, served.now)
    await fill(tx, PEOPLE, served.now)
    photos = []
    for number in range(WITH_A_FACE):
        avatar = make_avatar(draw(f"person {number}", 360))
        await save_images(tx, 1, [avatar])
        kept = Kept().usable(f"etag {number}", avatar.digest).was_set(avatar.digest)
        photos.append(Photo(person_id(number), extension_key(number), kept))
    bad = "The photo in Microsoft 365 is no picture (it begins like a web page)."
    step = "Set a JPEG or PNG as the photo in Microsoft 365."
    unusable = Kept(PhotoState.UNUSABLE, etag="x")
    photos.append(Photo(person_id(8), extension_key(8), unusable, bad, step))
    unread = "The photo could not be read. Microsoft 365 throttles Jackfield (429)."
    photos.append(
        Photo(person_id(9), extension_key(9), Kept(), unread, "The next run tries again.")
    )
    photos.append(Photo(person_id(10), extension_key(10), Kept(PhotoState.NONE)))
    await save_photos(tx, 1, photos, now=served.now)


@pytest.fixture
def signed_in(page: Page, served: Served) -> Page:
    page.goto(f"{served.url}/login")
    page.get_by_label("Name").fill("admin")
    page.get_by_label("Password").fill(served.password)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{served.url}/")
    return page


def loaded(page: Page) -> list[int]:
    """How wide each picture of a face really is; 0 where the browser took none."""
    widths: list[int] = page.evaluate(
        """() => Promise.all([...document.images].map(async one => {
            one.loading = "eager"
            await one.decode().catch(() => null)
            return one.naturalWidth
        }))"""
    )
    return widths


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_faces_come_through_and_fit(
    signed_in: Page, served: Served, scheme: Any, width: int
) -> None:
    """In both lights and on a phone, with nothing for axe to say and nothing cut off."""
    page = signed_in
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 900})
    found: list[str] = []

    for path, faces in (
        ("/users", WITH_A_FACE),
        (f"/people/{person_id(0)}", 1),
        (f"/people/{person_id(8)}", 0),
        ("/", 0),
    ):
        page.goto(served.url + path)
        assert loaded(page) == [256] * faces
        found += [one["id"] for one in Axe().run(page).response["violations"]]
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= width, path

    assert not found


def test_initials_stand_where_no_picture_comes(signed_in: Page, served: Served) -> None:
    """A picture that is lost leaves no hole and no broken sign."""
    page = signed_in
    page.route("**/photo?v=*", lambda route: route.fulfill(status=200, body=b"no picture"))

    page.goto(f"{served.url}/people/{person_id(1)}")

    assert loaded(page) == [0]
    assert page.locator("#face").inner_text() == "P"
    box = page.locator("#face .avatar").bounding_box()
    assert box is not None
    assert (box["width"], box["height"]) == (56, 56)


def test_a_face_that_comes_later_is_shown_without_a_click(signed_in: Page, served: Served) -> None:
    """The page looks again by itself, as it does when a name changes."""
    page = signed_in
    page.goto(f"{served.url}/people/{person_id(11)}")
    assert loaded(page) == []
    avatar = make_avatar(draw("late", 360))

    async def later(tx: Any) -> None:
        await save_images(tx, 1, [avatar])
        kept = Kept().usable("etag", avatar.digest).was_set(avatar.digest)
        await save_photos(tx, 1, [Photo(person_id(11), extension_key(11), kept)], now=served.now)

    served.write(later)

    page.locator("#face img").wait_for(state="attached")
    assert loaded(page) == [256]
    assert len(page.locator("#face").all()) == 1
