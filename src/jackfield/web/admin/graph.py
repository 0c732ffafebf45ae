"""Microsoft Graph: what is spent of the published limits, and what the next rounds will take."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from litestar import get
from litestar.response import Template
from markupsafe import Markup

from jackfield.flows.graph_budget import HOUR, GraphBudget
from jackfield.store.usage import Bucket, Calls
from jackfield.web.admin.frame import AnyRequest, load_frame, show, wants_part
from jackfield.web.charts import Bar, Series, stacked_bars
from jackfield.web.rooms import House

NAMES = {
    "directory": "People, groups and licences",
    "outlook": "Photos",
    "presence": "Presence",
    "subscriptions": "Notifications",
}
NEAR = 0.8
"""A share of the limit from which Microsoft begins to warn (Graph docs, concepts/throttling)."""


@get("/graph", include_in_schema=False)
async def graph(request: AnyRequest, house: House) -> Template:
    """Budgets and forecast of the tenant."""
    budget = await house.budgets.load(house.tenant)
    async with house.database.read() as tx:
        frame = await load_frame(tx, house)
    return show(
        "_graph_body.html" if wants_part(request, "budgets") else "graph.html",
        request,
        frame,
        "overview",
        budget=budget,
        names=NAMES,
        near=NEAR,
        one_process=not house.process_name(),
        busiest_chart=_chart_of_busiest(budget),
        calls_chart=chart_of_calls(budget.hours, budget.at),
    )


def chart_of_calls(buckets: Sequence[Bucket], now: datetime) -> Markup:
    """Calls to Microsoft Graph, hour by hour, the last 24 of them."""
    by_hour = {bucket.begins_at: bucket.by_workload.values() for bucket in buckets}
    hours = _hours(now)
    answered, throttled, failed = [], [], []
    for hour in hours:
        calls = list(by_hour.get(hour, ()))
        throttled.append(float(sum(one.throttled for one in calls)))
        failed.append(float(sum(one.errors for one in calls)))
        answered.append(max(0.0, sum(one.calls for one in calls) - throttled[-1] - failed[-1]))
    series = (
        Series("Answered", tuple(answered)),
        Series("Failed", tuple(failed), "bad"),
        Series("Throttled", tuple(throttled), "warn"),
    )
    return stacked_bars("calls-chart", "Graph calls by the hour", _bars(hours), series)


def _chart_of_busiest(budget: GraphBudget) -> Markup:
    """The fullest window of the directory's limit, hour by hour."""
    key = budget.directory.workload.value
    by_hour = {one.begins_at: one.by_workload.get(key, Calls()) for one in budget.hours}
    hours = _hours(budget.at)
    values = tuple(float(by_hour.get(hour, Calls()).busiest) for hour in hours)
    title = (
        f"Resource units in the busiest {budget.directory.kept_to.per_s:.0f} seconds of the hour"
    )
    series = (Series("Resource units", values),)
    return stacked_bars("busiest-chart", title, _bars(hours), series)


def _hours(now: datetime) -> list[datetime]:
    this_hour = now.replace(minute=0, second=0, microsecond=0)
    return [this_hour - HOUR * back for back in range(23, -1, -1)]


def _bars(hours: Sequence[datetime]) -> list[Bar]:
    return [Bar(f"{hour:%H:%M}", hour.isoformat()) for hour in hours]


ROUTES = [graph]
