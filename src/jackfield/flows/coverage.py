"""Who has no extension, and why: the answer for each person of one page of the list.

Told by the rules that make the plan, and by what the last plan refused; nothing is decided here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from jackfield.core.actions import Refusal
from jackfield.core.departments import groups_of_interest
from jackfield.core.memberships import resolve_memberships
from jackfield.core.people import ObjectId, Person, ScopeJudge, explain
from jackfield.store.crossings import search_uncovered
from jackfield.store.groups import load_edges, load_groups
from jackfield.store.people import load_people
from jackfield.store.plans import load_newest_plan
from jackfield.store.search import Found
from jackfield.store.settings import load_people_settings
from jackfield.store.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Uncovered:
    """A person without an extension."""

    person: Person
    in_scope: bool
    because: str
    next_step: str = ""


@dataclass(frozen=True, slots=True)
class UncoveredPage:
    """A page of them, and where to go on."""

    people: tuple[Uncovered, ...]
    found: Found


async def load_refused(tx: Transaction, tenant: int) -> Mapping[str, Refusal]:
    """Whom the newest plan refused and why, by object ID: perhaps everybody."""
    newest = await load_newest_plan(tx, tenant)
    return {} if newest is None else {one.subject: one for one in newest.refusals if one.subject}


async def load_uncovered(
    tx: Transaction,
    tenant: int,
    typed: str = "",
    *,
    limit: int = 50,
    after: str | None = None,
    before: str | None = None,
    refused: Mapping[str, Refusal] | None = None,
) -> UncoveredPage:
    """One page of the people present who hold no extension, by name.

    Who asks for page after page loads `refused` once.
    """
    found = await search_uncovered(tx, tenant, typed, limit=limit, after=after, before=before)
    ids = [ObjectId(ref) for ref in found.refs]
    people = await load_people(tx, tenant, ids)
    settings = (await load_people_settings(tx, tenant)).value
    groups = await load_groups(tx, tenant, settings.rules.scope.selected_groups)
    edges = await load_edges(tx, tenant, ids)
    interest = groups_of_interest(settings.rules.departments, settings.rules.scope, groups)
    memberships = resolve_memberships(edges.people, edges.nested, interest)
    if refused is None:
        refused = await load_refused(tx, tenant)
    judge = ScopeJudge(settings.rules.scope)
    told = []
    for id_ in ids:
        if (person := people.get(id_)) is None:
            continue
        verdict = judge(person, memberships.get(id_, frozenset()))
        group = groups.get(verdict.group) if verdict.group else None
        because = explain(verdict, group.name if group else "")
        next_step = ""
        if verdict.in_scope:
            refusal = refused.get(id_)
            if refusal is not None:
                because, next_step = refusal.because, refusal.next_step
            elif not settings.enabled:
                next_step = "People sync is off; switch it on to give them an extension."
            elif not person.enabled:
                next_step = "The account is disabled; an extension follows once it is enabled."
            else:
                next_step = "An extension follows with the next plan that is carried out."
        told.append(Uncovered(person, verdict.in_scope, because, next_step))
    return UncoveredPage(tuple(told), found)
