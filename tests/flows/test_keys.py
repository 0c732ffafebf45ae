"""A new key for the stored secrets: cut off anywhere, nothing is lost and the next call ends it."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import pytest

from doubles.house import House
from doubles.virtual_clock import VirtualClock
from jackfield.flows.keys import KeyRotation
from jackfield.store.database import Database
from jackfield.store.journal import load_lines
from jackfield.store.schema import INSTALLATION
from jackfield.store.vault import KeyFileRefused, Vault

SECRETS = {(1, "graph"): b"s3cret", (2, "graph"): b"another", (0, "mail"): b"\0\xff"}


@pytest.fixture
def database(house: House) -> Database:
    return house.database


@pytest.fixture
def now(house: House) -> datetime:
    return house.clock.now()


@pytest.fixture
async def vault(house: House, now: datetime) -> Vault:
    """A vault of two tenants and the installation."""
    async with house.database.write() as tx:
        for (tenant, name), secret in SECRETS.items():
            await house.vault.save(tx, tenant, name, secret, now=now)
    return house.vault


@pytest.fixture
def key_file(vault: Vault) -> Path:
    return vault.key_file


async def readable(database: Database, key_file: Path) -> dict[tuple[int, str], bytes | None]:
    """What a process that starts now can read."""
    fresh = Vault.open(key_file, create=False)
    async with database.read() as tx:
        return {place: await fresh.load(tx, *place) for place in SECRETS}


def keys_in(file: Path) -> list[bytes]:
    return file.read_bytes().split()


def rotation(database: Database, vault: Vault) -> KeyRotation:
    return KeyRotation(database, vault, VirtualClock())


async def test_every_secret_is_encrypted_with_the_new_key(
    database: Database, vault: Vault, key_file: Path
) -> None:
    """A key that somebody may have copied is worth nothing afterwards."""
    old = keys_in(key_file)

    secrets = await rotation(database, vault).rotate("admin")

    assert secrets == 3
    assert await readable(database, key_file) == SECRETS
    assert len(keys_in(key_file)) == 1
    assert keys_in(key_file) != old
    async with database.read() as tx:
        (line,) = (await load_lines(tx, INSTALLATION)).lines
    assert (line.kind, line.by) == ("vault.key", "admin")
    assert line.text == "A new key was made; stored secrets encrypted anew with it: 3."


async def cut_before_anything(_database: Database, _vault: Vault) -> None:
    pass


async def cut_after_the_new_key(_database: Database, vault: Vault) -> None:
    vault.add_key()


async def cut_before_the_commit(database: Database, vault: Vault) -> None:
    vault.add_key()
    with suppress(KeyboardInterrupt):
        async with database.write() as tx:
            await vault.reseal(tx)
            raise KeyboardInterrupt


async def cut_before_the_old_key_goes(database: Database, vault: Vault) -> None:
    vault.add_key()
    async with database.write() as tx:
        await vault.reseal(tx)


async def cut_while_the_file_is_written(_database: Database, vault: Vault) -> None:
    vault.key_file.with_name("jackfield.key.new").write_bytes(b"half a ke")


@pytest.mark.parametrize(
    "cut",
    [
        cut_before_anything,
        cut_while_the_file_is_written,
        cut_after_the_new_key,
        cut_before_the_commit,
        cut_before_the_old_key_goes,
    ],
)
async def test_a_rotation_that_was_cut_off_is_ended_by_the_next(
    database: Database,
    vault: Vault,
    key_file: Path,
    cut: Callable[[Database, Vault], Awaitable[None]],
) -> None:
    """The machine may go down between any two steps; the credentials must not go with it."""
    await cut(database, vault)

    between = await readable(database, key_file)
    again = await rotation(database, Vault.open(key_file, create=False)).rotate("admin")

    assert between == SECRETS
    assert again == 3
    assert await readable(database, key_file) == SECRETS
    assert len(keys_in(key_file)) == 1


async def test_a_secret_that_is_saved_meanwhile_is_not_lost(
    database: Database, vault: Vault, key_file: Path, now: datetime
) -> None:
    """Whoever renews the credential at that moment has encrypted it with the old key."""
    async with database.write() as tx:
        await vault.save(tx, 1, "graph", b"renewed", now=now)
        rotating = asyncio.create_task(rotation(database, vault).rotate("admin"))
        for _ in range(20):
            await asyncio.sleep(0)
    await rotating

    assert await readable(database, key_file) == SECRETS | {(1, "graph"): b"renewed"}


async def test_two_rotations_at_once_come_one_after_the_other(
    database: Database, vault: Vault, key_file: Path
) -> None:
    """Two administrators, or one who clicks twice."""
    keys = rotation(database, vault)

    done = await asyncio.gather(keys.rotate("a"), keys.rotate("b"))

    assert done == [3, 3]
    assert await readable(database, key_file) == SECRETS
    assert len(keys_in(key_file)) == 1


async def test_a_file_that_was_changed_meanwhile_is_not_written_over(
    database: Database, vault: Vault, key_file: Path
) -> None:
    """A restored backup, or another key: to write over it could lose the only copy."""
    Vault.open(key_file.with_name("other.key")).key_file.replace(key_file)
    found = keys_in(key_file)

    with pytest.raises(KeyFileRefused, match="was changed since Jackfield read it"):
        await rotation(database, vault).rotate("admin")

    assert keys_in(key_file) == found


async def test_a_secret_that_cannot_be_read_stops_before_anything_changes(
    database: Database, vault: Vault, key_file: Path, now: datetime
) -> None:
    """Half the secrets under a new key would hide what is wrong with the others."""
    stranger = Vault.open(key_file.with_name("other.key"))
    async with database.write() as tx:
        await stranger.save(tx, 3, "graph", b"x", now=now)
    old = keys_in(key_file)

    with pytest.raises(Exception, match="of tenant 3 cannot be decrypted"):
        await rotation(database, vault).rotate("admin")

    assert keys_in(key_file) == old
