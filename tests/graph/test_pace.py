"""Several processes and tenants that speak for one application stay under what Microsoft allows."""

import asyncio
import random

import pytest

from doubles.virtual_clock import VirtualClock
from jackfield.graph.pace import ALLOWANCES, Pace, Workload, published

ACCOUNT = "https://graph.microsoft.com/v1.0/organisation/app"
GREED_S = 120.0


class Microsofts:
    """The bucket of the smallest organisation, as Microsoft fills it."""

    def __init__(self, clock: VirtualClock, workload: Workload) -> None:
        allowed = published(workload, users=1)
        assert allowed is not None
        self._clock, self._full = clock, allowed.units
        self._rate = allowed.units / allowed.per_s
        self.left = self.lowest = allowed.units
        self._at = clock.monotonic()
        self.served = 0.0

    def serve(self, units: float) -> None:
        now = self._clock.monotonic()
        self.left = min(self._full, self.left + (now - self._at) * self._rate) - units
        self._at, self.lowest = now, min(self.lowest, self.left)
        self.served += units


async def spend(
    pace: Pace, workload: Workload, bucket: Microsofts, clock: VirtualClock, units: float
) -> None:
    """Ask as fast as the pace lets, for two minutes."""
    until = clock.monotonic() + GREED_S
    while clock.monotonic() < until:
        await pace.admit(ACCOUNT, workload, units=units, until=float("inf"))
        bucket.serve(units)


@pytest.mark.parametrize("workload", [Workload.DIRECTORY, Workload.PRESENCE])
@pytest.mark.parametrize("processes", [1, 2, 3, 5])
async def test_processes_together_stay_under_the_limit(
    clock: VirtualClock, workload: Workload, processes: int
):
    """Whoever tests a connection while another process syncs must not have it throttled."""
    paces = [Pace(clock, random.Random(at)) for at in range(processes)]
    for one in paces:
        one.share_among(processes)
    bucket = Microsofts(clock, workload)

    await asyncio.gather(*(spend(one, workload, bucket, clock, 20) for one in paces))

    assert bucket.lowest >= 0
    assert bucket.served > 0.8 * GREED_S * ALLOWANCES[workload].units / ALLOWANCES[workload].per_s


async def test_a_process_that_joins_takes_its_part_from_the_others(clock: VirtualClock):
    """What the first had saved up is not spent beside what the second begins with."""
    first, second = Pace(clock, random.Random(1)), Pace(clock, random.Random(2))
    bucket = Microsofts(clock, Workload.DIRECTORY)
    await first.admit(ACCOUNT, Workload.DIRECTORY, units=0, until=0)

    for one in (first, second):
        one.share_among(2)
    greedy = (spend(one, Workload.DIRECTORY, bucket, clock, 20) for one in (first, second))
    await asyncio.gather(*greedy)

    assert bucket.lowest >= 0


async def test_what_is_counted_by_mailbox_is_not_shared(clock: VirtualClock):
    """Photos of a night would take three times as long for nothing."""
    pace = Pace(clock, random.Random(1))

    pace.share_among(3)

    assert pace.share(Workload.OUTLOOK) == pace.allowance(Workload.OUTLOOK)
    assert pace.share(Workload.DIRECTORY).units == pace.allowance(Workload.DIRECTORY).units / 3
