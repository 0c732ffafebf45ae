"""`python -m m365_emulator`: arguments in, one stage served until a signal, exit code out.

Everything it can be told is in docs/emulator.md.
"""

import argparse
import asyncio
import contextlib
import gc
import json
import logging
import os
import socket
import ssl
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from m365_emulator.server import Emulator


def _arguments(given: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m m365_emulator",
        description="An emulated Microsoft 365 tenant: Entra's token endpoint and Microsoft Graph.",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    parser.add_argument("--port", type=int, default=8365, help="http port, 0 for any (%(default)s)")
    parser.add_argument("--https-port", type=int, help="https port as well, 0 for any")
    parser.add_argument("--ca-out", type=Path, help="where the https port's authority is written")
    parser.add_argument("--people", type=int, default=250, help="population (%(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="which population (%(default)s)")
    parser.add_argument(
        "--exit-with-stdin", action="store_true", help="end when standard input is closed"
    )
    parser.add_argument("--ready-file", type=Path, help="written when ready: addresses as JSON")
    app = parser.add_argument_group("an application registered from the start")
    app.add_argument("--register-app", metavar="CLIENT_ID", help="its client id, a GUID")
    app.add_argument("--app-name", default="Jackfield", help="its name (%(default)s)")
    app.add_argument("--certificate", type=Path, metavar="PEM", help="its certificate")
    app.add_argument("--client-secret", metavar="S", help="its secret")
    app.add_argument(
        "--roles", help="its application permissions, by comma (default: what people sync needs)"
    )
    app.add_argument(
        "--redirect-uri",
        action="append",
        default=[],
        metavar="URI",
        help="where it may send people after signing in (web); may be given more than once",
    )
    arguments = parser.parse_args(given)
    if arguments.people < 1:
        parser.error("--people must be at least 1")
    if arguments.ca_out and arguments.https_port is None:
        parser.error("--ca-out needs --https-port")
    if not arguments.register_app and (arguments.certificate or arguments.client_secret):
        parser.error("a credential needs --register-app")
    if not arguments.register_app and arguments.redirect_uri:
        parser.error("--redirect-uri needs --register-app")
    return arguments


def _emulator(arguments: argparse.Namespace) -> "Emulator":
    from m365_emulator.permissions import DIRECTORY_ROLES
    from m365_emulator.server import Emulator
    from m365_emulator.tokens import LOOPBACK

    emulator = Emulator(
        people=arguments.people,
        seed=arguments.seed,
        control_hosts=LOOPBACK | {arguments.host},
    )
    if arguments.register_app:
        roles = arguments.roles.split(",") if arguments.roles is not None else DIRECTORY_ROLES
        emulator.register(
            arguments.app_name,
            app_id=arguments.register_app,
            secret=arguments.client_secret,
            certificate_pem=arguments.certificate.read_bytes() if arguments.certificate else None,
            roles=[role.strip() for role in roles if role.strip()],
            properties={"web": {"redirectUris": arguments.redirect_uri}},
        )
    emulator.keep_registrations()
    return emulator


def _address(scheme: str, host: str, port: int) -> str:
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


async def _run(arguments: argparse.Namespace) -> None:
    from m365_emulator.listening import bind, port_of, serve
    from m365_emulator.tls import make_certificates

    http = bind(arguments.host, arguments.port)
    ports: list[tuple[socket.socket, ssl.SSLContext | None]] = [(http, None)]
    facts = {"url": _address("http", arguments.host, port_of(http)), "pid": os.getpid()}
    if arguments.https_port is not None:
        https = bind(arguments.host, arguments.https_port)
        hosts = dict.fromkeys(("localhost", "127.0.0.1", "::1", arguments.host))
        certificates = make_certificates(tuple(hosts))
        ports.append((https, certificates.context()))
        facts["https_url"] = _address("https", arguments.host, port_of(https))
        if arguments.ca_out:
            arguments.ca_out.write_bytes(certificates.authority)
            facts["ca_file"] = str(arguments.ca_out.resolve())
    emulator = _emulator(arguments)
    gc.collect()
    gc.freeze()
    facts |= {
        "tenant_id": emulator.tenant.id,
        "domain": emulator.tenant.domain,
        "people": len(emulator.tenant.user_register),
    }

    def ready() -> None:
        """Write the file whole before the line is printed: who waits for one finds both."""
        if arguments.ready_file:
            beside = arguments.ready_file.with_suffix(".part")
            beside.write_text(json.dumps(facts))
            beside.replace(arguments.ready_file)
        line = " ".join(f"{name}={value}" for name, value in facts.items())
        sys.stdout.write(f"ready {line}\n")
        sys.stdout.flush()

    await serve(emulator, ports, ready, with_stdin=arguments.exit_with_stdin)


def main(given: Sequence[str] | None = None) -> int:
    """0 after a signal, 1 when it cannot start, 2 when it was asked wrongly."""
    arguments = _arguments(given)
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(name)s: %(message)s")
    try:
        asyncio.run(_run(arguments))
    except (OSError, ValueError) as error:
        sys.stderr.write(f"m365_emulator: {error}\n")
        return 1
    except KeyboardInterrupt:
        return 0
    return 0


if __name__ == "__main__":
    with contextlib.suppress(BrokenPipeError):
        sys.exit(main())
