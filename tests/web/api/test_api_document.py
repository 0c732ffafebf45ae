"""The OpenAPI document: valid, complete, and nothing in it that is not there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from doubles.api_caller import API, ApiCaller
from doubles.json_schema import resolve

VERBS = {"get", "put", "post", "patch", "delete"}
PICTURES = {f"{API}/people/{{person}}/photo"}
PROBLEM = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for verb, operation in item.items():
            assert verb in VERBS, (path, verb)
            yield verb, path, operation


def references(part: Any) -> Iterator[str]:
    """Every `$ref` of a document."""
    if isinstance(part, dict):
        if isinstance(part.get("$ref"), str):
            yield part["$ref"]
        for value in part.values():
            yield from references(value)
    elif isinstance(part, list):
        for value in part:
            yield from references(value)


async def test_anybody_may_read_it(api: ApiCaller) -> None:
    """A program has to know how to ask before it has a token; it says nothing of this house."""
    with_token = await api.send(
        "GET", "/schema/openapi.json", b"", {"authorization": f"Bearer {api.token}"}
    )
    without = await api.send("GET", "/schema/openapi.json")

    assert with_token.content == without.content
    assert without.headers["content-type"] == "application/vnd.oai.openapi+json"
    assert b"kestrel" not in without.content.lower()


async def test_the_document_is_valid(document: dict[str, Any]) -> None:
    """By the rules of OpenAPI 3.1 that generators of clients depend on."""
    assert document["openapi"].startswith("3.1.")
    assert document["info"]["title"] == "Jackfield"
    assert re.fullmatch(r"\d+\.\d+\.\d+.*", document["info"]["version"])
    assert document["components"]["securitySchemes"] == {
        "token": {"type": "http", "scheme": "bearer"}
    }
    ids = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(ids) == len(set(ids))
    for ref in references(document):
        assert resolve(ref, document) is not None
    unused = set(document["components"]["schemas"]) - {
        ref.rpartition("/")[-1] for ref in references(document)
    }
    assert unused == set()


async def test_every_parameter_of_an_address_is_described(document: dict[str, Any]) -> None:
    """And each is named once, with a type."""
    for verb, path, operation in operations(document):
        parameters = operation.get("parameters", [])
        named = [(one["in"], one["name"]) for one in parameters]
        assert len(named) == len(set(named)), (verb, path)
        in_path = {name for place, name in named if place == "path"}
        assert in_path == set(re.findall(r"{(\w+)}", path)), (verb, path)
        for one in parameters:
            assert one["in"] in {"path", "query", "header"}
            assert one["schema"], (path, one["name"])
            if one["in"] == "path":
                assert one["required"] is True


async def test_every_call_says_what_it_is_and_what_it_answers(document: dict[str, Any]) -> None:
    """A summary, a subject, one typed success, and errors in one form."""
    for verb, path, operation in operations(document):
        place = (verb, path)
        assert path.startswith(f"{API}/"), place
        assert len(operation["summary"]) > 10, place
        assert not operation["summary"].endswith("."), place
        assert len(operation["tags"]) == 1, place
        assert operation["security"] == [{"token": []}], place
        responses = operation["responses"]
        good = [status for status in responses if status < "300"]
        assert len(good) == 1, place
        assert {"400", "401"} <= set(responses), place
        if verb != "get":
            assert "403" in responses, place
        if "{" in path:
            assert "404" in responses, place
        if path in PICTURES:
            assert list(responses[good[0]]["content"]) == ["image/jpeg"], place
        elif good != ["204"]:
            schema = responses[good[0]]["content"]["application/json"]["schema"]
            assert resolve(schema["$ref"], document)["type"] == "object", place
        for status, told in responses.items():
            assert told["description"], place
            if status == "304":
                assert "content" not in told, place
            elif status >= "300":
                assert told["content"] == PROBLEM, place


async def test_every_shape_says_its_types(document: dict[str, Any]) -> None:
    """Nothing is "anything": a generated client knows what it holds."""
    for name, schema in document["components"]["schemas"].items():
        assert schema.get("type") in {"object", "string"}, name
        if schema["type"] == "string":
            assert len(schema["enum"]) > 1, name
            continue
        assert schema["properties"], name
        assert set(schema.get("required", [])) <= set(schema["properties"]), name
        for field, part in schema["properties"].items():
            assert part.keys() & {"type", "$ref", "oneOf", "anyOf", "enum"}, (name, field)


async def test_every_call_about_a_tenant_takes_the_header_that_names_it(
    document: dict[str, Any],
) -> None:
    """A generated client could not reach the second customer without it."""
    without = {
        (verb, path.removeprefix(API))
        for verb, path, operation in operations(document)
        if ("header", "Jackfield-Tenant")
        not in {(one["in"], one["name"]) for one in operation.get("parameters", [])}
    }

    assert without == {
        ("get", "/processes"),
        ("post", "/tenants"),
        ("patch", "/tenants/{tenant}"),
        ("delete", "/tenants/{tenant}"),
        ("get", "/accounts"),
        ("post", "/accounts"),
        ("delete", "/accounts/{name}"),
        ("post", "/accounts/reset-password"),
        ("post", "/key/rotate"),
    }
