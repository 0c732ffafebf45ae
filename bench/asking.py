"""How fast a server answers, asked over connections that are kept, as browsers and Graph keep them.

Each figure is the whole call: the network of this machine, the server's queue, and reading the
answer. `Asking` asks on while something else is measured.
"""

from __future__ import annotations

import http.client
import json
import threading
import time
import urllib.parse
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self

PAGES = ("/", "/users", "/users?q=an", "/users/not-synced", "/journal", "/numbers", "/runs")
NOTICE = {"name": "a notice of the size that Microsoft Graph sends"}
"""What makes the server write one row in a transaction of its own, as a notification does."""


class Caller:
    """One kept connection to a server."""

    def __init__(self, url: str, token: str) -> None:
        self._connection = http.client.HTTPConnection(urllib.parse.urlsplit(url).netloc, timeout=60)
        self._token = token
        self._cookie = ""

    def api(self, method: str, path: str, body: object = None) -> float:
        """A call of the API; returns how many milliseconds it took."""
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        return self._ask(method, f"/api/v1{path}", headers, json.dumps(body) if body else None)

    def sign_in(self, name: str, password: str) -> None:
        """Begin a session in the console."""
        self._connection.request("GET", "/login")
        form_token = _cookies(self._connection.getresponse())
        form = urllib.parse.urlencode({"name": name, "password": password})
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "Cookie": form_token,
            "X-CSRFToken": form_token.partition("=")[2],
        }
        self._connection.request("POST", "/login", form, headers)
        answer = self._connection.getresponse()
        self._cookie = _cookies(answer)
        if answer.status != http.HTTPStatus.SEE_OTHER:
            raise RuntimeError(f"the console let nobody in: {answer.status}")

    def page(self, path: str) -> float:
        """A page of the console; returns how many milliseconds it took."""
        return self._ask("GET", path, {"Cookie": self._cookie}, None)

    def _ask(self, method: str, path: str, headers: dict[str, str], body: str | None) -> float:
        begun = time.perf_counter()
        self._connection.request(method, path, body, headers)
        answer = self._connection.getresponse()
        answer.read()
        took = (time.perf_counter() - begun) * 1000
        if not 200 <= answer.status < 300:
            raise RuntimeError(f"{method} {path} was answered with {answer.status}")
        return took


def _cookies(answer: http.client.HTTPResponse) -> str:
    """What an answer sets, as the next request sends it."""
    answer.read()
    return "; ".join(one.partition(";")[0] for one in answer.headers.get_all("set-cookie", ()))


class Asking:
    """Asks the same things in turn, every so often, in a thread of its own."""

    def __init__(self, asks: Sequence[Callable[[], float]], every_s: float) -> None:
        self.took_ms: list[float] = []
        self._asks = asks
        self._every_s = every_s
        self._stop = threading.Event()
        self._failed: Exception | None = None
        self._thread = threading.Thread(target=self._go)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join()
        if error is None and self._failed is not None:
            raise self._failed

    def _go(self) -> None:
        at = 0
        try:
            while not self._stop.wait(self._every_s):
                self.took_ms.append(self._asks[at % len(self._asks)]())
                at += 1
        except Exception as error:
            self._failed = error


def percentile(took_ms: Sequence[float], share: float) -> float:
    """The time within which so many (0 to 1) of the calls were answered."""
    return sorted(took_ms)[min(len(took_ms) - 1, int(len(took_ms) * share))]
