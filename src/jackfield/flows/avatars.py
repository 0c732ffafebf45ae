"""A photo becomes an avatar: judged, turned upright, cut square, made small; nothing else is kept.

What stands beside the picture in its file (where it was taken, by which camera) is dropped. A file
that is no picture, or is made to swell, is refused before it is unpacked.
"""

from __future__ import annotations

import io

from PIL import Image, ImageOps, UnidentifiedImageError

from jackfield.core.photos import Avatar

EDGE = 256
"""Pixels of an avatar's edge; a smaller photo stays as small as it is."""
LEAST_EDGE = 16
MOST_PIXELS = 40_000_000
"""Of a JPEG: more than any phone's camera takes in its usual mode. It is unpacked small already,
but for a progressive one's coefficients, some 120 MB."""
MOST_PIXELS_UNPACKED = 16_000_000
"""Of any other: it has to be unpacked whole, which takes up to 150 MB with its first copy."""
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP")
"""What Microsoft's own pages take, and what older uploads may have left behind."""
QUALITY = 85
_HEAD_UP = (0.5, 0.35)
"""Where a photo that is no square is cut: faces stand in the middle, and rather above it."""
_WHITE = (255, 255, 255)
_SHRINKABLE = ("L", "LA", "RGB", "RGBA")


class NotAnAvatar(Exception):
    """The photo cannot become an avatar; `because` and `next_step` are for an administrator."""

    def __init__(self, because: str, next_step: str) -> None:
        super().__init__(because)
        self.because = because
        self.next_step = next_step


def make_avatar(photo: bytes) -> Avatar:
    """The avatar of a photo: JPEG, square, at most `EDGE` pixels; the same for the same bytes.

    Takes some 10 ms of CPU: call it in a thread. Raises `NotAnAvatar`.
    """
    try:
        with Image.open(io.BytesIO(photo), formats=FORMATS) as opened:
            _check(opened)
            # Lets the JPEG decoder make it small while it unpacks.
            opened.draft("RGB", (2 * EDGE, 2 * EDGE))
            upright = ImageOps.exif_transpose(_shrunk(opened))
            edge = min(EDGE, *upright.size)
            square = ImageOps.fit(_flat(upright), (edge, edge), centering=_HEAD_UP)
    except NotAnAvatar:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _too_many_pixels(MOST_PIXELS_UNPACKED) from error
    except UnidentifiedImageError as error:
        raise NotAnAvatar(
            f"The photo in Microsoft 365 is no picture ({_described(photo)}).",
            "Set a JPEG or PNG as the photo in Microsoft 365.",
        ) from error
    except Exception as error:  # Pillow's decoders raise whatever foreign bytes lead them to
        raise NotAnAvatar(
            f"The photo in Microsoft 365 is damaged: {str(error) or type(error).__name__}.",
            "Set the photo in Microsoft 365 again.",
        ) from error
    # A new picture: saving the old one would take its comments and profiles along.
    bare = Image.new("RGB", square.size)
    bare.paste(square)
    out = io.BytesIO()
    bare.save(out, "JPEG", quality=QUALITY, optimize=True)
    return Avatar(out.getvalue(), "image/jpeg")


def _check(picture: Image.Image) -> None:
    width, height = picture.size
    most = MOST_PIXELS if picture.format == "JPEG" else MOST_PIXELS_UNPACKED
    if width * height > most:
        raise _too_many_pixels(most)
    if min(width, height) < LEAST_EDGE:
        raise NotAnAvatar(
            f"The photo in Microsoft 365 has only {width} x {height} pixels.",
            f"Set one of at least {LEAST_EDGE} x {LEAST_EDGE} pixels in Microsoft 365.",
        )


def _shrunk(picture: Image.Image) -> Image.Image:
    """A large one roughly made small before anything copies it, still twice as large as needed."""
    factor = min(picture.size) // (2 * EDGE)
    if factor < 2:
        return picture
    if picture.mode not in _SHRINKABLE:
        picture = picture.convert("RGBA" if picture.has_transparency_data else "RGB")
    return picture.reduce(factor)


def _flat(picture: Image.Image) -> Image.Image:
    """Three colours; what is transparent becomes white."""
    if picture.has_transparency_data:
        ground = Image.new("RGBA", picture.size, (*_WHITE, 255))
        picture = Image.alpha_composite(ground, picture.convert("RGBA"))
    return picture.convert("RGB")


def _too_many_pixels(most: int) -> NotAnAvatar:
    return NotAnAvatar(
        f"The photo in Microsoft 365 has more than {most // 1_000_000} million pixels.",
        "Set a smaller one in Microsoft 365.",
    )


def _described(photo: bytes) -> str:
    if not photo:
        return "an empty file"
    if photo[:200].lstrip()[:1] == b"<":
        return "it begins like a web page"
    return f"it begins with the bytes {photo[:8].hex(' ')}"
