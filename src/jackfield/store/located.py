"""A driver's complaint about the database becomes a sentence with a next step.

Only what an administrator can cure is translated; a statement of ours that is wrong stays what it
is.
"""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy import make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from jackfield.core.text import mask_passwords
from jackfield.store.errors import DatabaseUnusable

_SQLITE: dict[int, tuple[str, str]] = {
    sqlite3.SQLITE_BUSY: (
        "The database {place} is locked by another program.",
        "Stop the other program (a second Jackfield, a backup, a database browser) and try again.",
    ),
    sqlite3.SQLITE_READONLY: (
        "The database {place} or its folder is read-only.",
        "Give the user that runs Jackfield write access to the folder and every file in it.",
    ),
    sqlite3.SQLITE_CANTOPEN: (
        "The database {place} cannot be opened.",
        "Check that its folder exists and that the user that runs Jackfield may write there.",
    ),
    sqlite3.SQLITE_NOTADB: (
        "The file {place} is not an SQLite database.",
        "Name another file, or restore the database from a backup.",
    ),
    sqlite3.SQLITE_CORRUPT: (
        "The database {place} is damaged.",
        "Stop Jackfield, keep a copy of the file, and restore the database from a backup.",
    ),
    sqlite3.SQLITE_FULL: (
        "The disk that holds the database {place} is full.",
        "Free some space; Jackfield goes on by itself.",
    ),
    sqlite3.SQLITE_IOERR: (
        "The disk refused to read or write the database {place}.",
        "Check the disk; if it is a network share, move the file: SQLite cannot use one safely.",
    ),
    sqlite3.SQLITE_PERM: (
        "The database {place} may not be accessed.",
        "Give the user that runs Jackfield access to the folder and every file in it.",
    ),
}

_POSTGRESQL: dict[str, tuple[str, str]] = {
    "28": (
        "The database server {place} refused the user or password.",
        "Correct the database address.",
    ),
    "3D": (
        "The database server {place} has no such database.",
        "Create it, or correct the database address.",
    ),
    "42501": (
        "The user may not create or use tables in the database {place}.",
        "Make the user the owner of the database.",
    ),
    "25006": (
        "The database {place} is read-only (a standby server?).",
        "Name the primary server in the database address.",
    ),
    "53100": ("The disk of the database server {place} is full.", "Free some space on the server."),
    "53300": (
        "The database server {place} has no connection left.",
        "Raise its max_connections or stop other programs that use it.",
    ),
    "57P": (
        "The database server {place} is stopping or starting.",
        "Jackfield tries again by itself.",
    ),
    "08": (
        "The connection to the database server {place} was lost.",
        "Check the server and the network.",
    ),
    "XX001": ("The database {place} is damaged.", "Restore it from a backup."),
    "XX002": (
        "An index of the database {place} is damaged.",
        "Run REINDEX DATABASE on the server.",
    ),
}


@asynccontextmanager
async def located(url: str) -> AsyncIterator[None]:
    """Turn what the database complains of inside the block into `DatabaseUnusable`."""
    try:
        yield
    except DBAPIError as error:
        if (unusable := translate(url, error.orig)) is not None:
            raise unusable from error
        if error.connection_invalidated:
            what, next_step = _POSTGRESQL["08"]
            raise DatabaseUnusable(what.format(place=place_of(url)), next_step) from error
        raise
    except PoolTimeoutError as error:
        raise DatabaseUnusable(
            f"The database {place_of(url)} is so busy that nobody got a turn for a minute.",
            "Look at the disk's load and at the journal for a run that does not end.",
        ) from error


def silent(url: str, seconds: float) -> DatabaseUnusable:
    """A server that holds the connection and does not answer."""
    return DatabaseUnusable(
        f"The database server {place_of(url)} has not answered for {seconds:g} seconds.",
        "Check that it is not stopped, and what stands between it and Jackfield.",
    )


def place_of(url: str) -> str:
    """A database as an administrator knows it: the file, or the server without the password."""
    if url.startswith("sqlite:"):
        return str(make_url(url).database)
    return mask_passwords(url)


def translate(url: str, error: BaseException | None) -> DatabaseUnusable | None:
    """What a driver's error means for the administrator; None where it means nothing to them."""
    text = None
    cause = error
    while cause is not None and text is None:
        text = _known(url, cause)
        cause = cause.__cause__
    if text is None:
        return None
    what, next_step = text
    return DatabaseUnusable(what.format(place=place_of(url)), next_step)


def _known(url: str, error: BaseException) -> tuple[str, str] | None:
    if isinstance(error, sqlite3.Error):
        code = getattr(error, "sqlite_errorcode", None)
        return None if code is None else _SQLITE.get(code & 0xFF)
    state = getattr(error, "sqlstate", None)
    if isinstance(state, str):
        return next(
            (known for length in (5, 3, 2) if (known := _POSTGRESQL.get(state[:length]))), None
        )
    if isinstance(error, OSError) and not url.startswith("sqlite:"):
        return (
            f"The database server {{place}} does not answer ({error.strerror or error}).",
            "Check that it runs and that the database address is right.",
        )
    return None
