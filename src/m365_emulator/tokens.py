"""Access tokens: signed, told apart, revoked; and Graph's 401 for each way a token can be no good.

The claims are those of the tokens that Entra issues for Graph. Who may have a token is decided in
`identity.py` and, where a person signs in, in `signin/`.
Source: Entra docs, access-token-claims-reference, read 2026-11.
"""

import base64
import functools
import hashlib
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, Literal
from urllib.parse import urlsplit

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

from m365_emulator.access import Caller
from m365_emulator.apps import Application
from m365_emulator.clock import Clock
from m365_emulator.errors import GraphError
from m365_emulator.permissions import GRAPH_APP_ID

CLOCK_SKEW = timedelta(minutes=5)
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
GRAPH_HOSTS = frozenset(
    {
        "graph.microsoft.com",
        "graph.microsoft.us",
        "dod-graph.microsoft.us",
        "microsoftgraph.chinacloudapi.cn",
    }
)

type_of_credential = {"secret": "1", "certificate": "2"}


def is_graph(resource: str) -> bool:
    """Whether a resource means Graph: its app id, its hosts in any cloud, or this stage itself."""
    if resource == GRAPH_APP_ID:
        return True
    host = urlsplit(resource).hostname or ""
    return host in GRAPH_HOSTS or host in LOOPBACK


@dataclass(frozen=True, slots=True)
class SigningKey:
    """Entra's key pair with the self-signed certificate that its JWKS shows."""

    key: RSAKey
    key_id: str
    certificate_der: bytes

    def public_jwk(self) -> dict[str, Any]:
        public = self.key.as_dict(private=False)
        return {
            "kty": "RSA",
            "use": "sig",
            "kid": self.key_id,
            "x5t": self.key_id,
            "n": public["n"],
            "e": public["e"],
            "x5c": [base64.b64encode(self.certificate_der).decode()],
            "cloud_instance_name": "microsoftonline.com",
        }


@functools.cache
def signing_key() -> SigningKey:
    """One key for the whole process, as Entra has one set for all tenants."""
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name(
        [x509.NameAttribute(NameOID.COMMON_NAME, "accounts.accesscontrol.windows.net")]
    )
    start = datetime.now(UTC) - timedelta(days=30)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=5 * 365))
        .sign(private, hashes.SHA256())
    )
    der = certificate.public_bytes(Encoding.DER)
    thumbprint = hashlib.sha1(der, usedforsecurity=False).digest()
    key_id = base64.urlsafe_b64encode(thumbprint).rstrip(b"=").decode()
    return SigningKey(RSAKey.import_key(private), key_id, der)


def sign(claims: Mapping[str, Any]) -> str:
    """A JWT with Entra's signature."""
    key = signing_key()
    header = {"typ": "JWT", "alg": "RS256", "kid": key.key_id, "x5t": key.key_id}
    return jwt.encode(header, dict(claims), key.key, algorithms=["RS256"])


@dataclass(frozen=True, slots=True)
class AccessToken:
    """What goes out: the JWT and the seconds that the client is told it lives."""

    value: str
    expires_in: int


@dataclass(frozen=True, slots=True)
class _Genuine:
    caller: Caller
    audience: str
    starts_at: datetime
    ends_at: datetime
    can_be_challenged: bool


class Tokens:
    """Issues and recognises the access tokens of one tenant."""

    def __init__(
        self,
        tenant_id: str,
        clock: Clock,
        seed: int = 0,
        *,
        still_holds: Callable[[Caller], bool] = lambda _: True,
    ) -> None:
        self._tenant_id = tenant_id
        self._still_holds = still_holds
        self._clock = clock
        self._random = Random(f"token lifetimes {seed}")
        self._genuine: dict[str, _Genuine] = {}
        self._revoked: set[str] = set()
        self._app_of: dict[str, str] = {}
        self._person_of: dict[str, str] = {}
        self.issued = 0

    def issue(
        self,
        application: Application,
        audience: str,
        credential: Literal["secret", "certificate"],
        *,
        can_be_challenged: bool = False,
    ) -> AccessToken:
        """A token with the roles the app holds now.

        It lives 60 to 90 minutes, or 24 to 28 hours for a client that can be challenged (cp1).
        """
        claims: dict[str, Any] = {
            "aud": audience,
            "appidacr": type_of_credential[credential],
            "idtyp": "app",
            "oid": application.principal_id,
            "sub": application.principal_id,
        }
        if application.roles:
            claims["roles"] = sorted(application.roles)
        return self._signed(application, claims, can_be_challenged=can_be_challenged)

    def issue_for(
        self,
        application: Application,
        audience: str,
        person: Mapping[str, Any],
        scopes: Iterable[str],
        *,
        credential: Literal["secret", "certificate"] | None = None,
        can_be_challenged: bool = False,
    ) -> AccessToken:
        """A token in somebody's name: `person` are the claims about them, `oid` among them."""
        claims = {
            "aud": audience,
            "acr": "1",
            "appidacr": "0" if credential is None else type_of_credential[credential],
            "idtyp": "user",
            "scp": " ".join(scopes),
            **person,
        }
        return self._signed(application, claims, can_be_challenged=can_be_challenged)

    def _signed(
        self, application: Application, claims: dict[str, Any], *, can_be_challenged: bool
    ) -> AccessToken:
        now = self._clock()
        low, high = (24 * 3600, 28 * 3600) if can_be_challenged else (3600, 5400)
        lifetime = self._random.randrange(low, high)
        issued_at = int(now.timestamp())
        token_id = str(uuid.uuid4())
        whole = {
            "iss": f"https://sts.windows.net/{self._tenant_id}/",
            "iat": issued_at,
            "nbf": issued_at,
            "exp": issued_at + lifetime,
            "app_displayname": application.display_name,
            "appid": application.app_id,
            "azp": application.app_id,
            "idp": f"https://sts.windows.net/{self._tenant_id}/",
            "tid": self._tenant_id,
            "uti": token_id,
            "ver": "1.0",
            **claims,
        }
        if can_be_challenged:
            whole["xms_cc"] = ["cp1"]
            self._person_of[token_id] = whole["oid"]
        self._app_of[token_id] = application.app_id
        self.issued += 1
        return AccessToken(sign(whole), lifetime - 1)

    def revoke(self, app_id: str | None = None) -> int:
        """No token issued so far is good any longer: of one app, or of all. Says how many."""
        mine = {
            token_id
            for token_id, owner in self._app_of.items()
            if app_id is None or owner == app_id.lower()
        }
        self._revoked |= mine
        for token_id in mine:
            del self._app_of[token_id]
        return len(mine)

    def challenge(self, person_id: str) -> int:
        """Somebody's tokens so far are good no longer where the client can be challenged."""
        mine = {token_id for token_id, owner in self._person_of.items() if owner == person_id}
        self._revoked |= mine
        for token_id in mine:
            del self._person_of[token_id]
        return len(mine)

    def identify(self, authorization: str | None, login_origin: str) -> Caller:
        """The caller behind an Authorization header; GraphError 401 says what is wrong with it."""
        scheme, _, value = (authorization or "").partition(" ")
        value = value.strip()
        if not authorization or scheme.lower() != "bearer" or not value:
            raise _unauthorized("Access token is empty.", login_origin)
        genuine = self._genuine.get(value)
        if genuine is None:
            genuine = _read(value, login_origin)
            self._genuine[value] = genuine
        now = self._clock()
        if not genuine.starts_at - CLOCK_SKEW <= now < genuine.ends_at:
            raise _unauthorized("Lifetime validation failed, the token is expired.", login_origin)
        if not is_graph(genuine.audience):
            raise _unauthorized("Access token validation failure. Invalid audience.", login_origin)
        if genuine.caller.tenant_id != self._tenant_id:
            raise _unauthorized("Invalid tenant id in the access token.", login_origin)
        if genuine.caller.token_id in self._revoked:
            raise _revoked(now, login_origin, challenge=genuine.can_be_challenged)
        # Who cannot be challenged keeps the token until it ends, as without continuous access
        # evaluation.
        if genuine.can_be_challenged and not self._still_holds(genuine.caller):
            raise _revoked(now, login_origin, challenge=True)
        return genuine.caller


def expired(login_origin: str) -> GraphError:
    """The 401 of a token whose time is over (also what the fault of that name answers)."""
    return _unauthorized("Lifetime validation failed, the token is expired.", login_origin)


def _read(value: str, login_origin: str) -> _Genuine:
    if value.count(".") != 2:
        raise _unauthorized(
            "IDX14100: JWT is not well formed, there are no dots (.).", login_origin
        )
    try:
        token = jwt.decode(value, signing_key().key, algorithms=["RS256"])
    except (JoseError, ValueError) as error:
        message = "Access token validation failure. Invalid signature."
        raise _unauthorized(message, login_origin) from error
    claims = token.claims
    caller = Caller(
        app_id=claims["appid"],
        object_id=claims["oid"],
        display_name=claims["app_displayname"],
        tenant_id=claims["tid"],
        token_id=claims["uti"],
        roles=frozenset(claims.get("roles", ())),
        scopes=frozenset(claims["scp"].split()) if "scp" in claims else None,
        directory_roles=frozenset(claims.get("wids", ())),
    )
    return _Genuine(
        caller=caller,
        audience=claims["aud"],
        starts_at=datetime.fromtimestamp(claims["nbf"], UTC),
        ends_at=datetime.fromtimestamp(claims["exp"], UTC),
        can_be_challenged="cp1" in claims.get("xms_cc", ()),
    )


def _unauthorized(message: str, login_origin: str, challenge: str = "") -> GraphError:
    bearer = (
        f'Bearer realm="", authorization_uri="{login_origin}/common/oauth2/authorize", '
        f'client_id="{GRAPH_APP_ID}"{challenge}'
    )
    return GraphError(
        401, "InvalidAuthenticationToken", message, headers={"WWW-Authenticate": bearer}
    )


def _revoked(now: datetime, login_origin: str, *, challenge: bool) -> GraphError:
    if not challenge:
        return expired(login_origin)
    claims = {"access_token": {"nbf": {"essential": True, "value": str(int(now.timestamp()))}}}
    encoded = base64.b64encode(msgspec.json.encode(claims)).decode()
    return _unauthorized(
        "Continuous access evaluation resulted in challenge with result: InteractionRequired and "
        "code: TokenIssuedBeforeRevocationTimestamp",
        login_origin,
        f', error="insufficient_claims", claims="{encoded}"',
    )
