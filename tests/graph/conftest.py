"""A client with virtual time over a scripted Graph, or over the emulated tenant in process."""

import itertools
import random
from collections.abc import Callable

import pytest

from doubles.scripted_graph import ScriptedGraph
from doubles.virtual_clock import VirtualClock
from jackfield.core.reach import Reach
from jackfield.core.waiting import MICROSOFT
from jackfield.graph.auth import TokenSource
from jackfield.graph.authority import TenantId
from jackfield.graph.client import GraphClient
from jackfield.graph.cloud import CLOUDS, Cloud, CloudName
from jackfield.graph.credentials import Credential, SecretCredential
from jackfield.graph.meter import Meter
from jackfield.graph.pace import Pace
from jackfield.graph.transport import Transport

GLOBAL = CLOUDS[CloudName.GLOBAL]
TENANT_ID = TenantId("11111111-aaaa-4bbb-8ccc-222222222222")
SECRET = SecretCredential("9c1f0000-0000-4000-8000-000000000000", "the-secret")


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def pace(clock: VirtualClock) -> Pace:
    return Pace(clock, random.Random(7))


@pytest.fixture
def tokens(clock: VirtualClock) -> Callable[..., TokenSource]:
    """Makes a token source over a transport."""
    numbers = itertools.count(1)

    def make(
        transport: Transport, credential: Credential = SECRET, cloud: Cloud = GLOBAL
    ) -> TokenSource:
        return TokenSource(
            cloud,
            TENANT_ID,
            credential,
            transport,
            clock,
            new_id=lambda: f"token-call-{next(numbers)}",
        )

    return make


@pytest.fixture
def client(
    clock: VirtualClock, pace: Pace, tokens: Callable[..., TokenSource]
) -> Callable[..., GraphClient]:
    """Makes a client over a transport; ids are call-1, call-2 ..."""
    numbers = itertools.count(1)

    def make(transport: Transport, *, patience_s: float = 90.0, tenant: str = "1") -> GraphClient:
        return GraphClient(
            tenant,
            GLOBAL,
            tokens(transport),
            transport,
            pace=pace,
            meter=Meter(),
            reach=Reach(MICROSOFT),
            clock=clock,
            new_id=lambda: f"call-{next(numbers)}",
            patience_s=patience_s,
        )

    return make


@pytest.fixture
def scripted() -> ScriptedGraph:
    return ScriptedGraph()
