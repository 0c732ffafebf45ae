"""`python -m jackfield`: the door from the operating system's side."""


def main() -> int:
    """Run the command line and return its exit code."""
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
