"""`python -m jackfield`: the door from the operating system's side."""

import gc

from jackfield.cli import main as commands


def main() -> int:
    """Run one command; its exit code."""
    code = commands.main()
    # What is left goes with the process: a last search for cycles takes a third of a second.
    gc.freeze()
    return code


if __name__ == "__main__":
    raise SystemExit(main())
