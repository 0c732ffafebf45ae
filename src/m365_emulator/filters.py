"""The `$filter` language as the directory speaks it: text to tree, tree to predicate.

A tokeniser and a recursive-descent parser make a typed tree; comparison follows Microsoft's rules
(text without regard to case, GUIDs and moments by value, nothing equals only null). What a query
may ask of which property, and what needs the advanced-query header, is in `filter_support.py`.
Source: OData 4.01 URL conventions 5.1.1; Graph docs, concepts/filter-query-parameter, 2026-11.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NoReturn, assert_never

from m365_emulator.clock import stamp
from m365_emulator.errors import GraphError, bad_request
from m365_emulator.resources import EdmType, Property, ResourceType

Scalar = str | bool | int | None
Predicate = Callable[[Any], bool]

COMPARISONS = ("eq", "ne", "gt", "ge", "lt", "le")
_KINDS = {"eq": "Equal", "ne": "NotEqual", "gt": "GreaterThan", "ge": "GreaterThanOrEqual"} | {
    "lt": "LessThan",
    "le": "LessThanOrEqual",
}
_FUNCTIONS = {"startswith": "startsWith", "endswith": "endsWith", "contains": "contains"}


@dataclass(frozen=True, slots=True)
class Literal:
    """A constant; `type` None is null. Text is folded, GUIDs are lower case, moments ISO in UTC."""

    type: EdmType | None
    value: Scalar


@dataclass(frozen=True, slots=True)
class Term:
    """What is compared: a property, a part of a collection's element, or a collection's size.

    `part` is the member of the element, and `element` says that the term is inside a lambda.
    """

    property: Property
    type: EdmType
    element: bool = False
    part: str | None = None
    counted: bool = False


@dataclass(frozen=True, slots=True)
class Compare:
    """`displayName eq 'x'`, and `in` as a comparison with several literals."""

    term: Term
    operator: str
    literals: tuple[Literal, ...]


@dataclass(frozen=True, slots=True)
class Matches:
    """`startsWith(mail,'x')`, `endsWith(...)` or `contains(...)`."""

    term: Term
    function: str
    text: str


@dataclass(frozen=True, slots=True)
class AnyOf:
    """`proxyAddresses/any(p:...)`: some element fits, or without a body, there is one at all."""

    property: Property
    body: "Node | None"


@dataclass(frozen=True, slots=True)
class Not:
    """The node does not hold."""

    node: "Node"


@dataclass(frozen=True, slots=True)
class And:
    """All nodes hold."""

    nodes: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Or:
    """Some node holds."""

    nodes: tuple["Node", ...]


Node = Compare | Matches | AnyOf | Not | And | Or


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    at: int


_TOKEN = re.compile(
    r"(?P<space>\s+)"
    r"|(?P<text>'(?:[^']|'')*')"
    r"|(?P<guid>[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12})(?![\w-])"
    r"|(?P<moment>\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d))?)(?![\w-])"
    r"|(?P<number>-?\d+)(?![\w.])"
    r"|(?P<word>\$?[A-Za-z_][A-Za-z0-9_.]*)"
    r"|(?P<mark>[(),/:])"
)


def _tokens(text: str) -> list[_Token]:
    found, at = [], 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None or match.lastgroup is None:
            if text[at] == "'":
                raise _invalid(
                    f"There is an unterminated string literal at position {at} in '{text}'."
                )
            raise _invalid(
                f"Syntax error: character '{text[at]}' is not valid at position {at} in '{text}'."
            )
        if match.lastgroup != "space":
            found.append(_Token(match.lastgroup, match.group(), at))
        at = match.end()
    return found


def _invalid(reason: str) -> GraphError:
    return bad_request(f"Invalid filter clause: {reason}", "BadRequest")


class _Parser:
    def __init__(self, text: str, resource: ResourceType) -> None:
        self._text = text
        self._resource = resource
        self._tokens = _tokens(text)
        self._at = 0
        self._lambda: tuple[str, Property] | None = None

    def parse(self) -> Node:
        node = self._or()
        if self._at < len(self._tokens):
            self._fail()
        return node

    def _fail(self) -> NoReturn:
        at = self._tokens[self._at].at if self._at < len(self._tokens) else len(self._text)
        raise _invalid(f"Syntax error at position {at} in '{self._text}'.")

    def _peek(self, kind: str) -> str | None:
        """The text of the next token, if it is of that kind."""
        if self._at < len(self._tokens) and self._tokens[self._at].kind == kind:
            return self._tokens[self._at].text
        return None

    def _word_is(self, *words: str) -> str | None:
        """Take the next token if it is one of these words, in any case."""
        folded = (self._peek("word") or "").lower()
        if folded not in words:
            return None
        self._at += 1
        return folded

    def _mark_is(self, mark: str) -> bool:
        if self._peek("mark") != mark:
            return False
        self._at += 1
        return True

    def _take(self, kind: str) -> str:
        text = self._peek(kind)
        if text is None:
            self._fail()
        self._at += 1
        return text

    def _expect(self, mark: str) -> None:
        if not self._mark_is(mark):
            self._fail()

    def _or(self) -> Node:
        nodes = [self._and()]
        while self._word_is("or"):
            nodes.append(self._and())
        return nodes[0] if len(nodes) == 1 else Or(tuple(nodes))

    def _and(self) -> Node:
        nodes = [self._unary()]
        while self._word_is("and"):
            nodes.append(self._unary())
        return nodes[0] if len(nodes) == 1 else And(tuple(nodes))

    def _unary(self) -> Node:
        if self._word_is("not"):
            return Not(self._unary())
        if self._mark_is("("):
            node = self._or()
            self._expect(")")
            return node
        word = self._peek("word")
        if word and word.lower() in _FUNCTIONS and self._is_call():
            return self._function()
        return self._comparison()

    def _is_call(self) -> bool:
        following = self._tokens[self._at + 1 : self._at + 2]
        return bool(following) and following[0].text == "("

    def _function(self) -> Node:
        function = _FUNCTIONS[self._take("word").lower()]
        self._expect("(")
        term = self._path()
        if not isinstance(term, Term):
            self._fail()
        self._expect(",")
        literal = self._literal()
        self._expect(")")
        if term.type is not EdmType.STRING or literal.type is not EdmType.STRING:
            raise _invalid(
                f"No function signature for the function with name '{function.lower()}' matches "
                "the specified arguments."
            )
        node: Node = Matches(term, function, str(literal.value))
        # OData lets one spell out that the function is to be true or false.
        if self._word_is("eq"):
            wanted = self._literal()
            if wanted.type is not EdmType.BOOLEAN:
                self._fail()
            return node if wanted.value else Not(node)
        return node

    def _comparison(self) -> Node:
        path = self._path()
        if isinstance(path, AnyOf):
            return path
        if self._word_is("in"):
            self._expect("(")
            literals = [self._literal()]
            while self._mark_is(","):
                literals.append(self._literal())
            self._expect(")")
            for literal in literals:
                _check_types(path, "eq", literal)
            return Compare(path, "in", tuple(literals))
        operator = self._word_is(*COMPARISONS)
        if operator is None:
            self._fail()
        literal = self._literal()
        _check_types(path, operator, literal)
        return Compare(path, operator, (literal,))

    def _path(self) -> Term | AnyOf:
        name = self._take("word")
        if self._lambda and name == self._lambda[0]:
            return self._element(self._lambda[1])
        known = self._resource.find(name)
        if known is None:
            raise _invalid(
                f"Could not find a property named '{name}' on type "
                f"'microsoft.graph.{self._resource.name}'."
            )
        if not self._mark_is("/"):
            if known.is_collection:
                self._fail()
            return Term(known, known.type)
        if not known.is_collection:
            self._fail()
        if self._word_is("$count"):
            return Term(known, EdmType.INT32, counted=True)
        if self._word_is("any") is None:
            self._fail()
        return self._any(known)

    def _element(self, known: Property) -> Term:
        if not self._mark_is("/"):
            return Term(known, known.type, element=True)
        name = self._take("word")
        part = next((each for each in known.parts if each.lower() == name.lower()), None)
        if part is None:
            raise _invalid(f"Could not find a property named '{name}' on '{known.name}'.")
        return Term(known, known.parts[part], element=True, part=part)

    def _any(self, known: Property) -> AnyOf:
        self._expect("(")
        if self._mark_is(")"):
            return AnyOf(known, None)
        if self._lambda:
            self._fail()
        variable = self._take("word")
        self._expect(":")
        self._lambda = (variable, known)
        body = self._or()
        self._lambda = None
        self._expect(")")
        return AnyOf(known, body)

    def _literal(self) -> Literal:
        if self._at >= len(self._tokens):
            self._fail()
        token = self._tokens[self._at]
        self._at += 1
        match token.kind:
            case "text":
                return Literal(EdmType.STRING, token.text[1:-1].replace("''", "'").casefold())
            case "guid":
                return Literal(EdmType.GUID, token.text.lower())
            case "moment":
                return Literal(EdmType.MOMENT, _moment(token.text))
            case "number":
                return Literal(EdmType.INT32, int(token.text))
            case "word" if token.text.lower() in _CONSTANTS:
                return _CONSTANTS[token.text.lower()]
        self._at -= 1
        return self._fail()


_CONSTANTS: Mapping[str, Literal] = {
    "true": Literal(EdmType.BOOLEAN, value=True),
    "false": Literal(EdmType.BOOLEAN, value=False),
    "null": Literal(None, None),
}


def _moment(text: str) -> str:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise _invalid(f"Unrecognized 'Edm.DateTimeOffset' literal '{text}'.") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return stamp(moment)


def _check_types(term: Term, operator: str, literal: Literal) -> None:
    if literal.type is None and not term.counted:
        return
    if literal.type is not term.type:
        found = literal.type.value if literal.type else "<null>"
        raise _invalid(
            "A binary operator with incompatible types was detected. Found operand types "
            f"'{term.type.value}' and '{found}' for operator kind '{_KINDS[operator]}'."
        )


def parse_filter(text: str, resource: ResourceType) -> Node:
    """The tree of a `$filter`; GraphError 400 as Graph words it when it cannot be read."""
    return _Parser(text, resource).parse()


def predicate_of(node: Node) -> Predicate:
    """The tree as a function from a stored object to yes or no."""
    match node:
        case And(nodes):
            alls = [predicate_of(each) for each in nodes]
            return lambda subject: all(each(subject) for each in alls)
        case Or(nodes):
            some = [predicate_of(each) for each in nodes]
            return lambda subject: any(each(subject) for each in some)
        case Not(inner):
            negated = predicate_of(inner)
            return lambda subject: not negated(subject)
        case AnyOf(known, body):
            read = known.read
            if body is None:
                return lambda subject: bool(read(subject))
            fits = predicate_of(body)
            return lambda subject: any(fits(element) for element in read(subject))
        case Matches(term, function, text):
            value = _value_of(term)
            return _matcher(value, function, text)
        case Compare(term, operator, literals):
            return _comparer(_value_of(term), operator, [each.value for each in literals])
        case _:
            assert_never(node)


def _value_of(term: Term) -> Callable[[Any], Scalar]:
    """A function from what the term is applied to (object or element) to a comparable value."""
    read = term.property.read
    if term.counted:
        return lambda subject: len(read(subject))
    if not term.element:
        return lambda subject: _folded(read(subject))
    if term.part is None:
        return _folded
    attribute = re.sub(r"(?<!^)(?=[A-Z])", "_", term.part).lower()
    return lambda element: _folded(getattr(element, attribute))


def _folded(value: Any) -> Scalar:
    return value.casefold() if isinstance(value, str) else value


def _matcher(value: Callable[[Any], Scalar], function: str, text: str) -> Predicate:
    match function:
        case "startsWith":
            return lambda subject: str(value(subject) or "").startswith(text)
        case "endsWith":
            return lambda subject: str(value(subject) or "").endswith(text)
        case _:
            return lambda subject: text in str(value(subject) or "")


def _comparer(value: Callable[[Any], Scalar], operator: str, wanted: list[Scalar]) -> Predicate:
    folded = [_folded(each) for each in wanted]
    first = folded[0]
    match operator:
        case "eq" | "in":
            return lambda subject: value(subject) in folded
        case "ne":
            return lambda subject: value(subject) != first

    def ordered(subject: Any) -> bool:
        found = value(subject)
        # Null and anything else have no order, so every such comparison is false.
        if found is None or first is None:
            return False
        match operator:
            case "gt":
                return bool(found > first)  # type: ignore[operator]  # types were checked
            case "ge":
                return bool(found >= first)  # type: ignore[operator]  # types were checked
            case "lt":
                return bool(found < first)  # type: ignore[operator]  # types were checked
            case _:
                return bool(found <= first)  # type: ignore[operator]  # types were checked

    return ordered
