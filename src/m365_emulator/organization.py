"""The organisation itself and what it has subscribed to.

`subscribedSkus` overlooks query options other than `$select`, as the real one does.
Source: Graph docs, api/organization-list, subscribedsku-list, known-issues, read 2026-11.
"""

from collections import Counter
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from m365_emulator.access import requires
from m365_emulator.errors import bad_request, not_found
from m365_emulator.licences import BY_ID, CATALOGUE, ServicePlan, Sku
from m365_emulator.listing import answer, context_of
from m365_emulator.tenant import Tenant

ORGANIZATION_ROLES = ("Organization.Read.All", "User.Read.All", "Directory.Read.All", "User.Read")
"""The last of them is a delegated permission only, and suffices for a person."""
LICENCE_ROLES = ("LicenseAssignment.Read.All", "Organization.Read.All", "Directory.Read.All")


def service_plan(plan: ServicePlan) -> dict[str, str]:
    """A plan as `servicePlans` lists it."""
    return {
        "appliesTo": plan.applies_to,
        "provisioningStatus": "Success",
        "servicePlanId": plan.id,
        "servicePlanName": plan.name,
    }


class Organization:
    """`/organization` and `/subscribedSkus` of one tenant."""

    def __init__(self, tenant: Tenant) -> None:
        self._tenant = tenant

    def routes(self) -> list[Route]:
        return [
            Route("/organization", self.list_organizations, methods=["GET"]),
            Route("/organization/{id}", self.get_organization, methods=["GET"]),
            Route("/subscribedSkus", self.list_skus, methods=["GET"]),
            Route("/subscribedSkus/{id}", self.get_sku, methods=["GET"]),
        ]

    @requires(*ORGANIZATION_ROLES)
    async def list_organizations(self, request: Request) -> Response:
        return _collection(request, "organization", [self._organization()])

    @requires(*ORGANIZATION_ROLES)
    async def get_organization(self, request: Request) -> Response:
        asked: str = request.path_params["id"]
        if asked.lower() != self._tenant.id:
            raise not_found(asked)
        return _entity(request, "organization", self._organization())

    @requires(*LICENCE_ROLES)
    async def list_skus(self, request: Request) -> Response:
        self._tenant.read()
        return _collection(request, "subscribedSkus", self._skus())

    @requires(*LICENCE_ROLES)
    async def get_sku(self, request: Request) -> Response:
        self._tenant.read()
        asked: str = request.path_params["id"]
        for sku in self._skus():
            if sku["id"] == asked.lower():
                return _entity(request, "subscribedSkus", sku)
        raise not_found(asked)

    def _organization(self) -> dict[str, Any]:
        tenant, home = self._tenant, self._tenant.home
        return {
            "id": tenant.id,
            "deletedDateTime": None,
            "businessPhones": [],
            "city": home.cities[0],
            "country": None,
            "countryLetterCode": home.country,
            "createdDateTime": "2018-09-03T08:00:00Z",
            "defaultUsageLocation": None,
            "displayName": tenant.display_name,
            "marketingNotificationEmails": [],
            "onPremisesLastSyncDateTime": None,
            "onPremisesSyncEnabled": None,
            "partnerTenantType": None,
            "postalCode": None,
            "preferredLanguage": home.language.partition("-")[0],
            "privacyProfile": None,
            "securityComplianceNotificationMails": [],
            "securityComplianceNotificationPhones": [],
            "state": None,
            "street": None,
            "technicalNotificationMails": [f"it@{tenant.domain}"],
            "tenantType": "AAD",
            "assignedPlans": [
                {
                    "assignedDateTime": "2018-09-03T08:05:00Z",
                    "capabilityStatus": "Enabled",
                    "service": plan.service,
                    "servicePlanId": plan.id,
                }
                for plan in {plan.id: plan for sku in CATALOGUE for plan in sku.plans}.values()
            ],
            "provisionedPlans": [
                {
                    "capabilityStatus": "Enabled",
                    "provisioningStatus": "Success",
                    "service": service,
                }
                for service in sorted({plan.service for sku in CATALOGUE for plan in sku.plans})
            ],
            "verifiedDomains": [
                {
                    "capabilities": "Email, OfficeCommunicationsOnline",
                    "isDefault": is_default,
                    "isInitial": not is_default,
                    "name": name,
                    "type": "Managed",
                }
                for name, is_default in ((tenant.domain, True), (tenant.initial_domain, False))
            ],
        }

    def _skus(self) -> list[dict[str, Any]]:
        consumed: Counter[str] = Counter(
            held.sku_id
            for user in self._tenant.user_register.walk()
            if user.deleted_date_time is None
            for held in user.assigned_licenses
        )
        return [self._sku(BY_ID[sku.id], consumed[sku.id]) for sku in CATALOGUE]

    def _sku(self, sku: Sku, consumed: int) -> dict[str, Any]:
        return {
            "accountId": self._tenant.id,
            "accountName": self._tenant.initial_domain.partition(".")[0],
            "appliesTo": "User",
            "capabilityStatus": "Enabled",
            "consumedUnits": consumed,
            "id": f"{self._tenant.id}_{sku.id}",
            "prepaidUnits": {
                "enabled": consumed + 10 - consumed % 5,
                "lockedOut": 0,
                "suspended": 0,
                "warning": 0,
            },
            "servicePlans": [service_plan(plan) for plan in sku.plans],
            "skuId": sku.id,
            "skuPartNumber": sku.part_number,
            "subscriptionIds": [],
        }


def _selected(request: Request, body: dict[str, Any]) -> tuple[tuple[str, ...], dict[str, Any]]:
    """Only what `$select` names, in the order of the resource."""
    asked = request.query_params.get("$select", "")
    names = {each.strip().lower() for each in asked.split(",")} - {"", "*"}
    spelt = {name.lower(): name for name in body}
    for name in sorted(names - spelt.keys()):
        raise bad_request(
            f"Parsing OData Select and Expand failed: Could not find a property named '{name}'.",
            "BadRequest",
        )
    chosen = tuple(name for name in body if name.lower() in names)
    return chosen, {name: body[name] for name in chosen} if chosen else body


def _collection(request: Request, segment: str, bodies: list[dict[str, Any]]) -> Response:
    chosen = _selected(request, bodies[0])[0]
    value = [_selected(request, body)[1] for body in bodies]
    context = context_of(request, segment, chosen)
    return answer(msgspec.json.encode({"@odata.context": context, "value": value}))


def _entity(request: Request, segment: str, body: dict[str, Any]) -> Response:
    chosen, shown = _selected(request, body)
    context = f"{context_of(request, segment, chosen)}/$entity"
    return answer(msgspec.json.encode({"@odata.context": context, **shown}))
