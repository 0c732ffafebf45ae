"""The lists of runs and tenants on a terminal, asked of the API as a command asks."""

import pytest

from doubles.api_caller import ApiCaller
from jackfield.cli.door import Answer, OwnServer, about
from jackfield.cli.showing import run_lines
from jackfield.cli.tenants import tenant_lines
from jackfield.store.runs import Trigger, begin_run
from jackfield.store.tenants import Connection, save_connection


class _Running:
    """A door to a server that runs: all that counts is that it is not the command's own."""

    def __init__(self, own: OwnServer) -> None:
        self._own = own

    async def ask(self, method: str, path: str, body: object = None, *, tenant: str = "") -> Answer:
        return await self._own.ask(method, path, body, tenant=tenant)


async def begun(api: ApiCaller) -> OwnServer:
    """A run that is under way, and the door of a command that runs alone."""
    async with api.house.database.write() as tx:
        await begin_run(
            tx,
            1,
            "flow",
            kind="people",
            trigger=Trigger.SCHEDULE,
            mode="full",
            now=api.house.clock.now(),
        )
    return OwnServer(api.console.site, api.token)


@pytest.mark.parametrize("tenant", [None, "1"])
async def test_a_run_that_a_dead_server_left_is_no_running_one(
    api: ApiCaller, tenant: str | None
) -> None:
    """Nobody is there to carry it on, and nothing is lost."""
    own = await begun(api)

    first, second = await run_lines(about(own, tenant), (await api.get("/runs"))["runs"])

    assert first.split()[3:5] == ["cut", "off"]
    assert first.endswith("Starting")
    assert second.strip() == ("No server is running; it goes on at the next start: jackfield serve")


async def test_a_run_of_a_server_that_works_is_running(api: ApiCaller) -> None:
    """The command asks that server."""
    own = await begun(api)

    (line,) = await run_lines(_Running(own), (await api.get("/runs"))["runs"])

    assert line.split()[3:] == ["running", "Starting"]


async def test_times_say_that_they_are_utc(api: ApiCaller) -> None:
    """Beside a console in local time one would look for the wrong hour."""
    own = await begun(api)

    line = (await run_lines(own, (await api.get("/runs"))["runs"]))[0]

    begun_at = line.split()[1]
    assert begun_at == f"{api.house.clock.now():%Y-%m-%dT%H:%M:%S}Z"


async def test_a_tenant_is_syncing_only_where_somebody_works(api: ApiCaller) -> None:
    """After a restore the run of the backup's moment stands there, and nobody carries it."""
    now = api.house.clock.now()
    async with api.house.database.write() as tx:
        await save_connection(
            tx, 1, Connection("tid", "Northgate", "client", "secret", "secret", now)
        )
    own = await begun(api)
    tenants = (await api.get("/tenants"))["tenants"]

    (alone,) = await tenant_lines(own, tenants)
    (served,) = await tenant_lines(_Running(own), tenants)

    assert "Main: last run cut off; it goes on at the next start;" in alone
    assert "Main: syncing;" in served
