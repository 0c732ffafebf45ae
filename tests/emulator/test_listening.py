"""The stage's ports."""

import asyncio
import socket

from m365_emulator.listening import bind, port_of


async def test_an_answer_is_sent_at_once() -> None:
    """Else its second half waits 40 ms for the client, in each of a sync's hundred calls."""
    sends_at_once: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def met(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        near = writer.get_extra_info("socket")
        sends_at_once.set_result(near.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        writer.close()

    bound = bind("127.0.0.1", 0)
    async with await asyncio.start_server(met, sock=bound):
        _, writer = await asyncio.open_connection("127.0.0.1", port_of(bound))
        assert await sends_at_once
        writer.close()
