"""What becomes of a person's photo and of the avatar in the phone system.

Decided here: when the picture itself has to be read, and whether an avatar is set, taken away or
left alone. Nothing here knows what a picture looks like, or where it comes from.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Avatar:
    """A picture fit to be shown: its bytes and their media type."""

    content: bytes
    content_type: str

    @property
    def digest(self) -> str:
        """SHA-256 of the bytes, 64 hexadecimal digits."""
        return hashlib.sha256(self.content).hexdigest()


class PhotoState(StrEnum):
    """How things stand with a person's photo."""

    SHOWN = "shown"
    """Microsoft 365 has one, and it is the avatar."""
    NONE = "none"
    """Microsoft 365 has none."""
    UNUSABLE = "unusable"
    """Microsoft 365 has one that cannot be an avatar: no picture, too large, ..."""
    UNREAD = "unread"
    """It could not be read; the next run tries again."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What is remembered of a person's photo.

    An ETag is remembered as long as its verdict stands, so that a photo which comes back after it
    was gone, or could not be read, is judged again.
    """

    state: PhotoState = PhotoState.UNREAD
    etag: str = ""
    """Of the photo that was last judged; "" = none was."""
    digest: str = ""
    """Of the avatar made of it; "" = there is none."""
    set_digest: str = ""
    """Of the avatar that we last set in the phone system; "" = we set none."""
    mark: str = ""
    """What the phone system called that one."""

    def usable(self, etag: str, digest: str) -> Kept:
        """The photo of that ETag became this avatar."""
        return replace(self, state=PhotoState.SHOWN, etag=etag, digest=digest)

    def unusable(self, etag: str) -> Kept:
        """The photo of that ETag cannot be an avatar; the one before stays."""
        return replace(self, state=PhotoState.UNUSABLE, etag=etag)

    def missing(self) -> Kept:
        """There is no photo. What we set is remembered until it is taken away (`was_removed`)."""
        return replace(self, state=PhotoState.NONE, etag="")

    def unread(self) -> Kept:
        """It could not be read; what stands stays."""
        return replace(self, state=PhotoState.UNREAD, etag="")

    def was_set(self, mark: str) -> Kept:
        """The avatar stands in the phone system under that mark."""
        return replace(self, set_digest=self.digest, mark=mark)

    def was_removed(self) -> Kept:
        """No avatar of ours stands in the phone system any more."""
        return replace(self, digest="", set_digest="", mark="")

    def is_ours(self, stands: str) -> bool:
        """Whether the avatar that stands (by its mark) was set by us.

        A phone system that keeps the bytes as they are marks them by their digest: that tells our
        own avatar also where the process died before the mark was noted.
        """
        return bool(stands) and stands in {self.mark, self.digest, self.set_digest}

    def is_wanted(self, stands: str) -> bool:
        """Whether the avatar that stands is the one made of the photo last judged."""
        if not stands:
            return False
        return stands == self.digest or (stands == self.mark and self.set_digest == self.digest)


def needs_reading(etag: str, kept: Kept) -> bool:
    """Whether the picture has to be read: not while the ETag is that of the one last judged."""
    return etag != kept.etag


class AvatarStep(StrEnum):
    """What is to be done to the avatar in the phone system."""

    LEAVE = "leave"
    SET = "set"
    REMOVE = "remove"


def avatar_step(state: PhotoState, kept: Kept, stands: str) -> AvatarStep:
    """What is to be done, by the photo's state now and the mark of the avatar that stands ("").

    Microsoft 365 owns the avatar while it has a photo, as it owns every synced field: one that was
    set or taken away by hand comes back. Without a photo only our own is taken away. A photo that
    cannot be used changes nothing.
    """
    match state:
        case PhotoState.SHOWN:
            return AvatarStep.LEAVE if kept.is_wanted(stands) else AvatarStep.SET
        case PhotoState.NONE:
            return AvatarStep.REMOVE if kept.is_ours(stands) else AvatarStep.LEAVE
        case PhotoState.UNUSABLE | PhotoState.UNREAD:
            return AvatarStep.LEAVE
