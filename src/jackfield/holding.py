"""Who works on a data folder: its locks, and the files that running servers leave for commands.

On SQLite one process holds the folder, and others are turned away by name. On PostgreSQL several
may share it: each holds a numbered lock of its own.
"""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from io import TextIOWrapper
from pathlib import Path

import msgspec

from jackfield.clock import Clock
from jackfield.settings import DATABASE_FILE, LOCK_FILE, SERVER_FILE, ServerFile

LOCK_TRIES = 4
LOCK_AGAIN_S = 0.05
NAMED = 3
_OURS = re.compile(
    r"jackfield.*"  # database, key file, settings file; backups, as the documents name them
    r"|(work|restored)\.db.*"
    r"|(lock|server)(-[0-9]+)?(\.json|\.new)?"
    r"|ca-[0-9]+\.pem"
    r"|demo-application\..*|tenant\.(json|part)"
    r"|lost\+found|\..*",
    re.DOTALL,
)
AT_ONCE = 64
"""More processes than this do not share a folder."""


class InUse(Exception):
    """Another process works on the data folder."""

    def __init__(self, what: str, holder: str) -> None:
        self.next_step = "Stop it first, or give this one a data folder of its own."
        super().__init__(f"{what} is in use by the process {holder}. {self.next_step}")


class NoFolder(Exception):
    """The data folder cannot be made or written."""

    def __init__(self, data_dir: Path, error: OSError) -> None:
        self.next_step = "Name another one with --data-dir, or change who owns what stands there."
        why = error.strerror or type(error).__name__
        super().__init__(f"The data folder {data_dir} cannot be used: {why}. {self.next_step}")


class ForeignFolder(Exception):
    """A first start would settle among files that are something else's."""

    def __init__(self, data_dir: Path, names: Sequence[str]) -> None:
        self.next_step = "Name an empty folder, or move them elsewhere."
        more = f" and {len(names) - NAMED:,} more" if len(names) > NAMED else ""
        super().__init__(
            f"The folder {data_dir} is no data folder of Jackfield, and other things are in it: "
            f"{', '.join(names[:NAMED])}{more}. Nothing was made there. {self.next_step}"
        )


def make_folder(data_dir: Path) -> None:
    """Make the data folder, for its owner alone, if it is not there yet. Raises `NoFolder`."""
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise NoFolder(data_dir, error) from error


def check_not_foreign(
    data_dir: Path, *, known_by: str = DATABASE_FILE, besides: Collection[Path] = ()
) -> None:
    """Raise `ForeignFolder` where an installation would begin among somebody else's files.

    A folder with the file `known_by` is an installation's, whatever else stands there. Not in the
    way: what Jackfield itself leaves (also where only the database is gone), hidden files (of the
    home of a service account), `lost+found` (of a volume), and the files `besides`.
    """
    try:
        if (data_dir / known_by).exists():
            return
        theirs = {one.resolve() for one in besides}
        names = sorted(one.name for one in data_dir.iterdir() if one.resolve() not in theirs)
    except OSError as error:
        raise NoFolder(data_dir, error) from error
    if foreign := [name for name in names if not _OURS.fullmatch(name)]:
        raise ForeignFolder(data_dir, foreign)


@dataclass(frozen=True, slots=True)
class Place:
    """One of the places that a folder has for processes; the first has the plain names."""

    data_dir: Path
    number: int

    @property
    def lock_file(self) -> Path:
        return self._numbered(LOCK_FILE)

    @property
    def server_file(self) -> Path:
        """Where a server leaves its address and token."""
        return self._numbered(SERVER_FILE)

    @property
    def holder(self) -> int | None:
        """The process that holds the place. Numbers of processes alone are used again."""
        try:
            with self.lock_file.open(encoding="utf-8") as lock:
                try:
                    fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
                except BlockingIOError:
                    holder = lock.read().strip()
                    return int(holder) if holder.isdecimal() else None
        except OSError:
            return None
        return None

    def leave(self, file: ServerFile) -> None:
        """Leave the address and token of the server that holds the place, for its owner's eyes."""
        beside = self.server_file.with_suffix(".new")
        beside.unlink(missing_ok=True)
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as out:
            out.write(msgspec.json.encode(file))
        beside.replace(self.server_file)

    def _numbered(self, name: str) -> Path:
        path = self.data_dir / name
        return path if self.number == 1 else path.with_stem(f"{path.stem}-{self.number}")


@dataclass(frozen=True, slots=True)
class Held:
    """A place that this process holds; close it to leave."""

    place: Place
    lock: TextIOWrapper

    def close(self) -> None:
        self.lock.close()


async def take_place(data_dir: Path, clock: Clock, *, shared: bool) -> Held:
    """Hold a place in the data folder; only with `shared` there is more than one.

    Raises `InUse` and `NoFolder`.
    """
    for number in range(1, AT_ONCE + 1 if shared else 2):
        place = Place(data_dir, number)
        lock = await _take_lock(place, clock)
        if lock is not None:
            return Held(place, lock)
    holder = Place(data_dir, 1).holder
    raise InUse(f"The data folder {data_dir}", str(holder or "of unknown number"))


def places(data_dir: Path) -> Iterator[Place]:
    """The places of a folder that somebody has held at some time."""
    for number in range(1, AT_ONCE + 1):
        place = Place(data_dir, number)
        if not place.lock_file.exists():
            return
        yield place


async def _take_lock(place: Place, clock: Clock) -> TextIOWrapper | None:
    try:
        file = place.lock_file.open("a+", encoding="utf-8")
    except OSError as error:
        raise NoFolder(place.data_dir, error) from error
    for tries in range(LOCK_TRIES):
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            # Somebody may only be looking whether it is held: that takes microseconds.
            if tries + 1 < LOCK_TRIES:
                await clock.sleep(LOCK_AGAIN_S)
                continue
            file.close()
            return None
        break
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()
    return file
