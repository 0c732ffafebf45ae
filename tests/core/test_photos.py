"""What becomes of an avatar: set, taken away, or left alone."""

from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackfield.core.photos import (
    AvatarStep,
    Kept,
    PhotoState,
    avatar_step,
    needs_reading,
)

OURS = Kept(PhotoState.SHOWN, "etag", digest="ours", mark="m-ours")


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


def test_u12_nothing_of_ours_is_nothing_to_take_away() -> None:
    """An empty mark must not be taken for the absence of an avatar."""
    assert avatar_step(PhotoState.NONE, Kept(), "") is AvatarStep.LEAVE


def test_u12_a_picture_is_read_once_per_etag() -> None:
    """Also one that turned out to be none: 20 MB are not asked for night after night."""
    judged = replace(OURS, state=PhotoState.UNUSABLE)

    assert not needs_reading("etag", judged)
    assert needs_reading("another", judged)
    assert needs_reading("etag", Kept())


@dataclass
class World:
    """One person's photo at Microsoft (None: there is none), and the avatar with who set it."""

    photo: str | None = None
    unusable: bool = False
    stands: str = ""
    by_hand: bool = False
    kept: Kept = Kept()

    def run(self, *, dies_before_noting: bool) -> None:
        """One look, as the flow does it: judged, saved, written, noted."""
        if self.photo is None:
            state = PhotoState.NONE
        elif needs_reading(self.photo, self.kept):
            state = PhotoState.UNUSABLE if self.unusable else PhotoState.SHOWN
            digest = self.kept.digest if self.unusable else f"avatar of {self.photo}"
            self.kept = replace(self.kept, state=state, etag=self.photo, digest=digest)
        else:
            state = self.kept.state
        step = avatar_step(state, self.kept, self.stands)
        if step is AvatarStep.REMOVE:
            assert not self.by_hand, "somebody's own avatar was taken away"
            self.stands = ""
        elif step is AvatarStep.SET:
            self.stands, self.by_hand = self.kept.digest, False
        if dies_before_noting:
            return
        if state is PhotoState.NONE:
            self.kept = Kept(PhotoState.NONE)
        elif step is AvatarStep.SET:
            self.kept = replace(self.kept, mark=self.stands)


events = st.lists(
    st.one_of(
        st.tuples(st.just("photo"), st.sampled_from([None, "a", "b", "c"])),
        st.tuples(st.just("unusable"), st.booleans()),
        st.tuples(st.just("by hand"), st.sampled_from(["", "theirs", "others"])),
        st.tuples(st.just("run"), st.booleans()),
    ),
    max_size=30,
)


@given(events)
def test_u12_avatars_follow_and_nobodys_own_is_taken_away(
    happened: list[tuple[str, object]],
) -> None:
    """Whatever happens in whatever order, and wherever a run dies: two quiet looks settle it."""
    world = World()
    for what, value in happened:
        match what:
            case "photo":
                world.photo = value
            case "unusable":
                world.unusable = bool(value)
            case "by hand":
                world.stands, world.by_hand = str(value), bool(value)
            case _:
                world.run(dies_before_noting=bool(value))
    world.run(dies_before_noting=False)
    settled = (world.stands, world.kept)
    world.run(dies_before_noting=False)

    assert (world.stands, world.kept) == settled
    if world.photo is None:
        assert world.by_hand or not world.stands
    elif world.kept.state is PhotoState.SHOWN:
        assert world.stands == world.kept.digest == f"avatar of {world.photo}"
