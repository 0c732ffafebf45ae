"""The history of runs in charts: what they changed, how long they took, how they ended."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import timedelta

from litestar import get
from litestar.params import FromQuery
from litestar.response import Template
from markupsafe import Markup

from jackfield.core.schedule import Mode
from jackfield.core.waiting import length
from jackfield.flows.photos import WORK as PHOTOS
from jackfield.flows.run_history import DAY, PERIODS, Period, changes_of, load_stretches
from jackfield.flows.runs import WORK as PEOPLE
from jackfield.store.run_history import Stretch
from jackfield.store.runs import RunStatus
from jackfield.web.admin.asking import check_choice
from jackfield.web.admin.frame import AnyRequest, load_frame, show, wants_part
from jackfield.web.charts import Bar, Line, Series, lines, stacked_bars
from jackfield.web.rooms import House


@get("/runs/history", include_in_schema=False)
async def run_history(request: AnyRequest, house: House, period: FromQuery[str] = "") -> Template:
    """Charts over a period."""
    check_choice("period", period, PERIODS)
    period = period or DAY
    chosen = PERIODS[period]
    async with house.database.read() as tx:
        frame = await load_frame(tx, house)
        history = await load_stretches(tx, house.tenant, chosen, now=house.clock.now())
    ended = sum((one.by_status for one in history), start=Counter[RunStatus]())
    return show(
        "_run_history.html" if wants_part(request, "history") else "run_history.html",
        request,
        frame,
        "runs",
        tab="history",
        periods=PERIODS,
        period=period,
        chosen=chosen,
        ended={status.value: ended.get(status, 0) for status in RunStatus},
        total=ended.total(),
        held=sum(one.held for one in history),
        changes=sum(changes_of(one.counts).total for one in history),
        changes_chart=_chart_of_changes(history, chosen),
        durations_chart=_chart_of_durations(history, chosen),
        failures_chart=_chart_of_failures(history, chosen),
        runs_chart=_chart_of_runs(history, chosen),
    )


def change_series(history: Sequence[Mapping[str, int]]) -> tuple[Series, ...]:
    """The three colours of a chart of changes."""
    figures = [changes_of(counts) for counts in history]
    return (
        Series("Created", tuple(float(one.created) for one in figures)),
        Series("Updated", tuple(float(one.updated) for one in figures)),
        Series("Disabled or removed", tuple(float(one.stopped) for one in figures)),
    )


def _bars(history: Sequence[Stretch], period: Period) -> list[Bar]:
    if period.stretch < timedelta(hours=6):
        return [Bar(f"{one.begins_at:%H:%M}", one.begins_at.isoformat()) for one in history]
    form = "%-d %b" if period.stretch >= timedelta(days=1) else "%-d %b, %H:%M"
    return [Bar(one.begins_at.strftime(form)) for one in history]


def _chart_of_changes(history: Sequence[Stretch], period: Period) -> Markup:
    series = change_series([one.counts for one in history])
    return stacked_bars(
        "changes-chart", f"Changes by the {period.noun}", _bars(history, period), series
    )


def _chart_of_durations(history: Sequence[Stretch], period: Period) -> Markup:
    def longest(kind: str, mode: str) -> tuple[float | None, ...]:
        return tuple(one.longest_s.get((kind, mode)) for one in history)

    return lines(
        "durations-chart",
        f"Longest run of each kind by the {period.noun}",
        _bars(history, period),
        (
            Line("Full sync", longest(PEOPLE, Mode.FULL)),
            Line("Look for changes", longest(PEOPLE, Mode.DELTA)),
            Line("Photos", longest(PHOTOS, PHOTOS)),
        ),
        lambda seconds: length(seconds) if seconds else "0 s",
    )


def _chart_of_failures(history: Sequence[Stretch], period: Period) -> Markup:
    def ended_as(*statuses: RunStatus) -> tuple[float, ...]:
        return tuple(float(sum(one.by_status[each] for each in statuses)) for one in history)

    series = (
        Series("Failed", ended_as(RunStatus.FAILED, RunStatus.CANCELLED), "bad"),
        Series("Held by a guard", tuple(float(one.held) for one in history), "warn"),
    )
    title = f"Runs that failed or were held by the {period.noun}"
    return stacked_bars("failures-chart", title, _bars(history, period), series)


def _chart_of_runs(history: Sequence[Stretch], period: Period) -> Markup:
    values = tuple(float(one.by_status.total()) for one in history)
    title = f"Runs by the {period.noun}"
    return stacked_bars("runs-chart", title, _bars(history, period), (Series("Runs", values),))


ROUTES = [run_history]
