"""What came in and what went out: the last requests, and counters since the last reset.

Bodies and tokens are not kept; tests and the page read this through the control API.
"""

from collections import Counter, deque
from datetime import datetime

import msgspec


class Entry(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One request to Graph or Entra; `part_of` is the request id of the batch it came in."""

    number: int
    at: datetime
    method: str
    path: str
    query: str
    status: int
    request_id: str
    client_request_id: str
    app_id: str | None
    fault: str | None
    part_of: str | None


class Journal:
    """A bounded memory of requests with counters that do not forget."""

    def __init__(self, size: int) -> None:
        self._entries: deque[Entry] = deque(maxlen=size)
        self.statuses: Counter[int] = Counter()
        self.total = 0

    def write(
        self,
        *,
        at: datetime,
        method: str,
        path: str,
        query: str,
        status: int,
        request_id: str,
        client_request_id: str,
        app_id: str | None,
        fault: str | None,
        part_of: str | None,
    ) -> None:
        """A status of 0 says that no answer was sent (the connection was cut)."""
        self.total += 1
        self.statuses[status] += 1
        self._entries.append(
            Entry(
                number=self.total,
                at=at,
                method=method,
                path=path,
                query=query,
                status=status,
                request_id=request_id,
                client_request_id=client_request_id,
                app_id=app_id,
                fault=fault,
                part_of=part_of,
            )
        )

    def last(self, count: int, after: int = 0) -> list[Entry]:
        """The newest `count` entries numbered higher than `after`, oldest first."""
        wanted = [entry for entry in self._entries if entry.number > after]
        return wanted[-count:] if count else []

    def clear(self) -> None:
        self._entries.clear()
        self.statuses.clear()
        self.total = 0
