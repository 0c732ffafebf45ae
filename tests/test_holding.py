"""Where an installation may begin: in a folder that is empty, or Jackfield's own."""

from pathlib import Path

import pytest

from jackfield.app import App
from jackfield.cli.main import main
from jackfield.holding import ForeignFolder, check_not_foreign
from jackfield.settings import Settings
from jackfield.store.errors import DatabaseUnusable


def names_in(folder: Path) -> list[str]:
    return sorted(one.name for one in folder.iterdir())


async def test_a_server_does_not_begin_among_other_files(tmp_path: Path) -> None:
    """A slip in --data-dir must not strew five files among somebody's documents."""
    (tmp_path / "notes.txt").touch()

    with pytest.raises(ForeignFolder) as refused:
        async with App(Settings(data_dir=tmp_path)):
            pass

    assert "other things are in it: notes.txt. Nothing was made there." in str(refused.value)
    assert names_in(tmp_path) == ["notes.txt"]


async def test_on_postgresql_neither(tmp_path: Path) -> None:
    """Its key file would lie among somebody's documents; an installation is known by that file."""
    (tmp_path / "notes.txt").touch()
    nowhere = "postgresql://nobody@127.0.0.1:1/jackfield"

    with pytest.raises(ForeignFolder, match=r"notes\.txt"):
        async with App(Settings(data_dir=tmp_path, database_url=nowhere)):
            pass
    left = names_in(tmp_path)
    (tmp_path / "jackfield.key").touch()
    with pytest.raises(DatabaseUnusable, match="does not answer"):
        async with App(Settings(data_dir=tmp_path, database_url=nowhere)):
            pass

    assert left == ["notes.txt"]


def test_the_demo_does_neither(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """In a sentence that names some, and the way out, which is right for its options too."""
    names = ["a.txt", "b.txt", "c.txt", "d.txt"]
    for name in names:
        (tmp_path / name).touch()

    code = main(["demo", "--people", "1", "--data", str(tmp_path)])

    said = capsys.readouterr().err
    assert code == 1
    assert "a.txt, b.txt, c.txt and 1 more. Nothing was made there. Name an empty folder" in said
    assert names_in(tmp_path) == names


@pytest.mark.parametrize(
    "name",
    [
        "lost+found",
        ".bashrc",
        "jackfield.key",
        "jackfield.toml",
        "jackfield.db-wal",
        "jackfield-backup.db",
        "work.db",
        "work.db-shm",
        "lock",
        "lock-2",
        "server.json",
        "server-2.new",
        "ca-1.pem",
        "demo-application.pem",
        "tenant.json",
        "tenant.part",
    ],
)
def test_what_is_ours_or_a_volumes_is_not_in_the_way(tmp_path: Path, name: str) -> None:
    """A key file that was copied there first, a volume that was just mounted, a lost database."""
    (tmp_path / name).touch()

    check_not_foreign(tmp_path)


@pytest.mark.parametrize("name", ["notes.txt", "lock.txt", "server.xml", "ca-bundle.pem", "my.db"])
def test_what_only_looks_like_ours_is_foreign(tmp_path: Path, name: str) -> None:
    """Each is named."""
    (tmp_path / name).touch()

    with pytest.raises(ForeignFolder, match=name):
        check_not_foreign(tmp_path)


async def test_an_installation_knows_its_own_files_and_bears_others(tmp_path: Path) -> None:
    """What it has left there itself is never foreign; what came later is nobody's fault."""
    settings = Settings(data_dir=tmp_path / "data")
    async with App(settings) as app:
        await app.command_token()
    left = names_in(settings.data_dir)
    (settings.data_dir / "notes.txt").touch()

    async with App(settings):
        pass
    (settings.data_dir / "notes.txt").unlink()
    (settings.data_dir / "jackfield.db").unlink()
    check_not_foreign(settings.data_dir)

    assert {"jackfield.db", "jackfield.key", "lock"} <= set(left)
