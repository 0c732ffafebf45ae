"""What commands say of plans and runs: names and next steps, never a figure alone."""

from typing import Any

import pytest

from jackfield.cli.telling import (
    people_lines,
    plan_history,
    plan_line,
    plan_text,
    printable,
    run_text,
)


def a_plan(refused: int = 0, noted: int = 0, **more: Any) -> dict[str, Any]:
    """A plan as the API tells it."""
    refusals = [
        {
            "subject": f"id-{n}",
            "name": f"Person {n}",
            "upn": f"p{n}@contoso.example",
            "because": "No number is left.",
            "next_step": "Widen the range.",
        }
        for n in range(refused)
    ]
    notices = [
        {"subject": f"id-{n}", "name": f"Person {n}", "upn": "", "text": "The name was cut."}
        for n in range(noted)
    ]
    return {
        "id": 7,
        "text": "nothing",
        "refusals": refusals,
        "notices": notices,
        "refused": refused,
        "noted": noted,
        "releasable": False,
        "outcomes": {},
        "status": "proposed",
        "made_at": "2026-11-28T09:00:00.123456Z",
        "made_by": "",
        "scope": "everyone",
        "counts": {},
        "held": {},
        "decided_at": None,
        "decided_by": "",
        "ended_at": None,
        "replaced_by": None,
        "withdrawn": False,
        **more,
    }


@pytest.mark.parametrize(
    ("plan", "said"),
    [
        pytest.param(
            {}, "Waits for a decision; made 2026-11-28 09:00:00Z by the schedule.", id="waits"
        ),
        pytest.param(
            {
                "status": "refused",
                "made_by": "anna",
                "decided_at": "2026-11-28T10:00:00Z",
                "decided_by": "bert",
                "ended_at": "2026-11-28T10:00:00Z",
            },
            "Turned down; made 2026-11-28 09:00:00Z for anna, "
            "turned down 2026-11-28 10:00:00Z by bert.",
            id="turned_down",
        ),
        pytest.param(
            {
                "status": "applied",
                "counts": {"create_extension": 2},
                "held": {"remove_extension": 1},
                "decided_at": "2026-11-28T10:00:00Z",
                "decided_by": "bert",
                "ended_at": "2026-11-28T10:00:09.5Z",
            },
            "Carried out but for what is held; made 2026-11-28 09:00:00Z by the schedule, "
            "approved 2026-11-28 10:00:00Z by bert, ended 2026-11-28 10:00:09Z.",
            id="approved_and_carried_out",
        ),
        pytest.param(
            {"status": "superseded", "replaced_by": 9},
            "Replaced by plan 9; made 2026-11-28 09:00:00Z by the schedule.",
            id="replaced",
        ),
        pytest.param(
            {"status": "applied", "withdrawn": True},
            "Withdrawn; made 2026-11-28 09:00:00Z by the schedule.",
            id="withdrawn",
        ),
    ],
)
def test_a_plan_says_where_it_stands_and_who_decided(plan: dict[str, Any], said: str) -> None:
    """The first questions after a mass removal: who, and when."""
    assert plan_history(a_plan(**plan)) == said
    assert plan_text(a_plan(**plan), NONE, 50, people=10).splitlines()[1] == f"  {said}"


def test_a_list_of_plans_says_what_each_is_about() -> None:
    """A plan for one person is no plan for everyone."""
    assert plan_line(a_plan()).endswith("About everyone: nothing")
    assert plan_line(a_plan(scope="undo of plan 3")).endswith("About undo of plan 3: nothing")
    assert plan_line(a_plan(scope="id-7")).endswith("About one person: nothing")


NONE = {"actions": [], "next": None}


def test_people_are_named_with_their_upn() -> None:
    """A name alone may be two people; a figure alone helps nobody."""
    said = plan_text(a_plan(refused=1, noted=1), NONE, 50, people=10)

    assert said.splitlines()[2:] == [
        "Refused: Person 0 (p0@contoso.example): No number is left. Widen the range.",
        "Notice: Person 0: The name was cut.",
    ]


@pytest.mark.parametrize(
    ("refused", "people", "last"),
    [
        (10, 10, "Refused: Person 9 (p9@contoso.example): No number is left. Widen the range."),
        (11, 10, "and 1 more; see jackfield plan show 7"),
        (1_200, 50, "and 1,150 more; see jackfield plan show 7 --limit 500"),
        (1_200, 500, "and 700 more; see jackfield plan show 7 --json"),
    ],
)
def test_what_is_not_shown_is_a_command_away(refused: int, people: int, last: str) -> None:
    """Ten names are read, a thousand are looked up; each step names the next."""
    said = plan_text(a_plan(refused=refused), NONE, 50, people=people).splitlines()

    assert said[-1] == last
    assert len(said) == 2 + min(refused, people) + (refused > people)


def test_a_guard_is_told_before_people_and_with_the_way_out() -> None:
    """However many people were refused, what stops the plan is not cut off."""
    plan = a_plan(refused=20, releasable=True)
    guard = {"subject": "", "name": "", "upn": "", "because": "Too many.", "next_step": "Look."}
    plan["refusals"].append(guard)

    said = plan_text(plan, NONE, 50, people=10).splitlines()

    assert said[2] == "Refused: Too many. Look."
    assert said[-2].endswith("jackfield plan refuse 7")
    assert said[-1].endswith("jackfield plan approve 7 --release-held")


def test_what_did_not_come_through_is_told_by_name() -> None:
    """The count is the server's; the names are of the first."""
    undone = [
        {
            "title": "Update extension 100 of Ada",
            "name": "Ada",
            "upn": "ada@contoso.example",
            "text": "Gone.",
        }
    ]

    said = run_text({"text": "0 done."}, a_plan(outcomes={"stale": 12, "done": 3}), undone * 10)

    assert said.splitlines()[0] == "0 done."
    assert said.splitlines()[1] == (
        "Not done: Update extension 100 of Ada (ada@contoso.example): Gone."
    )
    assert said.splitlines()[-1] == "and 2 more; see jackfield plan show 7"


def test_a_list_of_runs_names_whom_a_run_refused_once() -> None:
    """Two lines a run at most, so that the list stays a list; notices, ever the same, a figure."""
    plan = a_plan(refused=12, noted=1)
    plan["notices"] *= 3

    refused, noted = people_lines(plan)

    assert refused.startswith("Refused: Person 0 (p0@contoso.example), Person 1 (")
    assert refused.endswith("Person 9 (p9@contoso.example) and 2 more; see jackfield plan show 7")
    assert noted == "Notices about 1 person; see jackfield plan show 7"
    assert people_lines(a_plan(noted=1_200)) == [
        "Notices about 1,200 people; see jackfield plan show 7"
    ]
    assert people_lines(a_plan()) == []


@pytest.mark.parametrize("steering", ["\x1b[2J", "\x07", "\r", "\u202e", "\x9b31m", "\ud800"])
def test_a_name_cannot_steer_the_terminal(steering: str) -> None:
    """Whoever may choose a name in the directory must not clear or colour a screen with it."""
    said = printable(f"Note: {steering}Ada")

    assert steering[0] not in said
    assert said.endswith("Ada")


def test_scripts_of_every_kind_stay_as_they_are() -> None:
    """Only what steers is taken."""
    said = "Zoë 你好 العربية 🧑\u200d🚒\n\ta\u0301"

    assert printable(said) == said


def test_what_a_guard_said_is_over_once_it_is_released() -> None:
    """That no leaver is touched, right under leavers that were removed, is not to be believed."""
    guard = {"subject": "", "name": "", "because": "Far fewer people.", "next_step": "Release it."}
    held = a_plan(releasable=True) | {"refusals": [guard]}
    over = {**held, "releasable": False}
    run = {"text": "75 extensions removed."}

    assert "Refused: Far fewer people. Release it." in run_text(run, held, [])
    assert run_text(run, over, []) == "75 extensions removed."
    assert "Guard: Far fewer people. It holds nothing back any more." in plan_text(
        over, NONE, 50, people=10
    )


def test_a_long_name_leaves_room_for_what_is_said() -> None:
    """300 characters fit a directory and no line; --json has them whole."""
    name = "Ada " * 75
    action = {
        "name": name,
        "title": f"Create extension 100 for {name}",
        "because": f"New; “{name}” was cut.",
        "held": False,
        "status": "pending",
    }
    plan = a_plan(refused=1, noted=1)
    for one in (*plan["refusals"], *plan["notices"]):
        one["name"] = name

    said = plan_text(plan, {"actions": [action], "next": None}, 50, people=10).splitlines()[2:]
    short = ("Ada " * 15).strip() + "…"

    assert said == [
        f"  Create extension 100 for {short} (New; “{short}” was cut.)",
        f"Refused: {short} (p0@contoso.example): No number is left. Widen the range.",
        f"Notice: {short}: The name was cut.",
    ]
    assert people_lines(plan)[0].startswith(f"Refused: {short} (p0@")


@pytest.mark.parametrize(
    ("status", "text", "said"),
    [
        ("pending", "", ""),
        ("done", "", ""),
        (
            "skipped",
            "Withdrawn: it stands in plan 9 since.",
            " [withdrawn: it stands in plan 9 since]",
        ),
        ("turned_down", "Turned down by ann.", " [turned down by ann]"),
        ("stale", "The number is 7 by now.", " [out of date]"),
    ],
)
def test_an_action_that_will_not_be_done_says_so(status: str, text: str, said: str) -> None:
    """Sixty removals under "0 actions" read as if they had been done."""
    action = {
        "title": "Remove extension 7 of Ann",
        "name": "Ann",
        "because": "The account was deleted.",
        "held": False,
        "status": status,
        "text": text,
    }

    line = plan_text(a_plan(), {"actions": [action], "next": None}, 50, people=1).splitlines()[2]

    assert line == f"  Remove extension 7 of Ann{said} (The account was deleted.)"
