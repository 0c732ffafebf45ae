"""Who gets which number: tables for the edges, properties for the rest."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackfield.core.number_pools import (
    DepartmentRange,
    NumberPools,
    NumberRules,
    Released,
    Reservation,
    check_number_rules,
    held_until,
)
from jackfield.core.numbering import NumberingError, NumberRange, parse_range
from jackfield.core.people import GroupId, ObjectId

ANN, BOB = ObjectId("ann"), ObjectId("bob")
SALES, OPS = GroupId("sales"), GroupId("ops")
PHONES = (NumberRange("100", "999"),)


def first_numbers(count, start, ranges, used=()):
    served = [parse_range(text) for text in ranges]
    pools = NumberPools(NumberRules(start), served, frozenset(used))
    return [number_of(pools.next(ANN)) for _ in range(count)]


def number_of(offer):
    return offer.number if offer is not None else None


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
    pools = NumberPools(NumberRules(), [NumberRange("10", "12")], {"10"})

    assert not pools.claim("10", ANN)
    assert pools.claim("11", ANN)
    assert not pools.claim("11", BOB)
    assert [number_of(pools.next(BOB)), pools.next(BOB)] == ["12", None]


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
    pools = NumberPools(NumberRules(start), [parse_range(one) for one in ranges], frozenset())

    assert pools.where() == text


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
    pools = NumberPools(NumberRules(start), ranges, used)

    given_out = [number_of(pools.next(ANN)) for _ in range(len(plain) + 1)]

    assert given_out == [*plain, None]


def test_a_hundred_thousand_numbers_among_as_many_used_ones():
    """Linear in what is given out and used, or the nightly plan of a ministry takes hours."""
    used = frozenset(str(number) for number in range(100_000, 300_000, 2))
    pools = NumberPools(NumberRules(), [NumberRange("100000", "999999")], used)

    given_out = [number_of(pools.next(ANN)) for _ in range(100_000)]

    assert given_out[0] == "100001"
    assert given_out[-1] == "299999"
    assert used.isdisjoint(given_out)


def offers(rules, asked, used=(), held=None, ranges=PHONES):
    """The numbers that people (with their departments) get, in turn."""
    pools = NumberPools(rules, ranges, frozenset(used), held)
    return [number_of(pools.next(person, groups)) for person, groups in asked]


def spans(*texts):
    return tuple(parse_range(text) for text in texts)


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        pytest.param(NumberRules(ranges=spans("200-201")), ["200", "201", None], id="one range"),
        pytest.param(
            NumberRules(ranges=spans("300-300", "200-200")), ["300", "200", None], id="in order"
        ),
        pytest.param(
            NumberRules(ranges=spans("990-1010")),
            [*(str(number) for number in range(990, 1000)), None],
            id="only what the phone system has",
        ),
        pytest.param(NumberRules("205", spans("200-206")), ["205", "206", None], id="with a floor"),
        pytest.param(
            NumberRules(ranges=spans("200-201", "201-202")),
            ["200", "201", "202", None],
            id="overlapping ranges give each number once",
        ),
    ],
)
def test_ranges_of_the_tenant_serve_in_their_order(rules, expected):
    """A provider gives each customer a block of the numbers that one phone system has."""
    assert offers(rules, [(ANN, ())] * len(expected)) == expected


def test_a_departments_range_is_for_its_members_alone():
    """The branch office has its block; nobody else eats it up, and it is not left when it ends."""
    rules = NumberRules("100", departments=(DepartmentRange(SALES, spans("100-101")),))

    given_out = offers(rules, [(ANN, (SALES,)), (BOB, ()), (BOB, (OPS, SALES)), (ANN, (SALES,))])

    assert given_out == ["100", "102", "101", None]


def test_every_range_has_numbers_of_its_own_length():
    """Whatever stands before it: 200 is not written 0200 because of 1000."""
    rules = NumberRules(ranges=spans("1000-1000", "200-200"))
    zeros = NumberRules(departments=(DepartmentRange(SALES, spans("0200", "300-300")),))
    phones = (*PHONES, NumberRange("0100", "9999"))

    assert offers(rules, [(ANN, ())] * 3, ranges=phones) == ["1000", "200", None]
    assert offers(zeros, [(ANN, (SALES,))] * 3, ranges=phones) == ["0200", "300", None]


def test_two_departments_may_share_a_range():
    """No number is given twice."""
    both = tuple(DepartmentRange(group, spans("200-203")) for group in (SALES, OPS))

    given_out = offers(NumberRules(departments=both), [(ANN, (SALES,)), (BOB, (OPS,))] * 2)

    assert given_out == ["200", "201", "202", "203"]


def test_reserved_numbers_are_given_to_whom_they_are_reserved_for():
    """The managing director's 100 is not the trainee's, and some numbers are nobody's."""
    rules = NumberRules(
        reserved=(
            Reservation(NumberRange("100", "100"), ANN),
            Reservation(NumberRange("101", "109"), note="lifts"),
        )
    )
    pools = NumberPools(rules, PHONES, frozenset())

    assert number_of(pools.next(BOB)) == "110"
    assert not pools.claim("100", BOB)
    assert not pools.claim("105", BOB)
    offer = pools.next(ANN)
    assert (offer.number, offer.because) == ("100", "number 100, reserved for this person.")
    assert number_of(pools.next(ANN)) == "111"


def test_a_held_number_is_only_had_by_who_had_it():
    """A number released without anybody behind it is held from everybody."""
    pools = NumberPools(NumberRules(), PHONES, frozenset(), {"100": ANN, "101": ObjectId("")})

    assert number_of(pools.next(BOB)) == "102"
    assert not pools.claim("100", BOB)
    assert not pools.claim("101", ObjectId(""))
    assert pools.claim("100", ANN)


def test_a_number_is_held_for_the_days_chosen():
    """From its release on."""
    at = datetime(2026, 3, 1, tzinfo=UTC)

    assert held_until(Released("100", at), NumberRules(hold_days=7)) == at + timedelta(days=7)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        pytest.param(lambda: NumberRules("2oo"), "starting number “2oo”", id="start"),
        pytest.param(lambda: NumberRules(hold_days=-1), "0 to 365", id="hold"),
        pytest.param(
            lambda: NumberRules(departments=(DepartmentRange(SALES, ()),)), "no range", id="empty"
        ),
        pytest.param(
            lambda: NumberRules(departments=(DepartmentRange(SALES, spans("100")),) * 2),
            "twice",
            id="twice",
        ),
        pytest.param(
            lambda: check_number_rules(NumberRules(ranges=spans("2000-2999")), PHONES),
            "no extension numbers in 2000–2999; its ranges are: 100–999",
            id="elsewhere",
        ),
        pytest.param(
            lambda: check_number_rules(NumberRules("500", spans("200-300")), PHONES),
            "No number of 200–300 is 500 or above",
            id="above",
        ),
        pytest.param(
            lambda: check_number_rules(
                NumberRules(ranges=spans("0100-0199", "200-299")),
                (*PHONES, NumberRange("0100", "0999")),
            ),
            "mix lengths",
            id="mixed",
        ),
        pytest.param(
            lambda: check_number_rules(
                NumberRules(departments=(DepartmentRange(SALES, spans("10-20")),)), PHONES
            ),
            "the range of group sales",
            id="department",
        ),
    ],
)
def test_rules_that_lead_nowhere_are_refused_where_they_are_set(make, said):
    """Else every newcomer of the next run would be refused one by one."""
    with pytest.raises(NumberingError, match=said):
        make()
