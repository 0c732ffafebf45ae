"""How the control API and the page show what is on the stage: plain values for JSON and templates.

Secrets' values are shown once, in the answer to the request that made them.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from m365_emulator.apps import Application
from m365_emulator.directory_roles import TEMPLATES
from m365_emulator.faults import Fault
from m365_emulator.portraits import Photo
from m365_emulator.resources import Group, ObjectId, User
from m365_emulator.signin.state import SignIn
from m365_emulator.stage import Stage
from m365_emulator.tenant import Tenant


def person_line(user: User) -> dict[str, Any]:
    """A person in a list."""
    return {
        "id": user.id,
        "displayName": user.display_name,
        "userPrincipalName": user.user_principal_name,
        "mail": user.mail,
        "department": user.department,
        "accountEnabled": user.account_enabled,
        "userType": user.user_type,
        "deleted": user.deleted_date_time is not None,
    }


def person(tenant: Tenant, user: User) -> dict[str, Any]:
    """Everything kept of a person, and the groups that hold them directly."""
    kept = msgspec.to_builtins(user)
    kept.pop("cleared")
    groups = [
        {"id": group.id, "displayName": group.display_name, "dynamic": group.is_dynamic}
        for group in map(tenant.group, tenant.groups_of(user.id))
    ]
    return {
        **kept,
        "deleted": user.deleted_date_time is not None,
        "groups": groups,
        "directoryRoles": [
            TEMPLATES[each].display_name for each in sorted(tenant.directory_roles.of(user.id))
        ],
        "photo": photo(tenant.photos.of(user.id)),
    }


def photo(kept: Photo | None) -> dict[str, Any] | None:
    """A photo without its bytes; 0 pixels where it is no picture."""
    return None if kept is None else msgspec.to_builtins(kept)


def group_line(tenant: Tenant, group: Group) -> dict[str, Any]:
    return {
        "id": group.id,
        "displayName": group.display_name,
        "mail": group.mail,
        "groupTypes": list(group.group_types),
        "membershipRule": group.membership_rule,
        "dynamic": group.is_dynamic,
        "memberCount": len(tenant.members_of(group.id)),
    }


def kind_of_group(group: Group) -> str:
    """What a group is, in Entra's words."""
    if group.is_unified:
        return "Microsoft 365 group"
    if group.mail_enabled:
        return "mail-enabled security group" if group.security_enabled else "distribution list"
    return "security group"


def names_of_groups(groups: Iterable[Group]) -> dict[str, str]:
    """By id, what the page calls each; those of one name are told apart by kind and address."""
    known = list(groups)
    bearers = Counter((each.display_name or "").casefold() for each in known)
    return {
        each.id: (each.display_name or "(no name)")
        + (
            f" ({kind_of_group(each)}, {each.mail or each.id})"
            if bearers[(each.display_name or "").casefold()] > 1
            else ""
        )
        for each in known
    }


def binned(each: User | Group) -> dict[str, Any]:
    """An object in the recycle bin, or just taken out of it."""
    return {
        "id": each.id,
        "kind": "user" if isinstance(each, User) else "group",
        "displayName": each.display_name,
        "deletedDateTime": each.deleted_date_time,
    }


def app(application: Application, values: Mapping[str, str] | None = None) -> dict[str, Any]:
    """An application; `values` are the secrets that may be shown now, by key id."""
    principal = application.principal
    return {
        "appId": application.app_id,
        "objectId": application.object_id,
        "servicePrincipalId": application.principal_id,
        "displayName": application.display_name,
        "enabled": application.enabled,
        "assignmentRequired": bool(principal and principal.assignment_required),
        "uniqueName": application.manifest.unique_name,
        "redirectUris": {
            "web": application.manifest.web.redirect_uris,
            "spa": application.manifest.spa.redirect_uris,
            "publicClient": application.manifest.public_client.redirect_uris,
        },
        "roles": sorted(application.roles),
        "grants": [
            {"scopes": list(each.scopes), "personId": each.person_id}
            for each in (principal.grants if principal else ())
        ],
        "secrets": [
            {
                "keyId": secret.key_id,
                "displayName": secret.display_name,
                "hint": secret.hint,
                "endsAt": secret.ends_at,
                "value": (values or {}).get(secret.key_id),
            }
            for secret in application.secrets
        ],
        "certificates": [
            {
                "keyId": certificate.key_id,
                "displayName": certificate.display_name,
                "thumbprint": certificate.sha1,
                "thumbprintSha256": certificate.sha256,
                "startsAt": certificate.starts_at,
                "endsAt": certificate.ends_at,
            }
            for certificate in application.certificates
        ],
    }


def sign_in(stage: Stage, each: SignIn) -> dict[str, Any]:
    """A line of the sign-in log, with the names that belong to its ids."""
    user = stage.tenant.user_register.truth(ObjectId(each.person_id or ""))
    application = stage.registrations.find(each.app_id or "")
    return {
        "at": each.at,
        "personId": each.person_id,
        "username": user.user_principal_name if user else each.username,
        "appId": each.app_id,
        "appName": application.display_name if application else None,
        "way": each.way,
        "code": each.code,
    }


def fault(each: Fault) -> dict[str, Any]:
    return {"id": each.id, "struck": each.struck, **msgspec.to_builtins(each.order)}


def state(stage: Stage) -> dict[str, Any]:
    """Who this is, how many of everything there are, and what has happened since the last reset."""
    tenant = stage.tenant
    statuses = stage.journal.statuses
    return {
        "tenant": {
            "id": tenant.id,
            "displayName": tenant.display_name,
            "domain": tenant.domain,
            "initialDomain": tenant.initial_domain,
        },
        "seed": stage.seed,
        "now": stage.clock(),
        "directory": {
            "people": len(tenant.user_register),
            "groups": len(tenant.group_register),
            "deleted": len(tenant.recycle_bin()),
            "sequence": tenant.replication.sequence,
            "visibleSequence": tenant.replication.horizon,
        },
        "counters": {
            "requests": stage.journal.total,
            "byStatus": {str(status): count for status, count in sorted(statuses.items())},
            "tokensIssued": stage.tokens.issued,
            "throttled": stage.throttle.refused,
            "faultsStruck": sum(stage.faults.struck.values()),
            "struckByKind": dict(sorted(stage.faults.struck.items())),
        },
        "faultsInForce": len(stage.faults.in_force()),
        "throttleUnitsPer10S": stage.throttle.limit,
    }
