"""The routes of applications, collected."""

from starlette.routing import Route

from m365_emulator.applications.assignments import Assignments
from m365_emulator.applications.grants import Grants
from m365_emulator.applications.principals import ServicePrincipals
from m365_emulator.applications.registering import Applications
from m365_emulator.registrations import Registrations
from m365_emulator.tenant import Tenant


def routes(tenant: Tenant, registrations: Registrations) -> list[Route]:
    """Everything below `/applications`, `/servicePrincipals` and `/oauth2PermissionGrants`."""
    principals = ServicePrincipals(tenant, registrations)
    return [
        *Applications(tenant, registrations).routes(),
        *principals.routes(),
        *Assignments(tenant, registrations, principals).routes(),
        *Grants(tenant, registrations, principals).routes(),
    ]
