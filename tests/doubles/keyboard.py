"""A command's door that leads to the API of a whole house in this process."""

from __future__ import annotations

from urllib.parse import quote

import msgspec

from doubles.api_caller import API, ApiCaller
from jackfield.cli.door import Answer


class HouseDoor:
    """What `jackfield.cli.door` opens, over the ASGI application of a test."""

    def __init__(self, api: ApiCaller) -> None:
        self.api = api
        self.asked: list[tuple[str, str]] = []

    async def ask(self, method: str, path: str, body: object = None, *, tenant: str = "") -> Answer:
        plain, _, query = path.partition("?")
        self.asked.append((method, path))
        headers = {"authorization": f"Bearer {self.api.token}"}
        if tenant:
            headers["jackfield-tenant"] = quote(tenant)
        content = b""
        if body is not None:
            content = msgspec.json.encode(body)
            headers["content-type"] = "application/json"
        answer = await self.api.send(method, f"{API}{plain}", content, headers, query)
        return Answer(answer.status, answer.body if answer.content else None)
