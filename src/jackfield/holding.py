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


async def take_lock(data_dir: Path, clock: Clock) -> TextIOWrapper:
    """Hold the data folder for this process. Raises `InUse`."""
    file = (data_dir / LOCK_FILE).open("a+", encoding="utf-8")
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
