"""`python -m jackfield`: the door from the operating system's side."""

from jackfield.cli.main import main

if __name__ == "__main__":
    raise SystemExit(main())
