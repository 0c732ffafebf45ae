"""Signing in with a password: what a guesser is told, and how soon they are slowed down."""

import asyncio

from argon2 import extract_parameters
from argon2.profiles import RFC_9106_LOW_MEMORY

from doubles.house import House
from doubles.passwords import QUICK
from jackfield.flows.signin import OWNER, LocalSignIn, SignedIn, SignInRefused
from jackfield.store.accounts import load_account


async def test_a_right_password_opens_a_session_and_a_reset_ends_it(house: House) -> None:
    """Whoever resets a password wants everybody out who knew the old one."""
    door = LocalSignIn(house.database, house.clock, QUICK)
    password = await door.ensure_owner()
    assert password is not None

    signed_in = await door.sign_in(OWNER, password, "127.0.0.1")

    assert isinstance(signed_in, SignedIn)
    viewer = await door.viewer(signed_in.cookie)
    assert viewer is not None
    assert viewer.name == OWNER
    assert await door.ensure_owner() is None
    await door.reset_password(OWNER, by=OWNER)
    assert await door.viewer(signed_in.cookie) is None


async def test_wrong_passwords_are_slowed_down_whether_the_name_exists_or_not(
    house: House,
) -> None:
    """A different answer for names that exist would tell which ones are worth guessing."""
    door = LocalSignIn(house.database, house.clock, QUICK)
    await door.ensure_owner()

    answers = {
        name: [await door.sign_in(name, "wrong", "127.0.0.1") for _ in range(7)]
        for name in (OWNER, "nobody")
    }

    assert answers[OWNER] == answers["nobody"]
    last = answers[OWNER][-1]
    assert isinstance(last, SignInRefused)
    assert last.retry_after_s > 0
    house.clock.advance(last.retry_after_s)
    after = await door.sign_in(OWNER, "wrong", "127.0.0.1")
    assert isinstance(after, SignInRefused)
    assert after.retry_after_s == 0


async def test_a_stranger_cannot_close_the_door_to_the_one_who_has_the_key(house: House) -> None:
    """A wrong password each quarter of an hour would keep the only administrator out for ever."""
    door = LocalSignIn(house.database, house.clock, QUICK)
    password = await door.ensure_owner()
    assert password is not None

    strangers = [await door.sign_in(OWNER, "wrong", "192.0.2.66") for _ in range(9)]
    owner = await door.sign_in(OWNER, password, "192.0.2.7")
    again = await door.sign_in(OWNER, password, "192.0.2.66")

    assert all(isinstance(one, SignInRefused) for one in strangers)
    assert isinstance(owner, SignedIn)
    assert isinstance(again, SignInRefused)
    assert again.text.startswith("Too many wrong passwords. Try again in")


async def test_a_new_password_opens_the_door_that_wrong_ones_had_closed(house: House) -> None:
    """Whoever has forgotten theirs has tried a few."""
    door = LocalSignIn(house.database, house.clock, QUICK)
    await door.ensure_owner()
    for _ in range(9):
        await door.sign_in(OWNER, "wrong", "127.0.0.1")

    password = await door.reset_password(OWNER, by=OWNER)

    assert isinstance(await door.sign_in(OWNER, password, "127.0.0.1"), SignedIn)


async def test_many_passwords_tried_at_once_count_one_by_one(house: House) -> None:
    """Nobody gets fifty guesses for the price of one by sending them together."""
    door = LocalSignIn(house.database, house.clock, QUICK)
    password = await door.ensure_owner()
    assert password is not None

    guesses = ["wrong"] * 7 + [password]
    answers = await asyncio.gather(*(door.sign_in(OWNER, one, "127.0.0.1") for one in guesses))

    assert all(isinstance(one, SignInRefused) for one in answers)


async def test_a_password_costs_what_the_standard_recommends(house: House) -> None:
    """Whoever steals the database should guess slowly; a sign-in renews what was hashed cheaply.

    The cost of an unknown name is the same, or the clock would tell who has an account.
    """
    password = await LocalSignIn(house.database, house.clock, QUICK).ensure_owner()
    assert password is not None
    door = LocalSignIn(house.database, house.clock)

    await door.sign_in(OWNER, password, "127.0.0.1")

    async with house.database.read() as tx:
        account = await load_account(tx, OWNER)
    assert account is not None
    assert extract_parameters(account.password_hash) == RFC_9106_LOW_MEMORY
    assert extract_parameters(door._dummy) == RFC_9106_LOW_MEMORY
    assert isinstance(await door.sign_in(OWNER, password, "127.0.0.1"), SignedIn)
