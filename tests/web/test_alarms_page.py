"""Alarms with begin and end, and why a department is so."""

from __future__ import annotations

from datetime import timedelta

from doubles.house import House
from doubles.web_visitor import Visitor
from jackfield.core.departments import DepartmentRules, DepartmentSource
from jackfield.core.rules import PeopleRules
from jackfield.store.alarms import begin_alarm, end_alarm


async def test_before_the_first_alarm_the_page_says_so(admin: Visitor) -> None:
    page = (await admin.get("/alarms")).page

    assert "Nothing has been wrong yet." in page.text


async def test_open_alarms_and_those_that_are_over_are_listed(house: House, admin: Visitor) -> None:
    """What was wrong in the night is asked in the morning."""
    await house.connect(house.raise_stage(people=1))
    now = house.clock.now()
    async with house.database.write() as tx:
        for kind in ("one", "two"):
            begun = now - timedelta(hours=1)
            step = f"Mend {kind}."
            await begin_alarm(tx, 1, kind, text=f"Broke {kind}.", next_step=step, now=begun)
        await end_alarm(tx, 1, "one", now=now - timedelta(minutes=18))

    page = (await admin.get("/alarms")).page

    assert page.ids().index("alarm-row-2") < page.ids().index("alarm-row-1")
    assert "Broke two. Mend two." in page.text
    assert "Over Broke one." in page.text
    assert "Mend one." not in page.text
    assert "still open" in page.text
    assert "42 min" in page.text
    assert "all-alarms" in (await admin.get("/")).page.ids()


async def test_a_department_says_why_it_is_so(house: House, admin: Visitor) -> None:
    """Of each that is listed."""
    await house.connect(house.raise_stage(people=8), sync=True)
    await house.choose(PeopleRules(departments=DepartmentRules(DepartmentSource.ALL)))
    await house.sync(full=True)
    listed = (await admin.get("/departments")).page
    ways = [one["href"] for one in listed.all("a") if one.get("title") == "Why is this so?"]

    assert ways
    for way in ways:
        text = (await admin.get(way or "")).page.text
        assert "It follows the" in text
        assert "It has the group's name" in text or "was taken in the phone system" in text
    assert (await admin.get("/departments/why?key=none")).status == 404
