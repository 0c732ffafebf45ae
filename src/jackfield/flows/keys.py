"""A new key for the stored secrets, in steps of which each may be the last one before a kill.

The new key is written to the file first, beside the old one; then every secret is encrypted anew in
one transaction; only then the old key goes. Whoever begins again ends what was cut off.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from jackfield.clock import Clock
from jackfield.core.journal_kinds import LineKind
from jackfield.store.database import Database
from jackfield.store.journal import Line, append_lines
from jackfield.store.processes import Process, load_processes
from jackfield.store.schema import INSTALLATION
from jackfield.store.sequences import next_change
from jackfield.store.vault import Vault


class PeersAtWork(Exception):
    """Other processes hold the old key, and would go on to use it."""

    def __init__(self, peers: Sequence[Process]) -> None:
        named = ", ".join(f"{one.name} on {one.host} (process {one.pid})" for one in peers)
        self.next_step = (
            "Stop them, rotate the key, copy the key file into their data folders, and start them."
        )
        super().__init__(f"Other processes use the present key: {named}. {self.next_step}")


class KeyRotation:
    """Rotates the key of one installation, while it is at work."""

    def __init__(
        self,
        database: Database,
        vault: Vault,
        clock: Clock,
        process_name: Callable[[], str] = lambda: "",
    ) -> None:
        """`process_name` is this process's own name among its peers."""
        self._database = database
        self._vault = vault
        self._clock = clock
        self._process_name = process_name
        self._one_at_a_time = asyncio.Lock()

    async def rotate(self, by: str) -> int:
        """Encrypt every stored secret with a new key; returns how many secrets there are.

        Raises `PeersAtWork`, and `SecretUnreadable` when one cannot be decrypted, or the key file
        cannot be written; then nothing has changed.
        """
        async with self._one_at_a_time:
            async with self._database.read() as tx:
                await self._vault.check(tx)
                alive = await load_processes(tx, now=self._clock.now())
            if peers := [one for one in alive if one.name != self._process_name()]:
                raise PeersAtWork(peers)
            self._vault.add_key()
            async with self._database.write() as tx:
                # The journal's turn comes before the lock on secrets, as it does elsewhere.
                await next_change(tx, INSTALLATION)
                secrets = await self._vault.reseal(tx)
                text = f"A new key was made; stored secrets encrypted anew with it: {secrets}."
                line = Line(LineKind.VAULT_KEY, text, by=by)
                await append_lines(tx, INSTALLATION, [line], now=self._clock.now())
            while True:
                async with self._database.write() as tx:
                    late = await self._vault.reseal(tx)
                if not late:
                    break
                secrets += late
            self._vault.drop_old_keys()
        return secrets
