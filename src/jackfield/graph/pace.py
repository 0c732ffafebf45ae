"""How fast we may ask: one budget and one gate per account and workload, shared by all callers.

An account is whom Microsoft counts: one application in one organisation, however many of our
tenants use it. Decided here: how long a call waits before it goes out and between two tries. A 429
closes the gate for everyone who uses that workload, not only for the call that met it. Everything
is in memory, and each of several processes keeps to its share, so that together they never spend
more than one alone. What may be repeated at all is decided in `client.py`.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from jackfield.clock import Clock

FIRST_BACKOFF_S = 1.0
LONGEST_BACKOFF_S = 60.0
LONGEST_GATE_S = 3600.0
"""A Retry-After beyond this is not believed for longer: we ask again then."""
SLOWED_FOR_S = 10.0


class Workload(StrEnum):
    """The parts of Graph that count their callers separately."""

    DIRECTORY = "directory"
    OUTLOOK = "outlook"
    PRESENCE = "presence"
    SUBSCRIPTIONS = "subscriptions"


@dataclass(frozen=True, slots=True)
class Allowance:
    """So many units in so many seconds, for one application in one tenant."""

    units: float
    per_s: float


ALLOWANCES: Mapping[Workload, Allowance] = {
    # Resource units; 3,500 is the smallest tenant's bucket (under 50 users).
    # Source: Graph docs, concepts/throttling-limits, read 2026-11.
    Workload.DIRECTORY: Allowance(3500, 10),
    # Per mailbox it is 10,000 in 10 minutes; this is all mailboxes together, our own choice.
    Workload.OUTLOOK: Allowance(1000, 10),
    Workload.PRESENCE: Allowance(1500, 30),
    # Microsoft names no number; our own choice.
    Workload.SUBSCRIPTIONS: Allowance(50, 10),
}
_BY_MAILBOX = frozenset({Workload.OUTLOOK})
"""Microsoft counts these by mailbox, of which no call of ours spends more than a little."""


def published(workload: Workload, users: int) -> Allowance | None:
    """What Microsoft allows one application in one tenant of so many users; None = not told.

    Of Outlook it is what one mailbox allows. Source: Graph docs, concepts/throttling-limits, read
    2026-11.
    """
    match workload:
        case Workload.DIRECTORY:
            return Allowance(3500 if users < 50 else 5000 if users <= 500 else 8000, 10)
        case Workload.OUTLOOK:
            return Allowance(10_000, 600)
        case Workload.PRESENCE:
            return Allowance(1500, 30)
        case Workload.SUBSCRIPTIONS:
            return None


class WaitTooLong(Exception):
    """The call would have to wait longer than its caller has time; `wait_s` says how long."""

    def __init__(self, wait_s: float) -> None:
        super().__init__(f"{wait_s:.1f} s")
        self.wait_s = wait_s


@dataclass(slots=True)
class _Lane:
    units: float
    filled_at: float
    closed_until: float = 0.0
    slowed_until: float = 0.0
    slowness: float = 1.0


class Pace:
    """The budgets and gates of one process."""

    def __init__(
        self,
        clock: Clock,
        rng: random.Random,
        *,
        allowances: Mapping[Workload, Allowance] = ALLOWANCES,
    ) -> None:
        self._clock = clock
        self._rng = rng
        self._allowances = allowances
        self._lanes: dict[tuple[str, Workload], _Lane] = {}
        self.processes = 1
        """How many may speak for each account at this moment, this one included."""

    def share_among(self, processes: int) -> None:
        """From now on so many processes keep to one budget; this one to its part."""
        self.processes = max(1, processes)

    async def admit(self, account: str, workload: Workload, *, units: float, until: float) -> None:
        """Wait until a call of `units` may go out.

        `until` is a moment of the clock's `monotonic`; raises `WaitTooLong` if it comes first.
        """
        lane = self._lane(account, workload)
        paid = False
        while True:
            now = self._clock.monotonic()
            wait = lane.closed_until - now
            if wait <= 0 and not paid:
                wait = self._take(lane, workload, units, now)
                paid = True
            if wait <= 0:
                return
            if now + wait > until:
                if paid:
                    lane.units += units
                raise WaitTooLong(wait)
            await self._clock.sleep(wait + self._jitter(wait))

    def close(self, account: str, workload: Workload, wait_s: float) -> None:
        """Let nobody through for `wait_s` seconds."""
        lane = self._lane(account, workload)
        until = self._clock.monotonic() + min(wait_s, LONGEST_GATE_S)
        lane.closed_until = max(lane.closed_until, until)

    def observe(
        self, account: str, workload: Workload, headers: Mapping[str, str], *, units: float
    ) -> float:
        """Learn from an answer whether a limit is near, and what the call really cost.

        Returns the cost: what the answer says, else the `units` that were expected.
        """
        lane = self._lane(account, workload)
        cost = _number(headers.get("x-ms-resource-unit"))
        if cost is None or not 0 < cost < math.inf:
            cost = units
        else:
            lane.units -= min(cost, self.share(workload).units) - units
        used = _number(headers.get("x-ms-throttle-limit-percentage"))
        if used is not None and used >= 0.8:
            # 0.8 to 1.8 of the limit, shown above 80 %. Source: Graph docs, concepts/throttling.
            lane.slowness = 4.0 if used >= 1.0 else 2.0
            lane.slowed_until = self._clock.monotonic() + SLOWED_FOR_S
        return cost

    def allowance(self, workload: Workload) -> Allowance:
        """What all processes together keep to, for each account."""
        return self._allowances[workload]

    def share(self, workload: Workload) -> Allowance:
        """What this process keeps to."""
        whole = self._allowances[workload]
        among = 1 if workload in _BY_MAILBOX else self.processes
        return Allowance(whole.units / among, whole.per_s)

    def closed_for_s(self, account: str, workload: Workload) -> float:
        """Seconds until the gate opens; 0 if it is open."""
        return max(0.0, self._lane(account, workload).closed_until - self._clock.monotonic())

    def backoff_s(self, tries: int) -> float:
        """How long to wait after the `tries`-th failure (from 1): 1, 2, 4 ... 60 s, with jitter."""
        base: float = min(LONGEST_BACKOFF_S, FIRST_BACKOFF_S * 2 ** min(tries - 1, 16))
        return min(LONGEST_BACKOFF_S, base * self._rng.uniform(1.0, 1.5))

    def forget(self, account: str) -> None:
        """Nobody asks for this account any more."""
        for workload in Workload:
            self._lanes.pop((account, workload), None)

    def _take(self, lane: _Lane, workload: Workload, units: float, now: float) -> float:
        """Book the units, even into debt; returns how long until they are there."""
        allowance = self.share(workload)
        slowness = lane.slowness if now < lane.slowed_until else 1.0
        rate = allowance.units / allowance.per_s / slowness
        full = allowance.units
        lane.units = min(full, lane.units + (now - lane.filled_at) * rate)
        lane.filled_at = now
        lane.units -= units
        return max(0.0, -lane.units / rate)

    def _lane(self, account: str, workload: Workload) -> _Lane:
        key = (account, workload)
        if key not in self._lanes:
            full = self.share(workload).units
            self._lanes[key] = _Lane(units=full, filled_at=self._clock.monotonic())
        return self._lanes[key]

    def _jitter(self, wait_s: float) -> float:
        """A little later than asked, never earlier, so that those who wait do not come together."""
        return self._rng.uniform(0.0, min(2.0, 0.05 + 0.1 * wait_s))


def _number(text: str | None) -> float | None:
    try:
        return None if text is None else float(text)
    except ValueError:
        return None
