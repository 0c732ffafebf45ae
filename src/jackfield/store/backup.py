"""A SQLite database copied into one file while others work with it.

The copy is of one moment, complete and checked. What must not come to life again with it is left
out: browsers that are signed in. The durable runner's file is no part of it: it is disposable.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from jackfield.store.errors import DatabaseUnusable
from jackfield.store.located import translate

BUSY_TIMEOUT_S = 30.0
LEFTOVERS = ("-wal", "-shm", "-journal")
"""What SQLite keeps beside a database; without its database each is a danger to the next one."""


def copy_database(source: Path, target: Path) -> int:
    """Copy a database that may be in use into a new file (mode 0600); returns its size in bytes.

    The target appears whole or not at all; one that stands there is replaced. Needs time and room
    like the database itself. Raises `DatabaseUnusable` and `OSError`.
    """
    beside = target.with_name(f"{target.name}.part")
    try:
        with _complaints(source, beside):
            beside.unlink(missing_ok=True)
            os.close(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
            with closing(_open(source)) as database:
                # Into a file, and so never in the way of whoever writes meanwhile.
                database.execute("VACUUM INTO ?", (str(beside),))
            with closing(_open(beside)) as copy:
                copy.execute("PRAGMA journal_mode=DELETE")
                copy.execute("PRAGMA secure_delete=ON")
                copy.execute("DELETE FROM session")
                _check(copy, beside)
            descriptor = os.open(beside, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            beside.replace(target)
            sync_folder(target.parent)
    finally:
        for left in ("", *LEFTOVERS):
            with suppress(OSError):
                beside.with_name(beside.name + left).unlink(missing_ok=True)
    return target.stat().st_size


def check_database(file: Path) -> None:
    """Raise `DatabaseUnusable` unless a file is a whole database of Jackfield; changes nothing."""
    with _complaints(file), closing(_open(file)) as database:
        _check(database, file)


def sync_folder(folder: Path) -> None:
    """Make sure that a power cut does not take back which files stand in a folder."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _open(file: Path) -> sqlite3.Connection:
    """An existing database; what a killed process left beside it is taken up."""
    return sqlite3.connect(
        f"{file.resolve().as_uri()}?mode=rw", uri=True, isolation_level=None, timeout=BUSY_TIMEOUT_S
    )


def _check(database: sqlite3.Connection, file: Path) -> None:
    found = [row[0] for row in database.execute("PRAGMA quick_check(3)")]
    if found != ["ok"]:
        raise DatabaseUnusable(
            f"The database {file} is damaged ({'; '.join(found)[:200]}).",
            "Restore it from an older backup.",
        )
    tables = {row[0] for row in database.execute("SELECT name FROM sqlite_schema")}
    if not {"alembic_version", "tenant"} <= tables:
        raise DatabaseUnusable(
            f"The file {file} is not a database of Jackfield.", "Name a file of jackfield backup."
        )


@contextmanager
def _complaints(source: Path, target: Path | None = None) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        # A full disk is the target's; everything else is said of what was to be read.
        full = getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_FULL
        about = target if full and target is not None else source
        raise (translate(f"sqlite:///{about}", error) or error) from error
