"""Journal: what was decided and done, why, and what came of it."""

from __future__ import annotations

from litestar import get
from litestar.params import FromQuery
from litestar.response import Template

from jackfield.core.fields import shown_name
from jackfield.core.people import GroupId, ObjectId
from jackfield.store.groups import load_groups
from jackfield.store.journal import JournalFilter, load_lines
from jackfield.store.people import load_people
from jackfield.web.admin.asking import Position, check_choice
from jackfield.web.admin.frame import AnyRequest, load_frame, show, wants_part
from jackfield.web.rooms import House

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
    "person": "People who could not be read",
    "plan": "Plans approved, turned down or undone",
    "tenant": "Connection",
    "settings": "Settings",
    "alarm": "Alarms",
}


def family(kind: str) -> str:
    """What lines to show, as asked for; the API writes it with a full stop behind it."""
    kind = kind.removesuffix(".")
    check_choice("kind", kind, KINDS)
    return kind


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
    kind = family(kind)
    wanted = JournalFilter(kind=kind and f"{kind}.", subject=person[:200], text=q[:200])
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
        page=page,
        known=known,
        about=about,
        kinds=KINDS,
        asked={"q": wanted.text, "kind": kind, "person": wanted.subject},
        before=before,
    )


ROUTES = [journal]
