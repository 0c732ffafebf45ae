"""One question to the API, and the errors that its answers become."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jackfield.cli.exits import CommandFailed, Exit

if TYPE_CHECKING:
    from jackfield.cli.door import Answer, Door


async def asked(door: Door, method: str, path: str, body: object = None) -> Any:
    """What the API answers. Raises `CommandFailed` with what it says where that is no success."""
    return good(await door.ask(method, path, body))


async def all_tenants(door: Door) -> list[Any]:
    """Every tenant that the door leads to, by number."""
    found: list[Any] = []
    after = ""
    while True:
        page = await asked(door, "GET", f"/tenants?limit=500{after}")
        found += page["tenants"]
        if page["next"] is None:
            return found
        after = f"&after={page['next']}"


def good(answer: Answer) -> Any:
    """The body of a success; anything else raises `CommandFailed`."""
    if answer.status >= 400:
        raise CommandFailed(problem(answer), Exit.USAGE if answer.status == 400 else Exit.FAILED)
    return answer.body


def problem(answer: Answer) -> str:
    """What an error says."""
    document = answer.body if isinstance(answer.body, dict) else {}
    return str(document.get("detail") or f"The server answered {answer.status}.")
