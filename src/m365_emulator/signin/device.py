"""The device code flow: codes handed out, typed into a page, and polled for.

Source: Entra docs, v2-oauth2-device-code; RFC 8628 for `slow_down`, whose number and that of a
declined request are ours; read 2026-11.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from m365_emulator import entra_errors
from m365_emulator.apps import Application
from m365_emulator.authorities import named_tenant
from m365_emulator.clock import Clock
from m365_emulator.entra_errors import EntraError
from m365_emulator.registrations import Registrations
from m365_emulator.resources import User
from m365_emulator.signin import consent, errors
from m365_emulator.signin.purpose import Question, allowed_question
from m365_emulator.signin.redirects import Kind
from m365_emulator.signin.scopes import Wanted, read_scope
from m365_emulator.signin.screens import Screens
from m365_emulator.signin.state import FORGOTTEN_AFTER, Grant, Proof, SignInState
from m365_emulator.signin.steps import Steps
from m365_emulator.tenant import Tenant
from m365_emulator.token_requests import (
    announces_cp1,
    origin_of,
    read_client,
    read_form,
    read_pairs,
    required,
)

LIFE = timedelta(minutes=15)
INTERVAL_S = 5
ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
CODE_LENGTH = 9
PAGE = "/common/oauth2/deviceauth"


@dataclass(slots=True)
class Device:
    """A sign-in that a device waits for."""

    user_code: str
    app_id: str
    wanted: Wanted
    issued_at: datetime
    can_be_challenged: bool
    interval_s: int = INTERVAL_S
    polled_at: datetime | None = None
    proof: Proof | None = None
    declined: bool = False


class DeviceCode:
    """The device code endpoints of one tenant, and the page where the user code is typed."""

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
        self._devices: dict[str, Device] = {}

    def routes(self) -> list[Route]:
        return [
            Route("/{tenant}/oauth2/v2.0/devicecode", self._issue, methods=["POST"]),
            Route("/devicelogin", self._short, methods=["GET"]),
            Route(PAGE, self._ask, methods=["GET"]),
            Route(PAGE, self._typed, methods=["POST"]),
        ]

    # --- the device's side -------------------------------------------------------------------

    async def _issue(self, request: Request) -> Response:
        state = request.state
        try:
            told = await self._new(request)
        except EntraError as error:
            return entra_errors.respond(
                error, self._clock(), state.request_id, state.client_request_id
            )
        return Response(msgspec.json.encode(told), media_type="application/json")

    async def _new(self, request: Request) -> dict[str, Any]:
        form = await read_form(request)
        named = named_tenant(self._tenant, request.path_params["tenant"])
        client = read_client(request, form)
        if client.app_id is None:
            raise entra_errors.missing_parameter("client_id")
        application = self._registrations.seen(client.app_id)
        if application is None:
            raise entra_errors.unknown_app(client.app_id, self._tenant.display_name)
        if not application.enabled:
            raise entra_errors.disabled_app(application.app_id, application.display_name)
        if named is None and not application.manifest.is_multi_tenant:
            raise errors.one_tenant_only(application.app_id, application.display_name)
        scope = required(form, "scope")
        wanted = read_scope(scope, application, self._tenant.display_name)
        for ended in [
            code
            for code, each in self._devices.items()
            if self._clock() - each.issued_at >= FORGOTTEN_AFTER
        ]:
            del self._devices[ended]
        user_code = "".join(secrets.choice(ALPHABET) for _ in range(CODE_LENGTH))
        device_code = f"D{secrets.token_urlsafe(64)}"
        self._devices[device_code] = Device(
            user_code, application.app_id, wanted, self._clock(), announces_cp1(form)
        )
        uri = f"{origin_of(request)}/devicelogin"
        return {
            "user_code": user_code,
            "device_code": device_code,
            "verification_uri": uri,
            "expires_in": int(LIFE.total_seconds()),
            "interval": INTERVAL_S,
            "message": (
                f"To sign in, use a web browser to open the page {uri} and enter the code "
                f"{user_code} to authenticate."
            ),
        }

    def poll(self, application: Application, device_code: str) -> Grant:
        """The grant that a person gave; EntraError until then, and when there will be none."""
        device = self._devices.get(device_code)
        if device is None or device.app_id != application.app_id:
            raise EntraError(
                70018,
                "bad_verification_code",
                "Invalid verification code. The device_code was not recognized.",
            )
        now = self._clock()
        if now - device.issued_at >= LIFE:
            raise EntraError(70019, "expired_token", "The verification code has expired.")
        if device.declined:
            raise EntraError(
                65004, "authorization_declined", "The end user denied the authorization request."
            )
        if device.proof is None:
            raise self._pending(device, now)
        del self._devices[device_code]
        return Grant(
            app_id=device.app_id,
            proof=device.proof,
            scopes=device.wanted.names,
            audience=device.wanted.audience,
            kind=Kind.PUBLIC if application.manifest.is_public else Kind.WEB,
            can_be_challenged=device.can_be_challenged,
        )

    @staticmethod
    def _pending(device: Device, now: datetime) -> EntraError:
        before, device.polled_at = device.polled_at, now
        if before is not None and now - before < timedelta(seconds=device.interval_s):
            device.interval_s += INTERVAL_S
            return EntraError(
                90055, "slow_down", "The device polls too often. Wait longer between requests."
            )
        return EntraError(
            70016,
            "authorization_pending",
            "OAuth 2.0 device flow error. Authorization is pending. Continue polling.",
        )

    # --- the person's side -------------------------------------------------------------------

    async def _short(self, _request: Request) -> Response:
        return RedirectResponse(PAGE, 302)

    async def _ask(self, request: Request) -> Response:
        return self._enter(request)

    def _enter(self, request: Request, typed: str = "", said: str = "") -> Response:
        answer = self._screens.show(
            "device_code", title="Enter code", action=PAGE, typed=typed, said=said
        )
        return self._steps.remember(request, self._steps.session(request), answer)

    async def _typed(self, request: Request) -> Response:
        try:
            form = read_pairs((await request.body()).decode())
        except (EntraError, UnicodeDecodeError):
            form = {}
        typed = form.get("otc", "").strip().upper().replace("-", "")
        device = next((each for each in self._devices.values() if each.user_code == typed), None)
        if device is None or device.declined or device.proof is not None:
            return self._enter(
                request, typed, "That code didn't work. Check the code and try again."
            )
        if self._clock() - device.issued_at >= LIFE:
            return self._enter(
                request, typed, "The code you entered has expired. Get a new code from the device."
            )
        session = self._steps.session(request)
        screen = "pick" if session.proofs else "username"
        return self._steps.begin(request, session, ForDevice(self, device), screen)

    # --- the purpose -------------------------------------------------------------------------

    def question(self, device: Device, user: User) -> Question | None:
        application = self._registrations.find(device.app_id)
        if application is None:
            raise entra_errors.unknown_app(device.app_id, self._tenant.display_name)
        return allowed_question(
            application,
            user,
            device.wanted.names,
            self._tenant.directory_roles.of(user.id),
            users_may=self._state.policies.users_may_consent,
        )

    def accept(self, device: Device, user: User, *, for_everybody: bool) -> None:
        application = self._registrations.find(device.app_id)
        if application is not None:
            person_id = None if for_everybody else user.id
            self._registrations.put(consent.granted(application, person_id, device.wanted.names))

    def done(self, device: Device) -> Response:
        application = self._registrations.find(device.app_id)
        name = application.display_name if application else device.app_id
        return self._screens.show(
            "device_done", title="Signed in", app_name=name, declined=device.declined
        )


class ForDevice:
    """The purpose of a typed user code: the device may collect its tokens."""

    way = "device_code"
    username = ""
    forms_to: tuple[str, ...] = ()
    by_device = True
    assigned_only = True

    def __init__(self, flow: DeviceCode, device: Device) -> None:
        self._flow = flow
        self._device = device
        self.app_id = device.app_id

    def question(self, user: User) -> Question | None:
        return self._flow.question(self._device, user)

    def accept(self, user: User, *, for_everybody: bool) -> None:
        self._flow.accept(self._device, user, for_everybody=for_everybody)

    def finish(self, _request: Request, proof: Proof, _user: User) -> Response:
        self._device.proof = proof
        return self._flow.done(self._device)

    def refuse(self, _request: Request, _error: EntraError) -> Response:
        self._device.declined = True
        return self._flow.done(self._device)
