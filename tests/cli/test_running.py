"""Files that are named on the command line: what is wrong with one is said in words."""

from pathlib import Path

import pytest

from jackfield.cli.exits import CommandFailed, Exit
from jackfield.cli.running import read_file


def test_a_missing_file_is_said_without_python(tmp_path: Path) -> None:
    """Its name once, and why."""
    missing = tmp_path / "missing.txt"

    with pytest.raises(CommandFailed) as refused:
        read_file(missing)

    assert str(refused.value) == f"Cannot read {missing}: No such file or directory."
    assert refused.value.code is Exit.USAGE


def test_a_file_that_is_no_text_is_said_so(tmp_path: Path) -> None:
    """Somebody gave the PFX instead of the PEM."""
    binary = tmp_path / "certificate.pfx"
    binary.write_bytes(b"\xb8\x00")

    with pytest.raises(CommandFailed, match="it is no text in UTF-8"):
        read_file(binary)


@pytest.mark.parametrize("content", ["", " \n"], ids=["nothing", "white_space"])
def test_an_empty_file_is_a_mistake_like_a_missing_one(tmp_path: Path, content: str) -> None:
    """A secret that was never pasted; Entra need not be asked about it."""
    empty = tmp_path / "secret.txt"
    empty.write_text(content)

    with pytest.raises(CommandFailed, match="it is empty") as refused:
        read_file(empty)

    assert refused.value.code is Exit.USAGE
