"""What comes to the token endpoint: the form, who sends it, and whether they prove it.

Source: Entra docs, v2-oauth2-client-creds-grant-flow and certificate-credentials, read 2026-11.
"""

import base64
import binascii
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from urllib.parse import parse_qsl, unquote_plus

import msgspec
from starlette.requests import Request

from m365_emulator import assertions, entra_errors
from m365_emulator.apps import Application

JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
FORM = "application/x-www-form-urlencoded"

Credential = Literal["secret", "certificate"]


def origin_of(request: Request) -> str:
    return f"{request.url.scheme}://{request.url.netloc}"


def required(form: Mapping[str, str], name: str) -> str:
    value = form.get(name, "").strip()
    if not value:
        raise entra_errors.missing_parameter(name)
    return value


def read_pairs(text: str) -> dict[str, str]:
    """Parameters of a form or a query; EntraError when one is there twice."""
    try:
        pairs = parse_qsl(text, keep_blank_values=True, strict_parsing=bool(text))
    except ValueError as error:
        raise entra_errors.malformed_request("Request is malformed or invalid.") from error
    form: dict[str, str] = {}
    for name, value in pairs:
        if name in form:
            raise entra_errors.malformed_request(f"The parameter '{name}' is duplicated.")
        form[name] = value
    return form


async def read_form(request: Request) -> dict[str, str]:
    body = await request.body()
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != FORM:
        raise entra_errors.missing_parameter("grant_type")
    try:
        return read_pairs(body.decode())
    except UnicodeDecodeError as error:
        raise entra_errors.malformed_request("Request is malformed or invalid.") from error


@dataclass(frozen=True, slots=True)
class Client:
    """Who says that they send a request, and with what they would prove it."""

    app_id: str | None
    secret: str | None
    assertion: str | None
    assertion_type: str | None

    @property
    def offers_proof(self) -> bool:
        return self.secret is not None or self.assertion is not None

    def prove(
        self, application: Application, audiences: Iterable[str], now: datetime
    ) -> Credential | None:
        """The kind of credential that was good; None when none was offered.

        EntraError when the one that was offered is not good.
        """
        if self.assertion is not None:
            if self.assertion_type != JWT_BEARER:
                raise entra_errors.missing_parameter("client_assertion_type")
            assertions.verify(self.assertion, application, audiences, now)
            return "certificate"
        if self.secret is not None:
            _check_secret(application, self.secret, now)
            return "secret"
        return None


def read_client(request: Request, form: Mapping[str, str]) -> Client:
    """Client id and secret from the form, or from HTTP Basic, where both are form-encoded."""
    client_id, secret = form.get("client_id"), form.get("client_secret")
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            name, _, password = base64.b64decode(value, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError) as error:
            raise entra_errors.malformed_request("The Basic header is not valid.") from error
        client_id = client_id or unquote_plus(name)
        secret = secret or unquote_plus(password)
    assertion = form.get("client_assertion")
    if not client_id and assertion is not None:
        client_id = assertions.client_id_of(assertion)
    return Client(client_id or None, secret or None, assertion, form.get("client_assertion_type"))


def _check_secret(application: Application, value: str, now: datetime) -> None:
    offered = value.encode()
    for secret in application.secrets:
        if hmac.compare_digest(secret.value.encode(), offered):
            if secret.ends_at <= now:
                raise entra_errors.expired_secret(application.app_id)
            return
    raise entra_errors.wrong_secret(application.app_id)


def announces_cp1(form: Mapping[str, str]) -> bool:
    """Whether the `claims` parameter says that the client can take a claims challenge."""
    raw = form.get("claims")
    if not raw:
        return False
    try:
        asked = msgspec.json.decode(raw, type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise entra_errors.malformed_request("The 'claims' parameter is not JSON.") from error
    access = asked.get("access_token")
    capability = access.get("xms_cc") if isinstance(access, dict) else None
    values = capability.get("values") if isinstance(capability, dict) else None
    return isinstance(values, list) and any(str(value).lower() == "cp1" for value in values)
