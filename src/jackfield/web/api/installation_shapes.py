"""The installation as the API tells it: figures, connection, journal, alarms, tokens, accounts.

Names end in `In` for what a caller sends and `Out` for what is answered.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import msgspec

from jackfield.core.actions import ActionKind
from jackfield.flows.signin import AccountRole
from jackfield.store.alarms import Severity
from jackfield.web.api.run_shapes import RunOut


class GraphOut(msgspec.Struct):
    """Calls to Microsoft Graph since the process started."""

    calls: int
    throttled: int
    failed: int
    closed_for_s: Annotated[
        float, msgspec.Meta(description="Seconds until calls go out again; 0: they do now.")
    ]
    latency_median_ms: float


class PhotoFigures(msgspec.Struct):
    """People's photos, and the last run about them."""

    on: Annotated[bool, msgspec.Meta(description="Photos are switched on.")]
    shown: Annotated[int, msgspec.Meta(description="Photos that are avatars.")]
    none: Annotated[int, msgspec.Meta(description="People without a photo.")]
    unusable: Annotated[int, msgspec.Meta(description="Photos that cannot be avatars.")]
    unread: Annotated[int, msgspec.Meta(description="Photos that could not be read.")]
    last_run: RunOut | None


class HeldOut(msgspec.Struct):
    """What guards hold back now, in all plans together."""

    plans: Annotated[list[int], msgspec.Meta(description="Plans to release, the newest first.")]
    actions: Annotated[dict[ActionKind, int], msgspec.Meta(description="How many of what.")]
    text: str
    because: str
    next_step: str


class UndecidedOut(msgspec.Struct):
    """Plans that wait for approval, and the last one that was turned down."""

    waiting: Annotated[list[int], msgspec.Meta(description="They wait; the newest first.")]
    turned_down: Annotated[
        int | None, msgspec.Meta(description="The plan; null as soon as all was proposed again.")
    ]
    without: Annotated[
        int, msgspec.Meta(description="People without an extension since it was turned down.")
    ]
    text: str
    next_step: str


class StatusOut(msgspec.Struct):
    """The installation in figures."""

    connected: bool
    organisation: str
    sync: Annotated[bool, msgspec.Meta(description="People sync is switched on.")]
    people: Annotated[int, msgspec.Meta(description="People of Microsoft 365 as last seen.")]
    linked: Annotated[
        int,
        msgspec.Meta(description="People with an extension, those who left and keep it included."),
    ]
    in_sync: Annotated[
        int, msgspec.Meta(description="People of Microsoft 365 with an extension, no leavers.")
    ]
    extensions: Annotated[int, msgspec.Meta(description="All extensions, hand-made ones too.")]
    open_alarms: int
    waiting_plan: Annotated[
        int | None,
        msgspec.Meta(description="A plan that waits: for approval, else for a release."),
    ]
    held: Annotated[
        HeldOut | None,
        msgspec.Meta(description="What guards hold back until it is released; null: nothing."),
    ]
    undecided: Annotated[
        UndecidedOut | None,
        msgspec.Meta(description="What only a decision carries on; null: nothing."),
    ]
    last_run: Annotated[RunOut | None, msgspec.Meta(description="The last one about people.")]
    photos: PhotoFigures
    graph: GraphOut


class ProcessOut(msgspec.Struct):
    """A process at work on the database."""

    name: Annotated[str, msgspec.Meta(description="Its slot; free again once it has ended.")]
    host: str
    pid: int
    roles: list[str]
    version: str
    url: Annotated[str, msgspec.Meta(description="Where its console answers; empty without one.")]
    started_at: datetime


class ProcessesOut(msgspec.Struct):
    """Processes that are alive; none on SQLite, where one does everything.

    Give `next` as `after` for the following ones.
    """

    processes: list[ProcessOut]
    next: str | None


class ConnectionOut(msgspec.Struct):
    """The connection to Microsoft 365; without one everything but `connected` is empty."""

    connected: bool
    tid: Annotated[str, msgspec.Meta(description="Entra's tenant id.")] = ""
    organisation: str = ""
    client_id: str = ""
    credential: Annotated[str, msgspec.Meta(description="secret or certificate.")] = ""
    cloud: str = ""
    connected_at: datetime | None = None
    last_verified_at: datetime | None = None
    credential_expires_at: datetime | None = None
    missing_permissions: Annotated[
        list[str],
        msgspec.Meta(description="Application permissions that features want and lack."),
    ] = []
    credential_forgotten: Annotated[
        str,
        msgspec.Meta(
            description="Why the credential is not stored any more, after a restore without its"
            " key; empty: it is."
        ),
    ] = ""


class ConnectIn(msgspec.Struct, forbid_unknown_fields=True):
    """An application registration and one credential: `client_secret` or `certificate`."""

    tenant_id: Annotated[
        str, msgspec.Meta(description="Entra's tenant id, or a domain of the organisation.")
    ]
    client_id: str
    client_secret: str | None = None
    certificate: Annotated[
        str | None, msgspec.Meta(description="PEM with certificate and private key.")
    ] = None
    cloud: Literal["global", "usgov", "dod", "china", "own"] = "global"
    login_url: Annotated[
        str, msgspec.Meta(description="Own addresses, both or none; `cloud` does not count then.")
    ] = ""
    graph_url: str = ""
    ca_bundle: Annotated[
        str, msgspec.Meta(description="PEM of the authorities to trust for own addresses.")
    ] = ""
    sync: Annotated[bool, msgspec.Meta(description="Switch people sync on.")] = True


class ConnectedOut(msgspec.Struct):
    """A connection that works, and what it cannot do yet."""

    tid: str
    organisation: str
    missing_permissions: list[str]
    next_step: Annotated[
        str, msgspec.Meta(description="What to do about them; empty where none is missing.")
    ] = ""


class LineOut(msgspec.Struct):
    """A line of the journal."""

    seq: int
    at: datetime
    kind: str
    subject: Annotated[str, msgspec.Meta(description="Object ID, a key, or empty.")]
    name: str
    text: str
    run: str
    by: Annotated[
        str,
        msgspec.Meta(
            description="Who did it or asked for it: an account, a token, the command line,"
            " `schedule`; empty for Jackfield itself."
        ),
    ]


class JournalOut(msgspec.Struct):
    """Lines, the newest first; give `next` as `before` for older ones."""

    lines: list[LineOut]
    next: int | None


class AlarmOut(msgspec.Struct):
    """Something an administrator should know."""

    id: int
    kind: str
    severity: Severity
    text: str
    next_step: str
    began_at: datetime
    ended_at: Annotated[datetime | None, msgspec.Meta(description="null while it stands.")]


class AlarmsOut(msgspec.Struct):
    """Alarms, the newest first; give `next` as `before` for older ones."""

    alarms: list[AlarmOut]
    next: int | None


class TokenIn(msgspec.Struct, forbid_unknown_fields=True):
    """A token to be made."""

    name: Annotated[
        str,
        msgspec.Meta(min_length=1, max_length=100, description="What it is for, in one line."),
    ]
    days: Annotated[
        int, msgspec.Meta(ge=0, le=3650, description="Days until it expires; 0: never.")
    ] = 0
    role: Annotated[
        Literal["administrator", "viewer"], msgspec.Meta(description="A viewer changes nothing.")
    ] = "administrator"


class TokenMade(msgspec.Struct):
    """A token; `token` is shown this once."""

    id: str
    token: str


class TokenOut(msgspec.Struct):
    """A token without its secret."""

    id: str
    name: str
    role: str
    created_by: str
    created_at: datetime
    last_used_at: datetime | None
    expires_at: datetime | None
    revoked_at: datetime | None


class TokensOut(msgspec.Struct):
    """Tokens in the order of their making; give `next` as `after` for the following ones."""

    tokens: list[TokenOut]
    next: str | None


class PasswordIn(msgspec.Struct, forbid_unknown_fields=True):
    """Whose password."""

    name: Annotated[
        str, msgspec.Meta(min_length=1, max_length=100, description="The local account.")
    ] = "admin"


class AccountIn(msgspec.Struct, forbid_unknown_fields=True):
    """A local account to be made."""

    name: Annotated[
        str,
        msgspec.Meta(
            min_length=1,
            max_length=100,
            description="Letters, digits, spaces and . _ + - @; its case does not matter.",
        ),
    ]
    role: AccountRole = AccountRole.ADMINISTRATOR
    """A viewer changes nothing."""
    tenant: Annotated[
        Annotated[int, msgspec.Meta(ge=1)] | None,
        msgspec.Meta(
            description="Number of the tenant that is all it sees; null: the installation."
        ),
    ] = None


class AccountOut(msgspec.Struct):
    """A local account, without its password."""

    name: str
    role: AccountRole
    tenant: Annotated[
        int | None, msgspec.Meta(description="The tenant that is all it sees; null: all of them.")
    ]
    created_at: datetime


class AccountMade(msgspec.Struct):
    """A local account; `password` is shown this once."""

    name: str
    role: AccountRole
    tenant: int | None
    password: str


class AccountsOut(msgspec.Struct):
    """Local accounts by name; give `next` as `after` for the following ones."""

    accounts: list[AccountOut]
    next: str | None


class KeyOut(msgspec.Struct):
    """What a new key was made for."""

    secrets: int
    """Stored secrets, all of them encrypted with the new key now."""


class PasswordOut(msgspec.Struct):
    """The new password; it is shown this once."""

    name: str
    password: str
