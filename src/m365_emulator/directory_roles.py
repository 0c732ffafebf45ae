"""Directory roles: who in the tenant may administer what, and which rights on applications follow.

Only the roles that matter for connecting an application are played. Template ids are the same in
every tenant; the id of an activated role is the tenant's own.
Source: Entra docs, role-based-access-control/permissions-reference; Graph docs,
resources/directoryrole; read 2026-11.
"""

import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from m365_emulator.resources import User


@dataclass(frozen=True, slots=True)
class RoleTemplate:
    """A built-in role: its id in every tenant, its name and what it is for."""

    id: str
    display_name: str
    description: str


GLOBAL_ADMINISTRATOR = RoleTemplate(
    "62e90394-69f5-4237-9190-012177145e10",
    "Global Administrator",
    "Can manage all aspects of Microsoft Entra ID and Microsoft services that use Microsoft Entra "
    "identities.",
)
PRIVILEGED_ROLE_ADMINISTRATOR = RoleTemplate(
    "e8611ab8-c189-46e8-94e1-60213ab1f814",
    "Privileged Role Administrator",
    "Can manage role assignments in Microsoft Entra ID, and all aspects of Privileged Identity "
    "Management.",
)
CLOUD_APPLICATION_ADMINISTRATOR = RoleTemplate(
    "158c047a-c907-4556-b7ef-446551a6b5f7",
    "Cloud Application Administrator",
    "Can create and manage all aspects of app registrations and enterprise apps except App Proxy.",
)
APPLICATION_ADMINISTRATOR = RoleTemplate(
    "9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3",
    "Application Administrator",
    "Can create and manage all aspects of app registrations and enterprise apps.",
)
GLOBAL_READER = RoleTemplate(
    "f2ef992c-3afb-46b9-b7cf-a126ee74c451",
    "Global Reader",
    "Can read everything that a Global Administrator can, but not update anything.",
)

TEMPLATES: Mapping[str, RoleTemplate] = MappingProxyType(
    {
        each.id: each
        for each in (
            GLOBAL_ADMINISTRATOR,
            PRIVILEGED_ROLE_ADMINISTRATOR,
            CLOUD_APPLICATION_ADMINISTRATOR,
            APPLICATION_ADMINISTRATOR,
            GLOBAL_READER,
        )
    }
)

GRANTS_APP_ROLES_OF_GRAPH = frozenset({GLOBAL_ADMINISTRATOR.id, PRIVILEGED_ROLE_ADMINISTRATOR.id})
"""Who may consent to application permissions of Microsoft Graph."""

GRANTS_DELEGATED = GRANTS_APP_ROLES_OF_GRAPH | {
    CLOUD_APPLICATION_ADMINISTRATOR.id,
    APPLICATION_ADMINISTRATOR.id,
}
"""Who may consent to delegated permissions on behalf of everybody."""

MANAGES_APPLICATIONS = frozenset(
    {
        GLOBAL_ADMINISTRATOR.id,
        CLOUD_APPLICATION_ADMINISTRATOR.id,
        APPLICATION_ADMINISTRATOR.id,
    }
)
"""Who may create, change and delete any application."""


class DirectoryRoles:
    """Who holds which role in one tenant."""

    def __init__(self, tenant_id: str) -> None:
        self._tenant_id = tenant_id
        self._held: dict[str, dict[str, None]] = {}

    def assign(self, person_id: str, *template_ids: str) -> None:
        """The person holds exactly these roles; ValueError names one that is not played."""
        for template_id in template_ids:
            if template_id not in TEMPLATES:
                raise ValueError(f"this tenant plays no directory role {template_id!r}")
        if template_ids:
            self._held[person_id] = dict.fromkeys(template_ids)
        else:
            self._held.pop(person_id, None)

    def appoint(self, accounts: Iterable[User]) -> None:
        """The first two ordinary accounts administer: one everything, one applications."""
        ordinary = (
            each
            for each in accounts
            if each.account_enabled and each.user_type == "Member" and each.assigned_licenses
        )
        for role, person in zip(
            (GLOBAL_ADMINISTRATOR, CLOUD_APPLICATION_ADMINISTRATOR), ordinary, strict=False
        ):
            self.assign(person.id, role.id)

    def of(self, person_id: str) -> frozenset[str]:
        """Template ids of the roles that somebody holds."""
        return frozenset(self._held.get(person_id, ()))

    def holders(self, template_id: str) -> Iterator[str]:
        """Object ids, in the order in which the role was given."""
        return (each for each, held in self._held.items() if template_id in held)

    def id_of(self, template_id: str) -> str:
        """The object id of an activated role."""
        return str(uuid.uuid5(uuid.UUID(self._tenant_id), template_id))

    def activated(self) -> list[RoleTemplate]:
        """The roles that somebody holds or held by default; Global Administrator always."""
        held = {each for roles in self._held.values() for each in roles}
        return [each for each in TEMPLATES.values() if each.id in held | {GLOBAL_ADMINISTRATOR.id}]


def named(name: str) -> RoleTemplate:
    """A role by display name or template id; ValueError when it is not played."""
    for each in TEMPLATES.values():
        if name.casefold() in {each.display_name.casefold(), each.id}:
            return each
    known = ", ".join(each.display_name for each in TEMPLATES.values())
    raise ValueError(f"there is no directory role {name!r} here; there are {known}")
