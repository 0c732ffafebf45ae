"""`/oauth2PermissionGrants`: delegated permissions, for one person or for everybody.

Source: Graph docs, oauth2permissiongrant-list, -get, -post, -update, -delete; read 2026-11.
"""

import uuid
from collections.abc import Iterator
from dataclasses import replace

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from m365_emulator.access import requires
from m365_emulator.applications import rights, told, wire
from m365_emulator.applications.principals import ITEMS, ServicePrincipals
from m365_emulator.applications.told import GRANT, graph_principal_id
from m365_emulator.apps import Application, DelegatedGrant, Principal
from m365_emulator.errors import GraphError, bad_request, not_found
from m365_emulator.listing import Lister
from m365_emulator.paging import Seal
from m365_emulator.permissions import spelled
from m365_emulator.query import read_single_select
from m365_emulator.refusals import UnknownObject
from m365_emulator.registrations import Registrations
from m365_emulator.tenant import Tenant

Found = tuple[Application, Principal, DelegatedGrant]


class Grants:
    """The delegated grant routes of one tenant."""

    def __init__(
        self, tenant: Tenant, registrations: Registrations, principals: ServicePrincipals
    ) -> None:
        self._tenant = tenant
        self._registrations = registrations
        self._principals = principals
        self._home = principals.home
        self._lister = Lister(Seal(tenant.id), tenant.now, lambda: tenant.quirks)

    def routes(self) -> list[Route]:
        path = "/oauth2PermissionGrants"
        return [
            Route(path, self.list_grants, methods=["GET"]),
            Route(path, self.create, methods=["POST"]),
            Route(f"{path}/{{id}}", self.get, methods=["GET"]),
            Route(f"{path}/{{id}}", self.update, methods=["PATCH"]),
            Route(f"{path}/{{id}}", self.delete, methods=["DELETE"]),
            *(
                Route(f"{item}/oauth2PermissionGrants", self.list_of_one, methods=["GET"])
                for item in ITEMS
            ),
        ]

    @requires(*rights.READ_GRANTS)
    async def list_grants(self, request: Request) -> Response:
        found = (told.grant(self._home, principal, each) for _, principal, each in self._all())
        return wire.listed(request, self._lister, found, GRANT, "oauth2PermissionGrants")

    @requires(*rights.READ_GRANTS)
    async def list_of_one(self, request: Request) -> Response:
        _, principal = self._principals.asked(request)
        found = (told.grant(self._home, principal, each) for each in principal.grants)
        return wire.listed(request, self._lister, found, GRANT, "oauth2PermissionGrants")

    @requires(*rights.READ_GRANTS)
    async def get(self, request: Request) -> Response:
        select = read_single_select(request, GRANT)
        _, principal, grant = self._asked(request)
        found = told.grant(self._home, principal, grant)
        return wire.entity(request, found, GRANT, "oauth2PermissionGrants", select=select)

    async def create(self, request: Request) -> Response:
        rights.may_grant(request)
        body = await wire.read_body(request)
        client_id = wire.text_of(body, "clientId").lower()
        if wire.text_of(body, "resourceId").lower() != graph_principal_id(self._home):
            raise _no_object(str(body["resourceId"]))
        client = self._principals.by_id(client_id)
        if client is None or not self._registrations.fresh.is_seen(client_id):
            raise _no_object(client_id)
        person_id = self._person(wire.text_of(body, "consentType"), body.get("principalId"))
        application, principal = client
        if any(each.person_id == person_id for each in principal.grants):
            raise wire.taken("Permission entry already exists.")
        made = DelegatedGrant(uuid.uuid4().hex, _scopes(body.get("scope")), person_id)
        grants = (*principal.grants, made)
        self._registrations.put(replace(application, principal=replace(principal, grants=grants)))
        self._registrations.fresh.note(made.id)
        found = told.grant(self._home, principal, made)
        return wire.entity(request, found, GRANT, "oauth2PermissionGrants", status=201)

    async def update(self, request: Request) -> Response:
        """Only the scopes of a grant can be changed."""
        rights.may_grant(request)
        body = await wire.read_body(request)
        application, principal, grant = self._asked(request)
        for name in body.keys() - {"scope"}:
            raise bad_request(f"Property '{name}' of an oAuth2PermissionGrant cannot be updated.")
        after = replace(grant, scopes=_scopes(body.get("scope")))
        self._put(application, principal, grant, after)
        return wire.nothing()

    async def delete(self, request: Request) -> Response:
        rights.may_grant(request)
        self._put(*self._asked(request), None)
        return wire.nothing()

    def _put(
        self,
        application: Application,
        principal: Principal,
        before: DelegatedGrant,
        after: DelegatedGrant | None,
    ) -> None:
        others = tuple(each for each in principal.grants if each.id != before.id)
        grants = others if after is None else (*others, after)
        self._registrations.put(replace(application, principal=replace(principal, grants=grants)))

    def _person(self, consent_type: str, person_id: object) -> str | None:
        match consent_type:
            case "AllPrincipals":
                if person_id:
                    raise bad_request(
                        "The principalId must be null when consentType is AllPrincipals."
                    )
                return None
            case "Principal" if isinstance(person_id, str) and person_id:
                try:
                    return self._tenant.user(person_id.lower()).id
                except UnknownObject:
                    raise _no_object(person_id) from None
            case _:
                raise bad_request(
                    "The consentType must be 'AllPrincipals', or 'Principal' with a principalId."
                )

    def _all(self) -> Iterator[Found]:
        fresh = self._registrations.fresh
        for application in self._registrations:
            principal = application.principal
            for each in principal.grants if principal else ():
                if principal is not None and fresh.is_seen(each.id):
                    yield application, principal, each

    def _asked(self, request: Request) -> Found:
        grant_id: str = request.path_params["id"]
        for found in self._all():
            if found[2].id == grant_id:
                return found
        raise not_found(grant_id)


def _scopes(text: object) -> tuple[str, ...]:
    """Scopes in Graph's spelling; one that Graph has not is kept as it is, and is worth nothing."""
    if not isinstance(text, str):
        raise bad_request("A value is required for property 'scope' of the request.")
    return tuple(dict.fromkeys(spelled(each) or each for each in text.split()))


def _no_object(object_id: str) -> GraphError:
    return GraphError(
        404,
        "Directory_ObjectNotFound",
        f"Unable to find target address or object '{object_id}' in the directory.",
    )
