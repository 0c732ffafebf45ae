"""What is wrong with an installation, and what to do next: each finding was really tried.

Looks from outside: at files and settings, at a running server over its API, else at the database
itself. It mends nothing and takes up no work; like every command it brings old tables up to date.
"""

from __future__ import annotations

import os
import shutil
import stat
import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from jackfield.cli.asking import asked, everything, problem
from jackfield.cli.exits import CommandFailed, NoAnswer
from jackfield.cli.telling import BY_HAND, consent_text
from jackfield.core.waiting import TURN
from jackfield.settings import DATABASE_FILE, KEY_FILE, Role, Settings, describe

if TYPE_CHECKING:
    from jackfield.cli.door import Door
    from jackfield.settings import ServerFile

LITTLE_SPACE = 500 * 1024 * 1024
EXPIRES_SOON_DAYS = 30
PATIENCE_S = 10.0
MANY = 100
UNABLE = 503
"""What the API answers while the database cannot be used."""
CONSENT = "graph.groups"
"""The alarm behind a missing permission, which has a finding of its own."""
GUARD = "people.guard"
"""The alarm behind what guards hold back, which has one too."""
AWAY = "graph.away"
"""The alarm that Microsoft 365 cannot be reached: the finding about the connection."""
ON_DEMAND = frozenset({"person", "preview"})
"""Runs whose failing was told to whoever asked for them."""
UNDER_WAY = frozenset({"queued", "running"})


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    what: str
    good: bool
    text: str
    next_step: str = ""

    def as_json(self) -> dict[str, Any]:
        """As `doctor --json` prints it."""
        return {
            "what": self.what,
            "good": self.good,
            "text": self.text,
            "next_step": self.next_step,
        }


async def examine(settings: Settings, tenant: str | None = None) -> list[Finding]:
    """Everything that can be looked at, in the order in which things depend on each other."""
    findings = [_python(), _settings(settings), _data_dir(settings)]
    if not findings[-1].good:
        return findings
    findings += [_space(settings), _key_file(settings)]
    from jackfield.cli.door import RunningServer, nobody_works, open_door, read_server_file

    try:
        file = read_server_file(settings.data_dir)
    except CommandFailed as error:
        return [*findings, Finding("Server", False, str(error))]
    if file is None:
        findings.append(Finding("Server", True, "Not running.", "Start it with: jackfield serve"))
        findings.append(await _database(settings))
        if not all(finding.good for finding in findings) or not _has_database(settings):
            return findings
        async with open_door(settings, acts=False) as door:
            return findings + await examine_inside(door, tenant, alone=await nobody_works(door))
    findings[1] = _settings(settings, file)
    door = RunningServer(file, PATIENCE_S)
    try:
        answer = await door.ask("GET", "/tenants")
    except CommandFailed as error:
        step = f"Look at its log; if it hangs, stop the process {file.pid} and start it again."
        return [*findings, Finding("Server", False, str(error), step)]
    findings.append(Finding("Server", True, f"Answers at {file.url} (process {file.pid})."))
    if answer.status == UNABLE:
        step = "What is under way goes on by itself as soon as the database can be used again."
        return [*findings, Finding("Database", False, problem(answer), step)]
    try:
        return findings + await examine_inside(door, tenant)
    except CommandFailed as error:  # it has gone away in this moment
        return [*findings, Finding("Server", False, str(error), "Run jackfield doctor again.")]


async def examine_inside(
    door: Door, tenant: str | None = None, *, alone: bool = False
) -> list[Finding]:
    """The processes, and each tenant; where there are several, its name stands before.

    `alone`: nobody else is at work, so that nobody carries on what is under way.
    """
    from jackfield.cli.door import about

    findings = await _processes(door)
    if tenant is not None:
        return findings + await _tenant(about(door, tenant), alone=alone, named=tenant)
    tenants = await everything(door, "/tenants", "tenants")
    if len(tenants) == 1:
        return findings + await _tenant(about(door, str(tenants[0]["number"])), alone=alone)
    for one in tenants:
        number = str(one["number"])
        try:
            found = await _tenant(about(door, number), alone=alone, named=number)
        except NoAnswer:
            raise
        except CommandFailed as error:
            # What is wrong with one must not hide the others.
            step = f"Look at it alone: jackfield doctor --tenant {number}"
            found = [Finding("Looking at it", False, str(error), step)]
        findings += [replace(finding, what=f"{one['name']}: {finding.what}") for finding in found]
    return findings


async def _tenant(door: Door, *, alone: bool, named: str = "") -> list[Finding]:
    status = await asked(door, "GET", "/status")
    findings: list[Finding] = []
    connection = await asked(door, "GET", "/connection")
    alarms = (await asked(door, "GET", "/alarms"))["alarms"]
    if not connection["connected"]:
        return [
            *findings,
            Finding(
                "Microsoft 365",
                False,
                "Not connected.",
                f"Connect it: jackfield connect {f'--tenant {named!r} ' if named else ''}"
                "--tenant-id ... --client-id ... --certificate FILE",
            ),
        ]
    findings += [
        _microsoft(connection, alarms),
        _credential(connection, named),
        _permissions(connection, alarms),
    ]
    if status["sync"]:
        text = f"{status['in_sync']:,} of {status['people']:,} people have an extension."
        chosen = (await asked(door, "GET", "/settings/people"))["settings"]
        if chosen["approve"] == BY_HAND:
            text += " Every plan waits for your approval."
        findings.append(Finding("People sync", True, text))
    else:
        step = "Switch it on under Users > M365, or connect again without --no-sync."
        text = "Switched off: nothing is read or changed by itself."
        findings.append(Finding("People sync", True, text, step))
    runs = (await asked(door, "GET", "/runs?limit=100"))["runs"]
    findings += [_waiting(run) for run in runs if run["waits"] is not None]
    findings += _cut_off(runs) if alone else []
    findings += _last_runs(runs)
    findings += _doubts((await asked(door, "GET", f"/matches?limit={MANY}"))["matches"])
    if undecided := status["undecided"]:
        findings.append(Finding("Undecided", True, undecided["text"], undecided["next_step"]))
    if held := status["held"]:
        text = f"{held['text']} {held['because']}"
        findings.append(Finding("Held back", False, text, held["next_step"]))
    elsewhere = {CONSENT, AWAY, *([GUARD] if held else [])}
    findings += [
        Finding("Alarm", False, one["text"], one["next_step"])
        for one in alarms
        if one["kind"] not in elsewhere
    ]
    return findings


def _cut_off(runs: Any) -> list[Finding]:
    """Runs that were under way when their server died: where none runs, nobody carries them on."""
    return [
        Finding(
            "Interrupted run",
            False,
            f"Run {run['id']} was cut off ({run['text']}): no server is running.",
            "What was left goes on by itself with the next start: jackfield serve",
        )
        for run in runs
        if run["status"] == "running"
    ]


async def _processes(door: Door) -> list[Finding]:
    """Who is at work on a database that several share; nothing on SQLite, or where nobody is."""
    alive = (await asked(door, "GET", "/processes"))["processes"]
    if not alive:
        return []
    named = ", ".join(
        f"{one['name']} on {one['host']} ({' and '.join(one['roles'])})" for one in alive
    )
    if any(Role.SYNC.value in one["roles"] for one in alive):
        return [Finding("Processes", True, f"{named}.")]
    return [
        Finding(
            "Processes",
            False,
            f"No process carries runs: {named}.",
            "Start one whose setting 'roles' holds 'sync', or leave 'roles' out.",
        )
    ]


def _microsoft(connection: Any, alarms: Any) -> Finding:
    if connection["credential_forgotten"]:
        text = f"Was connected to {connection['organisation']}, and cannot be called any more."
        return Finding("Microsoft 365", False, text, "Connect it again; see Credential.")
    for one in alarms:
        if one["kind"] == AWAY:
            return Finding("Microsoft 365", False, one["text"], one["next_step"])
    return Finding("Microsoft 365", True, f"Connected to {connection['organisation']}.")


def _last_runs(runs: Any) -> list[Finding]:
    """How the last run for everybody ended, and what was asked for since and failed."""
    since: list[Finding] = []
    for run in runs:
        if run["status"] in UNDER_WAY or run["ended_at"] is None:
            continue
        if run["mode"] in ON_DEMAND:
            if run["status"] == "failed" and not since:
                # Whoever asked was told: for everybody else it is worth knowing, and no fault.
                since.append(Finding("Asked for since", True, f"Run {run['id']}: {run['text']}"))
            continue
        good = run["status"] not in {"failed", "refused"}
        step = "" if good else "Look at it: jackfield runs, or Runs in the console."
        ended = f"{run['ended_at'][:10]} {run['ended_at'][11:16]} UTC"
        text = f"{run['text']} (Run {run['id']}, ended {ended}.)"
        return [Finding("Last run", good, text, step), *since]
    return since


def _doubts(matches: Any) -> list[Finding]:
    if not matches:
        return []
    count = f"{MANY} or more" if len(matches) == MANY else str(len(matches))
    text = f"{count} wait for a decision; none of these people gets an extension before."
    return [Finding("Doubtful matches", True, text, "Decide under Users > Doubtful matches.")]


def _permissions(connection: Any, alarms: Any) -> Finding:
    missing = connection["missing_permissions"]
    if not missing:
        return Finding("Permissions", True, "Nothing that was called for was refused.")
    step = next((one["next_step"] for one in alarms if one["kind"] == CONSENT), "")
    return Finding("Permissions", False, consent_text(missing), step)


def _waiting(run: Any) -> Finding:
    """A run that waits: for its turn is well, for somebody who is away is not."""
    if run["waits"]["what"] == TURN:
        return Finding("Waiting run", True, f"Run {run['id']}: {run['text']}")
    return Finding(
        "Waiting run",
        False,
        f"Run {run['id']}: {run['text']}",
        "It goes on by itself as soon as that works again; an alarm says what you can do.",
    )


def _credential(connection: Any, named: str) -> Finding:
    from datetime import UTC, datetime

    if forgotten := connection["credential_forgotten"]:
        about = f"--tenant {named!r} " if named else ""
        file = "--client-secret-file" if connection["credential"] == "secret" else "--certificate"
        step = (
            f"Connect it again: jackfield connect {about}--tenant-id {connection['tid']}"
            f" --client-id {connection['client_id']} {file} FILE"
        )
        return Finding("Credential", False, forgotten, step)
    if connection["credential_expires_at"] is None:
        return Finding(
            "Credential", True, f"A client {connection['credential']}; its end is not known here."
        )
    ends = datetime.fromisoformat(connection["credential_expires_at"])
    days = (ends - datetime.now(UTC)).days
    good = days > EXPIRES_SOON_DAYS
    step = "" if good else "Make a new certificate, upload it in Entra and run jackfield connect."
    return Finding("Credential", good, f"The certificate is valid for {days} more days.", step)


def _python() -> Finding:
    found = ".".join(str(part) for part in sys.version_info[:3])
    return Finding("Python", sys.version_info >= (3, 11), found)


def _settings(settings: Settings, server: ServerFile | None = None) -> Finding:
    """Those of this call; a server was started with its own, as the demo's always is."""
    told = describe(settings)
    if server is not None and urlsplit(server.url).port != settings.listen_port:
        told["listen"] = f"{urlsplit(server.url).netloc} (as the running server was started)"
    shown = ", ".join(f"{name}={value}" for name, value in told.items() if value)
    return Finding("Settings", True, shown)


def _data_dir(settings: Settings) -> Finding:
    folder = settings.data_dir
    if not folder.exists():
        step = "It is made at the first start: jackfield serve"
        return Finding("Data folder", False, f"{folder} does not exist.", step)
    if not folder.is_dir():
        step = "Name the folder of the installation with --data-dir."
        return Finding("Data folder", False, f"{folder} is no folder.", step)
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        return Finding(
            "Data folder",
            False,
            f"{folder} cannot be written by this user.",
            "Run as the user that owns it, or change its owner.",
        )
    return Finding("Data folder", True, str(folder.resolve()))


def _space(settings: Settings) -> Finding:
    free = shutil.disk_usage(settings.data_dir).free
    text = f"{free / 1024**3:.1f} GiB free."
    if free < LITTLE_SPACE:
        return Finding("Disk", False, text, "Make room: a full disk stops every sync.")
    return Finding("Disk", True, text)


def _key_file(settings: Settings) -> Finding:
    path = settings.data_dir / KEY_FILE
    if not path.exists():
        if not _has_database(settings):
            return Finding("Key file", True, "Not made yet.")
        step = "Restore it from the backup of this installation, or connect Microsoft 365 again."
        return Finding("Key file", False, f"{path} is missing: no stored secret can be read.", step)
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        return Finding(
            "Key file",
            False,
            f"{path} can be read by others (mode {mode:04o}).",
            f"chmod 600 {path}",
        )
    try:
        keys = len(path.read_bytes().split())
    except OSError as error:
        step = "Run as the user that runs Jackfield, or change the file's owner."
        return Finding("Key file", False, f"{path} cannot be read: {error.strerror}.", step)
    if keys > 1:
        text = f"{path} still holds an old key: a rotation was cut off. Nothing is lost."
        return Finding("Key file", False, text, "End it: jackfield key rotate")
    return Finding("Key file", True, f"{path}, readable by its owner only.")


def _has_database(settings: Settings) -> bool:
    return bool(settings.database_url) or (settings.data_dir / DATABASE_FILE).exists()


async def _database(settings: Settings) -> Finding:
    if not _has_database(settings):
        return Finding("Database", True, "Not made yet.")
    from jackfield.opening import examine_database

    problem = await examine_database(settings)
    if problem is None:
        return Finding("Database", True, "Can be opened, and its secrets can be read.")
    return Finding("Database", False, *problem)
