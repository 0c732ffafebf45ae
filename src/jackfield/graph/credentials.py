"""What an application proves itself with: a client secret, or a certificate with its private key.

Decided here: whether a certificate can be used at all, before anything is sent. Entra wants RSA of
at least 2,048 bits; self-signed is fine. Source: Entra docs, certificate-credentials, read 2026-11.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from joserfc.jwk import RSAKey

from jackfield.graph.errors import CredentialUnusable

SMALLEST_KEY_BITS = 2048
_BLOCK = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----.*?-----END \1-----", re.DOTALL)


class Signing(StrEnum):
    """How an assertion is signed and how it names the certificate."""

    PS256 = "PS256"
    """RSA-PSS with `x5t#S256`: Microsoft's present recommendation."""
    RS256 = "RS256"
    """PKCS #1 v1.5 with `x5t` (SHA-1): the older form, still accepted."""


@dataclass(frozen=True, slots=True)
class SecretCredential:
    """A client secret: the value, not its id."""

    client_id: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate and its key, read by `parse_certificate`."""

    key: RSAKey = field(repr=False)
    subject: str
    thumbprint_sha1: str
    """Base64url, as JOSE's `x5t`."""
    thumbprint_sha256: str
    """Base64url, as JOSE's `x5t#S256`."""
    fingerprint: str
    """SHA-1 in upper-case hex: what Entra's pages show as "Thumbprint"."""
    begins_at: datetime
    ends_at: datetime

    def check(self, now: datetime) -> None:
        """Raise `CredentialUnusable` if the certificate is not valid at `now`."""
        if now >= self.ends_at:
            raise CredentialUnusable(
                f"The certificate {self.fingerprint} expired on {self.ends_at:%Y-%m-%d %H:%M} UTC.",
                "Make a new one, upload it to the application in Entra, and give it to Jackfield.",
            )
        if now < self.begins_at:
            raise CredentialUnusable(
                f"The certificate {self.fingerprint} is valid only from "
                f"{self.begins_at:%Y-%m-%d %H:%M} UTC; this machine's clock says "
                f"{now:%Y-%m-%d %H:%M} UTC.",
                "Check the machine's clock (NTP), or wait.",
            )


@dataclass(frozen=True, slots=True)
class CertificateCredential:
    """A certificate that the application has registered in Entra."""

    client_id: str
    certificate: Certificate
    signing: Signing = Signing.PS256


Credential = SecretCredential | CertificateCredential


def parse_secret(text: str) -> str:
    """A client secret as it may be pasted or stand in a file. Raises `CredentialUnusable`."""
    secret = text.strip()
    if not secret:
        raise CredentialUnusable(
            "The client secret is empty.", "Give the secret's value, as Entra showed it once."
        )
    if not secret.isascii() or not secret.isprintable() or " " in secret:
        raise CredentialUnusable(
            "The client secret holds characters no secret has (spaces, line breaks or others).",
            "Give one line with the secret's value and nothing else.",
        )
    return secret


def parse_certificate(pem: bytes) -> Certificate:
    """Read a PEM file with a certificate and its key, in any order, chains included.

    Its dates are not looked at here; `Certificate.check` does that each time it is used.
    """
    blocks = [(match[1].decode(), match[0]) for match in _BLOCK.finditer(pem)]
    certificates = [block for label, block in blocks if label == "CERTIFICATE"]
    keys = [(label, block) for label, block in blocks if label.endswith("PRIVATE KEY")]
    if not blocks:
        raise CredentialUnusable(
            "The certificate file holds no PEM blocks.",
            "Give a PEM file; a .pfx file becomes one by "
            "`openssl pkcs12 -in file.pfx -out file.pem -nodes`.",
        )
    if not certificates:
        raise CredentialUnusable(
            "The PEM file holds no certificate (BEGIN CERTIFICATE).",
            "Put the certificate and its private key into one PEM file.",
        )
    if not keys:
        raise CredentialUnusable(
            "The PEM file holds no private key (BEGIN PRIVATE KEY).",
            "Put the certificate and its private key into one PEM file.",
        )
    key = _key(*keys[0])
    matching = _matching(certificates, key)
    pem_of_key = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return Certificate(
        key=RSAKey.import_key(pem_of_key),
        subject=matching.subject.rfc4514_string(),
        thumbprint_sha1=_base64url(matching.fingerprint(hashes.SHA1())),  # noqa: S303 - JOSE's x5t
        thumbprint_sha256=_base64url(matching.fingerprint(hashes.SHA256())),
        fingerprint=matching.fingerprint(hashes.SHA1()).hex().upper(),  # noqa: S303 - Entra's name
        begins_at=matching.not_valid_before_utc,
        ends_at=matching.not_valid_after_utc,
    )


def _key(label: str, block: bytes) -> RSAPrivateKey:
    if label.startswith("ENCRYPTED") or b"Proc-Type: 4,ENCRYPTED" in block:
        raise CredentialUnusable(
            "The private key in the PEM file is encrypted.",
            "Jackfield keeps keys encrypted itself and takes them without a passphrase: "
            "`openssl pkey -in file.pem -out plain.pem` removes it.",
        )
    try:
        key = load_pem_private_key(block, password=None)
    except (ValueError, TypeError) as error:
        raise CredentialUnusable(
            f"The private key in the PEM file cannot be read: {error}.", "Export it again."
        ) from error
    except Exception as error:  # UnsupportedAlgorithm is no ValueError
        raise CredentialUnusable(
            f"The private key in the PEM file is of a kind nobody here can read: {error}.",
            "Use an RSA key of 2,048 bits or more.",
        ) from error
    if not isinstance(key, RSAPrivateKey):
        raise CredentialUnusable(
            "The private key is not an RSA key; Entra takes no other for applications.",
            "Make a certificate with an RSA key of 2,048 bits or more.",
        )
    if key.key_size < SMALLEST_KEY_BITS:
        raise CredentialUnusable(
            f"The RSA key has {key.key_size} bits; Entra takes 2,048 or more.",
            "Make a certificate with a longer key.",
        )
    return key


def _matching(blocks: list[bytes], key: RSAPrivateKey) -> x509.Certificate:
    ours = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    for block in blocks:
        try:
            certificate = x509.load_pem_x509_certificate(block)
            theirs = certificate.public_key().public_bytes(
                Encoding.DER, PublicFormat.SubjectPublicKeyInfo
            )
        except Exception as error:  # a chain may hold keys of kinds unknown here
            if len(blocks) > 1:
                continue
            raise CredentialUnusable(
                f"The certificate in the PEM file cannot be read: {error}.", "Export it again."
            ) from error
        if theirs == ours:
            return certificate
    raise CredentialUnusable(
        "The private key does not belong to the certificate in the PEM file.",
        "Put the certificate and the key that were made together into one PEM file.",
    )


def _base64url(digest: bytes) -> str:
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
