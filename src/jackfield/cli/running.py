"""How a command runs: its settings, its door, and failures as exit codes."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING

from jackfield.cli.exits import CommandFailed, Exit
from jackfield.cli.telling import printable

if TYPE_CHECKING:
    from jackfield.cli.door import Door
    from jackfield.settings import Settings


def settings_of(data_dir: Path | None, **overrides: object) -> Settings:
    """The settings of this call; what cannot be used ends the command as its usage."""
    from jackfield.settings import SettingsError, load_settings

    try:
        return load_settings(overrides={"data_dir": data_dir, **overrides})
    except SettingsError as error:
        raise CommandFailed(str(error), Exit.USAGE) from None


def with_door(
    work: Callable[[Door], Awaitable[int]],
    data_dir: Path | None,
    *,
    tenant: str | None = None,
    acts: bool = True,
    makes: bool = False,
) -> int:
    """Do `work` at the installation's API and return its exit code; see `door.open_door`."""

    async def run() -> int:
        from jackfield.cli.door import about, open_door

        async with open_door(settings_of(data_dir), acts=acts, makes=makes) as door:
            return await work(about(door, tenant))

    return guarded(lambda: asyncio.run(run()))


def guarded(run: Callable[[], int]) -> int:
    """The exit code of `run`; a failure that the person can mend is a sentence, not a trace."""
    try:
        return run()
    except CommandFailed as error:
        return _failed(error, error.code)
    except BrokenPipeError:
        raise
    except Exception as error:
        # What has a next step is for the person; so is what the disk or the archive refuses.
        from jackfield.store.errors import StoreError

        if not hasattr(error, "next_step") and not isinstance(error, StoreError | OSError):
            raise
        return _failed(error)


def _failed(error: Exception | str, code: Exit = Exit.FAILED) -> int:
    print(printable(f"jackfield: {error}"), file=sys.stderr)
    return code


def usage(text: str) -> int:
    """Say why the arguments cannot be used."""
    return _failed(text, Exit.USAGE)


def read_file(path: Path) -> str:
    """The text of a file that was named on the command line; nothing in it is a mistake, too."""
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise CommandFailed(f"Cannot read {path}: it is no text in UTF-8.", Exit.USAGE) from None
    except OSError as error:
        why = error.strerror or str(error)
        raise CommandFailed(f"Cannot read {path}: {why}.", Exit.USAGE) from None
    if not text.strip():
        raise CommandFailed(f"Cannot use {path}: it is empty.", Exit.USAGE)
    return text
