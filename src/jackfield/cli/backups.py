"""Commands that copy an installation away and put it back; the work is in `jackfield.backups`."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from jackfield.cli.arguments import DataDir, File, Json
from jackfield.cli.exits import Exit
from jackfield.cli.running import guarded, settings_of
from jackfield.cli.telling import say

if TYPE_CHECKING:
    from jackfield.backups import Restored

MEGABYTE = 1_000_000


def backup(
    file: File, *, replace: bool = False, data_dir: DataDir = None, json: Json = False
) -> int:
    """Copy the database into one file, whether the server runs or not.

    Example: jackfield backup monday.db

    Parameters
    ----------
    file
        Where to; the file appears whole or not at all.
    replace
        Replace a file that stands there.
    """

    def run() -> int:
        from jackfield.backups import back_up
        from jackfield.settings import KEY_FILE

        settings = settings_of(data_dir)
        size = back_up(settings, file, replace=replace)
        key_file = settings.data_dir.resolve() / KEY_FILE
        answer = {"file": str(file.resolve()), "bytes": size, "key_file": str(key_file)}
        say(answer, json, lambda: _backed_up_text(answer))
        return Exit.DONE

    return guarded(run)


def restore(
    file: File,
    *,
    key_file: File | None = None,
    forget_secrets: bool = False,
    replace: bool = False,
    data_dir: DataDir = None,
    json: Json = False,
) -> int:
    """Put a backup into the data folder, while no server runs there.

    Example: jackfield restore monday.db --data-dir empty

    Parameters
    ----------
    file
        What `jackfield backup` has written.
    key_file
        The key file of its day, where it is not in the data folder already.
    forget_secrets
        Where that key file is lost: do without the stored credentials, and connect again.
    replace
        Set the database aside that stands there.
    """

    def run() -> int:
        from jackfield.backups import restore as put_back
        from jackfield.clock import SystemClock

        settings = settings_of(data_dir)
        restored = asyncio.run(
            put_back(
                settings,
                file,
                SystemClock(),
                key_file=key_file,
                forget_secrets=forget_secrets,
                replace=replace,
            )
        )
        answer = {
            "data_dir": str(settings.data_dir.resolve()),
            "people": restored.people,
            "linked": restored.linked,
            "until": restored.until and restored.until.isoformat(),
            "kept": restored.kept and str(restored.kept),
        }
        say(answer, json, lambda: _restored_text(answer, restored, forgotten=forget_secrets))
        return Exit.DONE

    return guarded(run)


def _backed_up_text(answer: dict[str, object]) -> str:
    size = int(str(answer["bytes"])) / MEGABYTE
    return (
        f"The database is in {answer['file']} ({size:,.1f} MB).\n"
        f"Its secrets need the key file {answer['key_file']}, which is not in it: keep a copy of"
        " that one too, in another place."
    )


def _restored_text(answer: dict[str, object], restored: Restored, *, forgotten: bool) -> str:
    until = (
        "" if restored.until is None else f", as of {restored.until.astimezone():%Y-%m-%d %H:%M:%S}"
    )
    have = f"{restored.people:,} people, {restored.linked:,} with an extension"
    lines = [f"Restored into {answer['data_dir']}: {have}{until}."]
    if restored.kept is not None:
        lines.append(f"What stood there is kept as {restored.kept}.")
    if forgotten:
        lines.append("Its secrets are forgotten: connect Microsoft 365 again (jackfield connect).")
    lines.append("Everybody signs in again. API tokens that were revoked since are valid again.")
    return "\n".join(lines)
