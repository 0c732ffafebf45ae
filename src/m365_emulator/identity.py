"""Entra as far as an app needs it: discovery, signing keys, and tokens for client credentials.

Grants with a person in them are handed to `signin/redeem.py`.
Source: Entra docs, v2-protocols-oidc and v2-oauth2-client-creds-grant-flow, read 2026-11.
"""

from collections.abc import Mapping
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from m365_emulator import entra_errors
from m365_emulator.authorities import named_tenant
from m365_emulator.clock import Clock
from m365_emulator.entra_errors import EntraError
from m365_emulator.registrations import Registrations
from m365_emulator.signin.errors import no_principal
from m365_emulator.signin.redeem import GRANTS, Redeem
from m365_emulator.tenant import Tenant
from m365_emulator.token_requests import (
    announces_cp1,
    origin_of,
    read_client,
    read_form,
    required,
)
from m365_emulator.tokens import AccessToken, Tokens, is_graph, signing_key

CLAIMS = (
    "sub iss cloud_instance_name cloud_instance_host_name cloud_graph_host_name msgraph_host aud "
    "exp iat auth_time acr nonce preferred_username name tid ver at_hash c_hash email"
).split()


class Identity:
    """The login authority of one tenant."""

    def __init__(
        self,
        tenant: Tenant,
        registrations: Registrations,
        tokens: Tokens,
        clock: Clock,
        redeem: Redeem,
    ) -> None:
        self._tenant = tenant
        self._registrations = registrations
        self._tokens = tokens
        self._clock = clock
        self._redeem = redeem

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
                    f"{origin_of(request)}/{parts[3]}/v2.0/.well-known/openid-configuration"
                ),
                "api-version": "1.1",
                "metadata": [
                    {"preferred_network": host, "preferred_cache": host, "aliases": [host]}
                ],
            }
        )

    async def _discovery(self, request: Request) -> Response:
        try:
            named = named_tenant(self._tenant, request.path_params["tenant"], discovery=True)
        except EntraError as error:
            return self._refuse(error, request)
        origin = origin_of(request)
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
                "userinfo_endpoint": f"{origin}/oidc/userinfo",
                "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
                "device_authorization_endpoint": f"{base}/oauth2/v2.0/devicecode",
                "http_logout_supported": True,
                "frontchannel_logout_supported": True,
                "end_session_endpoint": f"{base}/oauth2/v2.0/logout",
                "claims_supported": CLAIMS,
                "tenant_region_scope": None if named is None else "EU",
                "cloud_instance_name": "microsoftonline.com",
                "cloud_graph_host_name": "graph.windows.net",
                "msgraph_host": request.url.netloc,
                "rbac_url": "https://pas.windows.net",
            }
        )

    async def _keys(self, request: Request) -> Response:
        try:
            named = named_tenant(self._tenant, request.path_params["tenant"], discovery=True)
        except EntraError as error:
            return self._refuse(error, request)
        issuer = f"{origin_of(request)}/{named or '{tenantid}'}/v2.0"
        return _json({"keys": [{**signing_key().public_jwk(), "issuer": issuer}]})

    async def _token(self, request: Request) -> Response:
        try:
            return _json(await self._grant(request), headers=self._redeem.cross_origin(request))
        except EntraError as error:
            return self._refuse(error, request, self._redeem.cross_origin(request))

    async def _grant(self, request: Request) -> dict[str, Any]:
        form = await read_form(request)
        named = named_tenant(self._tenant, request.path_params["tenant"])
        grant = required(form, "grant_type")
        if grant in GRANTS:
            return self._redeem.answer(request, form, grant, self._audiences(request), named)
        if grant != "client_credentials":
            raise entra_errors.unsupported_grant(grant)
        token = self._client_credentials(request, form, named)
        return {
            "token_type": "Bearer",
            "expires_in": token.expires_in,
            "ext_expires_in": token.expires_in,
            "access_token": token.value,
        }

    def _client_credentials(
        self, request: Request, form: dict[str, str], named: str | None
    ) -> AccessToken:
        client = read_client(request, form)
        if client.app_id is None:
            raise entra_errors.missing_parameter("client_id")
        if named is None:
            raise entra_errors.no_tenant()
        application = self._registrations.seen(client.app_id)
        if application is None:
            raise entra_errors.unknown_app(client.app_id, self._tenant.display_name)
        if not application.enabled:
            raise entra_errors.disabled_app(application.app_id, application.display_name)
        resource = self._resource(required(form, "scope"))
        credential = client.prove(application, self._audiences(request), self._clock())
        if credential is None:
            raise entra_errors.no_credential()
        if application.principal is None:
            raise no_principal(application.app_id)
        return self._tokens.issue(
            application, resource, credential, can_be_challenged=announces_cp1(form)
        )

    def _audiences(self, request: Request) -> set[str]:
        origin = origin_of(request)
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

    def _refuse(
        self, error: EntraError, request: Request, headers: Mapping[str, str] | None = None
    ) -> Response:
        state = request.state
        correlation_id = state.client_request_id
        answer = entra_errors.respond(error, self._clock(), state.request_id, correlation_id)
        answer.headers.update(headers or {})
        return answer


def _json(
    body: Mapping[str, Any], status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    return Response(msgspec.json.encode(body), status, headers, media_type="application/json")
