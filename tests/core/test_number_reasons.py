"""Why a number is so: a table of numbers and what is said of each."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from core.sketches import extension, person
from jackfield.core.extensions import ExtensionFields, Link
from jackfield.core.number_pools import DepartmentRange, NumberRules, Released, Reservation
from jackfield.core.number_reasons import NumberFacts, NumberState, explain_number
from jackfield.core.numbering import NumberRange, parse_range
from jackfield.core.people import GroupId, LeaverCause, ObjectId

NOW = datetime(2026, 6, 1, tzinfo=UTC)
ANN = person("Ann Field")
PHONES = (NumberRange("100", "999"),)
SALES = GroupId("sales")
RULES = NumberRules(
    ranges=(parse_range("200-399"),),
    departments=(DepartmentRange(SALES, (parse_range("300-349"),)),),
    reserved=(
        Reservation(parse_range("210-219"), note="lifts"),
        Reservation(parse_range("220"), ANN.id),
    ),
)
EXTENSION = extension("203", ExtensionFields("Lobby", "Phone"))
LINK = Link(ANN.id, EXTENSION.key, EXTENSION.number, EXTENSION.fields)


def lost(number, days_ago, whose=ANN.id):
    return Released(number, NOW - timedelta(days=days_ago), whose)


@pytest.mark.parametrize(
    ("facts", "state", "said"),
    [
        pytest.param(
            NumberFacts("203", used=True, extension=EXTENSION, link=LINK),
            NumberState.USED,
            [
                "It is the extension of Ann Field (ann-field@example.org), who keeps it.",
                "It is in the pool of everybody (200–299, 350–399).",
            ],
            id="a person's",
        ),
        pytest.param(
            NumberFacts(
                "203",
                used=True,
                extension=EXTENSION,
                link=Link(ANN.id, "e203", "203", EXTENSION.fields, left=LeaverCause.DELETED),
            ),
            NumberState.USED,
            ["It is the extension of Ann Field (ann-field@example.org), who has left and still"],
            id="a leaver's",
        ),
        pytest.param(
            NumberFacts("203", used=True, extension=EXTENSION),
            NumberState.USED,
            ["An extension made by hand has it (Lobby Phone)."],
            id="by hand",
        ),
        pytest.param(
            NumberFacts("204", used=True),
            NumberState.USED,
            ["The phone system uses it for something that is no extension."],
            id="a queue's",
        ),
        pytest.param(
            NumberFacts("205", released=lost("205", 10)),
            NumberState.HELD,
            [
                "Nothing in the phone system has it.",
                "Ann Field (ann-field@example.org) had it until 22 May 2026; it is held for",
                "until 21 Jun 2026.",
            ],
            id="held for her",
        ),
        pytest.param(
            NumberFacts("205", released=lost("205", 10, ObjectId(""))),
            NumberState.HELD,
            ["It was given up on 22 May 2026; it is held from everybody until 21 Jun 2026."],
            id="held from all",
        ),
        pytest.param(
            NumberFacts("205", released=lost("205", 10, ObjectId("gone"))),
            NumberState.HELD,
            ["somebody who is forgotten (gone) had it until 22 May 2026;"],
            id="held for one forgotten",
        ),
        pytest.param(
            NumberFacts("205", released=lost("205", 30)),
            NumberState.FREE,
            ["It is free: newcomers get the lowest free number of their pool."],
            id="its time is over",
        ),
        pytest.param(
            NumberFacts("212"),
            NumberState.RESERVED,
            ["It is reserved, one of 210–219: nobody gets it by themselves. Note: lifts"],
            id="reserved",
        ),
        pytest.param(
            NumberFacts("220"),
            NumberState.RESERVED,
            ["It is reserved for Ann Field (ann-field@example.org)."],
            id="reserved for her",
        ),
        pytest.param(
            NumberFacts("310"),
            NumberState.FREE,
            ["It is in the pool of “Sales” (300–349)."],
            id="a department's",
        ),
        pytest.param(
            NumberFacts("500"),
            NumberState.OUTSIDE,
            ["It is in no pool: no newcomer gets it."],
            id="in no pool",
        ),
        pytest.param(
            NumberFacts("0203"),
            NumberState.OUTSIDE,
            ["The phone system has no such extension number; its ranges are: 100–999."],
            id="another number",
        ),
    ],
)
def test_a_number_says_why_it_is_so(facts, state, said):
    """An administrator types the number that a caller has complained about."""
    known = replace(facts, people={ANN.id: ANN})

    told = explain_number(known, RULES, PHONES, names={SALES: "Sales"}, now=NOW)

    assert told.state is state
    for one in said:
        assert one in "\n".join(told.sentences)


def test_the_pools_are_told_by_their_groups():
    """For a script; two departments may share a range."""
    both = tuple(
        DepartmentRange(GroupId(group), (parse_range("300-349"),)) for group in ("sales", "ops")
    )

    told = explain_number(
        NumberFacts("300"), NumberRules(departments=both), PHONES, names={}, now=NOW
    )

    assert told.groups == ("sales", "ops")
    assert not told.reserved
