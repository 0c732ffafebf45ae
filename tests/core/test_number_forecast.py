"""How full pools are and when they run out: the count of spans against trying every number."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackfield.core.number_forecast import (
    Newcomers,
    Supply,
    forecast_pools,
    outlook,
    pools_of,
    run_out,
    warning,
)
from jackfield.core.number_pools import (
    DepartmentRange,
    NumberPools,
    NumberRules,
    Released,
    Reservation,
)
from jackfield.core.number_spans import number_at
from jackfield.core.numbering import NumberRange, parse_range
from jackfield.core.people import GroupId, ObjectId

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
PHONES = (NumberRange("100", "199"), NumberRange("0900", "1010"))
SALES, OPS = GroupId("sales"), GroupId("ops")
SOMEBODY = ObjectId("somebody")


NO_RULES, NOBODY = NumberRules(), Newcomers()


def forecast(rules=NO_RULES, used=(), released=(), newcomers=NOBODY, ranges=PHONES):
    return forecast_pools(rules, ranges, used, released, newcomers, names={SALES: "Sales"}, now=NOW)


def came(first_at, *days_ago, number="150"):
    """Newcomers so many days ago."""
    return Newcomers(first_at, [(number, NOW - days * DAY) for days in days_ago])


texts = st.builds(
    lambda value, width: f"{value:0{width}d}", st.integers(90, 210), st.sampled_from([1, 4])
)
parts = st.tuples(st.integers(95, 205), st.integers(0, 40)).map(
    lambda one: NumberRange(str(one[0]), str(one[0] + one[1]))
)
rules_of_numbers = st.builds(
    NumberRules,
    ranges=st.lists(parts, max_size=3).map(tuple),
    departments=st.lists(parts, min_size=1, max_size=3).map(
        lambda some: (DepartmentRange(SALES, tuple(some)),)
    )
    | st.just(()),
    reserved=st.lists(st.builds(Reservation, parts), max_size=2).map(tuple),
)


@given(rules=rules_of_numbers, used=st.sets(texts, max_size=60), held=st.sets(texts, max_size=30))
def test_the_figures_are_those_of_trying_every_number(rules, used, held):
    """What is free is what newcomers would get, one after the other; the rest adds up."""
    released = [Released(number, NOW - DAY) for number in held]
    reserved = [one.numbers for one in rules.reserved]

    found = forecast(rules, used, released)

    for pool, (group, _, numbers) in zip(found, pools_of(rules, PHONES, {}), strict=True):
        own = [number_at(code) for a, b in numbers.spans for code in range(a, b + 1)]
        back = [one for one in own if one not in used and any(one in some for some in reserved)]
        kept = [one for one in own if one in held and one not in used and one not in back]
        pools = NumberPools(rules, PHONES, used, dict.fromkeys(held - used, SOMEBODY))
        groups = () if group is None else (group,)
        given_out = 0
        while pools.next(ObjectId("new"), groups) is not None:
            given_out += 1
        assert pool.size == len(own) == len(set(own))
        assert pool.used == len([one for one in own if one in used])
        assert (pool.reserved, pool.held, pool.free) == (len(back), len(kept), given_out)
        assert pool.used + pool.reserved + pool.held + pool.free == pool.size


@given(
    free=st.integers(0, 40),
    back=st.lists(st.integers(1, 60), max_size=20),
    per_day=st.sampled_from([0.1, 0.5, 1.0, 3.0]),
)
def test_a_pool_runs_out_with_the_newcomer_who_gets_the_last_number(free, back, per_day):
    """Held numbers that are free again by then are had too."""
    taken = free
    while taken and taken < free + len([days for days in back if days * per_day <= taken]):
        taken += 1

    out = run_out(free, [NOW + days * DAY for days in back], per_day, NOW)

    assert out == NOW + timedelta(days=taken / per_day)


def test_the_first_days_creations_are_no_pace():
    """Else a pool of a new installation would be said to be gone within the hour."""
    first = NOW - 40 * DAY
    everybody = [(str(number), first + timedelta(minutes=number)) for number in range(100, 180)]
    later = [("180", NOW - 10 * DAY), ("181", NOW - 5 * DAY), ("182", NOW - DAY)]
    used = [str(number) for number in range(100, 183)]

    (pool,) = forecast(used=used, newcomers=Newcomers(first, everybody + later))

    assert (pool.size, pool.used, pool.free) == (100, 83, 17)
    assert pool.per_day == pytest.approx(3 / 39)
    assert pool.runs_out_at == NOW + timedelta(days=17 * 13)
    assert outlook(pool) == "about 8 Jan 2027"


def test_a_roll_out_is_no_pace_either():
    """A pilot of ten first, the other two thousand weeks later."""
    rolled_out = [(str(number), NOW - 20 * DAY) for number in range(120, 150)]
    usual = [("150", NOW - days * DAY) for days in (25, 12, 3)]

    (pool,) = forecast(newcomers=Newcomers(NOW - 31 * DAY, rolled_out + usual))

    assert pool.per_day == pytest.approx(3 / 29)


@pytest.mark.parametrize(
    ("newcomers", "per_day", "said"),
    [
        pytest.param(Newcomers(), None, "not known yet", id="nobody was ever linked"),
        pytest.param(came(NOW - 5 * DAY, 2), None, "not known yet", id="a week is the least"),
        pytest.param(came(NOW - 8 * DAY, 2), 1 / 7, "about 26 Jul 2027", id="after the first day"),
        pytest.param(
            came(NOW - 365 * DAY, 100, 200), 0.0, "nobody came in the last 90 days", id="long ago"
        ),
        pytest.param(came(NOW - 365 * DAY, 50), 1 / 90, "not within ten years", id="rarely"),
        pytest.param(came(NOW - 365 * DAY, 50, 60, number="7"), 0.0, "nobody came", id="elsewhere"),
    ],
)
def test_the_pace_is_known_once_it_was_watched(newcomers, per_day, said):
    """Better no date than a made-up one."""
    used = [str(number) for number in range(100, 140)]

    (pool,) = forecast(used=used, newcomers=newcomers)

    assert pool.per_day == (None if per_day is None else pytest.approx(per_day))
    assert outlook(pool).startswith(said)


@pytest.mark.parametrize(
    ("used", "newcomers", "supply", "said"),
    [
        pytest.param(100, Newcomers(), Supply.OUT, "The pool of everybody has run out", id="out"),
        pytest.param(
            80,
            came(NOW - 91 * DAY, *range(1, 90)),
            Supply.SOON,
            "runs out about 21 Jun 2026: 20 numbers are left, and 1.0 people come a day.",
            id="soon",
        ),
        pytest.param(
            96,
            Newcomers(),
            Supply.LITTLE,
            "is nearly used up: 4 numbers are left of 100.",
            id="few",
        ),
        pytest.param(95, Newcomers(), Supply.ENOUGH, "", id="five percent are enough"),
    ],
)
def test_a_pool_says_when_little_is_left(used, newcomers, supply, said):
    """In time to order numbers."""
    numbers = [str(number) for number in range(100, 100 + used)]

    (pool,) = forecast(used=numbers, newcomers=newcomers)

    assert pool.supply is supply
    if said:
        assert said in warning(pool)[0]
        assert warning(pool)[1] == "Widen its ranges under Numbers."


def test_a_warning_names_what_could_be_let_go():
    """Held and reserved numbers are the quickest help."""
    rules = NumberRules(
        departments=(DepartmentRange(SALES, (parse_range("100-103"),)),),
        reserved=(Reservation(parse_range("100")),),
    )

    (_, pool) = forecast(rules, used=["101"], released=[Released("102", NOW), Released("103", NOW)])

    text, step = warning(pool)
    assert text == "The pool of “Sales” has run out (100–103): newcomers get no extension."
    assert step == (
        "Widen its ranges under Numbers, or let go of what is kept back there (2 held, 1 reserved)."
    )


def test_a_pool_without_numbers_says_so():
    """A phone system whose ranges have changed, or that names none."""
    (pool,) = forecast(ranges=())

    assert (pool.supply, outlook(pool)) == (Supply.OUT, "has no number")
    assert "has no number at all" in warning(pool)[0]


def test_what_is_held_no_longer_counts_as_free():
    """The days are those of the rules; a number in use again is not held."""
    released = [Released("100", NOW - 31 * DAY), Released("101", NOW - DAY), Released("102", NOW)]

    (pool,) = forecast(used=["102"], released=released)

    assert (pool.held, pool.free) == (1, 98)


def test_a_hundred_thousand_extensions_and_a_thousand_pools():
    """A page must not wait for it."""
    rules = NumberRules(
        departments=tuple(
            DepartmentRange(GroupId(f"g{n}"), (NumberRange(str(first), str(first + 99)),))
            for n, first in enumerate(range(500_000, 600_000, 100))
        )
    )
    used = [str(number) for number in range(100_000, 200_000)]

    found = forecast(rules, used, ranges=(NumberRange("100000", "999999"),))

    assert len(found) == 1001
    assert (found[0].size, found[0].used) == (800_000, 100_000)
