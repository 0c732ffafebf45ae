"""What `jackfield sync photos` says: the figures, and whose photo is no use, with the next step."""

import asyncio
import json
from typing import Any

import pytest

from jackfield.cli.door import Answer
from jackfield.cli.exits import Exit
from jackfield.cli.showing import end_photos

RUN = {"id": "7", "status": "done", "text": "Looked at the photo of 2 people: 2 set as avatar."}


def photo(upn: str, because: str) -> dict[str, str]:
    return {"person": "p1", "upn": upn, "because": because, "next_step": "Set another."}


class Door:
    """Some photos that cannot be avatars, and none that could not be read."""

    async def ask(self, _method: str, path: str, _body: object = None) -> Answer:
        if "unusable" not in path:
            return Answer(200, {"photos": [], "next": None})
        found = [photo("ada@contoso.example", "It is no picture."), photo("", "It is damaged.")]
        return Answer(200, {"photos": found, "next": "p9"})


def end(run: dict[str, Any], *, json: bool = False) -> int:
    return asyncio.run(end_photos(Door(), run, json=json))  # type: ignore[arg-type]


def test_whose_photo_is_no_use_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    """Otherwise a figure would leave the administrator searching."""
    assert end(RUN) == Exit.DONE

    assert capsys.readouterr().out.splitlines() == [
        "Looked at the photo of 2 people: 2 set as avatar.",
        "  cannot be an avatar: ada@contoso.example: It is no picture. Set another.",
        "  cannot be an avatar: p1: It is damaged. Set another.",
        "  ... and more: GET /api/v1/photos?status=unusable",
    ]


def test_a_run_that_failed_says_why_and_nothing_more(capsys: pytest.CaptureFixture[str]) -> None:
    """What stands of earlier looks is not what went wrong now."""
    assert end({**RUN, "status": "failed", "text": "Microsoft is away."}) == Exit.FAILED

    assert capsys.readouterr().out == "Microsoft is away.\n"


def test_a_script_gets_the_run(capsys: pytest.CaptureFixture[str]) -> None:
    """One document."""
    assert end(RUN, json=True) == Exit.DONE

    assert json.loads(capsys.readouterr().out) == RUN
