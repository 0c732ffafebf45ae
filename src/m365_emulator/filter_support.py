"""What may be asked of which property, and which questions need the advanced-query parameters.

Advanced means `ConsistencyLevel: eventual` together with `$count=true`; without them Graph refuses.
Source: Graph docs, concepts/aad-advanced-queries and the table of filterable properties, 2026-11.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from m365_emulator.errors import GraphError, bad_request
from m365_emulator.filters import And, AnyOf, Compare, Matches, Node, Not, Or, Term
from m365_emulator.resources import GROUP, USER, ResourceType

MOST_CLAUSES = 15

# Per property: what works plainly | what needs the advanced parameters.
# e eq, g ge, l le, i in, s startsWith, d endsWith, n comparison with null. `ne` and `not` are
# always advanced where `eq` is known; gt and lt go with ge and le.
_USER = {
    "accountEnabled": "ei|gl",
    "ageGroup": "ei|n",
    "assignedLicenses": "e|",
    "assignedPlans": "|e",
    "businessPhones": "e|s",
    "city": "eglis|n",
    "companyName": "|eglisn",
    "consentProvidedForMinor": "ei|n",
    "country": "eglis|n",
    "createdDateTime": "egl|in",
    "creationType": "ei|n",
    "deletedDateTime": "egl|in",
    "department": "eglis|n",
    "displayName": "eglis|n",
    "employeeHireDate": "|eglin",
    "employeeId": "es|glin",
    "employeeType": "|eglisn",
    "externalUserState": "ei|n",
    "faxNumber": "|eglisn",
    "givenName": "eglis|n",
    "id": "ei|",
    "identities": "e|",
    "imAddresses": "egls|",
    "isResourceAccount": "e|n",
    "jobTitle": "eglis|n",
    "mail": "eglis|dn",
    "mailNickname": "eglis|n",
    "mobilePhone": "|eglisn",
    "officeLocation": "|eglisn",
    "onPremisesImmutableId": "egli|n",
    "onPremisesLastSyncDateTime": "|eglin",
    "onPremisesSamAccountName": "|eglisn",
    "onPremisesSyncEnabled": "ei|gln",
    "otherMails": "eglis|d",
    "passwordPolicies": "|en",
    "postalCode": "|eglisn",
    "preferredLanguage": "|eglisn",
    "proxyAddresses": "egls|dn",
    "securityIdentifier": "ei|",
    "showInAddressList": "|en",
    "state": "eglis|n",
    "streetAddress": "|eglisn",
    "surname": "eglis|n",
    "usageLocation": "eglis|n",
    "userPrincipalName": "eglis|d",
    "userType": "ei|n",
}
_GROUP = {
    "assignedLicenses": "e|",
    "classification": "|eglisn",
    "createdDateTime": "egl|i",
    "deletedDateTime": "egl|in",
    "description": "egls|n",
    "displayName": "eglis|n",
    "expirationDateTime": "|egli",
    "groupTypes": "es|",
    "hasMembersWithLicenseErrors": "e|",
    "id": "ei|",
    "infoCatalogs": "es|",
    "isAssignableToRole": "e|n",
    "mail": "eglis|n",
    "mailEnabled": "ei|",
    "mailNickname": "eglis|",
    "membershipRule": "|eglisn",
    "membershipRuleProcessingState": "|eglisn",
    "onPremisesLastSyncDateTime": "|egli",
    "onPremisesSamAccountName": "egis|",
    "onPremisesSyncEnabled": "ei|n",
    "proxyAddresses": "egls|n",
    "renewedDateTime": "|egli",
    "resourceProvisioningOptions": "e|",
    "securityEnabled": "ei|",
    "uniqueName": "e|",
}
_APPLICATION = {
    "appId": "ei|",
    "createdDateTime": "egl|",
    "displayName": "eglis|n",
    "id": "ei|",
    "identifierUris": "es|",
    "publisherDomain": "egls|",
    "signInAudience": "e|",
    "tags": "e|",
    "uniqueName": "e|",
}
_SERVICE_PRINCIPAL = {
    "accountEnabled": "ei|",
    "appId": "ei|",
    "appOwnerOrganizationId": "ei|",
    "displayName": "eglis|n",
    "id": "ei|",
    "servicePrincipalNames": "es|",
    "servicePrincipalType": "ei|",
    "tags": "e|",
}
_PERMISSION_GRANT = {
    "clientId": "e|",
    "consentType": "e|",
    "principalId": "e|",
    "resourceId": "e|",
}
_SUPPORT: Mapping[str, Mapping[str, str]] = {
    USER.name: _USER,
    GROUP.name: _GROUP,
    "application": _APPLICATION,
    "servicePrincipal": _SERVICE_PRINCIPAL,
    "oAuth2PermissionGrant": _PERMISSION_GRANT,
    "appRoleAssignment": {},
}
_LETTERS = {"eq": "e", "ne": "e", "in": "i", "gt": "g", "ge": "g", "lt": "l", "le": "l"} | {
    "startsWith": "s",
    "endsWith": "d",
}


@dataclass(frozen=True, slots=True)
class Demand:
    """One question of a filter. `operator` is named where Graph names it in the refusal."""

    property: str
    letter: str | None
    advanced: bool = False
    operator: str | None = None


def _demands(node: Node) -> Iterator[Demand]:
    match node:
        case And(nodes) | Or(nodes):
            for each in nodes:
                yield from _demands(each)
        case Not(inner):
            yield Demand("", "", advanced=True, operator="not")
            yield from _demands(inner)
        case AnyOf(known, body):
            yield Demand(known.name, "e")
            if body is not None:
                yield from _demands(body)
        case Matches(term, function, _):
            yield Demand(
                term.property.name,
                _LETTERS.get(function),
                operator="endsWith" if function == "endsWith" else None,
            )
        case Compare(term, operator, literals):
            if term.counted:
                yield Demand(term.property.name, "", advanced=True, operator="$count")
                return
            negated = operator == "ne"
            yield Demand(
                term.property.name,
                _LETTERS[operator],
                advanced=negated,
                operator="ne" if negated else None,
            )
            if any(each.type is None for each in literals) and not negated:
                yield Demand(term.property.name, "n")


def check_filter(node: Node, resource: ResourceType, *, advanced: bool) -> None:
    """Refuse what the directory would not answer, in its own words (GraphError 400)."""
    _check_size(node)
    support = _SUPPORT[resource.name]
    for demand in _demands(node):
        plain, _, with_header = support.get(demand.property, "|").partition("|")
        letter = demand.letter
        if demand.property and letter is not None and letter not in plain + with_header:
            raise unsupported_clause(demand.property, resource)
        if letter is None:
            raise unsupported_clause(demand.property, resource)
        if advanced:
            continue
        if demand.advanced or (letter and letter not in plain):
            if demand.operator:
                raise advanced_only(demand.operator)
            raise unsupported_clause(demand.property, resource)


def _check_size(node: Node) -> None:
    for each in _walk(node):
        size = 0
        if isinstance(each, Or):
            size = len(each.nodes)
        elif isinstance(each, Compare):
            size = len(each.literals)
        if size > MOST_CLAUSES:
            raise bad_request(
                "Too many child clauses specified in search filter expression containing 'OR' "
                f"operators: {size}. Max allowed: {MOST_CLAUSES}.",
                "Request_UnsupportedQuery",
            )


def _walk(node: Node) -> Iterator[Node]:
    yield node
    match node:
        case And(nodes) | Or(nodes):
            for each in nodes:
                yield from _walk(each)
        case Not(inner):
            yield from _walk(inner)
        case AnyOf(_, body) if body is not None:
            yield from _walk(body)
        case _:
            return


def unsupported_clause(name: str, resource: ResourceType) -> GraphError:
    return bad_request(
        f"Unsupported or invalid query filter clause specified for property '{name}' of resource "
        f"'{resource.title}'.",
        "Request_UnsupportedQuery",
    )


def advanced_only(operator: str) -> GraphError:
    return bad_request(
        f"Operator '{operator}' is not supported because the required parameters might be missing. "
        "Try adding $count=true query parameter and ConsistencyLevel:eventual header. Refer to "
        "https://aka.ms/graph-docs/advanced-queries for more information",
        "Request_UnsupportedQuery",
    )


def single_ids(node: Node) -> tuple[str, ...] | None:
    """The ids of `id eq 'a' or id eq 'b'`, or None when the filter is anything else."""
    nodes = node.nodes if isinstance(node, Or) else (node,)
    found = []
    for each in nodes:
        match each:
            case Compare(Term(property=known), "eq", (literal,)) if known.name == "id":
                found.append(str(literal.value))
            case _:
                return None
    return tuple(found)
