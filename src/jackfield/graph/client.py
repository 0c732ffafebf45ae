"""The one door to Graph: token, ids, limits, waiting, asking again, and which links are followed.

Decided here: what may be repeated and for how long, one policy for every call. How long a wait is
comes from `pace.py`, what an answer means from `answers.py`. Nothing here knows people or groups.
"""

from __future__ import annotations

import asyncio
import copy
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeVar

import msgspec

from jackfield.clock import Clock
from jackfield.core.reach import Reach
from jackfield.graph.answers import claims_challenge, refusal, shown
from jackfield.graph.asking import Answer, Ask, Page
from jackfield.graph.auth import TokenSource
from jackfield.graph.cloud import Cloud
from jackfield.graph.errors import (
    AgainLater,
    Call,
    GraphError,
    LinkRefused,
    LookAfresh,
    MalformedAnswer,
    Throttled,
    TooLarge,
    Unreachable,
)
from jackfield.graph.links import followed
from jackfield.graph.meter import Failure, Meter, WorkloadFigures
from jackfield.graph.pace import Pace, WaitTooLong, Workload
from jackfield.graph.transport import (
    ANSWER_TIMEOUT_S,
    MAX_ANSWER_BYTES,
    AnswerTooLarge,
    Request,
    Response,
    Transport,
    TransportClosed,
    TransportFailed,
)

PATIENCE_S = 90.0
"""How long one call may take, waiting and repeating included; then its caller tries later."""

P = TypeVar("P", bound=Page)
_CHECK_THE_WAY = "Jackfield tries again by itself; check network, name service and firewall."


def new_uuid() -> str:
    return str(uuid.uuid4())


@dataclass(frozen=True, slots=True)
class _Failed:
    """One try that did not succeed, and what may be done about it."""

    error: GraphError
    may_repeat: bool = False
    stale_token: bool = False
    claims: str | None = None


class GraphClient:
    """Graph for one tenant.

    `tenant` is our own name for it, the key of counters; `account` is whom Microsoft counts, the
    key of budgets: one application in one organisation, which several tenants may use.
    """

    def __init__(
        self,
        tenant: str,
        cloud: Cloud,
        tokens: TokenSource,
        transport: Transport,
        *,
        pace: Pace,
        meter: Meter,
        reach: Reach,
        clock: Clock,
        account: str = "",
        new_id: Callable[[], str] = new_uuid,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self._tenant = tenant
        self.account = account or tenant
        self._cloud = cloud
        self._tokens = tokens
        self._transport = transport
        self._pace = pace
        self._meter = meter
        self._reach = reach
        self._clock = clock
        self._new_id = new_id
        self._patience_s = patience_s

    def hurried(self, patience_s: float | None) -> GraphClient:
        """The same door for somebody who waits in person: gives up sooner. None = nobody waits."""
        if patience_s is None:
            return self
        hurried = copy.copy(self)
        hurried._patience_s = patience_s  # noqa: SLF001 - our own class
        return hurried

    def figures(self, workload: Workload = Workload.DIRECTORY) -> WorkloadFigures:
        """Counts, latencies and last failures since the process started."""
        return self._meter.figures(
            self._tenant, workload, closed_for_s=self._pace.closed_for_s(self.account, workload)
        )

    def now(self) -> datetime:
        return self._clock.now()

    def pause(self, workload: Workload, *, tries: int, asked_s: float = 0.0) -> None:
        """Let no call of this tenant out to `workload` for a while: `tries` failed in a row."""
        wait = max(asked_s, self._pace.backoff_s(tries))
        self._pace.close(self.account, workload, wait)

    async def get(self, ask: Ask) -> Answer:
        """Read one thing. Repeats what may pass; raises the errors of `errors.py`."""
        return await self._call("GET", ask, ask.url(self._cloud.root), repeatable=True)

    async def get_page(
        self, ask: Ask, read: Callable[[Answer], P], *, link: str | None = None
    ) -> P:
        """Read one page: the first by `ask`, others by the `link` an earlier page or round gave.

        The page's own links are checked before it is returned: they must stay on this Graph.
        """
        if link is None:
            url = ask.url(self._cloud.root)
        else:
            url = followed(link, self._cloud.graph, Call("GET", ask.path))
        answer = await self._call("GET", ask, url, repeatable=True, by_link=link is not None)
        page = read(answer)
        for onward in (page.next_link, page.delta_link):
            if onward is not None:
                followed(onward, self._cloud.graph, answer.call)
        if page.next_link is not None and page.next_link == link:
            raise LinkRefused(
                f"A page of {ask.path} names itself as the next one.", call=answer.call
            )
        return page

    async def post(self, ask: Ask, body: object, *, repeatable: bool = False) -> Answer:
        """Send `body` as JSON.

        Repeated only where nothing was done (429, 503 with Retry-After, no connection), unless
        `repeatable` says that doing it twice is the same as doing it once.
        """
        encoded = msgspec.json.encode(body)
        url = ask.url(self._cloud.root)
        return await self._call("POST", ask, url, body=encoded, repeatable=repeatable)

    async def _call(
        self,
        method: str,
        ask: Ask,
        url: str,
        *,
        body: bytes | None = None,
        repeatable: bool,
        by_link: bool = False,
    ) -> Answer:
        until = self._clock.monotonic() + self._patience_s
        tries = 0
        renewed = False
        while True:
            call = Call(method, ask.path, client_request_id=self._new_id())
            await self._admitted(ask, call, until)
            asked_at = self._clock.now()
            try:
                token = await self._token(call, until)
            except AgainLater as error:
                outcome: Answer | _Failed = _Failed(error, may_repeat=not _is_closed(error))
            else:
                headers = self._headers(ask, token, call, has_body=body is not None)
                left = max(1.0, min(ANSWER_TIMEOUT_S, until - self._clock.monotonic()))
                most = ask.most_bytes or MAX_ANSWER_BYTES
                request = Request(method, url, headers, body, left, most)
                outcome = await self._try(request, ask, call, repeatable, by_link)
                if isinstance(outcome, _Failed) and outcome.stale_token and not renewed:
                    self._tokens.discard(token, claims=outcome.claims)
                    renewed = True
                    continue
            if isinstance(outcome, Answer):
                self._reach.answered(self._clock.now())
                return outcome
            tries += 1
            self._note(outcome.error, asked_at)
            if not outcome.may_repeat:
                raise outcome.error
            await self._wait(ask, outcome.error, tries, until)

    async def _token(self, call: Call, until: float) -> str:
        """A token within the caller's time, whoever else is asking for one."""
        key = object()
        left = max(1.0, until - self._clock.monotonic())
        whom = f"Microsoft's sign-in service {self._cloud.login}"
        self._reach.asking(key, whom, self._clock.now())
        try:
            async with asyncio.timeout(left):
                return await self._tokens.token()
        except TimeoutError as error:
            raise Unreachable(
                f"{whom} cannot be reached: no complete answer within {left:.0f} s.",
                _CHECK_THE_WAY,
                call,
            ) from error
        finally:
            self._reach.returned(key, self._clock.now())

    def _note(self, error: GraphError, asked_at: datetime) -> None:
        """Tell the way to Microsoft how a try went that did not succeed."""
        now = self._clock.now()
        if not isinstance(error, AgainLater):
            self._reach.answered(now)
        elif not _is_closed(error):
            until = None
            if error.retry_after_s:
                until = now + timedelta(seconds=error.retry_after_s)
            self._reach.failed(
                error.what,
                error.next_step,
                now,
                began=asked_at,
                until=until,
                throttled=isinstance(error, Throttled),
            )

    async def _try(
        self, request: Request, ask: Ask, call: Call, repeatable: bool, by_link: bool
    ) -> Answer | _Failed:
        started = self._clock.monotonic()
        key = object()
        self._reach.asking(key, f"Microsoft Graph {self._cloud.graph}", self._clock.now())
        try:
            response = await self._transport.send(request)
        except TransportFailed as error:
            self._meter.unanswered(self._tenant, ask.workload)
            self._spent(ask, ask.units)
            outcome = _unanswered(error, ask, call, self._cloud.graph, repeatable)
        else:
            call = _identified(call, response)
            self._meter.answered(
                self._tenant,
                ask.workload,
                latency_s=self._clock.monotonic() - started,
                request_id=call.request_id,
            )
            cost = self._pace.observe(self.account, ask.workload, response.headers, units=ask.units)
            self._spent(ask, cost)
            if 200 <= response.status < 300:
                return Answer(response.body, response.headers, call)
            refused = refusal(
                response, call, needs=ask.needs, by_link=by_link, now=self._clock.now()
            )
            outcome = _Failed(
                refused,
                may_repeat=_may_repeat(refused, repeatable),
                stale_token=response.status == 401,
                claims=claims_challenge(response),
            )
        finally:
            self._reach.returned(key, self._clock.now())
        self._count(ask, outcome.error)
        return outcome

    def _spent(self, ask: Ask, units: float) -> None:
        self._meter.spent(
            self._tenant,
            ask.workload,
            units,
            at=self._clock.monotonic(),
            window_s=self._pace.allowance(ask.workload).per_s,
        )

    async def _admitted(self, ask: Ask, call: Call, until: float) -> None:
        started = self._clock.monotonic()
        try:
            await self._pace.admit(self.account, ask.workload, units=ask.units, until=until)
        except WaitTooLong as error:
            self._reach.retried_at(self._clock.now() + timedelta(seconds=error.wait_s))
            raise Throttled(
                f"Microsoft 365 asked Jackfield to pause; the next call is due in "
                f"{error.wait_s:.0f} s.",
                call=call,
                retry_after_s=error.wait_s,
            ) from error
        self._meter.waited(self._tenant, ask.workload, self._clock.monotonic() - started)

    async def _wait(self, ask: Ask, error: GraphError, tries: int, until: float) -> None:
        """Wait before the next try, or raise if that would outlast the caller's time."""
        asked = error.retry_after_s if isinstance(error, AgainLater) else None
        wait = max(self._pace.backoff_s(tries), asked or 0.0)
        if _is_throttling(error):
            self._pace.close(self.account, ask.workload, wait)
        goes_on = self._clock.monotonic() + wait <= until
        if goes_on or _is_throttling(error):
            self._reach.retried_at(self._clock.now() + timedelta(seconds=wait))
        if not goes_on:
            if isinstance(error, Throttled):
                raise Throttled(error.what, error.next_step, error.call, retry_after_s=wait)
            raise error
        if not _is_throttling(error):  # otherwise the gate holds this call with all the others
            await self._clock.sleep(wait)
            self._meter.waited(self._tenant, ask.workload, wait)

    def _headers(self, ask: Ask, token: str, call: Call, *, has_body: bool) -> dict[str, str]:
        headers = {
            "Accept": "application/json",
            "Authorization": f"Bearer {token}",
            "client-request-id": call.client_request_id,
            "return-client-request-id": "true",
            **ask.headers,
        }
        if has_body:
            headers["Content-Type"] = "application/json"
        return headers

    def _count(self, ask: Ask, error: GraphError) -> None:
        if _is_throttling(error):
            self._meter.throttled(self._tenant, ask.workload)
        elif error.call is not None and not isinstance(error, LookAfresh):
            failure = Failure(self._clock.now(), error.call, error.what)
            self._meter.failed(self._tenant, ask.workload, failure)


def _is_closed(error: GraphError) -> bool:
    """Whether we closed the way ourselves: only a new client gets through."""
    return isinstance(error.__cause__, TransportClosed)


def _identified(call: Call, response: Response) -> Call:
    return replace(
        call,
        status=response.status,
        request_id=shown(response.headers.get("request-id", "")),
        date=shown(response.headers.get("date", "")),
        diagnostic=shown(response.headers.get("x-ms-ags-diagnostic", "")),
    )


def _unanswered(
    error: TransportFailed, ask: Ask, call: Call, graph: str, repeatable: bool
) -> _Failed:
    if isinstance(error, AnswerTooLarge) and ask.most_bytes is not None:
        what = f"The answer to {call.method} {call.path} has more than {ask.most_bytes:,} bytes."
        failed = _Failed(TooLarge(what, "Other items go on; this one is skipped.", call))
    elif isinstance(error, AnswerTooLarge):
        failed = _Failed(
            MalformedAnswer(
                f"The answer to {call.method} {call.path} is refused: {error}.", call=call
            )
        )
    else:
        failed = _Failed(
            Unreachable(
                f"Microsoft Graph {graph} cannot be reached: {error}.", _CHECK_THE_WAY, call
            ),
            may_repeat=_may_come_through(error, repeatable),
        )
    failed.error.__cause__ = error
    return failed


def _may_come_through(error: TransportFailed, repeatable: bool) -> bool:
    if isinstance(error, TransportClosed):
        return False
    return repeatable or not error.maybe_received


def _may_repeat(error: GraphError, repeatable: bool) -> bool:
    match error:
        case Throttled():
            return True
        case Unreachable(status=409):
            return True
        case Unreachable():
            return repeatable or _is_throttling(error)
        case _:
            return False


def _is_throttling(error: GraphError) -> bool:
    """429, or a 503 that says when to come back: nothing was done."""
    if isinstance(error, Throttled):
        return True
    return (
        isinstance(error, Unreachable) and error.status == 503 and error.retry_after_s is not None
    )
