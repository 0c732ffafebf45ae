"""Connecting an organisation: proven by real calls first, and nothing stored when it fails."""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from doubles.certificates import certificate, pem_of, rsa_key
from doubles.house import SECRET, House
from jackfield.core.schedule import Mode
from jackfield.flows.setup import ConnectAsk, SetupRefused
from jackfield.store.runs import RunStatus
from jackfield.store.schedule import load_due
from jackfield.store.tables import metadata
from m365_emulator.faults import Kind, Order
from m365_emulator.server import Emulator

# What differs between the databases is tried by the other stories.
pytestmark = pytest.mark.parametrize("migrated_url", ["sqlite"], indirect=True)

HOST = "localhost:8365"
HERE = f"http://{HOST}"


@pytest.fixture
def stage(house: House) -> Emulator:
    """An organisation to connect to, with an application."""
    return house.raise_stage(people=5)


def ask(house: House, stage: Emulator, **changes: Any) -> ConnectAsk:
    right = ConnectAsk(
        stage.tenant.id,
        house.apps[HOST],
        client_secret=SECRET,
        login_url=HERE,
        graph_url=HERE,
    )
    return replace(right, **changes)


async def stored(house: House) -> dict[str, list[str]]:
    """Every row of the archive."""
    async with house.database.read() as tx:
        return {
            table.name: sorted(repr(tuple(row)) for row in await tx.rows(select(table)))
            for table in metadata.sorted_tables
        }


@dataclass(frozen=True)
class Wrong:
    """What is wrong with an attempt, and what the administrator reads about it."""

    changes: dict[str, Any]
    text: str
    next_step: str


EXPIRED = (certificate(rsa_key(number=1)) + pem_of(rsa_key(number=1))).decode()
STRANGE = (certificate(rsa_key(number=2)) + pem_of(rsa_key(number=2))).decode()


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param(
            Wrong({"tenant_id": "b0b0b0b0-0000-4000-8000-000000000000"}, "does not exist", "spell"),
            id="unknown_tenant",
        ),
        pytest.param(
            Wrong({"tenant_id": "nowhere.example"}, "does not exist", "spell"), id="unknown_domain"
        ),
        pytest.param(
            Wrong({"tenant_id": "not a tenant"}, "not a tenant", ""), id="tenant_that_is_no_id"
        ),
        pytest.param(Wrong({"tenant_id": "common"}, "common", ""), id="many_tenants"),
        pytest.param(
            Wrong({"client_id": "b0b0b0b0-0000-4000-8000-000000000000"}, "not known", "client id"),
            id="unknown_application",
        ),
        pytest.param(
            Wrong({"client_secret": "wrong"}, "secret is wrong", "secret's value"),
            id="wrong_secret",
        ),
        pytest.param(
            Wrong({"client_secret": None, "certificate": STRANGE}, "not registered", "Upload"),
            id="certificate_of_another_application",
        ),
        pytest.param(
            Wrong({"client_secret": None, "certificate": "-----BEGIN"}, "", ""),
            id="certificate_that_is_none",
        ),
        pytest.param(Wrong({"client_secret": None}, "one credential", ""), id="no_credential"),
        pytest.param(Wrong({"certificate": STRANGE}, "one credential", ""), id="two_credentials"),
        pytest.param(Wrong({"client_secret": ""}, "", ""), id="empty_secret"),
        pytest.param(Wrong({"graph_url": ""}, "as a pair", ""), id="half_an_address"),
        pytest.param(
            Wrong({"login_url": "", "graph_url": "", "cloud": "mars"}, "no cloud 'mars'", "global"),
            id="unknown_cloud",
        ),
        pytest.param(
            Wrong(
                {"login_url": "http://login.example", "graph_url": HERE}, "plain http", "https://"
            ),
            id="http_that_is_not_loopback",
        ),
        pytest.param(
            Wrong({"login_url": "ftp://localhost", "graph_url": HERE}, "https://", ""),
            id="address_of_another_kind",
        ),
        pytest.param(
            Wrong({"login_url": "http://localhost:99x", "graph_url": HERE}, "cannot be read", ""),
            id="address_that_cannot_be_read",
        ),
    ],
)
async def test_what_is_wrong_is_said_and_nothing_is_stored(
    house: House, stage: Emulator, wrong: Wrong
) -> None:
    """A clear text with the next step; the archive is as it was before, row by row."""
    before = await stored(house)

    with pytest.raises(SetupRefused) as refused:
        await house.setup.connect(1, ask(house, stage, **wrong.changes), by="admin")

    assert wrong.text in refused.value.text
    assert wrong.next_step in refused.value.next_step
    assert refused.value.text
    assert refused.value.next_step
    assert await stored(house) == before


async def test_an_expired_certificate_is_not_even_sent(house: House, stage: Emulator) -> None:
    """Its time is over: said before anybody outside hears of it."""
    house.clock.advance(timedelta(days=100).total_seconds())
    before = await stored(house)

    with pytest.raises(SetupRefused) as refused:
        await house.setup.connect(
            1, ask(house, stage, client_secret=None, certificate=EXPIRED), by="admin"
        )

    assert "expired" in f"{refused.value}".lower()
    assert not [one for one in stage.journal.last(100) if one.method == "POST"]
    assert await stored(house) == before


async def test_a_certificate_connects(house: House, stage: Emulator) -> None:
    """The way for grown-ups: its end is known, so that it can be said in time."""
    stage.registrations.add_certificate(house.apps[HOST], certificate(rsa_key(number=1)))

    connected = await house.setup.connect(
        1, ask(house, stage, client_secret=None, certificate=EXPIRED), by="admin"
    )
    run = await house.sync(full=True)

    assert connected.organisation == stage.tenant.display_name
    assert run.status is RunStatus.DONE


@pytest.mark.parametrize("name", ["id", "ID", "domain"])
async def test_an_organisation_is_known_by_id_or_domain(
    house: House, stage: Emulator, name: str
) -> None:
    """Whatever the administrator has at hand; the id is what is kept."""
    names = {"id": stage.tenant.id, "ID": stage.tenant.id.upper(), "domain": stage.tenant.domain}

    connected = await house.setup.connect(1, ask(house, stage, tenant_id=names[name]), by="admin")

    assert connected.tid == stage.tenant.id


async def test_the_secret_is_nowhere_in_clear(house: House, stage: Emulator) -> None:
    """Neither in a row nor in the journal."""
    await house.setup.connect(1, ask(house, stage), by="admin")

    rows = await stored(house)

    assert SECRET not in repr(rows)
    assert rows["secret"]


async def test_without_permission_for_users_nothing_can_be_done(
    house: House, stage: Emulator
) -> None:
    """The permission is named, and nothing is stored."""
    stage.registrations.grant(house.apps[HOST], ["Organization.Read.All", "GroupMember.Read.All"])
    before = await stored(house)

    with pytest.raises(SetupRefused, match=r"User\.Read\.All"):
        await house.setup.connect(1, ask(house, stage), by="admin")

    assert await stored(house) == before


async def test_what_is_missing_for_groups_is_said_and_the_rest_goes_on(
    house: House, stage: Emulator
) -> None:
    """One consent less is no reason to have no telephones."""
    stage.registrations.grant(house.apps[HOST], ["Organization.Read.All", "User.Read.All"])

    connected = await house.setup.connect(1, ask(house, stage), by="admin")

    assert connected.missing == ("GroupMember.Read.All",)
    assert "add GroupMember.Read.All and grant admin consent" in connected.next_step


async def test_the_missing_consent_stands_until_somebody_has_consented(
    house: House, stage: Emulator
) -> None:
    """Before any sync: whoever opens the picker of groups is told why it is empty."""
    app = house.apps[HOST]
    stage.registrations.grant(app, ["User.Read.All"])
    await house.setup.connect(1, ask(house, stage, sync=False), by="admin")
    before = await house.alarms()

    stage.registrations.grant(app, ["User.Read.All", "GroupMember.Read.All"])
    stage.tokens.revoke(app)
    await house.setup.connect(1, ask(house, stage, sync=False), by="admin")

    assert [one.kind for one in before] == ["graph.groups"]
    assert "the application permission GroupMember.Read.All" in before[0].text
    assert await house.alarms() == ()


async def test_connecting_switches_people_sync_on_and_asks_for_a_first_one(
    house: House, stage: Emulator
) -> None:
    """One command and it works; with `--no-sync` it waits for the administrator."""
    await house.setup.connect(1, ask(house, stage, sync=False), by="admin")
    async with house.database.read() as tx:
        waiting = await load_due(tx, 1, "people")
    off = (await house.settings()).enabled

    await house.setup.connect(1, ask(house, stage), by="admin")
    async with house.database.read() as tx:
        due = await load_due(tx, 1, "people")

    assert (off, waiting.wanted) == (False, None)
    assert ((await house.settings()).enabled, due.wanted) == (True, Mode.FULL)


async def test_another_organisation_does_not_take_the_place_of_one_with_people(
    house: House, stage: Emulator
) -> None:
    """Everybody would be a leaver: said with both names, and nothing is changed."""
    await house.connect(stage)
    await house.sync(full=True)
    other = house.raise_stage(people=3, seed=9, host="localhost:9365")
    before = await stored(house)

    with pytest.raises(SetupRefused) as refused:
        await house.connect(other)

    assert stage.tenant.display_name in refused.value.text
    assert "leavers" in refused.value.text
    assert "jackfield tenant add" in refused.value.next_step
    assert await stored(house) == before


async def test_before_anybody_was_read_another_organisation_may_follow(
    house: House, stage: Emulator
) -> None:
    """The first attempt named the wrong one: no harm is done."""
    await house.connect(stage)
    other = house.raise_stage(people=0, seed=9, host="localhost:9365")
    other.tenant.hire("Ada Other")

    await house.connect(other)
    run = await house.sync()

    assert run.status is RunStatus.DONE
    assert await house.numbers() == {"Ada Other": "100"}


async def test_a_failed_renewal_leaves_the_working_connection_alone(
    house: House, stage: Emulator
) -> None:
    """A typing mistake at the renewal must not stop the sync that runs."""
    await house.connect(stage)
    before = await stored(house)

    with pytest.raises(SetupRefused):
        await house.connect(stage, secret="mistyped")

    assert await stored(house) == before
    assert (await house.sync(full=True)).status is RunStatus.DONE


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        pytest.param(Kind.CUT_BEFORE, "cannot be reached: the connection broke", id="cut"),
        pytest.param(Kind.HTML_ERROR, "cannot answer now (502)", id="error"),
        pytest.param(Kind.THROTTLED, "throttles Jackfield (429)", id="throttled"),
    ],
)
async def test_an_organisation_that_does_not_answer_now(
    house: House, stage: Emulator, kind: Kind, told: str
) -> None:
    """The page does not hang for minutes, and says whose fault it is."""
    stage.faults.switch_on(Order(kind=kind, path="/*", retry_after_s=600))
    before, began = await stored(house), house.clock.monotonic()

    with pytest.raises(SetupRefused) as refused:
        await house.connect(stage)

    assert refused.value.text.startswith("Microsoft's sign-in service ")
    assert told in refused.value.text
    assert refused.value.next_step
    assert house.clock.monotonic() - began < 60
    assert await stored(house) == before
