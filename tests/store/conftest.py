"""A fresh, migrated database for each test, on SQLite and on PostgreSQL."""

import asyncio
import shutil
import uuid
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import pytest

from jackfield.store.database import Database

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


async def _migrated(url: str) -> None:
    await (await Database.open(url)).close()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file, to be copied: a third of the time that migrating takes."""
    file = tmp_path_factory.mktemp("template") / "jackfield.db"
    asyncio.run(_migrated(f"sqlite:///{file}"))
    return file


@pytest.fixture(scope="session")
def postgres_template(postgres_server: Callable[[str], str]) -> Callable[[], str]:
    """Makes copies of a migrated PostgreSQL database; call it for the URL of one."""
    url = postgres_server("template_store")
    asyncio.run(_migrated(url))

    async def copy(name: str) -> None:
        server = await asyncpg.connect(url.replace("template_store", "postgres"))
        await server.execute(f'CREATE DATABASE "{name}" TEMPLATE template_store STRATEGY FILE_COPY')
        await server.close()

    def copied() -> str:
        name = f"s{uuid.uuid4().hex}"
        with asyncio.Runner() as runner:
            runner.run(copy(name))
        return url.replace("template_store", name)

    return copied


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def migrated_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a migrated database without rows."""
    if request.param == "sqlite":
        file = tmp_path / "jackfield.db"
        shutil.copy(request.getfixturevalue("sqlite_template"), file)
        return f"sqlite:///{file}"
    made: Callable[[], str] = request.getfixturevalue("postgres_template")
    return made()


@pytest.fixture
async def database(migrated_url: str) -> AsyncIterator[Database]:
    database = await Database.open(migrated_url)
    yield database
    await database.close()


@pytest.fixture
def now() -> datetime:
    return NOW
