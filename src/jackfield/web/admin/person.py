"""One person or one extension: fields and their owners, why it is so, and what happened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from litestar import get
from litestar.exceptions import NotFoundException
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect, Template

from jackfield.core.actions import groups_of
from jackfield.core.attributes import AttributeRules
from jackfield.core.departments import Group
from jackfield.core.extensions import Extension, ExtensionFields, ExtensionKey, Field, Link
from jackfield.core.fields import LABELS, attribute, follows, shown_name, wanted_fields
from jackfield.core.memberships import chains
from jackfield.core.people import GroupId, ObjectId, Person, Standing
from jackfield.core.rules import PhoneLimits
from jackfield.core.wording import differences, title
from jackfield.flows.undecided import was_turned_down
from jackfield.store.groups import load_edges, load_groups, load_skus
from jackfield.store.held_actions import find_holding
from jackfield.store.journal import JournalFilter, StoredLine, load_lines
from jackfield.store.links import load_links, load_links_of_extensions
from jackfield.store.people import PersonHistory, load_people, load_person_history
from jackfield.store.phone_departments import load_departments
from jackfield.store.phones import load_extensions
from jackfield.store.photos import load_photos
from jackfield.store.plan_actions import StoredAction, load_actions_of
from jackfield.store.plans import load_outline
from jackfield.store.settings import load_people_settings
from jackfield.store.transaction import Transaction
from jackfield.store.users import has_left
from jackfield.web.admin.frame import AnyRequest, load_frame, show, wants_part
from jackfield.web.admin.photos import face_of, photo_told
from jackfield.web.licences import licence_pairs
from jackfield.web.rooms import House

HISTORY = 20


@dataclass(frozen=True, slots=True)
class FieldRow:
    """One field of an extension as the page shows it."""

    label: str
    value: str
    owner: str
    wanted: str | None = None
    """What Microsoft 365 says, where that is another value."""


@get("/people/{person:str}", include_in_schema=False)
async def person_page(request: AnyRequest, house: House, person: FromPath[str]) -> Template:
    """A person of Microsoft 365, with or without an extension."""
    tenant, id_ = house.tenant, ObjectId(person.lower())
    async with house.database.read() as tx:
        frame = await load_frame(tx, house)
        known = (await load_people(tx, tenant, [id_])).get(id_)
        link = (await load_links(tx, tenant, [id_])).get(id_)
        if known is None and link is None:
            raise NotFoundException("There is no such person in the picture of Microsoft 365.")
        extensions = await load_extensions(tx, tenant, [link.key] if link else [])
        extension = extensions.get(link.key) if link else None
        departments = {key: one.name for key, one in (await load_departments(tx, tenant)).items()}
        edges = await load_edges(tx, tenant, [id_])
        through = chains(edges.people, edges.nested)
        groups = await load_groups(tx, tenant, list(through))
        skus = await load_skus(tx, tenant)
        history = await load_person_history(tx, tenant, id_)
        lines = (await load_lines(tx, tenant, JournalFilter(subject=id_), limit=HISTORY)).lines
        photo = (await load_photos(tx, tenant, [id_])).get(id_)
        photos_on = (await load_people_settings(tx, tenant)).value.photos
        acted = await load_actions_of(tx, tenant, id_, limit=10)
        happened = [*lines, *_deleted(history), *await _held(tx, tenant, acted)]
        refused = None if link else await was_turned_down(tx, tenant, id_)
        named = await load_groups(tx, tenant, groups_of(one.action for _, one in acted))
    names = {group: one.name for group, one in named.items()}
    rules = (await house.planning.rules(tenant)).attributes
    template = "_person_body.html" if wants_part(request, "body") else "person.html"
    return show(
        template,
        request,
        frame,
        "users",
        id=id_,
        name=shown_name(known) if known else link.number if link else id_,
        person=known,
        link=link,
        extension=extension,
        departments=departments,
        groups=_with_ways(groups, through),
        licences=licence_pairs(known.skus if known else (), skus),
        left=has_left(link, known),
        history=history,
        photo=photo,
        face=face_of(photo),
        photo_told=photo_told(photo, on=photos_on),
        present=known is not None and known.standing is Standing.PRESENT,
        fields=field_rows(known, extension, link, rules, house.planning.limits(tenant)),
        reasons=[
            one
            for one in await house.planning.explain(tenant, id_, refused)
            if not _is_field(one, rules)
        ],
        actions=[
            (plan, one, title(one.action), differences(one.action, departments, names))
            for plan, one in acted
        ],
        lines=sorted(happened, key=lambda line: line.at, reverse=True),
    )


def _deleted(history: PersonHistory | None) -> list[StoredLine]:
    """That Microsoft 365 has somebody no more: seen, and nobody's doing, so in no journal."""
    if history is None or history.removed_at is None:
        return []
    return [_happened(history.removed_at, "The account was deleted in Microsoft 365.")]


async def _held(
    tx: Transaction, tenant: int, acted: Sequence[tuple[int, StoredAction]]
) -> list[StoredLine]:
    """What guards hold back now: for thousands at once, so that the journal has no line of each."""
    holding = await find_holding(tx, tenant) if any(one.held for _, one in acted) else ()
    found = []
    for plan, one in acted:
        head = await load_outline(tx, tenant, plan) if one.held and plan in holding else None
        if head is not None:
            text = (
                f"{title(one.action)}: held back by a guard until an administrator releases it;"
                f" see plan {plan}."
            )
            found.append(_happened(head.made_at, text))
    return found


def _happened(at: datetime, text: str) -> StoredLine:
    return StoredLine(0, at, "", "", "", text, "", "", {})


def _with_ways(
    groups: Mapping[GroupId, Group], through: Mapping[GroupId, tuple[GroupId, ...]]
) -> list[tuple[Group, list[str]]]:
    """The groups that somebody is in, direct ones first, each with those that lead there."""
    ways = [
        (one, [groups[each].name if each in groups else each for each in through[id_]])
        for id_, one in groups.items()
    ]
    return sorted(ways, key=lambda way: (len(way[1]), way[0].name.casefold()))


@get("/users/extension", include_in_schema=False)
async def extension_page(
    request: AnyRequest, house: House, key: FromQuery[str] = ""
) -> Template | Redirect:
    """An extension that no person of Microsoft 365 stands behind."""
    tenant, extension_key = house.tenant, ExtensionKey(key)
    async with house.database.read() as tx:
        frame = await load_frame(tx, house)
        extension = (await load_extensions(tx, tenant, [extension_key])).get(extension_key)
        link = (await load_links_of_extensions(tx, tenant, [extension_key])).get(extension_key)
        departments = {one: d.name for one, d in (await load_departments(tx, tenant)).items()}
    if link is not None:
        return Redirect(f"/people/{link.person}", status_code=303)
    if extension is None:
        raise NotFoundException("There is no such extension in the phone system (any more).")
    fields = extension.fields
    return show(
        "extension.html",
        request,
        frame,
        "users",
        name=f"{fields.first_name} {fields.last_name}".strip() or extension.number,
        extension=extension,
        departments=departments,
        fields=[FieldRow(LABELS[field], getattr(fields, field), "Phone system") for field in Field],
    )


def field_rows(
    person: Person | None,
    extension: Extension | None,
    link: Link | None,
    rules: AttributeRules,
    limits: PhoneLimits,
) -> list[FieldRow]:
    """The fields of the extension with their owners and, where it differs, what shall stand."""
    if extension is None:
        return []
    wanted = None
    stays = person is not None and link is not None and has_left(link, person) is None
    if person is not None and link is not None and stays:
        wanted = wanted_fields(person, rules, limits, extension.fields, link.agreed)
    rows = []
    for field in Field:
        value = getattr(extension.fields, field)
        ours = stays and follows(field, rules, limits)
        owner = f"Microsoft 365: {attribute(field, rules)}" if ours else "Phone system"
        if wanted is not None and field in wanted.kept:
            owner = "Phone system: set there, so it stays"
        shall = getattr(wanted.fields if wanted else ExtensionFields(), field)
        differs = ours and wanted is not None and shall != value
        rows.append(FieldRow(LABELS[field], value, owner, shall if differs else None))
    return rows


def _is_field(sentence: str, rules: AttributeRules) -> bool:
    """Whether a sentence only repeats a row of the table of fields."""
    return any(
        sentence.startswith(f"{LABELS[field]}: ")
        and sentence.endswith(f"from Microsoft 365 ({attribute(field, rules)}).")
        for field in Field
    )


ROUTES = [person_page, extension_page]
