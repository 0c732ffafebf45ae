"""The names under which administrators know licences; Graph gives only Microsoft's short names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

# Source: Microsoft Entra docs, "Product names and service plan identifiers for licensing", read
# 2026-11: the products that people who telephone usually hold. Others show their short name.
NAMES: Mapping[str, str] = {
    "O365_BUSINESS_ESSENTIALS": "Microsoft 365 Business Basic",
    "O365_BUSINESS_PREMIUM": "Microsoft 365 Business Standard",
    "SPB": "Microsoft 365 Business Premium",
    "O365_BUSINESS": "Microsoft 365 Apps for Business",
    "SPE_E3": "Microsoft 365 E3",
    "SPE_E5": "Microsoft 365 E5",
    "Microsoft_365_E3_(no_Teams)": "Microsoft 365 E3 (no Teams)",
    "Microsoft_365_E5_(no_Teams)": "Microsoft 365 E5 (no Teams)",
    "M365_F1": "Microsoft 365 F1",
    "SPE_F1": "Microsoft 365 F3",
    "STANDARDPACK": "Office 365 E1",
    "ENTERPRISEPACK": "Office 365 E3",
    "ENTERPRISEPREMIUM": "Office 365 E5",
    "DESKLESSPACK": "Office 365 F3",
    "EXCHANGESTANDARD": "Exchange Online (Plan 1)",
    "EXCHANGEENTERPRISE": "Exchange Online (Plan 2)",
    "EXCHANGEDESKLESS": "Exchange Online Kiosk",
    "TEAMS_ESSENTIALS_AAD": "Microsoft Teams Essentials",
    "TEAMS_EXPLORATORY": "Microsoft Teams Exploratory",
    "MCOEV": "Microsoft Teams Phone Standard",
    "PHONESYSTEM_VIRTUALUSER": "Microsoft Teams Phone Resource Account",
    "MEETING_ROOM": "Microsoft Teams Rooms Standard",
    "EMS": "Enterprise Mobility + Security E3",
    "EMSPREMIUM": "Enterprise Mobility + Security E5",
    "AAD_PREMIUM": "Microsoft Entra ID P1",
    "AAD_PREMIUM_P2": "Microsoft Entra ID P2",
    "FLOW_FREE": "Microsoft Power Automate Free",
    "POWER_BI_STANDARD": "Microsoft Fabric (Free)",
    "VISIOCLIENT": "Visio Plan 2",
    "PROJECTPROFESSIONAL": "Planner and Project Plan 3",
}


def licence_name(sku: str, skus: Mapping[str, tuple[str, str]]) -> str:
    """What to call a licence: by its stored name, Microsoft's product name, or its short name."""
    part_number, name = skus.get(sku, ("", ""))
    return name or NAMES.get(part_number, part_number) or "Unknown licence"


def licence_titles(held: Sequence[str], skus: Mapping[str, tuple[str, str]]) -> tuple[str, ...]:
    """The same names with Microsoft's short ones, for whoever looks them up there."""
    titles = []
    for sku in held:
        name, (short, _) = licence_name(sku, skus), skus.get(sku, (sku, ""))
        titles.append(name if short in {"", name} else f"{name} ({short})")
    return tuple(titles)


def licence_pairs(
    held: Sequence[str], skus: Mapping[str, tuple[str, str]]
) -> tuple[tuple[str, str], ...]:
    """What to show of somebody's licences, and what to say of each to whoever points at it."""
    names, titles = licence_names(held, skus), licence_titles(held, skus)
    if len(names) != len(titles):
        return tuple((name, ", ".join(titles)) for name in names)
    return tuple(zip(names, titles, strict=True))


def licence_names(held: Sequence[str], skus: Mapping[str, tuple[str, str]]) -> tuple[str, ...]:
    """The names of somebody's licences, in their order; only how many, where no name is known."""
    if held and not any(sku in skus for sku in held):
        return (f"{len(held)} licence{'' if len(held) == 1 else 's'}",)
    return tuple(licence_name(sku, skus) for sku in held)
