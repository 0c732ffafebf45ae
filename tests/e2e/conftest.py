"""A stage for a whole module, and an installation per test: real processes over real sockets."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from doubles.processes import Installation, Stage, running_stage


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    """A small emulated tenant; its module's tests share its people."""
    with running_stage(people=60) as running:
        yield running


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    """An empty data folder on SQLite; nothing runs yet."""
    return Installation(tmp_path)
