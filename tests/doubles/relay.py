"""A wire that a test can cut: passes bytes to a server, holds them back, or refuses to connect.

Lives in a thread of its own, so that it goes on while a test waits for a process.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

WAIT_S = 0.05


class Relay:
    """Listens on 127.0.0.1:`port`. Make it with `relayed`."""

    def __init__(self, family: int, target: Any) -> None:
        self._family, self._target = family, target
        self._listener = self._listening(0)
        self.port: int = self._listener.getsockname()[1]
        self._flowing = threading.Event()
        self._flowing.set()
        self.felt = threading.Event()
        """Somebody has run into the last `hold` or `refuse`: a byte waits, a connection broke."""
        self._ended = threading.Event()
        self._open: set[socket.socket] = set()
        self._swallowed: set[socket.socket] = set()

    def swallow(self) -> None:
        """Take what comes over the connections there are and pass on nothing, as a box in between
        does that has forgotten them; new ones are well.
        """
        self.felt.clear()
        self._swallowed |= self._open

    def hold(self) -> None:
        """From now on whoever asks waits for ever: no byte passes, connections are accepted."""
        self.felt.clear()
        self._flowing.clear()

    def refuse(self) -> None:
        """Break every connection and refuse new ones."""
        self.felt.clear()
        self._listener.close()
        for one in list(self._open):
            _break(one)
            self.felt.set()

    def mend(self) -> None:
        """All is well again."""
        if self._listener.fileno() < 0:
            self._listener = self._listening(self.port)
        self._flowing.set()

    def close(self) -> None:
        self._ended.set()
        self._flowing.set()
        self.refuse()

    def run(self) -> None:
        while not self._ended.is_set():
            try:
                near, _ = self._listener.accept()
            except OSError:
                self._ended.wait(WAIT_S)
                continue
            near.settimeout(None)
            threading.Thread(target=self._join, args=(near,), daemon=True).start()

    def _listening(self, port: int) -> socket.socket:
        listener = socket.create_server(("127.0.0.1", port))
        listener.settimeout(WAIT_S)
        return listener

    def _join(self, near: socket.socket) -> None:
        self._open.add(near)
        self._wait()
        far = socket.socket(self._family)
        self._open.add(far)
        try:
            far.connect(self._target)
            other = threading.Thread(target=self._pass, args=(far, near), daemon=True)
            other.start()
            self._pass(near, far)
            other.join()
        except OSError:
            pass
        finally:
            for one in (near, far):
                self._open.discard(one)
                self._swallowed.discard(one)
                one.close()

    def _wait(self) -> None:
        if not self._flowing.is_set():
            self.felt.set()
            self._flowing.wait()

    def _pass(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                if source in self._swallowed:
                    self.felt.set()
                    continue
                self._wait()
                sink.sendall(data)
        for one in (source, sink):
            _break(one)


def _break(one: socket.socket) -> None:
    with suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)


@contextmanager
def relayed(family: int, target: Any) -> Iterator[Relay]:
    """A wire to a server: `socket.AF_INET` and its address, or `socket.AF_UNIX` and its path."""
    relay = Relay(family, target)
    thread = threading.Thread(target=relay.run, daemon=True)
    thread.start()
    try:
        yield relay
    finally:
        relay.close()
        thread.join()
