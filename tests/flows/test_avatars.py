"""Photos become avatars: upright, square, small, and nothing else of the file is kept."""

import io
import struct
import zlib
from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from jackfield.flows.avatars import EDGE, NotAnAvatar, make_avatar
from m365_emulator.portraits import draw

ORIENTATION = 0x0112
GPS = 0x8825


def saved(picture: Image.Image, kind: str = "PNG", **more: object) -> bytes:
    out = io.BytesIO()
    picture.save(out, kind, **more)
    return out.getvalue()


def opened(photo: bytes) -> Image.Image:
    avatar = make_avatar(photo)
    assert avatar.content_type == "image/jpeg"
    return Image.open(io.BytesIO(avatar.content))


def quartered() -> Image.Image:
    """Red and green above, blue and white below: it shows which way up it is."""
    picture = Image.new("RGB", (600, 600), "white")
    picture.paste("red", (0, 0, 300, 300))
    picture.paste("lime", (300, 0, 600, 300))
    picture.paste("blue", (0, 300, 300, 600))
    return picture


def colours(picture: Image.Image) -> list[tuple[bool, ...]]:
    """Which of red, green and blue are strong, in each quarter."""
    edge = picture.width
    points = [(edge // 4, edge // 4), (3 * edge // 4, edge // 4), (edge // 4, 3 * edge // 4)]
    return [tuple(value > 128 for value in picture.getpixel(at)) for at in points]  # one per point


UPRIGHT = [(True, False, False), (False, True, False), (False, False, True)]


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "BMP"])
def test_u12_every_usual_kind_of_picture_becomes_a_small_jpeg(kind: str) -> None:
    """Desk phones read JPEG; whatever Microsoft keeps, they get that."""
    avatar = opened(saved(quartered(), kind))

    assert (avatar.format, avatar.size, avatar.mode) == ("JPEG", (EDGE, EDGE), "RGB")
    assert colours(avatar) == UPRIGHT


@pytest.mark.parametrize(
    ("orientation", "turn"),
    [
        pytest.param(2, Image.Transpose.FLIP_LEFT_RIGHT, id="mirrored"),
        pytest.param(3, Image.Transpose.ROTATE_180, id="upside_down"),
        pytest.param(6, Image.Transpose.ROTATE_90, id="lies_on_its_left"),
        pytest.param(8, Image.Transpose.ROTATE_270, id="lies_on_its_right"),
    ],
)
def test_u12_a_photo_on_its_side_is_turned_upright(orientation: int, turn: Image.Transpose) -> None:
    """The mark goes with everything else of the EXIF, so the pixels have to stand right."""
    marks = Image.Exif()
    marks[ORIENTATION] = orientation

    avatar = opened(saved(quartered().transpose(turn), "JPEG", exif=marks))

    assert colours(avatar) == UPRIGHT


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P", "L", "1", "LA", "I;16", "CMYK"])
def test_u12_a_large_one_that_lies_on_its_side_is_right_too(mode: str) -> None:
    """It is made small before it is turned, so that no copy of all of it is made."""
    marks = Image.Exif()
    marks[ORIENTATION] = 6
    large = quartered().resize((1300, 1300)).transpose(Image.Transpose.ROTATE_90)
    kind = {"CMYK": "JPEG", "RGBA": "WEBP"}.get(mode, "PNG")
    picture = large.convert("L").convert(mode) if mode in {"I;16", "1"} else large.convert(mode)

    avatar = opened(saved(picture, kind, exif=marks))

    assert avatar.size == (EDGE, EDGE)
    if mode in {"RGB", "RGBA", "P", "CMYK"}:
        assert colours(avatar) == UPRIGHT
    else:
        assert avatar.getpixel((192, 192)) > (200, 200, 200), "white is below on the right"


def test_u12_what_is_transparent_in_a_large_one_becomes_white_too() -> None:
    """Whatever way it is made small."""
    clear = Image.new("RGBA", (1200, 1300), (0, 0, 0, 0))
    palette = Image.new("P", (1200, 1300), 0)

    for photo in (saved(clear), saved(clear, "WEBP"), saved(palette, "GIF", transparency=0)):
        assert opened(photo).getpixel((32, 32)) == (255, 255, 255)


def test_u12_nothing_but_the_picture_is_kept() -> None:
    """Where a photo was taken is nobody's business who sees the avatar."""
    marks = Image.Exif()
    marks[0x010E] = "at home"
    marks[GPS] = {1: "N", 2: (51.0, 30.0, 2.0)}
    photo = saved(quartered(), "JPEG", exif=marks, comment=b"at home", icc_profile=b"at home")
    assert photo.count(b"at home") == 3

    avatar = opened(photo + b"at home, behind the picture")

    assert b"at home" not in make_avatar(photo).content
    assert not avatar.getexif()
    assert set(avatar.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}


@pytest.mark.parametrize(
    ("size", "edge"),
    [((1000, 400), EDGE), ((300, 900), EDGE), ((90, 120), 90), ((16, 16), 16)],
    ids=["wide", "tall", "small", "tiny"],
)
def test_u12_any_shape_becomes_a_square_that_is_not_blown_up(
    size: tuple[int, int], edge: int
) -> None:
    """Photos that came from the directory have any dimension."""
    assert opened(saved(Image.new("RGB", size, "teal"))).size == (edge, edge)


def test_u12_what_is_transparent_becomes_white() -> None:
    """Black hair before black ground is nobody's portrait."""
    avatar = opened(saved(Image.new("RGBA", (64, 64), (0, 0, 0, 0))))
    palette = Image.new("P", (64, 64), 0)
    palette.info["transparency"] = 0

    assert avatar.getpixel((32, 32)) == (255, 255, 255)
    assert opened(saved(palette, "GIF", transparency=0)).getpixel((32, 32)) == (255, 255, 255)


@pytest.mark.parametrize("mode", ["L", "1", "P", "CMYK", "I;16", "LA"])
def test_u12_unusual_colours_become_usual_ones(mode: str) -> None:
    """Scanners and print shops make such files."""
    kind = "JPEG" if mode == "CMYK" else "PNG"

    assert opened(saved(Image.new(mode, (64, 64)), kind)).mode == "RGB"


def test_u12_the_same_photo_gives_the_same_avatar() -> None:
    """Its digest tells whether the avatar that stands is the one that is wanted."""
    assert make_avatar(draw("ada", 360)) == make_avatar(draw("ada", 360))
    assert make_avatar(draw("ada", 360)).digest != make_avatar(draw("ben", 360)).digest
    assert len(make_avatar(draw("ada", 648)).content) < 20_000


def bomb(width: int, height: int) -> bytes:
    """A small file that says it is a large picture."""

    def chunk(name: bytes, content: bytes) -> bytes:
        checked = name + content
        return struct.pack(">I", len(content)) + checked + struct.pack(">I", zlib.crc32(checked))

    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    packed = zlib.compress(bytes(1000))
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")
    )


@pytest.mark.hostile
@pytest.mark.parametrize(
    ("photo", "because"),
    [
        pytest.param(lambda: b"", "no picture (an empty file)", id="nothing"),
        pytest.param(lambda: b"<html>Sign in</html>", "begins like a web page", id="page"),
        pytest.param(lambda: b"%PDF-1.7 and more", "the bytes 25 50 44 46", id="document"),
        pytest.param(lambda: bomb(30_000, 30_000), "more than 16 million pixels", id="bomb"),
        pytest.param(lambda: bomb(10_000, 10_000), "more than 16 million pixels", id="small_bomb"),
        pytest.param(lambda: bomb(4_001, 4_000), "more than 16 million pixels", id="large"),
        pytest.param(lambda: draw("a", 360)[:3000], "is damaged", id="cut_off"),
        pytest.param(lambda: bomb(100, 100), "is damaged", id="too_little_data"),
        pytest.param(
            lambda: saved(Image.new("RGB", (1, 1)), "GIF"), "only 1 x 1 pixels", id="pixel"
        ),
        pytest.param(
            lambda: saved(Image.new("RGB", (64, 64)), "TIFF"), "is no picture", id="other_format"
        ),
        pytest.param(
            lambda: b"<svg xmlns='http://www.w3.org/2000/svg'/>", "is no picture", id="drawing"
        ),
    ],
)
def test_u12_what_is_no_usable_picture_is_told_with_the_next_step(
    photo: Callable[[], bytes], because: str
) -> None:
    """It becomes a note on the person; nobody else's photo waits for it."""
    with pytest.raises(NotAnAvatar) as refused:
        make_avatar(photo())

    assert because in refused.value.because
    assert "Microsoft 365" in refused.value.next_step


@pytest.mark.hostile
@settings(max_examples=60)
@given(st.data())
def test_u12_no_bytes_break_it(data: st.DataObject) -> None:
    """Decoders raise whatever foreign bytes lead them to; here it is always the same refusal."""
    photo = bytearray(data.draw(st.sampled_from(_SOUND)))
    for _ in range(data.draw(st.integers(1, 20))):
        photo[data.draw(st.integers(0, len(photo) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(photo)))

    with suppress(NotAnAvatar):
        avatar = make_avatar(bytes(photo[:cut]) if data.draw(st.booleans()) else bytes(photo))
        assert max(Image.open(io.BytesIO(avatar.content)).size) <= EDGE


_SOUND = [
    saved(quartered().resize((48, 48)), kind) for kind in ("JPEG", "PNG", "WEBP", "GIF", "BMP")
]
