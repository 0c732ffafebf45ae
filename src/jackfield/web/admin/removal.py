"""Removing a person's extension by hand, and whether it shall be made again."""

from __future__ import annotations

from typing import Any

from litestar import Response, get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath
from litestar.response import Redirect, Template

from jackfield.core.extensions import Link
from jackfield.core.journal_kinds import LineKind
from jackfield.core.people import ObjectId
from jackfield.core.waiting import at
from jackfield.flows.by_hand import HandRefused, Reason
from jackfield.store.journal import JournalFilter, load_lines
from jackfield.store.links import load_links
from jackfield.web.admin.frame import AnyRequest, by_script
from jackfield.web.admin.numbers import closing, confirmation
from jackfield.web.rooms import House, Rooms

_TOLD = (
    "It is removed from the phone system at once. While its person is in scope the next sync makes"
    " it again, with its number, unless you choose otherwise."
)


@get("/people/{person:str}/remove", include_in_schema=False)
async def confirm_removal(request: AnyRequest, house: House, person: FromPath[str]) -> Template:
    """Ask once more; a dialog where there is a script, a page where there is none."""
    return await _question(request, house, await _link(house, person))


@post("/people/{person:str}/remove", include_in_schema=False)
async def remove(
    request: AnyRequest, house: House, person: FromPath[str]
) -> Template | Response[Any]:
    """Remove the extension; with `choice`, do not make it again for this person."""
    link = await _link(house, person)
    form = await request.form()
    try:
        await house.phones.remove_extension(
            house.tenant, link.key, by=request.user.name, not_again=bool(form.get("choice"))
        )
    except HandRefused as error:
        gone = error.reason is Reason.UNKNOWN
        problem = await _removed_already(house, link) if gone else str(error)
        return await _question(request, house, link, problem=problem, status=409)
    if by_script(request):
        return closing(f"Extension {link.number} is removed.")
    return Redirect(f"/people/{link.person}", status_code=303)


async def _link(house: Rooms, person: str) -> Link:
    id_ = ObjectId(person.lower())
    async with house.database.read() as tx:
        link = (await load_links(tx, house.tenant, [id_])).get(id_)
    if link is None:
        raise NotFoundException("This person has no extension (any more).")
    return link


async def _removed_already(house: Rooms, link: Link) -> str:
    """By whom and when, where the journal knows: somebody had the same dialog open."""
    removals = JournalFilter(LineKind.EXTENSION_REMOVED, subject=link.person)
    async with house.database.read() as tx:
        lines = (await load_lines(tx, house.tenant, removals, limit=1)).lines
    said = [f"by {one.by}, {at(one.at, house.clock.now())}" for one in lines]
    whom = f" ({said[0]})" if said else ""
    return f"Extension {link.number} was removed already{whom}. There is nothing left to do."


async def _question(
    request: AnyRequest, house: Rooms, link: Link, *, problem: str = "", status: int = 200
) -> Template:
    return await confirmation(
        request,
        house,
        title=f"Remove extension {link.number}?",
        action=f"/people/{link.person}/remove",
        back=f"/people/{link.person}",
        verb="Remove",
        told=(_TOLD,),
        choice="Do not make it again for this person",
        problem=problem,
        here="users",
        status=status,
    )


ROUTES = [confirm_removal, remove]
