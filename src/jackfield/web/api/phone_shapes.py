"""Extensions and departments as the API tells them.

Names end in `In` for what a caller sends and `Out` for what is answered.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from jackfield.core.extensions import DepartmentFlag


class ExtensionOut(msgspec.Struct):
    """An extension as it stands in the phone system."""

    key: str
    number: str
    first_name: str
    last_name: str
    email: str
    mobile: str
    job_title: str
    company: str
    caller_id: Annotated[str, msgspec.Meta(description="Shown to those who are called.")]
    office: str
    departments: Annotated[list[str], msgspec.Meta(description="Keys of departments.")]
    primary_department: str | None
    enabled: bool
    person: Annotated[
        str | None,
        msgspec.Meta(description="Object ID of the person whose it is; null: made by hand."),
    ]


class ExtensionsOut(msgspec.Struct):
    """Extensions in order; give `next` as `after` for the following ones."""

    extensions: list[ExtensionOut]
    next: str | None


class ExtensionIn(msgspec.Struct, forbid_unknown_fields=True):
    """An extension made by hand."""

    number: Annotated[str, msgspec.Meta(description="Digits, as a text: leading zeros count.")]
    first_name: str = ""
    last_name: str = ""
    email: str = ""
    mobile: str = ""
    job_title: str = ""
    company: str = ""
    caller_id: Annotated[str, msgspec.Meta(description="Shown to those who are called.")] = ""
    office: str = ""
    departments: Annotated[list[str], msgspec.Meta(description="Keys of departments.")] = []
    primary_department: str | None = None


class ExtensionChange(msgspec.Struct, forbid_unknown_fields=True):
    """What to change; what is left out (or null) stays."""

    first_name: str | None = None
    last_name: str | None = None
    email: str | None = None
    mobile: str | None = None
    job_title: str | None = None
    company: str | None = None
    caller_id: str | None = None
    office: str | None = None
    enabled: bool | None = None
    add_departments: Annotated[list[str], msgspec.Meta(description="Keys of departments.")] = []
    remove_departments: Annotated[list[str], msgspec.Meta(description="Keys of departments.")] = []
    primary_department: str | None = None


class DepartmentIn(msgspec.Struct, forbid_unknown_fields=True):
    """A department made or renamed by hand."""

    name: Annotated[str, msgspec.Meta(min_length=1)]


class DepartmentOut(msgspec.Struct):
    """A department as it stands in the phone system."""

    key: str
    name: str
    members: int
    group: Annotated[
        str | None, msgspec.Meta(description="Object ID of the group it follows; null: by hand.")
    ]
    flag: Annotated[
        DepartmentFlag | None,
        msgspec.Meta(description="Why it no longer follows its group; null while it does."),
    ]
    reasons: Annotated[
        list[str],
        msgspec.Meta(description="Why it is so; filled for a single department only."),
    ] = []


class DepartmentsOut(msgspec.Struct):
    """Departments by name; give `next` as `after` for the following ones."""

    departments: list[DepartmentOut]
    next: str | None


class AcceptedOut(msgspec.Struct):
    """Another phone system stands in the place of the one that was known."""

    links_dropped: Annotated[
        int, msgspec.Meta(description="People whose extension was in the old one.")
    ]
