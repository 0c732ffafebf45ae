"""How often one address may try to sign in; what an account makes of it is `flows/signin.py`'s."""

from __future__ import annotations

import ipaddress
from collections import OrderedDict

from jackfield.clock import Clock

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
        key = _block_of(address)
        began, count = self._tries.pop(key, (now, 0))
        if now - began >= 60:
            began, count = now, 0
        self._tries[key] = (began, count + 1)
        while len(self._tries) > self.ADDRESSES:
            self._tries.popitem(last=False)
        return 0 if count < TRIES_PER_MINUTE else max(1, int(60 - (now - began)) + 1)


def _block_of(address: str) -> str:
    """One subscriber holds a whole /64 of IPv6."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)
