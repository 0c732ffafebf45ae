"""Any Graph-speaking server will do, ours or not, and one that knows little of Graph too."""

import asyncio

import pytest

from doubles.processes import LOOK_S, Installation
from doubles.small_graph import CLIENT, SECRET, TENANT, Bookmarks, running_small_graph

pytestmark = pytest.mark.e2e


@pytest.mark.parametrize("bookmarks", list(Bookmarks))
async def test_people_of_a_server_with_little_graph_become_extensions(
    installation: Installation, bookmarks: Bookmarks
) -> None:
    """No groups, no licences, no bookmark in the change log, or none at all: people still sync."""
    secret = installation.folder / "small.txt"
    secret.write_text(SECRET)
    async with running_small_graph(bookmarks, people=30) as small:
        with installation.serving() as server:
            connected = await installation.command(
                "connect",
                *("--tenant-id", TENANT, "--client-id", CLIENT),
                *("--client-secret-file", str(secret)),
                *("--login-url", small.url, "--graph-url", f"{small.url}/v1.0"),
                "--no-sync",  # or what is asked for next would join what is under way, or wait
            )
            first = await installation.command("sync", "people", "--json")
            before = await server.api("GET", "/extensions?limit=100")

            small.put(3, "Renamed Person", givenName="Renamed", surname="Person")
            small.put(99, "New Person", givenName="New", surname="Person")
            small.remove(5)
            second = await installation.command("sync", "people", "--json")
            after = await server.api("GET", "/extensions?limit=100")
            status = await server.api("GET", "/status")

    assert connected.code == 0, connected.err
    assert "Connected to Small & Sons" in connected.out
    assert first.code == 0, first.out
    assert second.code == 0, second.out
    assert len(before["extensions"]) == 30
    assert status["people"] == 30  # one came, one went
    names = {
        one["number"]: f"{one['first_name']} {one['last_name']}" for one in after["extensions"]
    }
    assert names["103"] == "Renamed Person"
    assert names["130"] == "New Person"
    assert names["105"] == "Person N005"  # a leaver keeps the extension until somebody decides
    assert ("changes" in small.asked) is (bookmarks is not Bookmarks.NO_CHANGE_LOG)


async def test_what_such_a_server_lacks_is_said_once(installation: Installation) -> None:
    """Without groups there are no departments: an administrator should not have to guess why."""
    secret = installation.folder / "small.txt"
    secret.write_text(SECRET)
    async with running_small_graph(Bookmarks.REFUSED, people=5) as small:
        with installation.serving() as server:
            await installation.command(
                "connect",
                *("--tenant-id", TENANT, "--client-id", CLIENT),
                *("--client-secret-file", str(secret)),
                *("--login-url", small.url, "--graph-url", small.url),
            )
            for _ in range(2):
                await installation.command("sync", "people", "--full")
                await asyncio.sleep(LOOK_S)
            alarms = await server.api("GET", "/alarms")
            errors = server.process.log("error", "critical")

    assert [one["kind"] for one in alarms["alarms"]] == ["graph.no_groups"]
    assert "/groups" in alarms["alarms"][0]["text"]
    assert errors == []
