"""Photos of people: metadata, sizes, pictures, and what an administrator may do to them."""

import io
from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace
from PIL import Image, ImageOps

from m365_emulator.portraits import HUGE_BYTES, Kind
from m365_emulator.server import Emulator


def _picture(width: int, height: int, kind: str = "PNG") -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (width, height), "teal").save(out, kind)
    return out.getvalue()


@pytest.fixture
def person(emulator: Emulator) -> Any:
    """Somebody with a mailbox and no photo."""
    hired = emulator.tenant.hire("Ada Byron")
    emulator.tenant.photos.remove(hired.id)
    return hired


async def test_some_have_a_photo_from_the_start_and_the_same_ones_by_seed() -> None:
    """Demo and tests need both kinds of people, and the same ones each time."""
    first, again = (Emulator(people=250, seed=7).tenant for _ in range(2))
    having = {each.id: first.photos.of(each.id) for each in first.people()}

    shown = [photo for photo in having.values() if photo]
    assert 100 < len(shown) < 180
    assert len({photo.etag for photo in shown}) == len(shown)
    assert having == {each.id: again.photos.of(each.id) for each in again.people()}
    assert not any(having[each.id] for each in first.people() if each.user_type == "Guest")


async def test_metadata_tells_the_largest_size_and_the_etag(
    graph: Any, emulator: Emulator, person: Any
) -> None:
    """Whoever compares ETags need not fetch the picture."""
    emulator.tenant.photos.set(person.id, _picture(504, 504))

    body = (await graph.get(f"/v1.0/users/{person.user_principal_name}/photo")).json()

    assert (body["id"], body["width"], body["height"]) == ("504x504", 504, 504)
    assert body["@odata.mediaContentType"] == "image/png"
    kept = emulator.tenant.photos.of(person.id)
    assert kept is not None
    assert body["@odata.mediaEtag"] == kept.etag


async def test_every_smaller_size_is_there_and_no_larger_one(
    graph: Any, emulator: Emulator, person: Any
) -> None:
    """As documented: of a photo of 120 pixels all sizes up to 120 may be had."""
    emulator.tenant.photos.set(person.id, _picture(120, 120))
    base = f"/v1.0/users/{person.id}/photos"

    listed = (await graph.get(base)).json()["value"]
    small = await graph.get(f"{base}/48X48/$value")
    large = await graph.get(f"{base}/240x240/$value")
    one = await graph.get(f"{base}/96x96")

    assert [each["id"] for each in listed] == ["48x48", "64x64", "96x96", "120x120"]
    assert Image.open(io.BytesIO(small.body)).size == (48, 48)
    assert (large.status, large.code) == (404, "ImageNotFound")
    assert one.json()["width"] == 96


async def test_a_picture_comes_whole_with_its_etag_whatever_is_known_already(
    graph: Any, emulator: Emulator, person: Any
) -> None:
    """Nothing is documented of If-None-Match, so nobody may rely on a 304."""
    emulator.tenant.photos.set(person.id, content := _picture(300, 200))
    url = f"/v1.0/users/{person.id}/photo/$value"

    first = await graph.get(url)
    again = await graph.get(url, if_none_match=first.headers["etag"], accept_encoding="gzip")

    assert first.headers["content-type"] == "image/png"
    assert [first.body, again.body] == [content, content]
    assert again.status == 200


async def test_within_a_batch_a_picture_is_base64_and_its_absence_a_part_of_its_own(
    graph: Any, emulator: Emulator, person: Any
) -> None:
    """Twenty people are asked at once; most of them have nothing new."""
    bare = emulator.tenant.hire("Bob Bare")
    emulator.tenant.photos.remove(bare.id)
    emulator.tenant.photos.set(person.id, _picture(96, 96, "JPEG"))
    ids = {"1": f"{person.id}/photo", "2": f"{person.id}/photo/$value", "3": f"{bare.id}/photo"}
    requests = [{"id": k, "method": "GET", "url": f"/users/{v}"} for k, v in ids.items()]

    reply = await graph.post("/v1.0/$batch", {"requests": requests})

    parts = {each["id"]: each for each in reply.json()["responses"]}
    assert parts["1"]["body"]["id"] == "96x96"
    assert parts["2"]["body"].startswith("/9j/")
    assert parts["2"]["headers"]["Etag"] == parts["1"]["body"]["@odata.mediaEtag"]
    assert (parts["3"]["status"], parts["3"]["body"]["error"]["code"]) == (404, "ImageNotFound")


async def test_no_photo_is_told_in_both_documented_ways(
    graph: Any, emulator: Emulator, person: Any
) -> None:
    """A client that knows only one of them takes a pixel for a photo."""
    missing = await graph.get(f"/v1.0/users/{person.id}/photo")
    emulator.tenant.quirks = replace(emulator.tenant.quirks, missing_photo_as_pixel=True)
    pixel = (await graph.get(f"/v1.0/users/{person.id}/photo")).json()
    nowhere = await graph.get("/v1.0/users/nobody@example.com/photo")

    assert (missing.status, missing.code) == (404, "ImageNotFound")
    assert (pixel["id"], pixel["@odata.mediaEtag"]) == ("1x1", "")
    assert (nowhere.status, nowhere.code) == (404, "Request_ResourceNotFound")


async def test_who_has_no_mailbox_has_no_photo(graph: Any, emulator: Emulator) -> None:
    """The code is Exchange's, and is no failure."""
    hired = emulator.tenant.hire("Cy Cold", mail=None)

    reply = await graph.get(f"/v1.0/users/{hired.id}/photo/$value")

    assert (reply.status, reply.code) == (404, "ErrorNonExistentMailbox")


@pytest.mark.parametrize("path", ["photo", "photo/$value", "photos", "photos/48x48/$value"])
async def test_photos_want_their_own_permission(
    emulator: Emulator, person: Any, path: str, client_of: Callable[..., Any]
) -> None:
    """Exchange refuses in its own words, not in the directory's."""
    emulator.tenant.photos.make_up(person.id, Kind.PORTRAIT)
    replies = {}
    for role in ("GroupMember.Read.All", "ProfilePhoto.Read.All", "User.Read.All"):
        app = emulator.register(role, roles=[role])
        client = client_of(emulator)
        token = emulator.tokens.issue(app, "https://graph.microsoft.com", "secret")
        client.headers["authorization"] = f"Bearer {token.value}"
        replies[role] = await client.get(f"/v1.0/users/{person.id}/{path}")

    refused = replies.pop("GroupMember.Read.All")
    assert (refused.status, refused.code) == (403, "ErrorAccessDenied")
    assert {each.status for each in replies.values()} == {200}


async def test_photos_pay_no_toll_of_the_directory(graph: Any, person: Any) -> None:
    """They are another workload: a tenant full of photos must not slow people sync."""
    photo = await graph.get(f"/v1.0/users/{person.id}/photo")
    user = await graph.get(f"/v1.0/users/{person.id}")

    assert "x-ms-resource-unit" in user.headers
    assert "x-ms-resource-unit" not in photo.headers


async def test_the_control_api_sets_makes_up_and_removes(
    client: Any, graph: Any, person: Any
) -> None:
    """Whatever a photo can be, a rehearsal must be able to play it."""
    control, url = f"/_emulator/people/{person.id}", f"/v1.0/users/{person.id}/photo/$value"
    content = _picture(64, 64)

    given = (await client.send("PUT", f"{control}/photo", content)).json()
    raw = await graph.get(url)
    huge = (await client.post(f"{control}/photo", {"kind": "huge"})).json()
    large = await graph.get(url)
    await client.post(f"{control}/photo", {"kind": "not_a_picture"})
    text = await graph.get(url)
    shown = (await client.get(control)).json()["photo"]
    turned = (await client.post(f"{control}/photo", {"kind": "turned"})).json()
    lying = Image.open(io.BytesIO((await graph.get(url)).body))
    await client.send("DELETE", f"{control}/photo")
    gone = await graph.get(url)
    refused = await client.send("PUT", f"{control}/photo", b"")

    assert (given["width"], raw.body) == (64, content)
    assert (huge["width"], len(large.body)) == (504, HUGE_BYTES)
    assert text.body.startswith(b"<html>")
    assert (shown["width"], shown["contentType"]) == (0, "image/jpeg")
    assert len({each["etag"] for each in (given, huge, shown, turned)}) == 4
    assert lying.getexif()[0x0112] == 6
    assert ImageOps.exif_transpose(lying).size == lying.size
    assert (gone.status, refused.status) == (404, 400)


async def test_the_page_shows_sets_and_removes_a_photo(
    client: Any, emulator: Emulator, person: Any
) -> None:
    """Who plays the tenant by hand needs no command line."""
    form = {"person": person.id, "kind": "portrait"}

    await client.post_form("/_emulator/page/photo", form)
    page = (await client.get(f"/?person={person.id}")).body.decode()
    await client.post_form("/_emulator/page/remove-photo", {"person": person.id})
    bare = (await client.get(f"/?person={person.id}")).body.decode()

    assert "has another photo: a portrait" in page
    assert 'src="data:image/jpeg;base64,/9j/' in page
    assert "504 × 504 pixels" in page
    assert "data:image/jpeg" not in bare
    assert emulator.tenant.photos.of(person.id) is None
