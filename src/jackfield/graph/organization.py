"""What the tenant says about itself: its name, its domains, the licences it has bought."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
from msgspec import Struct

from jackfield.graph.answers import shown
from jackfield.graph.asking import Ask
from jackfield.graph.client import GraphClient

# Any of several permissions will do; named is the one every installation has anyway, or the least.
# Source: Graph docs, api/organization-list and api/subscribedsku-list, read 2026-11.
_ORGANIZATION = Ask(
    "/organization",
    {"$select": "id,displayName,countryLetterCode,defaultUsageLocation,verifiedDomains"},
    needs="User.Read.All",
)
_SKUS = Ask("/subscribedSkus", units=3, needs="LicenseAssignment.Read.All")


@dataclass(frozen=True, slots=True)
class Organization:
    """The tenant as Microsoft 365 knows it."""

    tenant_id: str
    name: str
    country: str
    """Two letters, or "" if the tenant has none."""
    default_domain: str
    domains: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sku:
    """One product the tenant has bought."""

    sku_id: str
    part_number: str
    """Microsoft's short name, e.g. `O365_BUSINESS_PREMIUM`."""
    enabled: int
    consumed: int
    plans: tuple[tuple[str, str], ...]
    """Service plans as (id, name)."""


class _DomainWire(Struct, rename="camel"):
    name: str | None = None
    is_default: bool | None = None


class _OrganizationWire(Struct, rename="camel"):
    id: str
    display_name: str | None = None
    country_letter_code: str | None = None
    default_usage_location: str | None = None
    verified_domains: list[_DomainWire] | None = None


class _OrganizationsWire(Struct):
    value: list[_OrganizationWire]


class _UnitsWire(Struct):
    enabled: int | None = None


class _SkuPlanWire(Struct, rename="camel"):
    service_plan_id: str | None = None
    service_plan_name: str | None = None


class _SkuWire(Struct, rename="camel"):
    sku_id: str
    sku_part_number: str | None = None
    consumed_units: int | None = None
    prepaid_units: _UnitsWire | None = None
    service_plans: list[_SkuPlanWire] | None = None


class _SkusWire(Struct):
    value: list[_SkuWire]


_ORGANIZATIONS_DECODER = msgspec.json.Decoder(_OrganizationsWire)
_SKUS_DECODER = msgspec.json.Decoder(_SkusWire)


async def fetch_organization(client: GraphClient) -> Organization:
    """The tenant's own record: the first call of a connection test."""
    answer = await client.get(_ORGANIZATION)
    found = answer.decode(_ORGANIZATIONS_DECODER).value
    if not found:
        raise answer.malformed("a list of organisations without one in it")
    wire = found[0]
    domains = [domain for domain in wire.verified_domains or () if domain.name]
    default = next((domain.name for domain in domains if domain.is_default), None)
    return Organization(
        tenant_id=wire.id.lower(),
        name=shown(wire.display_name or ""),
        country=(wire.country_letter_code or wire.default_usage_location or "").upper(),
        default_domain=default or "",
        domains=tuple(domain.name for domain in domains if domain.name),
    )


async def fetch_skus(client: GraphClient) -> tuple[Sku, ...]:
    """The products the tenant has bought, for the names of licences."""
    answer = await client.get(_SKUS)
    return tuple(
        Sku(
            sku_id=wire.sku_id.lower(),
            part_number=wire.sku_part_number or "",
            enabled=(wire.prepaid_units.enabled or 0) if wire.prepaid_units else 0,
            consumed=wire.consumed_units or 0,
            plans=tuple(
                (plan.service_plan_id.lower(), plan.service_plan_name or "")
                for plan in wire.service_plans or ()
                if plan.service_plan_id
            ),
        )
        for wire in answer.decode(_SKUS_DECODER).value
    )
