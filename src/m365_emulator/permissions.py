"""Application permissions of Microsoft Graph that an app on this stage can be granted, with ids.

Names are what access tokens carry in `roles`; the ids are the same in every tenant.
Source: Microsoft Graph permissions reference, read 2026-11.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

GRAPH_APP_ID = "00000003-0000-0000-c000-000000000000"

APPLICATION_PERMISSIONS: Mapping[str, str] = MappingProxyType(
    {
        "Application.Read.All": "9a5d68dd-52b0-4cc2-bd40-abcf44ac3a30",
        "Application.ReadWrite.All": "1bfefb4e-e0b5-418b-a88f-73c46d2cc8e9",
        "Application.ReadWrite.OwnedBy": "18a4783c-866b-4cc7-a460-3d5e5662c884",
        "AppRoleAssignment.ReadWrite.All": "06b708a9-e830-4db3-a914-8e69da51d44f",
        "Calendars.Read": "798ee544-9d2d-430c-a058-570e29e34338",
        "Contacts.Read": "089fe4d0-434a-44c5-8827-41ba8a0b17f5",
        "Contacts.ReadWrite": "6918b873-d17a-4dc1-b314-35f528134491",
        "DelegatedPermissionGrant.ReadWrite.All": "8e8e4742-1d95-4f68-9d56-6ee75648c72a",
        "Directory.Read.All": "7ab1d382-f21e-4acd-a863-ba3e13f7da61",
        "Domain.Read.All": "dbb9058a-0e50-45d7-ae91-66909b5d4664",
        "Group.Read.All": "5b567255-7703-4780-807c-7be8301ae99b",
        "Group.ReadBasic.All": "07d67222-3a10-4d3b-9ddc-b8aa43198a00",
        "GroupMember.Read.All": "98830695-27a2-44f7-8c18-0c3ebc9698f6",
        "GroupMember.ReadBasic.All": "8222c640-cae5-4860-8d11-b32cfad95e03",
        "LicenseAssignment.Read.All": "e2f98668-2877-4f38-a2f4-8202e0717aa1",
        "Mail.ReadWrite": "e2a3a72e-5f79-4c64-b1b1-878b674786c9",
        "Mail.Send": "b633e1c5-b582-4048-a93e-9f11b44c7e96",
        "MailboxSettings.Read": "40f97065-369a-49f4-947c-6a255697ae91",
        "Member.Read.Hidden": "658aa5d8-239f-45c4-aa12-864f4fc7e490",
        "OrgContact.Read.All": "e1a88a34-94c4-4418-be12-c87b00e26bea",
        "Organization.Read.All": "498476ce-e0fe-48b0-b801-37ba7e2685c6",
        "Presence.Read.All": "a70e0c2d-e793-494c-94c4-118fa0a67f42",
        "Presence.ReadWrite.All": "83cded22-8297-4ff6-a7fa-e97e9545a259",
        "ProfilePhoto.Read.All": "e24d31aa-e1ab-4c80-85fe-23018690335d",
        "User.Read.All": "df021288-bdef-4463-88db-98f22de89214",
        "User.ReadBasic.All": "97235f07-e226-4f63-ace3-39588e11d3a1",
    }
)

DIRECTORY_ROLES = ("User.Read.All", "GroupMember.Read.All", "LicenseAssignment.Read.All")
"""What people sync needs, and what an app registered without a word about roles gets."""


def known(roles: Iterable[str]) -> frozenset[str]:
    """The roles as a set; ValueError names the first that Graph does not have."""
    asked = frozenset(roles)
    for role in sorted(asked - APPLICATION_PERMISSIONS.keys()):
        raise ValueError(f"Microsoft Graph has no application permission {role!r} on this stage")
    return asked
