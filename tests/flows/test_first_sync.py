"""The thin thread: people of Microsoft 365 stand as extensions in the phone system."""

import asyncio

import pytest

from doubles.house import House
from jackfield.store.links import count_links
from jackfield.store.people import count_people
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


async def test_small_writes_come_between_the_people_of_a_page(house: House) -> None:
    """Whoever saves a form during a large sync waits for a stretch of it; nothing else differs."""
    if not house.database.sqlite:
        pytest.skip("not on PostgreSQL: its writers work side by side")
    await house.connect(house.raise_stage(people=260))
    found: set[tuple[int, int]] = set()

    async def write_on() -> None:
        while True:
            async with house.database.write() as tx:
                people = (await count_people(tx, 1)).present
                found.add((people, (await count_links(tx, 1)).linked))

    writing = asyncio.create_task(write_on())
    run = await house.sync(full=True)
    writing.cancel()
    again = await house.sync(full=True)

    extensions = await house.extensions()
    assert run.status is RunStatus.DONE, run.text
    assert len(extensions) == len(await house.links()) > 110
    assert await house.pictured() == extensions
    assert again.text.startswith("Nothing to do")
    assert any(0 < people < 260 for people, _ in found)
    assert any(0 < linked < len(extensions) for _, linked in found)
