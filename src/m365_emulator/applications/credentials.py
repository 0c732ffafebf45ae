"""Credentials of an application by API: secrets, certificates, and the proof that rolls them.

Source: Graph docs, application-addpassword, -removepassword, -addkey, -removekey, -update,
application-rollkey-prooftoken and resources/appmanagementpolicy; read 2026-11.
"""

import base64
import binascii
import uuid
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey
from joserfc.jws import JWSRegistry

from m365_emulator.apps import Application, Certificate, Secret
from m365_emulator.errors import GraphError, bad_request
from m365_emulator.quirks import Quirks

PROOF_AUDIENCE = "00000002-0000-0000-c000-000000000000"
PROOF_LIFE = timedelta(minutes=10)
SKEW = timedelta(minutes=5)
TWO_YEARS = timedelta(days=730)
LONG_HEADERS = 32 * 1024


def new_secret(asked: object, value: str, now: datetime) -> Secret:
    """A secret as `addPassword` makes one: two years from now unless it says otherwise."""
    if not isinstance(asked, dict):
        raise bad_request("Unable to read JSON request payload.", "BadRequest")
    starts_at = _moment(asked, "startDateTime") or now
    ends_at = _moment(asked, "endDateTime") or starts_at + TWO_YEARS
    if ends_at <= starts_at:
        raise bad_request("Credential end date must be later than its start date.")
    name = asked.get("displayName")
    return Secret(
        str(uuid.uuid4()), name if isinstance(name, str) else "", value, ends_at, starts_at
    )


def check_policy(made: Secret, quirks: Quirks) -> None:
    """GraphError 400 where the tenant's app management policy does not allow this secret."""
    if quirks.secrets_forbidden:
        raise bad_request(
            "Credential type not allowed as per assigned policy 'DefaultAppManagementPolicy'.",
            "CredentialTypeNotAllowedAsPerAppPolicy",
        )
    longest = quirks.secret_days_at_most
    starts_at = made.starts_at or made.ends_at
    if longest is not None and made.ends_at - starts_at > timedelta(days=longest):
        raise bad_request(
            "Credential lifetime exceeds the max value allowed as per assigned policy "
            "'DefaultAppManagementPolicy'.",
            "CredentialInvalidLifetimeAsPerAppPolicy",
        )


def read_certificate(asked: Mapping[str, Any]) -> Certificate:
    """A key credential with the public part of a certificate in it."""
    if asked.get("type") != "AsymmetricX509Cert" or asked.get("usage") != "Verify":
        raise bad_request(
            "The key credential's type must be 'AsymmetricX509Cert' and its usage 'Verify'; "
            "'X509CertAndPassword' is not played by the emulated tenant.",
            "KeyCredentialInvalidType",
        )
    key = asked.get("key")
    name = asked.get("displayName")
    try:
        der = base64.b64decode(key if isinstance(key, str) else "", validate=True)
        found = Certificate.from_der(der, name if isinstance(name, str) else None)
    except (binascii.Error, ValueError) as error:
        raise bad_request(
            f"Key credential value is invalid: {error}", "KeyCredentialsInvalidKey"
        ) from error
    key_id = asked.get("keyId")
    starts_at = _moment(asked, "startDateTime") or found.starts_at
    ends_at = _moment(asked, "endDateTime") or found.ends_at
    if ends_at > found.ends_at or starts_at < found.starts_at.replace(microsecond=0):
        raise bad_request(
            "Key credential start or end date is outside the validity of its certificate.",
            "KeyCredentialsInvalidEndDate",
        )
    if isinstance(key_id, str) and key_id:
        found = replace(found, key_id=key_id)
    return replace(found, starts_at=starts_at, ends_at=ends_at)


def replaced(application: Application, asked: object) -> tuple[Certificate, ...]:
    """The whole list as a PATCH gives it: a known `keyId` without its key keeps what it had."""
    if not isinstance(asked, list):
        raise bad_request("Unable to read JSON request payload.", "BadRequest")
    known = {each.key_id: each for each in application.certificates}
    found = []
    for each in asked:
        if not isinstance(each, dict):
            raise bad_request("Unable to read JSON request payload.", "BadRequest")
        kept = known.get(str(each.get("keyId")))
        if kept is not None and not each.get("key"):
            found.append(kept)
        else:
            found.append(read_certificate(each))
    return tuple(found)


def check_proof(application: Application, proof: object, now: datetime) -> None:
    """A JWT by an existing certificate that is still good; GraphError otherwise."""
    if not isinstance(proof, str) or not proof:
        raise bad_request("A value is required for property 'proof' of the request.")
    registry = JWSRegistry(algorithms=["RS256", "PS256"], strict_check_header=False)
    registry.max_header_length = LONG_HEADERS
    for certificate in application.certificates:
        if not certificate.starts_at <= now < certificate.ends_at:
            continue
        try:
            key = RSAKey.import_key(certificate.public_key_pem)
            token = jwt.decode(proof, key, algorithms=["RS256", "PS256"], registry=registry)
        except (JoseError, ValueError):
            continue
        _check_claims(token.claims, application, now)
        return
    raise _not_proved("it is not signed by a valid certificate of the application.")


def _check_claims(claims: Mapping[str, Any], application: Application, now: datetime) -> None:
    if claims.get("aud") != PROOF_AUDIENCE:
        raise _not_proved(f"its audience must be '{PROOF_AUDIENCE}'.")
    if claims.get("iss") != application.object_id:
        raise _not_proved("its issuer must be the object id of the application.")
    starts_at, ends_at = (_seconds(claims.get(name)) for name in ("nbf", "exp"))
    if starts_at is None or ends_at is None:
        raise _not_proved("it has no 'nbf' or 'exp'.")
    if not starts_at - SKEW <= now < ends_at + SKEW:
        raise _not_proved("it is outside its validity.")
    if ends_at - starts_at > PROOF_LIFE:
        raise _not_proved("it may live ten minutes at most.")


def _seconds(value: object) -> datetime | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return datetime.fromtimestamp(value, UTC)
    except (OverflowError, OSError, ValueError):
        return None


def _not_proved(why: str) -> GraphError:
    return GraphError(
        403,
        "Authentication_MissingOrMalformed",
        f"Access Token missing or malformed: the proof of possession is not valid, {why}",
    )


def _moment(asked: Mapping[str, Any], name: str) -> datetime | None:
    value = asked.get(name)
    if value is None:
        return None
    try:
        found = msgspec.convert(value, datetime)
    except msgspec.ValidationError as error:
        raise bad_request(f"Cannot convert the literal '{value}' of '{name}' to a date.") from error
    return found if found.tzinfo else found.replace(tzinfo=UTC)
