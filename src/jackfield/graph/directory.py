"""People and groups of a tenant, fetched page by page and turned into ours.

Decided here: what of a Graph record matters to us, and when two readings of it are the same (the
hash). What becomes of a person is decided in `core`; how a round is walked, in `delta.py`.
"""

from __future__ import annotations

import asyncio
import dataclasses
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import quote

import msgspec
import xxhash
from msgspec import UNSET
from msgspec.structs import replace

from jackfield.core.departments import Group, GroupKind
from jackfield.core.licences import licence_facts
from jackfield.core.people import GroupId, ObjectId, Person, Standing, UserType
from jackfield.core.records import record
from jackfield.graph.asking import Ask
from jackfield.graph.client import GraphClient
from jackfield.graph.errors import NotFound
from jackfield.graph.wire import (
    GROUP_SELECT,
    USER_SELECT,
    GroupWire,
    RejectedRecord,
    RemovedWire,
    UserWire,
    read_groups,
    read_user,
    read_users,
)

READING_VERSION = 1
"""Seeds every hash: raise it when `parse_user` or the licence table reads a record differently, so
that everybody counts as changed once."""
USERS_PER_PAGE = 999
AT_ONCE = 100
"""Users of a page that are hashed or parsed in one go: whoever asks for something meanwhile waits
for the end of it."""
MAY_READ_USERS = "User.Read.All"
MAY_READ_GROUPS = "GroupMember.Read.All"

LIST_USERS = Ask(
    "/users",
    {"$select": USER_SELECT, "$top": str(USERS_PER_PAGE)},
    needs=MAY_READ_USERS,
)
DELTA_USERS = Ask("/users/delta", {"$select": USER_SELECT}, needs=MAY_READ_USERS)
LATEST_USERS = Ask(
    "/users/delta", {"$select": USER_SELECT, "$deltatoken": "latest"}, needs=MAY_READ_USERS
)
DELTA_GROUPS = Ask("/groups/delta", {"$select": GROUP_SELECT}, needs=MAY_READ_GROUPS)

_encode = msgspec.msgpack.Encoder().encode


@dataclass(frozen=True, slots=True)
class Removed:
    """A user or group that Graph reports as removed."""

    id: ObjectId
    standing: Standing
    """`RECYCLED` or `GONE`."""


@record
class SeenPerson:
    """A person whose record differs from the one last stored, and the hash to store with them."""

    person: Person
    record_hash: int


@dataclass(frozen=True, slots=True)
class UsersPage:
    """One page of users. Each id stands once, as the page's last word on it."""

    users: Mapping[ObjectId, UserWire]
    hashes: Mapping[ObjectId, int]
    """Of the same ids in the same order; 63 bits, so they fit a signed BIGINT."""
    removed: tuple[Removed, ...]
    rejected: tuple[RejectedRecord, ...]
    next_link: str | None
    delta_link: str | None
    extras: tuple[str, ...] = ()
    """What was asked for beside the usual attributes."""

    @property
    def is_empty(self) -> bool:
        return not (self.users or self.removed or self.rejected)

    def people(self) -> list[Person]:
        """Everybody on the page, parsed."""
        return [parse_user(wire, self.extras) for wire in self.users.values()]

    def changed(self, known: Mapping[ObjectId, int]) -> Iterator[SeenPerson]:
        """Those whose hash is not the known one, parsed; nobody else costs more than a look-up.

        Forget the known hash of whoever is removed: they may come back with the same record.
        """
        for person_id, record_hash in self.hashes.items():
            if known.get(person_id) != record_hash:
                yield SeenPerson(parse_user(self.users[person_id], self.extras), record_hash)


@record
class MemberChange:
    """Somebody or some group joined or left a group directly."""

    group: GroupId
    member: ObjectId
    is_group: bool
    removed: bool


@dataclass(frozen=True, slots=True)
class GroupsPage:
    """One page of groups. Member changes are in Graph's order; a large group comes in pieces."""

    groups: tuple[Group, ...]
    """Each once; a group of which only members changed may be missing here."""
    member_changes: tuple[MemberChange, ...]
    removed: tuple[Removed, ...]
    rejected: tuple[RejectedRecord, ...]
    next_link: str | None
    delta_link: str | None

    @property
    def is_empty(self) -> bool:
        return not (self.groups or self.member_changes or self.removed or self.rejected)


async def fetch_users_page(
    client: GraphClient,
    ask: Ask = LIST_USERS,
    *,
    link: str | None = None,
    extras: tuple[str, ...] = (),
) -> UsersPage:
    """One page of `LIST_USERS`, `DELTA_USERS` or `LATEST_USERS`; `link` names a later one.

    `extras` are attributes of `EXTRAS` to select too: the same ones all through a round, and as
    long as its delta link is followed, since they are baked into every link.

    Delta records that hold only what changed are completed by reading their users again.
    """
    page = await client.get_page(_selecting(ask, extras), read_users, link=link)
    latest: dict[ObjectId, UserWire] = {}
    for wire in page.records:
        person_id = ObjectId(wire.id.lower())
        latest.pop(person_id, None)  # so that the last word also stands last
        latest[person_id] = wire
    if ask is not LIST_USERS:
        await _complete(client, latest, extras)
    removed = tuple(
        Removed(person_id, _standing(wire.removed))
        for person_id, wire in latest.items()
        if wire.removed is not None
    )
    for gone in removed:
        del latest[gone.id]
    hashes: dict[ObjectId, int] = {}
    for at, (person_id, wire) in enumerate(latest.items()):
        if at % AT_ONCE == 0:
            await asyncio.sleep(0)
        hashes[person_id] = record_hash(wire, extras)
    return UsersPage(
        users=latest,
        hashes=hashes,
        removed=removed,
        rejected=page.rejected,
        next_link=page.next_link,
        delta_link=page.delta_link,
        extras=extras,
    )


async def fetch_groups_page(client: GraphClient, *, link: str | None = None) -> GroupsPage:
    """One page of `/groups/delta`, with the changes of direct membership."""
    page = await client.get_page(DELTA_GROUPS, read_groups, link=link)
    groups: dict[GroupId, Group] = {}
    removed: dict[GroupId, Removed] = {}
    changes: list[MemberChange] = []
    for wire in page.records:
        group_id = GroupId(wire.id.lower())
        removed.pop(group_id, None)
        if wire.removed is not None:
            groups.pop(group_id, None)
            removed[group_id] = Removed(ObjectId(group_id), _standing(wire.removed))
            continue
        if wire.display_name is not None:
            groups[group_id] = parse_group(wire)
        changes += [
            MemberChange(
                group_id,
                ObjectId(member.id.lower()),
                is_group=(member.kind or "").lower().endswith(".group"),
                removed=member.removed is not None,
            )
            for member in wire.members or ()
        ]
    return GroupsPage(
        groups=tuple(groups.values()),
        member_changes=tuple(changes),
        removed=tuple(removed.values()),
        rejected=page.rejected,
        next_link=page.next_link,
        delta_link=page.delta_link,
    )


async def fetch_user(
    client: GraphClient, person_id: ObjectId | str, *, extras: tuple[str, ...] = ()
) -> SeenPerson:
    """One user by object id or UPN. Raises `NotFound` also for users in the recycle bin."""
    wire = await _fetch_user(client, person_id, extras)
    return SeenPerson(parse_user(wire, extras), record_hash(wire, extras))


async def fetch_standing(client: GraphClient, person_id: ObjectId) -> Standing:
    """Where somebody stands who was missing from a list: there after all, recycled, or gone."""
    try:
        await _fetch_user(client, person_id)
    except NotFound:
        pass
    else:
        return Standing.PRESENT
    path = f"/directory/deletedItems/{quote(person_id, safe='')}"
    try:
        await client.get(Ask(path, {"$select": "id"}, needs=MAY_READ_USERS))
    except NotFound:
        return Standing.GONE
    return Standing.RECYCLED


def record_hash(wire: UserWire, extras: tuple[str, ...] = ()) -> int:
    """The same for two readings that mean the same to us; 63 bits.

    Another one where more was asked for: that somebody has no such attribute is news then.
    """
    seed = READING_VERSION
    if extras:
        seed += 1 << 32
        known = _extension_attributes(wire)
        wire = replace(
            wire,
            on_premises_extension_attributes={str(at): text for at, text in enumerate(known)},
        )
    return xxhash.xxh3_64_intdigest(_encode(wire), seed) >> 1


def parse_user(wire: UserWire, extras: tuple[str, ...] = ()) -> Person:
    """A user of Graph as a person of ours.

    Control characters go, since databases and phones refuse them; no length is cut. A user type
    that is neither Member, Guest nor empty counts as a guest: nobody unknown gets a telephone.
    """
    upn = wire.user_principal_name
    facts = licence_facts(
        [
            (plan.service_plan_id or "", plan.capability_status or "", plan.service or "")
            for plan in wire.assigned_plans or ()
        ]
    )
    return Person(
        id=ObjectId(wire.id.lower()),
        upn="" if upn is UNSET else _text(upn),
        display_name=_text(wire.display_name),
        given_name=_text(wire.given_name),
        surname=_text(wire.surname),
        mail=_text(wire.mail),
        mobile_phone=_text(wire.mobile_phone),
        business_phone=_first(wire.business_phones),
        job_title=_text(wire.job_title),
        company_name=_text(wire.company_name),
        department=_text(wire.department),
        office_location=_text(wire.office_location),
        usage_location=_text(wire.usage_location).upper(),
        preferred_language=_text(wire.preferred_language),
        enabled=wire.account_enabled is not False,
        user_type=_user_type(wire.user_type),
        skus=tuple(
            [licence.sku_id.lower() for licence in wire.assigned_licenses or () if licence.sku_id]
        ),
        has_mailbox=facts.has_mailbox,
        has_teams=facts.has_teams,
        is_resource_account=facts.is_resource_account,
        extension_attributes=_extension_attributes(wire) if extras else None,
    )


def parse_group(wire: GroupWire) -> Group:
    """A group of Graph as a group of ours. Source: Graph docs, concepts/groups-overview."""
    types = {kind.lower() for kind in wire.group_types or () if kind}
    match "unified" in types, bool(wire.mail_enabled), wire.security_enabled is not False:
        case True, _, _:
            kind = GroupKind.MICROSOFT_365
        case False, True, True:
            kind = GroupKind.MAIL_SECURITY
        case False, True, False:
            kind = GroupKind.DISTRIBUTION
        case _:
            kind = GroupKind.SECURITY
    return Group(
        id=GroupId(wire.id.lower()),
        name=_text(wire.display_name),
        kind=kind,
        dynamic="dynamicmembership" in types,
        description=_text(wire.description),
        mail=_text(wire.mail),
    )


def _selecting(ask: Ask, extras: tuple[str, ...]) -> Ask:
    if not extras:
        return ask
    selected = ",".join((ask.query["$select"], *extras))
    return dataclasses.replace(ask, query={**ask.query, "$select": selected})


async def _fetch_user(
    client: GraphClient, person_id: str, extras: tuple[str, ...] = ()
) -> UserWire:
    # A name that begins with "$" is taken for a function unless it is quoted.
    # Source: Graph docs, api/user-get, read 2026-11.
    quoted = quote(person_id, safe="")
    path = f"/users('{quote(person_id.replace(chr(39), chr(39) * 2), safe='')}')"
    ask = Ask(
        path if person_id.startswith("$") else f"/users/{quoted}",
        {"$select": USER_SELECT},
        needs=MAY_READ_USERS,
    )
    return read_user(await client.get(_selecting(ask, extras)))


async def _complete(
    client: GraphClient, records: dict[ObjectId, UserWire], extras: tuple[str, ...]
) -> None:
    """Read whole records in place of partial ones; who is not found will come as removed later."""
    for person_id, wire in list(records.items()):
        if wire.user_principal_name is UNSET and wire.removed is None:
            try:
                records[person_id] = await _fetch_user(client, person_id, extras)
            except NotFound:
                del records[person_id]


def _standing(removed: RemovedWire | None) -> Standing:
    """Graph's `reason`; one that is not known is taken for the milder one."""
    if removed is not None and (removed.reason or "").lower() == "deleted":
        return Standing.GONE
    return Standing.RECYCLED


def _user_type(text: str | None) -> UserType:
    match (text or "").lower():
        case "" | "member":
            return UserType.MEMBER
        case _:
            return UserType.GUEST


def _extension_attributes(wire: UserWire) -> tuple[str, ...]:
    """The free attributes by number, up to the last one that is set."""
    given = wire.on_premises_extension_attributes
    if not given:
        return ()
    texts = [_text(given.get(f"extensionAttribute{number}")) for number in range(1, 16)]
    while texts and not texts[-1]:
        texts.pop()
    return tuple(texts)


def _first(phones: Iterable[str | None] | None) -> str:
    for phone in phones or ():
        if text := _text(phone):
            return text
    return ""


def _text(text: str | None) -> str:
    if not text:
        return ""
    if not text.isprintable():
        text = "".join(" " if unicodedata.category(mark) == "Cc" else mark for mark in text)
    return text.strip()
