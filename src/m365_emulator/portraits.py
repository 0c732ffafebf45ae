"""People's photos as they are kept: whose there are, what bytes they are, and in which sizes.

A seeded share of the accounts with a mailbox has a portrait; it is drawn when somebody first looks,
so that a large tenant costs nothing. What an administrator sets is kept byte for byte, picture or
not, for that is what a reader must survive. HTTP is in `photos.py`.
Source: Graph docs, resources/profilephoto and api/profilephoto-get, read 2026-11.
"""

import hashlib
import io
from collections import OrderedDict
from collections.abc import Callable
from enum import StrEnum
from random import Random

import msgspec
from PIL import Image, ImageDraw, UnidentifiedImageError

from m365_emulator.resources import ObjectId, User

SIZES = (48, 64, 96, 120, 240, 360, 432, 504, 648)
"""The edges of the sizes that Microsoft 365 keeps of a photo."""
SHARE = 0.6
"""How many of the accounts with a mailbox have a photo on the first day."""
HUGE_BYTES = 20 * 1024 * 1024
DRAWN_KEPT = 256
_ORIENTATION = 0x0112
_TURNED_RIGHT = 6
_EDGES = (648, 648, 648, 504, 432, 240, 96)


class Kind(StrEnum):
    """A photo that the control API and the page can make up."""

    PORTRAIT = "portrait"
    TURNED = "turned"
    """Lies on its side, with the EXIF mark that says so, and with a place in its EXIF."""
    NOT_A_PICTURE = "not_a_picture"
    HUGE = "huge"
    """A picture that drags 20 MB along, and is no square."""


class Photo(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What is known of a photo without reading it; 0 pixels where it is no picture."""

    etag: str
    content_type: str
    width: int
    height: int

    @property
    def name(self) -> str:
        return f"{self.width}x{self.height}"


class Photos:
    """The photos of one tenant."""

    def __init__(self, seed: int, user_of: Callable[[ObjectId], User | None]) -> None:
        self._seed = seed
        self._user_of = user_of
        self._set: dict[ObjectId, tuple[Photo, bytes] | None] = {}
        self._given_out = 0
        self._drawn: OrderedDict[tuple[str, int], bytes] = OrderedDict()

    def of(self, user_id: ObjectId) -> Photo | None:
        """The photo of a user, at its largest."""
        if user_id in self._set:
            kept = self._set[user_id]
            return None if kept is None else kept[0]
        drawn = hashlib.sha256(f"{self._seed}:photo:{user_id}".encode()).digest()
        user = self._user_of(user_id)
        if drawn[0] >= SHARE * 256 or user is None or not has_mailbox(user):
            return None
        edge = _EDGES[drawn[1] % len(_EDGES)]
        return Photo(etag=_etag(drawn), content_type="image/jpeg", width=edge, height=edge)

    def sizes(self, user_id: ObjectId) -> list[Photo]:
        """Every size there is of the photo, the smallest first; none where it is no picture."""
        whole = self.of(user_id)
        if whole is None or not whole.width:
            return []
        short = min(whole.width, whole.height)
        return [
            Photo(etag=whole.etag, content_type="image/jpeg", width=edge, height=edge)
            for edge in SIZES
            if edge <= short
        ]

    def content(self, user_id: ObjectId, edge: int | None = None) -> bytes:
        """The bytes of the photo, or of one of its sizes. KeyError where there is none."""
        whole = self.of(user_id)
        if whole is None:
            raise KeyError(user_id)
        kept = self._set.get(user_id)
        if edge is None and kept is not None:
            return kept[1]
        wanted = edge or whole.width
        drawn = self._drawn.get((whole.etag, wanted))
        if drawn is None:
            drawn = draw(whole.etag, wanted) if kept is None else _cut(kept[1], wanted)
            self._drawn[whole.etag, wanted] = drawn
            if len(self._drawn) > DRAWN_KEPT:
                self._drawn.popitem(last=False)
        return drawn

    def set(self, user_id: ObjectId, content: bytes) -> Photo:
        """Keep exactly these bytes, whatever they are."""
        width, height, content_type = _measured(content)
        photo = Photo(
            etag=_etag(hashlib.sha256(content).digest()),
            content_type=content_type,
            width=width,
            height=height,
        )
        self._set[user_id] = (photo, content)
        return photo

    def make_up(self, user_id: ObjectId, kind: Kind) -> Photo:
        """Another photo of that kind than the one before."""
        self._given_out += 1
        portrait = draw(f"{self._seed}:{user_id}:{self._given_out}", 504)
        match kind:
            case Kind.PORTRAIT:
                return self.set(user_id, portrait)
            case Kind.TURNED:
                return self.set(user_id, _turned(portrait))
            case Kind.NOT_A_PICTURE:
                text = f"<html><body>Sign in to see photo {self._given_out}</body></html>"
                return self.set(user_id, text.encode())
            case Kind.HUGE:
                wide = _wide(portrait)
                return self.set(user_id, wide + b"\0" * (HUGE_BYTES - len(wide)))

    def remove(self, user_id: ObjectId) -> None:
        self._set[user_id] = None


def has_mailbox(user: User) -> bool:
    """Shared mailboxes have one without a licence; a guest's is elsewhere."""
    return user.mail is not None and user.user_type != "Guest"


def draw(seed: str, edge: int) -> bytes:
    """A head and shoulders before a plain ground, as JPEG: another one for another seed."""
    chance = Random(seed)
    picture = Image.new("RGB", (edge, edge), f"hsl({chance.randrange(360)}, 45%, 78%)")
    pen = ImageDraw.Draw(picture)
    skin = (
        f"hsl({chance.randrange(18, 34)}, {chance.randrange(30, 60)}%, {chance.randrange(30, 82)}%)"
    )
    hair = f"hsl({chance.randrange(360)}, 25%, {chance.randrange(8, 60)}%)"
    coat = f"hsl({chance.randrange(360)}, 40%, {chance.randrange(20, 55)}%)"

    def part(left: float, top: float, right: float, bottom: float) -> tuple[float, ...]:
        return (left * edge, top * edge, right * edge, bottom * edge)

    head = chance.uniform(0.15, 0.19)
    pen.ellipse(part(0.12, 0.68, 0.88, 1.4), fill=coat)
    pen.ellipse(part(0.5 - head * 1.15, 0.16, 0.5 + head * 1.15, 0.6), fill=hair)
    pen.rectangle(part(0.43, 0.56, 0.57, 0.74), fill=skin)
    pen.ellipse(part(0.5 - head, 0.24, 0.5 + head, 0.66), fill=skin)
    return _jpeg(picture)


def _turned(portrait: bytes) -> bytes:
    picture = Image.open(io.BytesIO(portrait)).transpose(Image.Transpose.ROTATE_90)
    marks = Image.Exif()
    marks[_ORIENTATION] = _TURNED_RIGHT
    marks[0x010E] = "taken at 51.5007 N, 0.1246 W"
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=85, exif=marks)
    return out.getvalue()


def _wide(portrait: bytes) -> bytes:
    picture = Image.open(io.BytesIO(portrait))
    return _jpeg(picture.crop((0, 0, picture.width, picture.height * 3 // 4)))


def _cut(content: bytes, edge: int) -> bytes:
    picture = Image.open(io.BytesIO(content)).convert("RGB")
    return _jpeg(picture.resize((edge, edge)))


def _jpeg(picture: Image.Image) -> bytes:
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=85)
    return out.getvalue()


def _measured(content: bytes) -> tuple[int, int, str]:
    try:
        with Image.open(io.BytesIO(content)) as picture:
            return picture.width, picture.height, picture.get_format_mimetype() or "image/jpeg"
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError):
        return 0, 0, "image/jpeg"


def _etag(digest: bytes) -> str:
    return f'"{digest[:4].hex().upper()}"'
