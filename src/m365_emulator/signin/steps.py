"""The steps that lead to a signed-in person: account, password, second factor, consent.

What a person signs in *for* is a `Purpose`; the ways in (`authorize.py`, `device.py`,
`admin_consent.py`) bring one and get their answer. An interaction belongs to one browser.
Source: Entra docs, app-sign-in-flow and application-consent-experience, read 2026-11.
"""

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from m365_emulator.apps import Application
from m365_emulator.directory_roles import GRANTS_DELEGATED, TEMPLATES
from m365_emulator.entra_errors import EntraError
from m365_emulator.permissions import DELEGATED_PERMISSIONS
from m365_emulator.registrations import Registrations
from m365_emulator.resources import ObjectId, User
from m365_emulator.signin import errors
from m365_emulator.signin.admission import Admission
from m365_emulator.signin.purpose import Purpose, Question
from m365_emulator.signin.screens import Screens
from m365_emulator.signin.state import MFA_CODE, PASSWORD, Proof, Session, SignInState
from m365_emulator.tenant import Tenant
from m365_emulator.token_requests import read_pairs

COOKIE = "ESTSAUTH"
OFFERED = 8
"""People who are offered on the first page, administrators first."""
MOST_INTERACTIONS = 2000


@dataclass(slots=True)
class Interaction:
    """One sign-in under way in one browser."""

    id: str
    session_id: str
    purpose: Purpose
    user: User | None = None
    proof: Proof | None = None
    confirmed: bool = False


class Steps:
    """Leads people through signing in."""

    def __init__(
        self, tenant: Tenant, registrations: Registrations, state: SignInState, screens: Screens
    ) -> None:
        self._tenant = tenant
        self._registrations = registrations
        self._state = state
        self._screens = screens
        self._admission = Admission(tenant, state)
        self._interactions: dict[str, Interaction] = {}

    def routes(self) -> list[Route]:
        return [Route("/{tenant}/login", self._post, methods=["POST"])]

    # --- the browser -------------------------------------------------------------------------

    def session(self, request: Request) -> Session:
        """Who is signed in in this browser."""
        return self._state.session(request.cookies.get(COOKIE))

    def remember(self, request: Request, session: Session, answer: Response) -> Response:
        """The answer, with the cookie that names the session."""
        answer.set_cookie(
            COOKIE,
            session.id,
            httponly=True,
            secure=request.url.scheme == "https",
            samesite="none" if request.url.scheme == "https" else "lax",
        )
        return answer

    # --- the way in --------------------------------------------------------------------------

    def begin(self, request: Request, session: Session, purpose: Purpose, screen: str) -> Response:
        """The first page: `pick` an account or `username`; a hint leads to its password."""
        interaction = self._open(session, purpose)
        hinted = self._admission.find(purpose.username) if purpose.username else None
        if hinted is not None and screen != "pick":
            interaction.user = hinted
            answer = self._password(interaction)
        elif screen == "pick" and session.proofs:
            answer = self._pick(interaction, session)
        else:
            answer = self._username(interaction, typed=purpose.username)
        return self.remember(request, session, answer)

    def proceed(
        self, request: Request, session: Session, purpose: Purpose, proof: Proof
    ) -> Response:
        """Somebody is signed in already: on to what is left, on a page where one is needed."""
        interaction = self._open(session, purpose)
        interaction.proof = proof
        return self.remember(request, session, self._onward(request, interaction))

    def _open(self, session: Session, purpose: Purpose) -> Interaction:
        interaction = Interaction(secrets.token_urlsafe(24), session.id, purpose)
        while len(self._interactions) >= MOST_INTERACTIONS:
            del self._interactions[next(iter(self._interactions))]
        self._interactions[interaction.id] = interaction
        return interaction

    def silently(self, request: Request, purpose: Purpose, proof: Proof) -> Response:
        """The same without any page: what would need one is refused."""
        try:
            user = self._admit(purpose, proof)
            if purpose.question(user) is not None:
                application = self._application(purpose)
                raise errors.not_consented(application.app_id, application.display_name)
        except EntraError as error:
            return purpose.refuse(request, errors.silent(error))
        return self._finished(request, purpose, proof, user)

    # --- the pages' forms --------------------------------------------------------------------

    async def _post(self, request: Request) -> Response:
        try:
            form = read_pairs((await request.body()).decode())
        except (EntraError, UnicodeDecodeError):
            form = {}
        interaction = self._interactions.get(form.get("ctx", ""))
        session = self.session(request)
        if interaction is None or interaction.session_id != session.id:
            expired = EntraError(
                50089,
                "invalid_request",
                "Authentication failed due to flow token expired. Go back to the application and "
                "sign in again.",
            )
            return self._screens.error(expired, request)
        try:
            answer = self._step(request, interaction, session, form)
        except EntraError as error:
            self._note(interaction, error.code)
            answer = self._screens.error(error, request, self._name(interaction))
        return self.remember(request, session, answer)

    def _step(
        self, request: Request, interaction: Interaction, session: Session, form: Mapping[str, str]
    ) -> Response:
        match form.get("do"):
            case "cancel":
                return self._ended(request, interaction, errors.declined())
            case "other":
                return self._username(interaction)
            case "account":
                return self._chosen(request, interaction, session, form.get("account", ""))
            case "username":
                return self._named(interaction, form.get("username", ""))
            case "password":
                return self._proved(request, interaction, session, form.get("passwd", ""))
            case "mfa":
                return self._proved_twice(request, interaction, session, form.get("otc", ""))
            case "confirm":
                interaction.confirmed = True
                return self._onward(request, interaction)
            case "consent":
                return self._consented(
                    request, interaction, for_everybody=form.get("everybody") == "on"
                )
            case _:
                return self._username(interaction)

    def _chosen(
        self, request: Request, interaction: Interaction, session: Session, person_id: str
    ) -> Response:
        proof = session.proofs.get(person_id)
        if proof is None:
            return self._username(interaction)
        interaction.proof = proof
        return self._onward(request, interaction)

    def _named(self, interaction: Interaction, username: str) -> Response:
        user = self._admission.find(username)
        if user is None:
            self._note(interaction, 50034, username)
            said = (
                "This username may be incorrect. Make sure you typed it correctly. Otherwise, "
                "contact your admin."
                if username.strip()
                else "Enter a valid email address, phone number, or Skype name."
            )
            return self._username(interaction, typed=username, said=said)
        interaction.user = user
        return self._password(interaction)

    def _proved(
        self, request: Request, interaction: Interaction, session: Session, password: str
    ) -> Response:
        user = interaction.user
        if user is None:
            return self._username(interaction)
        if self._state.is_locked(user.id):
            self._note(interaction, errors.locked().code)
            return self._password(
                interaction,
                "Your account is temporarily locked to prevent unauthorized use. Try again later, "
                "and if you still have trouble, contact your admin.",
            )
        if not self._state.accepts(user.id, password):
            self._note(interaction, errors.wrong_password().code)
            return self._password(
                interaction,
                "Your account or password is incorrect. If you don't remember your password, "
                "reset it now."
                if password
                else "Please enter your password.",
            )
        try:
            self._admission.person(user.id)
        except EntraError as error:
            self._note(interaction, error.code)
            return self._password(
                interaction,
                "Your account has been locked. Contact your support person to unlock it, then try "
                "again.",
            )
        interaction.proof = self._state.signed_in(session, user.id, "pwd")
        return self._onward(request, interaction)

    def _proved_twice(
        self, request: Request, interaction: Interaction, session: Session, code: str
    ) -> Response:
        proof = interaction.proof
        if proof is None:
            return self._username(interaction)
        if not secrets.compare_digest(code.strip().encode(), MFA_CODE.encode()):
            self._note(interaction, 500121)
            return self._second_factor(
                interaction, "You didn't enter the expected verification code. Please try again."
            )
        interaction.proof = self._state.signed_in(session, proof.person_id, *proof.methods, "mfa")
        return self._onward(request, interaction)

    def _consented(
        self, request: Request, interaction: Interaction, *, for_everybody: bool
    ) -> Response:
        proof = interaction.proof
        if proof is None:
            return self._username(interaction)
        user = self._admit(interaction.purpose, proof)
        question = interaction.purpose.question(user)
        if question is not None:
            if not question.allowed:
                return self._approval_needed(interaction)
            everybody = for_everybody and bool(
                self._tenant.directory_roles.of(user.id) & GRANTS_DELEGATED
            )
            interaction.purpose.accept(user, for_everybody=everybody or question.for_everybody_only)
        return self._done(request, interaction, proof, user)

    # --- on to the end -----------------------------------------------------------------------

    def _onward(self, request: Request, interaction: Interaction) -> Response:
        proof = interaction.proof
        if proof is None:
            return self._username(interaction)
        if self._admission.needs_second_factor(proof):
            return self._second_factor(interaction)
        try:
            user = self._admit(interaction.purpose, proof)
        except EntraError as error:
            self._note(interaction, error.code)
            return self._screens.error(error, request, self._name(interaction))
        if interaction.purpose.by_device and not interaction.confirmed:
            return self._confirm(interaction, user)
        question = interaction.purpose.question(user)
        if question is None:
            return self._done(request, interaction, proof, user)
        if not question.allowed:
            self._note(interaction, 90094)
            return self._approval_needed(interaction)
        return self._consent(interaction, user, question)

    def _admit(self, purpose: Purpose, proof: Proof) -> User:
        return self._admission.admit(
            proof,
            self._application(purpose),
            device=purpose.by_device,
            assigned_only=purpose.assigned_only,
        )

    def _done(
        self, request: Request, interaction: Interaction, proof: Proof, user: User
    ) -> Response:
        self._interactions.pop(interaction.id, None)
        return self._finished(request, interaction.purpose, proof, user)

    def _finished(self, request: Request, purpose: Purpose, proof: Proof, user: User) -> Response:
        answer = purpose.finish(request, proof, user)
        self._state.note(
            person_id=user.id,
            username=user.user_principal_name,
            app_id=purpose.app_id,
            way=purpose.way,
        )
        return answer

    def _ended(self, request: Request, interaction: Interaction, error: EntraError) -> Response:
        self._interactions.pop(interaction.id, None)
        self._note(interaction, error.code)
        return interaction.purpose.refuse(request, error)

    # --- the screens -------------------------------------------------------------------------

    def _pick(self, interaction: Interaction, session: Session) -> Response:
        known = map(self._tenant.user_register.truth, map(ObjectId, session.proofs))
        accounts = [user for user in known if user and user.deleted_date_time is None]
        return self._show("pick", "Pick an account", interaction, accounts=accounts)

    def _username(self, interaction: Interaction, typed: str = "", said: str = "") -> Response:
        return self._show(
            "username", "Sign in", interaction, typed=typed, said=said, people=self._offered()
        )

    def _offered(self) -> Iterable[tuple[User, str]]:
        """Some people to pick, with what they administer."""
        roles = self._tenant.directory_roles
        found: dict[str, tuple[User, str]] = {}
        for template in TEMPLATES.values():
            for person_id in roles.holders(template.id):
                user = self._tenant.user_register.truth(ObjectId(person_id))
                if user is not None and user.deleted_date_time is None:
                    found.setdefault(user.id, (user, template.display_name))
        for user in self._tenant.people():
            if len(found) >= OFFERED:
                break
            if user.account_enabled and user.user_type == "Member" and user.assigned_licenses:
                found.setdefault(user.id, (user, ""))
        return found.values()

    def _password(self, interaction: Interaction, said: str = "") -> Response:
        user = interaction.user
        return self._show(
            "password",
            "Enter password",
            interaction,
            username=user.user_principal_name if user else "",
            said=said,
            password=PASSWORD,
        )

    def _second_factor(self, interaction: Interaction, said: str = "") -> Response:
        return self._show("mfa", "Enter code", interaction, said=said, code=MFA_CODE)

    def _consent(self, interaction: Interaction, user: User, question: Question) -> Response:
        told = [DELEGATED_PERMISSIONS[scope].told for scope in question.scopes]
        able = bool(self._tenant.directory_roles.of(user.id) & GRANTS_DELEGATED)
        return self._show(
            "consent",
            "Permissions requested",
            interaction,
            username=user.user_principal_name,
            app_name=self._name(interaction),
            permissions=[*told, *question.told],
            may_for_everybody=able and not question.for_everybody_only,
            for_everybody_only=question.for_everybody_only,
        )

    def _confirm(self, interaction: Interaction, user: User) -> Response:
        return self._show(
            "confirm",
            "Sign in",
            interaction,
            username=user.user_principal_name,
            app_name=self._name(interaction),
        )

    def _approval_needed(self, interaction: Interaction) -> Response:
        return self._show(
            "approval", "Need admin approval", interaction, app_name=self._name(interaction)
        )

    def _show(self, screen: str, title: str, interaction: Interaction, **values: Any) -> Response:
        return self._screens.show(
            screen,
            title=title,
            forms_to=interaction.purpose.forms_to,
            ctx=interaction.id,
            action=f"/{self._tenant.id}/login",
            **values,
        )

    # --- small things ------------------------------------------------------------------------

    def _application(self, purpose: Purpose) -> Application:
        """As it is now: it may have been changed while somebody typed a password."""
        found = self._registrations.find(purpose.app_id)
        if found is None:
            raise EntraError(
                700016,
                "unauthorized_client",
                f"Application with identifier '{purpose.app_id}' was not found in the directory.",
            )
        return found

    def _name(self, interaction: Interaction) -> str:
        return self._application(interaction.purpose).display_name

    def _note(self, interaction: Interaction, code: int, typed: str = "") -> None:
        user = interaction.user
        known = user.id if user else None
        self._state.note(
            person_id=interaction.proof.person_id if interaction.proof else known,
            username=typed or (user.user_principal_name if user else ""),
            app_id=interaction.purpose.app_id,
            way=interaction.purpose.way,
            code=code,
        )
