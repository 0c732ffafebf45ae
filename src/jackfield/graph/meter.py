"""What the calls to Microsoft cost and how they went: counted here, shown by the console.

Nothing is decided here. Counts are since the process started; what was spent is also kept second by
second, for as long as the longest window of a published limit and the last minute.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime

from jackfield.graph.errors import Call
from jackfield.graph.pace import Workload

LATENCIES_KEPT = 500
FAILURES_KEPT = 20
SPENT_KEPT_S = 60
"""How far back `Meter.spent_within` can look."""


@dataclass(frozen=True, slots=True)
class Failure:
    """One call that did not succeed, with the ids Microsoft's support asks for."""

    at: datetime
    call: Call
    what: str


@dataclass(frozen=True, slots=True)
class WorkloadFigures:
    """One tenant's calls to one workload."""

    tenant: str
    workload: Workload
    calls: int
    """Requests sent, repeated ones included."""
    units: float
    """What Microsoft counts against the limit: resource units of the directory, requests elsewhere
    (a batch counts as what is in it)."""
    busiest: float
    """The most units in any window of the limit's length, since `forget_busiest`."""
    throttled: int
    """Answers 429, and 503 with Retry-After."""
    failed: int
    """Answers that were neither success nor throttling, and calls without an answer."""
    waited_s: float
    """Spent waiting for a gate, a budget or a back-off."""
    closed_for_s: float
    """Seconds until calls go out again; 0 = they do now."""
    latency_median_ms: float
    last_request_id: str
    failures: tuple[Failure, ...]
    """The newest last."""


@dataclass(frozen=True, slots=True)
class Totals:
    """One tenant's calls to all of Graph."""

    calls: int
    throttled: int
    failed: int
    latency_median_ms: float


@dataclass(slots=True)
class _Counts:
    calls: int = 0
    throttled: int = 0
    failed: int = 0
    waited_s: float = 0.0
    latencies_ms: deque[float] = field(default_factory=lambda: deque(maxlen=LATENCIES_KEPT))
    last_request_id: str = ""
    failures: deque[Failure] = field(default_factory=lambda: deque(maxlen=FAILURES_KEPT))
    units: float = 0.0
    spent: deque[tuple[int, float]] = field(default_factory=deque)
    """Second of the clock's `monotonic`, and units spent in it; the oldest first."""
    busiest: float = 0.0


class Meter:
    """The counters of one process."""

    def __init__(self) -> None:
        self._counts: dict[tuple[str, Workload], _Counts] = {}

    def answered(
        self, tenant: str, workload: Workload, *, latency_s: float, request_id: str
    ) -> None:
        """An answer came, of whatever status."""
        counts = self._of(tenant, workload)
        counts.calls += 1
        counts.latencies_ms.append(latency_s * 1000)
        if request_id:
            counts.last_request_id = request_id

    def unanswered(self, tenant: str, workload: Workload) -> None:
        """A request was sent, and no answer came."""
        self._of(tenant, workload).calls += 1

    def spent(
        self, tenant: str, workload: Workload, units: float, *, at: float, window_s: float
    ) -> None:
        """A request was sent that counts `units`, at a moment of the clock's `monotonic`.

        `window_s` is the stretch of time that the workload's limit is about, at most a minute.
        """
        counts = self._of(tenant, workload)
        counts.units += units
        second = int(at)
        if counts.spent and counts.spent[-1][0] == second:
            counts.spent[-1] = (second, counts.spent[-1][1] + units)
        else:
            counts.spent.append((second, units))
        while counts.spent[0][0] <= second - SPENT_KEPT_S:
            counts.spent.popleft()
        within = self.spent_within(tenant, workload, window_s, at=at)
        counts.busiest = max(counts.busiest, within)

    def spent_within(self, tenant: str, workload: Workload, seconds: float, *, at: float) -> float:
        """Units spent in the `seconds` (at most `SPENT_KEPT_S`) before `at`."""
        since = int(at) - seconds
        return sum(units for second, units in self._of(tenant, workload).spent if second > since)

    def forget_busiest(self, tenant: str, workload: Workload) -> None:
        """The busiest window was written down; the next one is looked for."""
        self._of(tenant, workload).busiest = 0.0

    def throttled(self, tenant: str, workload: Workload) -> None:
        """The answer was to come back later."""
        self._of(tenant, workload).throttled += 1

    def failed(self, tenant: str, workload: Workload, failure: Failure) -> None:
        """The call has failed for good."""
        counts = self._of(tenant, workload)
        counts.failed += 1
        counts.failures.append(failure)

    def waited(self, tenant: str, workload: Workload, seconds: float) -> None:
        """A call waited for a gate, a budget or a back-off."""
        self._of(tenant, workload).waited_s += seconds

    def figures(
        self, tenant: str, workload: Workload, *, closed_for_s: float = 0.0
    ) -> WorkloadFigures:
        """What was counted since the process started."""
        counts = self._of(tenant, workload)
        latencies = sorted(counts.latencies_ms)
        return WorkloadFigures(
            tenant=tenant,
            workload=workload,
            calls=counts.calls,
            units=counts.units,
            busiest=counts.busiest,
            throttled=counts.throttled,
            failed=counts.failed,
            waited_s=counts.waited_s,
            closed_for_s=closed_for_s,
            latency_median_ms=_quantile(latencies, 0.5),
            last_request_id=counts.last_request_id,
            failures=tuple(counts.failures),
        )

    def totals(self, tenant: str) -> Totals:
        """The same over all workloads."""
        counts = [self._of(tenant, one) for one in Workload]
        latencies = sorted(one for each in counts for one in each.latencies_ms)
        return Totals(
            calls=sum(one.calls for one in counts),
            throttled=sum(one.throttled for one in counts),
            failed=sum(one.failed for one in counts),
            latency_median_ms=_quantile(latencies, 0.5),
        )

    def forget(self, tenant: str) -> None:
        """The tenant was removed."""
        for workload in Workload:
            self._counts.pop((tenant, workload), None)

    def _of(self, tenant: str, workload: Workload) -> _Counts:
        return self._counts.setdefault((tenant, workload), _Counts())


def _quantile(ordered: list[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0
