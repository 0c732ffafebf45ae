"""Journals, a tenant's and the installation's: what was decided and done, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping

from litestar import get
from litestar.params import FromQuery
from litestar.response import Template

from jackfield.core.fields import shown_name
from jackfield.core.people import GroupId, ObjectId
from jackfield.store.groups import load_groups
from jackfield.store.journal import JournalFilter, load_lines
from jackfield.store.people import load_people
from jackfield.store.schema import INSTALLATION
from jackfield.web.admin.asking import Position, check_choice
from jackfield.web.admin.frame import AnyRequest, load_frame, show, switch_of, wants_part
from jackfield.web.rooms import House
from jackfield.web.tenancy import ABOUT, About

PAGE = 50
KINDS = {
    "create_extension": "Extensions created",
    "adopt_extension": "Extensions adopted",
    "update_extension": "Extensions updated",
    "keep_leaver": "Leavers kept",
    "disable_extension": "Extensions disabled",
    "remove_extension": "Extensions removed",
    "unlink_extension": "Extensions let go",
    "create_department": "Departments created",
    "rename_department": "Departments renamed",
    "flag_department": "Departments flagged",
    "extension": "Extensions changed by hand",
    "department": "Departments changed by hand",
    "match": "Doubtful matches decided",
    "photo": "Photos",
    "number": "Numbers let go by hand",
    "person": "People who could not be read",
    "plan": "Plans approved, turned down or undone",
    "tenant": "Connection",
    "settings": "Settings",
    "phones": "Another phone system accepted",
    "token": "Tokens",
    "alarm": "Alarms",
}
OF_INSTALLATION = {
    "tenant": "Tenants",
    "account": "Accounts, and who signed in",
    "token": "Tokens",
    "vault": "Key of the stored secrets",
}
"""The kinds of lines that are about no tenant alone."""


def wanted_lines(
    kind: str, text: str, subject: str = "", kinds: Mapping[str, str] = KINDS
) -> tuple[str, JournalFilter]:
    """The kind as a page has it, and the filter; the API writes kinds with a full stop behind."""
    kind = kind.removesuffix(".")
    check_choice("kind", kind, kinds)
    return kind, JournalFilter(kind=kind and f"{kind}.", subject=subject[:200], text=text[:200])


@get("/journal", include_in_schema=False)
async def journal(
    request: AnyRequest,
    house: House,
    q: FromQuery[str] = "",
    kind: FromQuery[str] = "",
    person: FromQuery[str] = "",
    before: Position = 0,
) -> Template:
    """Lines, the newest first."""
    tenant = house.tenant
    kind, wanted = wanted_lines(kind, q, person)
    async with house.database.read() as tx:
        frame = await load_frame(tx, house)
        page = await load_lines(tx, tenant, wanted, before=before or None, limit=PAGE)
        about = ""
        if person:
            people = await load_people(tx, tenant, [ObjectId(person)])
            groups = await load_groups(tx, tenant, [GroupId(person)])
            names = [shown_name(one) for one in people.values()]
            names += [group.name for group in groups.values()]
            about = names[0] if names else person[:200]
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
        kinds=KINDS,
        asked={"q": wanted.text, "kind": kind, "person": wanted.subject},
        before=before,
    )


@get("/tenants/journal", opt={ABOUT: About.INSTALLATION}, include_in_schema=False)
async def installation_journal(
    request: AnyRequest,
    house: House,
    q: FromQuery[str] = "",
    kind: FromQuery[str] = "",
    before: Position = 0,
) -> Template:
    """The lines about no tenant alone: tenants, accounts, tokens, the key."""
    kind, wanted = wanted_lines(kind, q, kinds=OF_INSTALLATION)
    async with house.database.read() as tx:
        page = await load_lines(tx, INSTALLATION, wanted, before=before or None, limit=PAGE)
    return Template(
        "_journal_list.html" if wants_part(request, "list") else "tenants_journal.html",
        context={
            "viewer": request.user,
            "here": "tenants",
            "switch": switch_of(request),
            "place": "/tenants/journal",
            "page": page,
            "known": {},
            "kinds": OF_INSTALLATION,
            "asked": {"q": wanted.text, "kind": kind},
            "before": before,
        },
    )


ROUTES = [journal, installation_journal]
