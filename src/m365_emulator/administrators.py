"""Directory roles over HTTP: which are activated, who holds them, and whose they are.

Source: Graph docs, directoryrole-list, -get, -list-members, resources/directoryrole, and
user-list-memberof for the roles among somebody's memberships; read 2026-11.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from m365_emulator.access import Caller, requires
from m365_emulator.directory_roles import TEMPLATES, RoleTemplate
from m365_emulator.errors import not_found
from m365_emulator.listing import answer
from m365_emulator.paging import root_of
from m365_emulator.projection import projection
from m365_emulator.query import options_of
from m365_emulator.resources import USER, ObjectId
from m365_emulator.tenant import Tenant

ROLE_READERS = ("Directory.Read.All",)
ITEMS = ("/directoryRoles/{id}", "/directoryRoles(roleTemplateId='{template_id}')")


@dataclass(frozen=True, slots=True)
class DirectoryRole:
    """An activated role, as it stands among somebody's memberships."""

    id: str
    template: RoleTemplate

    def row(self, *, told: bool, typed: bool = True) -> bytes:
        """As JSON; who may not read roles is told that there is one, and nothing of it."""
        values: dict[str, str | None] = {
            "id": self.id,
            "deletedDateTime": None,
            "description": self.template.description if told else None,
            "displayName": self.template.display_name if told else None,
            "roleTemplateId": self.template.id if told else None,
        }
        kind = {"@odata.type": "#microsoft.graph.directoryRole"} if typed else {}
        return msgspec.json.encode({**kind, **values})


def roles_of(tenant: Tenant, person_id: str) -> Iterator[DirectoryRole]:
    """The roles that somebody holds, by id."""
    roles = tenant.directory_roles
    found = (DirectoryRole(roles.id_of(each), TEMPLATES[each]) for each in roles.of(person_id))
    return iter(sorted(found, key=lambda role: role.id))


def may_read_roles(caller: Caller) -> bool:
    return caller.holds_any(frozenset(ROLE_READERS))


class DirectoryRoleRoutes:
    """The `/directoryRoles` routes of one tenant."""

    def __init__(self, tenant: Tenant) -> None:
        self._tenant = tenant

    def routes(self) -> list[Route]:
        found = [Route("/directoryRoles", self.list_roles, methods=["GET"])]
        for item in ITEMS:
            found += [
                Route(item, self.get_role, methods=["GET"]),
                Route(f"{item}/members", self.list_members, methods=["GET"]),
            ]
        return found

    def _activated(self) -> list[DirectoryRole]:
        roles = self._tenant.directory_roles
        return [DirectoryRole(roles.id_of(each.id), each) for each in roles.activated()]

    @requires(*ROLE_READERS)
    async def list_roles(self, request: Request) -> Response:
        options_of(request, frozenset())
        rows = [each.row(told=True, typed=False) for each in self._activated()]
        return _collection(request, "directoryRoles", rows)

    @requires(*ROLE_READERS)
    async def get_role(self, request: Request) -> Response:
        row = self._asked(request).row(told=True, typed=False)
        head = msgspec.json.encode(
            {"@odata.context": f"{root_of(request)}/$metadata#directoryRoles/$entity"}
        )
        return answer(head[:-1] + b"," + row[1:])

    @requires(*ROLE_READERS)
    async def list_members(self, request: Request) -> Response:
        role = self._asked(request)
        row = projection(USER, USER.default_select, typed=True).row
        holders = self._tenant.directory_roles.holders(role.template.id)
        users = (self._tenant.user_register.seen(ObjectId(each)) for each in holders)
        rows = [row(each) for each in users if each and each.deleted_date_time is None]
        return _collection(request, "directoryObjects", rows)

    def _asked(self, request: Request) -> DirectoryRole:
        given = request.path_params
        for each in self._activated():
            if each.id == given.get("id") or each.template.id == given.get("template_id"):
                return each
        raise not_found(str(given.get("id") or given.get("template_id")))


def _collection(request: Request, context: str, rows: list[bytes]) -> Response:
    head = msgspec.json.encode({"@odata.context": f"{root_of(request)}/$metadata#{context}"})
    return answer(head[:-1] + b',"value":[' + b",".join(rows) + b"]}")
