"""The applications of a tenant: found by client id, registered, given credentials and grants.

Graph's own way to them is in `applications/`; this is what the stage and the control API use.
"""

import secrets
import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from m365_emulator.apps import Application, Certificate, Principal, RoleAssignment, Secret
from m365_emulator.first_party import FIRST_PARTY
from m365_emulator.freshness import Freshness
from m365_emulator.manifest import Manifest, changed
from m365_emulator.permissions import (
    APPLICATION_PERMISSIONS,
    DIRECTORY_ROLES,
    GRAPH_APP_ID,
    known,
)

SECRET_LIFE = timedelta(days=365)


class Registrations:
    """The apps of the tenant by client id (case does not matter), in order of registration."""

    def __init__(self, fresh: Freshness) -> None:
        self._apps: dict[str, Application] = {}
        self.fresh = fresh

    def __iter__(self) -> Iterator[Application]:
        return iter(self._apps.values())

    def __len__(self) -> int:
        return len(self._apps)

    def find(self, app_id: str) -> Application | None:
        """As it is, or as Microsoft has it and nobody here has consented yet."""
        wanted = app_id.lower()
        return self._apps.get(wanted) or FIRST_PARTY.get(wanted)

    def seen(self, app_id: str) -> Application | None:
        """As the token endpoint knows it, which what is new reaches late."""
        return self.fresh.seen(self.find(app_id))

    def register(
        self,
        display_name: str,
        *,
        app_id: str | None = None,
        roles: Iterable[str] = DIRECTORY_ROLES,
        properties: Mapping[str, Any] | None = None,
    ) -> Application:
        """A new app without credentials, let in by the tenant and granted `roles`.

        `properties` are spelled as Graph spells them. ValueError when the client id is taken or
        malformed, or a property does not fit.
        """
        client_id = str(uuid.UUID(app_id)) if app_id else str(uuid.uuid4())
        if client_id in self._apps:
            raise ValueError(f"an application with client id {client_id} is registered already")
        wanted = known(roles)
        application = Application(
            app_id=client_id,
            object_id=str(uuid.uuid4()),
            manifest=changed(Manifest(display_name=display_name), properties or {}),
            principal=Principal(str(uuid.uuid4())),
        )
        self._apps[client_id] = application
        return self.grant(client_id, wanted)

    def put(self, application: Application) -> Application:
        """Keep an application as it is now, in place of what was known under its client id."""
        self._apps[application.app_id] = application
        return application

    def describe(self, app_id: str, properties: Mapping[str, Any]) -> Application:
        """Change what the developer says of it; ValueError when a property does not fit."""
        application = self._known(app_id)
        return self.put(replace(application, manifest=changed(application.manifest, properties)))

    def add_secret(
        self,
        app_id: str,
        now: datetime,
        *,
        value: str | None = None,
        display_name: str = "",
        ends_at: datetime | None = None,
    ) -> Secret:
        """A further secret; without `value` one of Entra's shape is made up."""
        secret = Secret(
            key_id=str(uuid.uuid4()),
            display_name=display_name,
            value=value or f"{secrets.token_urlsafe(3)[:3]}8Q~{secrets.token_urlsafe(25)[:34]}",
            ends_at=ends_at or now + SECRET_LIFE,
            starts_at=now,
        )
        application = self._known(app_id)
        self.put(replace(application, secrets=(*application.secrets, secret)))
        return secret

    def add_certificate(
        self, app_id: str, pem: bytes, display_name: str | None = None
    ) -> Certificate:
        certificate = Certificate.from_pem(pem, display_name)
        application = self._known(app_id)
        self.put(replace(application, certificates=(*application.certificates, certificate)))
        return certificate

    def remove_credential(self, app_id: str, key_id: str) -> None:
        application = self._known(app_id)
        kept_secrets = tuple(s for s in application.secrets if s.key_id != key_id)
        kept_certificates = tuple(c for c in application.certificates if c.key_id != key_id)
        if kept_secrets == application.secrets and kept_certificates == application.certificates:
            raise KeyError(key_id)
        self.put(replace(application, secrets=kept_secrets, certificates=kept_certificates))

    def expire_credential(self, app_id: str, key_id: str, now: datetime) -> None:
        """The credential ends now; KeyError when there is none of that id."""
        application = self._known(app_id)
        known = [each.key_id for each in application.secrets]
        known += [each.key_id for each in application.certificates]
        if key_id not in known:
            raise KeyError(key_id)
        self.put(
            replace(
                application,
                secrets=tuple(
                    replace(each, ends_at=now) if each.key_id == key_id else each
                    for each in application.secrets
                ),
                certificates=tuple(
                    replace(each, ends_at=now) if each.key_id == key_id else each
                    for each in application.certificates
                ),
            )
        )

    def grant(self, app_id: str, roles: Iterable[str]) -> Application:
        """Replace what is consented to; tokens out there keep what they were issued with."""
        application = self._known(app_id)
        principal = application.principal or Principal(str(uuid.uuid4()))
        wanted = {APPLICATION_PERMISSIONS[role] for role in known(roles)}
        kept = tuple(each for each in principal.held if each.role_id in wanted)
        new = sorted(wanted - {each.role_id for each in kept})
        held = tuple(
            RoleAssignment(str(uuid.uuid4()), role_id, GRAPH_APP_ID, principal.id)
            for role_id in new
        )
        return self.put(replace(application, principal=replace(principal, held=(*kept, *held))))

    def enable(self, app_id: str, *, enabled: bool) -> Application:
        application = self._known(app_id)
        principal = application.principal or Principal(str(uuid.uuid4()))
        return self.put(replace(application, principal=replace(principal, enabled=enabled)))

    def remove(self, app_id: str) -> None:
        del self._apps[self._known(app_id).app_id]

    def snapshot(self) -> tuple[Application, ...]:
        return tuple(self._apps.values())

    def restore(self, applications: Iterable[Application]) -> None:
        self._apps = {application.app_id: application for application in applications}

    def _known(self, app_id: str) -> Application:
        application = self.find(app_id)
        if application is None:
            raise KeyError(app_id)
        return application
