"""Secrets at rest: useless without the key file, and refused anywhere but in their place."""

import os
import stat
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from jackfield.store.database import Database
from jackfield.store.errors import SecretUnreadable
from jackfield.store.vault import KeyFileRefused, Vault, secrets


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    return tmp_path / "secret.key"


def keys_in(file: Path) -> list[bytes]:
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [one.name for one in file.parent.glob("secret.key*")] == ["secret.key"]
    return file.read_bytes().split()


async def test_secrets_come_back(database: Database, key_file: Path, now: datetime) -> None:
    """A client secret, or a private key with line breaks."""
    vault = Vault.open(key_file)
    async with database.write() as tx:
        await vault.save(tx, 1, "graph", "s3cret", now=now)
        await vault.save(tx, 1, "graph", "newer s3cret", now=now)
        await vault.save(tx, 2, "graph", b"-----BEGIN\n\0\xff", now=now)

    again = Vault.open(key_file)
    async with database.write() as tx:
        found = [await again.load(tx, tenant, "graph") for tenant in (1, 2, 3)]
        removed = [await again.remove(tx, 1, "graph") for _ in range(2)]
        await again.check(tx)

    assert found == [b"newer s3cret", b"-----BEGIN\n\0\xff", None]
    assert removed == [True, False]


async def test_the_database_alone_is_useless(
    database: Database, key_file: Path, now: datetime
) -> None:
    """A copied database without its key file says so, and says what to do."""
    vault = Vault.open(key_file)
    async with database.write() as tx:
        await vault.save(tx, 1, "graph", "s3cret", now=now)
        sealed = await tx.scalar(secrets.select().with_only_columns(secrets.c.sealed))
    other = Vault.open(key_file.with_name("other.key"))

    assert "s3cret" not in sealed
    async with database.read() as tx:
        with pytest.raises(SecretUnreadable, match="Restore the key file"):
            await other.load(tx, 1, "graph")
        with pytest.raises(SecretUnreadable, match="'graph' of tenant 1"):
            await other.check(tx)


async def test_a_secret_moved_to_another_place_is_refused(
    database: Database, key_file: Path, now: datetime
) -> None:
    """Whoever can write to the database must not lend one tenant another one's credential."""
    vault = Vault.open(key_file)
    async with database.write() as tx:
        await vault.save(tx, 1, "graph", "s3cret", now=now)
        await tx.run(secrets.update().values(tenant=2))
        with pytest.raises(SecretUnreadable, match="another place"):
            await vault.load(tx, 2, "graph")


async def test_keys_are_rotated_in_three_steps(
    database: Database, key_file: Path, now: datetime
) -> None:
    """Killed between any two of them, every secret can still be read."""
    vault = Vault.open(key_file)
    async with database.write() as tx:
        await vault.save(tx, 1, "a", "1", now=now)
        await vault.save(tx, 2, "b", "2", now=now)
    old = keys_in(key_file)

    async def readable() -> bool:
        fresh = Vault.open(key_file, create=False)
        async with database.read() as tx:
            return [await fresh.load(tx, 1, "a"), await fresh.load(tx, 2, "b")] == [b"1", b"2"]

    vault.add_key()
    assert keys_in(key_file)[1:] == old
    assert await readable()
    async with database.write() as tx:
        assert await vault.reseal(tx) == 2
    assert await readable()
    vault.drop_old_keys()
    assert await readable()

    assert len(keys_in(key_file)) == 1
    assert keys_in(key_file) != old


def test_the_key_file_is_for_its_owner_alone(key_file: Path) -> None:
    """A key that everyone on the machine can read protects nothing."""
    Vault.open(key_file)
    assert stat.S_IMODE(key_file.stat().st_mode) == 0o600

    key_file.chmod(0o640)

    with pytest.raises(KeyFileRefused, match="chmod 600"):
        Vault.open(key_file)


def test_a_key_file_is_not_made_anew_in_silence(key_file: Path) -> None:
    """A new key beside an old database would lose every secret in it."""
    with pytest.raises(KeyFileRefused, match="Restore it from the backup"):
        Vault.open(key_file, create=False)


@pytest.mark.parametrize("content", [b"", b"hello", b"x" * 44 + b"\n"])
def test_a_file_that_holds_no_keys_is_named(key_file: Path, content: bytes) -> None:
    """An empty file after a full disk is no key."""
    key_file.write_bytes(content)
    key_file.chmod(0o600)

    with pytest.raises(KeyFileRefused, match="does not hold keys"):
        Vault.open(key_file)


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir], ids=["a_pipe", "a_folder"])
def test_what_is_no_file_is_not_waited_for(
    key_file: Path, make: Callable[[Path, int], None]
) -> None:
    """A pipe that somebody put there would hold up the start for ever."""
    make(key_file, 0o600)

    with pytest.raises(KeyFileRefused, match="is no file"):
        Vault.open(key_file)


def test_two_starters_make_one_key(key_file: Path) -> None:
    """The second one must find the first one's key, not replace it."""
    first, second = Vault.open(key_file), Vault.open(key_file)

    assert first._keys == second._keys


def test_a_folder_that_takes_no_file_is_named(tmp_path: Path) -> None:
    """The first start of a service whose data folder is missing."""
    with pytest.raises(KeyFileRefused, match="cannot be written"):
        Vault.open(tmp_path / "missing" / "secret.key")
