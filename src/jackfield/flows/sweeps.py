"""What both kinds of runs do before there is one: look for what is due, and take stock.

The tables say what is to be done; the runner's own records are looked at only for what lives.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Generic, TypeVar

from jackfield.durable import DurableError, RunId, Runner
from jackfield.store.database import Database
from jackfield.store.errors import StoreError
from jackfield.store.leases import load_lease
from jackfield.store.runs import UNDER_WAY, list_runs
from jackfield.store.schedule import Marks, load_marks
from jackfield.store.tenants import load_connection, load_tenants
from jackfield.store.transaction import Transaction

Known = TypeVar("Known")
THOROUGH_EVERY = 5
"""Which look reads everything anew, whatever the marks say: somebody may write without them."""
_AT_MOST = 500


class Sweep(Generic[Known]):
    """A look at what is due for each tenant, again and again.

    Where this process alone writes and has written nothing since the last look, only time has
    passed: nothing is read again. Where others write too, two questions for all tenants tell which
    of them have changed: many that rest cost little more than one.
    """

    def __init__(
        self,
        database: Database,
        load: Callable[[Transaction, int], Awaitable[Known]],
        begin: Callable[[int, Known], Awaitable[int]],
    ) -> None:
        """`load` reads what decides about a connected tenant; `begin` asks for runs by it."""
        self._database = database
        self._load = load
        self._begin = begin
        self._known: dict[int, Known] = {}
        self._marks: dict[int, Marks] = {}
        """How each tenant stood when it was read."""
        self._looks = 0
        self._known_at: int | None = None
        """`Database.written` when that was read; None: it is to be read again."""

    async def look(self) -> int:
        """Ask for what is due; returns how many runs were asked for.

        What is wrong with one tenant is raised after all others were served.
        """
        written = self._database.written
        trouble: StoreError | None = None
        if written is None or written != self._known_at:
            trouble = await self._read()
            self._known_at = written if trouble is None else None
        begun = 0
        for tenant, known in self._known.items():
            try:
                begun += await self._begin(tenant, known)
            except StoreError as error:
                trouble = trouble or error
        if trouble is not None:
            raise trouble
        return begun

    async def _read(self) -> StoreError | None:
        async with self._database.read() as tx:
            tenants = [one.number for one in await load_tenants(tx)]
            marks = await load_marks(tx)
        self._looks += 1
        thorough = self._looks % THOROUGH_EVERY == 0
        before, self._marks = self._marks, {}
        found: dict[int, Known] = {}
        trouble: StoreError | None = None
        for tenant in tenants:
            stands = marks.get(tenant, ())
            if before.get(tenant) == stands and not thorough:
                self._marks[tenant] = stands
                if tenant in self._known:
                    found[tenant] = self._known[tenant]
                continue
            try:
                async with self._database.read() as tx:
                    if await load_connection(tx, tenant) is not None:
                        found[tenant] = await self._load(tx, tenant)
                self._marks[tenant] = stands
            except StoreError as error:
                trouble = trouble or error
        self._known = found
        return trouble


async def lost_runs(
    database: Database, runner: Runner, work: str
) -> AsyncIterator[tuple[int, list[str]]]:
    """By tenant, the runs that were under way and that the runner does not know any more."""
    async with database.read() as tx:
        tenants = [one.number for one in await load_tenants(tx)]
    for tenant in tenants:
        async with database.read() as tx:
            running = await list_runs(tx, tenant, kind=work, status=UNDER_WAY, limit=_AT_MOST)
            lease = await load_lease(tx, tenant, work)
        # A run that died before its row was begun holds nothing but the lease.
        holder = [lease.owner] if lease is not None and lease.owner else []
        flows = dict.fromkeys([*(one.flow for one in running), *holder])
        yield tenant, [flow for flow in flows if not await is_alive(runner, flow)]


async def is_alive(runner: Runner, flow: str) -> bool:
    """Whether the runner knows a run of this id that has not ended."""
    try:
        return await runner.is_alive(RunId(flow))
    except DurableError:
        return False
