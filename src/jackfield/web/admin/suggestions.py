"""Whom or which group somebody means while they type: a few that fit, for the fields of a form."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from litestar import get
from litestar.params import FromQuery
from litestar.response import Template

from jackfield.core.fields import shown_name
from jackfield.core.people import GroupId, ObjectId
from jackfield.store.groups import load_groups, search_groups
from jackfield.store.people import load_people, search_people
from jackfield.web import tags
from jackfield.web.admin.frame import AnyRequest, load_frame, show
from jackfield.web.rooms import House

MOST = 8


@dataclass(frozen=True, slots=True)
class Suggestion:
    """One that fits: what is put into the field, and what is shown."""

    value: str
    name: str
    detail: str


@get("/suggest/people", include_in_schema=False)
async def people(request: AnyRequest, house: House, whose: FromQuery[str] = "") -> Template:
    """People of Microsoft 365 by name, address or number; their UPN goes into the field."""
    async with house.database.read() as tx:
        frame = await load_frame(tx, house)
        found = await search_people(tx, house.tenant, whose[:200], limit=MOST)
        ids = [ObjectId(ref) for ref in found.refs]
        known = await load_people(tx, house.tenant, ids)
    shown = [known[id_] for id_ in ids if id_ in known]
    rows = [Suggestion(one.upn or one.id, shown_name(one), one.mail or one.upn) for one in shown]
    return show("_suggestions.html", request, frame, "", rows=rows, found=found, one="person")


@get("/suggest/groups", include_in_schema=False)
async def groups(request: AnyRequest, house: House, whose: FromQuery[str] = "") -> Template:
    """Groups by name; where two share theirs, the object ID goes into the field."""
    async with house.database.read() as tx:
        frame = await load_frame(tx, house)
        # One more than is shown: it may share its name with the last of them.
        found = await search_groups(tx, house.tenant, whose[:200], limit=MOST + 1)
        ids = [GroupId(ref) for ref in found.refs]
        known = await load_groups(tx, house.tenant, ids)
    shown = [known[id_] for id_ in ids if id_ in known]
    bearers = Counter(one.name.casefold() for one in shown)
    rows = [
        Suggestion(
            one.name if one.name and bearers[one.name.casefold()] == 1 else one.id,
            one.name or one.id,
            tags.GROUP_KINDS[one.kind],
        )
        for one in shown[:MOST]
    ]
    return show("_suggestions.html", request, frame, "", rows=rows, found=found, one="group")


ROUTES = [people, groups]
