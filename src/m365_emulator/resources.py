"""Users and groups as Graph v1.0 types them: what is kept of each, and every property one may ask.

Objects are immutable: a change makes a new one, so a reader may still be shown the old. Properties
that the stage never sets read as null or an empty collection; those that other services keep
(SharePoint profile, mailbox settings, sign-in activity) are named, so that a query for them is
refused and not guessed at.
Source: Graph v1.0 metadata; Graph docs, resources/user and resources/group, read 2026-11.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from operator import attrgetter
from types import MappingProxyType
from typing import Any, NewType

import msgspec
from msgspec import Struct

ObjectId = NewType("ObjectId", str)

EXTENSION_ATTRIBUTES = tuple(f"extensionAttribute{number}" for number in range(1, 16))


class AssignedLicense(Struct, frozen=True, kw_only=True, rename="camel", gc=False):
    """A subscription held by a user."""

    disabled_plans: tuple[str, ...] = ()
    sku_id: str


class AssignedPlan(Struct, frozen=True, kw_only=True, rename="camel", gc=False):
    """A service that a user has, or (`capabilityStatus` Deleted) once had."""

    assigned_date_time: str
    capability_status: str
    service: str
    service_plan_id: str


class ObjectIdentity(Struct, frozen=True, kw_only=True, rename="camel", gc=False):
    """One way for a user to sign in."""

    sign_in_type: str
    issuer: str
    issuer_assigned_id: str


class User(Struct, frozen=True, kw_only=True, rename="camel", gc=False):
    """A user object; moments are ISO 8601 in UTC with a Z.

    `cleared` names the properties that once had a value and now have none: delta spells those out
    as null, and leaves out what was never set.
    """

    id: ObjectId
    user_principal_name: str
    display_name: str | None = None
    given_name: str | None = None
    surname: str | None = None
    mail: str | None = None
    mail_nickname: str | None = None
    account_enabled: bool = True
    user_type: str | None = "Member"
    business_phones: tuple[str, ...] = ()
    mobile_phone: str | None = None
    fax_number: str | None = None
    job_title: str | None = None
    department: str | None = None
    company_name: str | None = None
    office_location: str | None = None
    employee_id: str | None = None
    employee_type: str | None = None
    street_address: str | None = None
    postal_code: str | None = None
    city: str | None = None
    state: str | None = None
    country: str | None = None
    usage_location: str | None = None
    preferred_language: str | None = None
    proxy_addresses: tuple[str, ...] = ()
    other_mails: tuple[str, ...] = ()
    im_addresses: tuple[str, ...] = ()
    assigned_licenses: tuple[AssignedLicense, ...] = ()
    assigned_plans: tuple[AssignedPlan, ...] = ()
    created_date_time: str | None = None
    deleted_date_time: str | None = None
    last_password_change_date_time: str | None = None
    creation_type: str | None = None
    external_user_state: str | None = None
    external_user_state_change_date_time: str | None = None
    is_resource_account: bool | None = None
    show_in_address_list: bool | None = None
    on_premises_sync_enabled: bool | None = None
    on_premises_last_sync_date_time: str | None = None
    on_premises_immutable_id: str | None = None
    on_premises_sam_account_name: str | None = None
    on_premises_distinguished_name: str | None = None
    on_premises_domain_name: str | None = None
    on_premises_extension_attributes: dict[str, str | None] | None = None
    """Those that have a value, by name."""
    cleared: frozenset[str] = frozenset()


class Group(Struct, frozen=True, kw_only=True, rename="camel", gc=False):
    """A group object; who belongs to it is kept beside it, in `registers.Memberships`."""

    id: ObjectId
    display_name: str | None = None
    description: str | None = None
    group_types: tuple[str, ...] = ()
    mail: str | None = None
    mail_enabled: bool = False
    mail_nickname: str | None = None
    security_enabled: bool = True
    proxy_addresses: tuple[str, ...] = ()
    visibility: str | None = None
    membership_rule: str | None = None
    membership_rule_processing_state: str | None = None
    resource_provisioning_options: tuple[str, ...] = ()
    resource_behavior_options: tuple[str, ...] = ()
    classification: str | None = None
    is_assignable_to_role: bool | None = None
    created_date_time: str | None = None
    renewed_date_time: str | None = None
    deleted_date_time: str | None = None
    on_premises_sync_enabled: bool | None = None
    on_premises_last_sync_date_time: str | None = None
    on_premises_sam_account_name: str | None = None
    on_premises_domain_name: str | None = None
    cleared: frozenset[str] = frozenset()

    @property
    def is_unified(self) -> bool:
        """A Microsoft 365 group: the kind that goes to the recycle bin when deleted."""
        return "Unified" in self.group_types

    @property
    def is_dynamic(self) -> bool:
        return "DynamicMembership" in self.group_types


class EdmType(StrEnum):
    """The OData types that occur; complex types are told apart by `Property.parts`."""

    STRING = "Edm.String"
    BOOLEAN = "Edm.Boolean"
    INT32 = "Edm.Int32"
    MOMENT = "Edm.DateTimeOffset"
    GUID = "Edm.Guid"
    COMPLEX = "Complex"


@dataclass(frozen=True, slots=True)
class Property:
    """A property of a resource: how it is spelled, typed and read from the stored object.

    `attribute` is where the object keeps it; None for those that are computed or never set.
    """

    name: str
    type: EdmType
    read: Callable[[Any], Any]
    attribute: str | None = None
    is_collection: bool = False
    parts: Mapping[str, EdmType] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True, eq=False)
class ResourceType:
    """A kind of directory object: its properties by name, and those sent when none are named."""

    name: str
    segment: str
    properties: Mapping[str, Property]
    default_select: tuple[str, ...]
    not_played: frozenset[str]
    spellings: Mapping[str, str]

    @property
    def title(self) -> str:
        """`User`, as error messages of the directory write it."""
        return self.name.capitalize()

    def find(self, name: str) -> Property | None:
        """The property of that name, in any case, as Graph accepts it."""
        spelling = self.spellings.get(name.lower())
        return self.properties[spelling] if spelling else None


_MOMENTS = frozenset(
    {
        "createdDateTime",
        "deletedDateTime",
        "renewedDateTime",
        "lastPasswordChangeDateTime",
        "externalUserStateChangeDateTime",
        "onPremisesLastSyncDateTime",
    }
)
_PARTS: Mapping[str, Mapping[str, EdmType]] = {
    "assignedLicenses": {"skuId": EdmType.GUID},
    "assignedPlans": {
        "assignedDateTime": EdmType.MOMENT,
        "capabilityStatus": EdmType.STRING,
        "service": EdmType.STRING,
        "servicePlanId": EdmType.GUID,
    },
    "identities": {
        "signInType": EdmType.STRING,
        "issuer": EdmType.STRING,
        "issuerAssignedId": EdmType.STRING,
    },
}


def _stored(cls: type[Struct]) -> dict[str, Property]:
    found = {}
    for each in msgspec.structs.fields(cls):
        name, default = each.encode_name, each.default
        if name == "cleared":
            continue
        parts = _PARTS.get(name, {})
        if parts:
            kind = EdmType.COMPLEX
        elif name in _MOMENTS:
            kind = EdmType.MOMENT
        elif each.type in {bool, bool | None}:
            kind = EdmType.BOOLEAN
        else:
            kind = EdmType.STRING
        found[name] = Property(
            name, kind, attrgetter(each.name), each.name, is_collection=default == (), parts=parts
        )
    return found


def _nothing(_: object) -> None:
    return None


def _empty(_: object) -> tuple[()]:
    return ()


def _unset(*names: str, kind: EdmType = EdmType.STRING) -> dict[str, Property]:
    return {name: Property(name, kind, _nothing) for name in names}


def _always_empty(*names: str) -> dict[str, Property]:
    return {name: Property(name, EdmType.COMPLEX, _empty, is_collection=True) for name in names}


def _security_identifier(subject: User | Group) -> str:
    # S-1-12-1-<four 32-bit words of the object id, each little-endian>, as Entra derives it.
    raw = bytes.fromhex(subject.id.replace("-", ""))
    ordered = raw[3::-1] + raw[5:3:-1] + raw[7:5:-1] + raw[8:]
    words = [int.from_bytes(ordered[at : at + 4], "little") for at in (0, 4, 8, 12)]
    return "S-1-12-1-" + "-".join(str(word) for word in words)


def _identities(user: User) -> tuple[ObjectIdentity, ...]:
    issuer = user.user_principal_name.rpartition("@")[2]
    if user.creation_type == "Invitation":
        return (
            ObjectIdentity(
                sign_in_type="federated", issuer="ExternalAzureAD", issuer_assigned_id=""
            ),
        )
    return (
        ObjectIdentity(
            sign_in_type="userPrincipalName",
            issuer=issuer,
            issuer_assigned_id=user.user_principal_name,
        ),
    )


def _extension_attributes(user: User) -> dict[str, str | None]:
    given = user.on_premises_extension_attributes or {}
    return {name: given.get(name) for name in EXTENSION_ATTRIBUTES}


def _resource(
    name: str,
    segment: str,
    properties: dict[str, Property],
    default_select: str,
    not_played: str,
) -> ResourceType:
    spellings = {each.lower(): each for each in properties}
    return ResourceType(
        name,
        segment,
        MappingProxyType(properties),
        tuple(default_select.split()),
        frozenset(not_played.lower().split()),
        MappingProxyType(spellings),
    )


def _derived(name: str, kind: EdmType, read: Callable[[Any], Any]) -> dict[str, Property]:
    parts = _PARTS.get(name, {})
    return {name: Property(name, kind, read, is_collection=bool(parts), parts=parts)}


USER = _resource(
    "user",
    "users",
    {
        **_stored(User),
        **_derived("identities", EdmType.COMPLEX, _identities),
        **_derived("securityIdentifier", EdmType.STRING, _security_identifier),
        **_derived(
            "signInSessionsValidFromDateTime", EdmType.MOMENT, attrgetter("created_date_time")
        ),
        **_derived("onPremisesExtensionAttributes", EdmType.COMPLEX, _extension_attributes),
        **_derived("authorizationInfo", EdmType.COMPLEX, lambda _: {"certificateUserIds": []}),
        **_unset(
            "ageGroup",
            "consentProvidedForMinor",
            "legalAgeGroupClassification",
            "onPremisesSecurityIdentifier",
            "onPremisesUserPrincipalName",
            "passwordPolicies",
            "preferredDataLocation",
            "identityParentId",
        ),
        **_unset("employeeHireDate", "employeeLeaveDateTime", kind=EdmType.MOMENT),
        **_unset("isManagementRestricted", kind=EdmType.BOOLEAN),
        **_unset("employeeOrgData", "passwordProfile", kind=EdmType.COMPLEX),
        **_always_empty(
            "licenseAssignmentStates",
            "onPremisesProvisioningErrors",
            "provisionedPlans",
            "serviceProvisioningErrors",
        ),
    },
    "businessPhones displayName givenName jobTitle mail mobilePhone officeLocation "
    "preferredLanguage surname userPrincipalName id",
    "aboutMe birthday deviceEnrollmentLimit hireDate interests mailboxSettings manager mySite "
    "pastProjects preferredName print responsibilities schools signInActivity skills",
)

GROUP = _resource(
    "group",
    "groups",
    {
        **_stored(Group),
        **_derived("securityIdentifier", EdmType.STRING, _security_identifier),
        **_unset(
            "onPremisesNetBiosName",
            "onPremisesSecurityIdentifier",
            "preferredDataLocation",
            "preferredLanguage",
            "theme",
            "uniqueName",
        ),
        **_unset("expirationDateTime", kind=EdmType.MOMENT),
        **_unset("isManagementRestricted", kind=EdmType.BOOLEAN),
        **_unset("hasMembersWithLicenseErrors", kind=EdmType.BOOLEAN),
        **_unset("licenseProcessingState", kind=EdmType.COMPLEX),
        **_always_empty(
            "assignedLabels",
            "assignedLicenses",
            "infoCatalogs",
            "onPremisesProvisioningErrors",
            "serviceProvisioningErrors",
        ),
    },
    "id deletedDateTime classification createdDateTime description displayName "
    "expirationDateTime groupTypes isAssignableToRole mail mailEnabled mailNickname "
    "membershipRule membershipRuleProcessingState onPremisesDomainName "
    "onPremisesLastSyncDateTime onPremisesNetBiosName onPremisesSamAccountName "
    "onPremisesSecurityIdentifier onPremisesSyncEnabled preferredDataLocation preferredLanguage "
    "proxyAddresses renewedDateTime resourceBehaviorOptions resourceProvisioningOptions "
    "securityEnabled securityIdentifier theme uniqueName visibility "
    "onPremisesProvisioningErrors serviceProvisioningErrors",
    "accessType allowExternalSenders autoSubscribeNewMembers hideFromAddressLists "
    "hideFromOutlookClients isArchived isFavorite isSubscribedByMail owners "
    "unseenConversationsCount unseenCount unseenMessagesCount welcomeMessageEnabled",
)
