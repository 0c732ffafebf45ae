"""What settings say about the stored: which database, and the vault whose key file fits it."""

from __future__ import annotations

from jackfield.settings import DATABASE_FILE, KEY_FILE, Settings
from jackfield.store.database import Database
from jackfield.store.errors import DatabaseUnusable, SecretUnreadable
from jackfield.store.vault import Vault, holds_secrets


def database_url(settings: Settings) -> str:
    """The address of our own database."""
    return settings.database_url or f"sqlite:///{settings.data_dir / DATABASE_FILE}"


async def open_vault(settings: Settings, database: Database) -> Vault:
    """The vault of a database. A key file is made only where no secret needs another.

    Raises `SecretUnreadable`.
    """
    async with database.read() as tx:
        fresh = not await holds_secrets(tx)
        vault = Vault.open(settings.data_dir / KEY_FILE, create=fresh)
        await vault.check(tx)
    return vault


async def examine_database(settings: Settings) -> tuple[str, str] | None:
    """Open the database and read its secrets; what is wrong and what to do about it, or None."""
    try:
        database = await Database.open(database_url(settings))
    except DatabaseUnusable as error:
        return error.text, error.next_step
    try:
        async with database.read() as tx:
            await Vault.open(settings.data_dir / KEY_FILE, create=False).check(tx)
    except SecretUnreadable as error:
        return str(error), ""
    finally:
        await database.close()
    return None
