"""Health, for whoever watches over the process: a load balancer, a supervisor, a container.

The only page of a process without a console. It says nothing worth protecting, so nobody has to be
signed in, and it answers under any name.
"""

from __future__ import annotations

import asyncio
from importlib.metadata import version
from typing import Annotated

import msgspec
from litestar import Litestar, Response, get
from litestar.di import Provide
from litestar.exceptions import HTTPException

from jackfield.store.errors import StoreError
from jackfield.store.schema import INSTALLATION
from jackfield.store.sequences import latest_change
from jackfield.web.doorway import HEALTH, Doorway, dress
from jackfield.web.errors import answer_fault, answer_http
from jackfield.web.rooms import House, Rooms
from jackfield.web.tenancy import PUBLIC

ANSWERED_WITHIN_S = 5.0


class HealthOut(msgspec.Struct):
    """Whether the process can do its work."""

    status: Annotated[str, msgspec.Meta(description="ok, or what is wrong.")]
    version: str
    roles: list[str]
    process: Annotated[str, msgspec.Meta(description="Its slot among its peers; empty on SQLite.")]


@get(HEALTH, opt={PUBLIC: True}, include_in_schema=False)
async def health(house: House) -> Response[HealthOut]:
    """200 while the database answers, else 503."""
    trouble = ""
    try:
        async with asyncio.timeout(ANSWERED_WITHIN_S), house.database.read() as tx:
            await latest_change(tx, INSTALLATION)
    except (StoreError, TimeoutError):
        # Where the database stands is not for whoever asks; the log says it.
        trouble = "The database does not answer."
    out = HealthOut(trouble or "ok", version("jackfield"), list(house.roles), house.process_name())
    return Response(out, status_code=503 if trouble else 200)


def build_health_site(house: Rooms) -> Litestar:
    """The application of a process without a console: health, and nothing else."""
    site = Litestar(
        [health],
        dependencies={"house": Provide(lambda: house, sync_to_thread=False)},
        exception_handlers={HTTPException: answer_http, Exception: answer_fault},
        before_send=[dress(house.settings)],
        openapi_config=None,
        logging_config=None,
        debug=False,
    )
    site.asgi_handler = Doorway(site.asgi_handler, house.settings)
    return site
