"""Journals, a tenant's and the installation's: what was decided and done, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from litestar import get
from litestar.params import FromQuery
from litestar.response import Template

from jackfield.core.fields import shown_name
from jackfield.core.journal_kinds import IN_INSTALLATION, IN_TENANTS
from jackfield.core.people import GroupId, ObjectId
from jackfield.store.groups import load_groups
from jackfield.store.journal import JournalFilter, load_lines
from jackfield.store.people import load_people
from jackfield.store.schema import INSTALLATION
from jackfield.web.admin.asking import LONGEST, Days, Position, Unaskable, check_choice
from jackfield.web.admin.frame import AnyRequest, load_frame, show, switch_of, wants_part
from jackfield.web.rooms import House
from jackfield.web.tenancy import ABOUT, About

PAGE = 50


@dataclass(frozen=True, slots=True)
class Asked:
    """What the address of a journal, or of its file, asks for."""

    parts: Mapping[str, str]
    """As parts of an address."""
    filter: JournalFilter
    no_days: bool
    """The last day is before the first."""

    @property
    def in_file(self) -> JournalFilter:
        """The filter of a file, which has no place to say so."""
        if self.no_days:
            until, since = self.parts["until"], self.parts["since"]
            raise Unaskable(f"“until” in the address ({until}) is before “since” ({since}).")
        return self.filter


def asked_lines(
    q: str, kind: str, person: str, days: Days, kinds: Mapping[str, str] = IN_TENANTS
) -> Asked:
    """What is asked for, checked; the API writes kinds with a full stop behind."""
    kind = kind.removesuffix(".")
    check_choice("kind", kind, kinds)
    parts = {
        "q": q[:LONGEST],
        "kind": kind,
        "person": person[:LONGEST],
        "since": days.since,
        "until": days.until,
        "zone": days.zone if days.since or days.until else "",
    }
    begin, end = days.begin, days.end
    wanted = JournalFilter(
        kind=kind and f"{kind}.",
        subject=parts["person"],
        text=parts["q"],
        since=begin,
        until=end,
    )
    return Asked(parts, wanted, begin is not None and end is not None and end <= begin)


@get("/journal", include_in_schema=False)
async def journal(
    request: AnyRequest,
    house: House,
    q: FromQuery[str] = "",
    kind: FromQuery[str] = "",
    person: FromQuery[str] = "",
    since: FromQuery[str] = "",
    until: FromQuery[str] = "",
    zone: FromQuery[str] = "",
    before: Position = 0,
) -> Template:
    """Lines, the newest first."""
    tenant = house.tenant
    asked = asked_lines(q, kind, person, Days(since, until, zone))
    async with house.database.read() as tx:
        frame = await load_frame(tx, house)
        page = await load_lines(tx, tenant, asked.filter, before=before or None, limit=PAGE)
        about = ""
        if person:
            people = await load_people(tx, tenant, [ObjectId(person)])
            groups = await load_groups(tx, tenant, [GroupId(person)])
            names = [shown_name(one) for one in people.values()]
            names += [group.name for group in groups.values()]
            about = names[0] if names else asked.parts["person"]
        known = await load_people(tx, tenant, sorted({ObjectId(one.subject) for one in page.lines}))
    return show(
        "_journal_list.html" if wants_part(request, "list") else "journal.html",
        request,
        frame,
        "journal",
        place="/journal",
        page=page,
        known=known,
        about=about,
        kinds=IN_TENANTS,
        asked=asked.parts,
        no_days=asked.no_days,
        before=before,
    )


@get("/tenants/journal", opt={ABOUT: About.INSTALLATION}, include_in_schema=False)
async def installation_journal(
    request: AnyRequest,
    house: House,
    q: FromQuery[str] = "",
    kind: FromQuery[str] = "",
    since: FromQuery[str] = "",
    until: FromQuery[str] = "",
    zone: FromQuery[str] = "",
    before: Position = 0,
) -> Template:
    """The lines about no tenant alone: tenants, accounts, tokens, the key."""
    asked = asked_lines(q, kind, "", Days(since, until, zone), IN_INSTALLATION)
    async with house.database.read() as tx:
        page = await load_lines(tx, INSTALLATION, asked.filter, before=before or None, limit=PAGE)
    return Template(
        "_journal_list.html" if wants_part(request, "list") else "tenants_journal.html",
        context={
            "viewer": request.user,
            "here": "tenants",
            "switch": switch_of(request),
            "place": "/tenants/journal",
            "page": page,
            "known": {},
            "kinds": IN_INSTALLATION,
            "asked": asked.parts,
            "no_days": asked.no_days,
            "before": before,
        },
    )


ROUTES = [journal, installation_journal]
