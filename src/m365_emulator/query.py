"""The query options of a request: read, checked, and refused in Graph's words.

`$filter` and `$search` have their own modules; this one knows which options exist, their limits,
and when `ConsistencyLevel: eventual` with `$count=true` is demanded.
Source: Graph docs, api/user-list, api/group-list, concepts/aad-advanced-queries, read 2026-11.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.requests import Request

from m365_emulator.errors import GraphError, bad_request
from m365_emulator.filter_support import check_filter
from m365_emulator.filters import Predicate, parse_filter, predicate_of
from m365_emulator.resources import GROUP, USER, Property, ResourceType
from m365_emulator.search import parse_search

DEFAULT_PAGE = 100
MOST_PER_PAGE = 999

_PLAIN_ORDER = frozenset({"displayName", "userPrincipalName"})
_ADVANCED_ORDER = frozenset({"createdDateTime", "deletedDateTime"})
_KNOWN = frozenset(
    {"$select", "$filter", "$top", "$count", "$search", "$orderby", "$skiptoken", "$format"}
)


@dataclass(frozen=True, slots=True)
class Order:
    """What to sort by; objects without a value come first, as in the directory's index."""

    property: Property
    descending: bool


@dataclass(frozen=True, slots=True)
class Query:
    """The options of a collection or single object, understood."""

    select: tuple[str, ...] | None = None
    fits: Predicate | None = None
    top: int = DEFAULT_PAGE
    counted: bool = False
    order: Order | None = None
    skip_token: str | None = None
    options: tuple[tuple[str, str], ...] = ()
    """All options but the page token, for the link to the next page."""


def options_of(request: Request, known: frozenset[str] = _KNOWN) -> dict[str, str]:
    """The system query options, names in lower case; unknown or doubled ones are refused."""
    found: dict[str, str] = {}
    for name, value in request.query_params.multi_items():
        folded = name.lower()
        if not folded.startswith("$"):
            continue
        if folded == "$skip":
            raise bad_request("'$skip' is not supported by the service.")
        if folded == "$expand" and folded not in known:
            raise GraphError(
                501, "NotImplemented", "The emulated tenant does not expand navigation properties."
            )
        if folded not in known:
            raise bad_request(
                f"The query parameter '{name}' is not supported.", "Request_UnsupportedQuery"
            )
        if folded in found:
            raise bad_request(
                f"Query option '{name}' was specified more than once, but it must be specified at "
                "most once.",
                "BadRequest",
            )
        found[folded] = value
    return found


def read_select(text: str | None, resource: ResourceType) -> tuple[str, ...] | None:
    """The selected properties in Graph's spelling; None when nothing in particular is asked."""
    if text is None:
        return None
    found: dict[str, None] = {}
    for name in (each.strip() for each in text.split(",")):
        if not name:
            continue
        if name == "*":
            return None
        known = resource.find(name)
        if known is None:
            raise _unknown_property(name, resource)
        found[known.name] = None
    return tuple(found) or None


def _unknown_property(name: str, resource: ResourceType) -> GraphError:
    if name.lower() in resource.not_played:
        return GraphError(
            501,
            "NotImplemented",
            f"'{name}' of a {resource.name} is not played by the emulated tenant.",
        )
    return bad_request(
        "Parsing OData Select and Expand failed: Could not find a property named "
        f"'{name}' on type 'microsoft.graph.{resource.name}'.",
        "BadRequest",
    )


def read_mixed_select(text: str | None) -> tuple[str, ...] | None:
    """A selection over users and groups together: each name must belong to one of the two."""
    if text is None:
        return None
    found: dict[str, None] = {}
    for name in (each.strip() for each in text.split(",")):
        known = USER.find(name) or GROUP.find(name)
        if known is None and name not in {"", "*"}:
            raise bad_request(
                "Parsing OData Select and Expand failed: Could not find a property named "
                f"'{name}' on type 'microsoft.graph.directoryObject'.",
                "BadRequest",
            )
        if known is not None:
            found[known.name] = None
    return tuple(found) or None


def is_eventual(request: Request) -> bool:
    return request.headers.get("consistencylevel", "").strip().lower() == "eventual"


def read_query(request: Request, resource: ResourceType, *, mixed: bool = False) -> Query:
    """All options of a collection request; GraphError 400 or 501 when Graph would refuse them."""
    options = options_of(request)
    eventual = is_eventual(request)
    wants_count = options.get("$count", "").lower() == "true"
    advanced = eventual and wants_count
    select_text = options.get("$select")
    tests = list(_tests(options, resource, eventual=eventual, advanced=advanced))
    return Query(
        select=read_mixed_select(select_text) if mixed else read_select(select_text, resource),
        fits=_all_of(tests),
        top=_top(options.get("$top")),
        # Without the header the directory overlooks $count=true.
        counted=advanced,
        order=_order(options, resource, eventual=eventual, advanced=advanced),
        skip_token=options.get("$skiptoken"),
        options=tuple((name, value) for name, value in options.items() if name != "$skiptoken"),
    )


def read_count_query(request: Request, resource: ResourceType) -> Predicate | None:
    """The options of a `/$count` segment, which only advanced queries may use."""
    options = options_of(request, frozenset({"$filter", "$search", "$count"}))
    if not is_eventual(request):
        raise bad_request("$count is not currently supported.")
    return _all_of(list(_tests(options, resource, eventual=True, advanced=True)))


def read_single_select(request: Request, resource: ResourceType) -> tuple[str, ...] | None:
    """The selection for one object, which takes no other option."""
    options = options_of(request, frozenset({"$select", "$format", "$count"}))
    return read_select(options.get("$select"), resource)


def _tests(
    options: dict[str, str], resource: ResourceType, *, eventual: bool, advanced: bool
) -> Sequence[Predicate]:
    found = []
    if options.get("$filter", "").strip():
        node = parse_filter(options["$filter"], resource)
        check_filter(node, resource, advanced=advanced)
        found.append(predicate_of(node))
    if "$search" in options:
        if not eventual:
            raise bad_request(
                "Request with $search query parameter only works through MSGraph with a special "
                "request header: 'ConsistencyLevel: eventual'",
                "Request_UnsupportedQuery",
            )
        found.append(parse_search(options["$search"], resource))
    return found


def _all_of(tests: Sequence[Predicate]) -> Predicate | None:
    match tests:
        case []:
            return None
        case [only]:
            return only
        case _:
            return lambda subject: all(test(subject) for test in tests)


def _top(text: str | None) -> int:
    if text is None:
        return DEFAULT_PAGE
    if not text.lstrip("-").isdecimal():
        raise bad_request(
            f"Invalid value '{text}' for $top query option found. The $top query option requires a "
            "non-negative integer value.",
            "BadRequest",
        )
    if not 1 <= int(text) <= MOST_PER_PAGE:
        raise bad_request(
            f"Invalid page size specified: '{text}'. Must be between 1 and {MOST_PER_PAGE} "
            "inclusive.",
            "Request_UnsupportedQuery",
        )
    return int(text)


def _order(
    options: dict[str, str], resource: ResourceType, *, eventual: bool, advanced: bool
) -> Order | None:
    text = options.get("$orderby", "").strip()
    if not text:
        return None
    name, _, direction = text.partition(" ")
    known = resource.find(name)
    if known is None:
        raise bad_request(
            f"Invalid orderby clause: Could not find a property named '{name}' on type "
            f"'microsoft.graph.{resource.name}'.",
            "BadRequest",
        )
    if direction.strip().lower() not in {"", "asc", "desc"}:
        raise bad_request(f"Syntax error at position {len(name)} in '{text}'.", "BadRequest")
    if known.name not in _PLAIN_ORDER | _ADVANCED_ORDER or (
        known.name in _ADVANCED_ORDER and not advanced
    ):
        raise bad_request(
            f"Unsupported sort property '{known.name}' for '{resource.title}'.",
            "Request_UnsupportedQuery",
        )
    if ("$filter" in options and not advanced) or ("$search" in options and not eventual):
        raise bad_request("Sorting not supported for current query.", "Request_UnsupportedQuery")
    return Order(known, direction.strip().lower() == "desc")
