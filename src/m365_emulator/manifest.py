"""What a developer says of an application: Graph's `application` resource, as far as it is written.

Names, redirect URIs, wanted permissions, roles of its own. Credentials, ids and what a tenant has
granted are not said but made, and stand in `apps.py`.
Source: Graph docs, resources/application and its complex types; v1.0 metadata, read 2026-11.
"""

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import UNSET, Struct, UnsetType

MULTI_TENANT = frozenset({"AzureADMultipleOrgs", "AzureADandPersonalMicrosoftAccount"})


class _Part(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """What all parts have in common; a property that Graph has not is refused."""


class ImplicitGrant(_Part, frozen=True):
    """Whether tokens may come straight from the authorize endpoint."""

    enable_id_token_issuance: bool = False
    enable_access_token_issuance: bool = False


class Web(_Part, frozen=True):
    """A server's side: redirects to it need a credential to be redeemed."""

    home_page_url: str | None = None
    logout_url: str | None = None
    redirect_uris: tuple[str, ...] = ()
    implicit_grant_settings: ImplicitGrant = ImplicitGrant()
    redirect_uri_settings: tuple[dict[str, Any], ...] = ()


class Spa(_Part, frozen=True):
    """A single-page application: PKCE and CORS instead of a credential."""

    redirect_uris: tuple[str, ...] = ()


class PublicClient(_Part, frozen=True):
    """A program on somebody's machine: no credential."""

    redirect_uris: tuple[str, ...] = ()


class ResourceAccess(_Part, frozen=True):
    """A permission: `type` is Role (application) or Scope (delegated)."""

    id: str
    type: str


class RequiredAccess(_Part, frozen=True):
    """The permissions that an application wants of one resource."""

    resource_app_id: str
    resource_access: tuple[ResourceAccess, ...] = ()


class AppRole(_Part, frozen=True):
    """A role that an application defines, for people or for other applications."""

    id: str
    value: str | None = None
    display_name: str = ""
    description: str = ""
    allowed_member_types: tuple[str, ...] = ()
    is_enabled: bool = True
    origin: str | UnsetType = UNSET


class OptionalClaim(_Part, frozen=True):
    """A claim that is sent only when it is asked for here."""

    name: str
    source: str | None = None
    essential: bool = False
    additional_properties: tuple[str, ...] = ()


class OptionalClaims(_Part, frozen=True):
    """By kind of token."""

    id_token: tuple[OptionalClaim, ...] = ()
    access_token: tuple[OptionalClaim, ...] = ()
    saml2_token: tuple[OptionalClaim, ...] = ()


class Api(_Part, frozen=True):
    """What the application offers as an API; no scopes of its own are played."""

    requested_access_token_version: int | None = None
    accept_mapped_claims: bool | None = None
    known_client_applications: tuple[str, ...] = ()
    oauth2_permission_scopes: tuple[dict[str, Any], ...] = msgspec.field(
        name="oauth2PermissionScopes", default=()
    )
    pre_authorized_applications: tuple[dict[str, Any], ...] = ()


class Information(_Part, frozen=True):
    """Addresses shown on the consent page."""

    terms_of_service_url: str | None = None
    support_url: str | None = None
    privacy_statement_url: str | None = None
    marketing_url: str | None = None
    logo_url: str | None = None


class ParentalControl(_Part, frozen=True):
    """Which minors may not use it."""

    countries_blocked_for_minors: tuple[str, ...] = ()
    legal_age_group_rule: str = "Allow"


class Manifest(_Part, frozen=True):
    """The writable part of an application, spelled as Graph spells it."""

    display_name: str
    unique_name: str | None = None
    description: str | None = None
    notes: str | None = None
    sign_in_audience: str = "AzureADMyOrg"
    identifier_uris: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    is_fallback_public_client: bool | None = None
    is_device_only_auth_supported: bool | None = None
    group_membership_claims: str | None = None
    service_management_reference: str | None = None
    saml_metadata_url: str | None = None
    token_encryption_key_id: str | None = None
    native_authentication_apis_enabled: str | None = None
    web: Web = Web()
    spa: Spa = Spa()
    public_client: PublicClient = PublicClient()
    required_resource_access: tuple[RequiredAccess, ...] = ()
    app_roles: tuple[AppRole, ...] = ()
    optional_claims: OptionalClaims | None = None
    api: Api = Api()
    info: Information = Information()
    parental_control_settings: ParentalControl = ParentalControl()
    add_ins: tuple[dict[str, Any], ...] = ()

    @property
    def is_public(self) -> bool:
        """Whether grants without a redirect (device code) count as a public client's."""
        return bool(self.is_fallback_public_client)

    @property
    def is_multi_tenant(self) -> bool:
        return self.sign_in_audience in MULTI_TENANT

    def wanted(self, resource_app_id: str, kind: str) -> tuple[str, ...]:
        """Ids of the permissions of one kind (Role or Scope) that it asks of a resource."""
        return tuple(
            access.id.lower()
            for required in self.required_resource_access
            if required.resource_app_id == resource_app_id
            for access in required.resource_access
            if access.type == kind
        )


def changed(manifest: Manifest, changes: Mapping[str, Any]) -> Manifest:
    """The manifest with changes spelled as Graph spells them; ValueError says what does not fit.

    A complex property keeps the parts that are not named, a collection is replaced whole.
    """
    merged = _merged(msgspec.to_builtins(manifest), changes)
    try:
        return msgspec.convert(merged, Manifest)
    except msgspec.ValidationError as error:
        raise ValueError(str(error)) from error


def _merged(kept: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    found = dict(kept)
    for name, value in changes.items():
        before = found.get(name)
        if isinstance(before, Mapping) and isinstance(value, Mapping):
            found[name] = _merged(before, value)
        else:
            found[name] = value
    return found
