"""What stands around every page of the console: who looks, what is wrong, what is under way."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from litestar import Request
from litestar.response import Template

from jackfield.flows.runs import GROUPS, NO_GROUPS
from jackfield.flows.signin import Viewer
from jackfield.store.alarms import Alarm, open_alarms
from jackfield.store.runs import UNDER_WAY, StoredRun, list_runs
from jackfield.store.sequences import latest_change
from jackfield.store.tenants import Connection, Tenant, load_connection
from jackfield.store.transaction import Transaction
from jackfield.web.rooms import Rooms
from jackfield.web.security import ADMINISTRATORS
from jackfield.web.tenancy import chosen_tenant, seen_tenants

AnyRequest = Request[Viewer, Any, Any]


@dataclass(frozen=True, slots=True)
class Frame:
    """The state that every page shows or needs."""

    connection: Connection | None
    alarms: tuple[Alarm, ...]
    running: tuple[StoredRun, ...]
    seen: int
    """The latest change this page can have seen; the live stream goes on from there."""
    now: datetime

    @property
    def groups_alarm(self) -> Alarm | None:
        """Set while groups cannot be read, e.g. because the consent is older than the feature."""
        kinds = {GROUPS, NO_GROUPS}
        return next((alarm for alarm in self.alarms if alarm.kind in kinds), None)


async def load_frame(tx: Transaction, house: Rooms) -> Frame:
    """The frame as of one moment."""
    tenant = house.tenant
    return Frame(
        connection=await load_connection(tx, tenant),
        alarms=await open_alarms(tx, tenant),
        running=await list_runs(tx, tenant, status=UNDER_WAY, limit=5),
        seen=await latest_change(tx, tenant),
        now=house.clock.now(),
    )


@dataclass(frozen=True, slots=True)
class Switch:
    """What stands in the header of somebody who sees several tenants."""

    tenants: tuple[Tenant, ...]
    current: Tenant | None
    """None on pages about all of them."""
    may_add: bool


def switch_of(request: AnyRequest) -> Switch:
    """The switch between tenants, as whoever asks may use it."""
    seen = seen_tenants(request)
    chosen = chosen_tenant(request)
    current = next((one for one in seen if one.number == chosen), None)
    return Switch(seen, current, request.scope["user"].sees_all)


def show(
    template: str,
    request: AnyRequest,
    frame: Frame,
    here: str,
    *,
    status: int = 200,
    **context: Any,
) -> Template:
    """A page (or a part of one) inside the frame."""
    return Template(
        template,
        context={
            "viewer": request.scope["user"],
            "looks_only": only_looks(request),
            "frame": frame,
            "here": here,
            "switch": switch_of(request),
            **context,
        },
        status_code=status,
    )


def only_looks(request: AnyRequest) -> bool:
    """Whether whoever asks may change nothing: what would be refused is offered disabled."""
    return request.scope["user"].role not in ADMINISTRATORS


def by_script(request: AnyRequest) -> bool:
    """Whether the page's script asks, which puts the answer into the page."""
    return request.headers.get("hx-request") == "true"


def show_question(
    name: str,
    request: AnyRequest,
    frame: Frame,
    here: str,
    *,
    status: int = 200,
    **context: Any,
) -> Template:
    """A question: a dialog where there is a script, a page of its own where there is none.

    The templates are `name` as a page, as a dialog (`_name`) and as its form, when it comes back
    (`_name_form`). A script takes any answer, but a browser's console would call a refusal a
    failure.
    """
    dialog = by_script(request)
    part = f"_{name}_form.html" if request.method == "POST" else f"_{name}.html"
    return show(
        part if dialog else f"{name}.html",
        request,
        frame,
        here,
        status=200 if dialog else status,
        dialog=dialog,
        **context,
    )


def triggering(events: Mapping[str, str]) -> dict[str, str]:
    """The header by which a page gets `events` of its script, each with its text.

    Names of people stand in such texts, and a header takes ASCII only.
    """
    return {"hx-trigger": json.dumps(dict(events))}


def wants_part(request: AnyRequest, part: str) -> bool:
    """Whether htmx asks for one part of the page only, by the id of that part."""
    return by_script(request) and request.headers.get("hx-target") == part
