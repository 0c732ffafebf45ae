"""kill -9 while the key of the stored secrets is rotated: every secret can be read afterwards."""

import asyncio
import os
import random
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from doubles.processes import Process, until
from jackfield.clock import SystemClock
from jackfield.flows.keys import KeyRotation
from jackfield.store.database import Database
from jackfield.store.vault import Vault

pytestmark = pytest.mark.kill9

SECRETS = 40
ROTATING = """
import asyncio, sys
from pathlib import Path
from jackfield.clock import SystemClock
from jackfield.flows.keys import KeyRotation
from jackfield.store.database import Database
from jackfield.store.vault import Vault

async def rotate_for_ever(url, key_file):
    database = await Database.open(url)
    keys = KeyRotation(database, Vault.open(key_file, create=False), SystemClock())
    while True:
        await keys.rotate("nobody")
        print("rotated", flush=True)

asyncio.run(rotate_for_ever(sys.argv[1], Path(sys.argv[2])))
"""


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Database]:
    database = await Database.open(url)
    try:
        yield database
    finally:
        await database.close()


def keys_in(file: Path) -> int:
    return len(file.read_bytes().split())


@pytest.mark.parametrize("moment", range(4))
async def test_no_secret_is_lost(tmp_path: Path, rng: random.Random, moment: int) -> None:
    """Without its credential an installation has to be connected again, by hand, by its owner."""
    key_file, url = tmp_path / "jackfield.key", f"sqlite:///{tmp_path / 'jackfield.db'}"
    wanted = {number: os.urandom(50) for number in range(1, SECRETS + 1)}
    vault = Vault.open(key_file)
    async with opened(url) as database, database.write() as tx:
        for tenant, secret in wanted.items():
            await vault.save(tx, tenant, "graph", secret, now=datetime.now(UTC))
    process = Process(
        sys.executable, "-c", ROTATING, url, str(key_file), folder=tmp_path, environment={}
    )

    await until(lambda: "rotated" in process.out, "a first rotation")
    await asyncio.sleep(rng.uniform(0, 0.1))
    await process.kill()

    sys.stdout.write(f"moment {moment}: {keys_in(key_file)} keys in the file\n")
    async with opened(url) as database:
        fresh = Vault.open(key_file, create=False)
        async with database.read() as tx:
            found = {tenant: await fresh.load(tx, tenant, "graph") for tenant in wanted}
        await KeyRotation(database, fresh, SystemClock()).rotate("admin")
    assert found == wanted
    assert keys_in(key_file) == 1
