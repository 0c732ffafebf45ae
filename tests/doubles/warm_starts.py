"""Processes that start warm: forked from one that has imported the product already.

A start of the product is a second of imports and a third of a second of work; a test that is about
processes needs the process, its sockets and its death, not the imports. Run as a program this file
is the one who forks; `start` asks it. Each has a session, an environment and an exit code of its
own, and runs `python -m MODULE` from its first line, as the others do.
"""

from __future__ import annotations

import atexit
import gc
import json
import os
import runpy
import selectors
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

_MODULES = (
    "asyncpg",
    "jackfield.app",
    "jackfield.backups",
    "jackfield.cli.door",
    "jackfield.cli.doctor",
    "jackfield.serving",
    "m365_emulator.server",
    "uvicorn",
)
"""What most starts import first; whatever else one needs it imports itself."""
_LARGEST = 1 << 20
_LOOK_S = 0.01


class WarmProcess:
    """What a test uses of `subprocess.Popen`, of a process that is somebody else's child."""

    def __init__(self, mother: _Mother, pid: int) -> None:
        self._mother = mother
        self.pid = pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Its exit code, or minus the signal that ended it; None while it lives."""
        if self.returncode is None:
            self.returncode = self._mother.ended(self.pid)
        return self.returncode

    def wait(self, timeout: float = 60.0) -> int:
        """Its exit code, once it has ended."""
        deadline = time.monotonic() + timeout
        while (code := self.poll()) is None:
            if time.monotonic() > deadline:
                raise subprocess.TimeoutExpired(f"process {self.pid}", timeout)
            time.sleep(_LOOK_S)
        return code

    def send_signal(self, number: int) -> None:
        """As `subprocess.Popen`: nothing happens to who has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


class _Mother:
    """The process that forks, as its asker sees it: one for each process of the tests."""

    def __init__(self) -> None:
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._codes: dict[int, int] = {}
        self._born: list[int] = []
        self._turn = threading.Lock()
        with theirs:
            command = [sys.executable, __file__, str(theirs.fileno())]
            fds = [theirs.fileno()]
            self._popen = subprocess.Popen(command, pass_fds=fds, start_new_session=True)
        atexit.register(self._close)

    def start(
        self,
        module: str,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        folder: Path,
        fds: list[int],
    ) -> WarmProcess:
        asked = {"module": module, "arguments": arguments, "folder": str(folder)}
        asked["environment"] = dict(environment)
        with self._turn:
            socket.send_fds(self._socket, [json.dumps(asked).encode()], fds)
            while not self._born:
                self._hear(socket.MSG_WAITALL)
            return WarmProcess(self, self._born.pop())

    def ended(self, pid: int) -> int | None:
        with self._turn:
            while pid not in self._codes and self._hear(socket.MSG_DONTWAIT):
                pass
            return self._codes.get(pid)

    def _hear(self, how: int) -> bool:
        try:
            told = self._socket.recv(_LARGEST, how)
        except BlockingIOError:
            return False
        assert told, "the process that forks the others has ended"
        pid, code = json.loads(told)
        if code is None:
            self._born.append(pid)
        else:
            self._codes[pid] = code
        return True

    def _close(self) -> None:
        self._socket.close()
        self._popen.wait(10)


_mothers: dict[int, _Mother] = {}


def start(
    module: str,
    arguments: Sequence[str],
    *,
    environment: Mapping[str, str],
    folder: Path,
    stdin: int,
    stdout: int,
    stderr: int,
) -> WarmProcess:
    """`python -m MODULE ARGUMENTS` in this folder, with these files as its first three."""
    mother = _mothers.get(os.getpid())
    if mother is None:
        mother = _mothers[os.getpid()] = _Mother()
    return mother.start(module, arguments, environment, folder, [stdin, stdout, stderr])


# --- who forks ----------------------------------------------------------------------------------


def _mother(asker: socket.socket) -> dict[str, list[str]] | None:
    """Fork for whoever asks until they go; in a child, what it is to run."""
    for module in _MODULES:
        __import__(module)
    gc.collect()
    gc.freeze()
    children: dict[int, int] = {}
    with selectors.DefaultSelector() as ready:
        ready.register(asker, selectors.EVENT_READ)
        while True:
            for key, _ in ready.select():
                if key.fd != asker.fileno():
                    pid = children.pop(key.fd)
                    ready.unregister(key.fd)
                    os.close(key.fd)
                    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
                    asker.send(json.dumps([pid, code]).encode())
                    continue
                told, fds, _, _ = socket.recv_fds(asker, _LARGEST, 3)
                if not told:
                    return None
                pid = os.fork()
                if not pid:
                    for at, fd in enumerate(fds):
                        os.dup2(fd, at)
                    os.closerange(3, max(*fds, *children, ready.fileno(), asker.fileno()) + 1)
                    return json.loads(told)
                for fd in fds:
                    os.close(fd)
                pidfd = os.pidfd_open(pid)
                children[pidfd] = pid
                ready.register(pidfd, selectors.EVENT_READ)
                asker.send(json.dumps([pid, None]).encode())


def _main() -> None:
    asker = socket.socket(fileno=int(sys.argv[1]))
    sys.path[0] = ""  # as `python -m` has it, not the folder of this file
    task = _mother(asker)
    if task is None:
        return
    os.setsid()
    os.chdir(task["folder"])
    os.environ.clear()
    os.environ.update(task["environment"])
    sys.argv[1:] = task["arguments"]
    runpy.run_module(task["module"], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    _main()
