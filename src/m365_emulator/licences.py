"""Subscriptions a tenant can buy, the service plans in them, and what assigning one writes.

Which plan means a mailbox or Teams is for clients to know; here they are only the right ids.
Source: Microsoft, "Product names and service plan identifiers for licensing", read 2026-11.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from m365_emulator.resources import AssignedLicense, AssignedPlan


@dataclass(frozen=True, slots=True)
class ServicePlan:
    """A service within a subscription; `service` is the spelling of `assignedPlans`."""

    id: str
    name: str
    service: str
    applies_to: str = "User"


@dataclass(frozen=True, slots=True)
class Sku:
    """A subscription on offer, by part number."""

    id: str
    part_number: str
    plans: tuple[ServicePlan, ...]


def _plan(plan_id: str, name: str, service: str, applies_to: str = "User") -> ServicePlan:
    return ServicePlan(plan_id, name, service, applies_to)


EXCHANGE_S_STANDARD = _plan(
    "9aaf7827-d63c-4b61-89c3-182f06f82e5c", "EXCHANGE_S_STANDARD", "exchange"
)
EXCHANGE_S_ENTERPRISE = _plan(
    "efb87545-963c-4e0d-99df-69c6916d9eb0", "EXCHANGE_S_ENTERPRISE", "exchange"
)
EXCHANGE_S_DESKLESS = _plan(
    "4a82b400-a79f-41a4-b4e2-e94f5787b113", "EXCHANGE_S_DESKLESS", "exchange"
)
EXCHANGE_S_FOUNDATION = _plan(
    "113feb6c-3fe4-4440-bddc-54d774bf0318", "EXCHANGE_S_FOUNDATION", "exchange", "Company"
)
TEAMS1 = _plan("57ff2da0-773e-42df-b2af-ffb7a2317929", "TEAMS1", "TeamspaceAPI")
MCOSTANDARD = _plan(
    "0feaeb32-d00e-4d66-bd5a-43b5b83db82c", "MCOSTANDARD", "MicrosoftCommunicationsOnline"
)
MCOIMP = _plan("afc06cb0-b4f4-4473-8286-d644f70d8faf", "MCOIMP", "MicrosoftCommunicationsOnline")
MCOMEETADV = _plan(
    "3e26ee1f-8a5f-4d52-aee2-b81ce45c8f40", "MCOMEETADV", "MicrosoftCommunicationsOnline"
)
MCOEV = _plan("4828c8ec-dc2e-4779-b502-87ac9ce28ab7", "MCOEV", "MicrosoftCommunicationsOnline")
MCOEV_VIRTUALUSER = _plan(
    "f47330e9-c134-43b3-9993-e7f004506889", "MCOEV_VIRTUALUSER", "MicrosoftCommunicationsOnline"
)
SHAREPOINTSTANDARD = _plan(
    "c7699d2e-19aa-44de-8edf-1736da088ca1", "SHAREPOINTSTANDARD", "SharePoint"
)
SHAREPOINTENTERPRISE = _plan(
    "5dbe027f-2339-4123-9542-606e4d348a72", "SHAREPOINTENTERPRISE", "SharePoint"
)
SHAREPOINTDESKLESS = _plan(
    "902b47e5-dcb2-4fdc-858b-c63a90a2bdb9", "SHAREPOINTDESKLESS", "SharePoint"
)
OFFICESUBSCRIPTION = _plan(
    "43de0ff5-c92c-492b-9116-175376d08c38", "OFFICESUBSCRIPTION", "MicrosoftOffice"
)
OFFICE_BUSINESS = _plan(
    "094e7854-93fc-4d55-b2c0-3ab5369ebdc1", "OFFICE_BUSINESS", "MicrosoftOffice"
)
INTUNE_A = _plan("c1ec4a95-1f05-45b3-a911-aa3fa01094f5", "INTUNE_A", "SCO")
AAD_PREMIUM = _plan("41781fb2-bc02-4b7c-bd55-b576c07bb09d", "AAD_PREMIUM", "AADPremiumService")
YAMMER_ENTERPRISE = _plan(
    "7547a3fe-08ee-4ccb-b430-5077c5041653", "YAMMER_ENTERPRISE", "YammerEnterprise"
)
SWAY = _plan("a23b959c-7ce8-4e57-9140-b90eb88a9e97", "SWAY", "Sway")
BI_AZURE_P0 = _plan("2049e525-b859-401b-b2a0-e0a31c4b1fe4", "BI_AZURE_P0", "PowerBI")

BUSINESS_BASIC = Sku(
    "3b555118-da6a-4418-894f-7df1e2096870",
    "O365_BUSINESS_ESSENTIALS",
    (EXCHANGE_S_STANDARD, TEAMS1, MCOSTANDARD, SHAREPOINTSTANDARD, YAMMER_ENTERPRISE, SWAY),
)
BUSINESS_STANDARD = Sku(
    "f245ecc8-75af-4f8e-b61f-27d8114de5f3",
    "O365_BUSINESS_PREMIUM",
    (
        EXCHANGE_S_STANDARD,
        TEAMS1,
        MCOSTANDARD,
        OFFICE_BUSINESS,
        SHAREPOINTSTANDARD,
        YAMMER_ENTERPRISE,
        SWAY,
    ),
)
BUSINESS_PREMIUM = Sku(
    "cbdc14ab-d96c-4c30-b9f4-6ada7cdc1d46",
    "SPB",
    (
        EXCHANGE_S_STANDARD,
        TEAMS1,
        MCOSTANDARD,
        OFFICE_BUSINESS,
        SHAREPOINTSTANDARD,
        INTUNE_A,
        AAD_PREMIUM,
        YAMMER_ENTERPRISE,
        SWAY,
    ),
)
M365_F3 = Sku(
    "66b55226-6b4f-492c-910c-a3b7a3c9d993",
    "SPE_F1",
    (EXCHANGE_S_DESKLESS, TEAMS1, MCOIMP, SHAREPOINTDESKLESS, INTUNE_A, AAD_PREMIUM),
)
M365_E3 = Sku(
    "05e9a617-0261-4cee-bb44-138d3ef5d965",
    "SPE_E3",
    (
        EXCHANGE_S_ENTERPRISE,
        TEAMS1,
        MCOSTANDARD,
        OFFICESUBSCRIPTION,
        SHAREPOINTENTERPRISE,
        INTUNE_A,
        AAD_PREMIUM,
        YAMMER_ENTERPRISE,
    ),
)
M365_E5 = Sku(
    "06ebc4ee-1bb5-47dd-8120-11324bc54e06",
    "SPE_E5",
    (
        EXCHANGE_S_ENTERPRISE,
        TEAMS1,
        MCOSTANDARD,
        MCOMEETADV,
        MCOEV,
        OFFICESUBSCRIPTION,
        SHAREPOINTENTERPRISE,
        INTUNE_A,
        AAD_PREMIUM,
        YAMMER_ENTERPRISE,
    ),
)
M365_E3_NO_TEAMS = Sku(
    "dcf0408c-aaec-446c-afd4-43e3683943ea",
    "Microsoft_365_E3_(no_Teams)",
    (
        EXCHANGE_S_ENTERPRISE,
        OFFICESUBSCRIPTION,
        SHAREPOINTENTERPRISE,
        INTUNE_A,
        AAD_PREMIUM,
        YAMMER_ENTERPRISE,
    ),
)
TEAMS_ENTERPRISE = Sku(
    "7e31c0d9-9551-471d-836f-32ee72be4a01",
    "Microsoft_Teams_Enterprise_New",
    (TEAMS1, MCOSTANDARD),
)
TEAMS_PHONE = Sku("e43b5b99-8dfb-405f-9987-dc307f34bcbd", "MCOEV", (MCOEV, EXCHANGE_S_FOUNDATION))
TEAMS_ROOMS = Sku(
    "6070a4c8-34c6-4937-8dfb-39bbc6397a60",
    "MEETING_ROOM",
    (TEAMS1, MCOSTANDARD, MCOMEETADV, MCOEV, INTUNE_A),
)
RESOURCE_ACCOUNT = Sku(
    "440eaaa8-b3e0-484b-a8be-62870b9ba70a", "PHONESYSTEM_VIRTUALUSER", (MCOEV_VIRTUALUSER,)
)
POWER_BI_FREE = Sku(
    "a403ebcc-fae0-4ca2-8c8c-7a907fd6c235",
    "POWER_BI_STANDARD",
    (BI_AZURE_P0, EXCHANGE_S_FOUNDATION),
)

CATALOGUE: tuple[Sku, ...] = (
    BUSINESS_BASIC,
    BUSINESS_STANDARD,
    BUSINESS_PREMIUM,
    M365_F3,
    M365_E3,
    M365_E5,
    M365_E3_NO_TEAMS,
    TEAMS_ENTERPRISE,
    TEAMS_PHONE,
    TEAMS_ROOMS,
    RESOURCE_ACCOUNT,
    POWER_BI_FREE,
)
BY_PART_NUMBER = {sku.part_number: sku for sku in CATALOGUE}
BY_ID = {sku.id: sku for sku in CATALOGUE}


@lru_cache(maxsize=4096)
def licences_of(skus: tuple[Sku, ...]) -> tuple[AssignedLicense, ...]:
    """The `assignedLicenses` of someone who holds `skus`."""
    return tuple(AssignedLicense(sku_id=sku.id) for sku in skus)


@lru_cache(maxsize=4096)
def plans_of(skus: tuple[Sku, ...], assigned_at: str) -> tuple[AssignedPlan, ...]:
    """The `assignedPlans` of someone who has held `skus` since `assigned_at` (ISO, UTC)."""
    plans = {plan.id: plan for sku in skus for plan in sku.plans}
    return tuple(
        AssignedPlan(
            assigned_date_time=assigned_at,
            capability_status="Enabled",
            service=plan.service,
            service_plan_id=plan.id,
        )
        for plan in plans.values()
    )


def plans_after(
    before: Iterable[AssignedPlan], skus: tuple[Sku, ...], assigned_at: str
) -> tuple[AssignedPlan, ...]:
    """`assignedPlans` after a change of licences: kept, new, and what was lost as `Deleted`.

    The directory keeps the entries of plans that somebody once had.
    """
    now_held = {plan.id: plan for sku in skus for plan in sku.plans}
    kept: dict[str, AssignedPlan] = {}
    for old in before:
        status = "Enabled" if old.service_plan_id in now_held else "Deleted"
        since = old.assigned_date_time if status == old.capability_status else assigned_at
        kept[old.service_plan_id] = AssignedPlan(
            assigned_date_time=since,
            capability_status=status,
            service=old.service,
            service_plan_id=old.service_plan_id,
        )
    for plan in plans_of(skus, assigned_at):
        kept.setdefault(plan.service_plan_id, plan)
    return tuple(kept.values())
