"""A real process, really killed: nothing is lost, and only the step in flight is done again."""

import contextlib
import itertools
import random
import signal
import subprocess
import sys
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from jackfield.durable.work_database import open_work_database

pytestmark = pytest.mark.kill9

WORKER = Path(__file__).with_name("worker.py")
PATIENCE_S = 60
PAGES = 30


class Told:
    """What the processes said, one after the other or side by side."""

    def __init__(self) -> None:
        self.did: Counter[tuple[str, int]] = Counter()
        self.finished: Counter[str] = Counter()
        self.adopted: list[int] = []
        self.warned: list[str] = []

    def hear(self, line: str) -> str:
        match line.split():
            case ["did", account, number]:
                self.did[account, int(number)] += 1
            case ["finished", account]:
                self.finished[account] += 1
            case ["adopted", count]:
                self.adopted.append(int(count))
            case ["warned", *words]:
                self.warned.append(" ".join(words))
        return line.strip()

    def repeated(self) -> Counter[str]:
        """Per account: deeds done more than once."""
        return Counter(
            account for (account, _n), times in self.did.items() for _ in range(times - 1)
        )


class Worker:
    """One process; its lines are heard one by one, so that a kill falls where a test wants it."""

    def __init__(
        self, told: Told, url: str, executor: str, *accounts: str, hang_at: int = -1
    ) -> None:
        self._told = told
        self._process = subprocess.Popen(
            [sys.executable, str(WORKER), url, executor, str(PAGES), str(hang_at), *accounts],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )

    def lines(self) -> Iterator[str]:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            yield self._told.hear(line)

    def hear_until(self, wanted: Callable[[], bool]) -> None:
        for _line in self.lines():
            if wanted():
                return
        pytest.fail(f"the process ended too soon: {self._process.wait()}")

    def say(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")

    def kill(self) -> None:
        """kill -9; what it still said before it died counts."""
        self._process.kill()
        for _line in self.lines():
            pass
        self._process.wait(PATIENCE_S)

    def freeze(self) -> None:
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    def stop(self) -> int:
        self.say("stop")
        for _line in self.lines():
            pass
        return self._process.wait(PATIENCE_S)

    def close(self) -> None:
        self._process.kill()
        self._process.wait(PATIENCE_S)
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def employ(told: Told, database_url: str) -> Iterator[Callable[..., Worker]]:
    workers: list[Worker] = []

    def hire(executor: str, *accounts: str, hang_at: int = -1) -> Worker:
        workers.append(Worker(told, database_url, executor, *accounts, hang_at=hang_at))
        return workers[-1]

    yield hire
    for worker in workers:
        worker.close()


def test_killed_three_times_in_the_middle_nothing_is_lost(
    employ: Callable[..., Worker], told: Told, rng: random.Random
) -> None:
    """A power cut during the first sync must cost seconds, not people."""
    accounts = ["a", "b", "c", "d"]
    kills = 3

    for life in range(kills):
        worker = employ("slot-1", *accounts if life == 0 else ())
        deaths = sum(told.did.values()) + rng.randint(5, 25)
        worker.hear_until(lambda deaths=deaths: sum(told.did.values()) >= deaths)
        worker.kill()
    survivor = employ("slot-1")
    survivor.hear_until(lambda: len(told.finished) == len(accounts))
    code = survivor.stop()

    assert code == 0
    assert set(told.did) == set(itertools.product(accounts, range(PAGES)))
    assert all(told.repeated()[account] <= kills for account in accounts)
    assert max(told.did.values()) <= 2 + kills
    assert told.warned == []


def test_a_stopped_process_repeats_nothing(employ: Callable[..., Worker], told: Told) -> None:
    """An orderly restart is not a crash: no deed twice."""
    accounts = ["a", "b", "c", "d"]
    codes = []

    for life in range(3):
        worker = employ("slot-1", *accounts if life == 0 else ())
        enough = sum(told.did.values()) + 15
        worker.hear_until(lambda enough=enough: sum(told.did.values()) >= enough)
        codes.append(worker.stop())
    last = employ("slot-1")
    last.hear_until(lambda: len(told.finished) == len(accounts))
    codes.append(last.stop())

    assert codes == [0, 0, 0, 0]
    assert set(told.did) == set(itertools.product(accounts, range(PAGES)))
    assert set(told.did.values()) == {1}
    assert set(told.finished.values()) == {1}
    assert told.warned == []


on_postgres = pytest.mark.parametrize(
    "database_url", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True
)


@on_postgres
def test_a_survivor_adopts_what_a_killed_process_had_begun(
    employ: Callable[..., Worker], told: Told
) -> None:
    """With two processes on one PostgreSQL, the death of one is a pause for its tenants."""
    accounts = ["a", "b", "c", "d", "e", "f"]
    doomed = employ("slot-1", *accounts, hang_at=7)
    doomed.hear_until(lambda: all(told.did[account, 7] for account in accounts))
    heir = employ("slot-2")
    heir.hear_until(lambda: True)
    doomed.kill()

    heir.say("adopt slot-1")
    heir.hear_until(lambda: len(told.finished) == len(accounts))
    heir.say("adopt slot-1")
    code = heir.stop()

    assert code == 0
    assert told.adopted == [len(accounts), 0]
    assert set(told.did) == set(itertools.product(accounts, range(PAGES)))
    assert {page: told.did["a", page] for page in range(PAGES)} == dict.fromkeys(
        range(PAGES), 1
    ) | {7: 2}
    assert set(told.repeated().values()) == {1}
    assert told.warned == []


@on_postgres
def test_a_process_that_wakes_after_its_runs_were_adopted_finishes_none_of_them(
    employ: Callable[..., Worker], told: Told
) -> None:
    """A machine that was only asleep must not go on with what another has taken over."""
    accounts = ["a", "b", "c", "d"]
    sleeper = employ("slot-1", *accounts)
    sleeper.hear_until(lambda: all(told.did[account, 3] for account in accounts))
    sleeper.freeze()

    heir = employ("slot-2")
    heir.hear_until(lambda: True)
    heir.say("adopt slot-1")
    heir.hear_until(lambda: len(told.finished) == len(accounts))
    sleeper.thaw()
    codes = [sleeper.stop(), heir.stop()]

    assert codes == [0, 0]
    assert told.adopted == [len(accounts)]
    assert told.finished == Counter(accounts)
    assert set(told.did) == set(itertools.product(accounts, range(PAGES)))
    # Frozen inside a transaction it finds its session ended, which is what frees its rows.
    assert [line for line in told.warned if "server closed the connection" not in line] == []


@pytest.mark.postgres
def test_a_runner_that_is_stopped_inside_a_transaction_holds_nobody_up(
    postgres_server: Callable[[str], str],
) -> None:
    """Its peers take its runs over within ten seconds, and need the rows that it had locked."""
    url = postgres_server(f"d{uuid.uuid4().hex}")
    stopped, peer = open_work_database(url), open_work_database(url)
    try:
        with peer.engine.begin() as connection:
            connection.execute(sa.text("CREATE TABLE run (id INTEGER PRIMARY KEY)"))
            connection.execute(sa.text("INSERT INTO run VALUES (1)"))
        held = stopped.engine.connect()
        held.execute(sa.text("UPDATE run SET id = 2"))

        with peer.engine.begin() as connection:
            connection.execute(sa.text("SET LOCAL lock_timeout = '8s'"))
            taken = connection.execute(sa.text("UPDATE run SET id = 3")).rowcount

        held.invalidate()
    finally:
        stopped.close()
        peer.close()
    assert taken == 1
