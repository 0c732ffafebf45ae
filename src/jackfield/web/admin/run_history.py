"""The history of runs in charts: what they changed, how long they took, how they ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from litestar import get
from litestar.params import FromQuery
from litestar.response import Template
from markupsafe import Markup

from jackfield.core.actions import ActionKind
from jackfield.core.schedule import Mode
from jackfield.core.waiting import length
from jackfield.flows.photos import WORK as PHOTOS
from jackfield.flows.runs import WORK as PEOPLE
from jackfield.store.run_history import Stretch, load_history
from jackfield.store.runs import RunStatus
from jackfield.store.schema import EPOCH
from jackfield.web.admin.asking import check_choice
from jackfield.web.admin.frame import AnyRequest, load_frame, show, wants_part
from jackfield.web.charts import Bar, Line, Series, lines, stacked_bars
from jackfield.web.rooms import House

CREATED = (ActionKind.CREATE_EXTENSION, ActionKind.ADOPT_EXTENSION, ActionKind.CREATE_DEPARTMENT)
STOPPED = (ActionKind.DISABLE_EXTENSION, ActionKind.REMOVE_EXTENSION)

_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Period:
    """How far back one looks, cut into stretches."""

    name: str
    stretch: timedelta
    stretches: int
    noun: str


DAY = "day"
PERIODS: Mapping[str, Period] = {
    DAY: Period("24 hours", _HOUR, 24, "hour"),
    "week": Period("7 days", _HOUR * 6, 28, "six hours"),
    "month": Period("30 days", _DAY, 30, "day"),
    "quarter": Period("90 days", _DAY * 3, 30, "three days"),
}


@get("/runs/history", include_in_schema=False)
async def run_history(request: AnyRequest, house: House, period: FromQuery[str] = "") -> Template:
    """Charts over a period."""
    check_choice("period", period, PERIODS)
    period = period or DAY
    chosen = PERIODS[period]
    begins = _beginnings(house.clock.now(), chosen)
    async with house.database.read() as tx:
        frame = await load_frame(tx, house)
        found = await load_history(tx, house.tenant, since=begins[0], length=chosen.stretch)
    history = [found.get(at, Stretch(at)) for at in begins]
    ended = sum((one.by_status for one in history), start=Stretch(begins[0]).by_status)
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
        changes=sum(one.counts["changes"] for one in history),
        changes_chart=_chart_of_changes(history, chosen),
        durations_chart=_chart_of_durations(history, chosen),
        failures_chart=_chart_of_failures(history, chosen),
        runs_chart=_chart_of_runs(history, chosen),
    )


def changed(counts: Mapping[str, int]) -> tuple[float, float, float]:
    """Created, updated and stopped by runs with such counts."""
    created = float(sum(counts.get(kind.value, 0) for kind in CREATED))
    stopped = float(sum(counts.get(kind.value, 0) for kind in STOPPED))
    return created, max(0.0, counts.get("changes", 0) - created - stopped), stopped


def change_series(history: Sequence[Mapping[str, int]]) -> tuple[Series, ...]:
    """The three colours of a chart of changes."""
    figures = [changed(counts) for counts in history]
    names = ("Created", "Updated", "Disabled or removed")
    return tuple(Series(name, tuple(one[at] for one in figures)) for at, name in enumerate(names))


def _beginnings(now: datetime, period: Period) -> list[datetime]:
    """Where the stretches of a period begin, the last of them holding `now`."""
    last = now - (now - EPOCH) % period.stretch
    return [last - period.stretch * back for back in range(period.stretches - 1, -1, -1)]


def _bars(history: Sequence[Stretch], period: Period) -> list[Bar]:
    if period.stretch < _HOUR * 6:
        return [Bar(f"{one.begins_at:%H:%M}", one.begins_at.isoformat()) for one in history]
    form = "%-d %b" if period.stretch >= _DAY else "%-d %b, %H:%M"
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
        Series("Held by a guard", ended_as(RunStatus.REFUSED), "warn"),
    )
    title = f"Runs that failed or were held by the {period.noun}"
    return stacked_bars("failures-chart", title, _bars(history, period), series)


def _chart_of_runs(history: Sequence[Stretch], period: Period) -> Markup:
    values = tuple(float(one.by_status.total()) for one in history)
    title = f"Runs by the {period.noun}"
    return stacked_bars("runs-chart", title, _bars(history, period), (Series("Runs", values),))


ROUTES = [run_history]
