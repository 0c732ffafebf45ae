"""Numbers, ranges and the pool: tables for the edges, properties for the rest."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackfield.core.numbering import (
    NumberingError,
    NumberPool,
    NumberRange,
    NumberRules,
    parse_number,
    parse_range,
    parse_start,
)


def first_numbers(count, start, ranges, used=()):
    pool = NumberPool(NumberRules(start), [parse_range(text) for text in ranges], frozenset(used))
    return [pool.next() for _ in range(count)]


@pytest.mark.parametrize(
    ("start", "ranges", "used", "expected"),
    [
        pytest.param("0200", ["0000-9999"], (), ["0200", "0201"], id="the zero is kept"),
        pytest.param("9999", ["0200-10500"], (), ["9999", "10000"], id="it grows past its width"),
        pytest.param("0200", ["100-9999"], ["200"], ["0200", "0201"], id="200 is another number"),
        pytest.param(None, ["0200-0201"], (), ["0200", "0201", None], id="range with a zero"),
        pytest.param(None, ["99-101"], (), ["99", "100", "101", None], id="range that grows"),
        pytest.param(
            "150", ["300-301", "100-151"], (), ["150", "151", "300", "301", None], id="any range"
        ),
        pytest.param("150", ["100-151", "140-152"], ["150"], ["151", "152", None], id="overlap"),
        pytest.param("200", ["300-400"], (), ["300"], id="start below every range"),
        pytest.param("500", ["300-400"], (), [None], id="start above every range"),
        pytest.param("200", ["0100-9999"], (), ["1000"], id="start shorter than the numbers"),
        pytest.param("00200", ["0100-9999"], (), [None], id="start longer than the numbers"),
        pytest.param("", ["300-301"], (), ["300"], id="an empty start is none"),
        pytest.param(None, [], (), [None], id="no range at all"),
        pytest.param("200", [], (), [None], id="no range, with a start"),
    ],
)
def test_the_pool_gives_the_lowest_free_number(start, ranges, used, expected):
    """Widths, several ranges, starts outside of them: every case an administrator can set up."""
    assert first_numbers(len(expected), start, ranges, used) == expected


def test_a_claimed_number_is_not_given_out():
    """Numbers given back to their owners are set aside before newcomers are served."""
    pool = NumberPool(NumberRules(), [NumberRange("10", "12")], {"10"})

    assert not pool.claim("10")
    assert pool.claim("11")
    assert not pool.claim("11")
    assert [pool.next(), pool.next()] == ["12", None]


@pytest.mark.parametrize(
    ("start", "ranges", "text"),
    [
        pytest.param("0200", ["0000-9999"], "from 0200 on", id="start"),
        pytest.param(None, ["020-099", "100-200"], "of 020–099", id="first range"),
        pytest.param(None, [], "of the phone system, which names no range", id="none"),
    ],
)
def test_the_pool_says_where_its_numbers_come_from(start, ranges, text):
    """The sentence stands in every creation of the preview."""
    pool = NumberPool(NumberRules(start), [parse_range(one) for one in ranges], frozenset())

    assert str(pool) == text


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
    with pytest.raises(NumberingError, match="starting number “2oo”"):
        NumberRules("2oo")


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


values = st.integers(0, 1500)


@st.composite
def ranges_of_numbers(draw):
    first, last = sorted((draw(values), draw(values)))
    width = draw(st.integers(1, 4))
    begin = f"{first:0{width}d}"
    end = f"{last:0{width}d}"
    return NumberRange(begin, end)


@given(
    ranges=st.lists(ranges_of_numbers(), max_size=4),
    start=st.none() | st.builds(lambda n, w: f"{n:0{w}d}", values, st.integers(1, 5)),
    used=st.sets(st.builds(lambda n, w: f"{n:0{w}d}", values, st.integers(1, 4)), max_size=60),
)
def test_the_pool_agrees_with_trying_every_number(ranges, start, used):
    """The fast walk over merged stretches gives what the rule says, number by number."""
    serving = ranges if start else ranges[:1]
    width = len(start or (ranges[0].first if ranges else ""))
    plain = [
        number
        for value in range(int(start or 0), 1501)
        if any((number := f"{value:0{width}d}") in one for one in serving) and number not in used
    ]
    pool = NumberPool(NumberRules(start), ranges, used)

    given_out = [pool.next() for _ in range(len(plain) + 1)]

    assert given_out == [*plain, None]


def test_a_hundred_thousand_numbers_among_as_many_used_ones():
    """Linear in what is given out and used, or the nightly plan of a ministry takes hours."""
    used = frozenset(str(number) for number in range(100_000, 300_000, 2))
    pool = NumberPool(NumberRules(), [NumberRange("100000", "999999")], used)

    given_out = [pool.next() for _ in range(100_000)]

    assert given_out[0] == "100001"
    assert given_out[-1] == "299999"
    assert used.isdisjoint(given_out)
