"""Twenty customers in one installation: half of them in trouble hold up none of the others."""

import pytest

from doubles.house import House
from jackfield.flows.asks import Ask
from jackfield.graph.pace import Workload
from jackfield.store.runs import RunStatus
from m365_emulator.faults import Kind, Order

pytestmark = pytest.mark.sim
TENANTS = 20
TROUBLED = range(1, 13)


async def test_those_that_wait_for_microsoft_leave_room_for_the_others(house: House) -> None:
    """More tenants are told to wait than ever ran at once; the healthy ones do not notice."""
    for tenant in range(1, TENANTS + 1):
        if tenant > 1:
            await house.tenants.add(f"Customer {tenant:02}", by="admin")
        stage = house.raise_stage(people=0, host=f"localhost:{9000 + tenant}")
        for name in ("Ada One", "Bea Two", "Cora Three"):
            stage.tenant.hire(name)
        await house.connect(stage, tenant, sync=True)
        if tenant in TROUBLED:
            stage.faults.switch_on(Order(kind=Kind.THROTTLED, path="/v1.0/*", retry_after_s=300))
    begun_at = house.clock.now()

    for tenant in range(1, TENANTS + 1):
        await house.people.start(tenant, Ask())
    await house.runner.idle()

    waited = {}
    for tenant in range(1, TENANTS + 1):
        run, *_ = await house.runs(tenant)
        assert run.ended_at is not None
        waited[tenant] = (run.ended_at - begun_at).total_seconds()
        healthy = tenant not in TROUBLED
        assert (run.status is RunStatus.DONE) == healthy, (tenant, run.text)
        assert len(await house.extensions(tenant)) == (3 if healthy else 0)
        assert len(await house.alarms(tenant)) == (0 if healthy else 1)
    soonest = min(seconds for tenant, seconds in waited.items() if tenant in TROUBLED)
    latest = max(seconds for tenant, seconds in waited.items() if tenant not in TROUBLED)
    if house.database.sqlite:  # elsewhere the virtual clock leaps while a real database answers
        assert latest < soonest, waited
    calls = [
        house.connections.meter.figures(str(one), Workload.DIRECTORY, closed_for_s=0).calls
        for one in range(1, TENANTS + 1)
    ]
    assert all(calls), "each tenant's calls are counted as its own"
    closed_for_s = house.connections.closed_for_s
    closed = {t for t in range(1, TENANTS + 1) if closed_for_s(t, Workload.DIRECTORY)}
    assert closed <= set(TROUBLED)
