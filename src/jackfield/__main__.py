"""`python -m jackfield`: the door from the operating system's side."""

import gc
import io
import os
import signal
import sys

from jackfield.cli import main as commands


def main() -> int:
    """Run one command; its exit code."""
    # Modules and types come by ten thousands and stay; to look for cycles among them at every 700th
    # new object, as Python does unasked, is a sixth of each start.
    gc.set_threshold(20_000, 10, 10)
    os.umask(0o077)  # what is written is about people, and for our own user alone
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # names come in every script
    try:
        code = commands.main()
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever reads has seen enough (`jackfield runs | head`): nothing more goes there.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE
    # What is left goes with the process: a last search for cycles takes a third of a second.
    gc.freeze()
    return code


if __name__ == "__main__":
    raise SystemExit(main())
