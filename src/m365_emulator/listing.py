"""One page of a collection: which objects, how many, and the link to the rest.

The walk is by object id, so objects that appear or vanish while somebody pages neither repeat nor
hide others. Quirks may make a page short or empty; the link is what says whether more follows.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from random import Random
from typing import Any, TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from m365_emulator.errors import bad_request
from m365_emulator.paging import BadToken, Seal, link, page_body, path_of, root_of
from m365_emulator.query import Order, Query
from m365_emulator.quirks import Quirks

JSON = (
    "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;"
    "charset=utf-8"
)


class PageToken(msgspec.Struct, frozen=True, array_like=True):
    """Where a walk through a collection stands."""

    path: str
    after: str
    key: str | None
    page: int
    issued_at: float


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Collection:
    """What a route lists: living objects behind an id, how to encode one, and the context."""

    behind: Callable[[str], Iterator[Any]]
    row: Callable[[Any], bytes]
    context: str


def answer(body: bytes) -> Response:
    return Response(body, media_type=None, headers={"content-type": JSON, "odata-version": "4.0"})


def context_of(request: Request, what: str, select: Iterable[str] | None) -> str:
    """`@odata.context` of a collection, with the selection where there is one."""
    chosen = f"({','.join(select)})" if select else ""
    return f"{root_of(request)}/$metadata#{what}{chosen}"


class Lister:
    """Answers collection requests of one tenant."""

    def __init__(
        self, seal: Seal, now: Callable[[], datetime], quirks: Callable[[], Quirks]
    ) -> None:
        self._seal = seal
        self._now = now
        self._quirks = quirks

    def page(self, request: Request, query: Query, collection: Collection) -> Response:
        """The page that the request's token points at, or the first."""
        token = self._token(request, query)
        size = self._size(query.top, token)
        annotations: dict[str, object] = {}
        if query.order:
            found = self._sorted(query, collection, query.order, token)
        else:
            # One more than is shown tells whether anything follows.
            found = list(
                islice(
                    self._matching(query, collection, token.after), self._reach(query, token, size)
                )
            )
        if query.counted and token.page == 0:
            annotations["@odata.count"] = len(found)
        shown = found[:size]
        if len(found) > size:
            annotations["@odata.nextLink"] = self._next(request, query, token, shown)
        rows = [collection.row(each) for each in shown]
        return answer(page_body(collection.context, rows, annotations))

    def count(
        self, fits: Callable[[Any], bool] | None, behind: Callable[[str], Iterator[Any]]
    ) -> Response:
        """A `/$count` answer: a bare number as text."""
        number = sum(1 for each in behind("") if fits is None or fits(each))
        return Response(str(number), media_type="text/plain")

    @staticmethod
    def _reach(query: Query, token: PageToken, size: int) -> int | None:
        """How many objects to look at; None is all, for the first page of a counted query."""
        return None if query.counted and token.page == 0 else max(size, 1) + 1

    @staticmethod
    def _matching(query: Query, collection: Collection, after: str) -> Iterator[Any]:
        objects = collection.behind(after)
        return filter(query.fits, objects) if query.fits else objects

    def _sorted(
        self, query: Query, collection: Collection, order: Order, token: PageToken
    ) -> list[Any]:
        def place(key: str | None, object_id: str) -> tuple[bool, str, str]:
            return (key is not None, key or "", object_id)

        found = sorted(
            (
                (place(_key(order, each), each.id), each)
                for each in self._matching(query, collection, "")
            ),
            key=lambda pair: pair[0],
            reverse=order.descending,
        )
        if token.page:
            last = place(token.key, token.after)
            found = [
                pair for pair in found if (pair[0] < last if order.descending else pair[0] > last)
            ]
        return [each for _, each in found]

    def _token(self, request: Request, query: Query) -> PageToken:
        if query.skip_token is None:
            return PageToken(path_of(request), "", None, 0, self._now().timestamp())
        try:
            token = self._seal.open(query.skip_token, PageToken)
        except BadToken:
            raise bad_token() from None
        if token.path != path_of(request):
            raise bad_token()
        age_s = self._now().timestamp() - token.issued_at
        if age_s > self._quirks().page_link_minutes * 60:
            raise bad_request(
                "The specified page token value has expired and can no longer be included in your "
                "request.",
                "Directory_ExpiredPageToken",
            )
        return token

    def _size(self, top: int, token: PageToken) -> int:
        quirks = self._quirks()
        if not (quirks.short_pages or quirks.empty_pages):
            return top
        chance = Random(f"{quirks.seed}:{token.path}:{token.after}:{token.page}")
        if chance.random() < quirks.empty_pages:
            return 0
        return chance.randint(1, top) if chance.random() < quirks.short_pages else top

    def _next(self, request: Request, query: Query, token: PageToken, shown: list[Any]) -> str:
        after, key = (token.after, token.key)
        if shown:
            after = shown[-1].id
            key = _key(query.order, shown[-1]) if query.order else None
        following = PageToken(token.path, after, key, token.page + 1, self._now().timestamp())
        return link(request, (*query.options, ("$skiptoken", self._seal.close(following))))


def _key(order: Order, each: Any) -> str | None:
    value = order.property.read(each)
    return value.casefold() if isinstance(value, str) else value


def bad_token() -> Exception:
    return bad_request("Badly formed token.")
