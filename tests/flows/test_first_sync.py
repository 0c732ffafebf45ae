"""The thin thread: people of Microsoft 365 stand as extensions in the phone system."""

from doubles.house import House
from jackfield.store.runs import RunStatus


async def test_people_become_extensions(house: House) -> None:
    """The product's main job, from connection to telephone numbers."""
    stage = house.raise_stage(people=60)
    await house.connect(stage)

    run = await house.sync(full=True)

    extensions = await house.extensions()
    assert run.status is RunStatus.DONE, run.text
    assert len(extensions) == len(await house.links()) > 30
    assert [one.number for one in extensions] == [str(100 + at) for at in range(len(extensions))]
    assert await house.pictured() == extensions


async def test_a_second_sync_finds_nothing_to_do(house: House) -> None:
    """Applying and planning again gives nothing to do."""
    await house.connect(house.raise_stage(people=60))
    await house.sync(full=True)

    again = await house.sync(full=True)
    preview = await house.sync(preview=True)

    assert again.text.startswith("Nothing to do")
    assert preview.counts["changes"] == 0
    assert (await house.plans())[0].total == 0
