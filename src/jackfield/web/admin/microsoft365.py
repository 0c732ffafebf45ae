"""The M365 button on Users: what people sync does, with pickers for people and groups."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from litestar import Response, get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect, Template

from jackfield.core.choice_words import (
    APPROVALS,
    DEPARTMENTS,
    FED_FIELDS,
    GUARDS,
    NUMBER_FORMS,
    POLICIES,
    SCOPES,
)
from jackfield.core.departments import DepartmentRules, DepartmentSource, explain_departments
from jackfield.core.fields import shown_name
from jackfield.core.number_remarks import rule_remarks
from jackfield.core.people import GroupId, ObjectId, Person, Scope, ScopeRules, Standing
from jackfield.core.schedule import Mode
from jackfield.core.scope_change import Leaving
from jackfield.durable import NotRunningError
from jackfield.flows.asks import Ask
from jackfield.flows.scope_changes import foresee_leavers
from jackfield.store.errors import VersionMoved
from jackfield.store.group_counts import count_people_in
from jackfield.store.groups import load_groups, search_groups
from jackfield.store.people import load_people, search_people
from jackfield.store.runs import Trigger
from jackfield.store.settings import (
    Approval,
    PeopleSettings,
    Stored,
    load_people_changes,
    load_people_settings,
    save_people_settings,
)
from jackfield.store.transaction import Transaction
from jackfield.web.addresses import page_at
from jackfield.web.admin.asking import Position, check_places
from jackfield.web.admin.attributes_form import options
from jackfield.web.admin.attributes_trial import PARAMS as TRY_PARAMS
from jackfield.web.admin.form_fields import ids_of
from jackfield.web.admin.frame import AnyRequest, by_script, load_frame, show, triggering
from jackfield.web.admin.sync_conflict import Conflict, settle
from jackfield.web.admin.sync_form import (
    SyncForm,
    form_of,
    read_form,
    settings_of,
    time_zones,
)
from jackfield.web.rooms import House, Rooms

PAGE = 25
SAVE, PREVIEW = "save", "preview"
"""The two answers to being told that many people would become leavers."""
NAMED = 10
PICKERS = {"scope_groups", "department_groups"}


@dataclass(frozen=True, slots=True)
class Choice:
    """A row of a picker."""

    id: str
    name: str
    detail: str
    more: str = ""
    gone: bool = False


@get("/users/m365", include_in_schema=False)
async def open_form(request: AnyRequest, house: House) -> Template:
    """The dialog, or a page of its own where there is no script."""
    async with house.database.read() as tx:
        stored = await load_people_settings(tx, house.tenant)
    return await _form(request, house, form_of(stored.value, stored.version), stored)


@post("/users/m365", include_in_schema=False)
async def save(request: AnyRequest, house: House) -> Template | Response[Any]:
    """Save, or say beside each field what is wrong; what was typed stays."""
    fields = await request.form()
    form = read_form(fields)
    async with house.database.read() as tx:
        stored = await load_people_settings(tx, house.tenant)
        wanted, errors = settings_of(form, stored.value, house.planning.limits(house.tenant).ranges)
        errors = {**errors, **await _unknown(tx, house.tenant, form, stored.value)}
    if wanted is None or errors:
        return await _form(request, house, replace(form, errors=errors), stored, status=422)
    expected = int(form.version) if re.fullmatch(r"[0-9]{1,9}", form.version) else -1
    chosen = str(fields.get("drastic", ""))[:20]
    drastic = None
    if expected == stored.version:
        # Else somebody else has saved meanwhile, which is said below and comes first.
        drastic = await foresee_leavers(
            house.database,
            house.tenant,
            stored.value.rules,
            wanted.rules,
            now=house.clock.now(),
        )
    if drastic is not None and not _is_known(drastic, chosen, str(fields.get("leavers", ""))):
        return await _form(request, house, form, stored, status=409, drastic=drastic)
    previews = drastic is not None and chosen == PREVIEW
    if previews:
        wanted = replace(wanted, approve=Approval.BY_HAND)
    try:
        async with house.database.write() as tx:
            saved = await save_people_settings(
                tx,
                house.tenant,
                wanted,
                expected_version=expected,
                by=request.user.name,
                now=house.clock.now(),
            )
    except VersionMoved:
        async with house.database.read() as tx:
            stored = await load_people_settings(tx, house.tenant)
            changes = await load_people_changes(tx, house.tenant, expected)
        merged, conflict = settle(form, stored, changes)
        return await _form(request, house, merged, stored, status=409, conflict=conflict)
    begun = previews and await _preview(house, request.user.name)
    if not by_script(request):
        return Redirect("/plans" if begun else "/users", status_code=303)
    said = "Saved. The next sync looks at everyone again." if wanted.enabled else "Saved."
    ranges = house.planning.limits(house.tenant).ranges
    if begun:
        said = "Saved. Every plan waits for you; the preview is being made and will be under Plan."
    said = " ".join([said, *rule_remarks(wanted.rules.numbers, ranges)])
    headers = triggering({"jackfield:close": "", "jackfield:said": said})
    if not _on_its_own_page(request):
        return Response(None, status_code=204, headers=headers)
    # The form stays in sight: it goes on from what is saved now, by its new version.
    answer = await _form(request, house, form_of(saved.value, saved.version), saved)
    answer.headers.update(headers)
    return answer


def _is_known(drastic: Leaving, answer: str, told: str) -> bool:
    """Whether whoever saves was told of so many leavers, and has answered."""
    known = int(told) if re.fullmatch(r"[0-9]{1,9}", told) else 0
    return answer in {SAVE, PREVIEW} and drastic.count <= known


async def _preview(house: Rooms, by: str) -> bool:
    """Begin a preview; False where no process is there to make it."""
    ask = Ask(Mode.DELTA, Trigger.ADMINISTRATOR, by, preview=True)
    try:
        await house.people.start(house.tenant, ask)
    except NotRunningError:
        return False
    return True


@post("/users/m365/departments", include_in_schema=False)
async def explain(request: AnyRequest, house: House) -> Template:
    """Which groups become departments with what is chosen at the moment."""
    form = read_form(await request.form())
    async with house.database.read() as tx:
        frame = await load_frame(tx, house)
        sentences = await _sentences(tx, house.tenant, form)
    return show("_sync_departments.html", request, frame, "users", sentences=sentences)


@get("/users/m365/people", include_in_schema=False)
async def pick_people(
    request: AnyRequest,
    house: House,
    q: FromQuery[str] = "",
    after: FromQuery[str] = "",
    before: FromQuery[str] = "",
) -> Template:
    """One page of people to choose from."""
    check_places(after, before)
    async with house.database.read() as tx:
        frame = await load_frame(tx, house)
        found = await search_people(
            tx,
            house.tenant,
            q[:200],
            limit=PAGE,
            after=after or None,
            before=before or None,
        )
        ids = [ObjectId(ref) for ref in found.refs]
        known = await load_people(tx, house.tenant, ids)
    rows = [_person(known[id_]) for id_ in ids if id_ in known]
    return show(
        "_picker.html",
        request,
        frame,
        "users",
        picker="users",
        url="/users/m365/people",
        rows=rows,
        found=found,
        q=q[:200],
        only=False,
    )


@post("/users/m365/people", include_in_schema=False)
async def chosen_people(request: AnyRequest, house: House, start: Position = 0) -> Template:
    """One page of the people who are chosen, those no longer there included."""
    form = await request.form()
    chosen = sorted(ids_of(str(form.get("users", ""))))
    start = max(0, min(start, max(0, len(chosen) - 1) // PAGE * PAGE))
    ids = [ObjectId(id_) for id_ in chosen[start : start + PAGE]]
    async with house.database.read() as tx:
        frame = await load_frame(tx, house)
        known = await load_people(tx, house.tenant, ids)
    rows = [_person(known[id_]) if id_ in known else Choice(id_, id_, "", gone=True) for id_ in ids]
    return show(
        "_picker_chosen.html",
        request,
        frame,
        "users",
        picker="users",
        rows=sorted(rows, key=lambda row: row.name.casefold()),
        start=start,
        total=len(chosen),
        size=PAGE,
    )


@get("/users/m365/groups/{picker:str}", include_in_schema=False)
async def pick_groups(
    request: AnyRequest,
    house: House,
    picker: FromPath[str],
    q: FromQuery[str] = "",
    after: FromQuery[str] = "",
    before: FromQuery[str] = "",
) -> Template:
    """One page of groups to choose from."""
    if picker not in PICKERS:
        raise NotFoundException
    check_places(after, before)
    async with house.database.read() as tx:
        frame = await load_frame(tx, house)
        found = await search_groups(
            tx,
            house.tenant,
            q[:200],
            limit=PAGE,
            after=after or None,
            before=before or None,
        )
        ids = [GroupId(ref) for ref in found.refs]
        rules = (await load_people_settings(tx, house.tenant)).value.rules.scope
        rows = await _groups(tx, house.tenant, ids, counted=rules)
    return show(
        "_picker.html",
        request,
        frame,
        "users",
        picker=picker,
        url=f"/users/m365/groups/{picker}",
        rows=rows,
        found=found,
        q=q[:200],
        only=False,
    )


async def _form(
    request: AnyRequest,
    house: Rooms,
    form: SyncForm,
    stored: Stored[PeopleSettings],
    *,
    status: int = 200,
    conflict: Conflict | None = None,
    drastic: Leaving | None = None,
) -> Template:
    async with house.database.read() as tx:
        frame = await load_frame(tx, house)
        context: dict[str, Any] = {
            "scope_groups": await _groups(tx, house.tenant, form.ids("scope_groups")),
            "department_groups": await _groups(tx, house.tenant, form.ids("department_groups")),
            "sentences": await _sentences(tx, house.tenant, form),
        }
        first = drastic.people[:NAMED] if drastic else ()
        known = await load_people(tx, house.tenant, first)
        leaving = sorted(shown_name(one) for one in known.values())
    dialog = by_script(request)
    refilled = dialog and request.method == "POST"
    template = "_sync_form.html" if refilled else "_sync_dialog.html" if dialog else "sync.html"
    return show(
        template,
        request,
        frame,
        "users",
        # htmx takes any answer; a browser's console would call a refused form a failure.
        status=200 if refilled else status,
        form=form,
        stored=stored,
        conflict=conflict,
        drastic=drastic,
        leaving=leaving,
        scopes=SCOPES,
        sources=DEPARTMENTS,
        policies=POLICIES,
        not_made_again=len(stored.value.rules.not_recreated),
        approvals=APPROVALS,
        attributes={rule: (label, options(rule)) for rule, label in FED_FIELDS.items()},
        forms=NUMBER_FORMS,
        guards=GUARDS,
        home=(frame.connection.usage_country if frame.connection else ""),
        zones=time_zones(),
        try_params=TRY_PARAMS,
        ranges=house.planning.limits(house.tenant).ranges,
        dialog=dialog and not _on_its_own_page(request),
        **context,
    )


def _on_its_own_page(request: AnyRequest) -> bool:
    """Whether the form stands on its page, where nothing closes, rather than in a dialog."""
    return page_at(request.headers.get("hx-current-url", "")) == "/users/m365"


async def _groups(
    tx: Transaction, tenant: int, ids: Sequence[str], *, counted: ScopeRules | None = None
) -> list[Choice]:
    known = await load_groups(tx, tenant, [GroupId(id_) for id_ in ids])
    members = await count_people_in(tx, tenant, list(map(GroupId, ids)), counted) if counted else {}
    rows = []
    for id_ in map(GroupId, ids):
        group = known.get(id_)
        if group is None:
            rows.append(Choice(id_, id_, "", gone=True))
        else:
            rows.append(
                Choice(
                    id_,
                    group.name or id_,
                    group.kind.value,
                    f"{members.get(id_, 0):,}",
                    gone=group.standing is not Standing.PRESENT,
                )
            )
    return rows


def _person(person: Person) -> Choice:
    return Choice(
        person.id,
        shown_name(person),
        person.mail or person.upn,
        person.department,
        gone=person.standing is not Standing.PRESENT,
    )


async def _sentences(tx: Transaction, tenant: int, form: SyncForm) -> tuple[str, ...]:
    selected = tuple(map(GroupId, form.ids("scope_groups")))
    chosen = tuple(map(GroupId, form.ids("department_groups")))
    groups = await load_groups(tx, tenant, sorted({*selected, *chosen}))
    scope, source = form.text("scope"), form.text("source")
    known = source in set(DepartmentSource)
    return explain_departments(
        DepartmentRules(DepartmentSource(source) if known else DepartmentSource.NONE, chosen),
        ScopeRules(Scope(scope) if scope in set(Scope) else Scope.ALL, selected_groups=selected),
        groups,
    )


async def _unknown(
    tx: Transaction, tenant: int, form: SyncForm, stored: PeopleSettings
) -> dict[str, str]:
    """Ids that name nothing we know and were not chosen before."""
    errors: dict[str, str] = {}
    users = {ObjectId(id_) for id_ in form.ids("users")} - stored.rules.scope.selected_users
    lost = users - (await load_people(tx, tenant, sorted(users))).keys()
    if lost:
        errors["users"] = f"{len(lost):,} of the selected people are not known; choose them again."
    kept = {*stored.rules.scope.selected_groups, *stored.rules.departments.groups}
    for name in PICKERS:
        wanted = {GroupId(id_) for id_ in form.ids(name)} - kept
        missing = wanted - (await load_groups(tx, tenant, sorted(wanted))).keys()
        if missing:
            errors[name] = f"{len(missing):,} of the chosen groups are not known; choose again."
    return errors


ROUTES = [open_form, save, explain, pick_people, chosen_people, pick_groups]
