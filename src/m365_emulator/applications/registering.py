"""`/applications`: list, get, create, upsert, update, delete, and the credentials' actions.

Source: Graph docs, application-list, -get, -post-applications, -upsert, -update, -delete and the
pages of the actions; read 2026-11.
"""

import secrets
import uuid
from dataclasses import replace
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from m365_emulator.access import requires
from m365_emulator.applications import credentials, rights, told, wire
from m365_emulator.applications.told import APPLICATION, Home
from m365_emulator.apps import Application
from m365_emulator.errors import bad_request, not_found
from m365_emulator.listing import Lister
from m365_emulator.manifest import Manifest, changed
from m365_emulator.paging import Seal
from m365_emulator.query import read_single_select
from m365_emulator.registrations import Registrations
from m365_emulator.tenant import Tenant

READ_ONLY = frozenset(
    "id appId createdDateTime deletedDateTime publisherDomain verifiedPublisher certification "
    "applicationTemplateId disabledByMicrosoftStatus".split()
)
ITEMS = ("/applications/{id}", "/applications(appId='{app_id}')", "/applications('{id}')")
BY_NAME = "/applications(uniqueName='{name}')"


class Applications:
    """The `/applications` routes of one tenant."""

    def __init__(self, tenant: Tenant, registrations: Registrations) -> None:
        self._tenant = tenant
        self._registrations = registrations
        self._home = Home(tenant.id, tenant.domain, tenant.opened_at)
        self._lister = Lister(Seal(tenant.id), tenant.now, lambda: tenant.quirks)

    def routes(self) -> list[Route]:
        found = [
            Route("/applications", self.list_applications, methods=["GET"]),
            Route("/applications", self.create, methods=["POST"]),
            Route(BY_NAME, self.get, methods=["GET"]),
            Route(BY_NAME, self.upsert, methods=["PATCH"]),
            Route(BY_NAME, self.delete, methods=["DELETE"]),
        ]
        for item in ITEMS:
            found += [
                Route(item, self.get, methods=["GET"]),
                Route(item, self.update, methods=["PATCH"]),
                Route(item, self.delete, methods=["DELETE"]),
                Route(f"{item}/addPassword", self.add_password, methods=["POST"]),
                Route(f"{item}/removePassword", self.remove_password, methods=["POST"]),
                Route(f"{item}/addKey", self.add_key, methods=["POST"]),
                Route(f"{item}/removeKey", self.remove_key, methods=["POST"]),
            ]
        return found

    # --- reading -----------------------------------------------------------------------------

    @requires(*rights.READ)
    async def list_applications(self, request: Request) -> Response:
        found = (
            told.application(self._home, each)
            for each in self._registrations
            if each.home_tenant_id is None and self._registrations.fresh.is_seen(each.object_id)
        )
        return wire.listed(request, self._lister, found, APPLICATION, "applications")

    @requires(*rights.READ)
    async def get(self, request: Request) -> Response:
        select = read_single_select(request, APPLICATION)
        application = self._asked(request)
        with_keys = select is not None and "keyCredentials" in select
        found = told.application(self._home, application, with_keys=with_keys)
        return wire.entity(request, found, APPLICATION, "applications", select=select)

    # --- writing -----------------------------------------------------------------------------

    async def create(self, request: Request) -> Response:
        body = await wire.read_body(request)
        return self._create(request, body)

    async def upsert(self, request: Request) -> Response:
        """By a name that the client has chosen: created when it is missing and that is wished."""
        name: str = request.path_params["name"]
        known = self._named(name)
        body = await wire.read_body(request)
        if body.get("uniqueName", name) != name:
            raise bad_request("The uniqueName in the body differs from the one in the address.")
        body["uniqueName"] = name
        if known is not None:
            rights.may_change(request, known)
            self._change(known, body)
            return wire.nothing()
        wishes = request.headers.get("prefer", "").replace(" ", "").lower().split(",")
        if "create-if-missing" not in wishes:
            raise not_found(name)
        return self._create(request, body)

    async def update(self, request: Request) -> Response:
        application = self._asked(request)
        rights.may_change(request, application)
        self._change(application, await wire.read_body(request))
        return wire.nothing()

    async def delete(self, request: Request) -> Response:
        """With its service principal; the recycle bin for applications is not played."""
        application = self._asked(request)
        rights.may_change(request, application)
        self._registrations.remove(application.app_id)
        return wire.nothing()

    def _create(self, request: Request, body: dict[str, Any]) -> Response:
        caller = rights.caller_of(request)
        guest = caller.is_person and self._tenant.user(caller.object_id).user_type == "Guest"
        rights.may_create(request, guest=guest)
        wire.text_of(body, "displayName")
        keys = body.pop("keyCredentials", None) or []
        self._check_names(body, None)
        audience = {"signInAudience": "AzureADandPersonalMicrosoftAccount"}
        application = Application(
            app_id=str(uuid.uuid4()),
            object_id=str(uuid.uuid4()),
            manifest=_described(Manifest(display_name=""), {**audience, **body}),
            created_at=self._tenant.now(),
            owner_ids=frozenset({caller.object_id}),
        )
        certificates = credentials.replaced(application, keys)
        made = self._registrations.put(replace(application, certificates=certificates))
        self._registrations.fresh.note(made.object_id, *(each.key_id for each in certificates))
        found = told.application(self._home, made)
        return wire.entity(request, found, APPLICATION, "applications", status=201)

    def _change(self, application: Application, body: dict[str, Any]) -> None:
        self._check_names(body, application)
        keys = body.pop("keyCredentials", None)
        after = replace(application, manifest=_described(application.manifest, body))
        if keys is not None:
            certificates = credentials.replaced(application, keys)
            before = {each.key_id for each in application.certificates}
            new = [each.key_id for each in certificates if each.key_id not in before]
            self._registrations.fresh.note(*new)
            after = replace(after, certificates=certificates)
        self._registrations.put(after)

    def _check_names(self, body: dict[str, Any], application: Application | None) -> None:
        """What must be unique, and what an application may not say of itself."""
        for name in READ_ONLY & body.keys():
            raise bad_request(f"Property '{name}' is read-only and cannot be set.")
        if body.get("passwordCredentials"):
            raise bad_request(
                "Passwords cannot be set by this request; use addPassword.",
                "CannotUpdatePasswordCredentials",
            )
        body.pop("passwordCredentials", None)
        unique_name = body.get("uniqueName")
        if isinstance(unique_name, str):
            holder = self._named(unique_name)
            if holder is not None and holder is not application:
                raise wire.taken("Another object with the same value for uniqueName exists.")
        uris = body.get("identifierUris")
        for uri in uris if isinstance(uris, list) else ():
            for each in self._registrations:
                if each is not application and uri in each.manifest.identifier_uris:
                    raise wire.taken(
                        "Another object with the same value for property identifierUris exists."
                    )

    # --- credentials -------------------------------------------------------------------------

    async def add_password(self, request: Request) -> Response:
        application = self._asked(request)
        rights.may_change(request, application)
        body = await wire.read_body(request)
        value = f"{secrets.token_urlsafe(3)[:3]}8Q~{secrets.token_urlsafe(25)[:34]}"
        asked = body.get("passwordCredential") or {}
        made = credentials.new_secret(asked, value, self._tenant.now())
        credentials.check_policy(made, self._tenant.quirks)
        self._registrations.put(replace(application, secrets=(*application.secrets, made)))
        self._registrations.fresh.note(made.key_id)
        return wire.structure(request, "passwordCredential", told.secret(made, with_text=True))

    async def remove_password(self, request: Request) -> Response:
        application = self._asked(request)
        rights.may_change(request, application)
        key_id = wire.text_of(await wire.read_body(request), "keyId")
        kept = tuple(each for each in application.secrets if each.key_id != key_id)
        if kept == application.secrets:
            raise bad_request(f"No password credential found with keyId '{key_id}'.")
        self._registrations.put(replace(application, secrets=kept))
        return wire.nothing()

    async def add_key(self, request: Request) -> Response:
        """By who holds an existing key; the application itself needs no permission for it."""
        application = self._asked(request)
        self._may_roll(request, application)
        body = await wire.read_body(request)
        asked = body.get("keyCredential")
        if not isinstance(asked, dict):
            raise bad_request("A value is required for property 'keyCredential' of the request.")
        credentials.check_proof(application, body.get("proof"), self._tenant.now())
        made = credentials.read_certificate(asked)
        self._registrations.put(
            replace(application, certificates=(*application.certificates, made))
        )
        self._registrations.fresh.note(made.key_id)
        return wire.structure(request, "keyCredential", told.certificate(made, whole=False))

    async def remove_key(self, request: Request) -> Response:
        application = self._asked(request)
        self._may_roll(request, application)
        body = await wire.read_body(request)
        key_id = wire.text_of(body, "keyId")
        credentials.check_proof(application, body.get("proof"), self._tenant.now())
        kept = tuple(each for each in application.certificates if each.key_id != key_id)
        if kept == application.certificates:
            raise bad_request(f"No key credential found with keyId '{key_id}'.")
        self._registrations.put(replace(application, certificates=kept))
        return wire.nothing()

    @staticmethod
    def _may_roll(request: Request, application: Application) -> None:
        caller = rights.caller_of(request)
        if caller.is_person or caller.app_id != application.app_id:
            rights.may_change(request, application)

    # --- finding -----------------------------------------------------------------------------

    def _named(self, name: str) -> Application | None:
        return next(
            (each for each in self._registrations if each.manifest.unique_name == name), None
        )

    def _asked(self, request: Request) -> Application:
        """The application that the address names, once readers can see it."""
        given = request.path_params
        key: str = given.get("id") or given.get("app_id") or given["name"]
        if "id" in given:
            found = next((e for e in self._registrations if e.object_id == key.lower()), None)
        elif "app_id" in given:
            found = self._registrations.find(key)
        else:
            found = self._named(key)
        if (
            found is None
            or found.home_tenant_id is not None
            or not self._registrations.fresh.is_seen(found.object_id)
        ):
            raise not_found(key)
        return found


def _described(manifest: Manifest, body: dict[str, Any]) -> Manifest:
    try:
        return changed(manifest, body)
    except ValueError as error:
        raise wire.bad_value(error) from error
