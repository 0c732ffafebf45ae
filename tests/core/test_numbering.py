"""Numbers, ranges and starts: what is one, what is none, and what is said of it."""

import pytest

from jackfield.core.numbering import (
    NumberingError,
    NumberRange,
    parse_number,
    parse_range,
    parse_start,
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("", "is empty", id="empty"),
        pytest.param("12a", "only the digits 0 to 9", id="letter"),
        pytest.param("-5", "only the digits 0 to 9", id="sign"),
        pytest.param("١٢٣", "only the digits 0 to 9", id="digits of another script"),
        pytest.param("1" * 16, "has 16 digits; at most 15", id="too long"),
    ],
)
def test_what_is_no_number_is_refused_with_the_reason(text, message):
    """A typo in a setting must be found while it is typed, not in the night's run."""
    with pytest.raises(NumberingError, match=message):
        parse_number(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("300-200", "ends before it begins", id="backwards"),
        pytest.param("1000-999", "ends before it begins", id="shrinks"),
        pytest.param("20-0100", "mixes lengths", id="grows with a zero"),
        pytest.param("x-100", "first number of the range “x”", id="first is none"),
        pytest.param("100-", "last number of the range is empty", id="last is empty"),
    ],
)
def test_what_is_no_range_is_refused_with_the_reason(text, message):
    """The message names the half that is wrong."""
    with pytest.raises(NumberingError, match=message):
        parse_range(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("200-499", NumberRange("200", "499"), id="dash"),
        pytest.param(" 0200 – 0499 ", NumberRange("0200", "0499"), id="spaces and a long dash"),
        pytest.param("7", NumberRange("7", "7"), id="one number"),
    ],
)
def test_a_range_is_read_as_people_write_it(text, expected):
    """People type dashes of every length."""
    assert parse_range(text) == expected


@pytest.mark.parametrize("bad", [" 1", "1 ", "", "a"])
def test_a_range_cannot_be_built_from_nonsense(bad):
    """A range that exists is valid, whoever made it: an adapter, a setting, a test."""
    with pytest.raises(NumberingError):
        NumberRange(bad, "100")
    with pytest.raises(NumberingError):
        NumberRange("1", bad)


def test_a_start_that_leads_nowhere_is_refused_where_it_is_set():
    """Else every newcomer of the next run would be refused one by one."""
    ranges = [NumberRange("100", "999")]

    assert parse_start(" 200 ", ranges) == "200"
    assert parse_start("  ", ranges) is None
    with pytest.raises(NumberingError, match=r"no extension number from 1000 on.*100–999"):
        parse_start("1000", ranges)


@pytest.mark.parametrize(
    ("number", "inside"),
    [
        ("0200", True),
        ("200", False),
        ("0199", False),
        ("10000", True),
        ("10501", False),
        ("x", False),
    ],
)
def test_a_range_knows_its_numbers(number, inside):
    """Phone systems ask it before they create what a plan says."""
    assert (number in NumberRange("0200", "10500")) is inside
