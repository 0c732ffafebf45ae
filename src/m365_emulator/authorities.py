"""The tenant in an authority's path: which names stand for the tenant, and which for any.

Source: Entra docs, v2-protocols#endpoints, read 2026-11.
"""

from m365_emulator import entra_errors
from m365_emulator.tenant import Tenant

MANY_TENANTS = frozenset({"common", "organizations"})


def named_tenant(tenant: Tenant, name: str, *, discovery: bool = False) -> str | None:
    """The tenant id a path segment stands for; None for the names of many tenants."""
    asked = name.lower()
    if asked in MANY_TENANTS:
        return None
    if asked in {tenant.id, tenant.domain.lower(), tenant.initial_domain.lower()}:
        return tenant.id
    raise entra_errors.unknown_tenant(name, discovery=discovery)
