"""What Entra's tokens say of a person: the id_token, and the access token in somebody's name.

Source: Entra docs, id-token-claims-reference, access-token-claims-reference, optional-claims,
configure-group-claims; read 2026-11.
"""

import base64
import hashlib
import uuid
from datetime import datetime, timedelta
from typing import Any

from m365_emulator.apps import Application
from m365_emulator.resources import Group, User
from m365_emulator.signin.state import Proof
from m365_emulator.tenant import Tenant
from m365_emulator.tokens import sign

ID_TOKEN_LIFE = timedelta(hours=1)
MOST_GROUPS = 200
"""In a JWT; above it the claim says where to ask instead."""


def subject(tenant_id: str, app_id: str, person_id: str) -> str:
    """The pairwise `sub`: another one for each application."""
    digest = hashlib.sha256(f"{tenant_id}/{app_id}/{person_id}".encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def in_access_token(
    tenant: Tenant, application: Application, user: User, proof: Proof
) -> dict[str, Any]:
    """The claims about a person in an access token for Graph."""
    claims: dict[str, Any] = {
        "amr": list(proof.methods),
        "ipaddr": "127.0.0.1",
        "name": user.display_name or "",
        "oid": user.id,
        "sub": subject(tenant.id, application.app_id, user.id),
        "unique_name": user.user_principal_name,
        "upn": user.user_principal_name,
        "wids": sorted(tenant.directory_roles.of(user.id)),
    }
    if user.surname:
        claims["family_name"] = user.surname
    if user.given_name:
        claims["given_name"] = user.given_name
    return claims


def id_token(
    tenant: Tenant,
    application: Application,
    user: User,
    proof: Proof,
    *,
    issuer: str,
    scopes: tuple[str, ...],
    nonce: str | None,
    now: datetime,
    code: str | None = None,
) -> str:
    """A signed id_token of version 2.0; `code` is hashed into `c_hash` in the hybrid flow."""
    issued_at = int(now.timestamp())
    claims: dict[str, Any] = {
        "aud": application.app_id,
        "iss": issuer,
        "iat": issued_at,
        "nbf": issued_at,
        "exp": issued_at + int(ID_TOKEN_LIFE.total_seconds()),
        "rh": f"1.{uuid.uuid4().hex}.",
        "sub": subject(tenant.id, application.app_id, user.id),
        "tid": tenant.id,
        "uti": str(uuid.uuid4()),
        "ver": "2.0",
    }
    if "profile" in scopes:
        claims |= {
            "name": user.display_name or "",
            "oid": user.id,
            "preferred_username": user.user_principal_name,
        }
    if "email" in scopes and user.mail:
        claims["email"] = user.mail
    if nonce is not None:
        claims["nonce"] = nonce
    if user.creation_type == "Invitation":
        claims["idp"] = f"mail:{(user.mail or user.user_principal_name).lower()}"
    if code is not None:
        digest = hashlib.sha256(code.encode()).digest()[:16]
        claims["c_hash"] = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    roles = _app_roles(tenant, application, user)
    if roles:
        claims["roles"] = roles
    claims |= _groups(tenant, application, user) | _optional(application, user, proof)
    return sign(claims)


def _app_roles(tenant: Tenant, application: Application, user: User) -> list[str]:
    """Values of the application's own roles that the person holds, directly or by a group."""
    if application.principal is None:
        return []
    holders = {user.id, *tenant.groups_of(user.id)}
    held = {each.role_id for each in application.principal.assigned if each.principal_id in holders}
    return sorted(
        role.value
        for role in application.manifest.app_roles
        if role.id in held and role.value and role.is_enabled
    )


def _groups(tenant: Tenant, application: Application, user: User) -> dict[str, Any]:
    kind = application.manifest.group_membership_claims
    if kind not in {"SecurityGroup", "All", "DirectoryRole"}:
        return {}
    found: list[str] = []
    if kind != "DirectoryRole":
        above = (tenant.seen_group(each) for each in tenant.transitive_parents(user.id))
        found = [each.id for each in above if each and _counts(each, kind)]
    claims: dict[str, Any] = {}
    roles = tenant.directory_roles.of(user.id)
    if kind != "SecurityGroup" and roles:
        claims["wids"] = sorted(roles)
    if len(found) > MOST_GROUPS:
        endpoint = f"https://graph.windows.net/{tenant.id}/users/{user.id}/getMemberObjects"
        return claims | {
            "_claim_names": {"groups": "src1"},
            "_claim_sources": {"src1": {"endpoint": endpoint}},
        }
    return claims | ({"groups": found} if found else {})


def _counts(group: Group, kind: str) -> bool:
    return group.security_enabled or kind == "All"


def _optional(application: Application, user: User, proof: Proof) -> dict[str, Any]:
    asked = application.manifest.optional_claims
    if asked is None:
        return {}
    known: dict[str, Any] = {
        "auth_time": int(proof.at.timestamp()),
        "sid": proof.session_id,
        "login_hint": base64.urlsafe_b64encode(user.user_principal_name.encode()).decode(),
        "email": user.mail,
        "upn": user.user_principal_name,
        "family_name": user.surname,
        "given_name": user.given_name,
        "tenant_ctry": user.country,
        "acct": 1 if user.user_type == "Guest" else 0,
    }
    names = (claim.name for claim in asked.id_token)
    return {name: known[name] for name in names if known.get(name) is not None}
