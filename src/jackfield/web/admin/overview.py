"""Overview: is it connected, is it in sync, what ran last, how Microsoft answers, what is wrong."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from litestar import get
from litestar.response import Template
from markupsafe import Markup

from jackfield.flows.graph_budget import HOUR
from jackfield.flows.held_actions import load_all_held
from jackfield.flows.many_left import find_many_left
from jackfield.flows.photos import WORK as PHOTOS
from jackfield.flows.run_history import changes_of
from jackfield.flows.runs import WORK as PEOPLE
from jackfield.flows.undecided import load_undecided
from jackfield.store.cursors import Resource, load_cursor
from jackfield.store.links import count_in_sync, count_links
from jackfield.store.people import count_people
from jackfield.store.phones import count_extensions
from jackfield.store.photos import count_photos
from jackfield.store.plans import PlanStatus, list_plans
from jackfield.store.runs import StoredRun, list_runs
from jackfield.store.schedule import Due, load_due
from jackfield.store.settings import load_people_settings
from jackfield.store.usage import load_calls
from jackfield.store.users import count_leavers
from jackfield.web.admin.frame import AnyRequest, load_frame, show, wants_part
from jackfield.web.admin.graph import chart_of_calls
from jackfield.web.admin.run_history import change_series
from jackfield.web.charts import Bar, stacked_bars
from jackfield.web.rooms import House

DAY = timedelta(days=1)
BARS = 20
PARTS = ("state", "news")
"""Parts that are brought up to date one by one, each by what it shows."""


@get("/", include_in_schema=False)
async def overview(request: AnyRequest, house: House) -> Template:
    """The first page."""
    tenant, now = house.tenant, house.clock.now()
    async with house.database.read() as tx:
        frame = await load_frame(tx, house)
        runs = await list_runs(tx, tenant, noteworthy=True, limit=60)
        looks = await list_runs(tx, tenant, kind=PHOTOS, limit=1)
        context: dict[str, Any] = {
            "people": await count_people(tx, tenant),
            "links": await count_links(tx, tenant),
            "leavers": await count_leavers(tx, tenant),
            "in_sync": await count_in_sync(tx, tenant),
            "standing": await load_all_held(tx, tenant),
            "many_left": await find_many_left(tx, tenant, runs, now=now),
            "undecided": await load_undecided(tx, tenant),
            "extensions": await count_extensions(tx, tenant),
            "cursor": (cursor := await load_cursor(tx, tenant, Resource.USERS)),
            "looked_at": cursor.finished_at or _looked_at(await load_due(tx, tenant, PEOPLE)),
            "settings": (await load_people_settings(tx, tenant)).value,
            "runs": runs[:5],
            "photos": {
                state.value: count for state, count in (await count_photos(tx, tenant)).items()
            },
            "photos_run": looks[0] if looks else None,
            "waiting": await list_plans(tx, tenant, status=PlanStatus.PROPOSED, limit=1),
            "calls": house.graph_figures(tenant),
            "runs_chart": chart_of_runs(runs),
            "calls_chart": chart_of_calls(
                await load_calls(tx, tenant, since=now - DAY, bucket=HOUR), now
            ),
        }
    part = next((one for one in PARTS if wants_part(request, one)), "")
    template = f"_overview_{part}.html" if part else "overview.html"
    return show(template, request, frame, "overview", **context)


def chart_of_runs(runs: Sequence[StoredRun]) -> Markup:
    """The last runs that changed something, the oldest first."""
    shown = [run for run in runs if changes_of(run.counts).total][:BARS][::-1]
    bars = [Bar(f"{run.started_at:%H:%M}", run.started_at.isoformat()) for run in shown]
    series = change_series([run.counts for run in shown])
    return stacked_bars("runs-chart", "Changes by the last runs", bars, series)


def _looked_at(state: Due) -> datetime | None:
    """When the last look that came to its end began; None before the first one."""
    return max(filter(None, (state.last_full_at, state.last_delta_at)), default=None)


ROUTES = [overview]
