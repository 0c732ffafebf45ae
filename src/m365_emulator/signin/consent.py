"""Consent: what an application may do in somebody's name, who may allow it, and the record of it.

Source: Entra docs, user-admin-consent-overview and grant-admin-consent; Graph docs,
resources/oauth2permissiongrant; read 2026-11.
"""

import uuid
from collections.abc import Iterable
from dataclasses import replace

from m365_emulator.apps import Application, DelegatedGrant, Principal
from m365_emulator.directory_roles import GRANTS_DELEGATED
from m365_emulator.permissions import DELEGATED_PERMISSIONS


def missing(application: Application, person_id: str, scopes: Iterable[str]) -> tuple[str, ...]:
    """The scopes that nobody has consented to yet, for this person."""
    principal = application.principal
    granted = principal.scopes_for(person_id) if principal else frozenset()
    return tuple(scope for scope in scopes if scope not in granted)


def may_consent(scopes: Iterable[str], directory_roles: frozenset[str], *, users_may: bool) -> bool:
    """Whether somebody may allow this for themselves."""
    if directory_roles & GRANTS_DELEGATED:
        return True
    return users_may and all(DELEGATED_PERMISSIONS[scope].by_user for scope in scopes)


def let_in(application: Application) -> Application:
    """The application with a service principal; the first consent makes one."""
    if application.principal is not None:
        return application
    return replace(application, principal=Principal(str(uuid.uuid4())))


def granted(application: Application, person_id: str | None, scopes: Iterable[str]) -> Application:
    """The application with these scopes added, for one person or (None) for everybody."""
    allowed = let_in(application)
    principal = allowed.principal or Principal(str(uuid.uuid4()))
    before = next((each for each in principal.grants if each.person_id == person_id), None)
    kept = before.scopes if before else ()
    names = tuple(dict.fromkeys((*kept, *scopes)))
    after = DelegatedGrant(before.id if before else _grant_id(), names, person_id)
    others = tuple(each for each in principal.grants if each.person_id != person_id)
    return replace(allowed, principal=replace(principal, grants=(*others, after)))


def withdrawn(application: Application, person_id: str | None = None) -> Application:
    """The application without what one person allowed, or (None) without any consent at all."""
    principal = application.principal
    if principal is None:
        return application
    kept = tuple(
        each for each in principal.grants if person_id is not None and each.person_id != person_id
    )
    return replace(application, principal=replace(principal, grants=kept))


def _grant_id() -> str:
    return uuid.uuid4().hex
