"""Local accounts: who has one, passwords, the delay after wrong ones, and sessions.

Passwords are hashed with argon2id in a thread, two at a time, so that a flood of attempts neither
blocks the loop nor eats the memory. Signing in with Microsoft joins this file with its own issue.
"""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache
from typing import TypeVar

import msgspec
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from jackfield.clock import Clock
from jackfield.core.journal_kinds import LineKind
from jackfield.store.accounts import (
    Account,
    count_accounts,
    list_accounts,
    load_account,
    remove_account,
    renew_hash,
    save_account,
)
from jackfield.store.database import Database
from jackfield.store.journal import Line, append_lines
from jackfield.store.schema import INSTALLATION
from jackfield.store.sequences import next_change
from jackfield.store.sessions import SessionStore, end_sessions, owned_by_account
from jackfield.store.tenants import load_tenants
from jackfield.store.tokens import find_token, note_use, use_is_stale
from jackfield.store.transaction import Transaction
from jackfield.store.wrong_passwords import (
    Tries,
    forget_all_tries,
    forget_tries,
    load_tries,
    save_tries,
    tried_by,
)

IDLE = timedelta(hours=8)
OWNER = "admin"
FREE_ATTEMPTS = 4
"""Wrong passwords without a delay; then it doubles from one second up to `LONGEST_DELAY`."""
LONGEST_DELAY = timedelta(minutes=15)
T = TypeVar("T")
_HASHER = PasswordHasher()
LONGEST_NAME = 100
_NAME = re.compile(r"[^\W_][\w .+@-]*")
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who looks: a signed-in browser or the bearer of a token."""

    name: str
    role: str
    tenant: int = INSTALLATION
    """The tenant that is all they see; 0 = the whole installation."""

    @property
    def sees_all(self) -> bool:
        return self.tenant == INSTALLATION


@dataclass(frozen=True, slots=True)
class SignedIn:
    """The cookie's value for a browser that has just signed in."""

    cookie: str
    name: str


@dataclass(frozen=True, slots=True)
class SignInRefused:
    """Why nobody was signed in, in words for the person at the keyboard."""

    text: str
    retry_after_s: int = 0


class AccountRole(StrEnum):
    """What somebody with a local account may do."""

    ADMINISTRATOR = "administrator"
    VIEWER = "viewer"
    """Looks and changes nothing."""


class AccountRefused(Exception):
    """It was not done; the text says why."""


class UnusableAccount(AccountRefused):
    """No account can be called so."""


class NoSuchAccount(AccountRefused):
    """There is no account of that name (any more)."""


class _Kept(msgspec.Struct, frozen=True):
    """What a session remembers."""

    name: str
    role: str
    generation: int


class LocalSignIn:
    """Local accounts and their sessions.

    Passwords are hashed as `hasher` says, by default at the cost that argon2-cffi recommends
    (RFC 9106, section 4: 64 MiB, 3 passes, 4 lanes); older hashes are renewed at a sign-in.
    """

    def __init__(self, database: Database, clock: Clock, hasher: PasswordHasher = _HASHER) -> None:
        self._database = database
        self._clock = clock
        self._sessions = SessionStore(database, clock)
        self._hasher = hasher
        self._two_at_a_time = asyncio.Semaphore(2)
        self._dummy = _hash_of_nobody(self._hasher)

    async def ensure_owner(self) -> str | None:
        """Make the first administrator and return the password, which is kept nowhere.

        None where there is an account already.
        """
        async with self._database.read() as tx:
            if await count_accounts(tx):
                return None
        password, hashed = await self._new_password()
        async with self._database.write() as tx:
            # Another process may start at the same moment: the second one finds the account.
            await next_change(tx, INSTALLATION)
            if await count_accounts(tx):
                return None
            await self._save_password(tx, OWNER, hashed, by="")
        return password

    async def reset_password(self, name: str, *, by: str) -> str:
        """A new password for an account (made where there is none); its sessions are over.

        The journal says `by` whom.
        """
        password, hashed = await self._new_password()
        async with self._database.write() as tx:
            await self._save_password(tx, name, hashed, by=by)
        return password

    async def make_account(
        self, name: str, role: AccountRole, of_tenant: int, *, by: str
    ) -> tuple[Account, str]:
        """A new local account and its password, which is kept nowhere.

        `of_tenant` 0: the whole installation. Raises `AccountRefused`.
        """
        name = _usable(name)
        now = self._clock.now()
        password, hashed = await self._new_password()
        async with self._database.write() as tx:
            # One after the other, so that of two with one name one is refused.
            await next_change(tx, INSTALLATION)
            if await load_account(tx, name) is not None:
                raise AccountRefused(f"There is a local account {name} already; take another name.")
            whole = await _what_it_sees(tx, of_tenant)
            await save_account(tx, name, hashed, now=now, role=role, of_tenant=of_tenant)
            # Of an earlier account of that name.
            await end_sessions(tx, [owned_by_account(name)])
            text = f"The local account {name} was made ({role} of {whole})."
            line = Line(LineKind.ACCOUNT_MADE, text, name=name, by=by)
            await append_lines(tx, INSTALLATION, [line], now=now)
        return Account(name, hashed, role, 1, now, of_tenant), password

    async def remove_account(self, name: str, *, by: str) -> None:
        """Remove a local account; its sessions are over, tokens that it made stay.

        Raises `AccountRefused`.
        """
        async with self._database.write() as tx:
            await next_change(tx, INSTALLATION)
            known = {one.name: one for one in await list_accounts(tx)}
            account = known.get(name.strip().casefold())
            if account is None:
                raise NoSuchAccount(f"There is no local account {name[:LONGEST_NAME]!r}.")
            others = [one for one in known.values() if one != account]
            if _runs_all(account) and not any(map(_runs_all, others)):
                raise AccountRefused(
                    f"{account.name} is the last local administrator of the installation; without"
                    " one nobody could let anybody in. Make another one first."
                )
            await remove_account(tx, account.name)
            await end_sessions(tx, [owned_by_account(account.name)])
            text = f"The local account {account.name} was removed."
            line = Line(LineKind.ACCOUNT_REMOVED, text, name=account.name, by=by)
            await append_lines(tx, INSTALLATION, [line], now=self._clock.now())

    async def _new_password(self) -> tuple[str, str]:
        password = "-".join("".join(secrets.choice(_LETTERS) for _ in range(5)) for _ in range(4))
        hashed = await self._in_thread(self._hasher.hash, password)
        return password, hashed

    async def _save_password(self, tx: Transaction, name: str, hashed: str, *, by: str) -> None:
        now = self._clock.now()
        await save_account(tx, name, hashed, now=now)
        await end_sessions(tx, [owned_by_account(name)])
        await forget_all_tries(tx)
        line = Line(
            LineKind.ACCOUNT_PASSWORD, f"A new password was made for {name}.", name=name, by=by
        )
        await append_lines(tx, INSTALLATION, [line], now=now)

    async def sign_in(self, name: str, password: str, address: str) -> SignedIn | SignInRefused:
        """Check a password.

        The answer for an unknown name is that for a wrong password, now and after more of them, and
        takes as long. Wrong ones close the name for the network they come from, and for no other.
        """
        name = name[:200].casefold()
        who = tried_by(name, address)
        # The whole attempt inside: of many passwords tried at once two are looked at together.
        async with self._two_at_a_time:
            async with self._database.read() as tx:
                account = await load_account(tx, name)
                tries = await load_tries(tx, who, now=self._clock.now())
            if closed := self._closed(tries):
                return closed
            hashed = self._dummy if account is None else account.password_hash
            good = await asyncio.to_thread(self._verify, hashed, password[:1000])
            if account is None or not good:
                await self._note_failure(who, None if account is None else name, address)
                return SignInRefused("The name or the password is wrong.")
        now = self._clock.now()
        fresh = None
        if self._hasher.check_needs_rehash(hashed):
            fresh = await self._in_thread(self._hasher.hash, password)
        async with self._database.write() as tx:
            await forget_tries(tx, who)
            if fresh is not None:
                await renew_hash(tx, account.name, fresh)
            text = f"{account.name} signed in from {address}."
            line = Line(LineKind.ACCOUNT_SIGNED_IN, text, name=account.name, by=account.name)
            await append_lines(tx, INSTALLATION, [line], now=now)
        # Always a new value: one that the browser brought along is never taken over.
        cookie = secrets.token_urlsafe(32)
        kept = _Kept(account.name, account.role, account.generation)
        await self._sessions.set(
            cookie, msgspec.json.encode(kept), IDLE, owner=owned_by_account(account.name)
        )
        return SignedIn(cookie, account.name)

    def _closed(self, tries: Tries) -> SignInRefused | None:
        now = self._clock.now()
        if tries.locked_until is None or now >= tries.locked_until:
            return None
        wait = int((tries.locked_until - now).total_seconds()) + 1
        seconds = "1 second" if wait == 1 else f"{wait} seconds"
        return SignInRefused(f"Too many wrong passwords. Try again in {seconds}.", wait)

    async def _note_failure(self, who: str, account: str | None, address: str) -> None:
        now = self._clock.now()
        async with self._database.write() as tx:
            # One after the other, also those that other processes count.
            await next_change(tx, INSTALLATION)
            failed = (await load_tries(tx, who, now=now)).failed + 1
            await save_tries(tx, who, Tries(failed, _locked(failed, now)), now=now)
            if account is not None:
                text = f"Wrong password for {account} from {address}."
                line = Line(LineKind.ACCOUNT_REFUSED, text, name=account)
                await append_lines(tx, INSTALLATION, [line], now=now)

    async def viewer(self, cookie: str, *, renew: bool = True) -> Viewer | None:
        """Who a session cookie belongs to; None if the session is over.

        Without `renew` the visit does not count: a page that brings itself up to date.
        """
        raw = await self._sessions.get(cookie, renew_for=IDLE if renew else None)
        if raw is None:
            return None
        kept = msgspec.json.decode(raw, type=_Kept)
        async with self._database.read() as tx:
            account = await load_account(tx, kept.name)
        if account is None or account.generation != kept.generation:
            return None
        return Viewer(account.name, account.role, account.of_tenant)

    async def sign_out(self, cookie: str) -> None:
        """End one session."""
        await self._sessions.delete(cookie)

    async def token_viewer(self, secret: str) -> Viewer | None:
        """Who an API token stands for; None if it opens nothing."""
        now = self._clock.now()
        async with self._database.read() as tx:
            token = await find_token(tx, secret, now=now)
        if token is None:
            return None
        if use_is_stale(token, now=now):
            async with self._database.write() as tx:
                await note_use(tx, token.tenant, token.id, now=now)
        # Only commands on this machine have a token of the owner, and they need no other word.
        name = token.name if token.role == "owner" else f"token {token.name}"
        return Viewer(name, token.role, token.tenant)

    async def _in_thread(self, work: Callable[..., T], *args: str) -> T:

        async with self._two_at_a_time:
            return await asyncio.to_thread(work, *args)

    def _verify(self, hashed: str, password: str) -> bool:
        try:
            return self._hasher.verify(hashed, password)
        except (VerificationError, InvalidHashError):
            return False


@cache
def _hash_of_nobody(hasher: PasswordHasher) -> str:
    """What an unknown name's password is checked against: made once, for it costs its time."""
    return hasher.hash(secrets.token_urlsafe(16))


def _usable(name: str) -> str:
    """A name as it is kept: in one case, with what an address of the API may hold."""
    name = " ".join(name.split()).casefold()
    if len(name) > LONGEST_NAME:
        raise UnusableAccount(
            f"The name has {len(name):,} characters; an account's has at most {LONGEST_NAME}."
        )
    if not _NAME.fullmatch(name):
        raise UnusableAccount(
            "An account's name is made of letters, digits, spaces and . _ + - @, and begins with a"
            " letter or digit."
        )
    return name


async def _what_it_sees(tx: Transaction, of_tenant: int) -> str:
    if of_tenant == INSTALLATION:
        return "the whole installation"
    for one in await load_tenants(tx):
        if one.number == of_tenant:
            return f"tenant {of_tenant}, “{one.name}”"
    raise AccountRefused(f"There is no tenant {of_tenant}; nothing was made.")


def _runs_all(account: Account) -> bool:
    return account.role == AccountRole.ADMINISTRATOR and account.of_tenant == INSTALLATION


def _locked(failures: int, now: datetime) -> datetime | None:
    delay = delay_after(failures)
    return now + delay if delay else None


def delay_after(failures: int) -> timedelta | None:
    """How long a name is closed to a network after so many wrong passwords in a row."""
    if failures <= FREE_ATTEMPTS:
        return None
    return min(LONGEST_DELAY, timedelta(seconds=2.0 ** min(failures - FREE_ATTEMPTS - 1, 20)))
