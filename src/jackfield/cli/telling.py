"""How commands tell of plans and runs: as text for a person, or as one JSON document."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from jackfield.cli.exits import Exit

_ENDS: Mapping[str, Exit] = {
    "failed": Exit.FAILED,
    "cancelled": Exit.FAILED,
    "refused": Exit.REFUSED,
}


def say(document: object, json: bool, text: Callable[[], str]) -> None:
    """Print the document as JSON, or the text."""
    if json:
        import msgspec

        print(msgspec.json.format(msgspec.json.encode(document)).decode())
    else:
        print(text())


def code_of(run: Any) -> Exit:
    """The exit code for how a run ended."""
    return _ENDS.get(run["status"], Exit.DONE)


def plan_text(plan: Any, actions: Any, limit: int) -> str:
    """A plan with its first actions, what was refused, and what to know."""
    out = [f"Plan {plan['id']}: {plan['text']}"]
    out += [f"  {_action_line(action)}" for action in actions["actions"]]
    if actions["next"]:
        out.append("  ... and more: see the console, or --limit.")
    for refusal in plan["refusals"]:
        out.append(f"Refused: {refusal['because']} {refusal['next_step']}")
    out += [f"Note: {notice['text']}" for notice in plan["notices"][:limit]]
    if release := release_text(plan):
        out.append(release)
    return "\n".join(out)


def release_text(plan: Any) -> str:
    """How to let go what a guard holds back; empty where it holds nothing."""
    if not plan["releasable"]:
        return ""
    return f"Release what a guard holds back: jackfield plan approve {plan['id']} --release-held"


def _action_line(action: Any) -> str:
    held = " [held back]" if action["held"] else ""
    return f"{action['title']}{held} ({action['because']})"
