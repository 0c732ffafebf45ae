"""A command without a server does what it was asked, and nothing that happens to be due."""

import pytest

from doubles.processes import Installation, Stage

pytestmark = pytest.mark.e2e


@pytest.mark.parametrize("command", ["runs", "sync people", "admin reset-password"])
async def test_a_mistyped_folder_does_not_become_an_installation(
    installation: Installation, command: str
) -> None:
    """An empty installation that says "no runs yet" sends its administrator the wrong way."""
    said = await installation.command(*command.split())

    assert said.code == 2
    assert "There is no installation in" in said.err
    assert not installation.data.exists() or not list(installation.data.iterdir())


async def test_a_preview_changes_nothing_although_a_sync_is_due(
    installation: Installation, stage: Stage
) -> None:
    """A preview promises that nothing is changed, to an administrator who worries about it."""
    connected = await installation.connect(stage)

    planned = await installation.command("plan", "people", "--json")

    listed = await installation.command("runs", "--json")
    assert connected.code == 0
    assert planned.document["counts"]["create_extension"] > 0
    assert [run["mode"] for run in listed.document["runs"]] == ["preview"]


async def test_a_command_is_about_the_tenant_that_is_named(installation: Installation) -> None:
    """By the option or the environment; with several and none named, nothing is guessed."""
    with installation.serving():
        await installation.command("tenant", "add", "Second")
        unnamed = await installation.command("runs")
        by_option = await installation.command("runs", "--tenant", "second")
        by_environment = await installation.command("runs", JACKFIELD_TENANT="2")
        nobody = await installation.command("runs", JACKFIELD_TENANT="Third")

    assert (by_option.code, by_environment.code, by_environment.err) == (0, 0, by_option.err)
    assert unnamed.code == 2
    assert "2 (Second)" in unnamed.err
    assert nobody.code != 0
    assert "no tenant “Third”" in nobody.err
