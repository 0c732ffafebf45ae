"""The kinds of journal lines: one closed list, from which filters, refusals and a page are made."""

import pytest

from jackfield.core.actions import ActionKind
from jackfield.core.journal_kinds import (
    ENDS,
    FAMILIES,
    LineKind,
    kinds_of,
    of_action,
    unknown_kind,
)
from jackfield.store.plan_actions import ActionStatus


def test_every_kind_is_of_a_family_and_every_family_has_kinds() -> None:
    """A kind without a family could not be filtered by; a family without kinds finds nothing."""
    listed = [kind for family in FAMILIES for kind in kinds_of(family)]

    assert {*LineKind} <= {*listed}
    assert len(listed) == len(set(listed)) == len(LineKind) + len(ActionKind) * len(ENDS)
    assert all(map(kinds_of, FAMILIES))


def test_whatever_may_come_of_an_action_has_a_kind() -> None:
    """Else its line would be of a kind that the API refuses."""
    for status in set(ActionStatus) - {ActionStatus.PENDING}:
        assert unknown_kind(of_action(ActionKind.KEEP_LEAVER, status)) == ""


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        pytest.param("extension.", "", id="family"),
        pytest.param("extension.removed", "", id="kind"),
        pytest.param("remove_extension.done", "", id="action"),
        pytest.param("zzz.", "no kind begins so; they begin with account., ", id="no_family"),
        pytest.param(
            "vault.lost",
            "there is no such kind; of this family there are vault., vault.key.",
            id="no_kind",
        ),
        pytest.param("match", "there is no such kind; of this family there are match., ", id="dot"),
    ],
)
def test_a_misspelt_kind_is_told_from_one_that_there_is(asked: str, says: str) -> None:
    """A filter that can find nothing would be read as "it never happened"."""
    said = unknown_kind(asked)

    assert said.startswith(says)
    assert bool(said) == bool(says)
