"""Registered applications: what Entra knows of a client before it asks for a token.

Registration, service principal and what the tenant has granted are kept as one immutable value for
each application. What the developer says of it is in `manifest.py`.
"""

import hashlib
import secrets
import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from m365_emulator.manifest import Manifest, changed
from m365_emulator.permissions import (
    APPLICATION_PERMISSIONS,
    DIRECTORY_ROLES,
    GRAPH_APP_ID,
    known,
    named_by_id,
)

SECRET_LIFE = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Secret:
    """A client secret; Entra shows the value once, the stage keeps it to compare."""

    key_id: str
    display_name: str
    value: str
    ends_at: datetime

    @property
    def hint(self) -> str:
        return self.value[:3]


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate credential; thumbprints are upper-case hexadecimal, as Entra shows them."""

    key_id: str
    display_name: str
    der: bytes
    public_key_pem: bytes
    sha1: str
    sha256: str
    starts_at: datetime
    ends_at: datetime

    @classmethod
    def from_pem(cls, pem: bytes, display_name: str | None = None) -> "Certificate":
        """ValueError when there is no certificate in it, or its key is not RSA of 2048 bits up."""
        certificate = x509.load_pem_x509_certificate(pem)
        key = certificate.public_key()
        if not isinstance(key, RSAPublicKey) or key.key_size < 2048:
            raise ValueError("Entra takes RSA certificates of 2048 bits or more")
        der = certificate.public_bytes(Encoding.DER)
        return cls(
            key_id=str(uuid.uuid4()),
            display_name=display_name or certificate.subject.rfc4514_string(),
            der=der,
            public_key_pem=key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
            sha1=hashlib.sha1(der, usedforsecurity=False).hexdigest().upper(),
            sha256=hashlib.sha256(der).hexdigest().upper(),
            starts_at=certificate.not_valid_before_utc,
            ends_at=certificate.not_valid_after_utc,
        )


@dataclass(frozen=True, slots=True)
class RoleAssignment:
    """An app role given to somebody: `resource_app_id` defines it, `principal_id` holds it."""

    id: str
    role_id: str
    resource_app_id: str
    principal_id: str
    created_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class DelegatedGrant:
    """Scopes of Graph's that an app may use in the name of one person, or (None) of everybody."""

    id: str
    scopes: tuple[str, ...]
    person_id: str | None = None


@dataclass(frozen=True, slots=True)
class Principal:
    """A service principal: the application as this tenant has let it in, and what it is granted.

    `held` are roles of other resources (of Graph), `assigned` are people and groups that have been
    given a role of this application.
    """

    id: str
    enabled: bool = True
    assignment_required: bool = False
    held: tuple[RoleAssignment, ...] = ()
    assigned: tuple[RoleAssignment, ...] = ()
    grants: tuple[DelegatedGrant, ...] = ()
    tags: tuple[str, ...] = ()
    created_at: datetime | None = None

    def scopes_for(self, person_id: str) -> frozenset[str]:
        """What may be done in somebody's name."""
        return frozenset(
            scope
            for grant in self.grants
            if grant.person_id in {None, person_id}
            for scope in grant.scopes
        )


@dataclass(frozen=True, slots=True)
class Application:
    """One application: `app_id` is the client id, the principal's id the `oid` of its tokens.

    `home_tenant_id` is set where another tenant owns the registration, as Microsoft does its own.
    """

    app_id: str
    object_id: str
    manifest: Manifest
    principal: Principal | None = None
    secrets: tuple[Secret, ...] = ()
    certificates: tuple[Certificate, ...] = ()
    created_at: datetime | None = None
    home_tenant_id: str | None = None

    @property
    def display_name(self) -> str:
        return self.manifest.display_name

    @property
    def principal_id(self) -> str | None:
        return self.principal.id if self.principal else None

    @property
    def enabled(self) -> bool:
        return self.principal is None or self.principal.enabled

    @property
    def roles(self) -> frozenset[str]:
        """Names of the application permissions of Graph that it is granted."""
        held = self.principal.held if self.principal else ()
        names = (named_by_id(each.role_id) for each in held)
        return frozenset(name for name in names if name)


class Registrations:
    """The apps of the tenant by client id (case does not matter), in order of registration."""

    def __init__(self) -> None:
        self._apps: dict[str, Application] = {}

    def __iter__(self) -> Iterator[Application]:
        return iter(self._apps.values())

    def __len__(self) -> int:
        return len(self._apps)

    def find(self, app_id: str) -> Application | None:
        return self._apps.get(app_id.lower())

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
