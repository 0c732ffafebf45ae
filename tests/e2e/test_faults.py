"""A bad day of Microsoft 365: one request in five is refused, over real sockets."""

from datetime import datetime
from itertools import pairwise
from typing import Any

import pytest

from doubles.end_state import load_end_state
from doubles.processes import Installation, running_stage

pytestmark = pytest.mark.e2e

RETRY_AFTER_S = 1
SHORT_PAGES = {"short_pages": 0.9, "delta_page_objects": 3, "delta_page_members": 40}


async def test_a_sync_on_a_bad_day_loses_nobody(installation: Installation) -> None:
    """429 and 503 for a fifth of all calls, tokens included: it takes longer, that is all."""
    with running_stage(people=200, seed=13) as stage:
        await stage.control("PATCH", "/quirks", SHORT_PAGES)
        with installation.serving() as server:
            await installation.connect(stage, "--no-sync")
            await server.choose(rules={"departments": {"source": "all", "groups": []}})
            await stage.control("DELETE", "/requests")
            for kind in ("throttled", "unavailable"):
                for path in ("/v1.0/*", "/*/oauth2/v2.0/token"):
                    order = {"kind": kind, "path": path, "probability": 0.1, "seed": 4}
                    order["retryAfterS"] = RETRY_AFTER_S
                    await stage.control("POST", "/faults", order)
            await stage.control("POST", "/tokens/revoke", {})
            synced = await installation.command("sync", "people", "--full", "--json")
            troubles = server.process.log("warning", "error", "critical")
            await server.process.stop()
        asked = (await stage.control("GET", "/requests?last=1000"))["requests"]
        present = (await stage.control("GET", "/state"))["directory"]["people"]
    end = await load_end_state(installation.url)

    refused = [one for one in asked if one["status"] in {429, 503}]
    assert len(asked) > 30
    assert 0.1 < len(refused) / len(asked) < 0.35
    assert synced.code == 0
    counts = synced.document["counts"]
    assert counts["changes"] == sum(
        count for kind, count in counts.items() if kind not in {"changes", "people"}
    )
    assert len(end.people) == present
    assert len(end.extensions) == counts["create_extension"] > 100
    assert end.doubles == end.alarms == troubles == []
    assert earliest_return_s(asked) >= RETRY_AFTER_S


def earliest_return_s(asked: list[Any]) -> float:
    """The shortest time between a refusal and the next call to Graph, by the tenant's clock."""
    graph = [one for one in asked if one["path"].startswith("/v1.0/")]
    return min(
        (datetime.fromisoformat(after["at"]) - datetime.fromisoformat(one["at"])).total_seconds()
        for one, after in pairwise(graph)
        if one["status"] in {429, 503}
    )
