"""The emulated tenant in process: a standing clock, twenty people, and a client without sockets.

Shared by the tests of this folder; tests over real sockets start it as a process themselves.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from starlette.types import ASGIApp

from m365_emulator.apps import Application
from m365_emulator.clock import Clock
from m365_emulator.exchange import Answer, ask
from m365_emulator.server import Emulator

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
            "path": parts.path,
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


@pytest.fixture(scope="session")
def client_of() -> Callable[[ASGIApp], Client]:
    """For tests with an app of their own."""
    return Client
