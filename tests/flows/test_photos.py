"""People's photos become the avatars of their extensions (U-12), from the tenant to the phone."""

import io
import random
from datetime import timedelta

import pytest
from msgspec.structs import replace as changed
from PIL import Image

from core.sketches import AT_ONCE
from doubles.faulty_phones import Faults, FaultyPhones
from doubles.house import House, Interlude
from doubles.threecx_habits import Notes, ThreeCxHabits
from doubles.threecx_pbx import Line, ThreeCx
from jackfield.core.people import LeaverPolicy, ObjectId
from jackfield.core.photos import Avatar, PhotoState
from jackfield.core.rules import PeopleRules
from jackfield.core.schedule import Mode, ScheduleRules
from jackfield.durable import Border, Killed, RunId
from jackfield.flows.avatars import make_avatar
from jackfield.flows.health import Health
from jackfield.flows.photos import DENIED, PHOTOS, PhotosAsk, PhotosOff
from jackfield.flows.steps import document_of
from jackfield.pbx.port import AvatarWrite, Done, RemoveExtensionWrite
from jackfield.store.images import load_image
from jackfield.store.photos import Photo, load_photos
from jackfield.store.runs import RunStatus, StoredRun, Trigger
from m365_emulator.faults import Kind as Fault
from m365_emulator.faults import Order
from m365_emulator.portraits import Kind
from m365_emulator.server import Emulator

# What differs between the databases is tried by the archive's own tests.
pytestmark = pytest.mark.parametrize("migrated_url", ["sqlite"], indirect=True)

HAND = Avatar(b"set by hand", "image/png")
NIGHTLY = ScheduleRules(delta_interval_s=0, nightly_hour=2, time_zone="UTC")
DAY_S = 24 * 3600.0


async def office(house: House, **photos: Kind | None) -> tuple[Emulator, dict[str, ObjectId]]:
    """People with extensions and these photos, whose photos nobody has looked at yet."""
    stage = house.raise_stage(people=0)
    ids = {name: hire(stage, name, kind) for name, kind in photos.items()}
    await house.connect(stage)
    await house.choose(schedule=NIGHTLY, enabled=True)
    await house.sync(full=True)
    stage.journal.clear()
    return stage, ids


def hire(stage: Emulator, name: str, kind: Kind | None = None) -> ObjectId:
    user = stage.tenant.hire(f"{name} Byron")
    stage.tenant.photos.remove(user.id)
    if kind is not None:
        stage.tenant.photos.make_up(user.id, kind)
    return ObjectId(user.id)


async def avatars(house: House) -> dict[str, str]:
    """The avatars that stand, by first name."""
    extensions = await house.extensions()
    marks = await house.phone(1).read_avatars([one.key for one in extensions])
    return {one.fields.first_name: marks[one.key] for one in extensions if one.key in marks}


async def photo_of(house: House, person: ObjectId) -> Photo:
    async with house.database.read() as tx:
        return (await load_photos(tx, 1, [person]))[person]


async def by_hand(house: House, name: str, avatar: Avatar | None) -> None:
    (key,) = [one.key for one in await house.extensions() if one.fields.first_name == name]
    (outcome,) = await house.phone(1).write_avatars([AvatarWrite(key, avatar)])
    assert isinstance(outcome, Done)


def expected(stage: Emulator, person: ObjectId) -> str:
    """The mark of the avatar that this person's photo leads to."""
    photos = stage.tenant.photos
    kept = photos.of(person)
    assert kept is not None
    edge = 360 if kept.width == kept.height > 360 else None
    return make_avatar(photos.content(person, edge)).digest


def pictures_read(stage: Emulator) -> int:
    return sum(one.path.endswith("/$value") for one in stage.journal.last(2000))


async def night(house: House) -> StoredRun:
    """The nightly run, and the look at photos that follows it."""
    await house.sweep(after_s=DAY_S)
    assert await house.sweep_photos() == 1
    return (await house.runs())[0]


async def test_u12_the_avatar_follows_the_photo(house: House) -> None:
    """Set, changed, removed in Microsoft 365: the phone shows it the next morning."""
    stage, ids = await office(house, Ada=Kind.PORTRAIT, Ben=None)

    first = await night(house)
    assert await avatars(house) == {"Ada": expected(stage, ids["Ada"])}
    assert (first.kind, first.mode, first.trigger) == ("photos", "photos", Trigger.SCHEDULE)
    assert first.text == "Looked at the photo of 2 people: 1 set as avatar."

    stage.tenant.photos.make_up(ids["Ada"], Kind.TURNED)
    stage.tenant.photos.make_up(ids["Ben"], Kind.PORTRAIT)
    await night(house)
    assert await avatars(house) == {name: expected(stage, one) for name, one in ids.items()}
    async with house.database.read() as tx:
        shown = await load_image(tx, 1, (await photo_of(house, ids["Ada"])).kept.digest)
    assert shown is not None
    assert Image.open(io.BytesIO(shown.content)).size == (256, 256)

    stage.tenant.photos.remove(ids["Ada"])
    last = await night(house)
    assert await avatars(house) == {"Ben": expected(stage, ids["Ben"])}
    assert last.text == "Looked at the photo of 2 people: 1 taken away."
    lines = [line for line in await house.lines() if line.subject == ids["Ada"]]
    said = [line.kind for line in lines]
    assert all("Ada" in line.text for line in lines if line.kind.startswith("photo."))
    assert [kind for kind in said if kind.startswith("photo.")] == [
        "photo.removed",
        "photo.set",
        "photo.set",
    ]


async def test_u12_switched_off_nothing_is_touched_or_asked(house: House) -> None:
    """The avatars that stand stay; nobody's photo is read."""
    stage, ids = await office(house, Ada=Kind.PORTRAIT)
    await night(house)
    before = await avatars(house)
    await house.choose(photos=False)
    stage.tenant.photos.make_up(ids["Ada"], Kind.PORTRAIT)
    stage.journal.clear()

    await house.sweep(after_s=DAY_S)
    assert await house.sweep_photos() == 0
    with pytest.raises(PhotosOff):
        await house.sync_photos()

    assert await avatars(house) == before
    assert not [one for one in stage.journal.last(100) if "/photo" in one.path]
    await house.choose(photos=True)
    assert await house.sweep_photos() == 1
    assert await avatars(house) == {"Ada": expected(stage, ids["Ada"])} != before


async def test_u12_an_unchanged_photo_is_not_read_again(house: House) -> None:
    """Twenty ETags are one request; pictures are read when they differ, and then alone."""
    stage, ids = await office(house, Ada=Kind.PORTRAIT, Ben=Kind.PORTRAIT, Cy=None)
    await night(house)
    assert pictures_read(stage) == 2

    stage.journal.clear()
    run = await night(house)
    assert run.text == "Looked at the photo of 3 people: nothing is new."
    assert pictures_read(stage) == 0
    batches = [one for one in stage.journal.last(100) if one.path == "/v1.0/$batch"]
    assert len(batches) == 1

    stage.tenant.photos.make_up(ids["Ben"], Kind.PORTRAIT)
    stage.journal.clear()
    await night(house)
    assert pictures_read(stage) == 1


@pytest.mark.parametrize(
    ("kind", "because"),
    [
        pytest.param(Kind.NOT_A_PICTURE, "it begins like a web page", id="not_a_picture"),
        pytest.param(Kind.HUGE, "larger than 4 MB", id="20_mb"),
    ],
)
async def test_u12_a_bad_photo_is_a_note_on_its_person_and_stops_nobody(
    house: House, kind: Kind, because: str
) -> None:
    """It is told once, with the next step, and not read night after night."""
    stage, ids = await office(house, Ada=Kind.PORTRAIT, Ben=Kind.PORTRAIT, Cy=Kind.PORTRAIT)
    await night(house)
    before = (await avatars(house))["Ben"]
    for one in ids.values():
        stage.tenant.photos.make_up(one, Kind.PORTRAIT)
    stage.tenant.photos.make_up(ids["Ben"], kind)

    run = await night(house)
    stage.journal.clear()
    again = await night(house)

    photo = await photo_of(house, ids["Ben"])
    assert photo.kept.state is PhotoState.UNUSABLE
    assert because in photo.because
    assert "Microsoft 365" in photo.next_step
    assert run.text.endswith("2 set as avatar, 1 cannot be an avatar.")
    others = {name: expected(stage, ids[name]) for name in ("Ada", "Cy")}
    assert await avatars(house) == {**others, "Ben": before}, "the old one is better than none"
    assert pictures_read(stage) == 0
    assert again.text.endswith("nothing is new.")
    lines = [line for line in await house.lines() if line.kind == "photo.unusable"]
    assert [(line.subject, because in line.text) for line in lines] == [(ids["Ben"], True)]
    assert lines[0].text.startswith("The photo of Ben")
    assert [one.kind for one in await house.alarms()] == []


async def test_u12_microsoft_owns_the_avatar_while_it_has_a_photo(house: House) -> None:
    """As every synced field: what somebody sets or takes away by hand is put back."""
    stage, ids = await office(house, Ada=Kind.PORTRAIT, Ben=Kind.PORTRAIT)
    await night(house)
    await by_hand(house, "Ada", HAND)
    await by_hand(house, "Ben", None)
    stage.journal.clear()

    await night(house)

    assert await avatars(house) == {name: expected(stage, one) for name, one in ids.items()}
    assert pictures_read(stage) == 0, "what was made is kept"


async def test_u12_without_a_photo_somebodys_own_avatar_stays(house: House) -> None:
    """Only what Jackfield has set is Jackfield's to take away."""
    stage, ids = await office(house, Ada=None, Ben=Kind.PORTRAIT)
    await by_hand(house, "Ada", HAND)
    await night(house)
    await by_hand(house, "Ben", HAND)
    stage.tenant.photos.remove(ids["Ben"])

    await night(house)
    await night(house)

    assert await avatars(house) == {"Ada": HAND.digest, "Ben": HAND.digest}


async def test_u12_a_leaver_keeps_the_avatar_until_the_extension_goes(house: House) -> None:
    """Then picture and photo are forgotten: nobody's face is kept who is not there."""
    stage, ids = await office(house, Ada=Kind.PORTRAIT, Ben=Kind.PORTRAIT)
    await house.choose(PeopleRules(on_deleted=LeaverPolicy.KEEP))
    await night(house)
    before = await avatars(house)
    ada = (await photo_of(house, ids["Ada"])).kept.digest
    stage.tenant.delete(ids["Ada"])
    stage.tenant.photos.remove(ids["Ben"])
    stage.tenant.disable(ids["Ben"])

    await night(house)
    await night(house)
    assert await avatars(house) == before

    await house.choose(PeopleRules(on_deleted=LeaverPolicy.REMOVE, remove_after=AT_ONCE))
    await night(house)
    assert set(await avatars(house)) == {"Ben"}
    async with house.database.read() as tx:
        assert await load_photos(tx, 1, [ids["Ada"]]) == {}
        assert await load_image(tx, 1, ada) is None


async def test_u12_who_is_gone_is_forgotten_though_photos_are_off(house: House) -> None:
    """No look at photos ends then that would forget them."""
    stage, ids = await office(house, Ada=Kind.PORTRAIT, Ben=Kind.PORTRAIT)
    await house.choose(PeopleRules(on_deleted=LeaverPolicy.REMOVE, remove_after=AT_ONCE))
    await night(house)
    photos = {name: await photo_of(house, one) for name, one in ids.items()}
    await house.choose(photos=False)
    stage.tenant.delete(ids["Ada"])
    await house.sweep(after_s=DAY_S)
    async with house.database.read() as tx:
        at_once = await load_photos(tx, 1, list(ids.values()))

    await Health(house.database, house.connections, house.clock).forget_old()

    assert at_once == {ids["Ben"]: photos["Ben"]}  # else Overview counts more than there are
    async with house.database.read() as tx:
        assert await load_photos(tx, 1, list(ids.values())) == {ids["Ben"]: photos["Ben"]}
        assert await load_image(tx, 1, photos["Ada"].kept.digest) is None
        assert await load_image(tx, 1, photos["Ben"].kept.digest) is not None


async def test_u12_where_microsoft_closes_to_everybody_nobody_is_given_up(house: House) -> None:
    """One closed photo is a note on its person; a closed tenant is a run that has to wait."""
    stage, ids = await office(house, Ada=Kind.PORTRAIT, Ben=Kind.PORTRAIT)
    stage.faults.switch_on(Order(kind=Fault.THROTTLED, path="/v1.0/users/*/photo*"))

    run = await house.sync_photos()

    assert run.status is RunStatus.FAILED
    assert "throttles Jackfield (429)" in run.text
    async with house.database.read() as tx:
        assert await load_photos(tx, 1, list(ids.values())) == {}


async def test_u12_a_newcomer_has_a_face_within_minutes(house: House) -> None:
    """Nobody waits for the night, and nobody else is asked for."""
    stage, _ = await office(house, Ada=Kind.PORTRAIT)
    await night(house)
    ben = hire(stage, "Ben", Kind.PORTRAIT)
    await house.sync()
    stage.journal.clear()

    assert await house.sweep_photos() == 1
    assert await house.sweep_photos() == 0

    assert (await avatars(house))["Ben"] == expected(stage, ben)
    asked = [one.path for one in stage.journal.last(100) if one.path.endswith("/photo")]
    assert asked == [f"/v1.0/users/{ben}/photo"]


async def test_u12_an_extension_that_was_made_again_gets_its_avatar(house: House) -> None:
    """The photo has not changed, so nothing is read; the new extension is given what was kept."""
    stage, ids = await office(house, Ada=Kind.PORTRAIT)
    await night(house)
    (extension,) = await house.extensions()
    await house.phone(1).write([RemoveExtensionWrite(extension.key, extension.number)])
    await house.sync(full=True)
    assert await avatars(house) == {}
    stage.journal.clear()

    assert await house.sweep_photos() == 1

    assert await avatars(house) == {"Ada": expected(stage, ids["Ada"])}
    assert pictures_read(stage) == 0


async def test_u12_photos_may_not_be_read(house: House) -> None:
    """Said once, with what to grant; over as soon as one can be read."""
    stage, ids = await office(house, Ada=Kind.PORTRAIT, Ben=None)
    (app,) = stage.registrations
    stage.registrations.grant(app.app_id, ["Directory.Read.All"])
    stage.tokens.revoke(None)

    run = await night(house)
    await night(house)

    (alarm,) = await house.alarms()
    assert alarm.kind == DENIED
    assert "ProfilePhoto.Read.All" in alarm.next_step
    assert run.text.endswith("2 could not be read.")
    photo = await photo_of(house, ids["Ada"])
    assert (photo.kept.state, photo.because) == (
        PhotoState.UNREAD,
        "Jackfield may not read the photo.",
    )
    stage.registrations.grant(app.app_id, ["Directory.Read.All", "ProfilePhoto.Read.All"])
    stage.tokens.revoke(None)
    await night(house)
    assert await house.alarms() == ()
    assert await avatars(house) == {"Ada": expected(stage, ids["Ada"])}


@pytest.mark.parametrize(
    ("order", "waits_s"),
    [
        pytest.param(Order(kind=Fault.THROTTLED, count=3, retry_after_s=17), 17, id="429"),
        pytest.param(Order(kind=Fault.THROTTLED, count=3, retry_after_s=300), 300, id="long_429"),
        pytest.param(Order(kind=Fault.UNAVAILABLE, count=2), 10, id="503"),
        pytest.param(Order(kind=Fault.CUT_MIDDLE, count=2), 0, id="cut"),
        pytest.param(Order(kind=Fault.SLOW, delay_s=20.0), 20, id="slow"),
        pytest.param(Order(kind=Fault.HTML_ERROR, count=2), 0, id="a_gateways_page"),
    ],
)
@pytest.mark.parametrize("path", ["/v1.0/users/*/photo*", "/v1.0/users/*/$value", "/v1.0/$batch"])
async def test_u12_a_fault_that_passes_costs_time_and_nothing_else(
    house: House, order: Order, waits_s: float, path: str
) -> None:
    """Retry-After is obeyed, whoever met it; everybody's avatar is there in the end."""
    stage, ids = await office(house, **dict.fromkeys(["Ada", "Ben", "Cy"], Kind.PORTRAIT))
    stage.faults.switch_on(changed(order, path=path))
    began = house.clock.now()

    run = await house.sync_photos()

    assert run.status is RunStatus.DONE
    assert await avatars(house) == {name: expected(stage, one) for name, one in ids.items()}
    assert house.clock.now() - began >= timedelta(seconds=waits_s)
    assert sum(stage.faults.struck.values()) > 0


async def test_u12_one_photo_that_is_always_out_of_order_stops_no_other(house: House) -> None:
    """It is tried again in the same run, then noted on its person; the next night it may do."""
    stage, ids = await office(house, **dict.fromkeys(["Ada", "Ben", "Cy"], Kind.PORTRAIT))
    broken = f"/v1.0/users/{ids['Ben']}/photo*"
    fault = stage.faults.switch_on(Order(kind=Fault.UNAVAILABLE, path=broken))

    run = await night(house)

    assert run.status is RunStatus.DONE
    assert run.text == ("Looked at the photo of 3 people: 2 set as avatar, 1 could not be read.")
    assert set(await avatars(house)) == {"Ada", "Cy"}
    photo = await photo_of(house, ids["Ben"])
    assert photo.because.startswith("The photo could not be read. Microsoft Graph cannot answer")
    stage.faults.switch_off(fault.id)
    await night(house)
    assert set(await avatars(house)) == {"Ada", "Ben", "Cy"}
    assert (await photo_of(house, ids["Ben"])).because == ""


async def test_u12_an_outage_ends_the_run_and_the_next_goes_on(house: House) -> None:
    """What was done stays done; the rest is due again, later and later."""
    stage, ids = await office(house, Ada=Kind.PORTRAIT)
    fault = stage.faults.switch_on(Order(kind=Fault.CUT_BEFORE, path="/v1.0/$batch"))

    run = await house.sync_photos()
    assert run.status is RunStatus.FAILED
    assert await house.sweep_photos() == 0, "not at once"
    stage.faults.switch_off(fault.id)
    house.clock.advance(3600)

    assert await house.sweep_photos() == 1
    assert await avatars(house) == {"Ada": expected(stage, ids["Ada"])}


async def test_u12_people_never_wait_for_photos(house: House) -> None:
    """A lane and a lease of their own: Microsoft pauses pictures, and people go on."""
    stage, _ = await office(house, Ada=Kind.PORTRAIT)
    stage.faults.switch_on(
        Order(kind=Fault.THROTTLED, path="/v1.0/users/*/photo*", retry_after_s=600)
    )
    await house.photos.start(1, trigger=Trigger.ADMINISTRATOR, by="admin")
    synced: list[StoredRun] = []

    async def hire_and_sync() -> None:
        hire(stage, "Ben")
        synced.append(await house.sync())

    # In the middle of the photo run's first wait.
    interlude = Interlude("wait", 1, hire_and_sync)
    await house.restart(interlude)
    await house.runner.idle()
    for doing in interlude.begun:
        await doing

    assert set(await house.by_name()) == {"Ada Byron", "Ben Byron"}
    people = [run for run in await house.runs() if run.kind == "people"]
    assert {run.status for run in people} == {RunStatus.DONE}


async def test_u12_a_phone_system_without_avatars_is_not_asked_for_any(house: House) -> None:
    """The console shows the photos all the same."""
    house.phones[1] = ThreeCxHabits(Line(ThreeCx(), lost_of=0), Notes())
    stage, ids = await office(house, Ada=Kind.PORTRAIT)

    run = await night(house)

    photo = await photo_of(house, ids["Ada"])
    assert photo.kept.state is PhotoState.SHOWN
    assert photo.kept.digest == expected(stage, ids["Ada"])
    assert photo.because == ""
    assert run.text == "Looked at the photo of 1 person: nothing is new."


async def test_u12_lost_answers_of_the_phone_system_are_repeated(house: House) -> None:
    """Half of all writes get no answer, and every fourth page is lost."""
    names = ["Ada", "Ben", "Cy", "Dee", "Eve", "Fay", "Gus"]
    stage, ids = await office(house, **dict.fromkeys(names, Kind.PORTRAIT))
    inner = house.phone(1)
    house.phones[1] = FaultyPhones(inner, Faults(seed=3, lose_one_in=2, lose_read_one_in=4))

    run = await house.sync_photos()

    house.phones[1] = inner
    assert run.status is RunStatus.DONE
    assert await avatars(house) == {name: expected(stage, one) for name, one in ids.items()}


async def test_u12_a_refused_avatar_is_a_note_until_it_stands(house: House) -> None:
    """The phone system's own words are what an administrator can act on."""
    stage, ids = await office(house, Ada=Kind.PORTRAIT)
    inner = house.phone(1)
    house.phones[1] = FaultyPhones(inner, Faults(refuse_every=1))

    await night(house)
    refused = await photo_of(house, ids["Ada"])
    house.phones[1] = inner
    await night(house)

    assert refused.because == "The phone system refused the avatar: Refused for the test"
    assert (await photo_of(house, ids["Ada"])).because == ""
    assert await avatars(house) == {"Ada": expected(stage, ids["Ada"])}


@pytest.mark.sim
@pytest.mark.parametrize("seed", range(8))
async def test_u12_killed_again_and_again(house: House, seed: int) -> None:
    """At any step border, with the runner's tables thrown away or not: the same avatars."""
    chance = random.Random(seed)
    names = [f"P{n}" for n in range(45)]
    kinds = [Kind.PORTRAIT, Kind.TURNED, Kind.NOT_A_PICTURE, None]
    stage, ids = await office(house, **{name: chance.choice(kinds) for name in names})
    left = 12

    def hand(_border: Border, _run: RunId, _step: str) -> None:
        nonlocal left
        if left and chance.randrange(3) == 0:
            left -= 1
            raise Killed

    async def until_quiet() -> None:
        quiet, alive = 0, False
        while quiet < 2:
            try:
                if not alive:
                    await house.restart(hand, forget_work=chance.randrange(3) == 0)
                alive = True
                quiet = 0 if await house.sweep_photos() else quiet + 1
                house.clock.advance(300)
            except Killed:
                quiet, alive = 0, False

    await until_quiet()
    for name in chance.sample(names, 15):
        kind = chance.choice(kinds)
        stage.tenant.photos.remove(ids[name])
        if kind is not None:
            stage.tenant.photos.make_up(ids[name], kind)
    await house.restart()
    await house.sync(full=True)
    kills, left = 12 - left, 12
    await until_quiet()
    assert kills + 12 - left > 0

    standing = await avatars(house)
    for name, person in ids.items():
        kept = stage.tenant.photos.of(person)
        if kept is None:
            assert name not in standing
        elif kept.width:
            assert standing[name] == expected(stage, person)
        else:
            assert (await photo_of(house, person)).kept.state is PhotoState.UNUSABLE
    assert RunStatus.RUNNING not in {run.status for run in await house.runs()}


async def test_u12_what_a_peer_has_done_meanwhile_is_not_done_again(house: House) -> None:
    """Two processes may queue the same night; the second run finds nothing due, and leaves."""
    stage, _ = await office(house, Ada=Kind.PORTRAIT)
    await night(house)
    before = await house.runs()
    stage.journal.clear()

    await house.runner.enqueue(PHOTOS, 1, document_of(PhotosAsk(Mode.FULL)), key="a peer's")
    await house.runner.idle()

    assert await house.runs() == before
    assert stage.journal.last(10) == []
    assert (await house.sync_photos()).status is RunStatus.DONE, "the lease is free"
