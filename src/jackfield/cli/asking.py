"""One question to the API, and the errors that its answers become."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from jackfield.cli.exits import CommandFailed, Exit

if TYPE_CHECKING:
    from jackfield.cli.door import Answer, Door


async def asked(door: Door, method: str, path: str, body: object = None) -> Any:
    """What the API answers. Raises `CommandFailed` with what it says where that is no success."""
    return good(await door.ask(method, path, body))


async def everything(door: Door, path: str, name: str, *, place: str = "after") -> list[Any]:
    """A list of the API, all pages of it; `path` may have parameters."""
    found: list[Any] = []
    joint = "&" if "?" in path else "?"
    behind = ""
    while True:
        page = await asked(door, "GET", f"{path}{joint}limit=500{behind}")
        found += page[name]
        if page["next"] is None:
            return found
        behind = f"&{place}={quote(str(page['next']), safe='')}"


def good(answer: Answer) -> Any:
    """The body of a success; anything else raises `CommandFailed`."""
    if answer.status >= 400:
        raise CommandFailed(problem(answer), Exit.USAGE if answer.status == 400 else Exit.FAILED)
    return answer.body


def problem(answer: Answer) -> str:
    """What an error says."""
    document = answer.body if isinstance(answer.body, dict) else {}
    return str(document.get("detail") or f"The server answered {answer.status}.")
