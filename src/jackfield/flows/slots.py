"""This process among its peers on one PostgreSQL: its slot, kept by a lease, and who died.

A process takes the lowest free slot and renews its lease each second. Where a peer's lease has run
out, one of the others takes the slot over, puts the peer's unfinished runs back into the queue and
frees the slot. What a run does then is not decided here: runs are replayed from their records.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable
from datetime import timedelta
from importlib.metadata import version
from uuid import uuid4

import structlog

from jackfield.clock import Clock
from jackfield.durable import Runner
from jackfield.flows.turns import NAME as PHONES_TURN
from jackfield.store.database import IDLE, Database
from jackfield.store.leases import (
    Lease,
    expired_leases,
    give_up_everywhere,
    list_leases,
    live_leases,
    release_lease,
    renew_lease,
    take_lease,
)
from jackfield.store.migrate import HEAD, tables_version
from jackfield.store.processes import (
    SLOT,
    Process,
    leave_slot,
    save_process,
    take_over,
    take_slot,
)
from jackfield.store.schema import EPOCH, INSTALLATION
from jackfield.store.tokens import revoke_tokens_named

LEASE = IDLE + timedelta(seconds=1)
"""How long a process may be silent before its peers take its work over."""
KEEP_EVERY_S = 1.0
STRAYS_EVERY_S = 5.0
"""How often runs are looked for whose process holds no slot at all."""
TOKEN_MAKER = "Jackfield"  # noqa: S105 - who is said to have made the tokens of commands

_log = structlog.get_logger("jackfield.flows.slots")


def command_token_name(slot: str) -> str:
    """The name of the token by which commands reach the process in a slot; "" for none."""
    return f"command line, {slot}" if slot else "command line"


class Slot:
    """The slot of this process. Take it once; keep it while the process lives."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        roles: tuple[str, ...],
        works: bool,
        share: Callable[[int], None] = lambda _processes: None,
    ) -> None:
        """One that `works` writes nothing once a peer has taken it for dead.

        `share` is told again and again among how many processes what is limited must be shared.
        """
        self._database = database
        self._clock = clock
        self._roles = roles
        self._works = works
        self._share = share
        self._owner = uuid4().hex
        self._url = ""
        self._lease: Lease | None = None
        self._kept_at = 0.0
        self._steady_since = float("-inf")
        self._strays_at = float("-inf")
        self.upgraded = asyncio.Event()
        """Set when a newer Jackfield has changed the tables: this process must end."""

    @property
    def name(self) -> str:
        """Its name; raises where none is held."""
        return self._held.name

    @property
    def _held(self) -> Lease:
        if self._lease is None:
            raise RuntimeError("this process holds no slot")
        return self._lease

    async def take(self) -> None:
        """Take a slot."""
        asked_at = self._clock.monotonic()
        async with self._database.write() as tx:
            self._lease = await take_slot(tx, self._owner, length=LEASE, now=self._clock.now())
            alive = await live_leases(tx, INSTALLATION, SLOT, now=self._clock.now())
        self._share(len(alive))
        self._kept_at = asked_at
        if self._works:
            self._database.write_as(self._lease, LEASE)

    async def announce(self, url: str) -> None:
        """Say who holds the slot, and where its console answers ("": it has none)."""
        self._url = url
        known = Process(
            self.name,
            socket.gethostname(),
            os.getpid(),
            self._roles,
            version("jackfield"),
            url,
            self._clock.now(),
        )
        async with self._database.write() as tx:
            await save_process(tx, known)

    async def keep(self) -> None:
        """Renew the lease.

        Where a peer has taken the slot over, `Database.replaced` is set and this never returns; a
        process that does not work takes another one.
        """
        asked_at = self._clock.monotonic()
        async with self._database.write() as tx:
            renewed = await renew_lease(
                tx, INSTALLATION, self._held, length=LEASE, now=self._clock.now()
            )
            found = await tables_version(tx.connection)
            alive = await live_leases(tx, INSTALLATION, SLOT, now=self._clock.now())
        self._share(len(alive))
        if renewed is None:
            await self.take()
            await self.announce(self._url)
        if asked_at - self._kept_at > LEASE.total_seconds() / 2:
            # The database was away, for the others too: they get their turn to renew.
            self._steady_since = asked_at
        self._kept_at = asked_at
        if found > HEAD and not self.upgraded.is_set():
            _log.critical("database.upgraded", version=found, known=HEAD)
            self.upgraded.set()

    async def adopt(self, runner: Runner) -> int:
        """Take over what dead peers left behind; returns how many runs.

        A peer that ends in the middle of this is made up for by the next one that looks.
        """
        at = self._clock.monotonic()
        now = self._clock.now()
        # Who could not renew its own lease does not know yet how long the database was away.
        settled = (
            at - self._kept_at <= LEASE.total_seconds() / 2
            and at - self._steady_since >= LEASE.total_seconds()
        )
        async with self._database.read() as tx:
            dead = await expired_leases(tx, INSTALLATION, SLOT, now=now)
        adopted = 0
        for one in dead:
            if one.name == self.name or not (settled or one.until == EPOCH):
                continue
            async with self._database.write() as tx:
                mine = await take_over(tx, one, self._owner, length=LEASE, now=now)
            if mine is not None:
                adopted += await self._adopt(runner, mine, left=one.until == EPOCH)
        if at - self._strays_at >= STRAYS_EVERY_S:
            self._strays_at = at
            adopted += await self._adopt_strays(runner)
        return adopted

    async def leave(self) -> None:
        """The process ends: its peers need not wait for what it has left undone."""
        if self._lease is not None and not self._database.replaced.is_set():
            async with self._database.write() as tx:
                await leave_slot(tx, self._lease)

    async def _adopt_strays(self, runner: Runner) -> int:
        """Runs of somebody without a slot: it woke up after its end, and took one more."""
        carriers = await runner.carriers()
        # Read afterwards: whoever has taken a run up to then held a slot before.
        async with self._database.read() as tx:
            held = {one.name for one in await list_leases(tx, INSTALLATION) if one.owner}
        adopted = 0
        for name in sorted(carriers - held):
            async with self._database.write() as tx:
                mine = await take_lease(
                    tx, INSTALLATION, name, self._owner, length=LEASE, now=self._clock.now()
                )
            if mine is not None:
                adopted += await self._adopt(runner, mine, left=False)
        return adopted

    async def _adopt(self, runner: Runner, dead: Lease, *, left: bool) -> int:
        runs = await runner.adopt(dead.name)
        async with self._database.write() as tx:
            await revoke_tokens_named(
                tx,
                INSTALLATION,
                command_token_name(dead.name),
                created_by=TOKEN_MAKER,
                now=self._clock.now(),
            )
            await give_up_everywhere(tx, PHONES_TURN, dead.name)
            await release_lease(tx, INSTALLATION, dead)
        say = _log.info if left else _log.warning
        say("process.left" if left else "process.died", slot=dead.name, runs_adopted=len(runs))
        return len(runs)
