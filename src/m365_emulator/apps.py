"""Registered applications: what Entra knows of a client before it asks for a token.

An application here is registration and service principal in one; Graph's own /applications API is
not played yet, so registering is done from the command line and the control API.
"""

import hashlib
import secrets
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from m365_emulator.permissions import DIRECTORY_ROLES, known

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
class Application:
    """One app in the tenant: `app_id` is the client id, `principal_id` the `oid` of its tokens."""

    app_id: str
    object_id: str
    principal_id: str
    display_name: str
    enabled: bool
    roles: frozenset[str]
    secrets: tuple[Secret, ...] = ()
    certificates: tuple[Certificate, ...] = ()


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
    ) -> Application:
        """A new app without credentials; ValueError when the client id is taken or malformed."""
        client_id = str(uuid.UUID(app_id)) if app_id else str(uuid.uuid4())
        if client_id in self._apps:
            raise ValueError(f"an application with client id {client_id} is registered already")
        application = Application(
            app_id=client_id,
            object_id=str(uuid.uuid4()),
            principal_id=str(uuid.uuid4()),
            display_name=display_name,
            enabled=True,
            roles=known(roles),
        )
        self._apps[client_id] = application
        return application

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
        self._put(replace(application, secrets=(*application.secrets, secret)))
        return secret

    def add_certificate(
        self, app_id: str, pem: bytes, display_name: str | None = None
    ) -> Certificate:
        certificate = Certificate.from_pem(pem, display_name)
        application = self._known(app_id)
        self._put(replace(application, certificates=(*application.certificates, certificate)))
        return certificate

    def remove_credential(self, app_id: str, key_id: str) -> None:
        application = self._known(app_id)
        kept_secrets = tuple(s for s in application.secrets if s.key_id != key_id)
        kept_certificates = tuple(c for c in application.certificates if c.key_id != key_id)
        if kept_secrets == application.secrets and kept_certificates == application.certificates:
            raise KeyError(key_id)
        self._put(replace(application, secrets=kept_secrets, certificates=kept_certificates))

    def grant(self, app_id: str, roles: Iterable[str]) -> Application:
        """Replace what is consented to; tokens out there keep what they were issued with."""
        return self._put(replace(self._known(app_id), roles=known(roles)))

    def enable(self, app_id: str, *, enabled: bool) -> Application:
        return self._put(replace(self._known(app_id), enabled=enabled))

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

    def _put(self, application: Application) -> Application:
        self._apps[application.app_id] = application
        return application
