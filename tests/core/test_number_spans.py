"""Sets of numbers as spans, against sets of texts."""

from hypothesis import given
from hypothesis import strategies as st

from jackfield.core.number_spans import (
    apart,
    code_of,
    count_within,
    is_within,
    merged,
    number_at,
    size_of,
    spans_of,
    without,
    written,
)
from jackfield.core.numbering import NumberRange

digits = st.text("0123456789", min_size=1, max_size=4)
spans = st.lists(
    st.tuples(st.integers(10, 400), st.integers(0, 60)).map(lambda one: (one[0], sum(one))),
    max_size=8,
)
EVERY_NUMBER = [f"{value:0{width}d}" for width in range(1, 4) for value in range(10**width)]


def members(some):
    """The codes of spans, one by one."""
    return [code for first, last in some for code in range(first, last + 1)]


@given(number=digits)
def test_a_number_has_one_code(number):
    """Zeros at its beginning count: 0200 and 200 are two numbers."""
    assert number_at(code_of(number)) == number


@given(first=st.integers(0, 1500), length=st.integers(0, 1500), width=st.integers(1, 4))
def test_written_numbers_are_those_of_the_format(first, length, width):
    """A pool counts past its width."""
    last = first + length

    found = [number_at(code) for code in members(written(first, last, width))]

    assert found == [f"{value:0{width}d}" for value in range(first, last + 1)]


@given(ends=st.tuples(st.integers(0, 999), st.integers(0, 999)), width=st.integers(1, 3))
def test_a_range_has_the_numbers_that_are_in_it(ends, width):
    """As `in` says, for every number there is."""
    first, last = sorted(ends)
    one = NumberRange(f"{first:0{width}d}", f"{last:0{width}d}")

    found = [number_at(code) for code in members(spans_of(one))]

    assert found == [number for number in EVERY_NUMBER if number in one]


@given(some=spans, others=spans)
def test_taking_away_and_joining_are_those_of_sets(some, others):
    """And what is left keeps its order, each number once."""
    joined, left = merged(some), without(apart(some), merged(others))

    assert members(joined) == sorted(set(members(some)))
    assert members(apart(some)) == list(dict.fromkeys(members(some)))
    gone = set(members(others))
    assert members(left) == [code for code in dict.fromkeys(members(some)) if code not in gone]
    assert size_of(joined) == len(set(members(some)))


@given(some=spans, codes=st.sets(st.integers(5, 480)))
def test_counting_is_that_of_sets(some, codes):
    """Without looking at every number of the spans."""
    joined = merged(some)
    inside = codes & set(members(some))

    assert count_within(sorted(codes), joined) == len(inside)
    assert {code for code in codes if is_within(code, joined)} == inside
