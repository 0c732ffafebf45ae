"""How commands tell of plans and runs: as text for a person, or as one JSON document."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from jackfield.cli.exits import Exit
from jackfield.core.text import abridged, with_short_names

_STEERS = re.compile(
    "["
    "\x00-\x08\x0b-\x1f\x7f-\x9f"  # controls, but for tab and line feed
    "\u202a-\u202e\u2066-\u2069"  # what reorders the text around it
    "\ud800-\udfff"  # half of a character: no terminal can be sent it
    "]"
)
UNDONE = ("failed", "stale", "unanswered", "skipped", "turned_down")
"""What became of an action that is not done."""
BY_HAND = "by_hand"
"""The choice that nothing is done before an administrator has approved it."""
FIRST = 10
"""People who are named where a command was not asked for a plan."""
MOST = 500
"""The largest page."""
_STATES: Mapping[str, str] = {
    "proposed": "Waits for a decision",
    "approved": "Approved",
    "applying": "Being carried out",
    "applied": "Carried out",
    "refused": "Turned down",
    "superseded": "Out of date",
    "failed": "Failed",
}
_ENDS: Mapping[str, Exit] = {
    "failed": Exit.FAILED,
    "cancelled": Exit.FAILED,
    "refused": Exit.REFUSED,
}


def say(document: object, json: bool, text: Callable[[], str]) -> None:
    """Print the document as JSON, or the text."""
    if json:
        import msgspec

        encoded = msgspec.json.format(msgspec.json.encode(document)).decode()
        print(_escaped(encoded) if (sys.stdout.encoding or "").lower() != "utf-8" else encoded)
    else:
        print(printable(text()))


def _escaped(json: str) -> str:
    """JSON in ASCII, for where it is read in an encoding that has not every character."""
    units = re.compile(r"[^\x00-\x7f]")

    def escape(found: re.Match[str]) -> str:
        encoded = found[0].encode("utf-16-be", "surrogatepass").hex()
        return "".join(f"\\u{encoded[at : at + 4]}" for at in range(0, len(encoded), 4))

    return units.sub(escape, json)


def printable(text: str) -> str:
    """Text without what would steer a terminal: names and addresses come from outside."""
    return _STEERS.sub("\N{REPLACEMENT CHARACTER}", text)


def code_of(run: Any) -> Exit:
    """The exit code for how a run ended."""
    return _ENDS.get(run["status"], Exit.DONE)


def connected_text(made: Any, sync: str) -> str:
    """A connection that was made, and which consent it still lacks."""
    connected = (
        f"Connected to {made['organisation']} (tenant {made['tid']}). People sync is {sync}."
    )
    if not made["missing_permissions"]:
        return connected
    return f"{connected}\n{consent_text(made['missing_permissions'])} {made['next_step']}"


def consent_text(missing: Sequence[str]) -> str:
    """What is missing, and what goes on without it."""
    return (
        f"Consent again: the application permission {', '.join(missing)} is missing. People are"
        " synced all the same; groups, and with them departments, stay as they are."
    )


def plan_text(plan: Any, actions: Any, limit: int, *, people: int) -> str:
    """A plan with its first actions, and so many of the people it refused or has a notice about."""
    out = [f"Plan {plan['id']}: {plan['text']}", f"  {plan_history(plan)}"]
    out += [f"  {_action_line(action)}" for action in actions["actions"]]
    if actions["next"]:
        out.append(f"  ... and more; see {_show(plan, limit)}")
    return "\n".join([*out, *concerned(plan, most=people), *release_lines(plan)])


def plan_history(plan: Any) -> str:
    """Where a plan stands, who made it and who decided about it, and when: one line."""
    by = f" for {plan['made_by']}" if plan["made_by"] else " by the schedule"
    parts = [f"{plan_state(plan)}; made {moment(plan['made_at'])}{by}"]
    if plan["decided_at"]:
        what = "turned down" if plan["status"] == "refused" else "approved"
        parts.append(f"{what} {moment(plan['decided_at'])} by {plan['decided_by']}")
    if plan["ended_at"] and plan["status"] != "refused":
        parts.append(f"ended {moment(plan['ended_at'])}")
    return ", ".join(parts) + "."


def plan_state(plan: Any) -> str:
    """Where a plan stands, in the words of the console."""
    if plan["status"] == "superseded" and plan["replaced_by"]:
        return f"Replaced by plan {plan['replaced_by']}"
    if plan["status"] == "applied" and plan["held"]:
        return "Carried out but for what is held" if plan["counts"] else "Held by a guard"
    if plan["status"] == "applied" and not plan["counts"] and plan["withdrawn"]:
        return "Withdrawn"
    return _STATES.get(plan["status"], plan["status"])


def run_state(run: Any) -> str:
    """How a run stands; "refused" is what an administrator does to a plan."""
    return "held" if run["status"] == "refused" else str(run["status"])


def plan_line(plan: Any) -> str:
    """A plan in a list."""
    known = {"everyone": "everyone", "touched people": "whoever has changed"}
    undo = plan["scope"].startswith("undo of plan")
    about = known.get(plan["scope"], plan["scope"] if undo else "one person")
    return f"{plan['id']:>6}  {plan_history(plan)} About {about}: {plan['text']}"


def moment(text: str) -> str:
    """A moment of the API to the second, in UTC."""
    return f"{text[:10]} {text[11:19]}Z"


def run_text(run: Any, plan: Any, undone: Sequence[Any]) -> str:
    """How a run ended, with the people that its plan could not do everything for."""
    out = [str(run["text"])]
    count = sum(plan["outcomes"].get(status, 0) for status in UNDONE)
    lines = [
        f"Not done: {_short(one, 'title')}{_upn(one)}: {_short(one, 'text')}" for one in undone
    ]
    out += _some(lines, plan, FIRST, count)
    if not plan["releasable"]:
        # What a guard said of a plan that is released or withdrawn is over, also for this run.
        plan = {**plan, "refusals": [one for one in plan["refusals"] if one["subject"]]}
    return "\n".join([*out, *concerned(plan), *release_lines(plan)])


def concerned(plan: Any, *, most: int = FIRST) -> list[str]:
    """Whom a plan refused and whom it has a notice about, by name; what guards say comes first."""
    guards = [one for one in plan["refusals"] if not one["subject"]]
    people = [one for one in plan["refusals"] if one["subject"]]
    notices = [f"Notice: {_who(one)}: {_short(one, 'text')}" for one in plan["notices"]]
    return [
        *(_guard_line(one, plan) for one in guards),
        *_some(
            [
                f"Refused: {_who(one)}: {_short(one, 'because')} {one['next_step']}"
                for one in people
            ],
            plan,
            most,
            plan["refused"],
        ),
        *_some(notices, plan, most, plan["noted"]),
    ]


def _guard_line(one: Any, plan: Any) -> str:
    if plan["releasable"]:
        return f"Refused: {one['because']} {one['next_step']}"
    return f"Guard: {one['because']} It holds nothing back any more."


def people_lines(plan: Any) -> list[str]:
    """The same in two lines at most: who was refused, and about how many there is a notice.

    Notices are a figure: each full look has the same ones again.
    """
    lines = []
    names = list(dict.fromkeys(_who(one) for one in plan["refusals"] if one["subject"]))
    if names:
        count = max(plan["refused"], len(names))
        more = f" and {count - FIRST:,} more" if count > FIRST else ""
        lines.append(f"Refused: {', '.join(names[:FIRST])}{more}; see {_show(plan)}")
    if noted := plan["noted"]:
        about = "1 person" if noted == 1 else f"{noted:,} people"
        lines.append(f"Notices about {about}; see {_show(plan)}")
    return lines


def release_lines(plan: Any) -> list[str]:
    """How to let go what a guard holds back; nothing where it holds nothing."""
    if not plan["releasable"]:
        return []
    return [
        f"Turn down what a guard holds back: jackfield plan refuse {plan['id']}",
        f"Release what a guard holds back: jackfield plan approve {plan['id']} --release-held",
    ]


def _some(lines: Sequence[str], plan: Any, most: int, count: int = 0) -> list[str]:
    """The first lines of so many (of as many as there are), and where to see the others."""
    more = max(count, len(lines)) - most
    return [*lines[:most], *([f"and {more:,} more; see {_show(plan, most)}"] if more > 0 else [])]


def _show(plan: Any, shown: int = 0) -> str:
    """The command that shows more of a plan than was shown; JSON has everything."""
    longer = " --json" if shown >= MOST else f" --limit {MOST}" if shown > FIRST else ""
    return f"jackfield plan show {plan['id']}{longer}"


def _who(one: Any) -> str:
    return f"{abridged(one['name'])}{_upn(one)}"


def _short(one: Any, field: str) -> str:
    """What is said about somebody, their name abridged; --json has it whole."""
    return with_short_names(one[field], one["name"])


def _upn(one: Any) -> str:
    return f" ({one['upn']})" if one["upn"] and one["upn"] != one["name"] else ""


def _action_line(action: Any) -> str:
    held = " [held back]" if action["held"] else _undone(action)
    return f"{_short(action, 'title')}{held} ({_short(action, 'because')})"


def _undone(action: Any) -> str:
    """What became of an action that was not done and will not be; empty for the others."""
    if action["status"] in {"skipped", "turned_down"}:
        said = action["text"].rstrip(".") or "skipped"
        return f" [{said[:1].lower()}{said[1:]}]"
    return {"failed": " [failed]", "stale": " [out of date]"}.get(action["status"], "")
