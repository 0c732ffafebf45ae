"""The stage as a process: what it prints, where it listens, how it ends."""

import contextlib
import json
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

pytestmark = pytest.mark.e2e

COMMAND = [sys.executable, "-m", "m365_emulator"]
APP = "9c1f0000-0000-4000-8000-000000000001"


@contextlib.contextmanager
def running(
    *arguments: str, stdin: int = subprocess.DEVNULL
) -> Iterator[tuple[subprocess.Popen[str], dict[str, str]]]:
    """The process, and what its ready line says."""
    with subprocess.Popen(
        [*COMMAND, "--port", "0", "--people", "30", *arguments],
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            word, *facts = process.stdout.readline().split()
            assert word == "ready"
            yield process, dict(fact.split("=", 1) for fact in facts)
        finally:
            process.kill()


def ask(address: tuple[str, int], what: bytes, body: bytes = b"") -> bytes:
    """The first bytes of an answer."""
    with contextlib.closing(socket.create_connection(address)) as connection:
        head = b"%s HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n"
        connection.sendall(head % (what, len(body)) + body)
        return connection.recv(100)


def port_of(url: str) -> int:
    port = urlsplit(url).port
    assert port is not None
    return port


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_at_once_and_well(number: signal.Signals) -> None:
    """Even while somebody holds a connection open; the demo stops two processes within 2 s."""
    with running() as (process, facts):
        connection = socket.create_connection(("127.0.0.1", port_of(facts["url"])))
        with contextlib.closing(connection):
            connection.sendall(b"GET /_emulator/state HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert connection.recv(100).startswith(b"HTTP/1.1 200")

            process.send_signal(number)

            assert process.wait(timeout=1) == 0
        assert process.stderr is not None
        assert process.stderr.read() == ""


def test_it_ends_well_amid_a_slow_answer() -> None:
    """A fault delays the answer, and who waited is killed: no traceback for that."""
    with running() as (process, facts):
        address = ("127.0.0.1", port_of(facts["url"]))
        order = b'{"kind": "slow", "delayS": 300}'
        assert b" 200 " in ask(address, b"POST /_emulator/faults", order)
        with contextlib.closing(socket.create_connection(address)) as waiting:
            waiting.sendall(b"GET /v1.0/users HTTP/1.1\r\nHost: localhost\r\n\r\n")
            # Answered behind it: it is being waited for by now.
            assert b" 200 " in ask(address, b"GET /_emulator/state")

            process.terminate()

            assert process.wait(timeout=3) == 0
        assert process.stderr is not None
        assert process.stderr.read() == ""


def test_it_ends_with_whoever_started_it() -> None:
    """A parent that is killed cannot say so, but its end of the pipe closes."""
    with running("--exit-with-stdin", stdin=subprocess.PIPE) as (process, _):
        assert process.stdin is not None
        process.stdin.close()

        assert process.wait(timeout=1) == 0


def test_waiting_for_its_starter_does_not_spoil_its_end() -> None:
    """Python dies hard of a thread that still holds standard input when it ends."""
    with running("--exit-with-stdin", stdin=subprocess.PIPE) as (process, _):
        process.terminate()

        assert process.wait(timeout=1) == 0
        assert process.stderr is not None
        assert process.stderr.read() == ""


def test_the_ready_file_says_what_the_ready_line_says(tmp_path: Path) -> None:
    """A script reads one, a person the other."""
    ready = tmp_path / "ready.json"

    with running("--ready-file", str(ready), "--seed", "5") as (_, facts):
        said = json.loads(ready.read_text())

    assert {name: str(value) for name, value in said.items()} == facts
    assert set(said) == {"url", "pid", "tenant_id", "domain", "people"}
    assert said["people"] == 30


def test_the_https_port_is_trusted_by_its_own_authority_only(tmp_path: Path) -> None:
    """The certificate names the loopback names; nobody else's word is taken for it."""
    authority = tmp_path / "authority.pem"

    with running("--https-port", "0", "--ca-out", str(authority)) as (_, facts):
        port = port_of(facts["https_url"])
        trusting = ssl.create_default_context(cafile=authority)
        for name in ("localhost", "127.0.0.1"):
            plain = socket.create_connection(("127.0.0.1", port))
            with trusting.wrap_socket(plain, server_hostname=name) as secured:
                assert secured.version() == "TLSv1.3"
        doubting = ssl.create_default_context()
        plain = socket.create_connection(("127.0.0.1", port))
        with pytest.raises(ssl.SSLCertVerificationError), contextlib.closing(plain):
            doubting.wrap_socket(plain, server_hostname="localhost")


def test_the_authority_s_key_is_kept_nowhere(tmp_path: Path) -> None:
    """A trusted authority whose key lies about would be a gift."""
    authority = tmp_path / "authority.pem"

    with running("--https-port", "0", "--ca-out", str(authority)):
        pass

    assert b"PRIVATE" not in authority.read_bytes()
    assert [path.name for path in tmp_path.iterdir()] == ["authority.pem"]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        pytest.param(["--people", "0"], 2, "at least 1", id="nobody"),
        pytest.param(["--ca-out", "x.pem"], 2, "--https-port", id="authority_without_https"),
        pytest.param(["--client-secret", "x"], 2, "--register-app", id="secret_without_app"),
        pytest.param(
            ["--redirect-uri", "https://pbx.example.org/"],
            2,
            "--register-app",
            id="redirect_without_app",
        ),
        pytest.param(["--register-app", "no-guid"], 1, "UUID", id="client_id_no_guid"),
        pytest.param(
            ["--register-app", APP, "--roles", "User.Read.Everything"],
            1,
            "User.Read.Everything",
            id="unknown_role",
        ),
        pytest.param(
            ["--register-app", APP, "--certificate", "/nonexistent.pem"],
            1,
            "/nonexistent.pem",
            id="no_such_certificate",
        ),
    ],
)
def test_a_wrong_command_says_what_is_wrong(arguments: list[str], code: int, message: str) -> None:
    """One line and an exit code, never a traceback."""
    ended = subprocess.run(
        [*COMMAND, "--port", "0", "--people", "5", *arguments],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )

    assert ended.returncode == code
    assert message in ended.stderr
    assert "Traceback" not in ended.stderr
    assert ended.stdout == ""


def test_a_port_that_is_taken_is_said() -> None:
    """Before a population is made that nobody can reach."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        ended = subprocess.run(
            [*COMMAND, "--port", port], capture_output=True, text=True, timeout=30, check=False
        )

    assert ended.returncode == 1
    assert "in use" in ended.stderr


def raw(stage: Any, request: bytes) -> bytes:
    """Everything that comes back until the connection ends; its error is passed on."""
    said = b""
    with socket.create_connection(("127.0.0.1", port_of(stage.url))) as connection:
        connection.sendall(request)
        while True:
            part = connection.recv(65536)
            if not part:
                return said
            said += part


def test_a_connection_cut_before_the_answer_is_reset(stage: Any) -> None:
    """As a client meets it: not a byte, and a reset."""
    stage.play("POST", "/faults", {"kind": "cut_before", "path": "/*"})

    with pytest.raises(ConnectionResetError):
        raw(stage, b"GET /v1.0/users HTTP/1.1\r\nHost: localhost\r\n\r\n")


def test_a_connection_cut_in_the_middle_ends_short(stage: Any) -> None:
    """Content-Length promises more than ever comes."""
    stage.play("POST", "/faults", {"kind": "cut_middle", "path": "/*"})

    said = raw(stage, b"GET /common/discovery/v2.0/keys HTTP/1.1\r\nHost: localhost\r\n\r\n")

    head, _, body = said.partition(b"\r\n\r\n")
    promised = next(
        int(line.split(b":")[1])
        for line in head.split(b"\r\n")
        if line.lower().startswith(b"content-length")
    )
    assert head.startswith(b"HTTP/1.1 200")
    assert len(body) == promised // 2


def test_a_cut_leaves_the_stage_in_good_order(stage: Any) -> None:
    """The next request is answered as if nothing had been."""
    stage.play("POST", "/faults", {"kind": "cut_before", "path": "/*", "count": 1})
    with contextlib.suppress(ConnectionResetError):
        raw(stage, b"GET /v1.0/users HTTP/1.1\r\nHost: localhost\r\n\r\n")

    keys = stage.ask("GET", "/common/discovery/v2.0/keys")["keys"]
    first, *_ = stage.play("GET", "/requests?last=2")["requests"]

    assert len(keys) == 1
    assert (first["status"], first["fault"]) == (0, "cut_before")
