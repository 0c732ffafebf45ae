"""What a tenant may be called, and whom a name or number means."""

import pytest

from jackfield.core.tenant_names import NameRefused, parse_tenant_name, which_tenant


@pytest.mark.parametrize("typed", ["", "  ", "2", "\u0662", "a\x07b", "x" * 101])
def test_what_no_tenant_can_be_called(typed: str) -> None:
    """Digits alone are somebody's number, whoever wrote them."""
    with pytest.raises(NameRefused):
        parse_tenant_name(typed)


def test_a_name_is_kept_in_one_line() -> None:
    """As it is pasted out of a mail."""
    assert parse_tenant_name("  Harbour \n Dental ") == "Harbour Dental"


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        pytest.param("2", 2, id="number_before_the_name_of_another"),
        pytest.param("3", 1, id="a_name_of_digits_from_before_they_were_refused"),
        pytest.param("STRASSE", 2, id="folded"),
        pytest.param("4", None, id="nobody"),
        pytest.param("", None, id="empty"),
    ],
)
def test_whom_a_name_or_number_means(given: str, meant: int | None) -> None:
    """A call that reaches the wrong customer removes the wrong customer's extensions."""
    known = [(1, "3"), (2, "Straße"), (5, "2")]

    assert which_tenant(given, known) == meant
