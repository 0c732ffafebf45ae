"""What the front door is handed by the fuse box: the flows it speaks to and the values it needs.

Pages receive it as `house: House`; it is made once, and once more for each tenant's requests.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Protocol

from litestar.di import NamedDependency
from litestar.params import SkipValidation

from jackfield.clock import Clock
from jackfield.flows.by_hand import PhonesByHand
from jackfield.flows.doubts import Doubts
from jackfield.flows.graph_budget import GraphBudgets
from jackfield.flows.keys import KeyRotation
from jackfield.flows.numbers import Numbers
from jackfield.flows.people import PeopleSync
from jackfield.flows.photos import PhotoSync
from jackfield.flows.planning import Planning
from jackfield.flows.replacing import Replacing
from jackfield.flows.setup import Setup
from jackfield.flows.signin import LocalSignIn
from jackfield.flows.tenants import Tenants
from jackfield.flows.trials import Trials
from jackfield.flows.undo import Undoing
from jackfield.store.database import Database
from jackfield.web.live import Hubs
from jackfield.web.login_limit import LoginLimit


class DoorSettings(Protocol):
    """The settings of the process that concern the door; `jackfield.settings.Settings` has them."""

    @property
    def url(self) -> str:
        """The console's address as people type it, without a slash at its end."""
        ...

    @property
    def listen_host(self) -> str: ...

    @property
    def trusted_proxies(self) -> tuple[str, ...]:
        """Addresses or networks whose `X-Forwarded-For` and `-Proto` are believed."""
        ...


class GraphFigures(Protocol):
    """Calls to Microsoft Graph since the process started."""

    @property
    def calls(self) -> int: ...

    @property
    def throttled(self) -> int: ...

    @property
    def failed(self) -> int: ...

    @property
    def closed_for_s(self) -> float:
        """Seconds until calls go out again; 0 = they do now."""
        ...

    @property
    def latency_median_ms(self) -> float: ...


@dataclass(frozen=True)
class Rooms:
    """Everything behind the front door."""

    settings: DoorSettings
    database: Database
    clock: Clock
    people: PeopleSync
    photos: PhotoSync
    planning: Planning
    setup: Setup
    tenants: Tenants
    signin: LocalSignIn
    login_limit: LoginLimit
    phones: PhonesByHand
    doubts: Doubts
    undoing: Undoing
    numbers: Numbers
    trials: Trials
    replacing: Replacing
    keys: KeyRotation
    hubs: Hubs
    graph_figures: Callable[[int], GraphFigures]
    budgets: GraphBudgets
    roles: tuple[str, ...] = ("web", "sync")
    """What this process takes on."""
    process_name: Callable[[], str] = lambda: ""
    """Its name among its peers; "" where it has none."""
    tenant: int = 1
    """The tenant that a request is about; 0 = all of the installation."""
    csrf_secret: str = field(default_factory=lambda: secrets.token_hex(32), repr=False)
    """Signs form tokens; the same in all processes, for a page of one may be sent to another."""

    def of(self, tenant: int) -> Rooms:
        """The same house for a request about another tenant."""
        return self if tenant == self.tenant else replace(self, tenant=tenant)


House = NamedDependency[SkipValidation[Rooms]]
"""How a handler asks for the house."""
