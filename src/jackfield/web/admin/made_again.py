"""People whose extension is not made again once it was removed, and the way back for each."""

from __future__ import annotations

from litestar import get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath
from litestar.response import Redirect, Template

from jackfield.core.fields import shown_name
from jackfield.core.people import ObjectId
from jackfield.flows.made_again import choose_made_again
from jackfield.store.people import load_people
from jackfield.store.settings import load_people_settings
from jackfield.web.admin.asking import PageNumber
from jackfield.web.admin.frame import AnyRequest, load_frame, show
from jackfield.web.admin.users_head import load_users_head
from jackfield.web.rooms import House

PAGE = 50


@get("/users/not-made-again", include_in_schema=False)
async def not_made_again(request: AnyRequest, house: House, page: PageNumber = 1) -> Template:
    """Those chosen one by one, by name."""
    tenant = house.tenant
    async with house.database.read() as tx:
        frame = await load_frame(tx, house)
        rules = (await load_people_settings(tx, tenant)).value.rules
        known = await load_people(tx, tenant, sorted(rules.not_recreated))
        head = await load_users_head(tx, tenant)
    names = {one: shown_name(known[one]) if one in known else one for one in rules.not_recreated}
    ids = sorted(names, key=lambda one: (names[one].casefold(), one))
    pages = max(1, -(-len(ids) // PAGE))
    page = min(page, pages)
    return show(
        "not_made_again.html",
        request,
        frame,
        "users",
        rows=[(one, names[one], known.get(one)) for one in ids[(page - 1) * PAGE :][:PAGE]],
        count=len(ids),
        page=page,
        pages=pages,
        nobody_is=not rules.recreate,
        **head,
    )


@post("/people/{person:str}/made-again", include_in_schema=False)
async def make_again(request: AnyRequest, house: House, person: FromPath[str]) -> Redirect:
    """Take a person off the list: the next sync makes their extension again."""
    id_ = ObjectId(person.lower())
    chosen = await choose_made_again(
        house.database, house.clock, house.tenant, id_, again=True, by=request.user.name
    )
    if not chosen:
        raise NotFoundException("Nothing is chosen for this person (any more).")
    return Redirect("/users/not-made-again", status_code=303)


ROUTES = [not_made_again, make_again]
