"""The shapes of the API: what goes in and what comes out, described once for code and OpenAPI.

Names end in `In` for what a caller sends and `Out` for what is answered.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import msgspec
from litestar.di import NamedDependency
from litestar.exceptions import HTTPException
from litestar.params import QueryParameter, SkipValidation

from jackfield.flows.signin import Viewer
from jackfield.store.settings import (
    PeopleSettings,
)

Limit = Annotated[int, QueryParameter(ge=1, le=500)]
By = NamedDependency[SkipValidation[Viewer]]
"""Who asks."""


class RunOut(msgspec.Struct):
    """One run. `id` is a number once it has begun, before that the durable runner's id."""

    id: str
    kind: str
    mode: str
    status: str
    """queued, running, done, refused (a guard holds actions back), failed, cancelled."""
    text: str
    done: int
    total: int
    counts: dict[str, int]
    plan: int | None
    by: str
    started_at: datetime | None
    ended_at: datetime | None


class RunsOut(msgspec.Struct):
    """Runs, the newest first; give `next` as `before` for older ones."""

    runs: list[RunOut]
    next: int | None


class SyncIn(msgspec.Struct, forbid_unknown_fields=True):
    """What to sync: everyone by what changed, everyone again (`full`), or one person by object
    ID or UPN.
    """

    person: str | None = None
    full: bool = False


class RefusalOut(msgspec.Struct):
    kind: str
    subject: str
    name: str
    because: str
    next_step: str
    held: int


class NoticeOut(msgspec.Struct):
    subject: str
    name: str
    text: str


class PlanOut(msgspec.Struct):
    """A plan without its actions."""

    id: int
    status: str
    text: str
    made_at: datetime
    made_by: str
    scope: str
    counts: dict[str, int]
    held: dict[str, int]
    outcomes: dict[str, int]
    guarded: bool
    refusals: list[RefusalOut]
    notices: list[NoticeOut]


class PlansOut(msgspec.Struct):
    plans: list[PlanOut]
    next: int | None


class DifferenceOut(msgspec.Struct):
    label: str
    before: str
    after: str
    because: str


class ActionOut(msgspec.Struct):
    seq: int
    kind: str
    title: str
    because: str
    subject: str
    name: str
    held: bool
    status: str
    text: str
    differences: list[DifferenceOut]


class ActionsOut(msgspec.Struct):
    """Actions in their order; give `next` as `after` for the following ones."""

    actions: list[ActionOut]
    total: int
    more: bool
    next: int | None


class ApproveIn(msgspec.Struct, forbid_unknown_fields=True):
    """`release_held`: also carry out what a guard holds back."""

    release_held: bool = False


class ConnectionOut(msgspec.Struct):
    connected: bool
    tid: str = ""
    organisation: str = ""
    client_id: str = ""
    credential: str = ""
    cloud: str = ""
    connected_at: datetime | None = None
    last_verified_at: datetime | None = None
    credential_expires_at: datetime | None = None


class ConnectIn(msgspec.Struct, forbid_unknown_fields=True):
    """Exactly one of `client_secret` and `certificate` (PEM with private key)."""

    tenant_id: str
    client_id: str
    client_secret: str | None = None
    certificate: str | None = None
    cloud: str = "global"
    login_url: str = ""
    graph_url: str = ""
    ca_bundle: str = ""
    sync: bool = True


class ConnectedOut(msgspec.Struct):
    tid: str
    organisation: str
    missing_permissions: list[str]


class PersonOut(msgspec.Struct):
    """A person of Microsoft 365, and the extension they hold."""

    id: str
    upn: str
    display_name: str
    given_name: str
    surname: str
    mail: str
    mobile_phone: str
    business_phone: str
    job_title: str
    company_name: str
    department: str
    enabled: bool
    user_type: str
    has_mailbox: bool
    has_teams: bool
    standing: str
    number: str | None
    left: str | None
    reasons: list[str]
    """Why it is so; filled for a single person only."""


class PeopleOut(msgspec.Struct):
    people: list[PersonOut]
    next: str | None


class GroupOut(msgspec.Struct):
    id: str
    name: str
    kind: str
    dynamic: bool
    standing: str


class GroupsOut(msgspec.Struct):
    groups: list[GroupOut]
    next: str | None


class ExtensionOut(msgspec.Struct):
    key: str
    number: str
    first_name: str
    last_name: str
    email: str
    mobile: str
    job_title: str
    company: str
    departments: list[str]
    primary_department: str | None
    enabled: bool
    person: str | None


class ExtensionsOut(msgspec.Struct):
    extensions: list[ExtensionOut]
    next: str | None


class ExtensionIn(msgspec.Struct, forbid_unknown_fields=True):
    """An extension made by hand."""

    number: str
    first_name: str = ""
    last_name: str = ""
    email: str = ""
    mobile: str = ""
    job_title: str = ""
    company: str = ""
    departments: list[str] = []
    primary_department: str | None = None


class ExtensionChange(msgspec.Struct, forbid_unknown_fields=True):
    """What to change; what is left out stays. Departments are given and taken by key."""

    first_name: str | None = None
    last_name: str | None = None
    email: str | None = None
    mobile: str | None = None
    job_title: str | None = None
    company: str | None = None
    enabled: bool | None = None
    add_departments: list[str] = []
    remove_departments: list[str] = []
    primary_department: str | None = None


class DepartmentIn(msgspec.Struct, forbid_unknown_fields=True):
    name: str


class DepartmentOut(msgspec.Struct):
    key: str
    name: str
    group: str | None
    flag: str | None


class DepartmentsOut(msgspec.Struct):
    departments: list[DepartmentOut]


class SettingsOut(msgspec.Struct):
    version: int
    settings: PeopleSettings


class SettingsIn(msgspec.Struct, forbid_unknown_fields=True):
    """`version` is the one the change was made from."""

    version: int
    settings: dict[str, Any]
    """The whole document, as `GET` gives it."""


class LineOut(msgspec.Struct):
    seq: int
    at: datetime
    kind: str
    subject: str
    name: str
    text: str
    run: str
    by: str


class JournalOut(msgspec.Struct):
    lines: list[LineOut]
    next: int | None


class AlarmOut(msgspec.Struct):
    id: int
    kind: str
    text: str
    next_step: str
    began_at: datetime
    ended_at: datetime | None


class AlarmsOut(msgspec.Struct):
    alarms: list[AlarmOut]


class StatusOut(msgspec.Struct):
    """The installation in figures."""

    connected: bool
    organisation: str
    sync: bool
    people: int
    linked: int
    open_alarms: int
    last_run: RunOut | None


class TokenIn(msgspec.Struct, forbid_unknown_fields=True):
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    days: Annotated[int, msgspec.Meta(ge=0, le=3650)] = 0


class TokenMade(msgspec.Struct):
    """`token` is shown this once."""

    id: str
    token: str


class TokenOut(msgspec.Struct):
    id: str
    name: str
    role: str
    created_by: str
    created_at: datetime
    last_used_at: datetime | None
    expires_at: datetime | None
    revoked_at: datetime | None


class TokensOut(msgspec.Struct):
    tokens: list[TokenOut]


class PasswordIn(msgspec.Struct, forbid_unknown_fields=True):
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]


class PasswordOut(msgspec.Struct):
    name: str
    password: str


class Conflict(HTTPException):
    """The thing has changed meanwhile, or is in no state for this."""

    status_code = 409
