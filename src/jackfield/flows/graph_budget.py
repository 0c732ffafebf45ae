"""What a tenant asks of Microsoft Graph: spent, allowed, and what the next rounds will take.

Spent in the last minute is what this process knows; the day is written down by all of them. What a
round costs is decided in `core/graph_forecast.py`, what is allowed stands in `graph/pace.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from jackfield.clock import Clock
from jackfield.core.graph_forecast import Forecast, Size, busiest_units, forecast, paced_s
from jackfield.flows.connections import Connections
from jackfield.graph.pace import Allowance, Workload, published
from jackfield.store.cursors import Cursor, Resource, load_cursor
from jackfield.store.database import Database
from jackfield.store.groups import count_groups
from jackfield.store.links import count_links
from jackfield.store.people import count_people
from jackfield.store.settings import load_people_settings
from jackfield.store.usage import Bucket, Calls, load_calls

HOUR = timedelta(hours=1)
MINUTE_S = 60.0


@dataclass(frozen=True, slots=True)
class WorkloadBudget:
    """One part of Graph that counts its callers by itself.

    Units are resource units of the directory, and requests elsewhere.
    """

    workload: Workload
    allowed: Allowance | None
    """By Microsoft, to one application in this tenant (Outlook: for each mailbox); None = no figure
    is published."""
    kept_to: Allowance
    """By Jackfield, in all its processes: calls wait so that they never spend more."""
    last_window: float
    """Units spent lately, in as many seconds as `kept_to.per_s`."""
    last_minute: float
    day: Calls
    """The last 24 hours; `busiest` is the fullest window of `kept_to.per_s` seconds."""
    closed_for_s: float
    """Seconds until calls go out again; 0 = they do now."""


@dataclass(frozen=True, slots=True)
class GraphBudget:
    """Everything about one tenant's requests, as of one moment."""

    at: datetime
    size: Size
    processes: int
    """Of Jackfield, sharing what it keeps to evenly."""
    interval_s: int
    """Seconds between two looks for changes; 0 = none by themselves."""
    workloads: tuple[WorkloadBudget, ...]
    """The directory always, others where they are used."""
    hours: Sequence[Bucket]
    """The last 24 hours, the oldest first; hours without a call are left out."""
    expected: Forecast
    busiest: int
    """Resource units at most in a window of the directory's limit, with a full sync in it."""
    full_paced_s: float
    """By how many seconds a full sync is slowed down to keep to what one process may spend."""

    @property
    def directory(self) -> WorkloadBudget:
        """The part that people and groups are read from."""
        return self.workloads[0]

    @property
    def share(self) -> float:
        """How much of Microsoft's limit that takes, 0 to 1: Jackfield never spends more."""
        allowed = self.directory.allowed
        kept = min(self.busiest, self.directory.kept_to.units)
        return 0.0 if allowed is None else kept / allowed.units


class GraphBudgets:
    """Tells what tenants spend."""

    def __init__(self, database: Database, connections: Connections, clock: Clock) -> None:
        self._database = database
        self._connections = connections
        self._clock = clock

    async def load(self, tenant: int) -> GraphBudget:
        """One tenant's budget now."""
        now = self._clock.now()
        async with self._database.read() as tx:
            settings = (await load_people_settings(tx, tenant)).value
            users = await load_cursor(tx, tenant, Resource.USERS)
            groups = await load_cursor(tx, tenant, Resource.GROUPS)
            size = Size(
                people=(await count_people(tx, tenant)).present,
                groups=await count_groups(tx, tenant),
                photos=(await count_links(tx, tenant)).linked if settings.photos else 0,
                user_pages=_requests(users),
                group_pages=_requests(groups),
            )
            hours = await load_calls(tx, tenant, since=now - timedelta(days=1), bucket=HOUR)
        interval_s = settings.schedule.delta_interval_s if settings.enabled else 0
        expected = forecast(size, interval_s=interval_s)
        kept_to = self._connections.pace.share(Workload.DIRECTORY)
        budgets = [self._budget(tenant, one, size, hours) for one in Workload]
        return GraphBudget(
            at=now,
            size=size,
            processes=self._connections.pace.processes,
            interval_s=interval_s,
            workloads=tuple(one for one in budgets if _is_used(one, size)),
            hours=hours,
            expected=expected,
            busiest=busiest_units(expected, interval_s=interval_s, window_s=kept_to.per_s),
            full_paced_s=paced_s(expected.full.units, kept_to.units, kept_to.per_s),
        )

    def _budget(
        self, tenant: int, workload: Workload, size: Size, hours: Sequence[Bucket]
    ) -> WorkloadBudget:
        meter = self._connections.meter
        who, at = str(tenant), self._clock.monotonic()
        kept_to = self._connections.pace.allowance(workload)
        return WorkloadBudget(
            workload=workload,
            allowed=published(workload, size.people),
            kept_to=kept_to,
            last_window=meter.spent_within(who, workload, kept_to.per_s, at=at),
            last_minute=meter.spent_within(who, workload, MINUTE_S, at=at),
            day=sum((one.by_workload.get(workload.value, Calls()) for one in hours), Calls()),
            closed_for_s=self._connections.closed_for_s(tenant, workload),
        )


def _requests(cursor: Cursor) -> int:
    """What the last full round asked for: its first step only says where it begins."""
    return max(0, cursor.full_pages - 1)


def _is_used(budget: WorkloadBudget, size: Size) -> bool:
    if budget.workload is Workload.DIRECTORY:
        return True
    if budget.workload is Workload.OUTLOOK and size.photos:
        return True
    return bool(budget.day.calls or budget.last_minute)
