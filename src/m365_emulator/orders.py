"""Bodies of the control API, as they are read; a misspelt field is refused, not ignored."""

from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from m365_emulator.portraits import Kind


class _Body(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """What all bodies have in common."""


class Hire(_Body, frozen=True):
    """`properties` are spelled as Graph spells them; without a name one is made up."""

    display_name: str | None = None
    groups: list[str] = []
    skus: list[str] | None = None
    properties: dict[str, Any] = {}


class Rename(_Body, frozen=True):
    """A new display name, a new UPN, or both."""

    display_name: str | None = None
    user_principal_name: str | None = None


class Move(_Body, frozen=True):
    """Into some groups and out of others; of a group: members in and out."""

    add: list[str] = []
    remove: list[str] = []


class NewPhoto(_Body, frozen=True):
    """A photo that the stage makes up."""

    kind: Kind = Kind.PORTRAIT


class Licences(_Body, frozen=True):
    """Exactly these subscriptions, by part number."""

    skus: list[str]


class DirectoryRoles(_Body, frozen=True):
    """Exactly these roles, by display name or template id."""

    roles: list[str]


class NewGroup(_Body, frozen=True):
    """A security group unless `properties` (`groupTypes`, `membershipRule`) say otherwise."""

    display_name: str
    members: list[str] = []
    properties: dict[str, Any] = {}


class NewSecret(_Body, frozen=True):
    """Without `value` one of Entra's shape is made up, and shown in the answer only."""

    value: str | None = None
    display_name: str = ""
    ends_at: Annotated[datetime, Meta(tz=True)] | None = None


class NewCertificate(_Body, frozen=True):
    """A PEM certificate; its private key stays with whoever made it."""

    pem: str
    display_name: str | None = None


class NewApp(_Body, frozen=True):
    """Without `roles` it gets what people sync needs; `properties` as Graph spells them."""

    display_name: str = "Jackfield"
    app_id: str | None = None
    roles: list[str] | None = None
    properties: dict[str, Any] = {}
    secrets: list[NewSecret] = []
    certificates: list[NewCertificate] = []


class ChangedApp(_Body, frozen=True):
    """What is left out stays as it is; `roles` replaces the grants."""

    enabled: bool | None = None
    roles: list[str] | None = None
    assignment_required: bool | None = None
    properties: dict[str, Any] = {}


class NewCredential(_Body, frozen=True):
    """One of the two."""

    secret: NewSecret | None = None
    certificate: NewCertificate | None = None


class Advance(_Body, frozen=True):
    """Time goes on by so many seconds."""

    seconds: Annotated[float, Meta(ge=0)]


class Revoke(_Body, frozen=True):
    """The tokens of one app, or of all."""

    app_id: str | None = None


class Limit(_Body, frozen=True):
    """The throttle's resource units per 10 seconds; null: by the tenant's size again."""

    units_per_10_s: Annotated[int, Meta(ge=1)] | None = msgspec.field(name="unitsPer10S")


class Reset(_Body, frozen=True):
    """From the start, with the same or another population."""

    people: Annotated[int, Meta(ge=1)] | None = None
    seed: int | None = None
