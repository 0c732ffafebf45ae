"""What the runner has recorded of a run is read by later versions, whichever wrote it."""

import msgspec
import pytest

from doubles.house import House
from jackfield.core.people import ObjectId
from jackfield.core.schedule import Mode
from jackfield.durable import Border, Hook, Json, Killed, RunId
from jackfield.durable.run import recordable
from jackfield.flows import people_run, photos_run
from jackfield.flows.asks import Ask
from jackfield.flows.failures import Failed
from jackfield.flows.outcomes import Started
from jackfield.flows.photos import PhotosAsk
from jackfield.flows.reading import Found
from jackfield.flows.runs import Turn
from jackfield.flows.settling import Planned
from jackfield.flows.steps import IS_LEFT, Ended, More, Read, answer_of, document_of
from jackfield.store.runs import RunStatus, Trigger

# What differs between the databases is tried by the other stories.
on_sqlite = pytest.mark.parametrize("migrated_url", ["sqlite"], indirect=True)

ADA = ObjectId("5be3adf6-e954-428e-a727-a956283dbc17")
FIGURES = {"people": 2, "set": 1, "removed": 0, "unusable": 0, "denied": 0, "unsettled": 1}
LATER = Failed("Away.", "Wait.", alarm="graph.away", later=5.0, waits_for="microsoft")


FIRST_FORM: list[tuple[str, Json, msgspec.Struct]] = [
    ("turn", {"held": True}, Turn(held=True)),
    (
        "no turn",
        {"held": False, "because": "Sync 3 is not finished.", "stuck": True},
        Turn(held=False, because="Sync 3 is not finished.", stuck=True),
    ),
    ("began", {"mark": 4, "mode": "full"}, people_run.Began(Mode.FULL, 4)),
    ("nothing to begin", {"mark": None, "mode": None}, people_run.Began(None)),
    ("more", {"more": True}, More(True)),
    ("phones", {}, Read()),
    ("person", {"person": ADA, "groups_known": True}, Found(ADA, groups_known=True)),
    (
        "plan",
        {
            "plan": 7,
            "total": 3,
            "held": 1,
            "guarded": True,
            "doubtful": 2,
            "everyone": True,
            "apply": True,
            "person": "",
        },
        Planned(7, 3, guarded=True, doubtful=2, everyone=True, apply=True),
    ),
    ("started", {"closed": False, "ended": 2, "done": 1}, Started(ended=2, done=1)),
    ("ended", {"status": "refused"}, Ended(RunStatus.REFUSED)),
    ("not ended", {"left": True}, IS_LEFT),
    ("failed", {"failed": True, "text": "There is nobody."}, Failed("There is nobody.")),
    (
        "later",
        {
            "failed": True,
            "text": "Away.",
            "next_step": "Wait.",
            "later": 5.0,
            "waits_for": "microsoft",
            "alarm": "graph.away",
        },
        LATER,
    ),
    (
        "photos began",
        {"mode": "full", "mark": 2, "since": "2027-01-10T08:00:00+00:00", "total": 9},
        photos_run.Began(Mode.FULL, 2, "2027-01-10T08:00:00+00:00", 9),
    ),
    ("no photos to begin", {"mode": None}, photos_run.Began(None)),
    (
        "look",
        {"more": True, "after": ADA, "over": [ADA], "figures": FIGURES},
        photos_run.Look(more=True, after=ADA, over=(ADA,), figures=FIGURES),
    ),
    ("photos are off", {"off": True}, photos_run.Look(off=True)),
    (
        "photos wait",
        {"failed": True, "text": "Away.", "waiting": [ADA], "after": "", "over": []},
        Failed("Away.", waiting=(ADA,)),
    ),
    (
        "ask",
        {"mode": "delta", "trigger": "administrator", "by": "ada", "person": ADA, "preview": True},
        Ask(Mode.DELTA, Trigger.ADMINISTRATOR, "ada", ADA, preview=True),
    ),
    (
        "ask for photos",
        {"mode": "full", "trigger": "administrator", "by": "ada"},
        PhotosAsk(Mode.FULL, Trigger.ADMINISTRATOR, "ada"),
    ),
]


@pytest.mark.parametrize(
    ("document", "meaning"), [pytest.param(*row, id=name) for name, *row in FIRST_FORM]
)
def test_the_first_form_of_a_record_is_still_read(document: Json, meaning: msgspec.Struct) -> None:
    """An upgrade finds runs under way: a renamed field would end them all with an error."""
    assert answer_of(document, type(meaning)) == meaning


@pytest.mark.parametrize("meaning", [pytest.param(row[2], id=row[0]) for row in FIRST_FORM])
def test_a_record_comes_back_as_it_went_in(meaning: msgspec.Struct) -> None:
    """A replayed step answers what it has answered the first time."""
    document = document_of(meaning)

    assert recordable(document, "it") == document
    assert answer_of(document, type(meaning)) == meaning


@on_sqlite
async def test_a_run_that_an_older_version_began_goes_on(house: House) -> None:
    """The process ends between two steps, and a newer version starts."""
    stage = house.raise_stage(people=8)
    await house.connect(stage)
    await house.restart(die_after("plan"))
    await house.people.start(1, Ask(Mode.FULL, Trigger.ADMINISTRATOR, "admin"))
    with pytest.raises(Killed):
        await house.runner.idle()
    (record,) = house.journal.alive.values()
    for step in record.steps:
        if step.name == "lease":
            step.result = {"held": True}
        if step.name == "plan":
            assert isinstance(step.result, dict)
            step.result["held"] = 0
    asked = len(stage.journal.last(100))

    await house.restart()
    await house.runner.idle()

    (run,) = await house.runs()
    assert run.status is RunStatus.DONE
    assert len(await house.extensions()) == run.counts["changes"] > 0
    assert len(stage.journal.last(100)) == asked, "nothing was read again"


@on_sqlite
async def test_a_record_that_cannot_be_read_costs_its_run_alone(house: House) -> None:
    """The runner's tables are disposable, a part of them too: the next run does the work."""
    stage = house.raise_stage(people=8)
    await house.connect(stage)
    await house.restart(die_after("plan"))
    await house.people.start(1, Ask(Mode.FULL, Trigger.ADMINISTRATOR, "admin"))
    with pytest.raises(Killed):
        await house.runner.idle()
    (record,) = house.journal.alive.values()
    record.steps[1].result = {"another": "language"}

    await house.restart()
    await house.runner.idle()
    begun = await house.sweep(after_s=60)

    assert begun == 1
    newest, broken = await house.runs()
    assert broken.status is RunStatus.FAILED
    assert newest.status is RunStatus.DONE
    assert len(await house.extensions()) == newest.counts["changes"] > 0


def die_after(step: str) -> Hook:
    """Kills the process once the step is recorded."""

    def hook(border: Border, _run: RunId, name: str) -> None:
        if border is Border.RECORDED and name == step:
            raise Killed

    return hook
