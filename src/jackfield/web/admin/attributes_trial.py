"""Try on a person, in people sync's dialog: what the rules as they stand there would lead to."""

from __future__ import annotations

from litestar import get, post
from litestar.params import FromQuery
from litestar.response import Template

from jackfield.core.fields import shown_name
from jackfield.core.people import ObjectId
from jackfield.store.links import load_links
from jackfield.store.people import load_people, search_people
from jackfield.web.admin.attributes_form import FIELDS, attributes_of
from jackfield.web.admin.form_fields import text_of
from jackfield.web.admin.frame import AnyRequest, load_frame, show
from jackfield.web.rooms import House

PAGE = 8
PARAMS = ",".join((*FIELDS, "try_person"))


@get("/users/m365/try", include_in_schema=False)
async def pick(request: AnyRequest, house: House, q: FromQuery[str] = "") -> Template:
    """A few people to try the rules on; the first ones of all while nothing is searched for."""
    async with house.database.read() as tx:
        frame = await load_frame(tx, house)
        found = await search_people(tx, house.tenant, q[:200], limit=PAGE)
        ids = [ObjectId(ref) for ref in found.refs]
        people = await load_people(tx, house.tenant, ids)
        links = await load_links(tx, house.tenant, ids)
    rows = [(people[id_], shown_name(people[id_]), links.get(id_)) for id_ in ids if id_ in people]
    return show(
        "_try_people.html",
        request,
        frame,
        "users",
        rows=rows,
        more=bool(found.next),
        q=q[:200],
        params=PARAMS,
    )


@post("/users/m365/try", include_in_schema=False)
async def try_on(request: AnyRequest, house: House) -> Template:
    """The rules as they stand in the form, tried on the chosen person; nothing is saved."""
    form = await request.form()

    person, errors, trial = text_of(form, "try_person"), dict[str, str](), None
    rules = attributes_of({name: text_of(form, name) for name in FIELDS}, errors)
    if person and not errors:
        trial = await house.trials.try_on(house.tenant, person, rules)
    async with house.database.read() as tx:
        frame = await load_frame(tx, house)
    return show(
        "_try_shown.html",
        request,
        frame,
        "users",
        person=person,
        trial=trial,
        wrong=tuple(errors.values()),
    )


ROUTES = [pick, try_on]
