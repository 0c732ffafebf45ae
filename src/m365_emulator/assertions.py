"""Client assertions: whether a JWT proves that the client holds a registered certificate.

Decided here: header, key, signature, claims. A replayed `jti` is let through, because Entra lets
it through: Microsoft's own MSAL sends one assertion again for nine minutes (its
`AutoRefresher`). Source: Entra docs, certificate-credentials, read 2026-11.
"""

import base64
import binascii
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import msgspec
from joserfc.jwk import RSAKey
from joserfc.jws import JWSRegistry

from m365_emulator import entra_errors
from m365_emulator.apps import Application, Certificate
from m365_emulator.tokens import CLOCK_SKEW

ALGORITHMS = ("RS256", "PS256")
_EPOCH = datetime.fromtimestamp(0, UTC)


_REGISTRY = JWSRegistry(algorithms=ALGORITHMS)


def client_id_of(assertion: str) -> str | None:
    """The `iss` of an assertion not yet verified: who the client says it is."""
    parts = assertion.split(".")
    if len(parts) != 3:
        return None
    try:
        claims = msgspec.json.decode(_decode(parts[1]))
    except (ValueError, msgspec.DecodeError):
        return None
    issuer = claims.get("iss") if isinstance(claims, dict) else None
    return issuer if isinstance(issuer, str) else None


def verify(
    assertion: str, application: Application, audiences: Iterable[str], now: datetime
) -> Certificate:
    """The certificate that signed the assertion; EntraError when it does not prove anything.

    `audiences` are the addresses that mean this token endpoint. Base64 padding ('=') is tolerated:
    azure-identity signs and sends all three parts with it, MSAL the thumbprint. So the signature
    is checked over the very characters that came, of whatever size (MSAL sends its chain in x5c).
    """
    header, claims, signed, signature = _open(assertion)
    algorithm = header.get("alg")
    if algorithm not in ALGORITHMS:
        raise entra_errors.unsupported_algorithm(str(algorithm))
    certificate = _certificate(header, application)
    if not certificate.starts_at <= now < certificate.ends_at:
        raise entra_errors.expired_key(
            application.app_id, certificate.starts_at, certificate.ends_at
        )
    key = RSAKey.import_key(certificate.public_key_pem)
    if not _REGISTRY.get_alg(algorithm).verify(signed, signature, key):
        raise entra_errors.bad_signature(application.app_id, certificate.sha1)
    _check(claims, application, frozenset(audiences), now)
    return certificate


def _decode(part: str) -> bytes:
    """Base64url with or without padding; ValueError when it is neither."""
    stripped = part.rstrip("=")
    return base64.b64decode(stripped + "=" * (-len(stripped) % 4), altchars=b"-_", validate=True)


def _open(assertion: str) -> tuple[dict[str, Any], dict[str, Any], bytes, bytes]:
    """Header, claims, what was signed, and the signature."""
    parts = assertion.strip().split(".")
    if len(parts) != 3 or not all(parts):
        raise entra_errors.malformed_assertion("A signed JWT has three parts.")
    try:
        header = msgspec.json.decode(_decode(parts[0]))
        claims = msgspec.json.decode(_decode(parts[1]))
        signature = _decode(parts[2])
    except (ValueError, msgspec.DecodeError) as error:
        raise entra_errors.malformed_assertion("It is not base64url-encoded JSON.") from error
    if not isinstance(header, dict) or not isinstance(claims, dict):
        raise entra_errors.malformed_assertion("Header and claims must be JSON objects.")
    return header, claims, f"{parts[0]}.{parts[1]}".encode(), signature


def _certificate(header: dict[str, Any], application: Application) -> Certificate:
    wanted = set()
    for name in ("x5t", "x5t#S256"):
        value = header.get(name)
        if isinstance(value, str):
            try:
                wanted.add(_decode(value).hex().upper())
            except binascii.Error as error:
                raise entra_errors.malformed_assertion(f"{name} is not base64url.") from error
    if isinstance(header.get("kid"), str):
        wanted.add(header["kid"].upper())
    if not wanted:
        raise entra_errors.malformed_assertion("No certificate thumbprint in the token header.")
    for certificate in application.certificates:
        if certificate.sha1 in wanted or certificate.sha256 in wanted:
            return certificate
    raise entra_errors.unregistered_key(application.app_id, min(wanted, key=len))


def _check(
    claims: dict[str, Any], application: Application, audiences: frozenset[str], now: datetime
) -> None:
    ends_at = _moment(claims, "exp")
    starts_at = _moment(claims, "nbf") or _EPOCH
    if ends_at is None:
        raise entra_errors.malformed_assertion("It has no expiry ('exp').")
    if not starts_at - CLOCK_SKEW <= now < ends_at + CLOCK_SKEW:
        raise entra_errors.assertion_outside_its_time(now, starts_at, ends_at)
    if str(claims.get("aud", "")).rstrip("/") not in audiences:
        raise entra_errors.wrong_assertion_audience()
    for name in ("iss", "sub"):
        if str(claims.get(name, "")).lower() != application.app_id:
            raise entra_errors.wrong_assertion_app()


def _moment(claims: dict[str, Any], name: str) -> datetime | None:
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise entra_errors.malformed_assertion(f"'{name}' is not a number of seconds.")
    try:
        return datetime.fromtimestamp(value, UTC)
    except (OverflowError, OSError, ValueError) as error:
        raise entra_errors.malformed_assertion(f"'{name}' is out of range.") from error
