"""Many tenants that rest: read again where something has changed, and now and then."""

import contextlib
from datetime import UTC, datetime

import pytest

from doubles.house import House
from jackfield.core.schedule import Mode
from jackfield.flows.sweeps import THOROUGH_EVERY, Sweep
from jackfield.store.errors import BrokenDocument
from jackfield.store.schedule import postpone, want
from jackfield.store.tenants import Connection, CredentialKind, create_tenant, save_connection
from jackfield.store.transaction import Transaction

# On SQLite nobody else writes: there nothing at all is read while nothing was written.
pytestmark = [
    pytest.mark.postgres,
    pytest.mark.parametrize("migrated_url", ["postgres"], indirect=True),
]

AT = datetime(2026, 11, 28, tzinfo=UTC)


class Looks:
    """A sweep of four tenants, and whom it reads."""

    def __init__(self, house: House) -> None:
        self._sweep = Sweep(house.database, self._load, self._begin)
        self._read: list[int] = []
        self.begun: list[int] = []
        self.broken: set[int] = set()

    async def at(self) -> list[int]:
        """The tenants that one look reads."""
        self._read, self.begun = [], []
        with contextlib.suppress(BrokenDocument):
            await self._sweep.look()
        return self._read

    async def _load(self, _tx: Transaction, tenant: int) -> int:
        self._read.append(tenant)
        if tenant in self.broken:
            raise BrokenDocument("not to be read", 1)
        return tenant

    async def _begin(self, tenant: int, _known: int) -> int:
        self.begun.append(tenant)
        return 0


@pytest.fixture
async def looks(house: House) -> Looks:
    async with house.database.write() as tx:
        for number in range(1, 5):
            if number > 1:
                await create_tenant(tx, f"Tenant {number}", now=AT)
            await save_connection(
                tx, number, Connection("t", "Org", "c", CredentialKind.SECRET, "s", AT)
            )
    return Looks(house)


async def test_who_rests_is_read_now_and_then(looks: Looks) -> None:
    """Twenty tenants that rest must not cost twenty times what one does; time passes for all."""
    read = [await looks.at() for _ in range(THOROUGH_EVERY)]

    assert read == [[1, 2, 3, 4], *[[]] * (THOROUGH_EVERY - 2), [1, 2, 3, 4]]
    assert looks.begun == [1, 2, 3, 4]


async def test_who_cannot_be_read_is_tried_each_time(looks: Looks) -> None:
    """It may be mended at any moment, and holds nobody else up."""
    looks.broken = {3}

    await looks.at()

    assert await looks.at() == [3]
    assert looks.begun == [1, 2, 4]


async def test_a_change_is_seen_at_the_next_look(house: House, looks: Looks) -> None:
    """Whoever asks for a sync, approves a plan or saves a choice does not wait for a timer."""
    await looks.at()

    async with house.database.write() as tx:
        await want(tx, 2, "people", Mode.DELTA, now=AT)
    wished = await looks.at()
    await house.choose(tenant=3, enabled=True)
    chosen = await looks.at()
    async with house.database.write() as tx:
        await want(tx, 4, "people", Mode.DELTA, now=AT)
        await postpone(tx, 4, "people", not_before=AT)
    failed = await looks.at()

    assert (wished, chosen, failed) == ([2], [3], [4])
