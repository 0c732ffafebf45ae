"""What a tenant may be called, and which tenant a name or number means."""

from __future__ import annotations

from collections.abc import Sequence

LONGEST_NAME = 100


class NameRefused(ValueError):
    """A tenant cannot be called so; the text says why."""


def parse_tenant_name(typed: str) -> str:
    """A tenant's name as it is kept: 1 to 100 printable characters in one line, not digits alone.

    Raises `NameRefused`.
    """
    name = " ".join(typed.split())
    if len(name) > LONGEST_NAME:
        raise NameRefused(
            f"The name has {len(name):,} characters; a tenant's has at most {LONGEST_NAME}."
        )
    if not name or not name.isprintable():
        raise NameRefused(f"A tenant's name has 1 to {LONGEST_NAME} characters, in one line.")
    if name.isdigit():
        raise NameRefused("A tenant's name needs a letter: digits alone stand for its number.")
    return name


def which_tenant(given: str, known: Sequence[tuple[int, str]]) -> int | None:
    """The number of the tenant that `given` means, of (number, name) pairs; None = none of them.

    A number comes first, whatever somebody is called, for no tenant chooses its own.
    """
    for number, _ in known:
        if given == str(number):
            return number
    folded = given.casefold()
    return next((number for number, name in known if name.casefold() == folded), None)
