"""Commands about choices, numbers and what has happened, as processes with no server running."""

from __future__ import annotations

from pathlib import Path

import pytest

from doubles.processes import Installation, Stage
from jackfield.cli.exits import Exit

pytestmark = pytest.mark.e2e


async def test_choices_numbers_and_the_journal_are_reached_without_a_server(
    installation: Installation, stage: Stage, tmp_path: Path
) -> None:
    """Each command starts the application for itself, and changes what the next one sees."""
    file = tmp_path / "choices.json"
    await installation.connect(stage)
    await installation.command("sync", "people", "--json")
    (someone,) = (await installation.command("people", "--limit", "1", "--json")).document["people"]

    changed = await installation.command("settings", "set", "guests=on", "--json")
    drastic = await installation.command(
        "settings", "set", "scope=SyncSelected", f"selected_users={someone['upn']}"
    )
    exported = await installation.command("settings", "export", str(file))
    imported = await installation.command("settings", "import", str(file), "--json")
    reserved = await installation.command("numbers", "reserve", "900-909", "--note", "lifts")
    journal = await installation.command("journal", "--kind", "settings", "--csv")

    assert changed.document["changes"] == ["Include guests from off to on"]
    assert drastic.code == Exit.REFUSED
    assert "would fall out of scope" in drastic.out
    assert exported.code == Exit.DONE
    assert imported.document["saved"] is False
    assert reserved.out == "Reserved: 900-909: for nobody (lifts)\n"
    assert "Include guests from off to on" in journal.out
    assert all(one.err == "" for one in (changed, drastic, exported, reserved, journal))
