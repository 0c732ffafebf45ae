"""JSON Schema as far as our OpenAPI document uses it: does a value have the described shape?

A keyword it does not know fails, so that nothing is taken for checked that is not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
    "null": (type(None),),
}
_WORDS = {"title", "description", "default", "examples", "deprecated"}
_KNOWN = _WORDS | {
    *("$ref", "type", "enum", "const", "oneOf", "anyOf", "properties", "required", "items"),
    *("additionalProperties", "format", "minimum", "maximum", "minLength", "maxLength", "pattern"),
}


def complaints(value: Any, schema: dict[str, Any], document: dict[str, Any]) -> list[str]:
    """What is wrong with a value, each with its place; unknown properties are wrong too."""
    return list(_check(value, schema, document, "$"))


def _check(value: Any, schema: Any, document: dict[str, Any], at: str) -> Iterator[str]:
    if unknown := set(schema) - _KNOWN:
        yield f"{at}: the schema uses {sorted(unknown)}"
    if ref := schema.get("$ref"):
        yield from _check(value, resolve(ref, document), document, at)
    for word in ("oneOf", "anyOf"):
        if word in schema:
            fitting = [s for s in schema[word] if not [*_check(value, s, document, at)]]
            if not fitting or (word == "oneOf" and len(fitting) > 1):
                yield f"{at}: {value!r} fits {len(fitting)} of {word}"
    yield from _check_plain(value, schema, at)
    if isinstance(value, list) and "items" in schema:
        for index, item in enumerate(value):
            yield from _check(item, schema["items"], document, f"{at}[{index}]")
    if isinstance(value, dict) and ("properties" in schema or "additionalProperties" in schema):
        yield from _check_object(value, schema, document, at)


def _check_plain(value: Any, schema: Any, at: str) -> Iterator[str]:
    kinds = schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if kinds and not any(_is_a(value, kind) for kind in kinds):
        yield f"{at}: {value!r} is no {' or '.join(kinds)}"
    if "enum" in schema and value not in schema["enum"]:
        yield f"{at}: {value!r} is none of {schema['enum']}"
    if "const" in schema and value != schema["const"]:
        yield f"{at}: {value!r} is not {schema['const']!r}"
    if isinstance(value, str):
        if schema.get("format") == "date-time" and datetime.fromisoformat(value).tzinfo is None:
            yield f"{at}: {value!r} says no time zone"
        if not schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", len(value)):
            yield f"{at}: {value!r} has {len(value)} characters"
        if "pattern" in schema and not re.search(schema["pattern"], value):
            yield f"{at}: {value!r} does not fit {schema['pattern']}"
    if isinstance(value, int | float) and not (
        schema.get("minimum", value) <= value <= schema.get("maximum", value)
    ):
        yield f"{at}: {value!r} is out of bounds"


def _check_object(
    value: dict[str, Any], schema: Any, document: dict[str, Any], at: str
) -> Iterator[str]:
    known = schema.get("properties", {})
    for name in schema.get("required", []):
        if name not in value:
            yield f"{at}.{name} is missing"
    for name, part in value.items():
        if name in known:
            yield from _check(part, known[name], document, f"{at}.{name}")
        elif isinstance(other := schema.get("additionalProperties", False), dict):
            yield from _check(part, other, document, f"{at}.{name}")
        elif not other:
            yield f"{at}.{name} is not described"


def resolve(ref: str, document: dict[str, Any]) -> Any:
    """What a local reference stands for. Raises `KeyError` for one that leads nowhere."""
    at: Any = document
    for part in ref.removeprefix("#/").split("/"):
        at = at[part.replace("~1", "/").replace("~0", "~")]
    return at


def _is_a(value: Any, kind: str) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    return isinstance(value, _TYPES[kind])
