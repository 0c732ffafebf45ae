"""Permissions of Microsoft Graph that an app on this stage can be granted, with their ids.

Names are what access tokens carry in `roles` (application) and `scp` (delegated); the ids are the
same in every tenant.
Source: Microsoft Graph permissions reference, read 2026-11.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Scope:
    """A delegated permission: its id, whether users may consent themselves, what they are told."""

    id: str
    by_user: bool
    told: str


DELEGATED_PERMISSIONS: Mapping[str, Scope] = MappingProxyType(
    {
        "openid": Scope("37f7f235-527c-4136-accd-4a02d197296e", True, "Sign you in"),
        "profile": Scope("14dad69e-099b-42c9-810b-d002981feec1", True, "View your basic profile"),
        "email": Scope("64a6cdd6-aab1-4aaf-94b8-3cc8405e90d0", True, "View your email address"),
        "offline_access": Scope(
            "7427e0e9-2fba-42fe-b0c0-848c9e6a8182",
            True,
            "Maintain access to data you have given it access to",
        ),
        "User.Read": Scope(
            "e1fe6dd8-ba31-4d61-89e7-88639da4683d", True, "Sign you in and read your profile"
        ),
        "User.ReadBasic.All": Scope(
            "b340eb25-3456-403f-be2f-af7a0d370277", True, "Read all users' basic profiles"
        ),
        "User.Read.All": Scope(
            "a154be20-db9c-4678-8ab7-66f6cc099a59", False, "Read all users' full profiles"
        ),
        "GroupMember.Read.All": Scope(
            "bc024368-1153-4739-b217-4326f2e966d0", False, "Read group memberships"
        ),
        "GroupMember.ReadBasic.All": Scope(
            "28539367-358c-4ed9-b7f0-793eccb8fd34", False, "Read basic group memberships"
        ),
        "Group.ReadBasic.All": Scope(
            "ba1917bc-a64b-4c71-b66d-229d4a520e66", False, "Read basic properties of groups"
        ),
        "Group.Read.All": Scope("5f8c59db-677d-491f-a6b8-5f174b11ec1d", False, "Read all groups"),
        "Member.Read.Hidden": Scope(
            "f6a3db3e-f7e8-4ed2-a414-557c8c9830be", False, "Read hidden memberships"
        ),
        "Directory.Read.All": Scope(
            "06da0dbc-49e2-44d2-8312-53f166ab848a", False, "Read directory data"
        ),
        "Contacts.Read": Scope("ff74d97f-43af-4b68-9f2a-b77ee6968c5d", True, "Read your contacts"),
        "Contacts.Read.Shared": Scope(
            "242b9d9e-ed24-4d09-9a52-f43769beb9d4", True, "Read your and shared contacts"
        ),
        "Contacts.ReadWrite": Scope(
            "d56682ec-c09e-4743-aaf4-1a3aac4caa21", True, "Have full access to your contacts"
        ),
        "MailboxSettings.Read": Scope(
            "87f447af-9fa4-4c32-9dfa-4a57a73d18ce", True, "Read your mailbox settings"
        ),
        "Mail.Send": Scope("e383f46e-2787-4529-855e-0e479a3ffac0", True, "Send mail as you"),
        "Mail.Send.Shared": Scope(
            "a367ab51-6b49-43bf-a716-a1fb06d2a174",
            True,
            "Send mail on behalf of others or yourself",
        ),
        "Mail.ReadWrite": Scope(
            "024d486e-b451-40bb-833d-3e66d98c5c73", True, "Read and write access to your mail"
        ),
        "Presence.Read": Scope(
            "76bc735e-aecd-4a1d-8b4c-2b915deabb79", True, "Read your presence information"
        ),
        "Presence.Read.All": Scope(
            "9c7a330d-35b3-4aa1-963d-cb2b9f927841",
            True,
            "Read presence information of all users in your organization",
        ),
        "Presence.ReadWrite": Scope(
            "8d3c54a7-cf58-4773-bf81-c0cd6ad522bb",
            True,
            "Read and write your presence information",
        ),
        "ProfilePhoto.Read.All": Scope(
            "469cd065-729e-4dee-b1fa-d92e0fab6310", False, "Read profile photos"
        ),
        "LicenseAssignment.Read.All": Scope(
            "f395577a-0960-456b-979f-7228de0c5996", False, "Read all license assignments"
        ),
        "Organization.Read.All": Scope(
            "4908d5b9-3fb2-4b1e-9336-1888b7937185", False, "Read organization information"
        ),
        "Domain.Read.All": Scope("2f9ee017-59c1-4f1d-9472-bd5529a7b311", False, "Read domains"),
        "OrgContact.Read.All": Scope(
            "08432d1b-5911-483c-86df-7980af5cdee0", False, "Read organizational contacts"
        ),
        "Calendars.Read": Scope(
            "465a38f9-76ea-45b9-9f34-9e8b0d4b0b42", True, "Read your calendars"
        ),
        "SMTP.Send": Scope(
            "258f6531-6087-4cc4-bb90-092c5fb3ed3f", True, "Send emails from your mailbox by SMTP"
        ),
        "Application.Read.All": Scope(
            "c79f8feb-a9db-4090-85f9-90d820caa0eb", False, "Read applications"
        ),
        "Application.ReadWrite.All": Scope(
            "bdfbf15f-ee85-4955-8675-146e8e5296b5", False, "Read and write all applications"
        ),
        "AppRoleAssignment.ReadWrite.All": Scope(
            "84bccea3-f856-4a8a-967b-dbe0a3d53a64",
            False,
            "Manage app permission grants and app role assignments",
        ),
        "DelegatedPermissionGrant.ReadWrite.All": Scope(
            "41ce6ca6-6826-4807-84f1-1c82854f7ee5",
            False,
            "Manage all delegated permission grants",
        ),
    }
)
"""What an app can be allowed to do in a person's name, in the spelling that tokens carry."""

OPENID_SCOPES = frozenset({"openid", "profile", "email", "offline_access"})

_SPELLINGS = {each.lower(): each for each in DELEGATED_PERMISSIONS}


def spelled(scope: str) -> str | None:
    """The scope's own spelling, whatever the case; None when Graph has no such scope here."""
    return _SPELLINGS.get(scope.lower())


def named_by_id(permission_id: str) -> str | None:
    """The name of an application or delegated permission of Graph's; None when unknown."""
    return _BY_ID.get(permission_id.lower())


_BY_ID = {each: name for name, each in APPLICATION_PERMISSIONS.items()} | {
    each.id: name for name, each in DELEGATED_PERMISSIONS.items()
}
