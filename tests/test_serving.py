"""What the server does with its socket."""

from __future__ import annotations

import asyncio
import socket
from contextlib import closing
from pathlib import Path

import pytest

from jackfield.serving import CannotListen, listen
from jackfield.settings import Settings


async def test_answers_leave_at_once(tmp_path: Path) -> None:
    """An answer of two packets does not wait 40 ms for the client to acknowledge the first."""
    bound = listen(Settings(data_dir=tmp_path, listen="127.0.0.1:0"))
    sends_at_once = asyncio.get_running_loop().create_future()

    def accepted(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        near = writer.get_extra_info("socket")
        sends_at_once.set_result(near.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        writer.close()

    async with await asyncio.start_server(accepted, sock=bound):
        _, far = await asyncio.open_connection(*bound.getsockname())
        answer = await sends_at_once
        far.close()

    assert answer


def test_of_two_that_start_at_one_address_one_is_told(tmp_path: Path) -> None:
    """Both may bind it before the first one listens: that must not end in a stack trace."""
    with closing(socket.socket()) as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", 0))
        settings = Settings(data_dir=tmp_path, listen=f"127.0.0.1:{other.getsockname()[1]}")
        first = listen(settings)

        with closing(first), pytest.raises(CannotListen, match="cannot listen on"):
            listen(settings)
