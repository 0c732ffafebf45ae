"""Faults that can be switched on while the stage runs, and which request each of them strikes.

Deciding is here; carrying out is in `door.py`. A fault with a probability decides by its seed, the
path and how often that path came by, so requests that overtake each other change nothing.
Habits that a healthy tenant has too (replication delay, short pages) are in `quirks.py`.
"""

import hashlib
from collections import Counter
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Annotated

import msgspec
from msgspec import Meta


class Kind(StrEnum):
    """What goes wrong."""

    THROTTLED = "throttled"
    UNAVAILABLE = "unavailable"
    GATEWAY_TIMEOUT = "gateway_timeout"
    HTML_ERROR = "html_error"
    DENIED = "denied"
    EXPIRED_TOKEN = "expired_token"  # noqa: S105 - the name of a fault
    CUT_BEFORE = "cut_before"
    SLOW = "slow"
    CUT_MIDDLE = "cut_middle"
    EMPTY_VALUE = "empty_value"
    TRUNCATED_JSON = "truncated_json"
    MALFORMED_JSON = "malformed_json"
    FOREIGN_NEXT_LINK = "foreign_next_link"


CUTS = frozenset({Kind.CUT_BEFORE, Kind.CUT_MIDDLE})
"""Not for parts of a batch: they share their connection with the others."""

INSTEAD_OF_AN_ANSWER = frozenset(
    {
        Kind.THROTTLED,
        Kind.UNAVAILABLE,
        Kind.GATEWAY_TIMEOUT,
        Kind.HTML_ERROR,
        Kind.DENIED,
        Kind.EXPIRED_TOKEN,
        Kind.CUT_BEFORE,
    }
)
TO_THE_ANSWER = frozenset(
    {
        Kind.CUT_MIDDLE,
        Kind.EMPTY_VALUE,
        Kind.TRUNCATED_JSON,
        Kind.MALFORMED_JSON,
        Kind.FOREIGN_NEXT_LINK,
    }
)


class Order(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """What the control API is told: a kind, whom it strikes and how often.

    `path` is a shell pattern over the whole path (`/v1.0/users*`, `/*/oauth2/v2.0/token`), `method`
    a verb. `count` strikes later the fault is over. `retry_after_s` null sends no Retry-After.
    """

    kind: Kind
    path: str = "/v1.0/*"
    method: str | None = None
    probability: Annotated[float, Meta(gt=0, le=1)] = 1.0
    count: Annotated[int, Meta(ge=1)] | None = None
    seed: int = 0
    retry_after_s: Annotated[int, Meta(ge=0)] | None = 10
    delay_s: Annotated[float, Meta(ge=0)] = 5.0
    status: Annotated[int, Meta(ge=400, le=599)] = 502
    host: str = "graph.example.net"


class Fault(msgspec.Struct, kw_only=True, rename="camel"):
    """An order in force: `struck` times so far."""

    id: str
    order: Order
    struck: int = 0
    seen: Counter[str] = msgspec.field(default_factory=Counter)

    @property
    def is_over(self) -> bool:
        return self.order.count is not None and self.struck >= self.order.count

    def strikes(self, method: str, path: str) -> bool:
        """Whether this request is struck; a strike is counted."""
        order = self.order
        if self.is_over or not fnmatchcase(path, order.path):
            return False
        if order.method is not None and order.method.upper() != method:
            return False
        self.seen[path] += 1
        if order.probability < 1.0:
            drawn = f"{order.seed} {self.order.kind} {method} {path} {self.seen[path]}"
            digest = hashlib.sha256(drawn.encode()).digest()
            if int.from_bytes(digest[:8]) / 2**64 >= order.probability:
                return False
        self.struck += 1
        return True


class Faults:
    """The faults that are switched on, oldest first; of those that could strike, the first does."""

    def __init__(self) -> None:
        self._faults: dict[str, Fault] = {}
        self._given_out = 0
        self.struck: Counter[Kind] = Counter()

    def switch_on(self, order: Order) -> Fault:
        self._given_out += 1
        fault = Fault(id=f"fault-{self._given_out}", order=order)
        self._faults[fault.id] = fault
        return fault

    def switch_off(self, fault_id: str) -> None:
        """KeyError when there is no such fault."""
        del self._faults[fault_id]

    def clear(self) -> None:
        self._faults.clear()

    def in_force(self) -> list[Fault]:
        return [fault for fault in self._faults.values() if not fault.is_over]

    def kinds_in_force(self) -> frozenset[Kind]:
        return frozenset(fault.order.kind for fault in self.in_force())

    def first(self, kinds: frozenset[Kind], method: str, path: str) -> Order | None:
        """The fault of these kinds that strikes this request, if one does."""
        for fault in self._faults.values():
            if fault.order.kind in kinds and fault.strikes(method, path):
                self.struck[fault.order.kind] += 1
                return fault.order
        return None
