"""Choices as they are typed: every key is found, every value comes back as it was shown."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackfield.core.choice_text import (
    ELSEWHERE,
    GROUPS,
    PEOPLE,
    Assignment,
    ChoiceError,
    How,
    changed_list,
    find_place,
    parse_assignment,
    parse_list,
    places_under,
    put_at,
    read_value,
    value_at,
    written_list,
    written_value,
)
from jackfield.core.choice_words import LABELS, VALUES
from jackfield.store.settings import PeopleSettings

DEFAULTS = msgspec.json.decode(msgspec.json.encode(PeopleSettings()))
SETTABLE = [place for place in LABELS if place not in ELSEWHERE]


def leaves(document: Any, place: str = "") -> list[str]:
    if not isinstance(document, dict):
        return [place]
    inside = (leaves(part, f"{place}.{name}" if place else name) for name, part in document.items())
    return [one for part in inside for one in part]


def read(typed: str) -> Any:
    assignment = parse_assignment(typed)
    return read_value(assignment, value_at(DEFAULTS, assignment.place))


def test_every_choice_of_the_document_has_a_key() -> None:
    """What has none cannot be set on the command line."""
    assert sorted(LABELS) == sorted(leaves(DEFAULTS))


@pytest.mark.parametrize("place", SETTABLE)
def test_what_is_shown_can_be_typed_again(place: str) -> None:
    """The default of every choice, as `settings show` has it."""
    stands = value_at(DEFAULTS, place)

    typed = f"{place}={written_value(place, stands)}"

    assert list(read(typed) or []) == [] if isinstance(stands, list) else read(typed) == stands


@pytest.mark.parametrize(
    ("key", "place"),
    [
        pytest.param("rules.scope.scope", "rules.scope.scope", id="whole"),
        pytest.param("scope", "rules.scope.scope", id="part_of_the_same_name"),
        pytest.param("guests", "rules.scope.guests", id="end"),
        pytest.param("removals.number", "rules.guards.removals.number", id="two_parts"),
        pytest.param(" enabled ", "enabled", id="spaces"),
    ],
)
def test_the_end_of_a_key_is_enough(key: str, place: str) -> None:
    """Nobody wants to type `rules.guards.` thirteen times."""
    assert find_place(key) == place


@pytest.mark.parametrize(
    ("key", "says"),
    [
        pytest.param("guest", "no choice “guest”. Did you mean `rules.scope.guests`?", id="near"),
        pytest.param("nightly-hour", "Did you mean `schedule.nightly_hour`?", id="dash"),
        pytest.param("colour", "jackfield settings show lists them", id="far"),
        pytest.param("", "There is no choice “”", id="empty"),
        pytest.param("removals", "may be `rules.guards.removals.number` or", id="several"),
        pytest.param("departments", "may be `rules.numbers.departments` or", id="a_part_too"),
    ],
)
def test_an_unknown_key_names_the_nearest(key: str, says: str) -> None:
    """Left alone with “unknown” one would have to read the whole list."""
    with pytest.raises(ChoiceError) as refused:
        find_place(key)

    assert says in str(refused.value)


def test_a_part_stands_for_all_choices_in_it() -> None:
    """For `settings show rules.scope`."""
    assert places_under("schedule") == (
        "schedule.nightly_hour",
        "schedule.time_zone",
        "schedule.delta_interval_s",
    )
    assert places_under("guests") == ("rules.scope.guests",)


@pytest.mark.parametrize(
    ("typed", "value"),
    [
        pytest.param("enabled=yes", True, id="yes"),
        pytest.param("photos = OFF", False, id="off"),
        pytest.param("nightly_hour=3", 3, id="whole"),
        pytest.param("removals.percent=12,5", 12.5, id="comma"),
        pytest.param("scope=syncselected", "SyncSelected", id="case"),
        pytest.param("scope=Everyone", "SyncAllUsers", id="the_console's_words"),
        pytest.param("attributes.email=mail", "mail", id="attribute"),
        pytest.param("start=0200", "0200", id="start"),
        pytest.param("start=", None, id="no_start"),
        pytest.param("time_zone=Europe/Berlin", "Europe/Berlin", id="zone"),
        pytest.param(
            "ranges=200-299, 400",
            [{"first": "200", "last": "299"}, {"first": "400", "last": "400"}],
            id="ranges",
        ),
        pytest.param(
            'selected_groups="Sales, EMEA", Support', ("Sales, EMEA", "Support"), id="groups"
        ),
        pytest.param("selected_users=ann@x.example", ("ann@x.example",), id="people"),
    ],
)
def test_a_value_becomes_what_the_document_has(typed: str, value: object) -> None:
    """In the words of people, and in those of the API."""
    assert read(typed) == value


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        pytest.param("guests", "“guests” is no choice: write it as key=value.", id="no_value"),
        pytest.param("guests=perhaps", "`rules.scope.guests` takes on or off", id="switch"),
        pytest.param("nightly_hour=two", "takes a whole number; not “two”", id="words"),
        pytest.param("nightly_hour=٢", "takes a whole number", id="other_digits"),
        pytest.param("removals.percent=ten", "takes a number; not “ten”", id="percent"),
        pytest.param(
            "approve=by-hand",
            "takes automatic, by_hand; not “by-hand”. Did you mean by_hand?",
            id="choice",
        ),
        pytest.param("attributes.email=jobTitle", "takes mail_else_userPr", id="attribute"),
        pytest.param("ranges=299-200", "`rules.numbers.ranges`: The range", id="range"),
        pytest.param("ranges-=200-299", "has no “200-299” to take out", id="not_there"),
        pytest.param("guests+=on", "is no list; give its value by", id="no_list"),
        pytest.param("reserved+=700", "is changed by jackfield numbers reserve", id="elsewhere"),
    ],
)
def test_what_cannot_be_meant_is_said_with_its_key(typed: str, says: str) -> None:
    """Of eight choices in one command one is wrong: which?"""
    with pytest.raises(ChoiceError) as refused:
        read(typed)

    assert says in str(refused.value)


@pytest.mark.parametrize("place", sorted(VALUES))
def test_every_value_of_a_choice_out_of_few_can_be_typed(place: str) -> None:
    """By its own name."""
    for value in VALUES[place]:
        try:
            assert read(f"{place}={value}") == value
        except ChoiceError:
            assert place.startswith("rules.attributes.")  # not each field takes each attribute


@given(st.lists(st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1), unique=True))
def test_a_list_comes_back_as_it_was_written(entries: list[str]) -> None:
    """Commas and quotes in names included."""
    assert parse_list(written_list(entries)) == tuple(entries)


def test_entries_are_added_and_taken_out_by_themselves() -> None:
    """Nobody types four hundred people again to add one."""
    place = next(iter(GROUPS | PEOPLE))

    def after(how: How, given: list[str]) -> list[str]:
        return changed_list(Assignment(place, how, ""), ["a", "b"], given)

    assert after(How.REPLACE, ["c"]) == ["c"]
    assert after(How.ADD, ["b", "c"]) == ["a", "b", "c"]
    assert after(How.TAKE_OUT, ["a"]) == ["b"]
    with pytest.raises(ChoiceError, match="has no “c” to take out"):
        after(How.TAKE_OUT, ["c"])


def test_a_value_is_put_at_the_top_and_deep_inside() -> None:
    """Both kinds of places there are."""
    document = {"enabled": False, "rules": {"scope": {"guests": False}}}

    put_at(document, "enabled", True)
    put_at(document, "rules.scope.guests", True)

    assert document == {"enabled": True, "rules": {"scope": {"guests": True}}}
