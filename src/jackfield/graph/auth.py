"""The application's own token: asked for once, shared by all calls, renewed before it ends.

Decided here: when to ask Entra again, and when not to. A refusal is remembered, so that a wrong
secret is not sent again and again by itself; a person may ask at any time. Tokens are
opaque; only the diagnostics page looks inside.
Source: Entra docs, v2-oauth2-client-creds-grant-flow and certificate-credentials, read 2026-11.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import assert_never
from urllib.parse import urlencode

import msgspec
from joserfc import jwt
from joserfc.jws import JWSRegistry

from jackfield.clock import Clock
from jackfield.graph.answers import UNREADABLE
from jackfield.graph.authority import TenantId, ask_authority, token_refusal
from jackfield.graph.cloud import Cloud
from jackfield.graph.credentials import (
    CertificateCredential,
    Credential,
    SecretCredential,
    Signing,
)
from jackfield.graph.errors import AgainLater, Call, GraphError, MalformedAnswer, TokenRejected
from jackfield.graph.transport import Request, Transport

RENEW_AT = 0.75
"""Share of its life after which a token is renewed."""
SHORTEST_LIFE_S = 30.0
REFUSED_FOR_S = 60.0
"""How long a refusal stands before Entra is asked once more; doubles each time."""
REFUSED_LONGEST_S = 1800.0
ASSERTION_LIFE = timedelta(minutes=10)
WRONG_SCOPE = {"AADSTS500011", "AADSTS70011", "AADSTS1002012", "invalid_scope", "invalid_resource"}
JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


class _TokenWire(msgspec.Struct):
    access_token: str
    expires_in: int
    token_type: str = "Bearer"  # noqa: S105 - the kind of token, not one


_DECODER = msgspec.json.Decoder(_TokenWire, strict=False)


@dataclass(frozen=True, slots=True)
class _Held:
    token: str = field(repr=False)
    renew_at: float
    ends_at: float


@dataclass(frozen=True, slots=True)
class _Refused:
    error: GraphError
    until: float
    for_s: float


class TokenSource:
    """Tokens for one application in one tenant. Make a new one when the credential changes."""

    def __init__(
        self,
        cloud: Cloud,
        tenant_id: TenantId,
        credential: Credential,
        transport: Transport,
        clock: Clock,
        *,
        new_id: Callable[[], str] = lambda: str(uuid.uuid4()),
    ) -> None:
        self._cloud = cloud
        self._tenant_id = tenant_id
        self._credential = credential
        self._transport = transport
        self._clock = clock
        self._new_id = new_id
        self._asking = asyncio.Lock()
        self._held: _Held | None = None
        self._refused: _Refused | None = None
        self._claims: str | None = None
        self._scopes = cloud.scopes

    async def token(self) -> str:
        """A token that is good now. Many callers at once cause one request.

        Raises `TokenRejected` or `CredentialUnusable` (a person must act) and `AgainLater`; either
        is repeated from memory for a while without asking Entra.
        """
        held = self._held
        now = self._clock.monotonic()
        if held is not None and now < held.renew_at:
            return held.token
        if held is not None and now < held.ends_at and self._asking.locked():
            return held.token  # somebody renews it already
        async with self._asking:
            return await self._renewed()

    def discard(self, token: str, *, claims: str | None = None) -> None:
        """Graph no longer takes `token`; `claims` are what it wants the next one to carry."""
        if self._held is not None and self._held.token == token:
            self._held = None
            self._claims = claims

    def forget(self) -> None:
        """Drop token and remembered refusal: after consent was given, or when a person says so."""
        self._held = None
        self._refused = None
        self._claims = None

    def ask_again(self) -> None:
        """A person wants to know now: what they may have mended is asked about at once.

        A pause that Microsoft asked for still counts, and so does how often was refused before.
        """
        if self._refused is not None and not isinstance(self._refused.error, AgainLater):
            self._refused = replace(self._refused, until=self._clock.monotonic())

    async def _renewed(self) -> str:
        now = self._clock.monotonic()
        held = self._held
        if held is not None and now < held.renew_at:
            return held.token
        if self._refused is not None and now < self._refused.until:
            if held is not None and now < held.ends_at:
                return held.token
            raise self._still_refused(self._refused, now)
        try:
            self._held = await self._fetch()
        except GraphError as error:
            self._refused = self._remember(error, self._clock.monotonic())
            if held is not None and now < held.ends_at and isinstance(error, AgainLater):
                return held.token
            raise
        self._refused = None
        self._claims = None
        return self._held.token

    def _remember(self, error: GraphError, now: float) -> _Refused:
        if isinstance(error, AgainLater):
            first, longest, asked = 1.0, REFUSED_FOR_S, error.retry_after_s or 0.0
        else:
            first, longest, asked = REFUSED_FOR_S, REFUSED_LONGEST_S, 0.0
        before = self._refused
        same = before is not None and isinstance(error, type(before.error))
        wait = min(longest, before.for_s * 2) if same and before is not None else first
        return _Refused(error, until=now + max(wait, asked), for_s=wait)

    @staticmethod
    def _still_refused(refused: _Refused, now: float) -> GraphError:
        error = refused.error
        if isinstance(error, AgainLater):
            error.retry_after_s = refused.until - now
        return error.with_traceback(None)

    async def _fetch(self) -> _Held:
        while len(self._scopes) > 1:
            try:
                return await self._fetch_for(self._scopes[0])
            except TokenRejected as error:
                if error.code not in WRONG_SCOPE:
                    raise
                self._scopes = self._scopes[1:]
        return await self._fetch_for(self._scopes[0])

    async def _fetch_for(self, scope: str) -> _Held:
        url = self._cloud.token_endpoint(self._tenant_id)
        form = {
            "client_id": self._credential.client_id,
            "scope": scope,
            "grant_type": "client_credentials",
            **self._proof(url),
        }
        if self._claims is not None:
            form["claims"] = _decoded(self._claims)
        client_request_id = self._new_id()
        headers = {
            "Accept": "application/json",
            "Content-Type": "application/x-www-form-urlencoded",
            "client-request-id": client_request_id,
            "return-client-request-id": "true",
        }
        path = url.removeprefix(self._cloud.login)
        call = Call("POST", path, client_request_id=client_request_id)
        request = Request("POST", url, headers, urlencode(form).encode())
        asked_at = self._clock.monotonic()
        response, call = await ask_authority(request, call, self._transport, self._cloud)
        if response.status != 200:
            raise token_refusal(response, call, now=self._clock.now())
        try:
            wire = _DECODER.decode(response.body)
        except UNREADABLE as error:
            raise MalformedAnswer(
                f"POST {path} answered without a token: {error}.", call=call
            ) from error
        token = wire.access_token
        if not token or not token.isascii() or not token.isprintable() or " " in token:
            raise MalformedAnswer(f"POST {path} answered with a token that is none.", call=call)
        life = max(SHORTEST_LIFE_S, float(wire.expires_in))
        return _Held(token, renew_at=asked_at + RENEW_AT * life, ends_at=asked_at + life)

    def _proof(self, url: str) -> dict[str, str]:
        match self._credential:
            case SecretCredential(secret=secret):
                return {"client_secret": secret}
            case CertificateCredential() as credential:
                return {
                    "client_assertion_type": JWT_BEARER,
                    "client_assertion": self._assertion(credential, url),
                }
            case _:
                assert_never(self._credential)

    def _assertion(self, credential: CertificateCredential, url: str) -> str:
        now = self._clock.now()
        certificate = credential.certificate
        certificate.check(now)
        header = {"alg": credential.signing.value, "typ": "JWT"}
        match credential.signing:
            case Signing.PS256:
                header["x5t#S256"] = certificate.thumbprint_sha256
            case Signing.RS256:
                header["x5t"] = certificate.thumbprint_sha1
            case _:
                assert_never(credential.signing)
        claims = {
            "aud": url,
            "iss": credential.client_id,
            "sub": credential.client_id,
            "jti": self._new_id(),
            "nbf": int(now.timestamp()),
            "iat": int(now.timestamp()),
            "exp": int((now + ASSERTION_LIFE).timestamp()),
        }
        registry = JWSRegistry(algorithms=[credential.signing.value])
        return jwt.encode(header, claims, certificate.key, registry=registry)


def _decoded(claims: str) -> str:
    """A claims challenge travels in base64 and is asked for as JSON."""
    try:
        return base64.b64decode(claims + "=" * (-len(claims) % 4), altchars=b"-_").decode()
    except (binascii.Error, ValueError) as error:
        raise TokenRejected(
            "Graph asks for claims that cannot be read.", "Connect again; report it if it lasts."
        ) from error
