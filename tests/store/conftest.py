"""A fresh, migrated database for each test, on SQLite and on PostgreSQL."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from jackfield.store.database import Database

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


@pytest.fixture
async def database(migrated_url: str) -> AsyncIterator[Database]:
    database = await Database.open(migrated_url)
    yield database
    await database.close()


@pytest.fixture
def now() -> datetime:
    return NOW
