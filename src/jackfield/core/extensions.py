"""The phone system's records as the rules see them: extensions, departments, links to people.

Only shapes live here. What a phone system can do is in `jackfield.pbx.port`; what is to be done is
in `jackfield.core.plan`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import NewType

from jackfield.core.people import GroupId, LeaverCause, ObjectId
from jackfield.core.records import record

ExtensionNumber = NewType("ExtensionNumber", str)
"""Digits, leading zeros kept: "0200" is a number of its own."""

ExtensionKey = NewType("ExtensionKey", str)
"""The phone system's own stable key of an extension, opaque."""

DepartmentKey = NewType("DepartmentKey", str)
"""The phone system's own stable key of a department, opaque."""


@record
class ExtensionFields:
    """The fields of an extension that people sync feeds. "" means not set."""

    first_name: str = ""
    last_name: str = ""
    email: str = ""
    mobile: str = ""
    job_title: str = ""
    company: str = ""
    caller_id: str = ""
    """The number shown to those who are called (outbound caller ID)."""
    office: str = ""
    """Where the person's desk is."""


class Field(StrEnum):
    """The names of `ExtensionFields`, for differences and ownership."""

    FIRST_NAME = "first_name"
    LAST_NAME = "last_name"
    EMAIL = "email"
    MOBILE = "mobile"
    JOB_TITLE = "job_title"
    COMPANY = "company"
    CALLER_ID = "caller_id"
    OFFICE = "office"


@record
class Extension:
    """One extension as the phone system was last seen."""

    key: ExtensionKey
    number: ExtensionNumber
    fields: ExtensionFields
    departments: tuple[DepartmentKey, ...] = ()
    primary: DepartmentKey | None = None
    enabled: bool = True
    external_key: str | None = None
    """Our key (the person's object ID) where the phone system keeps it."""


@dataclass(frozen=True, slots=True)
class Department:
    """One department as the phone system was last seen."""

    key: DepartmentKey
    name: str
    external_key: str | None = None
    """Our key (the group's object ID) where the phone system keeps it."""


@record
class Link:
    """The agreement between a person and an extension: what both sides last agreed on."""

    person: ObjectId
    key: ExtensionKey
    number: ExtensionNumber
    agreed: ExtensionFields
    departments: tuple[DepartmentKey, ...] = ()
    """Memberships that Jackfield gave; those given by hand are not in it."""
    left: LeaverCause | None = None
    """Set while the person is a leaver whose extension is kept or disabled."""
    left_at: datetime | None = None
    """Since when for that cause; None while `left` is."""


@dataclass(frozen=True, slots=True)
class FormerExtension:
    """What a person's removed extension was, so that it can be had back."""

    number: ExtensionNumber
    fields: ExtensionFields = ExtensionFields()
    by_hand: tuple[DepartmentKey, ...] = ()
    """Departments that were given in the phone system."""
    primary: DepartmentKey | None = None
    given: tuple[DepartmentKey, ...] = ()
    """Departments that Jackfield had given."""
    enabled: bool = True
    given_caller_id: bool = True
    """The outbound caller ID among the fields was one that Jackfield had given."""

    @property
    def own_fields(self) -> ExtensionFields:
        """The fields without an outbound caller ID that Jackfield had given."""
        return replace(self.fields, caller_id="") if self.given_caller_id else self.fields


class Verdict(StrEnum):
    """What an administrator decided about an extension that may be a person's."""

    THEIRS = "theirs"
    NOT_THEIRS = "not_theirs"


class DepartmentFlag(StrEnum):
    """Why a linked department no longer follows a group. It is left standing."""

    VANISHED = "vanished"
    DESELECTED = "deselected"


@dataclass(frozen=True, slots=True)
class DepartmentLink:
    """The agreement between a group and a department, by the group's id and never by name."""

    group: GroupId
    key: DepartmentKey
    agreed_name: str
    """The name Jackfield last gave it; another name in the phone system was given by hand."""
    group_name: str
    """The group's name at that time (without the increment that a clash may have added)."""
    flag: DepartmentFlag | None = None
