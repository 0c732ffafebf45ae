"""One request, one answer: the only place where bytes leave for Microsoft.

Decided here: time limits, size limit, TLS, compression. Not decided here: what an answer means,
whether to ask again, or when; that is `client.py` and `pace.py`. Anything with the one method of
`Transport` can stand in, for example one that calls an ASGI application in process.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from types import TracebackType
from typing import Protocol, Self

import aiohttp
from yarl import URL

from jackfield.graph.errors import CredentialUnusable

CONNECT_TIMEOUT_S = 10.0
ANSWER_TIMEOUT_S = 60.0
MAX_ANSWER_BYTES = 64 * 1024 * 1024
"""After decompression. A page of 999 people with E5's hundred service plans each has some 15 MB."""
CONNECTIONS = 32
CONNECTIONS_PER_HOST = 16


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it goes out; `url` is absolute and sent as it is spelled."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    timeout_s: float = ANSWER_TIMEOUT_S
    max_answer_bytes: int = MAX_ANSWER_BYTES


@dataclass(frozen=True, slots=True)
class Response:
    """An answer, read to its end and decompressed; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class TransportFailed(Exception):
    """No usable answer came. The text says why, for an administrator."""

    def __init__(self, why: str, *, maybe_received: bool) -> None:
        super().__init__(why)
        self.maybe_received = maybe_received
        """False if the request certainly did not get through: even a write may be repeated."""


class AnswerTooLarge(TransportFailed):
    """The answer was larger than the request allows; repeating it gives the same."""


class TransportClosed(TransportFailed):
    """We closed the way out ourselves: the connection was replaced, or the process ends."""

    def __init__(self, *, maybe_received: bool) -> None:
        super().__init__(
            "this connection was replaced or closed on our side", maybe_received=maybe_received
        )


class Transport(Protocol):
    """Sends one request. Raises `TransportFailed`, nothing else."""

    async def send(self, request: Request) -> Response: ...


class AiohttpTransport:
    """The real way out. Enter it inside the running loop; leaving it closes the connections.

    Redirects are not followed (none is expected, and a token must not travel along), proxies of the
    environment are not used, cookies are not kept.
    """

    def __init__(self, *, ca_bundle: str = "", user_agent: str) -> None:
        self._ca_bundle = ca_bundle
        self._user_agent = user_agent
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        connector = aiohttp.TCPConnector(
            limit=CONNECTIONS,
            limit_per_host=CONNECTIONS_PER_HOST,
            ssl=_trust(self._ca_bundle),
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"User-Agent": self._user_agent},
            trust_env=False,
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def send(self, request: Request) -> Response:
        """One request over the session. Raises `TransportFailed` where no answer comes."""
        session = self._session
        if session is None or session.closed:
            raise TransportClosed(maybe_received=False)
        timeout = aiohttp.ClientTimeout(
            total=request.timeout_s, connect=min(CONNECT_TIMEOUT_S, request.timeout_s)
        )
        try:
            async with session.request(
                request.method,
                URL(request.url, encoded=True),
                headers=request.headers,
                data=request.body,
                allow_redirects=False,
                timeout=timeout,
            ) as answer:
                body = await _read(answer, request.max_answer_bytes)
                return Response(answer.status, _headers(answer), body)
        except aiohttp.ClientConnectorCertificateError as error:
            raise TransportFailed(
                f"the certificate of {error.host} is not trusted ({error.certificate_error})",
                maybe_received=False,
            ) from error
        except aiohttp.ClientConnectorError as error:
            raise TransportFailed(
                f"no connection to {error.host} ({error.os_error.strerror or error.os_error})",
                maybe_received=False,
            ) from error
        except aiohttp.ConnectionTimeoutError as error:
            raise TransportFailed(
                f"no connection within {timeout.connect:.0f} s", maybe_received=False
            ) from error
        except TimeoutError as error:
            raise TransportFailed(
                f"no complete answer within {request.timeout_s:.0f} s", maybe_received=True
            ) from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            if session.closed:
                raise TransportClosed(maybe_received=True) from error
            # ValueError: an address that cannot be encoded, a header with a line break
            raise TransportFailed(
                f"the connection broke ({str(error) or type(error).__name__})", maybe_received=True
            ) from error


async def _read(answer: aiohttp.ClientResponse, limit: int) -> bytes:
    declared = answer.content_length
    if declared is not None and declared > limit:
        raise _too_large(limit)
    chunks: list[bytes] = []
    size = 0
    async for chunk in answer.content.iter_any():
        size += len(chunk)
        if size > limit:
            raise _too_large(limit)
        chunks.append(chunk)
    return b"".join(chunks)


def _too_large(limit: int) -> AnswerTooLarge:
    return AnswerTooLarge(f"the answer is larger than {limit:,} bytes", maybe_received=True)


def _headers(answer: aiohttp.ClientResponse) -> dict[str, str]:
    headers: dict[str, str] = {}
    for name, value in answer.headers.items():
        low = name.lower()
        headers[low] = f"{headers[low]}, {value}" if low in headers else value
    return headers


def _trust(ca_bundle: str) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if ca_bundle:
        try:
            # What people write between certificates may be any text; a certificate is ASCII.
            context.load_verify_locations(cadata=ca_bundle.encode("ascii", "replace").decode())
        except ssl.SSLError as error:
            raise CredentialUnusable(
                f"The CA bundle cannot be read: {error}.",
                "Give PEM certificates, each from its BEGIN to its END line.",
            ) from error
    return context


def open_transport(ca_bundle: str) -> AiohttpTransport:
    """The real way out under our own name, to be entered.

    `ca_bundle` is the PEM text of the authorities to trust beside the system's; "" = none.
    """
    return AiohttpTransport(ca_bundle=ca_bundle, user_agent=f"Jackfield/{version('jackfield')}")
