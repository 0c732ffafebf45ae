"""What the tenant spends of Microsoft Graph's limits, over the API."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec
from litestar import get

from jackfield.core.graph_forecast import Cost
from jackfield.flows.graph_budget import WorkloadBudget
from jackfield.web.api.refusals import told
from jackfield.web.rooms import House


class LimitOut(msgspec.Struct):
    """So many units in so many seconds."""

    units: float
    per_s: float


class WorkloadOut(msgspec.Struct):
    """One part of Graph; units are resource units of `directory`, requests elsewhere.

    `allowed` is by Microsoft, in a tenant of this size (`outlook`: for each mailbox); null where no
    figure is published. `kept_to` is by Jackfield: calls wait for it.
    """

    allowed: LimitOut | None
    kept_to: LimitOut
    last_window: Annotated[
        float, msgspec.Meta(description="Units in the last `kept_to.per_s` seconds.")
    ]
    last_minute: float
    busiest: Annotated[
        int, msgspec.Meta(description="Units in the fullest such window of the last 24 hours.")
    ]
    units: Annotated[int, msgspec.Meta(description="Units of the last 24 hours.")]
    calls: Annotated[int, msgspec.Meta(description="Requests sent in the last 24 hours.")]
    throttled: Annotated[
        int, msgspec.Meta(description="Of these, answered with 429, or 503 with Retry-After.")
    ]
    failed: int
    closed_for_s: Annotated[
        float, msgspec.Meta(description="Seconds until calls go out again; 0: they do now.")
    ]


class CostOut(msgspec.Struct):
    """What some work asks of Graph, when nothing has to be repeated."""

    requests: Annotated[int, msgspec.Meta(description="Over the network; 20 photos are one.")]
    units: Annotated[int, msgspec.Meta(description="Resource units of the directory.")]
    photos: Annotated[
        int, msgspec.Meta(description="Photos looked at, each counted against its own mailbox.")
    ]


class ForecastOut(msgspec.Struct):
    """What is to come at the present size and interval.

    `full` is the next full sync, photos included, `look` one look for changes.
    """

    full: CostOut
    look: CostOut
    looks: Annotated[int, msgspec.Meta(description="Looks for changes in a day.")]
    day: CostOut
    busiest: Annotated[
        int,
        msgspec.Meta(
            description="Units at most in one window of the directory, with a full sync in it."
        ),
    ]
    share: Annotated[
        float,
        msgspec.Meta(description="Of what Microsoft allows in such a window, 0 to 1."),
    ]
    slowed_s: Annotated[
        float, msgspec.Meta(description="By how much the pace lengthens a full sync; 0: not.")
    ]


class GraphBudgetOut(msgspec.Struct):
    """Spent, allowed, and expected.

    Null stands for a part of Graph that is not used. Where several processes share the work,
    `last_window` and `last_minute` are of the one that answers.
    """

    at: datetime
    people: Annotated[int, msgspec.Meta(description="Users of Microsoft 365, as last seen.")]
    groups: int
    processes: Annotated[
        int, msgspec.Meta(description="Processes of Jackfield that share `kept_to` evenly.")
    ]
    interval_s: Annotated[
        int, msgspec.Meta(description="Seconds between looks for changes; 0: none by themselves.")
    ]
    directory: WorkloadOut | None
    outlook: WorkloadOut | None
    presence: WorkloadOut | None
    subscriptions: WorkloadOut | None
    forecast: ForecastOut


@get(
    "/graph", summary="What is spent of Microsoft Graph's limits, and a forecast", responses=told()
)
async def graph(house: House) -> GraphBudgetOut:
    """Per tenant and application, as the page *Microsoft Graph* shows it."""
    budget = await house.budgets.load(house.tenant)
    expected = budget.expected
    parts = {one.workload.value: _workload(one) for one in budget.workloads}
    return GraphBudgetOut(
        budget.at,
        budget.size.people,
        budget.size.groups,
        budget.processes,
        budget.interval_s,
        parts.get("directory"),
        parts.get("outlook"),
        parts.get("presence"),
        parts.get("subscriptions"),
        ForecastOut(
            _cost(expected.full),
            _cost(expected.look),
            expected.looks,
            _cost(expected.day),
            budget.busiest,
            budget.share,
            budget.full_paced_s,
        ),
    )


def _workload(one: WorkloadBudget) -> WorkloadOut:
    allowed = LimitOut(one.allowed.units, one.allowed.per_s) if one.allowed else None
    return WorkloadOut(
        allowed,
        LimitOut(one.kept_to.units, one.kept_to.per_s),
        one.last_window,
        one.last_minute,
        one.day.busiest,
        one.day.units,
        one.day.calls,
        one.day.throttled,
        one.day.errors,
        one.closed_for_s,
    )


def _cost(cost: Cost) -> CostOut:
    return CostOut(cost.requests, cost.units, cost.photos)


ROUTES = (graph,)
