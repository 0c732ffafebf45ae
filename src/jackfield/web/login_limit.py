"""How often one address may try to sign in; what an account makes of it is `flows/signin.py`'s."""

from __future__ import annotations

from collections import OrderedDict

from jackfield.clock import Clock
from jackfield.store.wrong_passwords import network_of

TRIES_PER_MINUTE = 10


class LoginLimit:
    """How often an address may try to sign in; accounts have a delay of their own beside it."""

    ADDRESSES = 10_000

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._tries: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def wait_s(self, address: str) -> int:
        """Count a try; seconds to wait if it is one too many, else 0."""
        now = self._clock.monotonic()
        key = network_of(address)
        began, count = self._tries.pop(key, (now, 0))
        if now - began >= 60:
            began, count = now, 0
        self._tries[key] = (began, count + 1)
        while len(self._tries) > self.ADDRESSES:
            self._tries.popitem(last=False)
        return 0 if count < TRIES_PER_MINUTE else max(1, int(60 - (now - began)) + 1)
