"""How Graph tells an application, a service principal and what was granted: property by property.

Source: Graph v1.0 metadata; Graph docs, resources/application, serviceprincipal, keycredential,
passwordcredential, approleassignment, oauth2permissiongrant; read 2026-11.
"""

import base64
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

import msgspec

from m365_emulator.apps import (
    Application,
    Certificate,
    DelegatedGrant,
    Principal,
    RoleAssignment,
    Secret,
)
from m365_emulator.clock import stamp
from m365_emulator.first_party import MICROSOFT_TENANT
from m365_emulator.manifest import Manifest
from m365_emulator.permissions import (
    APPLICATION_PERMISSIONS,
    DELEGATED_PERMISSIONS,
    GRAPH_APP_ID,
)
from m365_emulator.resources import EdmType, Property, ResourceType

NOBODY = {"displayName": None, "verifiedPublisherId": None, "addedDateTime": None}


@dataclass(frozen=True, slots=True)
class Home:
    """The tenant that tells."""

    tenant_id: str
    domain: str
    opened_at: datetime


@dataclass(frozen=True, slots=True)
class Told:
    """An object as Graph tells it; `id` is what lists are walked by."""

    id: str
    values: Mapping[str, Any]


def graph_principal_id(home: Home) -> str:
    """The object id of Graph's own service principal, another one in each tenant."""
    return str(uuid.uuid5(uuid.UUID(home.tenant_id), GRAPH_APP_ID))


def application(home: Home, known: Application, *, with_keys: bool = False) -> Told:
    """An application; certificates are told whole only where they are asked for by name."""
    written = msgspec.to_builtins(known.manifest)
    values = {
        "id": known.object_id,
        "deletedDateTime": None,
        "appId": known.app_id,
        "applicationTemplateId": None,
        "disabledByMicrosoftStatus": None,
        "createdDateTime": _moment(known.created_at),
        "certification": None,
        "defaultRedirectUri": None,
        "publisherDomain": home.domain,
        "requestSignatureVerification": None,
        "servicePrincipalLockConfiguration": None,
        "verifiedPublisher": NOBODY,
        **written,
        "keyCredentials": [certificate(each, whole=with_keys) for each in known.certificates],
        "passwordCredentials": [secret(each) for each in known.secrets],
    }
    return Told(known.object_id, values)


def principal(home: Home, known: Application, held: Principal) -> Told:
    """The service principal of an application."""
    manifest = known.manifest
    written = msgspec.to_builtins(manifest)
    values = {
        "id": held.id,
        "deletedDateTime": None,
        "accountEnabled": held.enabled,
        "alternativeNames": [],
        "appDisplayName": known.display_name,
        "appDescription": manifest.description,
        "appId": known.app_id,
        "applicationTemplateId": None,
        "appOwnerOrganizationId": known.home_tenant_id or home.tenant_id,
        "appRoleAssignmentRequired": held.assignment_required,
        "description": None,
        "disabledByMicrosoftStatus": None,
        "displayName": known.display_name,
        "homepage": manifest.web.home_page_url,
        "loginUrl": None,
        "logoutUrl": manifest.web.logout_url,
        "notes": None,
        "notificationEmailAddresses": [],
        "preferredSingleSignOnMode": None,
        "preferredTokenSigningKeyThumbprint": None,
        "replyUrls": [*manifest.web.redirect_uris, *manifest.spa.redirect_uris],
        "servicePrincipalNames": [known.app_id, *manifest.identifier_uris],
        "servicePrincipalType": "Application",
        "signInAudience": manifest.sign_in_audience,
        "tags": list(held.tags),
        "tokenEncryptionKeyId": None,
        "samlSingleSignOnSettings": None,
        "addIns": [],
        "appRoles": written["appRoles"],
        "info": written["info"],
        "keyCredentials": [],
        "oauth2PermissionScopes": [],
        "passwordCredentials": [],
        "resourceSpecificApplicationPermissions": [],
        "verifiedPublisher": NOBODY,
    }
    return Told(held.id, values)


def graph_principal(home: Home) -> Told:
    """Microsoft Graph as this tenant has it: its application permissions and its scopes."""
    graph = Application(
        app_id=GRAPH_APP_ID,
        object_id="",
        manifest=Manifest(
            display_name="Microsoft Graph",
            sign_in_audience="AzureADMultipleOrgs",
            identifier_uris=("https://graph.microsoft.com",),
        ),
        home_tenant_id=MICROSOFT_TENANT,
    )
    told = principal(home, graph, Principal(graph_principal_id(home)))
    return Told(told.id, {**told.values, "appRoles": ROLES, "oauth2PermissionScopes": SCOPES})


ROLES = [
    {
        "allowedMemberTypes": ["Application"],
        "description": f"Allows the app to use {name} without a signed-in user.",
        "displayName": name,
        "id": role_id,
        "isEnabled": True,
        "origin": "Application",
        "value": name,
    }
    for name, role_id in sorted(APPLICATION_PERMISSIONS.items())
]
SCOPES = [
    {
        "adminConsentDescription": scope.told,
        "adminConsentDisplayName": scope.told,
        "id": scope.id,
        "isEnabled": True,
        "type": "User" if scope.by_user else "Admin",
        "userConsentDescription": scope.told,
        "userConsentDisplayName": scope.told,
        "value": name,
    }
    for name, scope in sorted(DELEGATED_PERMISSIONS.items())
]


def certificate(known: Certificate, *, whole: bool) -> dict[str, Any]:
    return {
        "customKeyIdentifier": base64.b64encode(bytes.fromhex(known.sha1)).decode(),
        "displayName": known.display_name,
        "endDateTime": stamp(known.ends_at),
        "key": base64.b64encode(known.der).decode() if whole else None,
        "keyId": known.key_id,
        "startDateTime": stamp(known.starts_at),
        "type": "AsymmetricX509Cert",
        "usage": "Verify",
    }


def secret(known: Secret, *, with_text: bool = False) -> dict[str, Any]:
    return {
        "customKeyIdentifier": None,
        "displayName": known.display_name or None,
        "endDateTime": stamp(known.ends_at),
        "hint": known.hint,
        "keyId": known.key_id,
        "secretText": known.value if with_text else None,
        "startDateTime": _moment(known.starts_at),
    }


def assignment(
    home: Home, known: RoleAssignment, *, holder: str, kind: str, resource: str, to: str
) -> Told:
    """A role assignment: `holder` and `resource` are display names, `to` the resource's id."""
    values = {
        "id": known.id,
        "deletedDateTime": None,
        "appRoleId": known.role_id,
        "createdDateTime": _moment(known.created_at) or stamp(home.opened_at),
        "principalDisplayName": holder,
        "principalId": known.principal_id,
        "principalType": kind,
        "resourceDisplayName": resource,
        "resourceId": to,
    }
    return Told(known.id, values)


def grant(home: Home, client: Principal, known: DelegatedGrant) -> Told:
    values = {
        "id": known.id,
        "clientId": client.id,
        "consentType": "AllPrincipals" if known.person_id is None else "Principal",
        "principalId": known.person_id,
        "resourceId": graph_principal_id(home),
        "scope": " ".join(known.scopes),
    }
    return Told(known.id, values)


def _moment(at: datetime | None) -> str | None:
    return None if at is None else stamp(at)


# --- what may be selected and filtered ---------------------------------------------------------

_COMPLEX = frozenset(
    "addIns api appRoles info keyCredentials oauth2PermissionScopes optionalClaims "
    "parentalControlSettings passwordCredentials publicClient requiredResourceAccess spa web "
    "verifiedPublisher resourceSpecificApplicationPermissions".split()
)
_LISTS = frozenset(
    "addIns alternativeNames appRoles identifierUris keyCredentials notificationEmailAddresses "
    "oauth2PermissionScopes passwordCredentials replyUrls requiredResourceAccess "
    "resourceSpecificApplicationPermissions servicePrincipalNames tags".split()
)
_BOOLEANS = frozenset("accountEnabled appRoleAssignmentRequired isFallbackPublicClient".split())


def _resource(name: str, segment: str, names: Iterable[str]) -> ResourceType:
    properties = {each: _property(each) for each in names}
    return ResourceType(
        name,
        segment,
        MappingProxyType(properties),
        tuple(properties),
        frozenset(),
        MappingProxyType({each.lower(): each for each in properties}),
    )


def _property(name: str) -> Property:
    kind = EdmType.STRING
    if name in _COMPLEX:
        kind = EdmType.COMPLEX
    elif name in _BOOLEANS:
        kind = EdmType.BOOLEAN
    elif name.endswith("DateTime"):
        kind = EdmType.MOMENT
    return Property(name, kind, lambda told: told.values[name], is_collection=name in _LISTS)


_NOWHERE = Home(str(uuid.UUID(int=0)), "", datetime.fromtimestamp(0, UTC))
_ANY = Application(app_id="", object_id="", manifest=Manifest(display_name=""))

APPLICATION = _resource("application", "applications", application(_NOWHERE, _ANY).values)
SERVICE_PRINCIPAL = _resource(
    "servicePrincipal", "servicePrincipals", principal(_NOWHERE, _ANY, Principal("")).values
)
GRANT = _resource(
    "oAuth2PermissionGrant",
    "oauth2PermissionGrants",
    grant(_NOWHERE, Principal(""), DelegatedGrant("", ())).values,
)
ASSIGNMENT = _resource(
    "appRoleAssignment",
    "appRoleAssignments",
    assignment(
        _NOWHERE, RoleAssignment("", "", "", ""), holder="", kind="", resource="", to=""
    ).values,
)
