"""Role assignments: application permissions of Graph, and an application's own roles for people.

An assignment can be reached from who holds it (`appRoleAssignments`) and from the resource that
defines the role (`appRoleAssignedTo`).
Source: Graph docs, serviceprincipal-post-approleassignedto, -post-approleassignments, the lists
and deletes beside them, user-list-approleassignments; read 2026-11.
"""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from m365_emulator.access import requires
from m365_emulator.applications import rights, told, wire
from m365_emulator.applications.principals import ITEMS, ServicePrincipals
from m365_emulator.applications.told import ASSIGNMENT, Told, graph_principal_id
from m365_emulator.apps import Application, Principal, RoleAssignment
from m365_emulator.errors import GraphError, bad_request, not_found
from m365_emulator.listing import Lister
from m365_emulator.paging import Seal
from m365_emulator.permissions import APPLICATION_PERMISSIONS, GRAPH_APP_ID
from m365_emulator.refusals import UnknownObject
from m365_emulator.registrations import Registrations
from m365_emulator.tenant import Tenant

NO_ROLE = str(uuid.UUID(int=0))
"""Access without a particular role, where an application defines none."""


@dataclass(frozen=True, slots=True)
class Holder:
    """Who is given a role: a service principal, or a person or group."""

    id: str
    name: str
    kind: str
    client: tuple[Application, Principal] | None = None


class Assignments:
    """The role assignment routes of one tenant."""

    def __init__(
        self, tenant: Tenant, registrations: Registrations, principals: ServicePrincipals
    ) -> None:
        self._tenant = tenant
        self._registrations = registrations
        self._principals = principals
        self._home = principals.home
        self._lister = Lister(Seal(tenant.id), tenant.now, lambda: tenant.quirks)

    def routes(self) -> list[Route]:
        found = []
        for item in ITEMS:
            for relation, list_them in (
                ("appRoleAssignedTo", self.list_by_resource),
                ("appRoleAssignments", self.list_by_holder),
            ):
                path = f"{item}/{relation}"
                found += [
                    Route(path, list_them, methods=["GET"]),
                    Route(path, self.assign, methods=["POST"]),
                    Route(f"{path}/{{assignment}}", self.remove, methods=["DELETE"]),
                ]
        return found

    # --- reading -----------------------------------------------------------------------------

    @requires(*rights.READ)
    async def list_by_resource(self, request: Request) -> Response:
        if self._principals.names_graph(request):
            found = self._of_graph()
            resource_id = graph_principal_id(self._home)
        else:
            application, principal = self._principals.asked(request)
            found = self._own(application, principal)
            resource_id = principal.id
        return self._list(request, found, resource_id, "appRoleAssignedTo")

    @requires(*rights.READ)
    async def list_by_holder(self, request: Request) -> Response:
        if self._principals.names_graph(request):
            return self._list(request, iter(()), "", "appRoleAssignments")
        application, principal = self._principals.asked(request)
        found = (self._held(application, each) for each in principal.held)
        return self._list(request, found, principal.id, "appRoleAssignments")

    def _list(
        self, request: Request, found: Iterator[Told], principal_id: str, relation: str
    ) -> Response:
        seen = (each for each in found if self._registrations.fresh.is_seen(each.id))
        context = f"servicePrincipals('{principal_id}')/{relation}"
        return wire.listed(request, self._lister, seen, ASSIGNMENT, context)

    def _of_graph(self) -> Iterator[Told]:
        for application in self._registrations:
            for each in application.principal.held if application.principal else ():
                yield self._held(application, each)

    def _held(self, application: Application, known: RoleAssignment) -> Told:
        return told.assignment(
            self._home,
            known,
            holder=application.display_name,
            kind="ServicePrincipal",
            resource="Microsoft Graph",
            to=graph_principal_id(self._home),
        )

    def _own(self, application: Application, principal: Principal) -> Iterator[Told]:
        for each in principal.assigned:
            holder = self._holder(each.principal_id)
            yield told.assignment(
                self._home,
                each,
                holder=holder.name if holder else "",
                kind=holder.kind if holder else "User",
                resource=application.display_name,
                to=principal.id,
            )

    # --- writing -----------------------------------------------------------------------------

    async def assign(self, request: Request) -> Response:
        """Both ways in take the same body; the address must be one of its two principals."""
        body = await wire.read_body(request)
        principal_id = wire.text_of(body, "principalId").lower()
        resource_id = wire.text_of(body, "resourceId").lower()
        role_id = wire.text_of(body, "appRoleId").lower()
        is_graph = resource_id == graph_principal_id(self._home)
        resource = None if is_graph else self._principals.by_id(resource_id)
        resource_app_id = resource[0].app_id if resource else GRAPH_APP_ID
        rights.may_assign(request, resource_app_id)
        if not self._principals.names_graph(request):
            self._principals.asked(request)
        holder = self._holder(principal_id)
        fresh = self._registrations.fresh
        if holder is None or not fresh.is_seen(principal_id) or not (is_graph or resource):
            raise _no_reference()
        made = RoleAssignment(
            uuid.uuid4().hex, role_id, resource_app_id, principal_id, self._tenant.now()
        )
        if resource is None:
            found = self._give_of_graph(holder, made)
        else:
            found = self._give_own(resource, holder, made)
        fresh.note(made.id)
        path = "appRoleAssignedTo" if "AssignedTo" in request.url.path else "appRoleAssignments"
        owner = resource_id if path == "appRoleAssignedTo" else principal_id
        context = f"servicePrincipals('{owner}')/{path}"
        return wire.entity(request, found, ASSIGNMENT, context, status=201)

    def _give_of_graph(self, holder: Holder, made: RoleAssignment) -> Told:
        if made.role_id not in APPLICATION_PERMISSIONS.values():
            raise _no_role(made.role_id)
        if holder.client is None:
            raise bad_request(
                "Permissions of type application cannot be assigned to a user or a group."
            )
        application, principal = holder.client
        if any(each.role_id == made.role_id for each in principal.held):
            raise _there_already()
        held = (*principal.held, made)
        self._registrations.put(replace(application, principal=replace(principal, held=held)))
        return self._held(application, made)

    def _give_own(
        self, resource: tuple[Application, Principal], holder: Holder, made: RoleAssignment
    ) -> Told:
        application, principal = resource
        roles = {each.id.lower() for each in application.manifest.app_roles}
        if made.role_id not in (roles or {NO_ROLE}):
            raise _no_role(made.role_id)
        for each in principal.assigned:
            if (each.principal_id, each.role_id) == (made.principal_id, made.role_id):
                raise _there_already()
        assigned = (*principal.assigned, made)
        self._registrations.put(
            replace(application, principal=replace(principal, assigned=assigned))
        )
        return told.assignment(
            self._home,
            made,
            holder=holder.name,
            kind=holder.kind,
            resource=application.display_name,
            to=principal.id,
        )

    async def remove(self, request: Request) -> Response:
        assignment_id: str = request.path_params["assignment"]
        for application in self._registrations:
            principal = application.principal
            if principal is None:
                continue
            held = tuple(each for each in principal.held if each.id != assignment_id)
            assigned = tuple(each for each in principal.assigned if each.id != assignment_id)
            if held == principal.held and assigned == principal.assigned:
                continue
            is_graphs = held != principal.held
            rights.may_assign(request, GRAPH_APP_ID if is_graphs else application.app_id)
            after = replace(principal, held=held, assigned=assigned)
            self._registrations.put(replace(application, principal=after))
            return wire.nothing()
        rights.may_assign(request, "")
        raise not_found(assignment_id)

    def _holder(self, object_id: str) -> Holder | None:
        client = self._principals.by_id(object_id)
        if client is not None:
            return Holder(object_id, client[0].display_name, "ServicePrincipal", client)
        try:
            return Holder(object_id, self._tenant.user(object_id).display_name or "", "User")
        except UnknownObject:
            pass
        try:
            return Holder(object_id, self._tenant.group(object_id).display_name or "", "Group")
        except UnknownObject:
            return None


def _no_reference() -> GraphError:
    return bad_request("Not a valid reference update.")


def _no_role(role_id: str) -> GraphError:
    return bad_request(f"Permission being assigned was not found on application '{role_id}'.")


def _there_already() -> GraphError:
    return bad_request("Permission being assigned already exists on the object")
