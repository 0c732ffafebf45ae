"""Nothing goes to a phone system for a process whose work a peer may have taken over."""

from collections.abc import Sequence

import pytest

from doubles.house import House
from jackfield.flows.run_rows import LeaseLost
from jackfield.flows.writing import CLEAR_FOR_S, cleared, write_all
from jackfield.pbx.port import Done, Outcome, RefusalCode, Refused, Unanswered
from jackfield.store.transaction import Transaction

# What differs between the databases is in tests/store/test_processes.py.
pytestmark = pytest.mark.parametrize("migrated_url", ["sqlite"], indirect=True)


class Fence:
    """Lets through; the process sleeps so long after each asking, and may lose its lease."""

    def __init__(self, house: House, *sleeps_s: float, lost_after: int = 99) -> None:
        self._house = house
        self._sleeps_s = list(sleeps_s)
        self._lost_after = lost_after
        self.asked = 0

    async def __call__(self, _: Transaction) -> None:
        self.asked += 1
        if self.asked > self._lost_after:
            raise LeaseLost
        self._house.clock.advance(self._sleeps_s.pop(0) if self._sleeps_s else 0.0)


@pytest.mark.parametrize(
    ("sleeps_s", "asked"),
    [
        pytest.param([], 1, id="awake"),
        pytest.param([CLEAR_FOR_S / 2], 1, id="slow_but_within_the_lease"),
        pytest.param([CLEAR_FOR_S], 2, id="paused"),
        pytest.param([600, CLEAR_FOR_S], 3, id="paused_again_and_again"),
    ],
)
async def test_who_was_paused_behind_the_fence_asks_again(
    house: House, sleeps_s: list[float], asked: int
) -> None:
    """A virtual machine that is moved, a laptop that is shut: the clock tells what was missed."""
    fence = Fence(house, *sleeps_s)

    await cleared(house.database, house.clock, fence)

    assert fence.asked == asked


async def test_who_woke_up_too_late_sends_nothing(house: House) -> None:
    """The peer that has the work by now is at it already."""
    fence = Fence(house, CLEAR_FOR_S, lost_after=1)
    sent: list[Sequence[int]] = []

    async def call(writes: list[int]) -> list[Outcome]:
        sent.append(writes)
        return [Done() for _ in writes]

    with pytest.raises(LeaseLost):
        await write_all([1, 2], call, lambda: cleared(house.database, house.clock, fence))

    assert sent == []


async def test_each_repetition_is_cleared_anew(house: House) -> None:
    """Between two tries, too, the work may have gone to somebody else."""
    fence = Fence(house)
    refused = Refused(RefusalCode.OTHER, "no")
    answers: list[list[Outcome]] = [[Unanswered("?"), refused, Unanswered("?")], [Done(), Done()]]
    sent: list[list[int]] = []

    async def call(writes: list[int]) -> list[Outcome]:
        sent.append(writes)
        return answers.pop(0)

    outcomes = await write_all([1, 2, 3], call, lambda: cleared(house.database, house.clock, fence))

    assert sent == [[1, 2, 3], [1, 3]]
    assert outcomes == [Done(), refused, Done()]
    assert fence.asked == 2
