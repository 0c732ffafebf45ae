"""What the next rounds through Microsoft 365 will cost, from the size of the tenant.

Decided here: how many requests a full sync, a look for changes and a whole day take, and how near
the busiest moment comes to what Microsoft allows. What was really spent is counted elsewhere.
Source of the costs: Graph docs, concepts/throttling-limits, read 2026-11. A list of users costs 2
resource units and 1 less for its `$select`; a page of changes 1; the licences bought 3.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

DAY_S = 86_400
USERS_A_PAGE = 999
GROUPS_A_PAGE = 100
"""A guess for as long as no full round was counted: Microsoft 365 cuts the pages as it likes."""
PHOTOS_A_REQUEST = 20
LICENCE_UNITS = 3


@dataclass(frozen=True, slots=True)
class Size:
    """How much there is to read."""

    people: int
    """Users that Microsoft 365 has, guests included."""
    groups: int
    photos: int
    """People whose photo is looked at; 0 where photos are off."""
    user_pages: int = 0
    """Requests of the last full round through the users; 0 = not known yet."""
    group_pages: int = 0
    """The same of the groups."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What some work asks of Microsoft Graph, when nothing has to be repeated."""

    requests: int = 0
    """Over the network; twenty photos are one."""
    units: int = 0
    """Resource units of the directory."""
    photos: int = 0
    """Reads of a photo, each counted against the mailbox it belongs to."""

    def times(self, count: int) -> Cost:
        """The same so many times."""
        return Cost(self.requests * count, self.units * count, self.photos * count)

    def __add__(self, other: Cost) -> Cost:
        return Cost(
            self.requests + other.requests,
            self.units + other.units,
            self.photos + other.photos,
        )


@dataclass(frozen=True, slots=True)
class Forecast:
    """The next full sync, a look for changes, and a day of both at the present size and interval.

    Pictures that have changed come on top, two requests each at most.
    """

    full: Cost
    look: Cost
    looks: int
    """Looks for changes in a day; 0 where they are off."""
    day: Cost


def forecast(size: Size, *, interval_s: int) -> Forecast:
    """What is to come, with a look for changes every `interval_s` seconds (0 = never)."""
    users = size.user_pages or 2 + max(1, math.ceil(size.people / USERS_A_PAGE))
    # A round is never shorter than the list of everybody who is there now.
    users = max(users, math.ceil(size.people / USERS_A_PAGE))
    groups = size.group_pages or max(1, math.ceil(size.groups / GROUPS_A_PAGE))
    directory = Cost(users + groups + 1, users + groups + LICENCE_UNITS)
    photos = Cost(math.ceil(size.photos / PHOTOS_A_REQUEST), 0, size.photos)
    look = Cost(2, 2)
    looks = DAY_S // interval_s if interval_s else 0
    full = directory + photos
    return Forecast(full, look, looks, full + look.times(looks))


def busiest_units(expected: Forecast, *, interval_s: int, window_s: float) -> int:
    """The most resource units that one window of a limit can hold.

    As if the whole of a full sync fell into it, between as many looks for changes as fit.
    """
    looks = math.ceil(window_s / interval_s) if interval_s else 0
    return expected.full.units + expected.look.units * looks


def paced_s(units: float, allowance: float, per_s: float) -> float:
    """Seconds by which work of so many units is slowed down to keep to `allowance` in `per_s`."""
    return max(0.0, (units - allowance) * per_s / allowance)
