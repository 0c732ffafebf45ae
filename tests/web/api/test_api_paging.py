"""Limits and places of every list: one that cannot be is refused by its name, on every route."""

from typing import Any
from urllib.parse import quote

import pytest

from doubles.api_caller import API, ApiCaller

pytestmark = [pytest.mark.hostile, pytest.mark.asyncio(loop_scope="module")]
LIMITS = ["-1", "0", "501", "1000000000", "9" * 30, "abc", "1.5", "1e3", "", " ", "٣", "²", "0x10"]
PLACES = ["-1", "abc", "1.5", "1e3", "9" * 30, "٣", "²", "null", "[]", "'", "W10", "x" * 3_000]


async def lists(api: ApiCaller) -> dict[str, set[str]]:
    """The query parameters of every route that is paged."""
    document: Any = (await api.send("GET", "/schema/openapi.json")).body
    found = {}
    for path, methods in document["paths"].items():
        given = methods.get("get", {}).get("parameters", [])
        names = {one["name"] for one in given if one["in"] == "query"}
        if "limit" in names:
            found[path.removeprefix(API).replace("{plan}", "1")] = names
    return found


@pytest.mark.parametrize("limit", LIMITS)
async def test_a_limit_that_cannot_be_is_refused_everywhere(shared: ApiCaller, limit: str) -> None:
    """A default in its place would be taken for the whole list."""
    paged = await lists(shared)

    answers = {path: await shared.ask("GET", path, limit=limit) for path in paged}

    assert len(answers) > 11
    assert {path: one.status for path, one in answers.items()} == dict.fromkeys(paged, 400)
    assert all("'limit'" in one.detail for one in answers.values())


@pytest.mark.parametrize("place", PLACES)
async def test_a_place_that_cannot_be_is_refused_everywhere(shared: ApiCaller, place: str) -> None:
    """Page one in its place would make a script begin anew, for ever."""
    paged = await lists(shared)

    answers = {
        (path, name): await shared.send(
            "GET",
            f"{API}{path}",
            b"",
            {"authorization": f"Bearer {shared.token}"},
            f"{name}={quote(place)}",
        )
        for path, names in paged.items()
        for name in names & {"after", "before"}
    }

    assert len(answers) > 11
    assert {which: one.status for which, one in answers.items()} == dict.fromkeys(answers, 400)
    assert all(f"'{name}'" in one.detail for (_, name), one in answers.items())
