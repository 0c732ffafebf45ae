"""What is killed: a first sync, the carrying out of a plan, a look at photos; on both databases."""

import asyncio
from collections.abc import Iterator

import pytest

from doubles.processes import Stage, running_stage
from doubles.scenes import (
    Databases,
    Scene,
    approve_the_plan,
    ask_for_photos,
    ask_for_sync,
    undisturbed,
)

PEOPLE = 2000
WITH_FACES = 300
ON_DEMAND = {"delta_interval_s": 0}


@pytest.fixture(scope="module")
def company() -> Iterator[Stage]:
    """The tenant that every installation reads."""
    with running_stage(people=PEOPLE, seed=11) as stage:
        yield stage


@pytest.fixture(
    scope="module",
    params=[
        pytest.param("sqlite", id="sqlite"),
        pytest.param("postgres", id="postgres", marks=pytest.mark.postgres),
    ],
)
def databases(request: pytest.FixtureRequest) -> Databases:
    """Each of the two kinds."""
    if request.param == "sqlite":
        return Databases(None)
    return Databases(request.getfixturevalue("postgres_server"))


@pytest.fixture(scope="module")
def first_sync(
    databases: Databases, company: Stage, tmp_path_factory: pytest.TempPathFactory
) -> Scene:
    """Connected, and nothing has been read yet."""
    folder = tmp_path_factory.mktemp("first")
    model = databases.installation(folder / "model")

    async def prepare() -> None:
        with model.serving() as server:
            assert (await model.connect(company, "--no-sync")).code == 0
            await server.choose(rules={"departments": {"source": "all", "groups": []}})
            await server.choose(enabled=True, schedule=ON_DEMAND, photos=False)
            await server.process.stop()

    asyncio.run(prepare())
    return undisturbed(databases, model, ask_for_sync, folder / "undisturbed")


@pytest.fixture(scope="module")
def approved_plan(
    databases: Databases, company: Stage, tmp_path_factory: pytest.TempPathFactory
) -> Scene:
    """Everybody is read, and the plan waits for an administrator."""
    folder = tmp_path_factory.mktemp("plan")
    model = databases.installation(folder / "model")

    async def prepare() -> None:
        with model.serving() as server:
            assert (await model.connect(company, "--no-sync")).code == 0
            await server.choose(rules={"departments": {"source": "all", "groups": []}})
            await server.choose(enabled=True, approve="by_hand", schedule=ON_DEMAND, photos=False)
            run = await server.api("POST", "/people/sync", {"full": True})
            assert (await server.run_ended(run["id"]))["status"] == "done"
            await server.process.stop()

    asyncio.run(prepare())
    return undisturbed(databases, model, approve_the_plan, folder / "undisturbed")


@pytest.fixture(scope="module")
def office() -> Iterator[Stage]:
    """A smaller tenant, for a photo takes longer than a person."""
    with running_stage(people=WITH_FACES, seed=12) as stage:
        yield stage


@pytest.fixture(scope="module")
def look_at_photos(
    databases: Databases, office: Stage, tmp_path_factory: pytest.TempPathFactory
) -> Scene:
    """Everybody has an extension, and nobody's photo has been looked at."""
    folder = tmp_path_factory.mktemp("photos")
    model = databases.installation(folder / "model")

    async def prepare() -> None:
        with model.serving() as server:
            assert (await model.connect(office, "--no-sync")).code == 0
            await server.choose(schedule=ON_DEMAND, photos=False)
            run = await server.api("POST", "/people/sync", {"full": True})
            assert (await server.run_ended(run["id"]))["status"] == "done"
            await server.process.stop()

    asyncio.run(prepare())
    return undisturbed(databases, model, ask_for_photos, folder / "undisturbed")
