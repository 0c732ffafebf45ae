"""The installation itself over the API: figures, connection, journal, alarms."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Request, get, post
from litestar.exceptions import PermissionDeniedException
from litestar.params import FromQuery, JSONBody, QueryParameter

from jackfield.core.journal_kinds import unknown_kind
from jackfield.flows.connections import forgotten_text
from jackfield.flows.held_actions import load_all_held
from jackfield.flows.photos import WORK as PHOTOS
from jackfield.flows.runs import WORK as PEOPLE
from jackfield.flows.setup import ConnectAsk, missing_permissions
from jackfield.flows.signin import Viewer
from jackfield.flows.undecided import load_undecided
from jackfield.store.alarms import list_alarms, open_alarms
from jackfield.store.journal import JournalFilter, load_lines
from jackfield.store.links import count_in_sync, count_links
from jackfield.store.people import count_people
from jackfield.store.phones import count_extensions
from jackfield.store.photos import count_photos
from jackfield.store.plans import PlanStatus, list_plans
from jackfield.store.processes import load_processes
from jackfield.store.runs import list_runs
from jackfield.store.schema import INSTALLATION
from jackfield.store.settings import load_people_settings
from jackfield.store.tenants import load_connection
from jackfield.store.vault import holds_secret
from jackfield.web.api.asking import (
    Before,
    Caller,
    Limit,
    Search,
    is_whole,
    moment_of,
    place_behind,
)
from jackfield.web.api.installation_shapes import (
    AlarmOut,
    AlarmsOut,
    ConnectedOut,
    ConnectIn,
    ConnectionOut,
    GraphOut,
    HeldOut,
    JournalOut,
    LineOut,
    PhotoFigures,
    ProcessesOut,
    ProcessOut,
    StatusOut,
    UndecidedOut,
)
from jackfield.web.api.refusals import Unreadable, told
from jackfield.web.api.running import run_out
from jackfield.web.rooms import House
from jackfield.web.tenancy import ABOUT, About, one_tenant

Exact = Annotated[str, QueryParameter(max_length=200)]
Moment = Annotated[
    str,
    QueryParameter(
        max_length=40,
        description="A moment, ISO 8601 (`2026-11-28T08:00:00Z`), or a day; in UTC where it names"
        " no offset. `since` is still in, `until` not any more.",
    ),
]


@get("/status", summary="The installation in figures", responses=told())
async def status(house: House) -> StatusOut:
    """Counts, the last runs and what stands in the way, as Overview shows them."""
    graph = house.graph_figures(house.tenant)
    async with house.database.read() as tx:
        connection = await load_connection(tx, house.tenant)
        settings = await load_people_settings(tx, house.tenant)
        runs = await list_runs(tx, house.tenant, kind=PEOPLE, limit=1)
        looks = await list_runs(tx, house.tenant, kind=PHOTOS, limit=1)
        photos = await count_photos(tx, house.tenant)
        waiting = await list_plans(tx, house.tenant, status=PlanStatus.PROPOSED, limit=1)
        standing = await load_all_held(tx, house.tenant)
        undecided = await load_undecided(tx, house.tenant)
        waits = [one.id for one in waiting] or standing.plan_ids
        return StatusOut(
            connected=connection is not None,
            organisation="" if connection is None else connection.organisation,
            sync=settings.value.enabled,
            people=(await count_people(tx, house.tenant)).present,
            linked=(await count_links(tx, house.tenant)).linked,
            in_sync=await count_in_sync(tx, house.tenant),
            extensions=await count_extensions(tx, house.tenant),
            open_alarms=len(await open_alarms(tx, house.tenant)),
            waiting_plan=waits[0] if waits else None,
            held=HeldOut(
                standing.plan_ids,
                dict(standing.counts),
                standing.text,
                standing.because,
                standing.next_step,
            )
            if standing
            else None,
            undecided=UndecidedOut(
                [one.id for one in undecided.waiting],
                undecided.turned_down,
                undecided.without,
                undecided.text,
                undecided.next_step,
            )
            if undecided
            else None,
            last_run=await run_out(tx, house, runs[0]) if runs else None,
            photos=PhotoFigures(
                on=settings.value.photos,
                last_run=await run_out(tx, house, looks[0]) if looks else None,
                **{state.value: count for state, count in photos.items()},
            ),
            graph=GraphOut(**{name: getattr(graph, name) for name in GraphOut.__struct_fields__}),
        )


@get(
    "/processes",
    opt={ABOUT: About.INSTALLATION},
    summary="Processes at work on the database",
    responses=told(),
)
async def processes(
    house: House, limit: Limit = 100, after: FromQuery[str | None] = None
) -> ProcessesOut:
    """Who shares a PostgreSQL, and what each takes on; `after` is the last name before."""
    async with house.database.read() as tx:
        alive = await load_processes(tx, now=house.clock.now())
    begin = place_behind(after, [one.name for one in alive])
    out = [
        ProcessOut(
            one.name, one.host, one.pid, list(one.roles), one.version, one.url, one.started_at
        )
        for one in alive[begin : begin + limit]
    ]
    return ProcessesOut(out, out[-1].name if begin + limit < len(alive) else None)


@get("/connection", summary="The connection to Microsoft 365", responses=told())
async def connection(house: House) -> ConnectionOut:
    """To which Microsoft 365 tenant, as which application, and what it may not read."""
    async with house.database.read() as tx:
        known = await load_connection(tx, house.tenant)
        alarms = await open_alarms(tx, house.tenant)
        kept = known is not None and await holds_secret(tx, house.tenant, known.secret_name)
    if known is None:
        return ConnectionOut(connected=False)
    return ConnectionOut(
        True,
        known.tid,
        known.organisation,
        known.client_id,
        known.credential,
        known.cloud,
        known.connected_at,
        known.last_verified_at,
        known.credential_expires_at,
        list(missing_permissions(alarms)),
        "" if kept else forgotten_text(known.credential),
    )


@post(
    "/connection",
    summary="Connect Microsoft 365",
    status_code=200,
    responses=told(403, 422),
)
async def connect(house: House, caller: Caller, data: JSONBody[ConnectIn]) -> ConnectedOut:
    """Proves the credential by real calls before anything is stored.

    Addresses of one's own are for who administers the whole installation, for the server calls
    them: the caller of one tenant may repeat those that the tenant has.
    """
    ask = ConnectAsk(**{name: getattr(data, name) for name in ConnectIn.__struct_fields__})
    if not caller.sees_all:
        await _refuse_new_addresses(house, ask)
    made = await house.setup.connect(house.tenant, ask, by=caller.name)
    return ConnectedOut(made.tid, made.organisation, list(made.missing), made.next_step)


async def _refuse_new_addresses(house: House, ask: ConnectAsk) -> None:
    """Else a customer could have the server call whatever is near it, and read what answers."""
    async with house.database.read() as tx:
        known = await load_connection(tx, house.tenant)
    theirs = ("", "", "")
    if known is not None:
        theirs = (known.login_url, known.graph_url, known.ca_bundle)
    given = (ask.login_url, ask.graph_url, ask.ca_bundle)
    if any(given) and given != theirs:
        raise PermissionDeniedException(
            "Own addresses and authorities (`login_url`, `graph_url`, `ca_bundle`) are for who"
            " administers the whole installation: the server would call them. Leave them out for"
            " Microsoft's own clouds, or ask that administrator to connect this tenant."
        )


@get(
    "/journal",
    opt={ABOUT: About.ASKED},
    summary="What was done, and why, the newest first",
    responses=told(),
)
async def journal(
    request: Request[Viewer, Any, Any],
    house: House,
    caller: Caller,
    kind: Exact = "",
    subject: Exact = "",
    run: Exact = "",
    text: Search = "",
    since: Moment = "",
    until: Moment = "",
    installation: Annotated[
        bool,
        QueryParameter(
            description="Accounts, tokens and tenants instead of people and the phone system; about"
            " no tenant, so that none is named."
        ),
    ] = False,
    before: Before = 0,
    limit: Limit = 50,
) -> JournalOut:
    """`kind` is one kind, or ends in a dot and stands for all that begin so.

    `run` is the number of a run, as `GET /runs` tells it. Lines are from `since` on and before
    `until`.
    """
    if kind and (wrong := unknown_kind(kind)):
        raise Unreadable(f"The parameter 'kind': {wrong}")
    if run and not is_whole(run):
        raise Unreadable("The parameter 'run' takes the number of a run, in digits.")
    begin, end = moment_of("since", since), moment_of("until", until)
    if begin is not None and end is not None and end <= begin:
        raise Unreadable("The parameter 'until' is not after 'since'; no line is between them.")
    which = JournalFilter(kind, subject, run, text, begin, end)
    if installation and not caller.sees_all:
        raise PermissionDeniedException(
            "The journal of the installation is for who administers all of it; leave out"
            " `installation` for that of your tenant."
        )
    tenant = INSTALLATION if installation else one_tenant(request)
    async with house.database.read() as tx:
        page = await load_lines(tx, tenant, which, before=before or None, limit=limit)
    lines = [
        LineOut(one.seq, one.at, one.kind, one.subject, one.name, one.text, one.run, one.by)
        for one in page.lines
    ]
    return JournalOut(lines, page.next)


@get("/alarms", summary="Alarms, the newest first", responses=told())
async def alarms(
    house: House,
    open_only: FromQuery[bool] = True,
    before: Before = 0,
    limit: Limit = 50,
) -> AlarmsOut:
    """Those that stand; with `open_only=false` also those that have ended."""
    async with house.database.read() as tx:
        if open_only:
            standing = await open_alarms(tx, house.tenant)
            found = tuple(one for one in standing if not before or one.id < before)
        else:
            found = await list_alarms(tx, house.tenant, limit=limit + 1, before=before or None)
    out = [
        AlarmOut(a.id, a.kind, a.severity, a.text, a.next_step, a.begun_at, a.ended_at)
        for a in found[:limit]
    ]
    return AlarmsOut(out, out[-1].id if len(found) > limit else None)


ROUTES = (status, processes, connection, connect, journal, alarms)
