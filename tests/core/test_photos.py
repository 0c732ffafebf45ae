"""What becomes of an avatar: set, taken away, or left alone."""

from dataclasses import dataclass, replace
from enum import Enum

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jackfield.core.photos import (
    AvatarStep,
    Kept,
    PhotoState,
    avatar_step,
    needs_reading,
)

OURS = Kept(PhotoState.SHOWN, "etag", digest="ours", set_digest="ours", mark="m-ours")


@pytest.mark.parametrize(
    ("state", "stands", "step"),
    [
        pytest.param(PhotoState.SHOWN, "", AvatarStep.SET, id="taken_away_by_hand_comes_back"),
        pytest.param(PhotoState.SHOWN, "theirs", AvatarStep.SET, id="set_by_hand_is_put_back"),
        pytest.param(PhotoState.SHOWN, "m-ours", AvatarStep.LEAVE, id="as_we_left_it"),
        pytest.param(PhotoState.SHOWN, "ours", AvatarStep.LEAVE, id="set_before_a_crash"),
        pytest.param(PhotoState.NONE, "m-ours", AvatarStep.REMOVE, id="ours_goes"),
        pytest.param(PhotoState.NONE, "ours", AvatarStep.REMOVE, id="ours_set_before_a_crash_goes"),
        pytest.param(PhotoState.NONE, "theirs", AvatarStep.LEAVE, id="theirs_stays"),
        pytest.param(PhotoState.NONE, "", AvatarStep.LEAVE, id="nothing_stands"),
        pytest.param(PhotoState.UNUSABLE, "m-ours", AvatarStep.LEAVE, id="unusable_keeps_the_old"),
        pytest.param(PhotoState.UNREAD, "", AvatarStep.LEAVE, id="unread_changes_nothing"),
    ],
)
def test_u12_avatar_steps(state: PhotoState, stands: str, step: AvatarStep) -> None:
    """Microsoft 365 owns the avatar while it has a photo; without one only ours is ours."""
    assert avatar_step(state, OURS, stands) is step


def test_u12_another_photo_replaces_the_avatar_of_the_one_before() -> None:
    """The old one is ours, and still not the one that is wanted."""
    changed = replace(OURS, digest="new")

    assert avatar_step(PhotoState.SHOWN, changed, "m-ours") is AvatarStep.SET
    assert avatar_step(PhotoState.SHOWN, changed, "ours") is AvatarStep.SET
    assert avatar_step(PhotoState.SHOWN, changed, "new") is AvatarStep.LEAVE


def test_u12_nothing_of_ours_is_nothing_to_take_away() -> None:
    """An empty mark must not be taken for the absence of an avatar."""
    assert avatar_step(PhotoState.NONE, Kept(), "") is AvatarStep.LEAVE


def test_u12_a_picture_is_read_once_per_etag() -> None:
    """Also one that turned out to be none: 20 MB are not asked for night after night."""
    judged = replace(OURS, state=PhotoState.UNUSABLE)

    assert not needs_reading("etag", judged)
    assert needs_reading("another", judged)
    assert needs_reading("etag", Kept())


class Dies(Enum):
    """Where a look ends."""

    NOT = 0
    BEFORE_WRITING = 1
    BEFORE_NOTING = 2


@dataclass
class World:
    """One person's photo at Microsoft (None: there is none), and the avatar with who set it."""

    keeps_bytes: bool
    photo: str | None = None
    stands: str = ""
    by_hand: bool = False
    kept: Kept = Kept()

    def mark_of(self, digest: str) -> str:
        """What the phone system calls an avatar: its digest, or a word of its own."""
        return digest if self.keeps_bytes else f"mark of {digest}"

    def run(self, dies: Dies) -> None:
        """One look, as the flow does it: judged, saved, written, noted."""
        if self.photo is None:
            self.kept = self.kept.missing()
        elif self.photo == "unread":
            self.kept = self.kept.unread()
        elif needs_reading(self.photo, self.kept):
            if self.photo == "no picture":
                self.kept = self.kept.unusable(self.photo)
            else:
                self.kept = self.kept.usable(self.photo, f"avatar of {self.photo}")
        state = self.kept.state
        step = avatar_step(state, self.kept, self.stands)
        if dies is Dies.BEFORE_WRITING:
            return
        if step is AvatarStep.REMOVE:
            assert not self.by_hand, "somebody's own avatar was taken away"
            self.stands = ""
        elif step is AvatarStep.SET:
            self.stands, self.by_hand = self.mark_of(self.kept.digest), False
        if dies is Dies.BEFORE_NOTING:
            return
        if state is PhotoState.NONE:
            self.kept = self.kept.was_removed()
        elif step is AvatarStep.SET:
            self.kept = self.kept.was_set(self.stands)


nights = st.lists(
    st.tuples(
        st.sampled_from([None, "a", "b", "no picture", "unread"]),
        st.sampled_from([None, None, "", "theirs"]),
        st.sampled_from(Dies),
    ),
    max_size=8,
)


@settings(max_examples=300)
@given(st.booleans(), nights)
def test_u12_avatars_follow_and_nobodys_own_is_taken_away(
    keeps_bytes: bool, happened: list[tuple[str | None, str | None, Dies]]
) -> None:
    """Whatever happens in whatever order, and wherever a run dies: one quiet look settles it."""
    world = World(keeps_bytes)
    sure = True
    for photo, by_hand, dies in happened:
        world.photo = photo
        if by_hand is not None:
            world.stands, world.by_hand = by_hand, bool(by_hand)
        world.run(dies)
        # A mark of its own that was never noted is not known for ours: it is left, not taken away.
        sure = keeps_bytes or (sure and dies is not Dies.BEFORE_NOTING)
    world.run(Dies.NOT)
    settled = (world.stands, world.kept)
    world.run(Dies.NOT)

    assert (world.stands, world.kept) == settled
    if world.photo is None:
        assert world.by_hand or not world.stands or not sure
    elif world.kept.state is PhotoState.SHOWN:
        assert world.stands == world.mark_of(f"avatar of {world.photo}")
