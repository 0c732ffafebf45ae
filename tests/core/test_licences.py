"""Which service plans carry what: judged by plan, never by product."""

import pytest

from jackfield.core.licences import LicenceFacts, licence_facts

E5_MAILBOX = "efb87545-963c-4e0d-99df-69c6916d9eb0"
FOUNDATION = "113feb6c-3fe4-4440-bddc-54d774bf0318"
ARCHIVE = "176a09a6-7ec5-4039-ac02-b2791c6ba793"
BOOKINGS = "199a5c09-e0ca-4e37-8f7c-b05d533e1ea2"
LOCKBOX = "9f431833-0334-42de-a7dc-70aa40db46db"
TEAMS = "57ff2da0-773e-42df-b2af-ffb7a2317929"
VIRTUAL_USER = "f47330e9-c134-43b3-9993-e7f004506889"
NEW_PLAN = "00000000-0000-4000-8000-000000000001"


@pytest.mark.parametrize(
    ("plans", "expected"),
    [
        pytest.param([], LicenceFacts(), id="nothing"),
        pytest.param(
            [(E5_MAILBOX, "Enabled", "exchange")], LicenceFacts(has_mailbox=True), id="E5"
        ),
        pytest.param(
            [(E5_MAILBOX.upper(), "Warning", "Exchange")],
            LicenceFacts(has_mailbox=True),
            id="grace period, capitals",
        ),
        pytest.param([(E5_MAILBOX, "Deleted", "exchange")], LicenceFacts(), id="taken away"),
        pytest.param([(E5_MAILBOX, "Suspended", "exchange")], LicenceFacts(), id="suspended"),
        pytest.param([(E5_MAILBOX, "LockedOut", "exchange")], LicenceFacts(), id="locked out"),
        pytest.param([(FOUNDATION, "Enabled", "exchange")], LicenceFacts(), id="foundation"),
        pytest.param([(ARCHIVE, "Enabled", "exchange")], LicenceFacts(), id="archive"),
        pytest.param(
            [
                (BOOKINGS, "Enabled", "exchange"),
                (LOCKBOX, "Enabled", "exchange"),
                (E5_MAILBOX, "Deleted", "exchange"),
            ],
            LicenceFacts(),
            id="E5 whose mailbox plan is switched off",
        ),
        pytest.param(
            [(NEW_PLAN, "Enabled", "exchange")], LicenceFacts(has_mailbox=True), id="unknown: maybe"
        ),
        pytest.param([(NEW_PLAN, "Enabled", "PowerBI")], LicenceFacts(), id="unknown elsewhere"),
        pytest.param(
            [(TEAMS, "Enabled", "TeamspaceAPI")], LicenceFacts(has_teams=True), id="Teams alone"
        ),
        pytest.param(
            [
                (VIRTUAL_USER, "Enabled", "MicrosoftCommunicationsOnline"),
                (FOUNDATION, "Enabled", "exchange"),
            ],
            LicenceFacts(is_resource_account=True),
            id="resource account",
        ),
    ],
)
def test_licence_facts(plans, expected):
    """A wrong mailbox makes service accounts into extensions, a missed one makes people leavers."""
    assert licence_facts(plans) == expected
