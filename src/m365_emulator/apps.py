"""Registered applications: what Entra knows of a client before it asks for a token.

Registration, service principal and what the tenant has granted are kept as one immutable value for
each application. What the developer says of it is in `manifest.py`; `registrations.py` holds them.
"""

import hashlib
import uuid
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from m365_emulator.manifest import Manifest
from m365_emulator.permissions import named_by_id


@dataclass(frozen=True, slots=True)
class Secret:
    """A client secret; Entra shows the value once, the stage keeps it to compare."""

    key_id: str
    display_name: str
    value: str
    ends_at: datetime
    starts_at: datetime | None = None

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
        return cls._of(x509.load_pem_x509_certificate(pem), display_name)

    @classmethod
    def from_der(cls, der: bytes, display_name: str | None = None) -> "Certificate":
        """The same from DER, as Graph takes it."""
        return cls._of(x509.load_der_x509_certificate(der), display_name)

    @classmethod
    def _of(cls, certificate: x509.Certificate, display_name: str | None) -> "Certificate":
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

    `home_tenant_id` is set where another tenant owns the registration, as Microsoft does its own;
    `owner_ids` are the people and principals who may change it without a directory role.
    """

    app_id: str
    object_id: str
    manifest: Manifest
    principal: Principal | None = None
    secrets: tuple[Secret, ...] = ()
    certificates: tuple[Certificate, ...] = ()
    created_at: datetime | None = None
    home_tenant_id: str | None = None
    owner_ids: frozenset[str] = frozenset()

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
