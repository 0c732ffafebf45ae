"""What only DBOS can break: its database, its threads, its log, its record."""

import asyncio
import logging
import sqlite3
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from jackfield.durable import Durable, Lane, NotRunningError, Run, RunFailedError, StepFailedError

LANE = Lane("lane", poll=0.02, concurrency=8)


class Pages:
    """Many flows of many short steps: at any moment some step is in flight."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.done: Counter[str] = Counter()
        self.failures: list[str] = []
        self.busy = asyncio.Event()

    async def walk(self, run: Run, tenant: str) -> int:
        for number in range(self.count):
            try:
                await run.step("page", self._page, tenant, number)
            except Exception as error:
                self.failures.append(repr(error))
            await run.progress(number + 1, self.count)
        return self.count

    async def _page(self, tenant: str, number: int) -> int:
        await asyncio.sleep(0)
        self.done[f"{tenant}/{number}"] += 1
        if len(self.done) > 5 * 8:
            self.busy.set()
        return number


def _file(database_url: str) -> Path:
    return Path(str(sa.make_url(database_url).database)).with_name("work.db")


def _is_sqlite(database_url: str) -> bool:
    return database_url.startswith("sqlite")


async def test_a_stop_under_running_flows_repeats_nothing_and_complains_of_nothing(
    dbos_workshop, caplog
):
    """A restart in the working day is no incident: no error line, no failed person, no repeat."""
    pages = Pages(30)
    first = dbos_workshop.runner(patient=True)
    first.define("walk", dbos_workshop.lane, pages.walk)
    await first.start()
    runs = [await first.enqueue("walk", f"t{n}", key=f"t{n}") for n in range(8)]
    await dbos_workshop.soon(pages.busy.wait())

    await first.stop()
    done_at_stop = sum(pages.done.values())
    second = dbos_workshop.runner()
    second.define("walk", dbos_workshop.lane, pages.walk)
    await second.start()
    for run in runs:
        assert await dbos_workshop.soon(second.wait(run)) == 30

    assert done_at_stop < 8 * 30, "the stop came too late to show anything"
    assert set(pages.done.values()) == {1}
    assert len(pages.done) == 8 * 30
    assert pages.failures == []
    assert [r for r in caplog.records if r.levelno >= logging.WARNING] == []


async def test_a_cancel_is_no_incident_either(dbos_workshop, caplog):
    """What an administrator asked for is not logged as an error of the runner."""
    reached, go_on, left = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def hold() -> None:
        reached.set()
        await go_on.wait()

    async def flow(run: Run) -> None:
        try:
            await run.step("hold", hold)
        finally:
            left.set()

    runner = dbos_workshop.runner(patient=True)
    runner.define("flow", dbos_workshop.lane, flow)
    await runner.start()
    await runner.enqueue("flow", key="tenant")
    await dbos_workshop.soon(reached.wait())
    await runner.cancel("flow", "tenant")
    go_on.set()
    await dbos_workshop.soon(left.wait())
    await runner.stop()

    assert [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING] == []


async def test_a_failed_flow_is_logged_once_with_its_cause(dbos_workshop, caplog):
    """The run's text goes to the console; the traceback must be findable in the log."""

    async def stumble() -> None:
        raise LookupError("no such tenant")

    async def flow(run: Run) -> None:
        await run.step("stumble", stumble)

    runner = dbos_workshop.runner()
    runner.define("flow", dbos_workshop.lane, flow)
    await runner.start()
    with pytest.raises(RunFailedError):
        await dbos_workshop.soon(runner.wait(await runner.enqueue("flow")))
    await runner.stop()

    errors = [r for r in caplog.records if r.levelno >= logging.ERROR]
    assert len(errors) == 1
    assert errors[0].exc_text or errors[0].exc_info
    chain = []
    cause: BaseException | None = errors[0].exc_info[1]
    while cause is not None:
        chain.append(type(cause).__name__)
        cause = cause.__cause__
    assert chain == ["RunFailedError", "StepFailedError", "LookupError"]


async def test_the_log_stays_one_stream(tmp_path):
    """DBOS would print text lines among our JSON, and advertise a hosted console."""
    before = list(logging.getLogger("dbos").filters)
    runner = Durable(f"sqlite:///{tmp_path / 'jackfield.db'}", "slot-1", (LANE,))

    await runner.start()
    log = logging.getLogger("dbos")
    streams = [h for h in log.handlers if isinstance(h, logging.StreamHandler)]
    level = log.level
    await runner.stop()

    assert [h for h in streams if h.name == "__dbos_console_log_handler__"] == []
    assert level == logging.WARNING
    assert log.filters == before


async def test_its_tables_may_be_deleted_while_nothing_runs(dbos_workshop):
    """Our rows are the truth: losing the runner's record costs repeated work and nothing else."""
    pages = Pages(3)
    url = dbos_workshop.database_url
    first = dbos_workshop.runner()
    first.define("walk", dbos_workshop.lane, pages.walk)
    await first.start()
    await dbos_workshop.soon(first.wait(await first.enqueue("walk", "t0", key="t0")))
    await first.stop()

    if _is_sqlite(url):
        _file(url).unlink()
    else:
        engine = sa.create_engine(sa.make_url(url).set(drivername="postgresql+psycopg"))
        with engine.begin() as connection:
            connection.execute(sa.text("DROP SCHEMA dbos CASCADE"))
        engine.dispose()
    second = dbos_workshop.runner()
    second.define("walk", dbos_workshop.lane, pages.walk)
    await second.start()
    again = await second.enqueue("walk", "t0", key="t0")

    assert await dbos_workshop.soon(second.wait(again)) == 3
    assert set(pages.done.values()) == {2}


async def test_a_log_left_behind_by_a_deleted_work_db_is_not_taken_for_its_own(tmp_path):
    """Who deletes `work.db` after a crash seldom thinks of its log, which would come alive."""
    old = sqlite3.connect(tmp_path / "work.db")
    old.execute("PRAGMA journal_mode=WAL")
    old.execute("CREATE TABLE ghost (x)")
    old.commit()
    wal = (tmp_path / "work.db-wal").read_bytes()
    old.close()
    (tmp_path / "work.db").unlink()
    (tmp_path / "work.db-wal").write_bytes(wal)
    runner = Durable(f"sqlite:///{tmp_path / 'jackfield.db'}", "slot-1", (LANE,))

    await runner.start()
    await runner.stop()

    with sqlite3.connect(tmp_path / "work.db") as new:
        tables = {name for (name,) in new.execute("SELECT name FROM sqlite_master")}
        mode = new.execute("PRAGMA journal_mode").fetchone()
    new.close()
    assert "workflow_status" in tables
    assert "ghost" not in tables
    assert mode == ("wal",)


async def test_the_record_is_plain_json_and_keeps_no_secrets_of_exceptions(dbos_workshop):
    """Pickle in a database runs code for whoever can write there; a token in it stays for weeks."""

    class RefusedError(Exception):
        details = "secret-token"

    async def refuse() -> None:
        raise RefusedError("refused")

    async def flow(run: Run, _argument: Any) -> None:
        try:
            await run.step("refuse", refuse)
        except StepFailedError:
            await run.step("refuse again", refuse)

    runner = dbos_workshop.runner()
    runner.define("flow", dbos_workshop.lane, flow)
    await runner.start()
    with pytest.raises(RunFailedError):
        await dbos_workshop.soon(runner.wait(await runner.enqueue("flow", {"tenant": "t0"})))
    await runner.stop()

    recorded = _everything_in(dbos_workshop.database_url)
    assert '"tenant":"t0"' in recorded
    assert "RefusedError" in recorded
    assert "secret-token" not in recorded
    assert "py_pickle" not in recorded


def _everything_in(database_url: str) -> str:
    if _is_sqlite(database_url):
        engine = sa.create_engine(f"sqlite:///{_file(database_url)}")
        schema = None
    else:
        engine = sa.create_engine(sa.make_url(database_url).set(drivername="postgresql+psycopg"))
        schema = "dbos"
    metadata = sa.MetaData(schema=schema)
    metadata.reflect(engine)
    with engine.connect() as connection:
        everything = "\n".join(
            str(tuple(row))
            for table in metadata.sorted_tables
            for row in connection.execute(sa.select(table))
        )
    engine.dispose()
    return everything


async def test_a_start_that_failed_is_told_and_may_be_tried_again(tmp_path):
    """The database may be down when the machine comes up; the product must not need a restart."""
    folder = tmp_path / "later"
    runner = Durable(f"sqlite:///{folder / 'jackfield.db'}", "slot-1", (LANE,))
    pages = Pages(1)
    runner.define("walk", LANE, pages.walk)

    with pytest.raises(sqlite3.OperationalError):
        await runner.start()
    with pytest.raises(NotRunningError) as refused:
        await runner.enqueue("walk", "t0")
    folder.mkdir()
    await runner.start()
    result = await runner.wait(await runner.enqueue("walk", "t0"), 30)
    await runner.stop()

    assert isinstance(refused.value.__cause__, sqlite3.OperationalError)
    assert result == 1


async def test_a_run_whose_record_broke_is_taken_up_again(tmp_path):
    """A full disk for a minute must not leave a tenant unsynced until the next restart."""
    pages = Pages(6)
    reached, broken, cut_off = asyncio.Event(), asyncio.Event(), asyncio.Event()
    work_db = tmp_path / "work.db"

    async def gate() -> None:
        reached.set()
        await broken.wait()

    async def flow(run: Run) -> int:
        await pages.walk(run, "t0")
        try:
            await run.step("gate", gate)
        except asyncio.CancelledError:
            cut_off.set()
            raise
        return await pages.walk(run, "t1")

    runner = Durable(f"sqlite:///{tmp_path / 'jackfield.db'}", "slot-1", (LANE,), mend_each_s=0.1)
    runner.define("flow", LANE, flow)
    await runner.start()
    run = await runner.enqueue("flow", key="tenant")
    await reached.wait()
    with sqlite3.connect(work_db) as trouble:
        trouble.execute(
            "CREATE TRIGGER trouble BEFORE INSERT ON operation_outputs"
            " BEGIN SELECT RAISE(ABORT, 'the disk is full'); END"
        )
    broken.set()
    await cut_off.wait()
    held = await runner.enqueue("flow", key="tenant")
    trouble.execute("DROP TRIGGER trouble")
    trouble.close()
    result = await runner.wait(run, 30)
    await runner.stop()

    assert result == 6
    assert held == run
    assert pages.failures == []
    assert set(pages.done.values()) == {1}


@pytest.mark.postgres
async def test_a_database_that_goes_away_is_waited_for(postgres_server):
    """PostgreSQL is restarted now and then: runs pause, no flow takes it for its own failure."""
    database_url = postgres_server("outage")
    engine = sa.create_engine(sa.make_url(database_url).set(drivername="postgresql+psycopg"))
    pages = Pages(20)
    runner = Durable(database_url, "slot-1", (LANE,))
    runner.define("walk", LANE, pages.walk)
    await runner.start()
    runs = [await runner.enqueue("walk", f"t{n}") for n in range(8)]
    await pages.busy.wait()

    with engine.begin() as connection:
        connection.execute(
            sa.text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        )
    engine.dispose()
    results = [await runner.wait(run, 60) for run in runs]
    await runner.stop()

    assert results == [20] * 8
    assert pages.failures == []
    assert len(pages.done) == 8 * 20
    assert max(pages.done.values()) <= 2


async def test_threads_still_serve_the_loop_after_a_stop(tmp_path):
    """DBOS makes its pool the loop's own and then shuts it; who stops later still needs one."""
    runner = Durable(f"sqlite:///{tmp_path / 'jackfield.db'}", "slot-1", (LANE,))
    await runner.start()
    await runner.stop()

    assert await asyncio.to_thread(lambda: 42) == 42


async def test_only_one_runner_is_at_work_in_a_process(tmp_path):
    """DBOS is one per process: a second one would silently work on the first one's database."""
    first = Durable(f"sqlite:///{tmp_path / 'jackfield.db'}", "slot-1", (LANE,))
    second = Durable(f"sqlite:///{tmp_path / 'other.db'}", "slot-1", (LANE,))
    await first.start()

    with pytest.raises(RuntimeError, match="another runner is at work"):
        await second.start()
    await first.stop()
    await second.start()
    await second.stop()


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        pytest.param("sqlite://", "in a file, not in memory", id="memory"),
        pytest.param("sqlite:///:memory:", "in a file, not in memory", id="named_memory"),
        pytest.param("sqlite:////tmp/work.db", "cannot be named work.db", id="same_file"),
    ],
)
async def test_a_database_that_cannot_hold_work_is_refused(url, complaint):
    """Durable work in memory would be a promise nobody keeps."""
    with pytest.raises(ValueError, match=complaint):
        await Durable(url, "slot-1", (LANE,)).start()


def test_the_heavy_library_is_only_imported_by_a_start():
    """`jackfield --help` answers in 0.3 s; dbos alone costs twice that."""
    program = (
        "import sys, jackfield.durable\n"
        "heavy = {'dbos', 'sqlalchemy', 'croniter'} & set(sys.modules)\n"
        "raise SystemExit(f'imported: {heavy}' if heavy else 0)"
    )

    answer = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )

    assert answer.returncode == 0, answer.stderr
