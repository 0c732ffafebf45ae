"""The admin-consent endpoints: an administrator lets an application in, for the organisation.

The v2 endpoint asks for the scopes it is given (`/.default`: everything that the registration
lists, application permissions included), the v1 endpoint always for everything.
Source: Entra docs, v2-admin-consent, grant-admin-consent, permissions-reference; read 2026-11.
"""

import uuid
from dataclasses import dataclass, replace

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from m365_emulator import entra_errors
from m365_emulator.apps import Application, RoleAssignment
from m365_emulator.authorities import named_tenant
from m365_emulator.clock import Clock
from m365_emulator.directory_roles import GRANTS_APP_ROLES_OF_GRAPH, GRANTS_DELEGATED
from m365_emulator.entra_errors import EntraError
from m365_emulator.permissions import APPLICATION_PERMISSIONS, GRAPH_APP_ID, named_by_id
from m365_emulator.registrations import Registrations
from m365_emulator.resources import User
from m365_emulator.signin import consent
from m365_emulator.signin.authorize import find_reply
from m365_emulator.signin.errors import SentBack
from m365_emulator.signin.purpose import Question
from m365_emulator.signin.redirects import Reply
from m365_emulator.signin.scopes import read_scope, required
from m365_emulator.signin.screens import Screens
from m365_emulator.signin.state import Proof
from m365_emulator.signin.steps import Steps
from m365_emulator.tenant import Tenant
from m365_emulator.token_requests import read_pairs


@dataclass(frozen=True, slots=True)
class Asked:
    """A request for consent that is in order; `told_scope` is given back by the v2 endpoint."""

    app_id: str
    reply: Reply
    scopes: tuple[str, ...]
    roles: tuple[str, ...]
    told_scope: str | None


class AdminConsent:
    """The admin-consent endpoints of one tenant."""

    def __init__(
        self,
        tenant: Tenant,
        registrations: Registrations,
        clock: Clock,
        screens: Screens,
        steps: Steps,
    ) -> None:
        self._tenant = tenant
        self._registrations = registrations
        self._clock = clock
        self._screens = screens
        self._steps = steps

    def routes(self) -> list[Route]:
        return [
            Route("/{tenant}/v2.0/adminconsent", self._by_scope, methods=["GET"]),
            Route("/{tenant}/adminconsent", self._everything, methods=["GET"]),
        ]

    async def _by_scope(self, request: Request) -> Response:
        return self._begin(request, by_scope=True)

    async def _everything(self, request: Request) -> Response:
        return self._begin(request, by_scope=False)

    def _begin(self, request: Request, *, by_scope: bool) -> Response:
        try:
            given = read_pairs(request.scope["query_string"].decode("latin-1"))
            named_tenant(self._tenant, request.path_params["tenant"])
            client_id = given.get("client_id", "")
            if not client_id:
                raise entra_errors.missing_parameter("client_id")
            application = self._registrations.seen(client_id)
            if application is None:
                raise entra_errors.unknown_app(client_id, self._tenant.display_name)
            reply = find_reply(application, given)
            asked = self._read(application, reply, given.get("scope", ""), by_scope=by_scope)
        except SentBack as refused:
            return self.refuse(request, refused.reply, refused.error)
        except EntraError as error:
            return self._screens.error(error, request)
        session = self._steps.session(request)
        screen = "pick" if session.proofs else "username"
        return self._steps.begin(request, session, ForOrganisation(self, asked), screen)

    def _read(self, application: Application, reply: Reply, scope: str, *, by_scope: bool) -> Asked:
        roles = tuple(
            name
            for name in map(named_by_id, application.manifest.wanted(GRAPH_APP_ID, "Role"))
            if name
        )
        if not by_scope:
            return Asked(application.app_id, reply, required(application), roles, None)
        try:
            if not scope.strip():
                raise entra_errors.missing_parameter("scope")
            wanted = read_scope(scope, application, self._tenant.display_name)
        except EntraError as error:
            raise SentBack(error, reply) from error
        asked_roles = roles if wanted.everything else ()
        return Asked(application.app_id, reply, wanted.names, asked_roles, scope)

    # --- the purpose -------------------------------------------------------------------------

    def question(self, asked: Asked, user: User) -> Question:
        """Always asked, even where all is granted, as Entra does; and not of everybody."""
        held = self._tenant.directory_roles.of(user.id)
        able = GRANTS_APP_ROLES_OF_GRAPH if asked.roles else GRANTS_DELEGATED
        return Question(
            asked.scopes,
            told=tuple(f"{role} (application permission)" for role in asked.roles),
            allowed=bool(held & able),
            for_everybody_only=True,
        )

    def accept(self, asked: Asked) -> None:
        """Scopes for everybody, and the roles beside those that are held already."""
        application = self._registrations.find(asked.app_id)
        if application is None:
            raise entra_errors.unknown_app(asked.app_id, self._tenant.display_name)
        granted = consent.granted(application, None, asked.scopes)
        principal = granted.principal
        if principal is None:
            return
        held = {each.role_id for each in principal.held}
        new = tuple(
            RoleAssignment(str(uuid.uuid4()), role_id, GRAPH_APP_ID, principal.id, self._clock())
            for role_id in (APPLICATION_PERMISSIONS[role] for role in asked.roles)
            if role_id not in held
        )
        self._registrations.put(
            replace(granted, principal=replace(principal, held=(*principal.held, *new)))
        )

    def finish(self, asked: Asked) -> Response:
        told = {"admin_consent": "True", "tenant": self._tenant.id}
        if asked.told_scope is not None:
            told["scope"] = asked.told_scope
        return self._screens.answer(asked.reply, told)

    def refuse(self, request: Request, reply: Reply, error: EntraError) -> Response:
        """`admin_consent=True` is there on failures too, and a refusal has a name of its own."""
        if error.error == "access_denied":
            error = EntraError(
                error.code,
                "consent_required",
                "The resource owner or authorization server denied the request.",
            )
        return self._screens.refuse(error, reply, request, admin_consent="True")


class ForOrganisation:
    """The purpose of an admin-consent request: back with what was granted to which tenant."""

    way = "admin_consent"
    username = ""
    by_device = False
    assigned_only = False

    def __init__(self, endpoint: AdminConsent, asked: Asked) -> None:
        self._endpoint = endpoint
        self._asked = asked
        self.app_id = asked.app_id
        self.forms_to: tuple[str, ...] = (asked.reply.form_source,)

    def question(self, user: User) -> Question | None:
        return self._endpoint.question(self._asked, user)

    def accept(self, _user: User, *, for_everybody: bool) -> None:  # noqa: ARG002
        self._endpoint.accept(self._asked)

    def finish(self, _request: Request, _proof: Proof, _user: User) -> Response:
        return self._endpoint.finish(self._asked)

    def refuse(self, request: Request, error: EntraError) -> Response:
        return self._endpoint.refuse(request, self._asked.reply, error)
