"""One process at a time: who holds the data folder, and who is turned away by name."""

from __future__ import annotations

import fcntl
import os
from io import TextIOWrapper
from pathlib import Path

from jackfield.clock import Clock
from jackfield.settings import LOCK_FILE

LOCK_TRIES = 4
LOCK_AGAIN_S = 0.05


class InUse(Exception):
    """Another process works on the data folder or the database."""

    def __init__(self, what: str, holder: str) -> None:
        self.next_step = "Stop it first, or give this one a data folder or database of its own."
        super().__init__(f"{what} is in use by the process {holder}. {self.next_step}")


class NoFolder(Exception):
    """The data folder cannot be made or written."""

    def __init__(self, data_dir: Path, error: OSError) -> None:
        self.next_step = "Name another one with --data-dir, or change who owns what stands there."
        why = error.strerror or type(error).__name__
        super().__init__(f"The data folder {data_dir} cannot be used: {why}. {self.next_step}")


def make_folder(data_dir: Path) -> None:
    """Make the data folder, for its owner alone, if it is not there yet. Raises `NoFolder`."""
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise NoFolder(data_dir, error) from error


async def take_lock(data_dir: Path, clock: Clock) -> TextIOWrapper:
    """Hold the data folder for this process. Raises `InUse` and `NoFolder`."""
    try:
        file = (data_dir / LOCK_FILE).open("a+", encoding="utf-8")
    except OSError as error:
        raise NoFolder(data_dir, error) from error
    for tries in range(LOCK_TRIES):
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            # Somebody may only be looking whether it is held: that takes microseconds.
            if tries + 1 < LOCK_TRIES:
                await clock.sleep(LOCK_AGAIN_S)
                continue
            file.seek(0)
            holder = file.read().strip() or "of unknown number"
            file.close()
            raise InUse(f"The data folder {data_dir}", holder) from None
        break
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()
    return file


def holder_of(data_dir: Path) -> int | None:
    """The process that holds the folder's lock. Numbers of processes alone are used again."""
    try:
        with (data_dir / LOCK_FILE).open(encoding="utf-8") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                holder = lock.read().strip()
                return int(holder) if holder.isdecimal() else None
    except OSError:
        return None
    return None
