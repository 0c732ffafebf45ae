"""The commands of `jackfield`: arguments in, one call of the API, text or JSON out.

Everything heavy is imported inside the command that needs it, so that `--help` stays quick.
"""

from __future__ import annotations

import asyncio
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import App, CycloptsError, Group, Parameter

from jackfield.cli.arguments import (
    DataDir,
    Json,
    TenantName,
    Text,
    numbers,
    shortened,
)
from jackfield.cli.asking import asked
from jackfield.cli.catalogue import add_commands
from jackfield.cli.exits import Exit
from jackfield.cli.running import guarded, read_file, settings_of, usage, with_door
from jackfield.cli.telling import connected_text, say

if TYPE_CHECKING:
    from jackfield.cli.door import Door

app = App(
    name="jackfield",
    help=(
        "Ties a phone system to Microsoft 365: people become extensions, departments follow groups."
    ),
    version=lambda: version("jackfield"),
    error_formatter=shortened,
)
add_commands(app)

_credential = Group("Credential (one of the two)")
_cloud = Group("Which Microsoft cloud")


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit code; see `jackfield.cli.exits`."""
    try:
        outcome = app(arguments, exit_on_error=False, result_action="return_value")
    except CycloptsError:
        return Exit.USAGE
    except KeyboardInterrupt:
        return 130
    return int(outcome) if isinstance(outcome, int) else Exit.DONE


@app.command
def serve(*, data_dir: DataDir = None, listen: str | None = None) -> int:
    """Run the server: console, API and all work, until Ctrl-C.

    Example: jackfield serve --listen 127.0.0.1:8200

    Parameters
    ----------
    listen
        Address and port, e.g. 127.0.0.1:8200 (else JACKFIELD_LISTEN or jackfield.toml).
    """

    def run() -> int:
        from jackfield.serving import serve as run_server

        return run_server(settings_of(data_dir, listen=listen))

    return guarded(run)


@app.command
def demo(
    *,
    people: Annotated[int, numbers(1)] = 250,
    data: Path | None = None,
    port: Annotated[int, numbers(0, 65_535)] = 0,
    seed: Annotated[int, numbers(0)] = 1,
) -> int:
    """Show the whole product offline: an emulated Microsoft 365 tenant, connected to Jackfield.

    Example: jackfield demo --people 40

    Parameters
    ----------
    people
        How many people the emulated tenant has.
    data
        Keep the data in this folder (default: a throwaway folder).
    port
        Port of the console on 127.0.0.1 (default: 8200, or a free one when it is taken).
    seed
        Another seed makes another population.
    """

    def run() -> int:
        from jackfield.cli.demo import run_demo

        return run_demo(people=people, data=data, port=port, seed=seed)

    return guarded(run)


@app.command
def connect(
    *,
    tenant_id: Text,
    client_id: Text,
    client_secret_file: Annotated[Path | None, Parameter(group=_credential)] = None,
    certificate: Annotated[Path | None, Parameter(group=_credential)] = None,
    cloud: Annotated[
        Literal["global", "usgov", "dod", "china"], Parameter(group=_cloud)
    ] = "global",
    login_url: Annotated[str | None, Parameter(group=_cloud)] = None,
    graph_url: Annotated[str | None, Parameter(group=_cloud)] = None,
    ca_bundle: Annotated[Path | None, Parameter(group=_cloud)] = None,
    sync: bool = True,
    tenant: TenantName = None,
    data_dir: DataDir = None,
    json: Json = False,
) -> int:
    """Connect Microsoft 365 by an application registration, and switch people sync on.

    The connection is proven by real calls before anything is stored.

    Example: jackfield connect --tenant-id example.org --client-id ID --client-secret-file s.txt

    Parameters
    ----------
    tenant_id
        Entra's tenant id, or one of the organisation's domains.
    client_id
        The application (client) id of the registration.
    client_secret_file
        A file with the client secret (the value, not its id).
    certificate
        A PEM file with certificate and private key; the registration has the certificate.
    login_url
        Another sign-in address than the cloud's own.
    graph_url
        Another Graph address than the cloud's own.
    ca_bundle
        PEM file of the authorities that sign those addresses.
    sync
        Switch people sync on.
    """

    def run() -> int:
        body = {
            "tenant_id": tenant_id,
            "client_id": client_id,
            "client_secret": client_secret_file and read_file(client_secret_file).strip(),
            "certificate": certificate and read_file(certificate),
            "cloud": "own" if login_url or graph_url else cloud,
            "login_url": login_url or "",
            "graph_url": graph_url or "",
            "ca_bundle": "" if ca_bundle is None else read_file(ca_bundle),
            "sync": sync,
        }
        on = "on" if sync else "off; switch it on under Users > M365"

        async def work(door: Door) -> int:
            answer = await asked(door, "POST", "/connection", body)
            say(answer, json, lambda: connected_text(answer, on))
            return Exit.DONE

        return with_door(work, data_dir, tenant=tenant, makes=True)

    if (client_secret_file is None) == (certificate is None):
        return usage("connect takes one credential: --client-secret-file or --certificate.")
    if bool(login_url) != bool(graph_url):
        return usage("connect takes --login-url and --graph-url together.")
    return guarded(run)


@app.command
def doctor(*, tenant: TenantName = None, data_dir: DataDir = None, json: Json = False) -> int:
    """Say what is wrong with this installation and what to do next.

    Example: jackfield doctor --json
    """

    async def work() -> int:
        from jackfield.cli.doctor import examine

        findings = await examine(settings_of(data_dir), tenant)

        def lines() -> str:
            return "\n".join(
                f"{'ok  ' if finding.good else 'FAIL'}  {finding.what}: {finding.text}"
                + (f"\n      Next: {finding.next_step}" if finding.next_step else "")
                for finding in findings
            )

        say([finding.as_json() for finding in findings], json, lines)
        return Exit.DONE if all(finding.good for finding in findings) else Exit.FAILED

    return guarded(lambda: asyncio.run(work()))
