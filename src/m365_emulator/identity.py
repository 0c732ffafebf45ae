"""Entra as far as an app needs it: discovery, signing keys, and tokens for client credentials.

Users do not sign in here yet: the grants with a person in them are refused as Entra refuses a
grant it does not know, and their endpoints are not there (404).
Source: Entra docs, v2-protocols-oidc and v2-oauth2-client-creds-grant-flow, read 2026-11.
"""

import base64
import binascii
import hmac
from collections.abc import Mapping
from typing import Any, Literal
from urllib.parse import parse_qsl, unquote_plus

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from m365_emulator import assertions, entra_errors
from m365_emulator.apps import Application, Registrations
from m365_emulator.clock import Clock
from m365_emulator.entra_errors import EntraError
from m365_emulator.tenant import Tenant
from m365_emulator.tokens import AccessToken, Tokens, is_graph, signing_key

MANY_TENANTS = frozenset({"common", "organizations"})
JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


class Identity:
    """The login authority of one tenant."""

    def __init__(
        self, tenant: Tenant, registrations: Registrations, tokens: Tokens, clock: Clock
    ) -> None:
        self._tenant = tenant
        self._registrations = registrations
        self._tokens = tokens
        self._clock = clock

    def routes(self) -> list[Route]:
        return [
            Route("/common/discovery/instance", self._instance),
            Route("/{tenant}/v2.0/.well-known/openid-configuration", self._discovery),
            Route("/{tenant}/discovery/v2.0/keys", self._keys),
            Route("/{tenant}/oauth2/v2.0/token", self._token, methods=["POST"]),
        ]

    async def _instance(self, request: Request) -> Response:
        """MSAL asks whether an authority is known, under which names, and where its document is."""
        asked = request.query_params.get("authorization_endpoint", "")
        parts = asked.split("/")
        if len(parts) < 4:
            return _json(
                {
                    "error": "invalid_instance",
                    "error_description": "AADSTS50049: Unknown or invalid instance.",
                    "error_codes": [50049],
                },
                400,
            )
        host = request.url.netloc
        return _json(
            {
                "tenant_discovery_endpoint": (
                    f"{_origin(request)}/{parts[3]}/v2.0/.well-known/openid-configuration"
                ),
                "api-version": "1.1",
                "metadata": [
                    {"preferred_network": host, "preferred_cache": host, "aliases": [host]}
                ],
            }
        )

    async def _discovery(self, request: Request) -> Response:
        try:
            named = self._named(request.path_params["tenant"], discovery=True)
        except EntraError as error:
            return self._refuse(error, request)
        origin = _origin(request)
        path = named or request.path_params["tenant"].lower()
        base = f"{origin}/{path}"
        return _json(
            {
                "token_endpoint": f"{base}/oauth2/v2.0/token",
                "token_endpoint_auth_methods_supported": [
                    "client_secret_post",
                    "private_key_jwt",
                    "client_secret_basic",
                ],
                "jwks_uri": f"{base}/discovery/v2.0/keys",
                "response_modes_supported": ["query", "fragment", "form_post"],
                "subject_types_supported": ["pairwise"],
                "id_token_signing_alg_values_supported": ["RS256"],
                "response_types_supported": ["code", "id_token", "code id_token"],
                "scopes_supported": ["openid", "profile", "email", "offline_access"],
                "issuer": f"{origin}/{named or '{tenantid}'}/v2.0",
                "request_uri_parameter_supported": False,
                "userinfo_endpoint": "https://graph.microsoft.com/oidc/userinfo",
                "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
                "device_authorization_endpoint": f"{base}/oauth2/v2.0/devicecode",
                "http_logout_supported": True,
                "frontchannel_logout_supported": True,
                "end_session_endpoint": f"{base}/oauth2/v2.0/logout",
                "claims_supported": ["sub", "iss", "aud", "exp", "iat", "nonce", "name", "tid"],
                "tenant_region_scope": None if named is None else "EU",
                "cloud_instance_name": "microsoftonline.com",
                "cloud_graph_host_name": "graph.windows.net",
                "msgraph_host": request.url.netloc,
                "rbac_url": "https://pas.windows.net",
            }
        )

    async def _keys(self, request: Request) -> Response:
        try:
            named = self._named(request.path_params["tenant"], discovery=True)
        except EntraError as error:
            return self._refuse(error, request)
        issuer = f"{_origin(request)}/{named or '{tenantid}'}/v2.0"
        return _json({"keys": [{**signing_key().public_jwk(), "issuer": issuer}]})

    async def _token(self, request: Request) -> Response:
        try:
            token = await self._grant(request)
        except EntraError as error:
            return self._refuse(error, request)
        answer = {
            "token_type": "Bearer",
            "expires_in": token.expires_in,
            "ext_expires_in": token.expires_in,
            "access_token": token.value,
        }
        return _json(answer)

    async def _grant(self, request: Request) -> AccessToken:
        form = await _form(request)
        named = self._named(request.path_params["tenant"])
        grant = _required(form, "grant_type")
        if grant != "client_credentials":
            raise entra_errors.unsupported_grant(grant)
        client_id, secret = _client(request, form)
        assertion = form.get("client_assertion")
        if client_id is None and assertion is not None:
            client_id = assertions.client_id_of(assertion)
        if client_id is None:
            raise entra_errors.missing_parameter("client_id")
        if named is None:
            raise entra_errors.no_tenant()
        application = self._registrations.find(client_id)
        if application is None:
            raise entra_errors.unknown_app(client_id, self._tenant.display_name)
        if not application.enabled:
            raise entra_errors.disabled_app(application.app_id, application.display_name)
        resource = self._resource(_required(form, "scope"))
        credential: Literal["secret", "certificate"]
        if assertion is not None:
            if form.get("client_assertion_type") != JWT_BEARER:
                raise entra_errors.missing_parameter("client_assertion_type")
            audiences = self._audiences(request)
            assertions.verify(assertion, application, audiences, self._clock())
            credential = "certificate"
        elif secret is not None:
            self._check_secret(application, secret)
            credential = "secret"
        else:
            raise entra_errors.no_credential()
        return self._tokens.issue(
            application, resource, credential, can_be_challenged=_announces_cp1(form)
        )

    def _named(self, name: str, *, discovery: bool = False) -> str | None:
        """The tenant id a path segment stands for; None for the names of many tenants."""
        asked = name.lower()
        if asked in MANY_TENANTS:
            return None
        tenant = self._tenant
        if asked in {tenant.id, tenant.domain.lower(), tenant.initial_domain.lower()}:
            return tenant.id
        raise entra_errors.unknown_tenant(name, discovery=discovery)

    def _audiences(self, request: Request) -> set[str]:
        origin = _origin(request)
        tenant = self._tenant
        names = {tenant.id, tenant.domain, tenant.initial_domain, request.path_params["tenant"]}
        return {
            f"{origin}/{name}/{path}"
            for name in names
            for path in ("oauth2/v2.0/token", "oauth2/token", "v2.0")
        }

    def _resource(self, scope: str) -> str:
        if len(scope.split()) != 1:
            raise entra_errors.unreadable_scope(scope)
        resource, found, rest = scope.partition("/.default")
        if not found or rest:
            raise entra_errors.bad_scope(scope)
        resource = resource.rstrip("/")
        if not is_graph(resource):
            raise entra_errors.unknown_resource(resource, self._tenant.display_name)
        return resource

    def _check_secret(self, application: Application, value: str) -> None:
        offered = value.encode()
        for secret in application.secrets:
            if hmac.compare_digest(secret.value.encode(), offered):
                if secret.ends_at <= self._clock():
                    raise entra_errors.expired_secret(application.app_id)
                return
        raise entra_errors.wrong_secret(application.app_id)

    def _refuse(self, error: EntraError, request: Request) -> Response:
        state = request.state
        correlation_id = state.client_request_id
        return entra_errors.respond(error, self._clock(), state.request_id, correlation_id)


def _json(body: Mapping[str, Any], status: int = 200) -> Response:
    return Response(msgspec.json.encode(body), status, media_type="application/json")


def _origin(request: Request) -> str:
    return f"{request.url.scheme}://{request.url.netloc}"


def _required(form: Mapping[str, str], name: str) -> str:
    value = form.get(name, "").strip()
    if not value:
        raise entra_errors.missing_parameter(name)
    return value


async def _form(request: Request) -> dict[str, str]:
    body = await request.body()
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise entra_errors.missing_parameter("grant_type")
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, strict_parsing=bool(body))
    except ValueError as error:
        raise entra_errors.malformed_request("Request is malformed or invalid.") from error
    form: dict[str, str] = {}
    for name, value in pairs:
        if name in form:
            raise entra_errors.malformed_request(f"The parameter '{name}' is duplicated.")
        form[name] = value
    return form


def _client(request: Request, form: Mapping[str, str]) -> tuple[str | None, str | None]:
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
    return client_id or None, secret or None


def _announces_cp1(form: Mapping[str, str]) -> bool:
    raw = form.get("claims")
    if not raw:
        return False
    try:
        asked = msgspec.json.decode(raw, type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise entra_errors.malformed_request("The 'claims' parameter is not JSON.") from error
    access = asked.get("access_token") or {}
    values = (access.get("xms_cc") or {}).get("values") or [] if isinstance(access, dict) else []
    return any(str(value).lower() == "cp1" for value in values)
