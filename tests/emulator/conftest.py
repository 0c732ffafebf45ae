"""The emulated tenant, in process and as a process of its own.

In process: a standing clock, twenty people, and a client without sockets. As a process: `stage`,
with an http and an https port on loopback, for clients that we have not written.
"""

import contextlib
import html
import json
import re
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from http.client import HTTPConnection  # noqa: TID251 - plain tests drive the stage with it
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit
from urllib.request import (  # noqa: TID251 - plain tests drive the stage with it
    HTTPRedirectHandler,
    HTTPSHandler,
    Request,
    build_opener,
)

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from starlette.types import ASGIApp

from m365_emulator.apps import Application
from m365_emulator.clock import Clock
from m365_emulator.directory_roles import CLOUD_APPLICATION_ADMINISTRATOR, GLOBAL_ADMINISTRATOR
from m365_emulator.exchange import Answer, ask
from m365_emulator.resources import User
from m365_emulator.server import Emulator
from m365_emulator.signin import claims
from m365_emulator.signin.state import PASSWORD, Proof

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
SECRET = "correct~horse+battery&staple"
FORM = "application/x-www-form-urlencoded"


class Reply:
    """An answer as a test reads it."""

    def __init__(self, answer: Answer) -> None:
        self.status = answer.status
        self.headers = answer.headers
        self.body = answer.body

    def json(self) -> Any:
        return msgspec.json.decode(self.body)

    @property
    def code(self) -> str:
        """Graph's `error.code`."""
        return str(self.json()["error"]["code"])

    @property
    def aadsts(self) -> int:
        """Entra's number."""
        return int(self.json()["error_codes"][0])


class Client:
    """Asks an ASGI app in process, under a loopback name unless `base` says otherwise."""

    def __init__(self, app: ASGIApp, base: str = "http://localhost") -> None:
        self.app = app
        self.base = base
        self.headers: dict[str, str] = {}

    async def send(
        self,
        method: str,
        url: str,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        parts = urlsplit(url if "://" in url else self.base + url)
        given = {"host": parts.netloc, **self.headers, **(headers or {})}
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": parts.scheme,
            "server": (parts.hostname, parts.port or 80),
            "client": ("127.0.0.1", 50000),
            "root_path": "",
            "path": unquote(parts.path),
            "raw_path": parts.path.encode(),
            "query_string": parts.query.encode(),
            "headers": [(k.lower().encode(), v.encode()) for k, v in given.items()],
        }
        return Reply(await ask(self.app, scope, body))

    async def get(self, url: str, **headers: str) -> Reply:
        return await self.send("GET", url, headers=_spelled(headers))

    async def post(self, url: str, body: Any = None, **headers: str) -> Reply:
        return await self.send_json("POST", url, body, **headers)

    async def send_json(self, method: str, url: str, body: Any = None, **headers: str) -> Reply:
        encoded = b"" if body is None else msgspec.json.encode(body)
        return await self.send(
            method, url, encoded, {"content-type": "application/json", **_spelled(headers)}
        )

    async def post_form(self, url: str, form: Mapping[str, str], **headers: str) -> Reply:
        body = urlencode(form).encode()
        return await self.send("POST", url, body, {"content-type": FORM, **_spelled(headers)})


def _spelled(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


class Credential:
    """A client's key pair with its self-signed certificate."""

    def __init__(self, starts_at: datetime, ends_at: datetime, bits: int = 2048) -> None:
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=bits)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "jackfield")])
        self.certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(self.key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(starts_at)
            .not_valid_after(ends_at)
            .sign(self.key, hashes.SHA256())
        )
        self.pem = self.certificate.public_bytes(Encoding.PEM)


@pytest.fixture
def clock() -> Clock:
    """Stands at noon until a test advances it."""
    return Clock.standing(NOON)


@pytest.fixture
def slept() -> list[float]:
    """The seconds that the fault `slow` would have waited."""
    return []


@pytest.fixture
def emulator(clock: Clock, slept: list[float]) -> Emulator:
    """Twenty people, the same in every test."""

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    return Emulator(people=20, seed=7, clock=clock, sleep=sleep)


@pytest.fixture
def client(emulator: Emulator) -> Client:
    """Nobody in particular."""
    return Client(emulator)


@pytest.fixture
def app(emulator: Emulator) -> Application:
    """An app with a secret and what people sync needs."""
    return emulator.register(secret=SECRET)


@pytest.fixture
def graph(emulator: Emulator, app: Application) -> Client:
    """A client of Graph that holds a token of `app`."""
    client = Client(emulator)
    token = emulator.tokens.issue(app, "https://graph.microsoft.com", "secret")
    client.headers["authorization"] = f"Bearer {token.value}"
    return client


@pytest.fixture(scope="session")
def credential() -> Credential:
    """A certificate that is good for a year around noon."""
    return Credential(NOON - timedelta(days=180), NOON + timedelta(days=180))


@pytest.fixture(scope="session")
def expired_credential() -> Credential:
    """A certificate that ended yesterday."""
    return Credential(NOON - timedelta(days=365), NOON - timedelta(days=1))


class Stage:
    """The emulator as a process; `play` is its control API."""

    def __init__(self, facts: dict[str, Any], key_pem: bytes, credential: Credential) -> None:
        self.url: str = facts["url"]
        self.https: str = facts["https_url"].replace("127.0.0.1", "localhost")
        self.tenant: str = facts["tenant_id"]
        self.domain: str = facts["domain"]
        self.authority_file: str = facts["ca_file"]
        self.app_id = APP_ID
        self.secret = SECRET
        self.key_pem = key_pem
        self.credential = credential

    def play(self, method: str, path: str, body: Any = None) -> Any:
        return self.ask(method, f"/_emulator{path}", body)

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """JSON in, JSON out, over the http port; an error fails the test."""
        connection = HTTPConnection("127.0.0.1", urlsplit(self.url).port, timeout=30)
        with contextlib.closing(connection):
            connection.request(method, path, None if body is None else json.dumps(body))
            answer = connection.getresponse()
            text = answer.read()
        assert answer.status < 400, text
        return json.loads(text) if text else None


APP_ID = "9c1f0000-0000-4000-8000-000000000001"


@pytest.fixture(scope="session")
def stage_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("stage")
    now = datetime.now(UTC)
    credential = Credential(now - timedelta(days=1), now + timedelta(days=30))
    (folder / "certificate.pem").write_bytes(credential.pem)
    command = [
        *(sys.executable, "-m", "m365_emulator", "--port", "0", "--https-port", "0"),
        *("--ca-out", str(folder / "authority.pem"), "--people", "120", "--seed", "11"),
        *("--ready-file", str(folder / "ready.json"), "--register-app", APP_ID),
        *("--certificate", str(folder / "certificate.pem"), "--client-secret", SECRET),
        *("--roles", "User.Read.All,GroupMember.Read.All,LicenseAssignment.Read.All"),
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line.startswith("ready "), line
            facts = json.loads((folder / "ready.json").read_text())
            pem = credential.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
            yield Stage(facts, pem, credential)
        finally:
            process.terminate()
            assert process.wait(timeout=5) == 0


@pytest.fixture
def stage(stage_process: Stage, monkeypatch: pytest.MonkeyPatch) -> Stage:
    """The process, reset to its first day. Its authority is trusted by who is told to."""
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "localhost,127.0.0.1")
    stage_process.play("POST", "/reset")
    return stage_process


@pytest.fixture(scope="session")
def client_of() -> Callable[[ASGIApp], Client]:
    """For tests with an app of their own."""
    return Client


class _Forms(HTMLParser):
    """The forms of a page: where they go, what they hold, and their buttons by label."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.forms: list[dict[str, Any]] = []
        self._button: dict[str, Any] | None = None
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "form":
            self.forms.append({"action": given.get("action"), "fields": {}, "buttons": []})
        elif tag == "input" and given.get("name") and given.get("type") != "checkbox":
            self.forms[-1]["fields"][given["name"]] = given.get("value") or ""
        elif tag == "button":
            self._button = {"text": "", "name": given.get("name"), "value": given.get("value")}
            self.forms[-1]["buttons"].append(self._button)

    def handle_data(self, data: str) -> None:
        if self._button is not None:
            self._button["text"] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "button":
            self._button = None


class Visitor:
    """A person's browser without a window: cookies, forms, and redirects within the authority.

    A redirect to anywhere else ends the journey; `left_for` is where it went.
    """

    def __init__(self, client: Client) -> None:
        self.client = client
        self.cookies: dict[str, str] = {}
        self.reply: Reply
        self.left_for = ""

    @property
    def text(self) -> str:
        return html.unescape(self.reply.body.decode())

    @property
    def title(self) -> str:
        return self.text.partition("<title>")[2].partition(" ·")[0]

    @property
    def forms(self) -> list[dict[str, Any]]:
        return _Forms(self.reply.body.decode()).forms

    @property
    def answer(self) -> dict[str, str]:
        """What the application was told, by query or fragment."""
        parts = urlsplit(self.left_for)
        return dict(parse_qsl(parts.query or parts.fragment))

    async def open(self, url: str, form: Mapping[str, str] | None = None) -> "Visitor":
        self.left_for = ""
        headers = {"cookie": "; ".join(f"{k}={v}" for k, v in self.cookies.items())}
        if form is None:
            self.reply = await self.client.send("GET", url, headers=headers)
        else:
            headers["content-type"] = FORM
            self.reply = await self.client.send("POST", url, urlencode(form).encode(), headers)
        cookie = self.reply.headers.get("set-cookie", "").partition(";")[0].partition("=")
        if cookie[0]:
            self.cookies[cookie[0]] = cookie[2]
        if self.reply.status in {302, 303, 307}:
            location = self.reply.headers["location"]
            if location.startswith("/"):
                return await self.open(location)
            self.left_for = location
        return self

    async def press(self, label: str, **fields: str) -> "Visitor":
        """Fill in fields and press the button whose text holds `label`."""
        for form in self.forms:
            for button in form["buttons"]:
                if label in button["text"]:
                    sent = {**form["fields"], **fields}
                    if button["name"]:
                        sent[button["name"]] = button["value"] or ""
                    return await self.open(form["action"], sent)
        raise AssertionError(f"no button {label!r} on {self.title!r}: {self.text}")

    async def sign_in(self, username: str, password: str = PASSWORD) -> "Visitor":
        """From the first page past the password."""
        if self.title == "Pick an account":
            await self.press("Use another account")
        await self.press("Next", username=username)
        return await self.press("Sign in", passwd=password)


@pytest.fixture
def visitor(client: Client) -> Visitor:
    """A browser in which nobody is signed in yet."""
    return Visitor(client)


@pytest.fixture
def people(emulator: Emulator) -> dict[str, User]:
    """Somebody of each kind: `global`, `cloud` (applications) administrator, and `plain`."""
    roles = emulator.tenant.directory_roles
    plain = next(
        each
        for each in emulator.tenant.people()
        if each.account_enabled and each.assigned_licenses and not roles.of(each.id) and each.mail
    )
    found = {
        "global": next(roles.holders(GLOBAL_ADMINISTRATOR.id)),
        "cloud": next(roles.holders(CLOUD_APPLICATION_ADMINISTRATOR.id)),
        "plain": plain.id,
    }
    return {name: emulator.tenant.user(each) for name, each in found.items()}


@pytest.fixture
def acting(emulator: Emulator) -> Callable[..., Client]:
    """A client of Graph that calls in somebody's name with these scopes, by some public client."""
    tool = emulator.register("Setup", roles=[], properties={"isFallbackPublicClient": True})

    def client(person: User, *scopes: str, cp1: bool = False) -> Client:
        proof = Proof(person.id, emulator.clock(), ("pwd",), "session")
        told = claims.in_access_token(emulator.tenant, tool, person, proof)
        token = emulator.tokens.issue_for(
            tool, "https://graph.microsoft.com", told, scopes, can_be_challenged=cp1
        )
        made = Client(emulator)
        made.headers["authorization"] = f"Bearer {token.value}"
        return made

    return client


class Stays(HTTPRedirectHandler):
    """Redirects are answers here."""

    def redirect_request(self, *_: Any) -> None:
        return None


class Forms:
    """Somebody at a browser: cookies, and the forms of the login pages by their buttons."""

    def __init__(self, base: str, authority_file: str) -> None:
        self.base = base
        context = ssl.create_default_context(cafile=authority_file)
        self._opener = build_opener(Stays, HTTPSHandler(context=context))
        self._cookies: dict[str, str] = {}
        self.text = ""
        self.left_for = ""

    def open(self, url: str, form: dict[str, str] | None = None) -> None:
        asked = Request(url if "://" in url else self.base + url)
        asked.add_header("cookie", "; ".join(f"{k}={v}" for k, v in self._cookies.items()))
        body = None if form is None else urlencode(form).encode()
        try:
            answer = self._opener.open(asked, body, timeout=30)
        except OSError as refused:
            answer = refused
        for name, morsel in SimpleCookie(answer.headers.get("set-cookie", "")).items():
            self._cookies[name] = morsel.value
        location = answer.headers.get("location", "")
        self.text = html.unescape(answer.read().decode())
        answer.close()
        if location.startswith(("/", self.base)):
            self.open(location)
        else:
            self.left_for = location

    def press(self, value: str, **fields: str) -> None:
        """The button with this value of `do`."""
        action = re.findall(r'<form method="post" action="([^"]+)"', self.text)[0]
        context = re.search(r'name="ctx" value="([^"]+)"', self.text)
        sent = dict(fields)
        if context:
            sent |= {"ctx": context[1], "do": value}
        self.open(action, sent)

    @property
    def posted(self) -> dict[str, str]:
        """What the page of `response_mode=form_post` sends to the application."""
        return dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', self.text))

    def sign_in(self, username: str) -> None:
        self.press("username", username=username)
        self.press("password", passwd=PASSWORD)


@pytest.fixture
def forms(stage: Any) -> Forms:
    return Forms(stage.https, stage.authority_file)


@pytest.fixture
def administrator(stage: Any) -> str:
    """The UPN of a Global Administrator."""
    person = stage.play("GET", "/people?limit=1")["people"][0]
    stage.play("PUT", f"/people/{person['id']}/roles", {"roles": ["Global Administrator"]})
    return str(person["userPrincipalName"])
