"""Local accounts and tokens over time: the first password, growing delays, what ends a session."""

from datetime import timedelta

import pytest

from doubles.house import House
from doubles.passwords import QUICK
from jackfield.flows.signin import IDLE, LocalSignIn, SignedIn, SignInRefused, Viewer, delay_after
from jackfield.store.schema import INSTALLATION
from jackfield.store.tokens import create_token, revoke_token


@pytest.fixture
def signin(house: House) -> LocalSignIn:
    return LocalSignIn(house.database, house.clock, QUICK)


async def test_the_first_password_is_made_once(signin: LocalSignIn) -> None:
    """Shown at the first start, kept nowhere, and not replaced by the second."""
    password = await signin.ensure_owner()
    again = await signin.ensure_owner()

    assert password is not None
    assert again is None
    assert isinstance(await signin.sign_in("Admin", password, "::1"), SignedIn)


async def test_each_wrong_password_costs_twice_as_long(house: House, signin: LocalSignIn) -> None:
    """Four mistakes are human; from then on the wait doubles, for the right password too."""
    password = await signin.ensure_owner() or ""
    for _ in range(4):
        assert await signin.sign_in("admin", "wrong", "::1") == SignInRefused(
            "The name or the password is wrong."
        )
    waits = []
    for _ in range(4):
        await signin.sign_in("admin", "wrong", "::1")
        closed = await signin.sign_in("admin", password, "::1")
        assert isinstance(closed, SignInRefused)
        waits.append(closed.retry_after_s - 1)
        house.clock.advance(closed.retry_after_s)

    opened = await signin.sign_in("admin", password, "::1")
    forgotten = await signin.sign_in("admin", "wrong", "::1")

    assert waits == [1, 2, 4, 8]
    assert isinstance(opened, SignedIn)
    assert forgotten == SignInRefused("The name or the password is wrong.")


def test_the_delay_ends_at_a_quarter_of_an_hour() -> None:
    """Nobody is locked out of their own house for a day by a stranger."""
    delays = [delay_after(failures) for failures in range(40)]

    assert delays[:5] == [None] * 5
    assert delays[5] == timedelta(seconds=1)
    assert max(one for one in delays if one) == delays[-1] == timedelta(minutes=15)


async def test_a_session_ends_when_nobody_uses_it(house: House, signin: LocalSignIn) -> None:
    """Every look keeps it open; a night without one does not."""
    password = await signin.ensure_owner() or ""
    opened = await signin.sign_in("admin", password, "::1")
    assert isinstance(opened, SignedIn)
    for _ in range(3):
        house.clock.advance(IDLE.total_seconds() - 60)
        assert await signin.viewer(opened.cookie) == Viewer("admin", "administrator")

    house.clock.advance(IDLE.total_seconds() + 60)

    assert await signin.viewer(opened.cookie) is None


async def test_signing_out_ends_this_session_only(signin: LocalSignIn) -> None:
    """The telephone stays signed in when the computer signs out."""
    password = await signin.ensure_owner() or ""
    one = await signin.sign_in("admin", password, "::1")
    other = await signin.sign_in("admin", password, "::1")
    assert isinstance(one, SignedIn)
    assert isinstance(other, SignedIn)

    await signin.sign_out(one.cookie)

    assert await signin.viewer(one.cookie) is None
    assert await signin.viewer(other.cookie) is not None
    assert await signin.viewer("made-up") is None


async def test_a_token_opens_until_it_is_revoked(house: House, signin: LocalSignIn) -> None:
    """And says whose it is in everything that is done with it."""
    async with house.database.write() as tx:
        secret, token = await create_token(
            tx,
            INSTALLATION,
            name="monitoring",
            role="viewer",
            created_by="admin",
            now=house.clock.now(),
        )
    opened = await signin.token_viewer(secret)
    async with house.database.write() as tx:
        await revoke_token(tx, INSTALLATION, token.id, now=house.clock.now())

    assert opened == Viewer("token monitoring", "viewer")
    assert await signin.token_viewer(secret) is None
    assert await signin.token_viewer(secret[:-1]) is None
    assert await signin.token_viewer("") is None


async def test_the_command_line_is_called_by_its_name(house: House, signin: LocalSignIn) -> None:
    """A riddle in the journal else: "by token command line". A program is called a token."""
    async with house.database.write() as tx:
        secret, _ = await create_token(
            tx,
            INSTALLATION,
            name="command line",
            role="owner",
            created_by="Jackfield",
            now=house.clock.now(),
        )

    assert await signin.token_viewer(secret) == Viewer("command line", "owner")
