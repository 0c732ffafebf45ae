"""The documented JSON API under `/api/v1`: the same flows as the console, for scripts and for the command line.

Handlers translate and nothing else. `/schema/openapi.json` describes every shape; `docs/api.md` tells how to use it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any

import msgspec
from litestar import Request, Router, delete, get, patch, post, put
from litestar.di import Provide
from litestar.exceptions import ClientException, HTTPException, NotFoundException
from litestar.params import Parameter

from jackfield.core.actions import ActionKind
from jackfield.core.extensions import DepartmentKey, Extension, ExtensionFields, Field, Link
from jackfield.core.people import GroupId, ObjectId, Person
from jackfield.core.schedule import Mode
from jackfield.core.wording import differences, title
from jackfield.flows.by_hand import HandRefused
from jackfield.flows.people import Ask, PlanNotOpen
from jackfield.flows.planning import is_guarded
from jackfield.flows.setup import ConnectAsk, SetupRefused
from jackfield.flows.signin import Viewer
from jackfield.store.alarms import list_alarms, open_alarms
from jackfield.store.errors import BrokenDocument, VersionMoved
from jackfield.store.groups import load_groups, search_groups
from jackfield.store.journal import JournalFilter, load_lines
from jackfield.store.links import count_links, load_department_links, load_links
from jackfield.store.people import count_people, load_people, search_people
from jackfield.store.phones import load_departments
from jackfield.store.plans import (
    ActionFilter,
    ActionStatus,
    PlanStatus,
    StoredAction,
    StoredPlan,
    count_outcomes,
    find_plan_of_run,
    list_plans,
    load_actions,
    load_plan,
)
from jackfield.store.runs import StoredRun, Trigger, list_runs, load_run, load_run_of_flow
from jackfield.store.schema import INSTALLATION
from jackfield.store.settings import (
    PeopleSettings,
    decode_strictly,
    load_people_settings,
    save_people_settings,
)
from jackfield.store.tenants import load_connection
from jackfield.store.tokens import create_token, list_tokens, revoke_token
from jackfield.store.users import UserFilter, list_users
from jackfield.web.rooms import Rooms

Limit = Annotated[int, Parameter(ge=1, le=500)]


class RunOut(msgspec.Struct):
    """One run. `id` is a number once it has begun, before that the durable runner's id."""

    id: str
    kind: str
    mode: str
    status: str
    """queued, running, done, refused (a guard holds actions back), failed, cancelled."""
    text: str
    done: int
    total: int
    counts: dict[str, int]
    plan: int | None
    by: str
    started_at: datetime | None
    ended_at: datetime | None


class RunsOut(msgspec.Struct):
    """Runs, the newest first; give `next` as `before` for older ones."""

    runs: list[RunOut]
    next: int | None


class SyncIn(msgspec.Struct, forbid_unknown_fields=True):
    """What to sync: everyone by what changed, everyone again (`full`), or one person by object ID or UPN."""

    person: str | None = None
    full: bool = False


class RefusalOut(msgspec.Struct):
    kind: str
    subject: str
    name: str
    because: str
    next_step: str
    held: int


class NoticeOut(msgspec.Struct):
    subject: str
    name: str
    text: str


class PlanOut(msgspec.Struct):
    """A plan without its actions."""

    id: int
    status: str
    text: str
    made_at: datetime
    made_by: str
    scope: str
    counts: dict[str, int]
    held: dict[str, int]
    outcomes: dict[str, int]
    guarded: bool
    refusals: list[RefusalOut]
    notices: list[NoticeOut]


class PlansOut(msgspec.Struct):
    plans: list[PlanOut]
    next: int | None


class DifferenceOut(msgspec.Struct):
    label: str
    before: str
    after: str
    because: str


class ActionOut(msgspec.Struct):
    seq: int
    kind: str
    title: str
    because: str
    subject: str
    name: str
    held: bool
    status: str
    text: str
    differences: list[DifferenceOut]


class ActionsOut(msgspec.Struct):
    """Actions in their order; give `next` as `after` for the following ones."""

    actions: list[ActionOut]
    total: int
    more: bool
    next: int | None


class ApproveIn(msgspec.Struct, forbid_unknown_fields=True):
    """`release_held`: also carry out what a guard holds back."""

    release_held: bool = False


class ConnectionOut(msgspec.Struct):
    connected: bool
    tid: str = ""
    organisation: str = ""
    client_id: str = ""
    credential: str = ""
    cloud: str = ""
    connected_at: datetime | None = None
    last_verified_at: datetime | None = None
    credential_expires_at: datetime | None = None


class ConnectIn(msgspec.Struct, forbid_unknown_fields=True):
    """Exactly one of `client_secret` and `certificate` (PEM with private key)."""

    tenant_id: str
    client_id: str
    client_secret: str | None = None
    certificate: str | None = None
    cloud: str = "global"
    login_url: str = ""
    graph_url: str = ""
    ca_bundle: str = ""
    sync: bool = True


class ConnectedOut(msgspec.Struct):
    tid: str
    organisation: str
    missing_permissions: list[str]


class PersonOut(msgspec.Struct):
    """A person of Microsoft 365, and the extension they hold."""

    id: str
    upn: str
    display_name: str
    given_name: str
    surname: str
    mail: str
    mobile_phone: str
    business_phone: str
    job_title: str
    company_name: str
    department: str
    enabled: bool
    user_type: str
    has_mailbox: bool
    has_teams: bool
    standing: str
    number: str | None
    left: str | None
    reasons: list[str]
    """Why it is so; filled for a single person only."""


class PeopleOut(msgspec.Struct):
    people: list[PersonOut]
    next: str | None


class GroupOut(msgspec.Struct):
    id: str
    name: str
    kind: str
    dynamic: bool
    standing: str


class GroupsOut(msgspec.Struct):
    groups: list[GroupOut]
    next: str | None


class ExtensionOut(msgspec.Struct):
    key: str
    number: str
    first_name: str
    last_name: str
    email: str
    mobile: str
    job_title: str
    company: str
    departments: list[str]
    primary_department: str | None
    enabled: bool
    person: str | None


class ExtensionsOut(msgspec.Struct):
    extensions: list[ExtensionOut]
    next: str | None


class ExtensionIn(msgspec.Struct, forbid_unknown_fields=True):
    """An extension made by hand."""

    number: str
    first_name: str = ""
    last_name: str = ""
    email: str = ""
    mobile: str = ""
    job_title: str = ""
    company: str = ""
    departments: list[str] = []
    primary_department: str | None = None


class ExtensionChange(msgspec.Struct, forbid_unknown_fields=True):
    """What to change; what is left out stays. Departments are given and taken by key."""

    first_name: str | None = None
    last_name: str | None = None
    email: str | None = None
    mobile: str | None = None
    job_title: str | None = None
    company: str | None = None
    enabled: bool | None = None
    add_departments: list[str] = []
    remove_departments: list[str] = []
    primary_department: str | None = None


class DepartmentIn(msgspec.Struct, forbid_unknown_fields=True):
    name: str


class DepartmentOut(msgspec.Struct):
    key: str
    name: str
    group: str | None
    flag: str | None


class DepartmentsOut(msgspec.Struct):
    departments: list[DepartmentOut]


class SettingsOut(msgspec.Struct):
    version: int
    settings: PeopleSettings


class SettingsIn(msgspec.Struct, forbid_unknown_fields=True):
    """`version` is the one the change was made from."""

    version: int
    settings: dict[str, Any]
    """The whole document, as `GET` gives it."""


class LineOut(msgspec.Struct):
    seq: int
    at: datetime
    kind: str
    subject: str
    name: str
    text: str
    run: str
    by: str


class JournalOut(msgspec.Struct):
    lines: list[LineOut]
    next: int | None


class AlarmOut(msgspec.Struct):
    id: int
    kind: str
    text: str
    next_step: str
    began_at: datetime
    ended_at: datetime | None


class AlarmsOut(msgspec.Struct):
    alarms: list[AlarmOut]


class StatusOut(msgspec.Struct):
    """The installation in figures."""

    connected: bool
    organisation: str
    sync: bool
    people: int
    linked: int
    open_alarms: int
    last_run: RunOut | None


class TokenIn(msgspec.Struct, forbid_unknown_fields=True):
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    days: Annotated[int, msgspec.Meta(ge=0, le=3650)] = 0


class TokenMade(msgspec.Struct):
    """`token` is shown this once."""

    id: str
    token: str


class TokenOut(msgspec.Struct):
    id: str
    name: str
    role: str
    created_by: str
    created_at: datetime
    last_used_at: datetime | None
    expires_at: datetime | None
    revoked_at: datetime | None


class TokensOut(msgspec.Struct):
    tokens: list[TokenOut]


class PasswordIn(msgspec.Struct, forbid_unknown_fields=True):
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]


class PasswordOut(msgspec.Struct):
    name: str
    password: str


class Conflict(HTTPException):
    """The thing has changed meanwhile, or is in no state for this."""

    status_code = 409


@get("/status", summary="The installation in figures")
async def status(rooms: Rooms) -> StatusOut:
    async with rooms.database.read() as tx:
        connection = await load_connection(tx, rooms.tenant)
        settings = await load_people_settings(tx, rooms.tenant)
        runs = await list_runs(tx, rooms.tenant, limit=1)
        return StatusOut(
            connected=connection is not None,
            organisation="" if connection is None else connection.organisation,
            sync=settings.value.enabled,
            people=(await count_people(tx, rooms.tenant)).present,
            linked=(await count_links(tx, rooms.tenant)).linked,
            open_alarms=len(await open_alarms(tx, rooms.tenant)),
            last_run=await _run_out(tx, rooms.tenant, runs[0]) if runs else None,
        )


@get("/connection", summary="The connection to Microsoft 365")
async def connection(rooms: Rooms) -> ConnectionOut:
    async with rooms.database.read() as tx:
        known = await load_connection(tx, rooms.tenant)
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
    )


@post("/connection", summary="Connect Microsoft 365", status_code=200)
async def connect(rooms: Rooms, viewer: Viewer, data: ConnectIn) -> ConnectedOut:
    ask = ConnectAsk(**{name: getattr(data, name) for name in ConnectIn.__struct_fields__})
    try:
        made = await rooms.setup.connect(rooms.tenant, ask, by=viewer.name)
    except SetupRefused as error:
        raise ClientException(str(error)) from error
    return ConnectedOut(made.tid, made.organisation, list(made.missing))


@post("/people/sync", summary="Bring the phone system in line now", status_code=202)
async def sync_people(rooms: Rooms, viewer: Viewer, data: SyncIn) -> RunOut:
    mode = Mode.FULL if data.full else Mode.DELTA
    ask = Ask(mode, Trigger.ADMINISTRATOR, viewer.name, (data.person or "").strip())
    return await _started(rooms, ask)


@post("/people/plan", summary="See what a sync would do", status_code=202)
async def plan_people(rooms: Rooms, viewer: Viewer) -> RunOut:
    return await _started(rooms, Ask(Mode.DELTA, Trigger.ADMINISTRATOR, viewer.name, preview=True))


@get("/runs", summary="Runs, the newest first")
async def runs(rooms: Rooms, limit: Limit = 20, before: int | None = None) -> RunsOut:
    async with rooms.database.read() as tx:
        found = await list_runs(tx, rooms.tenant, limit=limit, before=before)
        out = [await _run_out(tx, rooms.tenant, one) for one in found]
    return RunsOut(out, found[-1].id if len(found) == limit else None)


@get("/runs/{run:str}", summary="One run, by its number or the id its start has answered")
async def run(rooms: Rooms, run: str) -> RunOut:
    async with rooms.database.read() as tx:
        row = await load_run(tx, rooms.tenant, int(run)) if run.isdecimal() else None
        row = row or await load_run_of_flow(tx, rooms.tenant, run)
        if row is not None:
            return await _run_out(tx, rooms.tenant, row)
    if run.isdecimal():
        raise NotFoundException(f"There is no run {run}.")
    return _queued(run)


@get("/plans", summary="Plans, the newest first")
async def plans(
    rooms: Rooms, limit: Limit = 20, before: int | None = None, status: PlanStatus | None = None
) -> PlansOut:
    async with rooms.database.read() as tx:
        found = await list_plans(tx, rooms.tenant, status=status, limit=limit, before=before)
    return PlansOut(
        [_plan_out(one, {}) for one in found], found[-1].id if len(found) == limit else None
    )


@get("/plans/{plan:int}", summary="One plan without its actions")
async def plan(rooms: Rooms, plan: int) -> PlanOut:
    async with rooms.database.read() as tx:
        stored = await load_plan(tx, rooms.tenant, plan)
        if stored is None:
            raise NotFoundException(f"There is no plan {plan}.")
        progress = await count_outcomes(tx, rooms.tenant, plan)
    return _plan_out(stored, {one.value: count for one, count in progress.by_status.items()})


@get("/plans/{plan:int}/actions", summary="A plan's actions with their differences")
async def plan_actions(
    rooms: Rooms,
    plan: int,
    kind: ActionKind | None = None,
    status: ActionStatus | None = None,
    held: bool | None = None,
    text: str = "",
    after: int | None = None,
    limit: Limit = 100,
) -> ActionsOut:
    which = ActionFilter(kind, status, held, text)
    async with rooms.database.read() as tx:
        page = await load_actions(tx, rooms.tenant, plan, which, after=after, limit=limit)
        departments = {d.key: d.name for d in (await load_departments(tx, rooms.tenant)).values()}
        groups = {one.id: one.name for one in (await load_groups(tx, rooms.tenant)).values()}
    actions = [_action_out(one, departments, groups) for one in page.actions]
    return ActionsOut(actions, page.total, page.more, page.next)


@post(
    "/plans/{plan:int}/approve", summary="Carry out a stored plan as it was shown", status_code=202
)
async def approve(rooms: Rooms, viewer: Viewer, plan: int, data: ApproveIn) -> RunOut:
    try:
        flow = await rooms.people.approve(
            rooms.tenant, plan, by=viewer.name, release=data.release_held
        )
    except PlanNotOpen as error:
        raise Conflict(str(error)) from error
    return await _of_flow(rooms, flow)


@post("/plans/{plan:int}/refuse", summary="Turn a proposed plan down", status_code=200)
async def refuse(rooms: Rooms, viewer: Viewer, plan: int) -> PlanOut:
    try:
        await rooms.people.turn_down(rooms.tenant, plan, by=viewer.name)
    except PlanNotOpen as error:
        raise Conflict(str(error)) from error
    async with rooms.database.read() as tx:
        stored = await load_plan(tx, rooms.tenant, plan)
    if stored is None:
        raise NotFoundException(f"There is no plan {plan}.")
    return _plan_out(stored, {})


@get("/people", summary="People of Microsoft 365, by name")
async def people(
    rooms: Rooms, search: str = "", limit: Limit = 50, after: str | None = None
) -> PeopleOut:
    async with rooms.database.read() as tx:
        found = await search_people(tx, rooms.tenant, search, limit=limit, after=after)
        ids = [ObjectId(one) for one in found.refs]
        known = await load_people(tx, rooms.tenant, ids)
        links = await load_links(tx, rooms.tenant, ids)
    out = [_person_out(known[one], links.get(one)) for one in ids if one in known]
    return PeopleOut(out, found.next)


@get("/people/{person:str}", summary="One person, and why it is so")
async def person(rooms: Rooms, person: str) -> PersonOut:
    async with rooms.database.read() as tx:
        person_id = ObjectId(person.lower())
        known = (await load_people(tx, rooms.tenant, [person_id])).get(person_id)
        if known is None:
            raise NotFoundException(f"There is no person {person} in the picture.")
        link = (await load_links(tx, rooms.tenant, [person_id])).get(person_id)
    return _person_out(known, link, await rooms.planning.explain(rooms.tenant, person_id))


@get("/groups", summary="Groups of Microsoft 365, by name")
async def groups(
    rooms: Rooms, search: str = "", limit: Limit = 50, after: str | None = None
) -> GroupsOut:
    async with rooms.database.read() as tx:
        found = await search_groups(tx, rooms.tenant, search, limit=limit, after=after)
        known = await load_groups(tx, rooms.tenant, [GroupId(one) for one in found.refs])
    out = [
        GroupOut(one.id, one.name, one.kind, one.dynamic, one.standing)
        for ref in found.refs
        if (one := known.get(GroupId(ref))) is not None
    ]
    return GroupsOut(out, found.next)


@get("/extensions", summary="Extensions of the phone system, by name")
async def extensions(
    rooms: Rooms, search: str = "", limit: Limit = 50, after: str | None = None
) -> ExtensionsOut:
    async with rooms.database.read() as tx:
        page = await list_users(tx, rooms.tenant, UserFilter(search), limit=limit, after=after)
    return ExtensionsOut(
        [
            _extension_out(user.extension, None if user.link is None else user.link.person)
            for user in page.users
        ],
        page.found.next,
    )


@post("/extensions", summary="Make an extension by hand", status_code=201)
async def make_extension(rooms: Rooms, viewer: Viewer, data: ExtensionIn) -> ExtensionOut:
    fields = ExtensionFields(**{field: getattr(data, field) for field in Field})
    try:
        made = await rooms.phones.create_extension(
            rooms.tenant,
            data.number,
            fields,
            data.departments,
            data.primary_department,
            by=viewer.name,
        )
    except HandRefused as error:
        raise _refused(error) from error
    return _extension_out(made)


@patch("/extensions/{key:str}", summary="Change an extension by hand")
async def change_extension(
    rooms: Rooms, viewer: Viewer, key: str, data: ExtensionChange
) -> ExtensionOut:
    changes = {field: value for field in Field if (value := getattr(data, field)) is not None}
    try:
        changed = await rooms.phones.update_extension(
            rooms.tenant,
            key,
            changes,
            enabled=data.enabled,
            add=data.add_departments,
            remove=data.remove_departments,
            primary=data.primary_department,
            by=viewer.name,
        )
    except HandRefused as error:
        raise _refused(error) from error
    return _extension_out(changed)


@delete("/extensions/{key:str}", summary="Remove an extension by hand", status_code=204)
async def end_extension(rooms: Rooms, viewer: Viewer, key: str) -> None:
    try:
        await rooms.phones.remove_extension(rooms.tenant, key, by=viewer.name)
    except HandRefused as error:
        raise _refused(error) from error


@post("/departments", summary="Make a department by hand", status_code=201)
async def make_department(rooms: Rooms, viewer: Viewer, data: DepartmentIn) -> DepartmentOut:
    try:
        made = await rooms.phones.create_department(rooms.tenant, data.name, by=viewer.name)
    except HandRefused as error:
        raise _refused(error) from error
    return DepartmentOut(made.key, made.name, None, None)


@patch("/departments/{key:str}", summary="Rename a department by hand")
async def rename_department(
    rooms: Rooms, viewer: Viewer, key: str, data: DepartmentIn
) -> DepartmentOut:
    try:
        named = await rooms.phones.rename_department(rooms.tenant, key, data.name, by=viewer.name)
    except HandRefused as error:
        raise _refused(error) from error
    return DepartmentOut(named.key, named.name, None, None)


@delete("/departments/{key:str}", summary="Remove a department by hand", status_code=204)
async def end_department(rooms: Rooms, viewer: Viewer, key: str) -> None:
    try:
        await rooms.phones.remove_department(rooms.tenant, key, by=viewer.name)
    except HandRefused as error:
        raise _refused(error) from error


@get("/departments", summary="Departments of the phone system")
async def departments(rooms: Rooms) -> DepartmentsOut:
    async with rooms.database.read() as tx:
        known = await load_departments(tx, rooms.tenant)
        links = {one.key: one for one in (await load_department_links(tx, rooms.tenant)).values()}
    out = []
    for department in sorted(known.values(), key=lambda one: (one.name.casefold(), one.key)):
        link = links.get(department.key)
        flag = link.flag if link is not None else None
        group = link.group if link is not None else None
        out.append(DepartmentOut(department.key, department.name, group, flag))
    return DepartmentsOut(out)


@get("/settings/people", summary="What the administrator chose about people sync")
async def people_settings(rooms: Rooms) -> SettingsOut:
    async with rooms.database.read() as tx:
        stored = await load_people_settings(tx, rooms.tenant)
    return SettingsOut(stored.version, stored.value)


@put("/settings/people", summary="Choose what people sync does")
async def save_settings(rooms: Rooms, viewer: Viewer, data: SettingsIn) -> SettingsOut:
    try:
        wanted = decode_strictly(msgspec.json.encode(data.settings), PeopleSettings)
        async with rooms.database.write() as tx:
            await save_people_settings(
                tx,
                rooms.tenant,
                wanted,
                expected_version=data.version,
                by=viewer.name,
                now=rooms.clock.now(),
            )
            stored = await load_people_settings(tx, rooms.tenant)
    except VersionMoved as error:
        raise Conflict(str(error)) from error
    except (ValueError, BrokenDocument) as error:
        raise ClientException(f"These settings cannot be saved: {error}") from error
    return SettingsOut(stored.version, stored.value)


@get("/journal", summary="What was done, and why")
async def journal(
    rooms: Rooms,
    kind: str = "",
    subject: str = "",
    run: str = "",
    text: str = "",
    before: int | None = None,
    limit: Limit = 50,
) -> JournalOut:
    which = JournalFilter(kind, subject, run, text)
    async with rooms.database.read() as tx:
        page = await load_lines(tx, rooms.tenant, which, before=before, limit=limit)
    lines = [
        LineOut(one.seq, one.at, one.kind, one.subject, one.name, one.text, one.run, one.by)
        for one in page.lines
    ]
    return JournalOut(lines, page.next)


@get("/alarms", summary="Alarms, the newest first")
async def alarms(rooms: Rooms, open_only: bool = True, limit: Limit = 50) -> AlarmsOut:
    async with rooms.database.read() as tx:
        if open_only:
            found = await open_alarms(tx, rooms.tenant)
        else:
            found = await list_alarms(tx, rooms.tenant, limit=limit)
    return AlarmsOut(
        [AlarmOut(a.id, a.kind, a.text, a.next_step, a.begun_at, a.ended_at) for a in found]
    )


@get("/tokens", summary="API tokens")
async def tokens(rooms: Rooms) -> TokensOut:
    async with rooms.database.read() as tx:
        found = await list_tokens(tx, INSTALLATION)
    return TokensOut(
        [
            TokenOut(**{name: getattr(one, name) for name in TokenOut.__struct_fields__})
            for one in found
        ]
    )


@post("/tokens", summary="Create an API token", status_code=201)
async def make_token(rooms: Rooms, viewer: Viewer, data: TokenIn) -> TokenMade:
    now = rooms.clock.now()
    async with rooms.database.write() as tx:
        secret, token = await create_token(
            tx,
            INSTALLATION,
            name=data.name,
            role="administrator",
            created_by=viewer.name,
            now=now,
            expires_at=now + timedelta(days=data.days) if data.days else None,
        )
    return TokenMade(token.id, secret)


@delete("/tokens/{token:str}", summary="Revoke an API token", status_code=204)
async def end_token(rooms: Rooms, token: str) -> None:
    async with rooms.database.write() as tx:
        if not await revoke_token(tx, INSTALLATION, token, now=rooms.clock.now()):
            raise NotFoundException(f"There is no token {token} that could be revoked.")


@post("/accounts/reset-password", summary="A new password for a local account", status_code=200)
async def reset_password(rooms: Rooms, data: PasswordIn) -> PasswordOut:
    return PasswordOut(data.name, await rooms.signin.reset_password(data.name))


def api_router(rooms: Rooms) -> Router:
    """All routes of the API."""

    def viewer_of(request: Request[Viewer, Any, Any]) -> Viewer:
        return request.user

    return Router(
        "/api/v1",
        route_handlers=[
            status,
            connection,
            connect,
            sync_people,
            plan_people,
            runs,
            run,
            plans,
            plan,
            plan_actions,
            approve,
            refuse,
            people,
            person,
            groups,
            extensions,
            make_extension,
            change_extension,
            end_extension,
            departments,
            make_department,
            rename_department,
            end_department,
            people_settings,
            save_settings,
            journal,
            alarms,
            tokens,
            make_token,
            end_token,
            reset_password,
        ],
        dependencies={
            "rooms": Provide(lambda: rooms, sync_to_thread=False),
            "viewer": Provide(viewer_of, sync_to_thread=False),
        },
        tags=["Jackfield"],
    )


async def _started(rooms: Rooms, ask: Ask) -> RunOut:
    return await _of_flow(rooms, await rooms.people.start(rooms.tenant, ask))


async def _of_flow(rooms: Rooms, flow: str) -> RunOut:
    async with rooms.database.read() as tx:
        row = await load_run_of_flow(tx, rooms.tenant, flow)
        return _queued(flow) if row is None else await _run_out(tx, rooms.tenant, row)


def _queued(flow: str) -> RunOut:
    return RunOut(
        flow, "people", "", "queued", "Waiting for its turn", 0, 0, {}, None, "", None, None
    )


async def _run_out(tx: Any, tenant: int, row: StoredRun) -> RunOut:
    made = await find_plan_of_run(tx, tenant, row.flow)
    return RunOut(
        str(row.id),
        row.kind,
        row.mode,
        row.status,
        row.text or row.stage or "Starting",
        row.done,
        row.total,
        dict(row.counts),
        None if made is None else made.id,
        row.by,
        row.started_at,
        row.ended_at,
    )


def _plan_out(stored: StoredPlan, outcomes: dict[str, int]) -> PlanOut:
    total = stored.total
    text = stored.text or f"{total:,} action{'' if total == 1 else 's'}"
    if stored.held:
        text += f", {stored.held:,} held back by a guard"
    return PlanOut(
        stored.id,
        stored.status,
        text,
        stored.made_at,
        stored.made_by,
        stored.scope,
        dict(stored.counts),
        dict(stored.held_counts),
        outcomes,
        is_guarded(stored),
        [
            RefusalOut(one.kind, one.subject, one.name, one.because, one.next_step, one.held)
            for one in stored.refusals
        ],
        [NoticeOut(one.subject, one.name, one.text) for one in stored.notices],
    )


def _action_out(
    one: StoredAction, departments: Mapping[DepartmentKey, str], groups: Mapping[GroupId, str]
) -> ActionOut:
    return ActionOut(
        one.seq,
        one.action.kind,
        title(one.action),
        one.action.because,
        one.subject,
        one.name,
        one.held,
        one.status,
        one.text,
        [
            DifferenceOut(d.label, d.before, d.after, d.because)
            for d in differences(one.action, departments, groups)
        ],
    )


def _refused(error: HandRefused) -> HTTPException:
    return NotFoundException(str(error)) if error.unknown else Conflict(str(error))


def _extension_out(one: Extension, person: str | None = None) -> ExtensionOut:
    fields = one.fields
    return ExtensionOut(
        one.key,
        one.number,
        fields.first_name,
        fields.last_name,
        fields.email,
        fields.mobile,
        fields.job_title,
        fields.company,
        list(one.departments),
        one.primary,
        one.enabled,
        person,
    )


def _person_out(known: Person, link: Link | None, reasons: tuple[str, ...] = ()) -> PersonOut:
    return PersonOut(
        known.id,
        known.upn,
        known.display_name,
        known.given_name,
        known.surname,
        known.mail,
        known.mobile_phone,
        known.business_phone,
        known.job_title,
        known.company_name,
        known.department,
        known.enabled,
        known.user_type,
        known.has_mailbox,
        known.has_teams,
        known.standing,
        None if link is None else link.number,
        None if link is None or link.left is None else link.left.value,
        list(reasons),
    )
