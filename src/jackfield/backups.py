"""Backup and restore of an installation on SQLite: the database in one file, and its key file.

PostgreSQL has tools of its own for both; here is only said which.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from dataclasses import replace as with_changes
from datetime import datetime
from pathlib import Path

from jackfield.clock import Clock
from jackfield.holding import check_not_foreign, make_folder, take_place
from jackfield.settings import DATABASE_FILE, KEY_FILE, LOCK_FILE, Settings
from jackfield.store.backup import LEFTOVERS, check_database, copy_database, sync_folder
from jackfield.store.database import Database
from jackfield.store.errors import DatabaseUnusable, SecretUnreadable
from jackfield.store.journal import load_lines
from jackfield.store.links import count_links
from jackfield.store.located import place_of
from jackfield.store.people import count_people
from jackfield.store.sessions import SessionStore
from jackfield.store.tenants import load_tenants
from jackfield.store.transaction import Transaction
from jackfield.store.vault import Vault, forget_every_secret, holds_secrets

WORK_FILE = "work.db"
"""The durable runner's, beside the database: of another time than what is restored."""


class BackupRefused(Exception):
    """Nothing was written; the text says why and what to do."""

    def __init__(self, text: str, next_step: str = "") -> None:
        self.next_step = next_step
        super().__init__(f"{text} {next_step}".rstrip())


@dataclass(frozen=True, slots=True)
class Restored:
    """What stands in the data folder after a restore."""

    people: int
    linked: int
    """People with an extension."""
    until: datetime | None
    """The newest line of its journal."""
    kept: Path | None = None
    """Where the database is that stood there before."""


def back_up(settings: Settings, target: Path, *, replace: bool = False) -> int:
    """Copy the database of an installation, running or not, into one file; its size in bytes.

    Raises `BackupRefused`, `DatabaseUnusable` and `OSError`.
    """
    if settings.database_url:
        raise BackupRefused(
            f"The data of this installation is in {place_of(settings.database_url)}.",
            "Back it up with: pg_dump --format=custom --exclude-schema=dbos"
            " --exclude-table-data=session --file=FILE ADDRESS",
        )
    source = settings.data_dir / DATABASE_FILE
    if not source.exists():
        raise BackupRefused(
            f"There is no installation in {settings.data_dir}.", "Name its folder with --data-dir."
        )
    try:
        _check_target(target, source, replace=replace)
        return copy_database(source, target)
    except OSError as error:
        raise BackupRefused(
            f"{target} cannot be written: {error.strerror or error}.",
            "Name a file in a folder that this user may write and that has room.",
        ) from error


def _check_target(target: Path, source: Path, *, replace: bool) -> None:
    if target.is_dir():
        raise BackupRefused(f"{target} is a folder.", "Name a file in it.")
    if not target.parent.is_dir():
        raise BackupRefused(
            f"There is no folder {target.parent}.", "Make it first, or name another file."
        )
    if target.exists():
        if not target.is_file():
            raise BackupRefused(f"{target} is no file that could be replaced.", "Name another one.")
        if target.samefile(source):
            raise BackupRefused(f"{target} is the database itself.", "Name another file.")
        if not replace:
            raise BackupRefused(
                f"{target} exists already.", "Name another file, or replace it with --replace."
            )


async def restore(
    settings: Settings,
    backup: Path,
    clock: Clock,
    *,
    key_file: Path | None = None,
    forget_secrets: bool = False,
    replace: bool = False,
) -> Restored:
    """Put the database of a backup into the data folder, where nobody works.

    What stands there now is touched only once the backup has proven whole, of a version that is
    known, and readable with the key; or with `forget_secrets`, where the key is lost, it is made to
    do without. Raises `BackupRefused`, `InUse`, `NoFolder`,
    `DatabaseUnusable`, `SecretUnreadable` and `OSError`.
    """
    _check_places(settings, backup)
    folder = settings.data_dir
    if folder.is_dir():
        check_not_foreign(folder, besides=[backup, *([key_file] if key_file else [])])
    with _unmade_in_vain(folder):
        make_folder(folder)
        held = await take_place(folder, clock, shared=False)
        try:
            return await _restore(
                folder,
                backup,
                clock,
                key_file=key_file,
                forget_secrets=forget_secrets,
                replace=replace,
            )
        finally:
            held.close()


async def _restore(
    folder: Path,
    backup: Path,
    clock: Clock,
    *,
    key_file: Path | None,
    forget_secrets: bool,
    replace: bool,
) -> Restored:
    """The same in a folder that is held."""
    if not replace:
        _check_empty(folder)
    _check_backup(backup)
    with _removed_at_the_end(folder / "restored.db") as beside:
        _copy_private(backup, beside)
        key = None if forget_secrets else key_file or folder / KEY_FILE
        restored = await _prove(beside, key, clock)
        kept = _put_in_place(beside, folder, clock, key_file)
    return with_changes(restored, kept=kept)


def _check_places(settings: Settings, backup: Path) -> None:
    if settings.database_url:
        raise BackupRefused(
            f"The data of this installation is in {place_of(settings.database_url)}.",
            "Restore it into an empty database with: pg_restore --no-owner --dbname=ADDRESS FILE",
        )
    if backup.is_dir():
        raise BackupRefused(f"{backup} is a folder.", "Name a file of jackfield backup in it.")
    if not backup.is_file():
        raise BackupRefused(f"There is no file {backup}.", "Name a file of jackfield backup.")


def _check_backup(backup: Path) -> None:
    """Refuse a file that is no whole backup: there is nothing to stop, nor to mend in it."""
    try:
        check_database(backup)
    except DatabaseUnusable as error:
        raise BackupRefused(
            f"The backup {backup} cannot be restored: it is cut off, damaged, or no backup of"
            f" Jackfield. ({error.text})",
            "Copy it again from where it is kept, or take another one. Nothing was changed.",
        ) from error


def _check_empty(folder: Path) -> None:
    if (folder / DATABASE_FILE).exists():
        raise BackupRefused(
            f"There is a database in {folder} already.",
            "Name an empty folder with --data-dir; or set that one aside with --replace.",
        )


async def _prove(file: Path, key_file: Path | None, clock: Clock) -> Restored:
    """Open it as a start would, with its tables brought up to date; end what must not go on."""
    opened = await Database.open(f"sqlite:///{file}")
    try:
        async with opened.write() as tx:
            if key_file is None:
                await forget_every_secret(tx)
            elif await holds_secrets(tx):
                await _check_secrets(tx, key_file)
            people = linked = 0
            until: datetime | None = None
            for tenant in await load_tenants(tx):
                people += (await count_people(tx, tenant.number)).present
                linked += (await count_links(tx, tenant.number)).linked
                for line in (await load_lines(tx, tenant.number, limit=1)).lines:
                    until = max(until or line.at, line.at)
        await SessionStore(opened, clock).delete_all()
    finally:
        await opened.close()
    return Restored(people, linked, until)


async def _check_secrets(tx: Transaction, key_file: Path) -> None:
    try:
        await Vault.open(key_file, create=False).check(tx)
    except SecretUnreadable as error:
        raise BackupRefused(
            f"The secrets of this backup cannot be read. {error}",
            "Name the key file of its day with --key-file. If it is lost for good, go without:"
            " --forget-secrets; then connect Microsoft 365 again.",
        ) from error


def _put_in_place(beside: Path, folder: Path, clock: Clock, key_file: Path | None) -> Path | None:
    """The proven database takes its place; what stood there is set aside, and where to."""
    database, own_key = folder / DATABASE_FILE, folder / KEY_FILE
    aside = f".before-restore-{clock.now():%Y%m%d-%H%M%S}"
    if key_file is not None and not (own_key.exists() and own_key.samefile(key_file)):
        if own_key.exists():
            own_key.rename(own_key.with_name(own_key.name + aside))
        _copy_private(key_file, own_key)
    kept = database.with_name(database.name + aside) if database.exists() else None
    for left in ("", *LEFTOVERS):
        one = database.with_name(database.name + left)
        if kept is not None and one.exists():
            one.rename(kept.with_name(kept.name + left))
        one.unlink(missing_ok=True)
        folder.joinpath(WORK_FILE + left).unlink(missing_ok=True)
    for left in ("", *LEFTOVERS):
        one = beside.with_name(beside.name + left)
        if one.exists():
            one.rename(database.with_name(database.name + left))
    sync_folder(folder)
    return kept


@contextmanager
def _unmade_in_vain(folder: Path) -> Iterator[None]:
    """Where it comes to nothing, take a folder away that was not there before."""
    missing = [one for one in (folder, *folder.parents) if not one.exists()]
    try:
        yield
    except BaseException:
        if missing:
            (folder / LOCK_FILE).unlink(missing_ok=True)
        for one in missing:
            with suppress(OSError):
                one.rmdir()
        raise


@contextmanager
def _removed_at_the_end(file: Path) -> Iterator[Path]:
    """A file of a moment, with whatever SQLite keeps beside it."""
    every = [file.with_name(file.name + left) for left in ("", *LEFTOVERS)]
    for one in every:
        one.unlink(missing_ok=True)
    try:
        yield file
    finally:
        for one in every:
            one.unlink(missing_ok=True)


def _copy_private(source: Path, target: Path) -> None:
    """A copy that nobody else may read from its first byte on."""
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as out:
        with source.open("rb") as given:
            shutil.copyfileobj(given, out, 1024 * 1024)
        out.flush()
        os.fsync(out.fileno())
