"""The authorize endpoint: what an application asks for, checked, and the answer that it gets.

What is wrong with the application or its address is shown, everything else is sent back to it.
Source: Entra docs, v2-oauth2-auth-code-flow and v2-protocols-oidc, read 2026-11.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from m365_emulator import entra_errors
from m365_emulator.apps import Application
from m365_emulator.authorities import named_tenant
from m365_emulator.clock import Clock
from m365_emulator.entra_errors import EntraError
from m365_emulator.registrations import Registrations
from m365_emulator.resources import ObjectId, User
from m365_emulator.signin import claims, consent, errors
from m365_emulator.signin.admission import Admission
from m365_emulator.signin.errors import SentBack
from m365_emulator.signin.purpose import Question, allowed_question
from m365_emulator.signin.redirects import MODES, Reply, registered
from m365_emulator.signin.scopes import Wanted, read_scope
from m365_emulator.signin.screens import Screens
from m365_emulator.signin.state import Code, Grant, Proof, Session, SignInState
from m365_emulator.signin.steps import Steps
from m365_emulator.tenant import Tenant
from m365_emulator.token_requests import announces_cp1, origin_of, read_pairs

RESPONSE_TYPES = frozenset({"code", "id_token"})
PROMPTS = frozenset({"", "none", "login", "consent", "select_account"})
CHALLENGE_SIZES = range(43, 129)


@dataclass(frozen=True, slots=True)
class Asked:
    """An authorize request that is in order."""

    application: Application
    reply: Reply
    response_types: frozenset[str]
    wanted: Wanted
    prompt: str = ""
    nonce: str | None = None
    challenge: str | None = None
    challenge_method: str = "plain"
    login_hint: str = ""
    domain_hint: str = ""
    can_be_challenged: bool = False


class Authorize:
    """The authorize endpoint of one tenant."""

    def __init__(
        self,
        tenant: Tenant,
        registrations: Registrations,
        state: SignInState,
        clock: Clock,
        screens: Screens,
        steps: Steps,
    ) -> None:
        self._tenant = tenant
        self._registrations = registrations
        self._state = state
        self._clock = clock
        self._screens = screens
        self._steps = steps
        self._admission = Admission(tenant, state)

    def routes(self) -> list[Route]:
        path = "/{tenant}/oauth2/v2.0/authorize"
        return [Route(path, self._authorize, methods=["GET", "POST"])]

    async def _authorize(self, request: Request) -> Response:
        app_name = None
        try:
            query = request.scope["query_string"].decode("latin-1")
            text = (await request.body()).decode() if request.method == "POST" else query
            given = read_pairs(text)
            named = named_tenant(self._tenant, request.path_params["tenant"])
            application = find_application(
                self._registrations, self._tenant, given.get("client_id", ""), named
            )
            app_name = application.display_name
            reply = find_reply(application, given)
            asked = self._read(application, reply, given)
        except SentBack as refused:
            return self._screens.refuse(refused.error, refused.reply, request)
        except (EntraError, UnicodeDecodeError) as error:
            refusal = (
                error
                if isinstance(error, EntraError)
                else entra_errors.malformed_request("Request is malformed or invalid.")
            )
            return self._screens.error(refusal, request, app_name)
        return self._answer(request, asked)

    def _answer(self, request: Request, asked: Asked) -> Response:
        session = self._steps.session(request)
        purpose = ForApplication(self, asked)
        fitting = self._fitting(session, asked)
        match asked.prompt:
            case "none":
                if len(fitting) == 1:
                    answer = self._steps.silently(request, purpose, fitting[0])
                    return self._steps.remember(request, session, answer)
                refused = errors.several_signed_in() if fitting else errors.nobody_signed_in()
                return purpose.refuse(request, refused)
            case "login":
                return self._steps.begin(request, session, purpose, "username")
            case "select_account":
                return self._steps.begin(request, session, purpose, "pick")
        if len(fitting) == 1:
            return self._steps.proceed(request, session, purpose, fitting[0])
        return self._steps.begin(request, session, purpose, "pick" if fitting else "username")

    def _fitting(self, session: Session, asked: Asked) -> list[Proof]:
        """Who is signed in and meant, as far as the hints tell."""
        found = []
        for proof in session.proofs.values():
            user = self._tenant.user_register.truth(ObjectId(proof.person_id))
            if user is None or user.deleted_date_time is not None or not user.account_enabled:
                continue
            names = {user.user_principal_name.casefold(), (user.mail or "").casefold()}
            if asked.login_hint and asked.login_hint.casefold() not in names:
                continue
            domain = user.user_principal_name.rpartition("@")[2].casefold()
            if asked.domain_hint not in {"", "organizations"} and (
                asked.domain_hint.casefold() not in {domain, self._tenant.id}
            ):
                continue
            found.append(proof)
        return found

    # --- reading -----------------------------------------------------------------------------

    def _read(self, application: Application, reply: Reply, given: Mapping[str, str]) -> Asked:
        try:
            types = _response_types(application, given)
            if not given.get("scope", "").strip():
                raise entra_errors.missing_parameter("scope")
            wanted = read_scope(given["scope"], application, self._tenant.display_name)
            nonce = given.get("nonce") or None
            if "id_token" in types:
                if not wanted.has("openid"):
                    raise errors.unsupported_response_type("id_token")
                if nonce is None:
                    raise entra_errors.missing_parameter("nonce")
            prompt = given.get("prompt", "")
            if prompt not in PROMPTS:
                raise errors.unsupported_prompt(prompt)
            challenge, method = _challenge(given)
            return Asked(
                application=application,
                reply=reply,
                response_types=types,
                wanted=wanted,
                prompt=prompt,
                nonce=nonce,
                challenge=challenge,
                challenge_method=method,
                login_hint=given.get("login_hint", "").strip(),
                domain_hint=given.get("domain_hint", "").strip(),
                can_be_challenged=announces_cp1(given),
            )
        except EntraError as error:
            raise SentBack(error, reply) from error

    # --- answering ---------------------------------------------------------------------------

    def question(self, asked: Asked, user: User) -> Question | None:
        application = self._registrations.find(asked.application.app_id) or asked.application
        roles = self._tenant.directory_roles.of(user.id)
        users_may = self._state.policies.users_may_consent
        found = allowed_question(application, user, asked.wanted.names, roles, users_may=users_may)
        if found is None and asked.prompt == "consent":
            names = asked.wanted.names
            return Question(names, allowed=consent.may_consent(names, roles, users_may=users_may))
        return found

    def accept(self, asked: Asked, user: User, *, for_everybody: bool) -> None:
        application = self._registrations.find(asked.application.app_id) or asked.application
        person_id = None if for_everybody else user.id
        self._registrations.put(consent.granted(application, person_id, asked.wanted.names))

    def finish(self, request: Request, asked: Asked, proof: Proof, user: User) -> Response:
        """A code, and in the hybrid flow an id_token with it."""
        grant = Grant(
            app_id=asked.application.app_id,
            proof=proof,
            scopes=asked.wanted.names,
            audience=asked.wanted.audience,
            kind=asked.reply.kind,
            can_be_challenged=asked.can_be_challenged,
        )
        told: dict[str, str] = {}
        code = None
        if "code" in asked.response_types:
            code = self._state.issue_code(
                Code(
                    grant,
                    asked.reply.uri,
                    self._clock(),
                    asked.nonce,
                    asked.challenge,
                    asked.challenge_method,
                )
            )
            told["code"] = code
        if "id_token" in asked.response_types:
            told["id_token"] = claims.id_token(
                self._tenant,
                asked.application,
                user,
                proof,
                issuer=f"{origin_of(request)}/{self._tenant.id}/v2.0",
                scopes=asked.wanted.names,
                nonce=asked.nonce,
                now=self._clock(),
                code=code,
            )
        told["session_state"] = proof.session_id
        return self._screens.answer(asked.reply, told)

    def refuse(self, request: Request, asked: Asked, error: EntraError) -> Response:
        return self._screens.refuse(error, asked.reply, request)


class ForApplication:
    """The purpose of an authorize request: back to the application with a code."""

    way = "browser"
    by_device = False
    assigned_only = True

    def __init__(self, authorize: Authorize, asked: Asked) -> None:
        self._authorize = authorize
        self._asked = asked
        self.app_id = asked.application.app_id
        self.username = asked.login_hint
        self.forms_to: tuple[str, ...] = (asked.reply.form_source,)

    def question(self, user: User) -> Question | None:
        return self._authorize.question(self._asked, user)

    def accept(self, user: User, *, for_everybody: bool) -> None:
        self._authorize.accept(self._asked, user, for_everybody=for_everybody)

    def finish(self, request: Request, proof: Proof, user: User) -> Response:
        return self._authorize.finish(request, self._asked, proof, user)

    def refuse(self, request: Request, error: EntraError) -> Response:
        return self._authorize.refuse(request, self._asked, error)


def find_application(
    registrations: Registrations, tenant: Tenant, client_id: str, named: str | None
) -> Application:
    """The application of a request that a browser brings; EntraError goes onto a page."""
    if not client_id:
        raise entra_errors.missing_parameter("client_id")
    application = registrations.seen(client_id)
    if application is None:
        raise entra_errors.unknown_app(client_id, tenant.display_name)
    if not application.enabled:
        raise entra_errors.disabled_app(application.app_id, application.display_name)
    if named is None and not application.manifest.is_multi_tenant:
        raise errors.one_tenant_only(application.app_id, application.display_name)
    return application


def find_reply(application: Application, given: Mapping[str, str]) -> Reply:
    """The redirect URI of a request, checked; EntraError goes onto a page."""
    uri = given.get("redirect_uri", "")
    if not uri:
        raise errors.no_redirect(application.app_id)
    kind = registered(application.manifest, uri)
    if kind is None:
        raise errors.wrong_redirect(application.app_id, uri)
    state = given.get("state")
    types = given.get("response_type", "").split()
    default = "fragment" if "id_token" in types or "token" in types else "query"
    mode = given.get("response_mode") or default
    if mode not in MODES or (mode == "query" and "id_token" in types):
        raise SentBack(errors.unsupported_response_mode(mode), Reply(uri, kind, default, state))
    return Reply(uri, kind, mode, state)


def _response_types(application: Application, given: Mapping[str, str]) -> frozenset[str]:
    text = given.get("response_type", "").strip()
    if not text:
        raise entra_errors.missing_parameter("response_type")
    types = frozenset(text.split())
    if not types <= RESPONSE_TYPES:
        raise errors.unsupported_response_type(text)
    if "id_token" in types:
        settings = application.manifest.web.implicit_grant_settings
        if not settings.enable_id_token_issuance:
            raise errors.no_implicit_tokens()
    return types


def _challenge(given: Mapping[str, str]) -> tuple[str | None, str]:
    """The code challenge and its method: S256 or plain, which Entra supports as well."""
    challenge = given.get("code_challenge") or None
    method = given.get("code_challenge_method") or "plain"
    if challenge is None:
        if "code_challenge_method" in given:
            raise errors.missing_challenge()
        return None, method
    if len(challenge) not in CHALLENGE_SIZES:
        raise errors.bad_challenge_size()
    if method not in {"S256", "plain"}:
        raise errors.bad_challenge_method(method)
    return challenge, method
