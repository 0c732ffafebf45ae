"""What a person's licences mean for a phone system: a mailbox, Teams, or a Teams resource account.

Judged by service plan, never by SKU: the same product is sold with and without Exchange or Teams,
and a plan of a licence can be switched off for one person. Which people are synced for it is
decided in `jackfield.core.people`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import product

# Source of ids and names: Microsoft Entra docs, "Product names and service plan identifiers for
# licensing", read 2026-11. Source of the states: Graph docs, resources/assignedPlan, read 2026-11.

IN_FORCE = frozenset({"Enabled", "Warning"})
"""`capabilityStatus` of a plan that can be used; "Warning" is the grace period after a subscription
ended."""

MAILBOX_PLANS = frozenset(
    {
        "9aaf7827-d63c-4b61-89c3-182f06f82e5c",  # EXCHANGE_S_STANDARD
        "efb87545-963c-4e0d-99df-69c6916d9eb0",  # EXCHANGE_S_ENTERPRISE
        "4a82b400-a79f-41a4-b4e2-e94f5787b113",  # EXCHANGE_S_DESKLESS
        "1126bef5-da20-4f07-b45e-ad25d2581aa8",  # EXCHANGE_S_ESSENTIALS
        "d42bdbd6-c335-4231-ab3d-c8f348d5aff5",  # EXCHANGE_L_STANDARD
        "90927877-dcff-4af6-b346-2332c0b15bb7",  # EXCHANGE_B_STANDARD
        "fc52cc4b-ed7d-472d-bbe7-b081c23ecc56",  # EXCHANGE_S_STANDARD_MIDMARKET
        "e9b4930a-925f-45e2-ac2a-3f7788ca6fdd",  # EXCHANGE_S_STANDARD_GOV
        "8c3069c0-ccdb-44be-ab77-986203a67df2",  # EXCHANGE_S_ENTERPRISE_GOV
        "88f4d7ef-a73b-4246-8047-516022144c9f",  # EXCHANGE_S_DESKLESS_GOV
    }
)

# Exchange lends its service name to some thirty add-ons. They come with E5 (and with much else) and
# stay when the mailbox plan of the same licence is switched off, so none of them may count.
WITHOUT_MAILBOX_PLANS = frozenset(
    {
        "113feb6c-3fe4-4440-bddc-54d774bf0318",  # EXCHANGE_S_FOUNDATION
        "922ba911-5694-4e99-a794-73aed9bfeec8",  # EXCHANGE_S_FOUNDATION_GOV
        "176a09a6-7ec5-4039-ac02-b2791c6ba793",  # EXCHANGE_S_ARCHIVE_ADDON
        "da040e0a-b393-4bea-bb76-928b3fa1cf5a",  # EXCHANGE_S_ARCHIVE
        "34c0d7a0-a70f-4668-9238-47f9fc208882",  # EXCHANGE_ANALYTICS
        "208120d1-9adb-4daf-8c22-816bd5d237e7",  # EXCHANGE_ANALYTICS_GOV
        "f20fedf3-f3c3-43c3-8267-2bfdd51c0939",  # ATP_ENTERPRISE
        "493ff600-6a2b-4db6-ad37-a7d4eb214516",  # ATP_ENTERPRISE_GOV
        "8e0c0a52-6a6c-4d40-8370-dd62790dcd70",  # THREAT_INTELLIGENCE
        "41fcdd7d-4733-4863-9cf4-c65b83ce2df4",  # COMMUNICATIONS_COMPLIANCE
        "a413a9ff-720c-4822-98ef-2f37c2a21f4c",  # MICROSOFT_COMMUNICATION_COMPLIANCE
        "6dc145d6-95dd-4191-b9c3-185575ee6f6b",  # COMMUNICATIONS_DLP
        "6db1f1db-2b46-403f-be40-e39395f08dbb",  # CUSTOMER_KEY
        "46129a58-a698-46f0-aa5b-17f6586297d9",  # DATA_INVESTIGATIONS
        "4de31727-a228-4ec3-a5bf-8e45b5ca48cc",  # EQUIVIO_ANALYTICS
        "d1cbfb67-18a8-4792-b643-630b7f19aad1",  # EQUIVIO_ANALYTICS_GOV
        "a6520331-d7d4-4276-95f5-15c0933bc757",  # GRAPH_CONNECTORS_SEARCH_INDEX
        "e26c2fcc-ab91-4a61-b35c-03cdc8dddf66",  # INFO_GOVERNANCE
        "c4801e8a-cb58-4c35-aca6-f2dcc106f287",  # INFORMATION_BARRIERS
        "9d0c4ee5-e4a1-4625-ab39-d82b619b1a34",  # INSIDER_RISK_MANAGEMENT
        "9f431833-0334-42de-a7dc-70aa40db46db",  # LOCKBOX_ENTERPRISE
        "89b5d3b1-3855-49fe-b46c-87c66dbc1526",  # LOCKBOX_ENTERPRISE_GOV
        "2f442157-a11c-46b9-ae5b-6e39ff4e5849",  # M365_ADVANCED_AUDITING
        "f6de4823-28fa-440b-b886-4783fa86ddba",  # M365_AUDIT_PLATFORM
        "199a5c09-e0ca-4e37-8f7c-b05d533e1ea2",  # MICROSOFTBOOKINGS
        "5136a095-5cf0-4aff-bec3-e84448b38ea5",  # MIP_S_CLP1
        "efb0351d-3b08-4503-993d-383af8de41e3",  # MIP_S_CLP2
        "cd31b152-6326-4d1b-ae1b-997b625182e6",  # MIP_S_Exchange
        "d2d51368-76c9-4317-ada2-a12c004c432f",  # ML_CLASSIFICATION
        "33c4f319-9bdd-48d6-9c4d-410b750a4a5a",  # MYANALYTICS_P2
        "6e5b7995-bd4f-4cbd-9d19-0e32010c72f0",  # MYANALYTICS_P2_GOV
        "b1188c4c-1b36-4018-b48b-ee07604f6feb",  # PAM_ENTERPRISE
        "617b097b-4b93-4ede-83de-5f075bb5fb2f",  # PREMIUM_ENCRYPTION
        "65cc641f-cccd-4643-97e0-a17e3045e541",  # RECORDS_MANAGEMENT
        "bf6f5520-59e3-4f82-974b-7dbbc4fd27c7",  # SAFEDOCS
        "b622badb-1b45-48d5-920f-4b27a2c0996c",  # WORKPLACE_ANALYTICS_INSIGHTS_USER
    }
)

TEAMS_PLANS = frozenset(
    {
        "57ff2da0-773e-42df-b2af-ffb7a2317929",  # TEAMS1
        "304767db-7d23-49e8-a945-4a7eb65f9f28",  # TEAMS_GOV
        "9953b155-8aef-4c56-92f3-72b0487fce41",  # TEAMS_AR_GCCHIGH
        "fd500458-c24c-478e-856c-a6067a8376cd",  # TEAMS_AR_DOD
        "a42de799-58ae-4e6a-aa1d-948e7abec726",  # TEAMS_DESKLESS
        "42a3ec34-28ba-46b6-992f-db53a675ac5b",  # MCO_TEAMS_IW
    }
)

RESOURCE_ACCOUNT_PLAN = "f47330e9-c134-43b3-9993-e7f004506889"  # MCOEV_VIRTUALUSER


@dataclass(frozen=True, slots=True)
class LicenceFacts:
    """What the licences of one person carry."""

    has_mailbox: bool = False
    has_teams: bool = False
    is_resource_account: bool = False


_FACTS = {flags: LicenceFacts(*flags) for flags in product((False, True), repeat=3)}


def licence_facts(plans: Iterable[tuple[str, str, str]]) -> LicenceFacts:
    """The facts behind `assignedPlans`, given as (servicePlanId, capabilityStatus, service).

    A plan of the service "exchange" that is not known counts as a mailbox: a new product must not
    make everybody who holds it a leaver.
    """
    mailbox = teams = resource = False
    for plan_id, status, service in plans:
        if status not in IN_FORCE:
            continue
        plan = plan_id.lower()
        if plan in TEAMS_PLANS:
            teams = True
        elif plan == RESOURCE_ACCOUNT_PLAN:
            resource = True
        elif plan in MAILBOX_PLANS or (
            service.lower() == "exchange" and plan not in WITHOUT_MAILBOX_PLANS
        ):
            mailbox = True
    return _FACTS[mailbox, teams, resource]
