import asyncio
import gzip
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from jackfield.graph.errors import CredentialUnusable
from jackfield.graph.transport import (
    AiohttpTransport,
    AnswerTooLarge,
    Request,
    TransportClosed,
    TransportFailed,
)
from m365_emulator.tls import make_certificates

Reply = Callable[[bytes, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def server(reply: Reply, tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    """One that speaks raw bytes, so that it can say what no framework would."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            await reply(head, writer)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    listening = await asyncio.start_server(talk, "127.0.0.1", 0, ssl=tls)
    port = listening.sockets[0].getsockname()[1]
    try:
        yield f"{'https' if tls else 'http'}://127.0.0.1:{port}"
    finally:
        listening.close()


def saying(*lines: bytes, body: bytes = b"") -> Reply:
    async def reply(_: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(b"\r\n".join([*lines, b"", b""]) + body)

    return reply


@pytest.fixture
async def transport() -> AsyncIterator[AiohttpTransport]:
    async with AiohttpTransport(user_agent="Jackfield/test") as opened:
        yield opened


async def test_an_answer_is_read_and_decompressed(transport: AiohttpTransport):
    """A page of a thousand people is a tenth of its size on the way."""
    packed = gzip.compress(b'{"value":[]}')
    length = b"Content-Length: %d" % len(packed)
    reply = saying(
        b"HTTP/1.1 200 OK", length, b"Content-Encoding: gzip", b"X-A: 1", b"x-a: 2", body=packed
    )

    async with server(reply) as url:
        answer = await transport.send(Request("GET", url + "/v1.0/users"))

    assert (answer.status, answer.body) == (200, b'{"value":[]}')
    assert answer.headers["x-a"] == "1, 2"


async def test_the_request_goes_out_as_it_was_written(transport: AiohttpTransport):
    """Links are opaque; a library that tidies them up breaks them."""
    heard: list[bytes] = []

    async def reply(head: bytes, writer: asyncio.StreamWriter) -> None:
        heard.append(head)
        writer.write(b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n")

    async with server(reply) as url:
        link = "/v1.0/users?$select=id,mail&$skiptoken=a%2Bb+c~'(x)%c3%a4"
        answer = await transport.send(Request("GET", url + link, {"Authorization": "Bearer t"}))

    assert answer.status == 204
    assert heard[0].split(b"\r\n")[0] == f"GET {link} HTTP/1.1".encode()
    assert b"user-agent: jackfield/test" in heard[0].lower()
    assert b"accept-encoding: gzip" in heard[0].lower()
    assert b"cookie" not in heard[0].lower()


async def test_a_redirect_is_not_followed(transport: AiohttpTransport):
    """The token would travel along."""
    reply = saying(
        b"HTTP/1.1 302 Found", b"Location: http://graph.example.net/", b"Content-Length: 0"
    )

    async with server(reply) as url:
        answer = await transport.send(Request("GET", url))

    assert answer.status == 302


async def test_a_proxy_of_the_environment_is_not_used(
    transport: AiohttpTransport, monkeypatch: pytest.MonkeyPatch
):
    """Somebody's shell setting must not see the tenant's tokens."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")

    async with server(saying(b"HTTP/1.1 200 OK", b"Content-Length: 0")) as url:
        answer = await transport.send(Request("GET", url))

    assert answer.status == 200


@pytest.mark.hostile
@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(
            saying(b"HTTP/1.1 200 OK", b"Content-Length: 99999999", body=b"x"), id="declared"
        ),
        pytest.param(saying(b"HTTP/1.1 200 OK", body=b"x" * 5000), id="until_the_end"),
        pytest.param(
            saying(
                b"HTTP/1.1 200 OK", b"Content-Encoding: gzip", body=gzip.compress(bytes(9_000_000))
            ),
            id="bomb",
        ),
    ],
)
async def test_an_answer_beyond_the_limit_is_dropped(transport: AiohttpTransport, reply):
    """Whoever answers in Graph's place must not fill our memory."""
    async with server(reply) as url:
        with pytest.raises(AnswerTooLarge, match="larger than 4,096 bytes"):
            await transport.send(Request("GET", url, max_answer_bytes=4096))


@pytest.mark.hostile
@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(
            saying(b"HTTP/1.1 200 OK", b"Content-Length: 50", body=b"half"), id="cut_in_the_middle"
        ),
        pytest.param(saying(b""), id="cut_before"),
        pytest.param(saying(b"SSH-2.0-OpenSSH_9.2"), id="no_http"),
        pytest.param(
            saying(b"HTTP/1.1 200 OK", b"Content-Encoding: gzip", body=b"no gzip"), id="no_gzip"
        ),
        pytest.param(saying(b"HTTP/1.1 200 OK", b"X: " + b"y" * 100_000), id="endless_header"),
    ],
)
async def test_a_broken_connection_is_one_error(transport: AiohttpTransport, reply):
    """Whoever repeats calls needs to know one kind of failure, not fifteen."""
    async with server(reply) as url:
        with pytest.raises(TransportFailed) as caught:
            await transport.send(Request("GET", url))

    assert caught.value.maybe_received


async def test_a_way_that_was_closed_here_is_told_apart():
    """A new certificate replaces the connection while a page is on its way."""
    asked, over = asyncio.Event(), asyncio.Event()

    async def reply(_: bytes, __: asyncio.StreamWriter) -> None:
        asked.set()
        await over.wait()

    transport = AiohttpTransport(user_agent="x")
    async with server(reply) as url:
        async with transport:
            under_way = asyncio.ensure_future(transport.send(Request("GET", url)))
            await asked.wait()
        with pytest.raises(TransportClosed) as first:
            await under_way
        with pytest.raises(TransportClosed) as second:
            await transport.send(Request("GET", url))
        over.set()

    assert (first.value.maybe_received, second.value.maybe_received) == (True, False)


async def test_no_answer_in_time_is_said(transport: AiohttpTransport):
    """A hanging connection must not hold a step for ever."""
    over = asyncio.Event()

    async def reply(_: bytes, __: asyncio.StreamWriter) -> None:
        await over.wait()

    async with server(reply) as url:
        with pytest.raises(TransportFailed, match="no complete answer within") as caught:
            await transport.send(Request("GET", url, timeout_s=0.05))
        over.set()

    assert caught.value.maybe_received


async def test_nobody_there_means_nothing_was_sent(transport: AiohttpTransport):
    """Even a mail may be tried again then."""
    with pytest.raises(TransportFailed, match=r"no connection to 127\.0\.0\.1") as caught:
        await transport.send(Request("POST", "http://127.0.0.1:1/", body=b"{}"))

    assert not caught.value.maybe_received


@pytest.mark.hostile
@pytest.mark.parametrize(
    "request_",
    [
        Request("GET", "http://127.0.0.1:port/"),
        Request("GET", "nonsense"),
        Request("GET", "http://127.0.0.1:1/", {"Authorization": "Bearer a\r\nX: y"}),
    ],
    ids=["port", "no_address", "line_break_in_header"],
)
async def test_what_cannot_be_sent_is_the_same_error(transport: AiohttpTransport, request_):
    """No exception of a library leaves this room."""
    with pytest.raises(TransportFailed):
        await transport.send(request_)


async def test_a_certificate_of_unknown_origin_is_refused(transport: AiohttpTransport):
    """Else anybody between us and Microsoft could read the directory."""
    tls = make_certificates(("127.0.0.1",)).context()

    async with server(saying(b"HTTP/1.1 200 OK"), tls) as url:
        with pytest.raises(TransportFailed, match="is not trusted") as caught:
            await transport.send(Request("GET", url))

    assert not caught.value.maybe_received


async def test_a_ca_bundle_makes_a_private_authority_trusted():
    """Companies inspect TLS, and laboratories have their own authorities."""
    certificates = make_certificates(("127.0.0.1",))
    bundle = f"# Größere Firma\n{certificates.authority.decode()}"
    reply = saying(b"HTTP/1.1 200 OK", b"Content-Length: 2", body=b"ok")

    async with (
        server(reply, certificates.context()) as url,
        AiohttpTransport(ca_bundle=bundle, user_agent="Jackfield/test") as transport,
    ):
        answer = await transport.send(Request("GET", url))

    assert answer.body == b"ok"


async def test_a_ca_bundle_that_is_none_is_said_at_once():
    """Else every single call would fail with a riddle."""
    with pytest.raises(CredentialUnusable, match="bundle cannot be read"):
        async with AiohttpTransport(ca_bundle="no certificates here", user_agent="x"):
            pass
