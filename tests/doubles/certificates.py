"""Certificates and keys as an administrator might bring them; made once per test session."""

from datetime import UTC, datetime, timedelta
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID

from jackfield.graph.credentials import Certificate, parse_certificate

NOW = datetime(2026, 11, 23, 7, 0, tzinfo=UTC)


@cache
def rsa_key(bits: int = 2048, number: int = 0) -> rsa.RSAPrivateKey:  # noqa: ARG001
    return rsa.generate_private_key(65537, bits)


def certificate(
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, made_at: datetime = NOW
) -> bytes:
    """A self-signed one, valid from a day before `made_at` for 90 days."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Jackfield")])
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(made_at - timedelta(days=1))
        .not_valid_after(made_at + timedelta(days=90))
        .sign(key, hashes.SHA256())
    )
    return signed.public_bytes(Encoding.PEM)


def pem_of(
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey,
    form: PrivateFormat = PrivateFormat.PKCS8,
    passphrase: bytes | None = None,
) -> bytes:
    protection = NoEncryption() if passphrase is None else BestAvailableEncryption(passphrase)
    return key.private_bytes(Encoding.PEM, form, protection)


def usable() -> Certificate:
    return parse_certificate(certificate(rsa_key()) + pem_of(rsa_key()))


@cache
def ec_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())
