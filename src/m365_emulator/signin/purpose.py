"""What somebody signs in for, and the question of consent that comes with it.

`steps.py` leads the person; each way in brings its own purpose and gets its answer by it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from starlette.requests import Request
from starlette.responses import Response

from m365_emulator.apps import Application
from m365_emulator.entra_errors import EntraError
from m365_emulator.resources import User
from m365_emulator.signin import consent
from m365_emulator.signin.state import Proof


class Purpose(Protocol):
    """Why somebody is asked to sign in."""

    app_id: str
    way: str
    username: str
    forms_to: tuple[str, ...]
    by_device: bool
    assigned_only: bool
    """Whether an application that demands an assignment demands it here."""

    def question(self, user: User) -> "Question | None":
        """What must be consented to before it can be finished; None when nothing."""

    def accept(self, user: User, *, for_everybody: bool) -> None:
        """The person has consented."""

    def finish(self, request: Request, proof: Proof, user: User) -> Response:
        """All is well."""

    def refuse(self, request: Request, error: EntraError) -> Response:
        """The person has cancelled or declined."""


@dataclass(frozen=True, slots=True)
class Question:
    """A consent page: scopes, roles, and whether this person may answer it at all."""

    scopes: tuple[str, ...] = ()
    told: tuple[str, ...] = ()
    allowed: bool = True
    for_everybody_only: bool = False


def allowed_question(
    application: Application,
    user: User,
    scopes: Iterable[str],
    directory_roles: frozenset[str],
    *,
    users_may: bool,
) -> Question | None:
    """The consent that is missing for these scopes; None when everything is granted."""
    lacking = consent.missing(application, user.id, scopes)
    if not lacking:
        return None
    allowed = consent.may_consent(lacking, directory_roles, users_may=users_may)
    return Question(lacking, allowed=allowed)
