"""Graph's users and groups as they travel, read leniently: one bad record never spoils its page.

Only fields that somebody uses are selected and decoded. Absent, null and unknown fields are all
fine; a field of the wrong type rejects its record, which is then named in the page's `rejected`.
Source: Graph docs, resources/user, resources/group, api/user-delta, api/group-delta, read 2026-11.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

import msgspec
from msgspec import UNSET, Struct, UnsetType, field

from jackfield.graph.answers import UNREADABLE, shown
from jackfield.graph.asking import Answer

LONGEST_ID = 128
_ESCAPE = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"  # a whole pair: kept
    r"|(\\u[dD][89a-fA-F][0-9a-fA-F]{2})"  # half of one
    r"|\\."  # any other escape, so that an escaped backslash is not taken for the start of one
)


class PlanWire(Struct, frozen=True, gc=False, rename="camel"):
    """An entry of `assignedPlans`."""

    service_plan_id: str | None = None
    capability_status: str | None = None
    service: str | None = None


class LicenceWire(Struct, frozen=True, gc=False, rename="camel"):
    """An entry of `assignedLicenses`."""

    sku_id: str | None = None


class RemovedWire(Struct, frozen=True, gc=False):
    """`@removed`: "changed" = in the recycle bin, "deleted" = gone for good."""

    reason: str | None = None


class UserWire(Struct, frozen=True, gc=False, rename="camel", omit_defaults=True):
    """A user of a list, a delta round or a single read."""

    id: str
    user_principal_name: str | UnsetType | None = UNSET
    """Every user has one, so its absence marks a delta record that holds only what changed."""
    display_name: str | None = None
    given_name: str | None = None
    surname: str | None = None
    mail: str | None = None
    account_enabled: bool | None = None
    user_type: str | None = None
    business_phones: list[str | None] | None = None
    mobile_phone: str | None = None
    department: str | None = None
    company_name: str | None = None
    office_location: str | None = None
    job_title: str | None = None
    preferred_language: str | None = None
    usage_location: str | None = None
    assigned_plans: list[PlanWire] | None = None
    assigned_licenses: list[LicenceWire] | None = None
    on_premises_extension_attributes: dict[str, str | None] | UnsetType | None = UNSET
    """Asked for only where a rule follows one of them."""
    removed: RemovedWire | None = field(default=None, name="@removed")


class MemberWire(Struct, frozen=True, gc=False):
    """An entry of `members@delta`."""

    id: str
    kind: str | None = field(default=None, name="@odata.type")
    removed: RemovedWire | None = field(default=None, name="@removed")


class GroupWire(Struct, frozen=True, gc=False, rename="camel", omit_defaults=True):
    """A group of a delta round; a large one comes in pieces, each with some of its members."""

    id: str
    display_name: str | None = None
    description: str | None = None
    mail: str | None = None
    group_types: list[str | None] | None = None
    mail_enabled: bool | None = None
    security_enabled: bool | None = None
    members: list[MemberWire] | None = field(default=None, name="members@delta")
    removed: RemovedWire | None = field(default=None, name="@removed")


EXTRAS = frozenset({"onPremisesExtensionAttributes"})
"""What of a user is selected only when asked for."""


def _selected(record: type[Struct], *more: str) -> str:
    fields = record.__struct_encode_fields__
    usual = (name for name in fields if "@" not in name and name not in EXTRAS)
    return ",".join((*usual, *more))


USER_SELECT = _selected(UserWire)
GROUP_SELECT = _selected(GroupWire, "members")

W = TypeVar("W", UserWire, GroupWire)


@dataclass(frozen=True, slots=True)
class RejectedRecord:
    """A record that could not be read. Its object exists: it must not be taken for missing."""

    id: str | None
    """None if even the id could not be read."""
    position: int
    """Where it stood on its page, from 0."""
    why: str


@dataclass(frozen=True, slots=True)
class WirePage(Generic[W]):
    """One page's records in their order, and the links that follow it."""

    records: list[W]
    rejected: tuple[RejectedRecord, ...]
    next_link: str | None
    delta_link: str | None


class _Links(Struct, frozen=True):
    next_link: str | None = field(default=None, name="@odata.nextLink")
    delta_link: str | None = field(default=None, name="@odata.deltaLink")


class _UsersWire(_Links, frozen=True, kw_only=True):
    value: list[UserWire]


class _GroupsWire(_Links, frozen=True, kw_only=True):
    value: list[GroupWire]


class _RawWire(_Links, frozen=True, kw_only=True):
    value: list[msgspec.Raw]


class _AnyId(Struct):
    id: Any = None


_USERS = msgspec.json.Decoder(_UsersWire)
_GROUPS = msgspec.json.Decoder(_GroupsWire)
_USER = msgspec.json.Decoder(UserWire)
_GROUP = msgspec.json.Decoder(GroupWire)
_RAW = msgspec.json.Decoder(_RawWire)
_ID = msgspec.json.Decoder(_AnyId)


def read_users(answer: Answer) -> WirePage[UserWire]:
    """A page of users. Raises `MalformedAnswer` if it is not even a page."""
    try:
        wire = _USERS.decode(answer.body)
    except UNREADABLE:
        return _one_by_one(answer, _USER)
    return _checked(wire.value, wire, answer, _USER)


def read_groups(answer: Answer) -> WirePage[GroupWire]:
    """A page of groups. Raises `MalformedAnswer` if it is not even a page."""
    try:
        wire = _GROUPS.decode(answer.body)
    except UNREADABLE:
        return _one_by_one(answer, _GROUP)
    return _checked(wire.value, wire, answer, _GROUP)


def read_user(answer: Answer) -> UserWire:
    """A single user. Raises `MalformedAnswer`."""
    user = answer.decode(_USER)
    if not _is_id(user.id):
        raise answer.malformed("a user without a usable id")
    return user


def _checked(
    records: list[W], links: _Links, answer: Answer, decoder: msgspec.json.Decoder[W]
) -> WirePage[W]:
    if all(_is_id(record.id) for record in records):
        return WirePage(records, (), links.next_link, links.delta_link)
    return _one_by_one(answer, decoder)


def _one_by_one(answer: Answer, decoder: msgspec.json.Decoder[W]) -> WirePage[W]:
    try:
        page = _RAW.decode(answer.body)
    except UNREADABLE:
        page = replace(answer, body=_mended(answer.body)).decode(_RAW)
    records: list[W] = []
    rejected: list[RejectedRecord] = []
    for position, raw in enumerate(page.value):
        try:
            record = decoder.decode(raw)
        except UNREADABLE as error:
            rejected.append(RejectedRecord(_id_of(raw), position, shown(str(error))))
            continue
        if _is_id(record.id):
            records.append(record)
        else:
            rejected.append(RejectedRecord(None, position, f"unusable id {shown(record.id)!r}"))
    return WirePage(records, tuple(rejected), page.next_link, page.delta_link)


def _mended(body: bytes) -> bytes:
    """Bytes that are no UTF-8 and halves of surrogate pairs become U+FFFD, as browsers do it."""
    text = body.decode("utf-8", "replace")
    return _ESCAPE.sub(lambda found: found[0] if found[1] is None else r"\ufffd", text).encode()


def _id_of(raw: msgspec.Raw) -> str | None:
    try:
        found = _ID.decode(raw).id
    except UNREADABLE:
        return None
    return found.lower() if isinstance(found, str) and _is_id(found) else None


def _is_id(text: str) -> bool:
    return 0 < len(text) <= LONGEST_ID and text.isascii() and text.isprintable() and " " not in text
