"""The command line as an administrator and their scripts use it: text, JSON and exit codes."""

import asyncio
import json
import os
import signal
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from datetime import timedelta
from pathlib import Path

import pytest

from doubles.certificates import NOW, certificate, pem_of, rsa_key
from doubles.processes import APP, Installation, Said, Stage, running_stage
from jackfield.store.vault import Vault

pytestmark = pytest.mark.e2e

DONE, FAILED, USAGE, REFUSED = 0, 1, 2, 3


@pytest.fixture(params=["a_server_runs", "no_server_runs"])
def commanded(request: pytest.FixtureRequest, installation: Installation) -> Iterator[Installation]:
    """The same installation, asked over a running server and by the command alone."""
    with installation.serving():
        pass
    server = installation.serving() if request.param == "a_server_runs" else nullcontext()
    with server:
        yield installation


async def test_every_command_has_json_and_an_exit_code(
    commanded: Installation, stage: Stage
) -> None:
    """A script needs neither to scrape text nor to know whether a server runs."""
    no_runs = await commanded.command("runs", "--json")
    not_yet = await commanded.command("sync", "people", "--json")
    connected = await commanded.connect(stage, "--no-sync", "--json")
    first = await commanded.command("plan", "people", "--limit", "3", "--json")
    refused = await commanded.command("plan", "refuse", str(first.document["id"]), "--json")
    planned = await commanded.command("plan", "people", "--limit", "3", "--json")
    number = str(planned.document["id"])
    approved = await commanded.command("plan", "approve", number, "--json")
    again = await commanded.command("plan", "approve", number, "--json")
    synced = await commanded.command("sync", "people", "--full", "--json")
    person = await commanded.command("sync", "people", "--person", await upn(stage), "--json")
    nobody = await commanded.command("sync", "people", "--person", "nobody@kestrel.example")
    listed = await commanded.command("runs", "--limit", "5", "--json")
    token = await commanded.command("token", "create", "scripts", "--days", "30", "--json")
    password = await commanded.command("admin", "reset-password", "--json")
    rotated = await commanded.command("key", "rotate", "--json")
    doctor = await commanded.command("doctor", "--json")

    assert (no_runs.code, no_runs.document) == (DONE, {"runs": [], "next": None})
    assert (not_yet.code, not_yet.document["status"]) == (FAILED, "failed")
    assert "jackfield connect" in not_yet.document["text"]
    assert connected.code == DONE
    assert connected.document["tid"] == stage.tenant_id
    assert connected.document["missing_permissions"] == []
    assert (planned.code, len(planned.document["actions"])) == (DONE, 3)
    assert planned.document["actions"][0]["because"]
    assert (refused.code, refused.document["status"]) == (DONE, "refused")
    assert (approved.code, approved.document["status"]) == (DONE, "done")
    assert approved.document["counts"]["changes"] == planned.document["counts"]["create_extension"]
    assert again.code == FAILED
    assert "only a proposed plan" in again.err
    assert again.out == ""
    assert (synced.code, synced.document["text"]) == (DONE, "Nothing to do for 60 people.")
    assert (person.code, person.document["mode"]) == (DONE, "person")
    assert (nobody.code, nobody.err) == (FAILED, "")
    assert "nobody@kestrel.example" in nobody.out
    # Where a server runs, it may have looked at photos meanwhile.
    of_people = [run for run in listed.document["runs"] if run["kind"] != "photos"]
    assert [run["mode"] for run in of_people][:3] == ["person", "person", "full"]
    assert token.document["token"].startswith("jackfield_")
    assert password.document["name"] == "admin"
    assert len(password.document["password"]) == 23
    assert (rotated.code, rotated.document) == (DONE, {"secrets": 2})
    assert [one["what"] for one in doctor.document if not one["good"]] == []
    assert doctor.code == DONE
    assert all(said.err == "" for said in (connected, planned, approved, synced, listed, doctor))


async def upn(stage: Stage) -> str:
    people = (await stage.control("GET", "/people?limit=50"))["people"]
    return str(next(one for one in people if one["accountEnabled"])["userPrincipalName"])


async def test_a_person_at_the_keyboard_reads_sentences(
    installation: Installation, stage: Stage
) -> None:
    """Without --json the same commands speak to people, on standard output."""
    off = await installation.connect(stage, "--no-sync")
    planned = await installation.command("plan", "people", "--limit", "2")
    on = await installation.connect(stage)
    synced = await installation.command("sync", "people")
    listed = await installation.command("runs")
    doctor = await installation.command("doctor")

    assert off.out.startswith("Connected to ")
    assert off.out.endswith("People sync is off; switch it on under Users > M365.\n")
    assert on.out.endswith(f"(tenant {stage.tenant_id}). People sync is on.\n")
    assert planned.code == synced.code == listed.code == doctor.code == DONE
    assert "  Create extension 100 for" in planned.out
    assert synced.out.splitlines()[0] == "41 extensions created."
    assert "Notice: Sophia Scott (sophia.scott@kestrelfoods.example): Mobile “n/a”" in synced.out
    assert " full " in listed.out
    assert "ok    Microsoft 365: Connected to" in doctor.out
    assert "FAIL" not in doctor.out


async def test_people_for_whom_nothing_can_be_done_are_named(
    installation: Installation, stage: Stage
) -> None:
    """The range is full: whoever looks is told who waits, and where the others stand."""
    with installation.serving() as server:
        await installation.connect(stage, "--no-sync")
        await server.choose(rules={"numbers": {"start": "999995"}})
        planned = await installation.command("plan", "people")
        synced = await installation.command("sync", "people")
        shown = await installation.command("plan", "show", "2", "--limit", "500")
        listed = await installation.command("runs", "--limit", "1")
        plan = await server.api("GET", "/plans/2")

    people = [f"{one['name']} ({one['upn']})" for one in plan["refusals"]]
    more = f"and {len(people) - 10} more; see jackfield plan show"
    assert len(people) > 20
    for said, number in ((planned, 1), (synced, 2)):
        assert said.code == DONE
        assert [f"Refused: {who}: " in said.out for who in people] == [
            at < 10 for at in range(len(people))
        ]
        assert f"\n{more} {number}\n" in said.out
    assert all(f" ({one['upn']}): " in shown.out for one in plan["refusals"])
    assert f"Refused: {', '.join(people[:10])} {more} 2\n" in listed.out


async def test_a_guard_ends_a_command_with_a_code_of_its_own(installation: Installation) -> None:
    """A script must not take a mass deletion that was held back for a success, nor for a crash."""
    with running_stage(people=60, seed=9) as stage, installation.serving() as server:
        await installation.connect(stage, "--no-sync")
        await server.choose(rules={"on_deleted": "remove", "remove_after": {"deleted": 0}})
        first = await installation.command("sync", "people", "--full", "--json")
        people = (await stage.control("GET", "/people?limit=60"))["people"]
        for person in people[:40]:
            await stage.control("POST", f"/people/{person['id']}/delete")

        preview = await installation.command("plan", "people", "--json")
        sync = await installation.command("sync", "people", "--full", "--json")
        doctor = await installation.command("doctor")
        held = await server.api("GET", "/plans?limit=1")
        number = str(held["plans"][0]["id"])
        unreleased = await installation.command("plan", "approve", number)
        released = await installation.command("plan", "approve", number, "--release-held")

    assert first.code == DONE
    assert (preview.code, preview.document["guarded"]) == (REFUSED, True)
    assert preview.document["refusals"][0]["next_step"]
    assert (sync.code, sync.document["status"]) == (REFUSED, "refused")
    assert doctor.code == FAILED
    assert "FAIL  Held back: " in doctor.out
    assert (unreleased.code, unreleased.out) == (REFUSED, "")
    assert " extensions to remove." in unreleased.err
    assert f"jackfield plan approve {number} --release-held" in unreleased.err
    assert released.code == DONE


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(("frobnicate",), "frobnicate", id="unknown_command"),
        pytest.param(("runs", "--limit", "0"), "limit", id="figure_out_of_range"),
        pytest.param(("plan", "approve", "x"), "x", id="not_a_plan"),
        pytest.param(("token", "create"), "NAME", id="missing_argument"),
        pytest.param(("connect", "--client-id", APP), "tenant-id", id="missing_option"),
        pytest.param(
            ("connect", "--tenant-id", "t", "--client-id", APP),
            "one credential",
            id="no_credential",
        ),
        pytest.param(
            ("connect", "--tenant-id", "t", "--client-id", APP, "--certificate", "none.pem"),
            "none.pem",
            id="missing_file",
        ),
        pytest.param(("serve", "--listen", "8200"), "127.0.0.1:8200", id="half_an_address"),
        pytest.param(("serve", "--listen", "0.0.0.0:0"), "without encryption", id="open_http"),
    ],
)
async def test_a_wrong_command_is_a_usage_error(
    installation: Installation, arguments: tuple[str, ...], said: str
) -> None:
    """Exit code 2, what is wrong by name, no traceback, and nothing made on the disk."""
    wrong = await installation.command(*arguments)

    assert wrong.code == USAGE
    assert said.casefold() in (wrong.err + wrong.out).casefold()
    assert "Traceback" not in wrong.err
    assert not installation.data.exists()


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        pytest.param(
            {"JACKFIELD_DATADIR": "x"},
            "nearest known one is 'JACKFIELD_DATA_DIR'",
            id="typing_error",
        ),
        pytest.param({"JACKFIELD_LOG_LEVEL": "loud"}, "debug, info, warning, error", id="value"),
        pytest.param({"JACKFIELD_CONFIG": "none.toml"}, "none.toml", id="no_settings_file"),
        pytest.param({"JACKFIELD_CONFIG": "wrong.toml"}, "nearest known one is 'listen'", id="key"),
        pytest.param({"JACKFIELD_DATABASE_URL": "mysql://x"}, "postgresql://", id="database"),
    ],
)
async def test_a_wrong_setting_refuses_to_start(
    installation: Installation, environment: dict[str, str], said: str
) -> None:
    """A typing error never becomes a silent default; the nearest known key is named."""
    (installation.folder / "wrong.toml").write_text('listn = "127.0.0.1:8200"\n')

    wrong = await installation.command("runs", **environment)

    assert wrong.code == USAGE
    assert said in wrong.err
    assert not installation.data.exists()


@pytest.fixture(scope="module")
def secure_stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A stage that answers by https too, under an authority of its own."""
    authority = tmp_path_factory.mktemp("authority") / "ca.pem"
    with running_stage("--https-port", "0", "--ca-out", str(authority)) as stage:
        yield stage


async def test_connect_trusts_an_authority_that_is_handed_over(
    installation: Installation, secure_stage: Stage
) -> None:
    """A server inside a company has a certificate that no public authority has signed."""
    addresses = {"login_url": secure_stage.https_url, "graph_url": secure_stage.https_url}

    untrusted = await installation.connect(secure_stage, **addresses)
    trusted = await installation.connect(secure_stage, **addresses, ca_bundle=secure_stage.ca_file)
    synced = await installation.command("sync", "people", "--json")

    assert untrusted.code == FAILED
    assert "is not trusted" in untrusted.err
    assert trusted.code == synced.code == DONE
    assert synced.document["counts"]["people"] == 60


@pytest.fixture(scope="module")
def answering(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """An installation whose server runs, not connected to anything."""
    installation = Installation(tmp_path_factory.mktemp("answering"))
    with installation.serving():
        yield installation


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        pytest.param({"client_secret_file": "wrong.txt"}, "AADSTS7000215", id="wrong_secret"),
        pytest.param({"tenant_id": "nobody.example"}, "AADSTS90002", id="unknown_tenant"),
        pytest.param({"client_id": APP[:-1] + "3"}, "AADSTS700016", id="unknown_application"),
        pytest.param(
            {"client_secret_file": None, "certificate": "expired.pem"}, "expired", id="expired"
        ),
        pytest.param(
            {"client_secret_file": None, "certificate": "other.pem"}, "AADSTS", id="unregistered"
        ),
        pytest.param(
            {"client_secret_file": None, "certificate": "wrong.txt"}, "no PEM", id="no_certificate"
        ),
        pytest.param(
            {"login_url": "http://127.0.0.1:1", "graph_url": "http://127.0.0.1:1"},
            "cannot be reached",
            id="nobody_there",
        ),
        pytest.param(
            {"login_url": "http://example.com", "graph_url": "http://example.com"},
            "plain http",
            id="plain_http",
        ),
    ],
)
async def test_a_connection_that_cannot_work_is_not_stored(
    answering: Installation, stage: Stage, changed: dict[str, str | None], said: str
) -> None:
    """What is wrong is said at once, with Entra's own code, instead of in tomorrow's sync."""
    folder = answering.folder
    (folder / "wrong.txt").write_text("wrong")
    (folder / "expired.pem").write_bytes(expired())
    (folder / "other.pem").write_bytes(certificate(rsa_key()) + pem_of(rsa_key()))

    refused = await answering.connect(stage, **changed)
    doctor = await answering.command("doctor")

    assert refused.code == FAILED
    assert refused.out == ""
    assert said in refused.err
    assert "Traceback" not in refused.err
    assert "FAIL  Microsoft 365: Not connected." in doctor.out


def expired() -> bytes:
    key = rsa_key()
    return certificate(key, NOW - timedelta(days=400)) + pem_of(key)


async def test_two_processes_on_one_sqlite_are_refused_by_name(installation: Installation) -> None:
    """Two servers on one file would undo each other's work: the second says who is there."""
    with installation.serving() as first:
        second = await installation.command("serve", "--listen", "127.0.0.1:0")
        demo = await installation.command("demo", "--data", str(installation.data))
        status = await first.api("GET", "/status")

    for said in (second, demo):
        assert said.code == FAILED
        assert str(installation.data) in said.err
        assert f"process {first.process.pid}" in said.err
    assert status["connected"] is False


async def test_a_killed_server_does_not_stand_in_the_way(installation: Installation) -> None:
    """Its address file stays behind; the number of its process may be somebody else's by now."""
    with installation.serving() as server:
        await server.process.kill()
    left = installation.data / "server.json"
    file = json.loads(left.read_text())
    left.write_text(json.dumps({**file, "pid": os.getpid()}))

    listed = await installation.command("runs", "--json")

    assert listed.code == DONE


async def test_the_first_password_is_shown_by_the_first_server(installation: Installation) -> None:
    """Whoever connects before the first start must still learn the administrator's password."""
    await installation.command("token", "create", "scripts")

    with installation.serving() as server:
        shown = server.process.out
        await server.process.stop()
    with installation.serving() as server:
        later = server.process.out

    where = f"Jackfield answers at {server.url.rpartition(':')[0]}"
    assert where in shown
    assert "Sign in as admin with the password " in shown
    assert later.startswith(where)
    assert later.count("\n") == 1


async def test_a_busy_address_is_said(installation: Installation, tmp_path: Path) -> None:
    """Nobody should have to read a stack trace to learn that a port is taken."""
    other = tmp_path / "other"
    other.mkdir()
    with Installation(other).serving() as server:
        listen = server.url.removeprefix("http://")

        refused = await installation.command("serve", "--listen", listen)

    assert refused.code == FAILED
    assert f"cannot listen on {listen}" in refused.err
    assert "Traceback" not in refused.err


async def test_a_reader_that_has_seen_enough_ends_the_command(installation: Installation) -> None:
    """`jackfield runs --json | head -1` is no fault; its files are for nobody else."""
    with installation.serving():
        pass
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "jackfield", "runs", "--json"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**installation.environment, "PYTHONIOENCODING": "ascii"},
    )
    assert process.stdout is not None
    process.stdout._transport.close()  # type: ignore[attr-defined]
    _, err = await process.communicate()

    assert process.returncode == 128 + signal.SIGPIPE
    assert err == b""
    kept = [installation.data, *installation.data.iterdir()]
    assert {path.name: path.stat().st_mode & 0o077 for path in kept} == {
        path.name: 0 for path in kept
    }


async def test_a_folder_that_cannot_be_made_is_said(installation: Installation) -> None:
    """With the reason and another way, instead of a number of the operating system's."""
    (installation.folder / "file").touch()

    refused = await installation.command(
        "serve", "--listen", "127.0.0.1:0", "--data-dir", str(installation.folder / "file" / "x")
    )

    assert refused.code == FAILED
    assert "cannot be used: Not a directory. Name another one with --data-dir" in refused.err


# --- doctor ----------------------------------------------------------------------------------


async def failing(installation: Installation) -> tuple[Said, dict[str, str]]:
    """What doctor says, and what it finds wrong: text by what was looked at."""
    said = await installation.command("doctor", "--json")
    return said, {one["what"]: one["text"] for one in said.document if not one["good"]}


async def test_doctor_finds_a_missing_data_folder(installation: Installation) -> None:
    """The usual cause: started as another user, or in another folder."""
    said, wrong = await failing(installation)

    assert said.code == FAILED
    assert list(wrong) == ["Data folder"]
    assert not installation.data.exists()


async def test_doctor_finds_a_key_that_others_can_read(installation: Installation) -> None:
    """A backup that was copied back often leaves it so; every secret would be open."""
    with installation.serving():
        pass
    key = installation.data / "jackfield.key"
    key.chmod(0o644)

    said, wrong = await failing(installation)
    served = await installation.command("serve", "--listen", "127.0.0.1:0")

    assert said.code == FAILED
    assert "Key file" in wrong
    assert "0644" in wrong["Key file"]
    assert served.code == FAILED
    assert "chmod 600" in served.err
    assert "Traceback" not in served.err


async def test_doctor_finds_a_lost_key(installation: Installation, stage: Stage) -> None:
    """Restored without its key, the database keeps its secrets to itself."""
    await installation.connect(stage)
    key_file = installation.data / "jackfield.key"
    key_file.unlink()

    _, missing = await failing(installation)
    asked = await installation.command("runs")
    made = key_file.exists()
    Vault.open(key_file)
    _, foreign = await failing(installation)

    assert "missing" in missing["Key file"]
    assert asked.code == FAILED
    assert "Restore it from the backup" in asked.err
    assert not made
    assert "cannot be decrypted" in foreign["Database"]


async def test_doctor_finds_a_database_of_a_newer_version(installation: Installation) -> None:
    """After a downgrade nothing is touched: the newer version's data would be damaged."""
    with installation.serving():
        pass
    with sqlite3.connect(installation.data / "jackfield.db") as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    database.close()

    said, wrong = await failing(installation)
    served = await installation.command("serve", "--listen", "127.0.0.1:0")

    assert said.code == FAILED
    assert "newer Jackfield" in wrong["Database"]
    assert served.code == FAILED
    assert "newer Jackfield" in served.err


async def test_doctor_finds_a_damaged_database(installation: Installation) -> None:
    """A file that is no database is named, with what to do."""
    installation.data.mkdir()
    (installation.data / "jackfield.db").write_bytes(b"not a database" * 100)
    (installation.data / "jackfield.key").touch(mode=0o600)

    said, wrong = await failing(installation)

    assert said.code == FAILED
    assert "jackfield.db" in wrong["Database"]


async def test_doctor_finds_an_unanswered_server(installation: Installation) -> None:
    """A stopped process holds its port and its folder, and answers nobody."""
    with installation.serving() as server:
        good, _ = await failing(installation)
        server.process.freeze()
        frozen, wrong = await failing(installation)
        server.process.thaw()

    assert "Answers at" in good.out
    assert frozen.code == FAILED
    assert str(server.process.pid) in frozen.out
    assert list(wrong) == ["Server"]


async def test_doctor_finds_a_lost_permission(installation: Installation) -> None:
    """Said when connecting, and when it is lost: the sync of yesterday says nothing of today."""
    with running_stage(people=30, seed=3) as stage:
        await stage.control("PATCH", f"/apps/{APP}", {"roles": ["User.Read.All"]})
        connected = await installation.connect(stage, "--no-sync")
        missing, _ = await failing(installation)
        every = ["User.Read.All", "GroupMember.Read.All", "LicenseAssignment.Read.All"]
        await stage.control("PATCH", f"/apps/{APP}", {"roles": every})
        await stage.control("POST", "/tokens/revoke", {"appId": APP})
        mended = await installation.connect(stage)
        await stage.control("PATCH", f"/apps/{APP}", {"roles": ["User.Read.All"]})
        await stage.control("POST", "/tokens/revoke", {"appId": APP})
        synced = await installation.command("sync", "people", "--full", "--json")

        said, wrong = await failing(installation)

    assert synced.code == DONE  # people need no groups
    assert said.code == FAILED
    assert connected.code == mended.code == DONE
    assert "Consent again" not in mended.out
    for told in (connected, missing, said):
        assert "Consent again: the application permission GroupMember.Read.All" in told.out
        assert "API permissions: add GroupMember.Read.All and grant admin consent" in told.out
    assert list(wrong) == ["Permissions"]
