"""Against the emulated tenant in process: the same code, another idea of Graph than our scripts."""

import asyncio
import itertools
import random
from collections.abc import Callable
from datetime import timedelta

import pytest
from msgspec.structs import replace

from doubles.asgi_transport import AsgiTransport
from doubles.certificates import certificate, pem_of, rsa_key
from doubles.virtual_clock import VirtualClock
from jackfield.core.people import GroupId, ObjectId, Person, Standing
from jackfield.core.reach import Reach
from jackfield.core.waiting import MICROSOFT
from jackfield.graph.asking import Answer
from jackfield.graph.auth import TokenSource
from jackfield.graph.authority import find_tenant
from jackfield.graph.batch import Part, send_batch
from jackfield.graph.client import GraphClient
from jackfield.graph.cloud import own_cloud
from jackfield.graph.credentials import (
    CertificateCredential,
    Credential,
    SecretCredential,
    Signing,
    parse_certificate,
)
from jackfield.graph.delta import (
    Position,
    RoundEnd,
    next_groups_step,
    next_users_step,
    start_groups_round,
    start_users_round,
)
from jackfield.graph.directory import fetch_standing, fetch_user
from jackfield.graph.errors import (
    CursorExpired,
    LinkRefused,
    NotFound,
    PermissionMissing,
    TokenRejected,
)
from jackfield.graph.meter import Meter
from jackfield.graph.organization import fetch_organization, fetch_skus
from jackfield.graph.pace import Pace
from m365_emulator.clock import Clock
from m365_emulator.faults import Kind, Order
from m365_emulator.server import Emulator

CLOUD = own_cloud("http://localhost:8365", "http://localhost:8365")


class Room:
    """One emulated tenant, one application in it, one client; both on the same virtual time."""

    def __init__(self, clock: VirtualClock, *, people: int = 1200) -> None:
        self.clock = clock
        self.stage = Emulator(people=people, seed=5, clock=Clock(clock.now), sleep=clock.sleep)
        self.tenant = self.stage.tenant
        self.app = self.stage.register(secret="the-secret", certificate_pem=certificate(rsa_key()))
        self.transport = AsgiTransport(self.stage)
        self.meter = Meter()
        self._numbers = itertools.count(1)

    def tokens(self, credential: Credential | None = None) -> TokenSource:
        secret = SecretCredential(self.app.app_id, "the-secret")
        return TokenSource(
            CLOUD,
            self.tenant.id,
            credential or secret,
            self.transport,
            self.clock,
            new_id=self.new_id,
        )

    def client(self, tokens: TokenSource | None = None) -> GraphClient:
        return GraphClient(
            "1",
            CLOUD,
            tokens or self.tokens(),
            self.transport,
            pace=Pace(self.clock, random.Random(3)),
            meter=self.meter,
            reach=Reach(MICROSOFT),
            clock=self.clock,
            new_id=self.new_id,
        )

    def new_id(self) -> str:
        return f"00000000-0000-4000-8000-{next(self._numbers):012}"


@pytest.fixture
def room(clock: VirtualClock) -> Room:
    return Room(clock)


class Picture:
    """What somebody knows who follows the rounds: the simplest store there can be."""

    def __init__(self) -> None:
        self.people: dict[ObjectId, Person] = {}
        self.hashes: dict[ObjectId, int] = {}
        self.standing: dict[ObjectId, Standing] = {}
        self.members: dict[GroupId, set[ObjectId]] = {}
        self.cursor: str | None = None
        self.groups_cursor: str | None = None
        self.changed = 0

    async def read_users(
        self, client: GraphClient, between: Callable[[int], None] = lambda _: None
    ) -> RoundEnd:
        at: Position | RoundEnd = start_users_round(self.cursor)
        seen: set[ObjectId] = set()
        full = at.is_full
        for number in itertools.count():
            if isinstance(at, RoundEnd):
                break
            step = await next_users_step(client, at)
            if step.restarted:
                seen.clear()
            if step.page is not None:
                seen |= step.page.users.keys()
                for one in step.page.changed(self.hashes):
                    self.people[one.person.id] = one.person
                    self.hashes[one.person.id] = one.record_hash
                    self.changed += 1
                for person_id in step.page.users:
                    self.standing[person_id] = Standing.PRESENT
                for gone in step.page.removed:
                    self.standing[gone.id] = gone.standing
                    seen.discard(gone.id)
                assert step.page.rejected == ()
            at = step.after
            between(number)
        if full:
            for person_id in self.people.keys() - seen:
                self.standing[person_id] = Standing.GONE
        self.cursor = at.cursor
        return at

    async def read_groups(self, client: GraphClient) -> None:
        at: Position | RoundEnd = start_groups_round(self.groups_cursor)
        while isinstance(at, Position):
            step = await next_groups_step(client, at)
            assert step.page is not None
            for change in step.page.member_changes:
                members = self.members.setdefault(change.group, set())
                (members.discard if change.removed else members.add)(change.member)
            for gone in step.page.removed:
                self.members.pop(GroupId(gone.id), None)
            at = step.after
        self.groups_cursor = at.cursor

    def names(self) -> dict[str, str]:
        return {
            person_id: self.people[person_id].display_name
            for person_id, standing in self.standing.items()
            if standing is Standing.PRESENT
        }


def truth(room: Room) -> dict[str, str]:
    """Everybody in the tenant, by id, as an administrator would see them."""
    return {user.id: " ".join((user.display_name or "").split()) for user in room.tenant.people()}


def same(picture: Picture, room: Room) -> bool:
    shown = {key: " ".join(name.split()) for key, name in picture.names().items()}
    return shown == truth(room)


@pytest.mark.parametrize("signing", list(Signing))
async def test_a_certificate_opens_the_tenant(room: Room, signing):
    """Both ways to sign, verified by an implementation that is not ours."""
    pem = certificate(rsa_key()) + pem_of(rsa_key())
    credential = CertificateCredential(room.app.app_id, parse_certificate(pem), signing)
    tokens = room.tokens(credential)

    organization = await fetch_organization(room.client(tokens))

    assert organization.tenant_id == room.tenant.id
    assert organization.default_domain == room.tenant.domain


async def test_a_domain_is_found(room: Room):
    """`jackfield connect --tenant-id contoso.example`."""
    found = await find_tenant(
        CLOUD, room.tenant.domain, room.transport, now=room.clock.now(), client_request_id="c"
    )

    assert found == room.tenant.id


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        pytest.param(
            lambda r: SecretCredential(r.app.app_id, "wrong"), "AADSTS7000215", id="wrong_secret"
        ),
        pytest.param(
            lambda _: SecretCredential("0b7a0000-1111-4222-8333-444444444444", "the-secret"),
            "AADSTS700016",
            id="unknown_app",
        ),
        pytest.param(
            lambda r: CertificateCredential(
                r.app.app_id,
                parse_certificate(certificate(rsa_key(number=1)) + pem_of(rsa_key(number=1))),
            ),
            "AADSTS700027",
            id="unregistered_certificate",
        ),
    ],
)
async def test_a_wrong_credential_is_told_by_its_code(room: Room, spoil, code):
    """The text beside each code is in `authority.py`."""
    with pytest.raises(TokenRejected) as caught:
        await room.tokens(spoil(room)).token()

    assert caught.value.code == code


async def test_a_round_sees_everybody_once(room: Room):
    """The base of everything: the picture equals the tenant."""
    picture = Picture()

    end = await picture.read_users(room.client())

    assert end.full
    assert same(picture, room)
    assert picture.changed == len(picture.people)


async def test_what_happens_while_the_list_is_read_is_not_lost(room: Room):
    """Hired, renamed and deleted between two pages of the first full round."""
    picture = Picture()
    people = [user.id for user in room.tenant.people()]

    def between(number: int) -> None:
        room.tenant.hire(f"Hired After Page {number}")
        room.tenant.rename(people[3 + number], display_name=f"Renamed After Page {number}")
        room.tenant.rename(people[-3 - number], display_name=f"Renamed After Page {number}")
        room.tenant.delete(people[40 + number])
        room.tenant.delete(people[-40 - number])

    await picture.read_users(room.client(), between)
    await picture.read_users(room.client())

    assert same(picture, room)


@pytest.mark.parametrize(
    "quirk",
    [
        pytest.param({"delta_duplicates": 0.5}, id="duplicates"),
        pytest.param({"delta_replays": 0.8}, id="replays"),
        pytest.param({"short_pages": 0.7, "empty_pages": 0.5}, id="short_and_empty_pages"),
        pytest.param({"delta_page_objects": 1, "delta_page_members": 2}, id="tiny_pages"),
        pytest.param({"replication_delay_reads": 3}, id="replication_delay"),
    ],
)
async def test_graphs_habits_do_no_harm(clock: VirtualClock, quirk):
    """All documented, all met in real tenants, some every day."""
    room = Room(clock, people=150)
    picture = Picture()
    client = room.client()
    await picture.read_users(client)
    await picture.read_groups(client)
    room.tenant.quirks = replace(room.tenant.quirks, **quirk)
    people = [user.id for user in room.tenant.people()]
    chance = random.Random(11)

    for number in range(6):
        room.tenant.rename(chance.choice(people), display_name=f"Name {number}")
        room.tenant.hire(f"Hired {number}")
        room.tenant.delete(people.pop(chance.randrange(len(people))))
        group = chance.choice(room.tenant.groups())
        room.tenant.rename_group(group.id, f"Group {number}")
        await picture.read_users(client)
        await picture.read_groups(client)
    for _ in range(4):  # a lag ends
        await picture.read_users(client)
        await picture.read_groups(client)

    assert same(picture, room)
    assert_memberships(picture, room)


def assert_memberships(picture: Picture, room: Room) -> None:
    for group in room.tenant.groups():
        known = picture.members.get(GroupId(group.id), set())
        assert known == set(room.tenant.members_of(group.id)), group.display_name


async def test_an_unchanged_tenant_costs_no_work(room: Room):
    """List and change log must lead to the same hashes, else every night rewrites everybody."""
    picture = Picture()
    await picture.read_users(room.client())
    picture.changed = 0
    picture.cursor = None

    await picture.read_users(room.client())

    assert picture.changed == 0


async def test_leaving_and_coming_back(room: Room):
    """Disabled, deleted, restored, purged: four different things for a telephone."""
    picture = Picture()
    client = room.client()
    await picture.read_users(client)
    disabled, deleted, restored, purged = (user.id for user in list(room.tenant.people())[:4])
    room.tenant.disable(disabled)
    for person in (deleted, restored, purged):
        room.tenant.delete(person)
    await picture.read_users(client)
    after_deletion = dict(picture.standing)
    room.tenant.restore(restored)
    room.tenant.purge(purged)

    await picture.read_users(client)

    assert not picture.people[disabled].enabled
    assert after_deletion[restored] is Standing.RECYCLED
    assert picture.standing[deleted] is Standing.RECYCLED
    assert picture.standing[restored] is Standing.PRESENT
    assert picture.standing[purged] is Standing.GONE
    assert await fetch_standing(client, deleted) is Standing.RECYCLED
    assert await fetch_standing(client, restored) is Standing.PRESENT
    assert await fetch_standing(client, purged) is Standing.GONE


async def test_members_follow(room: Room):
    """Groups become departments; who is in them must be right after every round."""
    picture = Picture()
    client = room.client()
    await picture.read_groups(client)
    assert_memberships(picture, room)
    group = next(g for g in room.tenant.groups() if not g.membership_rule)
    insiders = set(room.tenant.members_of(group.id))
    outsider = next(u.id for u in room.tenant.people() if u.id not in insiders)
    room.tenant.move(outsider, add=[group.id])
    await picture.read_groups(client)
    assert_memberships(picture, room)
    room.tenant.move(outsider, remove=[group.id])

    await picture.read_groups(client)

    assert_memberships(picture, room)


async def test_a_week_without_jackfield_asks_for_a_full_round(room: Room):
    """Delta links live for seven days."""
    picture = Picture()
    await picture.read_users(room.client())
    room.clock.advance(timedelta(days=8).total_seconds())

    with pytest.raises(CursorExpired):
        await picture.read_users(room.client())
    picture.cursor = None
    end = await picture.read_users(room.client())

    assert end.full


async def test_a_page_link_that_expired_begins_the_round_again(room: Room):
    """The machine slept for two hours between two pages."""
    picture = Picture()

    def sleep_once(number: int) -> None:
        if number == 1:
            room.clock.advance(timedelta(hours=2).total_seconds())

    end = await picture.read_users(room.client(), sleep_once)

    assert end.full
    assert same(picture, room)


async def test_a_fifth_of_all_answers_failing_delays_and_nothing_else(clock: VirtualClock):
    """The requirement's own figure: 20 % 429 and 503 for a whole sync."""
    room = Room(clock, people=3000)
    for kind, share in ((Kind.THROTTLED, 0.2), (Kind.UNAVAILABLE, 0.2), (Kind.CUT_BEFORE, 0.05)):
        room.stage.faults.switch_on(Order(kind=kind, probability=share, retry_after_s=7, seed=1))
    picture = Picture()

    await picture.read_users(room.client())
    await picture.read_groups(room.client())

    assert same(picture, room)
    assert_memberships(picture, room)
    assert room.client().figures().throttled > 5


@pytest.mark.parametrize(
    "kind",
    [Kind.GATEWAY_TIMEOUT, Kind.HTML_ERROR, Kind.CUT_MIDDLE, Kind.EXPIRED_TOKEN, Kind.SLOW],
)
async def test_a_passing_fault_is_outlived(room: Room, kind):
    """Each once on every path: a repeat suffices."""
    room.stage.faults.switch_on(Order(kind=kind, count=1))
    picture = Picture()

    await picture.read_users(room.client())

    assert same(picture, room)


@pytest.mark.hostile
async def test_a_tenant_that_points_elsewhere_is_not_followed(room: Room):
    """Somebody sits between us and Graph."""
    room.stage.faults.switch_on(Order(kind=Kind.FOREIGN_NEXT_LINK, path="/v1.0/users"))

    with pytest.raises(LinkRefused, match=r"graph\.example\.net"):
        await Picture().read_users(room.client())

    assert all(request.url.startswith(CLOUD.graph) for request in room.transport.sent)


async def test_a_missing_permission_is_named(clock: VirtualClock):
    """Groups were not consented to; people go on."""
    room = Room(clock, people=60)
    room.stage.registrations.grant(room.app.app_id, ["User.Read.All"])
    picture = Picture()
    client = room.client()

    await picture.read_users(client)
    with pytest.raises(PermissionMissing) as caught:
        await picture.read_groups(client)

    assert caught.value.permission == "GroupMember.Read.All"
    assert same(picture, room)


async def test_products_and_parts(room: Room):
    """Names of licences, and twenty calls in one."""
    client = room.client()
    people = [user.id for user in list(room.tenant.people())[:30]]

    skus = await fetch_skus(client)
    outcomes = await send_batch(
        client, [Part(p, f"/users/{p}?$select=id") for p in [*people, "nobody"]]
    )

    assert {"O365_BUSINESS_ESSENTIALS", "O365_BUSINESS_PREMIUM"} & {sku.part_number for sku in skus}
    assert all(isinstance(outcomes[p], Answer) for p in people)
    assert isinstance(outcomes["nobody"], NotFound)


async def test_one_person_by_any_name(room: Room):
    """`jackfield sync people --person` takes a UPN, guests' with `#` included."""
    client = room.client()
    guest = next(u for u in room.tenant.people() if "#EXT#" in u.user_principal_name)

    by_upn = await fetch_user(client, guest.user_principal_name)
    by_id = await fetch_user(client, guest.id.upper())

    assert by_upn == by_id
    assert by_upn.person.id == guest.id


async def test_sixteen_at_once_get_along(room: Room):
    """Console, delta and nightly run share one door."""
    client = room.client()
    room.stage.faults.switch_on(Order(kind=Kind.THROTTLED, count=3, retry_after_s=4))
    people = [user.id for user in list(room.tenant.people())[:16]]

    seen = await asyncio.gather(*(fetch_user(client, person) for person in people))

    assert [one.person.id for one in seen] == people
