"""`/servicePrincipals`: what the tenant has let in, Microsoft Graph itself among it.

Source: Graph docs, serviceprincipal-list, -get, -post-serviceprincipals, -upsert, -update,
-delete; read 2026-11.
"""

import uuid
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from m365_emulator.access import requires
from m365_emulator.applications import rights, told, wire
from m365_emulator.applications.told import SERVICE_PRINCIPAL, Home, Told
from m365_emulator.apps import Application, Principal
from m365_emulator.errors import GraphError, bad_request, not_found
from m365_emulator.listing import Lister
from m365_emulator.paging import Seal
from m365_emulator.permissions import GRAPH_APP_ID
from m365_emulator.query import read_single_select
from m365_emulator.registrations import Registrations
from m365_emulator.tenant import Tenant

BY_ID = "/servicePrincipals/{id}"
BY_APP = "/servicePrincipals(appId='{app_id}')"
ITEMS = (BY_ID, "/servicePrincipals('{id}')", BY_APP)
SETTABLE = frozenset({"accountEnabled", "appRoleAssignmentRequired", "tags"})


class ServicePrincipals:
    """The `/servicePrincipals` routes of one tenant, and how others find a principal."""

    def __init__(self, tenant: Tenant, registrations: Registrations) -> None:
        self._tenant = tenant
        self._registrations = registrations
        self.home = Home(tenant.id, tenant.domain, tenant.opened_at)
        self._lister = Lister(Seal(tenant.id), tenant.now, lambda: tenant.quirks)

    def routes(self) -> list[Route]:
        found = [
            Route("/servicePrincipals", self.list_principals, methods=["GET"]),
            Route("/servicePrincipals", self.create, methods=["POST"]),
            Route(BY_APP, self.upsert, methods=["PATCH"]),
        ]
        for item in ITEMS:
            found += [
                Route(item, self.get, methods=["GET"]),
                Route(item, self.update, methods=["PATCH"]),
                Route(item, self.delete, methods=["DELETE"]),
            ]
        return found

    # --- reading -----------------------------------------------------------------------------

    @requires(*rights.READ)
    async def list_principals(self, request: Request) -> Response:
        return wire.listed(
            request, self._lister, self._told(), SERVICE_PRINCIPAL, "servicePrincipals"
        )

    def _told(self) -> Iterator[Told]:
        yield told.graph_principal(self.home)
        for each in self._registrations:
            held = each.principal
            if held is not None and self._registrations.fresh.is_seen(held.id):
                yield told.principal(self.home, each, held)

    @requires(*rights.READ)
    async def get(self, request: Request) -> Response:
        select = read_single_select(request, SERVICE_PRINCIPAL)
        if self.names_graph(request):
            found = told.graph_principal(self.home)
        else:
            found = told.principal(self.home, *self.asked(request))
        return wire.entity(request, found, SERVICE_PRINCIPAL, "servicePrincipals", select=select)

    # --- writing -----------------------------------------------------------------------------

    async def create(self, request: Request) -> Response:
        body = await wire.read_body(request)
        return self._create(request, wire.text_of(body, "appId"), body)

    async def upsert(self, request: Request) -> Response:
        """By the client id: created when it is missing and that is wished."""
        app_id: str = request.path_params["app_id"]
        application = self._registrations.find(app_id)
        body = await wire.read_body(request)
        if application is not None and application.principal is not None:
            rights.may_change(request, application)
            self._change(application, application.principal, body)
            return wire.nothing()
        wishes = request.headers.get("prefer", "").replace(" ", "").lower().split(",")
        if "create-if-missing" not in wishes:
            raise not_found(app_id)
        return self._create(request, app_id, body)

    async def update(self, request: Request) -> Response:
        application, principal = self.asked(request)
        rights.may_change(request, application)
        self._change(application, principal, await wire.read_body(request))
        return wire.nothing()

    async def delete(self, request: Request) -> Response:
        """The application stays, and with the principal go all its grants."""
        application, _ = self.asked(request)
        rights.may_change(request, application)
        if application.home_tenant_id is not None:
            self._registrations.remove(application.app_id)
        else:
            self._registrations.put(replace(application, principal=None))
        return wire.nothing()

    def _create(self, request: Request, app_id: str, body: dict[str, Any]) -> Response:
        application = self._registrations.find(app_id)
        seen = application is not None and self._registrations.fresh.is_seen(application.object_id)
        if application is None or not seen:
            if not rights.caller_of(request).holds_any(rights.WRITE_OWN):
                raise rights.denied()
            raise _no_application(app_id)
        rights.may_change(request, application)
        if application.principal is not None:
            raise wire.taken(
                "The service principal cannot be created, updated, or restored because the "
                f"service principal name {application.app_id} is already in use."
            )
        made = Principal(str(uuid.uuid4()), created_at=self._tenant.now())
        known = self._registrations.put(replace(application, principal=made))
        self._registrations.fresh.note(made.id)
        principal = self._change(
            known, made, {name: value for name, value in body.items() if name != "appId"}
        )
        found = told.principal(self.home, known, principal)
        return wire.entity(request, found, SERVICE_PRINCIPAL, "servicePrincipals", status=201)

    def _change(
        self, application: Application, principal: Principal, body: dict[str, Any]
    ) -> Principal:
        for name in sorted(body.keys() - SETTABLE):
            raise bad_request(
                f"Property '{name}' of a servicePrincipal cannot be set on the emulated tenant."
            )
        for name, kind in (("accountEnabled", bool), ("appRoleAssignmentRequired", bool)):
            if name in body and not isinstance(body[name], kind):
                raise bad_request(f"Property '{name}' must be true or false.")
        tags = body.get("tags", principal.tags)
        if not isinstance(tags, list | tuple) or not all(isinstance(each, str) for each in tags):
            raise bad_request("Property 'tags' must be a collection of strings.")
        after = replace(
            principal,
            enabled=body.get("accountEnabled", principal.enabled),
            assignment_required=body.get(
                "appRoleAssignmentRequired", principal.assignment_required
            ),
            tags=tuple(tags),
        )
        self._registrations.put(replace(application, principal=after))
        return after

    # --- finding -----------------------------------------------------------------------------

    def names_graph(self, request: Request) -> bool:
        """Whether the address names Microsoft Graph itself."""
        given = request.path_params
        if "app_id" in given:
            return bool(given["app_id"] == GRAPH_APP_ID)
        return bool(given["id"].lower() == told.graph_principal_id(self.home))

    def asked(self, request: Request) -> tuple[Application, Principal]:
        """The principal that the address names, once readers can see it."""
        given = request.path_params
        key: str = given.get("app_id") or given["id"]
        if self.names_graph(request):
            raise rights.denied()
        if "app_id" in given:
            known = self._registrations.find(key)
            found = (known, known.principal) if known and known.principal else None
        else:
            found = self.by_id(key)
        if found is None or not self._registrations.fresh.is_seen(found[1].id):
            raise not_found(key)
        return found

    def by_id(self, principal_id: str) -> tuple[Application, Principal] | None:
        """Whether readers see it or not."""
        wanted = principal_id.lower()
        for each in self._registrations:
            if each.principal is not None and each.principal.id == wanted:
                return each, each.principal
        return None


def _no_application(app_id: str) -> GraphError:
    return GraphError(
        400,
        "Request_BadRequest",
        f"The appId '{app_id}' of the service principal does not reference a valid application "
        "object.",
        details=[
            {
                "code": "NoBackingApplicationObject",
                "target": "appId",
                "message": f"The appId '{app_id}' of the service principal does not reference a "
                "valid application object.",
            }
        ],
    )
