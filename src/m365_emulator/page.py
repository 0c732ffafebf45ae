"""The page on which a person plays the tenant: one address, plain forms, a few lines of script.

Every form posts to /_emulator/page/VERB, which acts as the control API does and comes back to the
page with a sentence. Nothing is decided here. Hosts and origins are checked in `control.py`.
"""

import base64
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode

import jinja2
import msgspec
from msgspec.structs import replace
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from m365_emulator import directory_roles, showing
from m365_emulator.apps import Application
from m365_emulator.faults import Kind, Order
from m365_emulator.portraits import SIZES
from m365_emulator.portraits import Kind as Photograph
from m365_emulator.refusals import Refused, UnknownObject
from m365_emulator.signin.state import MFA_CODE, PASSWORD
from m365_emulator.stage import Stage

HERE = Path(__file__).parent
POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; "
    "img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cache-control": "no-store",
}
STATIC = {
    "stage.css": "text/css",
    "stage.js": "text/javascript",
    "signin.css": "text/css",
    "signin.js": "text/javascript",
}
FOUND_AT_MOST = 12

FAULT_NAMES: Mapping[Kind, str] = {
    Kind.THROTTLED: "429 Too many requests",
    Kind.UNAVAILABLE: "503 Service unavailable",
    Kind.GATEWAY_TIMEOUT: "504 Gateway timeout",
    Kind.HTML_ERROR: "502 with an HTML page",
    Kind.DENIED: "403 Denied by a policy",
    Kind.EXPIRED_TOKEN: "401 Token expired",
    Kind.SLOW: "Slow answers",
    Kind.CUT_BEFORE: "Connection cut before the answer",
    Kind.CUT_MIDDLE: "Connection cut in the middle",
    Kind.EMPTY_VALUE: "Suddenly empty lists",
    Kind.TRUNCATED_JSON: "Truncated JSON",
    Kind.MALFORMED_JSON: "Malformed JSON",
    Kind.FOREIGN_NEXT_LINK: "Next link to another host",
}
"""In the order in which the page offers them."""

PHOTO_NAMES: Mapping[Photograph, str] = {
    Photograph.PORTRAIT: "a portrait",
    Photograph.TURNED: "one that lies on its side",
    Photograph.NOT_A_PICTURE: "a file that is no picture",
    Photograph.HUGE: "one of 20 MB",
}


POLICY_NAMES: Mapping[str, str] = {
    "block": "Conditional Access blocks every sign-in",
    "block_device_code": "Conditional Access blocks the device code flow",
    "require_mfa": "A second factor is required",
    "users_may_consent": "People may consent to applications themselves",
}
SIGN_INS_SHOWN = 8


class Form:
    """What a form sent; an empty field counts as not filled in."""

    def __init__(self, body: bytes) -> None:
        self._values = parse_qs(body.decode(), keep_blank_values=True)

    def text(self, name: str) -> str | None:
        value = self._values.get(name, [""])[0].strip()
        return value or None

    def needed(self, name: str) -> str:
        value = self.text(name)
        if value is None:
            raise Refused(f"fill in {name}")
        return value

    def number(self, name: str, default: float) -> float:
        value = self.text(name)
        try:
            return default if value is None else float(value)
        except ValueError as error:
            raise Refused(f"{name} must be a number, not {value!r}") from error

    def count(self, name: str) -> int | None:
        value = self.text(name)
        if value is not None and not value.isdecimal():
            raise Refused(f"{name} must be a whole number, not {value!r}")
        return None if value is None else int(value)


class Page:
    """The page of one stage."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._said: tuple[str, bool] | None = None
        environment = jinja2.Environment(
            loader=jinja2.FileSystemLoader(HERE / "templates"),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        environment.filters["thousands"] = lambda number: f"{number:,}"
        self._environment = environment

    def routes(self) -> list[Any]:
        return [
            Route("/", self._show, methods=["GET"]),
            Route("/_emulator", self._home, methods=["GET"]),
            Route("/_emulator/page/{verb}", self._play, methods=["POST"]),
            Route("/_emulator/static/{name}", self._static, methods=["GET"]),
        ]

    async def _home(self, _request: Request) -> Response:
        return RedirectResponse("/", 307)

    async def _static(self, request: Request) -> Response:
        kind = STATIC.get(request.path_params["name"])
        if kind is None:
            raise HTTPException(404)
        body = (HERE / "static" / request.path_params["name"]).read_bytes()
        return Response(body, headers=HEADERS | {"cache-control": "no-cache"}, media_type=kind)

    async def _show(self, request: Request) -> Response:
        stage, tenant = self._stage, self._stage.tenant
        query = request.query_params.get("q", "")
        chosen = request.query_params.get("person")
        said, self._said = self._said, None
        try:
            person = showing.person(tenant, tenant.user(chosen)) if chosen else None
        except UnknownObject:
            person = None
        groups = sorted(
            (showing.group_line(tenant, group) for group in tenant.groups()),
            key=lambda group: (group["displayName"] or "").casefold(),
        )
        text = self._environment.get_template("stage.html").render(
            state=msgspec.to_builtins(showing.state(stage)),
            query=query,
            found=[showing.person_line(u) for u in tenant.search_people(query, FOUND_AT_MOST)],
            found_at_most=FOUND_AT_MOST,
            person=person,
            photo_names=PHOTO_NAMES,
            thumbnail=self._thumbnail(person),
            groups=groups,
            names=showing.names_of_groups(tenant.groups()),
            deleted=[showing.binned(each) for each in reversed(tenant.recycle_bin())][:20],
            faults=[showing.fault(each) for each in stage.faults.in_force()],
            fault_names=FAULT_NAMES,
            quirks=tenant.quirks,
            password=PASSWORD,
            mfa_code=MFA_CODE,
            policies=msgspec.to_builtins(stage.signin.policies),
            policy_names=POLICY_NAMES,
            sign_ins=self._sign_ins(),
            apps=msgspec.to_builtins([showing.app(each) for each in stage.registrations]),
            directory_roles=[each.display_name for each in directory_roles.TEMPLATES.values()],
            requests=msgspec.to_builtins(stage.journal.last(10)),
            said=said,
        )
        return HTMLResponse(text, headers=HEADERS)

    def _sign_ins(self) -> list[dict[str, Any]]:
        newest = list(self._stage.signin.log)[: -SIGN_INS_SHOWN - 1 : -1]
        told: list[dict[str, Any]] = msgspec.to_builtins(
            [showing.sign_in(self._stage, each) for each in newest]
        )
        return told

    def _thumbnail(self, person: dict[str, Any] | None) -> str:
        """The person's photo as an address of its own, or ""."""
        if person is None or not self._stage.tenant.photos.sizes(person["id"]):
            return ""
        content = self._stage.tenant.photos.content(person["id"], SIZES[0])
        return f"data:image/jpeg;base64,{base64.b64encode(content).decode()}"

    async def _play(self, request: Request) -> Response:
        """Act, remember what to say, and go back to where the form was."""
        verbs: Mapping[str, Callable[[Form], str]] = {
            "hire": self._hire,
            "rename": self._rename,
            "update": self._update,
            "join": self._join,
            "leave": self._leave,
            "photo": self._photo,
            "remove-photo": self._remove_photo,
            "disable": lambda form: self._one(form, "disable", "is disabled"),
            "enable": lambda form: self._one(form, "enable", "is enabled"),
            "delete": lambda form: self._one(form, "delete", "is in the recycle bin"),
            "restore": self._restore,
            "purge": self._purge,
            "create-group": self._create_group,
            "rename-group": self._rename_group,
            "delete-group": self._delete_group,
            "fault-on": self._fault_on,
            "fault-off": self._fault_off,
            "lag": self._lag,
            "policies": self._policies,
            "role": self._role,
            "sign-out": self._sign_out,
            "enable-app": lambda form: self._switch_app(form, enabled=True),
            "disable-app": lambda form: self._switch_app(form, enabled=False),
            "expire": self._expire,
            "withdraw": self._withdraw,
        }
        verb = verbs.get(request.path_params["verb"])
        if verb is None:
            return HTMLResponse("no such verb", 404, HEADERS)
        form = Form(await request.body())
        try:
            self._said = (verb(form), True)
        except (Refused, UnknownObject, ValueError) as error:
            self._said = (f"Refused: {error}", False)
        kept = {name: form.text(name) for name in ("q", "person")}
        query = urlencode({name: value for name, value in kept.items() if value})
        return RedirectResponse(f"/?{query}" if query else "/", 303)

    # --- the verbs: each says in a sentence what has happened --------------------------------

    def _hire(self, form: Form) -> str:
        properties = {
            name: value
            for name in ("department", "jobTitle", "mobilePhone")
            if (value := form.text(name)) is not None
        }
        group = form.text("group")
        hired = self._stage.tenant.hire(
            form.text("displayName"), groups=[group] if group else [], **properties
        )
        return f"{hired.display_name} joins as {hired.user_principal_name}."

    def _rename(self, form: Form) -> str:
        user = self._stage.tenant.rename(
            form.needed("person"),
            display_name=form.needed("displayName"),
            upn=form.needed("userPrincipalName"),
        )
        return f"{user.display_name} is now {user.user_principal_name}."

    def _update(self, form: Form) -> str:
        names = ("department", "jobTitle", "companyName", "mobilePhone")
        properties: dict[str, Any] = {name: form.text(name) for name in names}
        phone = form.text("businessPhone")
        properties["businessPhones"] = [] if phone is None else [phone]
        user = self._stage.tenant.update(form.needed("person"), **properties)
        return f"{user.display_name} is saved."

    def _join(self, form: Form) -> str:
        tenant, group_id = self._stage.tenant, form.needed("group")
        user = tenant.move(form.needed("person"), add=[group_id])
        return f"{user.display_name} joins {tenant.group(group_id).display_name}."

    def _leave(self, form: Form) -> str:
        tenant, group_id = self._stage.tenant, form.needed("group")
        user = tenant.move(form.needed("person"), remove=[group_id])
        return f"{user.display_name} leaves {tenant.group(group_id).display_name}."

    def _photo(self, form: Form) -> str:
        tenant = self._stage.tenant
        user = tenant.user(form.needed("person"))
        kind = Photograph(form.needed("kind"))
        tenant.photos.make_up(user.id, kind)
        return f"{user.display_name} has another photo: {PHOTO_NAMES[kind]}."

    def _remove_photo(self, form: Form) -> str:
        tenant = self._stage.tenant
        user = tenant.user(form.needed("person"))
        tenant.photos.remove(user.id)
        return f"{user.display_name} has no photo any more."

    def _one(self, form: Form, verb: str, outcome: str) -> str:
        user = getattr(self._stage.tenant, verb)(form.needed("person"))
        return f"{user.display_name} {outcome}."

    def _restore(self, form: Form) -> str:
        return f"{self._stage.tenant.restore(form.needed('object')).display_name} is back."

    def _purge(self, form: Form) -> str:
        self._stage.tenant.purge(form.needed("object"))
        return "Gone for good."

    def _create_group(self, form: Form) -> str:
        unified = {"groupTypes": ["Unified"]} if form.text("kind") == "unified" else {}
        group = self._stage.tenant.create_group(form.needed("displayName"), **unified)
        return f"The group {group.display_name} is there."

    def _rename_group(self, form: Form) -> str:
        name = form.needed("displayName")
        group = self._stage.tenant.rename_group(form.needed("group"), name)
        return f"The group is now called {group.display_name}."

    def _delete_group(self, form: Form) -> str:
        group_id = form.needed("group")
        name = self._stage.tenant.group(group_id).display_name
        self._stage.tenant.delete_group(group_id)
        return f"The group {name} is deleted."

    def _fault_on(self, form: Form) -> str:
        try:
            order = msgspec.convert(
                {
                    "kind": form.needed("kind"),
                    "path": form.text("path") or "/v1.0/*",
                    "probability": form.number("percent", 100) / 100,
                    "count": form.count("count"),
                    "retryAfterS": form.count("seconds"),
                    "delayS": form.number("seconds", 5),
                },
                Order,
            )
        except msgspec.ValidationError as error:
            raise Refused(str(error)) from error
        self._stage.faults.switch_on(order)
        return f"Switched on: {FAULT_NAMES[order.kind]}."

    def _fault_off(self, form: Form) -> str:
        fault = form.needed("fault")
        try:
            self._stage.faults.switch_off(fault)
        except KeyError:
            raise Refused(f"{fault} is switched off already") from None
        return "Switched off."

    def _lag(self, form: Form) -> str:
        seconds = form.number("seconds", 0)
        if not 0 <= seconds <= 86400:
            raise Refused("the delay is between 0 and 86400 seconds")
        tenant = self._stage.tenant
        tenant.quirks = replace(tenant.quirks, replication_delay_s=seconds)
        return f"Readers now see changes {seconds:g} s late."

    def _policies(self, form: Form) -> str:
        signin = self._stage.signin
        chosen = {name: form.text(name) is not None for name in POLICY_NAMES}
        signin.policies = replace(signin.policies, **chosen)
        return "The policies are set."

    def _role(self, form: Form) -> str:
        tenant = self._stage.tenant
        user = tenant.user(form.needed("person"))
        name = form.text("role")
        if name is None:
            tenant.directory_roles.assign(user.id)
            return f"{user.display_name} administers nothing."
        role = directory_roles.named(name)
        tenant.directory_roles.assign(user.id, role.id)
        return f"{user.display_name} is {role.display_name} now."

    def _sign_out(self, form: Form) -> str:
        user = self._stage.tenant.user(form.needed("person"))
        self._stage.revoke_sessions(user.id)
        return f"{user.display_name} is signed out everywhere."

    def _app(self, form: Form) -> Application:
        app_id = form.needed("app")
        application = self._stage.registrations.find(app_id)
        if application is None:
            raise Refused(f"no application has the client id {app_id}")
        return application

    def _switch_app(self, form: Form, *, enabled: bool) -> str:
        application = self._app(form)
        self._stage.registrations.enable(application.app_id, enabled=enabled)
        return f"{application.display_name} is {'enabled' if enabled else 'disabled'}."

    def _expire(self, form: Form) -> str:
        application = self._app(form)
        try:
            self._stage.registrations.expire_credential(
                application.app_id, form.needed("key"), self._stage.clock()
            )
        except KeyError:
            raise Refused("that credential is gone already") from None
        return f"A credential of {application.display_name} has expired."

    def _withdraw(self, form: Form) -> str:
        application = self._app(form)
        self._stage.withdraw_consent(application.app_id)
        return f"{application.display_name}: all consent is taken back."
