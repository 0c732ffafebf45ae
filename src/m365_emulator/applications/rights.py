"""Who may do what with applications: the token's permission, and the person's directory role.

An app that calls as itself needs the permission only. A person needs both, or owns what they
change: by default everybody in a tenant may register applications of their own.
Source: Entra docs, delegate-app-roles and permissions-reference; Graph docs, the pages of each
call; read 2026-11.
"""

from starlette.requests import Request

from m365_emulator.access import DIRECTORY_DENIES, Caller
from m365_emulator.apps import Application
from m365_emulator.directory_roles import (
    GRANTS_APP_ROLES_OF_GRAPH,
    GRANTS_DELEGATED,
    MANAGES_APPLICATIONS,
)
from m365_emulator.errors import GraphError
from m365_emulator.permissions import GRAPH_APP_ID

READ = ("Application.Read.All", "Application.ReadWrite.All", "Directory.Read.All")
READ_GRANTS = ("DelegatedPermissionGrant.ReadWrite.All", "Directory.Read.All")
WRITE = frozenset({"Application.ReadWrite.All"})
WRITE_OWN = WRITE | {"Application.ReadWrite.OwnedBy"}
ASSIGN = frozenset({"AppRoleAssignment.ReadWrite.All"})
GRANT = frozenset({"DelegatedPermissionGrant.ReadWrite.All"})


def caller_of(request: Request) -> Caller:
    caller: Caller = request.state.caller
    return caller


def may_create(request: Request, *, guest: bool) -> None:
    """GraphError 403 for who may not register an application."""
    caller = caller_of(request)
    if not caller.holds_any(WRITE if caller.is_person else WRITE_OWN):
        raise denied()
    if guest and not caller.directory_roles & MANAGES_APPLICATIONS:
        raise denied()


def may_change(request: Request, application: Application) -> None:
    """GraphError 403 for who may not change this application."""
    caller = caller_of(request)
    if not caller.is_person:
        is_own = caller.object_id in application.owner_ids
        if not caller.holds_any(WRITE_OWN if is_own else WRITE):
            raise denied()
        return
    if not caller.holds_any(WRITE):
        raise denied()
    is_own = caller.object_id in application.owner_ids
    if not is_own and not caller.directory_roles & MANAGES_APPLICATIONS:
        raise denied()


def may_assign(request: Request, resource_app_id: str) -> None:
    """GraphError 403 for who may not give roles of this resource; Graph's are the gravest."""
    caller = caller_of(request)
    if not caller.holds_any(ASSIGN) or not caller.holds_any(frozenset(READ)):
        raise denied()
    able = (
        GRANTS_APP_ROLES_OF_GRAPH
        if resource_app_id == GRAPH_APP_ID
        else GRANTS_APP_ROLES_OF_GRAPH | MANAGES_APPLICATIONS
    )
    if caller.is_person and not caller.directory_roles & able:
        raise denied()


def may_grant(request: Request) -> None:
    """GraphError 403 for who may not grant delegated permissions."""
    caller = caller_of(request)
    if not caller.holds_any(GRANT):
        raise denied()
    if caller.is_person and not caller.directory_roles & GRANTS_DELEGATED:
        raise denied()


def denied() -> GraphError:
    return GraphError(403, *DIRECTORY_DENIES)
