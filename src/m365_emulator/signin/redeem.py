"""The token endpoint where a person stands behind the grant: codes and refresh tokens.

Decided here: whether the client is who the grant was given to, whether the grant is still good, and
what the tokens say. Device codes wait in `device.py`, apps by themselves in `identity.py`.
Source: Entra docs, v2-oauth2-auth-code-flow, v2-oauth2-device-code, refresh-tokens, read 2026-11.
"""

import base64
import hashlib
import hmac
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

import msgspec
from starlette.requests import Request

from m365_emulator import entra_errors
from m365_emulator.apps import Application
from m365_emulator.clock import Clock, stamp
from m365_emulator.entra_errors import EntraError, invalid_client
from m365_emulator.registrations import Registrations
from m365_emulator.resources import User
from m365_emulator.signin import claims, consent, errors
from m365_emulator.signin.admission import Admission
from m365_emulator.signin.redirects import Kind
from m365_emulator.signin.scopes import read_scope
from m365_emulator.signin.state import (
    CODE_LIFE,
    REFRESH_LIFE,
    SPA_REFRESH_LIFE,
    Code,
    Grant,
    Refresh,
    SignInState,
)
from m365_emulator.tenant import Tenant
from m365_emulator.token_requests import (
    Credential,
    announces_cp1,
    origin_of,
    read_client,
    required,
)
from m365_emulator.tokens import Tokens

AUTHORIZATION_CODE = "authorization_code"
REFRESH_TOKEN = "refresh_token"  # noqa: S105 - the name of a grant
DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"
GRANTS = frozenset({AUTHORIZATION_CODE, REFRESH_TOKEN, DEVICE_CODE})

Poll = Callable[[Application, str], Grant]
"""From a client and its device code to the grant that a person gave; EntraError until then."""


class Redeem:
    """Makes tokens of grants, for one tenant."""

    def __init__(
        self,
        tenant: Tenant,
        registrations: Registrations,
        tokens: Tokens,
        state: SignInState,
        clock: Clock,
        poll: Poll,
    ) -> None:
        self._tenant = tenant
        self._registrations = registrations
        self._tokens = tokens
        self._state = state
        self._clock = clock
        self._poll = poll
        self._admission = Admission(tenant, state)

    def cross_origin(self, request: Request) -> dict[str, str]:
        """The headers by which a browser lets a single-page application read the answer."""
        origin = request.headers.get("origin")
        if origin is None or request.method != "POST":
            return {}
        return {"access-control-allow-origin": origin, "vary": "Origin"}

    def answer(
        self,
        request: Request,
        form: Mapping[str, str],
        grant_type: str,
        audiences: Iterable[str],
        named: str | None,
    ) -> dict[str, Any]:
        """The body of the token answer; EntraError when there are no tokens for this."""
        client = read_client(request, form)
        if client.app_id is None:
            raise entra_errors.missing_parameter("client_id")
        application = self._application(client.app_id, named)
        credential = client.prove(application, audiences, self._clock())
        origin = request.headers.get("origin")
        code: Code | None = None
        begun_at = None
        match grant_type:
            case "authorization_code":
                code = self._code(application, form)
                grant = code.grant
            case "refresh_token":
                refresh = self._refresh(application, form)
                grant, begun_at = refresh.grant, refresh.begun_at
            case _:
                grant = self._poll(application, required(form, "device_code"))
        _check_client_type(grant, credential, origin)
        if code is not None:
            _check_verifier(code, form.get("code_verifier"))
            code.redeemed = True
        way = grant_type.rpartition(":")[2]
        try:
            user = self._admission.admit(grant.proof, application)
            return self._tokens_for(
                request, form, application, user, grant, credential, code, begun_at
            )
        except EntraError as error:
            self._note(application, grant, way, error.code)
            raise

    def _application(self, app_id: str, named: str | None) -> Application:
        application = self._registrations.seen(app_id)
        if application is None:
            raise entra_errors.unknown_app(app_id, self._tenant.display_name)
        if not application.enabled:
            raise entra_errors.disabled_app(application.app_id, application.display_name)
        if named is None and not application.manifest.is_multi_tenant:
            raise errors.one_tenant_only(application.app_id, application.display_name)
        return application

    # --- the grants --------------------------------------------------------------------------

    def _code(self, application: Application, form: Mapping[str, str]) -> Code:
        code = self._state.codes.get(required(form, "code"))
        redirect_uri = required(form, "redirect_uri")
        if code is None:
            raise malformed_grant("The code is not one that was issued here.")
        if code.grant.app_id != application.app_id:
            raise malformed_grant("It was issued to another client.")
        if code.redeemed:
            raise EntraError(
                54005,
                "invalid_grant",
                "OAuth2 Authorization code was already redeemed, please retry with a new valid "
                "code or use an existing refresh token.",
            )
        if self._clock() - code.issued_at >= CODE_LIFE:
            raise EntraError(
                70008,
                "invalid_grant",
                "The provided authorization code or refresh token has expired due to inactivity. "
                "Send a new interactive authorization request for this user and resource.",
            )
        if redirect_uri != code.redirect_uri:
            raise invalid_client(
                500112,
                f"The reply address '{redirect_uri}' does not match the reply address "
                f"'{code.redirect_uri}' provided when requesting Authorization code.",
            )
        return code

    def _refresh(self, application: Application, form: Mapping[str, str]) -> Refresh:
        refresh = self._state.refresh_tokens.get(required(form, "refresh_token"))
        if refresh is None:
            raise malformed_grant("The refresh token is not one that was issued here.")
        if refresh.grant.app_id != application.app_id:
            raise malformed_grant("It was issued to another client.")
        now = self._clock()
        if refresh.grant.kind is Kind.SPA and now - refresh.begun_at >= SPA_REFRESH_LIFE:
            raise EntraError(
                700084,
                "invalid_grant",
                "The refresh token was issued to a single page app (SPA), and therefore has a "
                "fixed, limited lifetime of 1.00:00:00, which cannot be extended. It is now "
                "expired and a new sign in request must be sent by the SPA to the sign in page. "
                f"The token was issued on {stamp(refresh.begun_at)}.",
            )
        if now - refresh.issued_at >= REFRESH_LIFE:
            raise EntraError(
                700082,
                "invalid_grant",
                "The refresh token has expired due to inactivity. The token was issued on "
                f"{stamp(refresh.issued_at)} and was inactive for 90.00:00:00.",
            )
        return refresh

    # --- the tokens --------------------------------------------------------------------------

    def _tokens_for(
        self,
        request: Request,
        form: Mapping[str, str],
        application: Application,
        user: User,
        grant: Grant,
        credential: Credential | None,
        code: Code | None,
        begun_at: Any,
    ) -> dict[str, Any]:
        scopes, audience = grant.scopes, grant.audience
        if form.get("scope"):
            wanted = read_scope(form["scope"], application, self._tenant.display_name)
            scopes, audience = tuple(dict.fromkeys((*grant.scopes, *wanted.names))), wanted.audience
        lacking = consent.missing(application, user.id, scopes)
        if lacking:
            refused = errors.not_consented(application.app_id, application.display_name)
            if code is not None:
                refused.error = "consent_required"
            raise refused
        challenged = grant.can_be_challenged or announces_cp1(form)
        principal = application.principal
        granted = principal.scopes_for(user.id) if principal else frozenset()
        told = sorted(granted - {"offline_access"}, key=str.lower)
        access = self._tokens.issue_for(
            application,
            audience,
            claims.in_access_token(self._tenant, application, user, grant.proof),
            told,
            credential=credential,
            can_be_challenged=challenged,
        )
        answer: dict[str, Any] = {
            "token_type": "Bearer",
            "scope": " ".join(told),
            "expires_in": access.expires_in,
            "ext_expires_in": access.expires_in,
            "access_token": access.value,
        }
        if "offline_access" in scopes:
            kept = replace(grant, scopes=scopes, audience=audience, can_be_challenged=challenged)
            answer["refresh_token"] = self._state.issue_refresh(kept, begun_at)
        if "openid" in scopes:
            answer["id_token"] = claims.id_token(
                self._tenant,
                application,
                user,
                grant.proof,
                issuer=f"{origin_of(request)}/{self._tenant.id}/v2.0",
                scopes=scopes,
                nonce=code.nonce if code else None,
                now=self._clock(),
            )
        if form.get("client_info") == "1":
            answer["client_info"] = client_info(self._tenant.id, user.id)
        return answer

    def _note(self, application: Application, grant: Grant, way: str, code: int) -> None:
        self._state.note(
            person_id=grant.proof.person_id,
            username=grant.proof.person_id,
            app_id=application.app_id,
            way=way,
            code=code,
        )


def client_info(tenant_id: str, person_id: str) -> str:
    """Who it is, for MSAL's cache: not signed, and never to be trusted."""
    told = msgspec.json.encode({"uid": person_id, "utid": tenant_id})
    return base64.urlsafe_b64encode(told).rstrip(b"=").decode()


def malformed_grant(why: str) -> EntraError:
    return EntraError(70000, "invalid_grant", f"Provided grant is invalid or malformed. {why}")


def _check_client_type(grant: Grant, credential: Credential | None, origin: str | None) -> None:
    """A server proves itself, a page comes from a browser, a program does neither."""
    match grant.kind:
        case Kind.WEB:
            if origin is not None:
                raise EntraError(
                    9002326,
                    "invalid_request",
                    "Cross-origin token redemption is permitted only for the 'Single-Page "
                    f"Application' client-type. Request origin: '{origin}'.",
                )
            if credential is None:
                raise entra_errors.no_client_proof()
        case Kind.SPA:
            if origin is None:
                raise EntraError(
                    9002327,
                    "invalid_request",
                    "Tokens issued for the 'Single-Page Application' client-type may only be "
                    "redeemed via cross-origin requests.",
                )
            if credential is not None:
                raise entra_errors.public_client_with_proof()
        case Kind.PUBLIC:
            if credential is not None:
                raise entra_errors.public_client_with_proof()


def _check_verifier(code: Code, verifier: str | None) -> None:
    """Proof Key for Code Exchange (RFC 7636), which single-page applications must use."""
    if code.challenge is None:
        if code.grant.kind is Kind.SPA:
            raise EntraError(
                9002325,
                "invalid_request",
                "Proof Key for Code Exchange is required for cross-origin authorization code "
                "redemption.",
            )
        if verifier:
            refused = errors.missing_challenge()
            refused.error = "invalid_grant"
            raise refused
        return
    offered = verifier or ""
    if code.challenge_method == "S256":
        digest = hashlib.sha256(offered.encode()).digest()
        offered = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    if not verifier or not hmac.compare_digest(offered.encode(), code.challenge.encode()):
        raise EntraError(
            501481,
            "invalid_grant",
            "The Code_Verifier does not match the code_challenge supplied in the authorization "
            "request.",
        )
