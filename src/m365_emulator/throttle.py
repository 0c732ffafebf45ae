"""Throttling of the identity and access workload: resource units in a bucket per app and tenant.

What a request costs, and whether the bucket still holds it. A refused request is charged all the
same, down to 1.8 times the limit, so a client that hammers waits longer. Other workloads' limits,
write quotas and `x-ms-throttle-priority` are not played.
Source: Graph docs, concepts/throttling-limits, identity and access service limits, read 2026-11.
"""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from m365_emulator.clock import Clock
from m365_emulator.errors import GraphError

WINDOW_S = 10
SMALL, MEDIUM, LARGE = 3500, 5000, 8000
MOST_USED = 1.8
WARN_FROM = 0.8

_ID = r"(?:/[^/]+|\([^)]*\))"
_COSTS: tuple[tuple[str, re.Pattern[str], int], ...] = tuple(
    (method, re.compile(pattern, re.IGNORECASE), units)
    for method, pattern, units in (
        ("GET", r"/users", 2),
        ("GET", rf"/groups{_ID}/members(?:/.*)?", 3),
        ("GET", rf"/groups{_ID}/transitiveMembers(?:/.*)?", 5),
        ("GET", rf"/users{_ID}/(?:memberOf|transitiveMemberOf)(?:/.*)?", 2),
        ("GET", rf"/users{_ID}/licenseDetails", 2),
        ("GET", rf"/users{_ID}/ownedObjects", 2),
        ("POST", rf"/(?:users|directoryObjects){_ID}/checkMember(?:Groups|Objects)", 4),
        ("POST", rf"/(?:users|directoryObjects){_ID}/getMember(?:Groups|Objects)", 2),
        ("GET", r"/subscribedSkus", 3),
        ("POST", r"/directoryObjects/getByIds", 3),
        ("GET", r"/applications", 2),
        ("GET", rf"/servicePrincipals{_ID}/appRoleAssignments", 2),
        ("GET", r"/oauth2PermissionGrants(?:/.*)?", 2),
    )
)
_ELSEWHERE = re.compile(rf"/\$batch|/users{_ID}/photos?(?:/.*)?", re.IGNORECASE)


def is_charged(path: str) -> bool:
    """Whether this bucket pays: photos are Exchange's workload, and a batch pays by its parts."""
    return _ELSEWHERE.fullmatch(path.rstrip("/")) is None


def cost_of(method: str, path: str, query: Mapping[str, str]) -> int:
    """Resource units of a request; `path` without the version, at least 1."""
    units = next(
        (
            units
            for verb, pattern, units in _COSTS
            if verb == method and pattern.fullmatch(path.rstrip("/"))
        ),
        1,
    )
    if "$select" in query:
        units -= 1
    if "$expand" in query:
        units += 1
    top = query.get("$top", "")
    if top.isdecimal() and int(top) < 20:
        units -= 1
    return max(units, 1)


@dataclass(slots=True)
class _Bucket:
    used: float
    at: datetime


class Throttle:
    """The buckets. `people` says how many there are, for that sets the tenant's size and limit."""

    def __init__(self, clock: Clock, people: Callable[[], int]) -> None:
        self._clock = clock
        self._people = people
        self._buckets: dict[tuple[str, str], _Bucket] = {}
        self.own_limit: int | None = None
        self.refused = 0

    @property
    def limit(self) -> int:
        """Units per 10 seconds: by the tenant's size unless the control API has set another."""
        if self.own_limit is not None:
            return self.own_limit
        people = self._people()
        if people < 50:
            return SMALL
        return MEDIUM if people <= 500 else LARGE

    def charge(self, app_id: str, tenant_id: str, units: int) -> dict[str, str]:
        """Headers for the answer; GraphError 429 when the bucket is empty."""
        limit = self.limit
        now = self._clock()
        bucket = self._buckets.setdefault((app_id, tenant_id), _Bucket(0.0, now))
        drained = (now - bucket.at).total_seconds() * limit / WINDOW_S
        bucket.used = max(bucket.used - drained, 0.0)
        bucket.at = now
        fits = bucket.used + units <= limit
        bucket.used = min(bucket.used + units, limit * MOST_USED)
        headers = {"x-ms-resource-unit": str(units)}
        share = bucket.used / limit
        if share >= WARN_FROM:
            headers["x-ms-throttle-limit-percentage"] = f"{share:.2f}"
        if fits:
            return headers
        self.refused += 1
        wait_s = max(math.ceil((bucket.used - limit + units) * WINDOW_S / limit), 1)
        headers |= {
            "Retry-After": str(wait_s),
            "x-ms-throttle-scope": f"Tenant_Application/ReadWrite/{app_id}/{tenant_id}",
            "x-ms-throttle-information": "ResourceUnitLimitExceeded",
        }
        raise GraphError(
            429,
            "Request_ThrottledTemporarily",
            "Your request is throttled temporarily. Please try after the time given in the "
            "Retry-After header.",
            headers=headers,
        )

    def forget(self) -> None:
        """All buckets full again, the limit by size again."""
        self._buckets.clear()
        self.own_limit = None
