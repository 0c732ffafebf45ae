"""The exit codes of every command, and the error that carries one. `docs/cli.md` lists them."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """What a command's exit code says."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    REFUSED = 3
    """A guard of the plan refused; an administrator has to look and release it."""


class CommandFailed(Exception):
    """The command could not do its work; the text is for the person at the keyboard."""

    def __init__(self, text: str, code: Exit = Exit.FAILED) -> None:
        super().__init__(text)
        self.code = code


class NoAnswer(CommandFailed):
    """A server that runs does not answer: whatever else would be asked would fail as well."""
