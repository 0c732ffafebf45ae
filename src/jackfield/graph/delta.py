"""How a round over a tenant's people or groups is walked, one page at a time.

A full round of people remembers where the change log stands (`$deltatoken=latest`), lists everybody
(pages of 999 instead of the change log's 200), then catches up from the remembered place, so that
nothing that happened meanwhile is missed. A server that does not know `latest` is walked by its
change log from the start. An incremental round follows a delta link.

Decided here: what to read next. Saving is the caller's: each page and the `Position` (or the
`RoundEnd`) that follows it belong in one transaction. Positions are opaque text to everyone else.
Source: Graph docs, concepts/delta-query-overview and delta-query-users, read 2026-11.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Generic, TypeVar, assert_never

import msgspec
import xxhash

from jackfield.graph.client import GraphClient
from jackfield.graph.directory import (
    DELTA_USERS,
    LATEST_USERS,
    LIST_USERS,
    GroupsPage,
    UsersPage,
    fetch_groups_page,
    fetch_users_page,
)
from jackfield.graph.errors import CursorExpired, LinkRefused, MalformedAnswer, NotFound, Rejected

MOST_RESTARTS = 3

PageT = TypeVar("PageT", UsersPage, GroupsPage)


class Stage(StrEnum):
    """Where in its round a walk stands."""

    BOOKMARK = "bookmark"
    """Remember where the change log stands now."""
    LIST = "list"
    """Read everybody."""
    CATCH_UP = "catch_up"
    """Read what changed since the bookmark."""
    WALK = "walk"
    """Read everybody by the change log from its start."""
    FOLLOW = "follow"
    """Read what changed since the last round."""


class Position(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What to read next. Keep it as `encode()` gives it; links may be thousands of letters long."""

    stage: Stage
    link: str | None = None
    """The page to read; None = the stage's first."""
    bookmark: str | None = None
    """The delta link this round began from or will continue with."""
    pages: int = 0
    """Pages of this stage that have been read."""
    mark: int = 0
    """Hash of one earlier link of this stage, to notice a walk in a circle."""
    restarts: int = 0
    """How often this round began anew because a link had expired."""

    @property
    def is_full(self) -> bool:
        """Whether the round reads everybody: who is missing at its end is really missing."""
        return self.stage is not Stage.FOLLOW

    def encode(self) -> str:
        return msgspec.json.encode(self).decode()

    @classmethod
    def decode(cls, text: str) -> Position:
        """Raises `CursorExpired` for text that no version of this class has written."""
        try:
            return msgspec.json.decode(text, type=cls)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise CursorExpired(
                "The saved position in Microsoft 365's change log cannot be read.",
                "Jackfield reads everything again by itself.",
            ) from error


@dataclass(frozen=True, slots=True)
class RoundEnd:
    """The round is complete."""

    cursor: str | None
    """Where the next round begins; None if this server keeps no change log (read all each time)."""
    full: bool


@dataclass(frozen=True, slots=True)
class Step(Generic[PageT]):
    """One page, and what follows it."""

    page: PageT | None
    """None where the step only found its way: the bookmark, or a round that begins anew."""
    after: Position | RoundEnd
    restarted: bool = False
    """A link expired in mid-round: the round begins anew, forget who was seen in it."""


@dataclass(frozen=True, slots=True)
class _Source(Generic[PageT]):
    delta: Callable[[GraphClient, str | None], Awaitable[PageT]]
    listing: Callable[[GraphClient, str | None], Awaitable[PageT]] | None = None
    latest: Callable[[GraphClient], Awaitable[PageT]] | None = None


def start_users_round(cursor: str | None) -> Position:
    """A round over people: from the cursor of the last one, or everybody if there is none."""
    return _start(_users(()), cursor)


def start_groups_round(cursor: str | None) -> Position:
    """A round over groups and their direct members: from the cursor, or all if there is none."""
    return _start(_GROUPS, cursor)


async def next_users_step(
    client: GraphClient, position: Position, extras: tuple[str, ...] = ()
) -> Step[UsersPage]:
    """Read the page at `position`; `extras` as for `fetch_users_page`.

    Raises `CursorExpired` only if the cursor the round began from is too old (start one without);
    else the errors of `GraphClient`, after which the same position may be tried again.
    """
    return await _next(_users(extras), client, position)


async def next_groups_step(client: GraphClient, position: Position) -> Step[GroupsPage]:
    """As `next_users_step`, over groups."""
    return await _next(_GROUPS, client, position)


@cache
def _users(extras: tuple[str, ...]) -> _Source[UsersPage]:
    """Users, with these attributes beside the usual ones."""

    async def delta(client: GraphClient, link: str | None) -> UsersPage:
        return await fetch_users_page(client, DELTA_USERS, link=link, extras=extras)

    async def listing(client: GraphClient, link: str | None) -> UsersPage:
        return await fetch_users_page(client, LIST_USERS, link=link, extras=extras)

    async def latest(client: GraphClient) -> UsersPage:
        return await fetch_users_page(client, LATEST_USERS, extras=extras)

    return _Source(delta, listing, latest)


async def _delta_groups(client: GraphClient, link: str | None) -> GroupsPage:
    return await fetch_groups_page(client, link=link)


_GROUPS = _Source(_delta_groups)


def _start(source: _Source[PageT], cursor: str | None, *, restarts: int = 0) -> Position:
    if cursor is not None:
        return Position(stage=Stage.FOLLOW, link=cursor, bookmark=cursor, restarts=restarts)
    stage = Stage.WALK if source.latest is None else Stage.BOOKMARK
    return Position(stage=stage, restarts=restarts)


async def _next(source: _Source[PageT], client: GraphClient, at: Position) -> Step[PageT]:
    try:
        match at.stage:
            case Stage.BOOKMARK:
                return await _bookmark(source, client, at)
            case Stage.LIST:
                assert source.listing is not None  # noqa: S101 - only people have this stage
                page = await source.listing(client, at.link)
                return Step(page, _after_list(page, at))
            case Stage.WALK if at.link is None and source.listing is not None:
                return await _walk_or_list(source, client, at)
            case Stage.WALK | Stage.CATCH_UP | Stage.FOLLOW:
                page = await source.delta(client, at.link)
                return Step(page, _after_delta(page, at))
            case _:
                assert_never(at.stage)
    except CursorExpired as error:
        if at.stage is Stage.FOLLOW and at.pages == 0:
            raise
        if at.restarts >= MOST_RESTARTS:
            raise MalformedAnswer(
                "Microsoft Graph gives links and then does not accept them, "
                f"{MOST_RESTARTS + 1} times in one round.",
                call=error.call,
            ) from error
        cursor = at.bookmark if at.stage is Stage.FOLLOW else None
        again = _start(source, cursor, restarts=at.restarts + 1)
        return Step(None, again, restarted=True)


async def _bookmark(source: _Source[PageT], client: GraphClient, at: Position) -> Step[PageT]:
    walk = Position(stage=Stage.WALK, restarts=at.restarts)
    assert source.latest is not None  # noqa: S101 - only people have this stage
    try:
        page = await source.latest(client)
    except (Rejected, NotFound, CursorExpired):
        return Step(None, walk)
    if page.is_empty and page.next_link is None and page.delta_link is not None:
        bookmark = page.delta_link
        return Step(None, Position(stage=Stage.LIST, bookmark=bookmark, restarts=at.restarts))
    if page.next_link is None and page.delta_link is None:
        return Step(None, walk)
    # `latest` was ignored: this is already the first page of a walk from the start
    return Step(page, _after_delta(page, walk))


async def _walk_or_list(source: _Source[PageT], client: GraphClient, at: Position) -> Step[PageT]:
    """The first page of a walk; a server without a change log is listed instead."""
    try:
        page = await source.delta(client, None)
    except (Rejected, NotFound):
        return Step(None, Position(stage=Stage.LIST, restarts=at.restarts))
    return Step(page, _after_delta(page, at))


def _after_list(page: UsersPage | GroupsPage, at: Position) -> Position | RoundEnd:
    if page.next_link is not None:
        return _onward(at, page.next_link)
    if at.bookmark is None:
        return RoundEnd(None, full=True)
    return Position(
        stage=Stage.CATCH_UP, link=at.bookmark, bookmark=at.bookmark, restarts=at.restarts
    )


def _after_delta(page: UsersPage | GroupsPage, at: Position) -> Position | RoundEnd:
    if page.next_link is not None:
        return _onward(at, page.next_link)
    if page.delta_link is None:
        raise MalformedAnswer(
            "A page of Microsoft 365's change log ends without saying where to go on."
        )
    return RoundEnd(page.delta_link, full=at.is_full)


def _onward(at: Position, link: str) -> Position:
    """The next page of the same stage. Notices circles of any length with one remembered link.

    The mark moves on at every power of two (Brent): a circle is met after a few times its length.
    """
    hashed = xxhash.xxh3_64_intdigest(link.encode()) >> 1
    if hashed == at.mark and at.pages > 0:
        raise LinkRefused(
            f"Microsoft 365's pages lead in a circle: page {at.pages + 1} names one that was read "
            "before."
        )
    pages = at.pages + 1
    is_power_of_two = pages & (pages - 1) == 0
    return msgspec.structs.replace(
        at, link=link, pages=pages, mark=hashed if is_power_of_two else at.mark
    )
