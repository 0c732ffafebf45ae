"""`jackfield sync people` and `runs`: what is said before a sync, and while it waits."""

from __future__ import annotations

from typing import Any

import pytest

from doubles.house import House
from doubles.keyboard import HouseDoor
from jackfield.cli.progress import follow
from jackfield.cli.runs import said_first
from jackfield.cli.telling import run_state
from jackfield.store.settings import Approval


async def test_what_a_sync_by_hand_overrides_is_said_first(house: House, door: HouseDoor) -> None:
    """A plan waits, nothing goes on by itself: 82 creations at once would surprise."""
    unconnected = await said_first(door)
    stage = house.raise_stage(people=2)
    await house.connect(stage, sync=False)
    await house.sync(preview=True)

    everyone = await said_first(door)
    await house.choose(enabled=True, approval=Approval.BY_HAND)
    by_hand = await said_first(door)
    await house.sync(full=True)
    await house.approve(2)
    nothing = await said_first(door)

    off = "People sync is off: this sync is done once, because you ask for it."
    replaced = "Plan 1 waits for a decision and is replaced: this sync"
    assert unconnected == []
    assert everyone == [off, f"{replaced} does what it finds at once."]
    assert by_hand == [f"{replaced} makes a new plan."]
    assert nothing == []


async def test_a_wait_is_said_once_without_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """Microsoft 365 may throttle for minutes: silence looks like a program that hangs."""
    runs: list[dict[str, Any]] = [{"status": "running", "waits": None, "text": "Reading"}]
    waits = {"because": "Microsoft 365 throttles."}
    runs += [
        {"status": "running", "waits": waits, "text": f"again in {90 - n} s"} for n in range(60)
    ]
    runs.append({"status": "done", "waits": None, "text": "Done."})
    looks = iter(runs)
    pauses: list[float] = []

    async def look() -> dict[str, Any]:
        return next(looks)

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    end = await follow(look, sleep=sleep)

    assert end["text"] == "Done."
    assert capsys.readouterr().err.splitlines() == ["again in 76 s"]
    assert len(pauses) == 61


def test_what_a_guard_holds_is_not_called_refused() -> None:
    """`plan refuse` is an administrator's no."""
    assert run_state({"status": "refused"}) == "held"
    assert run_state({"status": "done"}) == "done"
