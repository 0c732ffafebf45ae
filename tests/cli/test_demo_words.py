"""What `jackfield demo` says once it can be used, and a command whose server has gone away."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from jackfield.cli.demo import welcome
from jackfield.cli.door import RunningServer
from jackfield.cli.exits import NoAnswer
from jackfield.settings import ServerFile


@pytest.mark.parametrize("password", ["secret", None], ids=["new", "kept"])
def test_the_demo_says_how_to_try_the_command_line(password: str | None) -> None:
    """A throwaway folder that nobody names cannot be looked at."""
    said = welcome("Done.", console="http://c", tenant="http://t", password=password, data=DATA)

    assert "jackfield doctor --data-dir '/tmp/my demo'" in said
    assert ("the emulated tenant begins anew" in said) is (password is None)
    assert ("reset-password --data-dir '/tmp/my demo'" in said) is (password is None)


DATA = Path("/tmp/my demo")


async def test_a_server_that_goes_away_is_told_in_words() -> None:
    """The name of a class is no word for an administrator."""

    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.abort()

    async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        door = RunningServer(ServerFile(url, "token", os.getpid()))
        with pytest.raises(NoAnswer) as cut:
            await door.ask("GET", "/status")
    with pytest.raises(NoAnswer) as nobody:
        await door.ask("GET", "/status")

    assert str(cut.value).endswith(
        "does not answer: the connection broke off; it was stopped, or its process has died."
    )
    assert str(nobody.value).endswith("does not answer: nobody takes calls there.")
