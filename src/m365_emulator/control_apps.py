"""The control API on applications: registering, credentials, consent, tokens.

Reference: docs/emulator.md.
"""

from dataclasses import replace
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request

from m365_emulator import orders, showing
from m365_emulator.apps import Application
from m365_emulator.control_wire import Played, read
from m365_emulator.permissions import DIRECTORY_ROLES
from m365_emulator.signin import consent
from m365_emulator.stage import Stage


class ControlApps:
    """The verbs of applications, for the control API and the page."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    def played(self) -> list[Played]:
        return [
            ("GET", "/apps", self._apps),
            ("POST", "/apps", self._register),
            ("GET", "/apps/{id}", self._app),
            ("PATCH", "/apps/{id}", self._change),
            ("DELETE", "/apps/{id}", self._remove),
            ("POST", "/apps/{id}/credentials", self._add_credential),
            ("DELETE", "/apps/{id}/credentials/{key}", self._remove_credential),
            ("POST", "/apps/{id}/credentials/{key}/expire", self._expire_credential),
            ("DELETE", "/apps/{id}/consent", self._withdraw),
            ("POST", "/tokens/revoke", self._revoke),
        ]

    async def _apps(self, _request: Request) -> Any:
        return {"apps": [showing.app(each) for each in self._stage.registrations]}

    async def _register(self, request: Request) -> Any:
        order = await read(request, orders.NewApp)
        registrations = self._stage.registrations
        made = registrations.register(
            order.display_name,
            app_id=order.app_id,
            roles=DIRECTORY_ROLES if order.roles is None else order.roles,
            properties=order.properties,
        )
        shown: dict[str, str] = {}
        try:
            for secret in order.secrets:
                shown |= self._put_secret(made, secret)
            for certificate in order.certificates:
                self._put_certificate(made, certificate)
        except ValueError:
            registrations.remove(made.app_id)
            raise
        return showing.app(self._registered(made.app_id), shown)

    async def _app(self, request: Request) -> Any:
        return showing.app(self._registered(request.path_params["id"]))

    async def _change(self, request: Request) -> Any:
        order = await read(request, orders.ChangedApp)
        app_id = self._registered(request.path_params["id"]).app_id
        registrations = self._stage.registrations
        if order.properties:
            registrations.describe(app_id, order.properties)
        if order.roles is not None:
            registrations.grant(app_id, order.roles)
        if order.enabled is not None:
            registrations.enable(app_id, enabled=order.enabled)
        if order.assignment_required is not None:
            self.demand_assignment(app_id, required=order.assignment_required)
        return showing.app(self._registered(app_id))

    def demand_assignment(self, app_id: str, *, required: bool) -> None:
        """Whether only people who are assigned to the application come in."""
        known = consent.let_in(self._registered(app_id))
        if known.principal is not None:
            principal = replace(known.principal, assignment_required=required)
            self._stage.registrations.put(replace(known, principal=principal))

    async def _remove(self, request: Request) -> None:
        self._stage.registrations.remove(self._registered(request.path_params["id"]).app_id)

    async def _add_credential(self, request: Request) -> Any:
        order = await read(request, orders.NewCredential)
        known = self._registered(request.path_params["id"])
        if (order.secret is None) == (order.certificate is None):
            raise HTTPException(400, "give either a secret or a certificate")
        shown: dict[str, str] = {}
        if order.secret is not None:
            shown = self._put_secret(known, order.secret)
        if order.certificate is not None:
            self._put_certificate(known, order.certificate)
        return showing.app(self._registered(known.app_id), shown)

    async def _remove_credential(self, request: Request) -> None:
        known = self._registered(request.path_params["id"])
        self._stage.registrations.remove_credential(known.app_id, request.path_params["key"])

    async def _expire_credential(self, request: Request) -> Any:
        """Its end is now."""
        known = self._registered(request.path_params["id"])
        self._stage.registrations.expire_credential(
            known.app_id, request.path_params["key"], self._stage.clock()
        )
        return showing.app(self._registered(known.app_id))

    async def _withdraw(self, request: Request) -> Any:
        """One person's consent, or everybody's with the application permissions."""
        known = self._registered(request.path_params["id"])
        self._stage.withdraw_consent(known.app_id, request.query_params.get("person"))
        return showing.app(self._registered(known.app_id))

    async def _revoke(self, request: Request) -> Any:
        order = await read(request, orders.Revoke)
        return {"revoked": self._stage.tokens.revoke(order.app_id)}

    def _registered(self, app_id: str) -> Application:
        known = self._stage.registrations.find(app_id)
        if known is None:
            raise HTTPException(404, f"no application has the client id {app_id}")
        return known

    def _put_secret(self, application: Application, order: orders.NewSecret) -> dict[str, str]:
        made = self._stage.registrations.add_secret(
            application.app_id,
            self._stage.clock(),
            value=order.value,
            display_name=order.display_name,
            ends_at=order.ends_at,
        )
        return {made.key_id: made.value}

    def _put_certificate(self, application: Application, order: orders.NewCertificate) -> None:
        self._stage.registrations.add_certificate(
            application.app_id, order.pem.encode(), order.display_name
        )
