"""A command's own server is asked as a running one is."""

from typing import Any

from jackfield.cli.door import OwnServer


async def test_an_address_arrives_as_it_would_over_a_socket() -> None:
    """Its path is decoded, once: an account may have a space in its name, a run's id a colon."""
    seen: list[Any] = []

    async def site(scope: Any, _receive: Any, send: Any) -> None:
        seen.append((scope["path"], scope["query_string"]))
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    await OwnServer(site, "token").ask("DELETE", "/accounts/ann%20field%2520?name=a%20b")

    assert seen == [("/api/v1/accounts/ann field%20", b"name=a%20b")]
