"""The core's tests bear the ids of the rules they show: `@rule("U-07")` says which."""

import pytest


@pytest.fixture(autouse=True)
def rule(request: pytest.FixtureRequest) -> str | None:
    """The rule that a test shows, if it says one."""
    return getattr(request, "param", None)
