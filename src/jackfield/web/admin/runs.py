"""Runs: what was begun, how far it is, how it ended; and the buttons that begin one."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from litestar import get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromQuery
from litestar.response import Redirect, Template

from jackfield.core.schedule import Mode
from jackfield.durable import NotRunningError
from jackfield.flows.asks import Ask
from jackfield.flows.held_actions import load_all_held
from jackfield.flows.photos import WORK as PHOTOS
from jackfield.flows.photos import PhotosOff
from jackfield.flows.runs import WORK as PEOPLE
from jackfield.store.journal import JournalFilter, load_lines
from jackfield.store.plans import find_plan_of_run
from jackfield.store.runs import UNDER_WAY, Trigger, list_runs, load_run, load_run_of_flow
from jackfield.web.addresses import page_at
from jackfield.web.admin.asking import Number, Position, check_choice
from jackfield.web.admin.frame import AnyRequest, Frame, by_script, load_frame, show, wants_part
from jackfield.web.errors import NO_WORKER
from jackfield.web.live import progress_text
from jackfield.web.rooms import House, Rooms

PAGE = 50
LINES = 200
PERSON_MODE = "person"
SAID_FOR = timedelta(minutes=1)
"""How long the outcome of a run stands where its bar was."""


@get("/runs", include_in_schema=False)
async def runs(
    request: AnyRequest, house: House, show_all: FromQuery[str] = "", before: Position = 0
) -> Template:
    """Runs, the newest first; quiet looks for changes are left out unless asked for."""
    check_choice("show_all", show_all, ["yes"])
    async with house.database.read() as tx:
        frame = await load_frame(tx, house)
        found = await list_runs(
            tx, house.tenant, noteworthy=not show_all, limit=PAGE + 1, before=before or None
        )
    return show(
        "_runs_list.html" if wants_part(request, "list") else "runs.html",
        request,
        frame,
        "runs",
        runs=found[:PAGE],
        older=found[PAGE - 1].id if len(found) > PAGE else 0,
        tab="all" if show_all else "noteworthy",
        asked={"show_all": "yes" if show_all else ""},
        before=before,
    )


@get("/runs/{run:int}", include_in_schema=False)
async def run_page(request: AnyRequest, house: House, run: Number) -> Template:
    """One run with its lines of the journal."""
    async with house.database.read() as tx:
        frame = await load_frame(tx, house)
        stored = await load_run(tx, house.tenant, run)
        if stored is None:
            raise NotFoundException(f"There is no run {run} (any more).")
        plan = await find_plan_of_run(tx, house.tenant, stored.flow)
        page = await load_lines(tx, house.tenant, JournalFilter(run=str(run)), limit=LINES)
    return show(
        "_run_body.html" if wants_part(request, "body") else "run.html",
        request,
        frame,
        "runs",
        run=stored,
        plan=plan,
        lines=page.lines,
        more=page.next is not None,
        progress_text=progress_text,
    )


@get("/running", include_in_schema=False)
async def running(request: AnyRequest, house: House) -> Template:
    """The bars of what runs, and for a minute how the last run ended."""
    return await _bars(request, house)


@post("/sync", include_in_schema=False)
async def sync(request: AnyRequest, house: House) -> Template | Redirect:
    """Begin a run now."""
    form = await request.form()
    mode, person = str(form.get("mode", "")), str(form.get("person", ""))[:200]
    check_choice("mode", mode or "none", ["delta", "full", "preview", "photos"], "form")
    asker, by = Trigger.ADMINISTRATOR, request.user.name
    try:
        if mode == "photos":
            flow = await house.photos.start(house.tenant, trigger=asker, by=by)
        else:
            which = Mode.FULL if mode == "full" else Mode.DELTA
            ask = Ask(which, asker, by, person, preview=mode == "preview")
            flow = await house.people.start(house.tenant, ask)
    except NotRunningError:
        return await _bars(request, house, problem=NO_WORKER)
    except PhotosOff as error:
        return await _bars(request, house, problem=str(error))
    if by_script(request):
        return await _bars(request, house, asked_for=flow)
    return Redirect("/runs", status_code=303)


async def _bars(
    request: AnyRequest, house: Rooms, *, asked_for: str = "", problem: str = ""
) -> Template:
    async with house.database.read() as tx:
        frame = await load_frame(tx, house)
        if asked_for and await load_run_of_flow(tx, house.tenant, asked_for):
            asked_for = ""
        context = await bars(tx, house, frame)
        held = await load_all_held(tx, house.tenant)
    page = page_at(request.headers.get("hx-current-url", ""))
    if page.startswith("/people/"):
        about = page.removeprefix("/people/").lower()
        # What came of a sync of somebody else would be taken for this person's.
        context["ended"] = [
            run for run in context["ended"] if run.mode != PERSON_MODE or about in run.flow
        ]
    if page == "/" and held.text:
        # Overview says it in a box of its own, right below.
        context["ended"] = [
            replace(run, text=run.text.replace(held.text, "").strip()) for run in context["ended"]
        ]
    context |= {"asked_for": asked_for, "problem": problem}
    return show("_running.html", request, frame, "", **context)


async def bars(tx: Any, house: Rooms, frame: Frame) -> dict[str, Any]:
    """What `_running.html` needs."""
    shown = await list_runs(tx, house.tenant, noteworthy=True, status=UNDER_WAY, limit=5)
    latest = [
        run
        for kind in (PEOPLE, PHOTOS)
        for run in await list_runs(tx, house.tenant, kind=kind, noteworthy=True, limit=1)
    ]
    busy = {run.kind for run in shown}
    ended = [
        run
        for run in latest
        if run.ended_at is not None
        and run.kind not in busy
        and frame.now - run.ended_at < SAID_FOR
        and run.trigger is not Trigger.SCHEDULE
    ]
    return {
        "running": shown,
        "ended": ended,
        "asked_for": "",
        "problem": "",
        "progress_text": progress_text,
    }


ROUTES = [runs, run_page, running, sync]
