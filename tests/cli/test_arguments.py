"""Arguments that cannot be meant: exit code 2 and the reason, before a server is looked for."""

import io
import subprocess
import sys
from pathlib import Path

import pytest

from jackfield.cli.catalogue import CATALOGUE
from jackfield.cli.exits import Exit
from jackfield.cli.main import main
from jackfield.cli.telling import say

pytestmark = pytest.mark.hostile


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(["runs", "--limit", "٥"], "no whole number", id="arabic_digits"),
        pytest.param(["runs", "--limit", "５"], "no whole number", id="wide_digits"),
        pytest.param(["runs", "--limit", "1e2"], "no whole number", id="exponent"),
        pytest.param(["runs", "--limit", "1_0"], "no whole number", id="underscore"),
        pytest.param(["runs", "--limit", ""], "no whole number", id="no_figure"),
        pytest.param(["runs", "--limit", "501"], "<= 500", id="too_many"),
        pytest.param(["plan", "approve", "-1"], ">= 1", id="negative_plan"),
        pytest.param(["plan", "approve", "9" * 20], "<=", id="large_plan"),
        pytest.param(["plan", "show", "9" * 5_000], "no whole number", id="endless_plan"),
        pytest.param(["plan", "show", "1; rm"], "no whole number", id="shell"),
        pytest.param(["sync", "people", "--person", ""], "It is empty", id="nobody"),
        pytest.param(["sync", "people", "--person", "a\x1b[2J"], "no text", id="escape"),
        pytest.param(["sync", "people", "--person", "x" * 201], "at most 200", id="long_person"),
        pytest.param(
            ["sync", "people", "--person", "ada@x.example", "--full"], "or --full", id="both"
        ),
        pytest.param(["token", "create", " "], "It is empty", id="blank_token"),
        pytest.param(["token", "create", "a\nb"], "no text", id="two_lines"),
        pytest.param(["token", "create", "x", "--days", "-1"], ">= 0", id="negative_days"),
        pytest.param(["token", "create", "x", "--days", "３"], "no whole number", id="wide_days"),
        pytest.param(["admin", "reset-password", "--name", ""], "It is empty", id="no_account"),
        pytest.param(["token", "create", "x" * 101], "101 characters; at most", id="long_token"),
        pytest.param(["tenant", "add", "x" * 150], "150 characters; at most 100", id="long_tenant"),
        pytest.param(["backup", ""], "It is empty; name a file", id="no_file"),
        pytest.param(["restore", ""], "It is empty; name a file", id="no_backup"),
        pytest.param(["demo", "--people", "-5"], ">= 1", id="negative_people"),
        pytest.param(["demo", "--port", "65536"], "<= 65535", id="no_port"),
    ],
)
def test_what_cannot_be_meant_is_a_usage_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    """Python reads more as a number than people write; an empty name would mean everybody."""
    code = main([*arguments, *(["--data-dir", str(tmp_path)] if "demo" not in arguments else [])])

    told = capsys.readouterr()
    assert code == Exit.USAGE
    assert said in " ".join((told.err + told.out).replace("│", " ").split())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_json_is_json_in_every_encoding(monkeypatch: pytest.MonkeyPatch, encoding: str) -> None:
    """A script under cron has no UTF-8, and people have names."""
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding=encoding))

    say({"name": "Zoë 이도윤 🧑"}, json=True, text=str)
    sys.stdout.flush()

    import json

    assert json.loads(raw.getvalue().decode(encoding)) == {"name": "Zoë 이도윤 🧑"}


def test_a_value_that_would_fill_the_screen_is_not_repeated(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The reason stood below sixty lines of it."""
    code = main(["admin", "create", "x" * 5_000, "--data-dir", str(tmp_path)])

    told = capsys.readouterr().err
    assert code == Exit.USAGE
    assert "5,000 characters" in told
    assert len(told.splitlines()) < 8


def test_help_imports_no_command_that_was_not_asked_for() -> None:
    """It is typed often and must be there at once; a command costs its imports when it is used."""
    script = (
        "import sys; from jackfield.cli.main import main; main(['--help']); print(*sys.modules)"
    )
    command = [sys.executable, "-c", script]

    ended = subprocess.run(command, capture_output=True, text=True, check=True)

    imported = set(ended.stdout.splitlines()[-1].split())
    lazy = {f"jackfield.cli.{place.partition(':')[0]}" for place, _ in CATALOGUE.values()}
    heavy = {"aiohttp", "litestar", "msgspec", "sqlalchemy", "jackfield.store", "jackfield.web"}
    assert imported & (lazy | heavy) == set()
