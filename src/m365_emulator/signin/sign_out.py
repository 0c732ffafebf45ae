"""Signing out, and who one is signed in as: the logout endpoint and the userinfo endpoint.

Source: Entra docs, v2-protocols-oidc (single sign-out) and userinfo, read 2026-11.
"""

from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from m365_emulator.access import Caller
from m365_emulator.authorities import named_tenant
from m365_emulator.entra_errors import EntraError
from m365_emulator.errors import GraphError
from m365_emulator.registrations import Registrations
from m365_emulator.resources import ObjectId
from m365_emulator.signin.claims import subject
from m365_emulator.signin.redirects import Reply, redirect, registered
from m365_emulator.signin.screens import Screens
from m365_emulator.signin.state import SignInState
from m365_emulator.signin.steps import COOKIE
from m365_emulator.tenant import Tenant
from m365_emulator.token_requests import read_pairs


class SignOut:
    """The logout endpoint of one tenant."""

    def __init__(
        self, tenant: Tenant, registrations: Registrations, state: SignInState, screens: Screens
    ) -> None:
        self._tenant = tenant
        self._registrations = registrations
        self._state = state
        self._screens = screens

    def routes(self) -> list[Route]:
        path = "/{tenant}/oauth2/v2.0/logout"
        return [Route(path, self._logout, methods=["GET", "POST"])]

    async def _logout(self, request: Request) -> Response:
        """Everybody in this browser is signed out, or only whom `logout_hint` names."""
        try:
            named_tenant(self._tenant, request.path_params["tenant"])
            query = request.scope["query_string"].decode("latin-1")
            text = (await request.body()).decode() if request.method == "POST" else query
            given = read_pairs(text)
        except (EntraError, UnicodeDecodeError) as error:
            refusal = (
                error
                if isinstance(error, EntraError)
                else EntraError(50061, "invalid_request", "Unable to complete sign out.")
            )
            return self._screens.error(refusal, request)
        session = self._state.session(request.cookies.get(COOKIE))
        hint = given.get("logout_hint", "").casefold()
        for person_id in list(session.proofs):
            user = self._tenant.user_register.truth(ObjectId(person_id))
            if not hint or user is None or user.user_principal_name.casefold() == hint:
                del session.proofs[person_id]
        uri = given.get("post_logout_redirect_uri", "")
        answer: Response
        if uri and any(registered(each.manifest, uri) for each in self._registrations):
            reply = self._reply(uri, given.get("state"))
            answer = RedirectResponse(uri, 302) if reply is None else redirect(reply, {})
        else:
            answer = self._screens.show("signed_out", title="Signed out")
        if not session.proofs:
            answer.delete_cookie(COOKIE)
        return answer

    def _reply(self, uri: str, state: str | None) -> Reply | None:
        """With the state, where the application gave one."""
        if state is None:
            return None
        kind = next(
            found for each in self._registrations if (found := registered(each.manifest, uri))
        )
        return Reply(uri, kind, "query", state)


class UserInfo:
    """The userinfo endpoint, which Graph serves: claims for a token with `openid`."""

    def __init__(self, tenant: Tenant) -> None:
        self._tenant = tenant

    def routes(self) -> list[Route]:
        return [Route("/oidc/userinfo", self._userinfo, methods=["GET", "POST"])]

    async def _userinfo(self, request: Request) -> Response:
        caller: Caller = request.state.caller
        if caller.scopes is None or "openid" not in caller.scopes:
            raise GraphError(
                403, "AccessDenied", "Access Denied. The token lacks the scope 'openid'."
            )
        user = self._tenant.user(caller.object_id)
        told: dict[str, Any] = {"sub": subject(self._tenant.id, caller.app_id, user.id)}
        if "profile" in caller.scopes:
            told |= {
                "name": user.display_name or "",
                "family_name": user.surname or "",
                "given_name": user.given_name or "",
                "picture": "https://graph.microsoft.com/v1.0/me/photo/$value",
            }
        if "email" in caller.scopes and user.mail:
            told["email"] = user.mail
        return Response(msgspec.json.encode(told), media_type="application/json")
