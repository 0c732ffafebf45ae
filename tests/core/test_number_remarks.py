"""What rules for numbers lead to without a word, said."""

import pytest

from jackfield.core.number_pools import NumberRules, Reservation
from jackfield.core.number_remarks import codes_of, reservation_remark, rule_remarks
from jackfield.core.numbering import NumberRange, parse_range, parse_ranges
from jackfield.core.people import ObjectId

PHONES = (NumberRange("100", "999"), NumberRange("2000", "2999"))
ANN = ObjectId("ann")


@pytest.mark.parametrize(
    ("start", "ranges", "said"),
    [
        pytest.param(None, "", (), id="nothing_chosen"),
        pytest.param("150", "", (), id="a_start_in_a_range"),
        pytest.param("200", "200-299, 400-450", (), id="ranges_apart"),
        pytest.param(
            "0", "", ("No range has the starting number 0; the first number is 100.",), id="below"
        ),
        pytest.param(
            "1000",
            "",
            ("No range has the starting number 1000; the first number is 2000.",),
            id="between",
        ),
        pytest.param(
            None,
            "200-299, 250-260, 300",
            ("The ranges 200-299 and 250-260 overlap; a number is given once.",),
            id="inside",
        ),
        pytest.param(
            None,
            "250-260, 200-299",
            ("The ranges 250-260 and 200-299 overlap; a number is given once.",),
            id="around",
        ),
        pytest.param(
            None,
            "200, 200, 200, 200",
            (
                *["The ranges 200 and 200 overlap; a number is given once."] * 3,
                "So do 3 more pairs.",
            ),
            id="many",
        ),
    ],
)
def test_what_is_surprising_about_rules_is_said(
    start: str | None, ranges: str, said: tuple[str, ...]
) -> None:
    """Nothing of it is wrong, and all of it is rarely meant."""
    assert rule_remarks(NumberRules(start, parse_ranges(ranges)), PHONES) == said


@pytest.mark.parametrize(
    ("numbers", "person", "own", "said"),
    [
        pytest.param("500", "", "", "", id="free"),
        pytest.param("100", "", "", "In use: Eve has it and keeps it.", id="somebodys"),
        pytest.param("100", ANN, "100", "", id="hers_already"),
        pytest.param(
            "777",
            ANN,
            "106",
            "Has 106 and keeps it; this counts once another number is needed.",
            id="she_has_another",
        ),
        pytest.param(
            "100-199", "", "", "2 numbers are in use; whoever has one keeps it.", id="two"
        ),
        pytest.param(
            "100-199",
            ANN,
            "106",
            "1 number is in use; whoever has one keeps it.",
            id="one_not_hers",
        ),
    ],
)
def test_what_a_reservation_does_not_change_is_said(
    numbers: str, person: ObjectId, own: str, said: str
) -> None:
    """Nobody loses a number by it, which somebody who reserves one may have meant."""
    one = Reservation(parse_range(numbers), person)

    assert reservation_remark(one, codes_of(frozenset({"100", "106", "0100"})), own, "Eve") == said
