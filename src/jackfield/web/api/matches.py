"""Doubtful matches over the API: what waits for a decision, and the decision."""

from __future__ import annotations

from litestar import delete, get, post
from litestar.params import FromQuery, JSONBody

from jackfield.core.extensions import ExtensionKey
from jackfield.core.people import ObjectId
from jackfield.flows.doubts import DoubtfulMatch
from jackfield.web.api.asking import Caller, Key, Limit, place_behind
from jackfield.web.api.people_shapes import (
    CandidateOut,
    DecidedOut,
    DecidedPage,
    DecisionIn,
    MatchesOut,
    MatchOut,
)
from jackfield.web.api.refusals import told
from jackfield.web.rooms import House


@get("/matches", summary="Extensions that may be somebody's", responses=told())
async def matches(
    house: House, limit: Limit = 50, after: FromQuery[str | None] = None
) -> MatchesOut:
    """Who waits for a decision. `after` is the last person of the page before."""
    found = await house.doubts.open(house.tenant)
    begin = place_behind(after, [str(one.person.id) for one in found])
    page = found[begin : begin + limit]
    return MatchesOut(
        [_match_out(one) for one in page],
        page[-1].person.id if begin + limit < len(found) else None,
    )


@get("/matches/decided", summary="What was decided, the newest first", responses=told())
async def decided(
    house: House, limit: Limit = 50, after: FromQuery[str | None] = None
) -> DecidedPage:
    """`after` is the `id` of the last one of the page before."""
    found = [
        DecidedOut(
            f"{one.decision.person}:{one.decision.extension}",
            one.decision.person,
            one.person.upn if one.person else "",
            one.person.display_name if one.person else "",
            one.decision.extension,
            one.extension.number if one.extension else "",
            one.decision.verdict,
            one.decision.by,
            one.decision.at,
        )
        for one in await house.doubts.decided(house.tenant)
    ]
    begin = place_behind(after, [one.id for one in found])
    page = found[begin : begin + limit]
    return DecidedPage(page, page[-1].id if begin + limit < len(found) else None)


@post(
    "/matches/{person:str}",
    summary="Decide whether extensions are a person's",
    status_code=204,
    responses=told(403, 404, 409),
)
async def decide(house: House, caller: Caller, person: Key, data: JSONBody[DecisionIn]) -> None:
    """Counts from the next sync on. `theirs` takes one extension, `not_theirs` any number."""
    await house.doubts.decide(
        house.tenant,
        ObjectId(person),
        [ExtensionKey(one) for one in data.extensions],
        data.verdict,
        by=caller.name,
    )


@delete(
    "/matches/{person:str}/{extension:str}",
    summary="Make a decision undecided again",
    status_code=204,
    responses=told(403, 404),
)
async def reopen(house: House, caller: Caller, person: Key, extension: Key) -> None:
    """An extension that was taken over because of it stays the person's."""
    await house.doubts.reopen(
        house.tenant, ObjectId(person), ExtensionKey(extension), by=caller.name
    )


def _match_out(one: DoubtfulMatch) -> MatchOut:
    return MatchOut(
        one.person.id,
        one.person.upn,
        one.person.display_name,
        one.because,
        one.next_step,
        [
            CandidateOut(
                candidate.extension.key,
                candidate.extension.number,
                candidate.extension.fields.first_name,
                candidate.extension.fields.last_name,
                candidate.extension.fields.email,
                candidate.free,
            )
            for candidate in one.candidates
        ],
    )


ROUTES = (matches, decided, decide, reopen)
