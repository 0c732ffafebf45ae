"""People, groups and the administrator's choices as the API tells them.

Names end in `In` for what a caller sends and `Out` for what is answered.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec

from jackfield.core.attributes import AttributeRules
from jackfield.core.departments import GroupKind
from jackfield.core.extensions import Field, Verdict
from jackfield.core.people import LeaverCause, Standing, UserType
from jackfield.core.photos import PhotoState
from jackfield.store.settings import PeopleSettings


class PhotoOut(msgspec.Struct):
    """What came of a person's photo.

    `shown`: it is the avatar; `none`: there is none; `unusable`: it cannot be one; `unread`: it
    could not be read.
    """

    status: PhotoState
    avatar: Annotated[
        bool,
        msgspec.Meta(description="`/people/{person}/photo` has one, maybe an older one."),
    ]
    because: Annotated[str, msgspec.Meta(description="Why it is not shown; usually empty.")]
    next_step: str
    checked_at: Annotated[
        datetime | None, msgspec.Meta(description="When Microsoft 365 was last asked.")
    ]


class PhotoLine(PhotoOut):
    """The same in a list."""

    person: Annotated[str, msgspec.Meta(description="Object ID.")]
    upn: str
    display_name: str


class PhotosOut(msgspec.Struct):
    """Photos by person; give `next` as `after` for the following ones."""

    photos: list[PhotoLine]
    next: str | None


class PersonOut(msgspec.Struct):
    """A person of Microsoft 365, and the extension they hold."""

    id: Annotated[str, msgspec.Meta(description="Object ID.")]
    upn: str
    display_name: str
    given_name: str
    surname: str
    mail: str
    mobile_phone: str
    business_phone: str
    job_title: str
    company_name: str
    department: Annotated[
        str, msgspec.Meta(description="The department attribute, not one of the phone system.")
    ]
    office_location: str
    extension_attributes: Annotated[
        list[str] | None,
        msgspec.Meta(
            description="`extensionAttribute1` and so on; null: not read, as no rule follows one."
        ),
    ]
    enabled: bool
    user_type: UserType
    has_mailbox: bool
    has_teams: bool
    standing: Standing
    number: Annotated[str | None, msgspec.Meta(description="Their extension's number.")]
    left: Annotated[
        LeaverCause | None, msgspec.Meta(description="Why a leaver is one; null for the others.")
    ]
    photo: Annotated[PhotoOut | None, msgspec.Meta(description="null: it was not looked at yet.")]
    reasons: Annotated[
        list[str], msgspec.Meta(description="Why it is so; filled for a single person only.")
    ]


class CandidateOut(msgspec.Struct):
    """An extension that may be a person's."""

    key: str
    number: str
    first_name: str
    last_name: str
    email: str
    free: Annotated[
        bool, msgspec.Meta(description="It can be taken over: it was made for nobody else.")
    ]


class MatchOut(msgspec.Struct):
    """A person who gets no extension until somebody decides."""

    person: str
    upn: str
    display_name: str
    because: str
    next_step: str
    candidates: list[CandidateOut]


class DecidedOut(msgspec.Struct):
    """What was decided about a person and an extension."""

    id: str
    person: str
    upn: Annotated[str, msgspec.Meta(description="Empty where the person is not known any more.")]
    display_name: str
    extension: str
    number: Annotated[
        str, msgspec.Meta(description="Empty where the extension is not there any more.")
    ]
    verdict: Verdict
    by: str
    at: datetime


class MatchesOut(msgspec.Struct):
    """People by name; give `next` as `after` for the following ones."""

    matches: list[MatchOut]
    next: str | None


class DecidedPage(msgspec.Struct):
    """Decisions, the newest first; give `next` as `after` for the following ones."""

    decided: list[DecidedOut]
    next: str | None


class DecisionIn(msgspec.Struct, forbid_unknown_fields=True):
    """Whether extensions (by their keys) are the person's."""

    extensions: Annotated[list[str], msgspec.Meta(min_length=1, max_length=200)]
    verdict: Verdict


class PeopleOut(msgspec.Struct):
    """People by name; give `next` as `after` for the following ones."""

    people: list[PersonOut]
    next: str | None


class UncoveredOut(msgspec.Struct):
    """A person without an extension, and why."""

    id: str
    upn: str
    display_name: str
    in_scope: bool
    because: str
    next_step: str


class NotSyncedOut(msgspec.Struct):
    """People without an extension by name; give `next` as `after` for the following ones."""

    people: list[UncoveredOut]
    next: str | None


class GroupOut(msgspec.Struct):
    """A group of Microsoft 365."""

    id: str
    name: str
    kind: GroupKind
    dynamic: bool
    standing: Standing


class GroupsOut(msgspec.Struct):
    """Groups by name; give `next` as `after` for the following ones."""

    groups: list[GroupOut]
    next: str | None


class SettingsOut(msgspec.Struct):
    """The administrator's choices as they stand; version 0: the defaults, never saved."""

    version: int
    settings: PeopleSettings


class SettingsIn(msgspec.Struct, forbid_unknown_fields=True):
    """The whole document as `GET` gives it, with what is to be changed."""

    version: Annotated[
        int, msgspec.Meta(ge=0, le=2**31, description="The one the change was made from.")
    ]
    settings: PeopleSettings
    leavers: Annotated[
        int,
        msgspec.Meta(
            ge=0,
            le=2**31,
            description="How many people you know to fall out of scope by it, as the preview or the"
            " refusal (409) told. Left out: 0.",
        ),
    ] = 0


class LeaverOut(msgspec.Struct):
    """Somebody with an extension who would fall out of scope."""

    id: Annotated[str, msgspec.Meta(description="Object ID.")]
    upn: str
    display_name: str


class LeavingOut(msgspec.Struct):
    """People with an extension who would fall out of scope, by name."""

    count: int
    linked: Annotated[int, msgspec.Meta(description="People with an extension in all.")]
    text: Annotated[
        str, msgspec.Meta(description="How many, and what becomes of them, in sentences.")
    ]
    people: Annotated[list[LeaverOut], msgspec.Meta(description="The first 100 of them.")]


class SettingsPreviewOut(msgspec.Struct):
    """What saving would change; nothing is saved."""

    changes: Annotated[
        list[str], msgspec.Meta(description="Each choice that differs, with both values.")
    ]
    leaving: Annotated[
        LeavingOut | None,
        msgspec.Meta(
            description="Filled where saving takes `leavers`: more people than the guards' figures"
            " would fall out of scope."
        ),
    ]
    remarks: Annotated[
        list[str], msgspec.Meta(description="What may not be meant, though nothing is wrong.")
    ]


class TrialIn(msgspec.Struct, forbid_unknown_fields=True):
    """Rules to try on a person; nothing is saved."""

    person: Annotated[str, msgspec.Meta(min_length=1, description="Object ID or UPN.")]
    attributes: AttributeRules


class TriedOut(msgspec.Struct):
    """One field of the person's extension under these rules."""

    field: Field
    label: str
    attribute: Annotated[str, msgspec.Meta(description="What it follows; empty: nothing.")]
    microsoft365: Annotated[str, msgspec.Meta(description="What stands there, as it came.")]
    now: Annotated[str, msgspec.Meta(description="What stands in the phone system.")]
    value: Annotated[str, msgspec.Meta(description="What the extension would get.")]
    because: str


class TrialOut(msgspec.Struct):
    """What the rules would lead to for the person."""

    person: str
    name: str
    number: Annotated[
        str | None, msgspec.Meta(description="Of their extension; null: one would be made.")
    ]
    fields: list[TriedOut]
    trouble: Annotated[str, msgspec.Meta(description="What could not be read now; usually empty.")]


class ExplainedOut(msgspec.Struct):
    """What the choices about departments lead to, in sentences."""

    departments: list[str]
