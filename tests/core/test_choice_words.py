"""Every choice of an administrator has words, and a change of it is told with both values."""

import msgspec
import pytest

from jackfield.core.choice_words import LABELS, changes_told, mentioned
from jackfield.store.settings import PeopleSettings


def places(document: dict, place: str = ""):
    """Where every choice stands."""
    for name, value in document.items():
        inside = f"{place}.{name}" if place else name
        if isinstance(value, dict):
            yield from places(value, inside)
        else:
            yield inside


def test_every_choice_has_a_name():
    """A new one that has none would stand in the journal as a path of JSON."""
    document = msgspec.json.decode(msgspec.json.encode(PeopleSettings()))

    assert set(places(document)) == set(LABELS)


def changed(place: str, before: object, after: object) -> str:
    """The one sentence about a choice that differs."""
    documents = []
    for value in (before, after):
        document = value
        for name in reversed(place.split(".")):
            document = {name: document}
        documents.append(document)
    (told,) = changes_told(*documents)
    return told


@pytest.mark.parametrize(
    ("place", "before", "after", "told"),
    [
        pytest.param("enabled", False, True, "People sync from off to on", id="switch"),
        pytest.param(
            "rules.on_deleted",
            "keep",
            "remove",
            "Deleted in Microsoft 365 from “Keep the extension” to “Remove the extension”",
            id="one_of_few",
        ),
        pytest.param("rules.numbers.start", None, "200", "Starting number from nothing to “200”",
                     id="begun"),
        pytest.param(
            "rules.guards.removals.percent",
            10.0,
            2.5,
            "Guard, extensions removed, percent from “10” to “2.5”",
            id="figure",
        ),
        pytest.param(
            "rules.numbers.ranges",
            [],
            [{"first": "200", "last": "299"}, {"first": "400", "last": "400"}],
            "Ranges for newcomers from nothing to “200-299, 400”",
            id="ranges",
        ),
        pytest.param(
            "rules.numbers.reserved",
            [{"numbers": {"first": "1", "last": "1"}, "person": "", "note": ""}],
            [{"numbers": {"first": "5", "last": "9"}, "person": "ada", "note": "lifts"}],
            "Reserved numbers from 1 to 1 (added 5-9 for ada, lifts; taken out 1)",
            id="reservations",
        ),
        pytest.param(
            "rules.numbers.departments",
            [],
            [{"group": "sales", "ranges": [{"first": "5", "last": "9"}]}],
            "Ranges of departments from 0 to 1 (added 5-9 for sales)",
            id="ranges_of_departments",
        ),
        pytest.param(
            "rules.scope.selected_users",
            ["a"],
            ["a", "b", "c", "d", "e", "f"],
            "People who are selected from 1 to 6 (added b, c, d and 2 more)",
            id="people",
        ),
        pytest.param(
            "rules.departments.groups",
            ["a", "b"],
            ["b", "a"],
            "Groups for departments from 2 to 2 (another order)",
            id="order",
        ),
        pytest.param("schedule.time_zone", "", "x" * 64, f"Time zone from nothing to “{'x' * 59}…”",
                     id="long"),
        pytest.param("rules.of_the_past", 1, None, "rules.of_the_past from “1” to nothing",
                     id="unknown"),
    ],
)  # fmt: skip
def test_a_change_is_told_with_both_values(place, before, after, told):
    """In the words of the form, in which somebody looks for it."""
    assert changed(place, before, after) == told


def test_changes_come_in_the_order_of_the_form():
    """Not in that of the letters of JSON."""
    before = {"approve": "automatic", "rules": {"scope": {"guests": False}}, "enabled": False}
    after = {"approve": "by_hand", "rules": {"scope": {"guests": True}}, "enabled": True}

    assert [one.partition(" from ")[0] for one in changes_told(before, after)] == [
        "People sync",
        "Include guests",
        "Approval",
    ]


def test_people_and_groups_are_told_by_name():
    """Nobody knows a colleague by an object ID; only those that are named are asked for."""
    ranges = [{"first": "5", "last": "9"}]
    before = {"rules": {"scope": {"selected_users": ["a"]}, "numbers": {"departments": []}}}
    after = {
        "rules": {
            "scope": {"selected_users": ["b", "c", "d", "e"]},
            "numbers": {"departments": [{"group": "s", "ranges": ranges}]},
        }
    }

    assert mentioned(before, after) == {"a", "b", "c", "d", "s"}
    assert changes_told(before, after, {"b": "Ben Two", "s": "Sales", "a": "Ada One"}) == (
        "People who are selected from 1 to 4 (added Ben Two, c, d and 1 more; taken out Ada One)",
        "Ranges of departments from 0 to 1 (added 5-9 for Sales)",
    )
