"""What is refused before anything is touched, and what a restore leaves where."""

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from doubles.tables import migrate_to
from jackfield.backups import BackupRefused, back_up, restore
from jackfield.clock import SystemClock
from jackfield.holding import ForeignFolder, InUse, take_place
from jackfield.settings import Settings
from jackfield.store.backup import copy_database
from jackfield.store.database import Database
from jackfield.store.errors import DatabaseUnusable
from jackfield.store.schema import INSTALLATION
from jackfield.store.vault import Vault

CLOCK = SystemClock()


@pytest.fixture
async def settings(tmp_path: Path, sqlite_template: Path) -> Settings:
    """An installation with one secret."""
    folder = tmp_path / "data"
    folder.mkdir()
    shutil.copy(sqlite_template, folder / "jackfield.db")
    vault = Vault.open(folder / "jackfield.key")
    database = await Database.open(f"sqlite:///{folder / 'jackfield.db'}")
    async with database.write() as tx:
        await vault.save(tx, INSTALLATION, "secret", "known", now=CLOCK.now())
    await database.close()
    return Settings(data_dir=folder)


def files(folder: Path) -> dict[str, bytes]:
    """What stands in a folder, but for the lock."""
    found = {one.name: one for one in folder.iterdir() if one.is_file() and one.name != "lock"}
    return {name: found[name].read_bytes() for name in sorted(found)}


def changed(file: Path, statement: str) -> None:
    with closing(sqlite3.connect(file)) as database, database:
        database.execute(statement)


async def test_a_copy_of_a_database_in_use_has_what_was_committed(
    settings: Settings, tmp_path: Path
) -> None:
    """The newest changes stand in the log beside the file, not in the file."""
    source, target = settings.data_dir / "jackfield.db", tmp_path / "copy.db"
    with closing(sqlite3.connect(source, isolation_level=None)) as writer:
        writer.execute("UPDATE sequences SET tenant = tenant")
        writer.execute("INSERT INTO sequences (tenant) VALUES (41)")
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("INSERT INTO sequences (tenant) VALUES (42)")

        size = copy_database(source, target)

    with closing(sqlite3.connect(target)) as copy:
        tenants = {row[0] for row in copy.execute("SELECT tenant FROM sequences")}
    assert 41 in tenants
    assert 42 not in tenants
    assert size == target.stat().st_size
    assert target.stat().st_mode & 0o777 == 0o600
    assert list(files(tmp_path)) == ["copy.db"]


def test_a_backup_overwrites_nothing_unasked(settings: Settings, tmp_path: Path) -> None:
    """A name mistyped must not cost the backup of yesterday, and never the database."""
    target = tmp_path / "backup.db"
    target.write_text("of yesterday")
    database = settings.data_dir / "jackfield.db"
    before = database.read_bytes()

    with pytest.raises(BackupRefused, match="exists already"):
        back_up(settings, target)
    with pytest.raises(BackupRefused, match="is the database itself"):
        back_up(settings, database, replace=True)
    with pytest.raises(BackupRefused, match="is a folder"):
        back_up(settings, tmp_path)
    with pytest.raises(BackupRefused, match=r"There is no folder .*/nowhere"):
        back_up(settings, tmp_path / "nowhere" / "x.db")
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(BackupRefused, match="is no file that could be replaced"):
        back_up(settings, pipe, replace=True)
    with pytest.raises(BackupRefused, match="cannot be written: File name too long") as long:
        back_up(settings, tmp_path / ("x" * 300))
    assert "Errno" not in str(long.value)
    with pytest.raises(BackupRefused, match="no installation"):
        back_up(Settings(data_dir=tmp_path / "empty"), tmp_path / "new.db")
    kept = target.read_text()
    back_up(settings, target, replace=True)

    assert kept == "of yesterday"
    assert target.read_bytes().startswith(b"SQLite format 3")
    assert database.read_bytes() == before


def test_on_postgresql_its_own_tools_are_named(tmp_path: Path) -> None:
    """Without the password of the address."""
    elsewhere = Settings(data_dir=tmp_path, database_url="postgresql://me:secret@db/jackfield")

    with pytest.raises(BackupRefused, match="pg_dump --format=custom") as refused:
        back_up(elsewhere, tmp_path / "backup.db")

    assert "secret" not in str(refused.value)


async def test_a_restore_that_is_refused_touches_nothing(
    settings: Settings, tmp_path: Path
) -> None:
    """What stands there is all that somebody has left, perhaps."""
    good, damaged, newer, foreign = (
        tmp_path / f"{name}.db" for name in ("good", "damaged", "newer", "foreign")
    )
    back_up(settings, good)
    damaged.write_bytes(good.read_bytes()[:20_000] + b"\0" * 40_000 + good.read_bytes()[60_000:])
    shutil.copy(good, newer)
    changed(newer, "UPDATE alembic_version SET version_num = '9999'")
    changed(foreign, "CREATE TABLE invoices (number INTEGER)")
    other_key = tmp_path / "other.key"
    Vault.open(other_key)
    before = files(settings.data_dir)

    async def refused(file: Path, *, key_file: Path | None = None, replace: bool = True) -> str:
        with pytest.raises((BackupRefused, DatabaseUnusable)) as error:
            await restore(settings, file, CLOCK, key_file=key_file, replace=replace)
        return str(error.value)

    said = [
        await refused(tmp_path / "missing.db"),
        await refused(good, replace=False),
        await refused(damaged),
        await refused(newer),
        await refused(foreign),
        await refused(good, key_file=other_key),
    ]

    assert "There is no file" in said[0]
    assert "There is a database" in said[1]
    assert "damaged" in said[2]
    assert "newer Jackfield" in said[3]
    assert "not a database of Jackfield" in said[4]
    assert "cannot be decrypted" in said[5]
    assert "--forget-secrets" in said[5]
    assert files(settings.data_dir) == before


async def test_a_restore_in_vain_leaves_no_folder(settings: Settings, tmp_path: Path) -> None:
    """A copy that was cut off is told from a database that is to be mended."""
    good, cut = tmp_path / "good.db", tmp_path / "cut.db"
    back_up(settings, good)
    target = Settings(data_dir=tmp_path / "new" / "data")
    said = []
    for length in (0, 10, 50_000):
        cut.write_bytes(good.read_bytes()[:length])
        with pytest.raises(BackupRefused) as refused:
            await restore(target, cut, CLOCK)
        said.append(str(refused.value))

    assert not target.data_dir.parent.exists()
    for text in said:
        assert f"The backup {cut} cannot be restored: it is cut off" in text
        assert "Copy it again from where it is kept, or take another one." in text
        assert "Stop Jackfield" not in text


async def test_nothing_is_restored_among_other_files(settings: Settings, tmp_path: Path) -> None:
    """The backup itself and its key may lie there."""
    target = tmp_path / "target"
    target.mkdir()
    back_up(settings, target / "of-monday.db")
    key = shutil.copy(settings.data_dir / "jackfield.key", target / "of-monday.key")
    other = target / "notes.txt"
    other.touch()
    into = Settings(data_dir=target)

    with pytest.raises(ForeignFolder, match=r"in it: notes\.txt"):
        await restore(into, target / "of-monday.db", CLOCK, key_file=Path(key))
    left = sorted(one.name for one in target.iterdir())
    other.unlink()
    await restore(into, target / "of-monday.db", CLOCK, key_file=Path(key))

    assert left == ["notes.txt", "of-monday.db", "of-monday.key"]
    assert (target / "jackfield.db").exists()


async def test_nobody_restores_under_a_running_server(settings: Settings, tmp_path: Path) -> None:
    """It would go on writing into a file that nobody sees any more."""
    file = tmp_path / "backup.db"
    back_up(settings, file)
    held = await take_place(settings.data_dir, CLOCK, shared=False)

    with pytest.raises(InUse, match="in use by the process"):
        await restore(settings, file, CLOCK, replace=True)

    held.close()


async def test_what_stood_there_is_kept_and_what_is_of_another_time_is_not(
    settings: Settings, tmp_path: Path
) -> None:
    """The log of another database would be replayed into the restored one."""
    file, folder = tmp_path / "backup.db", settings.data_dir
    back_up(settings, file)
    changed(folder / "jackfield.db", "INSERT INTO sequences (tenant) VALUES (77)")
    for left in ("work.db", "work.db-wal", "jackfield.db-journal"):
        (folder / left).write_bytes(b"")

    restored = await restore(settings, file, CLOCK, replace=True)

    assert restored.kept is not None
    with closing(sqlite3.connect(restored.kept)) as kept:
        newer = kept.execute("SELECT 1 FROM sequences WHERE tenant = 77").fetchall()
    with closing(sqlite3.connect(folder / "jackfield.db")) as database:
        older = database.execute("SELECT 1 FROM sequences WHERE tenant = 77").fetchall()
    assert (newer, older) == ([(1,)], [])
    assert [one.name for one in folder.glob("work.db*")] == []
    assert not (folder / "jackfield.db-journal").exists()


@pytest.mark.e2e
async def test_the_backup_of_an_older_version_is_brought_up_to_date(tmp_path: Path) -> None:
    """Who reinstalls after years has the newest Jackfield, and an old file."""
    old, folder = tmp_path / "old.db", tmp_path / "new"
    migrate_to(f"sqlite:///{old}", "0003")
    before = old.read_bytes()

    await restore(Settings(data_dir=folder), old, CLOCK)

    database = await Database.open(f"sqlite:///{folder / 'jackfield.db'}")
    await database.close()
    assert old.read_bytes() == before
